"""The oracle: brute force beside the reduction, and traces told without the explorer's code.

The trace of an execution is worked out here in the plainest way, event by event against all events
before it, so that a mistake in clocks, sleep sets or wakeup trees cannot hide in both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from interleave.core.dependence import CLOCK, EVERYTHING, READ, WORLD, WRITE, dependent, strongest
from interleave.core.operation import Choose
from interleave.core.outcome import Raised, Returned

if TYPE_CHECKING:
    from interleave.core.dependence import Footprint
    from interleave.core.execution import Execution
    from interleave.core.operation import Operation

Name = tuple[tuple[int, ...], int]
"""An event: the path of its task, and the how manieth of the task it is."""

Trace = frozenset[tuple[Name, str, int, int, frozenset[Name]]]
"""For each event its kind, the value that it chose, how often the shared clock had moved, and the
earlier events of other tasks that it depends on."""


def trace_of(execution: Execution, time: str) -> Trace:
    """Return what all equivalent executions, and only those, have in common."""
    footprints = footprints_of(execution, time)
    names: list[Name] = []
    counts: dict[tuple[int, ...], int] = {}
    told = []
    for index, event in enumerate(execution.events):
        path = event.task.path
        counts[path] = counts.get(path, -1) + 1
        names.append((path, counts[path]))
        before = frozenset(
            names[other]
            for other in range(index)
            if names[other][0] != path and dependent(footprints[index], footprints[other])
        )
        value = event.value if isinstance(event, Choose) else -1
        moves = sum(1 for at, _ in execution.moves if at <= index)
        told.append((names[index], event.kind, value, moves, before))
    return frozenset(told)


def footprints_of(execution: Execution, time: str) -> list[Footprint]:
    """Return what each event touched, with what the end and the shared clock make of it."""
    events = execution.events
    footprints = [
        _footprint_of(event, execution, index, time) for index, event in enumerate(events)
    ]
    last = max(index for index, event in enumerate(events) if not event.glued)
    if isinstance(execution.ending, Raised):
        footprints[last] = EVERYTHING
    elif isinstance(execution.ending, Returned):
        footprints[last] = (*footprints[last], (WORLD, WRITE))
    return footprints


def _footprint_of(event: Operation, execution: Execution, index: int, time: str) -> Footprint:
    touches = list(event.footprint())
    for inner in execution.inside.get(index, ()):
        touches.extend(inner.footprint())
    if event.task.daemon:
        touches.append((WORLD, READ))
    if time != "free":
        moves = event.timeout is not None and (time == "ordered" or not event.timeout)
        touches.append((CLOCK, WRITE if moves else READ))
    return strongest(touches)
