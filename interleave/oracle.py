"""The oracle: brute force beside the reduction, and traces told without the explorer's code.

The trace of an execution is worked out here in the plainest way, event by event against all events
before it, so that a mistake in clocks, sleep sets or wakeup trees cannot hide in both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interleave.core.dependence import CLOCK, EVERYTHING, READ, WORLD, WRITE, dependent, strongest
from interleave.core.outcome import Deadlocked, Raised, Returned
from interleave.core.outcomes import are_equal, shown
from interleave.core.steps import Choose, Fail
from interleave.exploration import Witness
from interleave.judging import describe_deadlock, describe_error
from interleave.strategies.wrapping import Wrapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interleave.core.dependence import Footprint
    from interleave.core.execution import Execution
    from interleave.core.operation import Operation
    from interleave.core.outcomes import Entry
    from interleave.core.strategy import Strategy
    from interleave.exploration import Exploration, Found

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
    if type(events[last]) is not Fail and isinstance(execution.ending, Returned | Raised):
        footprints[last] = (*footprints[last], (WORLD, WRITE))
    return footprints


def _footprint_of(event: Operation, execution: Execution, index: int, time: str) -> Footprint:
    if type(event) is Fail:
        return EVERYTHING
    touches = list(event.footprint())
    for inner in execution.inside.get(index, ()):
        touches.extend(inner.footprint())
    if event.task.daemon:
        touches.append((WORLD, READ))
    if time != "free":
        moves = event.timeout is not None and (time == "ordered" or not event.timeout)
        touches.append((CLOCK, WRITE if moves else READ))
    return strongest(touches)


# -- comparing two strategies ---------------------------------------------------------------------


@dataclass(slots=True)
class Traced:
    """A trace that was run: how it ended, in words, the first execution of it, and how many."""

    ending: str
    witness: Witness
    count: int = 1


class Tracing(Wrapping):
    """Lets another strategy choose, and notes the trace of every execution that it has run."""

    def __init__(self, inner: Strategy, time: str, observe: str) -> None:
        super().__init__(inner)
        self.noting = True  # a trace tells also what code of the program did inside an operation
        self.traces: dict[int, Traced] = {}  # by a hash: a million traces take much room
        self.unlike: list[tuple[Witness, str, str]] = []  # equal traces that did not end alike
        self._time = time
        self._output = observe == "output"
        self._runs = 0

    def end(self, execution: Execution) -> bool:
        """Note the trace, unless the execution was cut or is redundant."""
        redundant = self.inner.end(execution)
        if not redundant and isinstance(execution.ending, Returned | Raised | Deadlocked):
            self._note(execution)
        self._runs += 1
        return redundant

    def _note(self, execution: Execution) -> None:
        trace = hash(trace_of(execution, self._time))
        ending = self._told(execution)
        known = self.traces.get(trace)
        if known is None:
            self.traces[trace] = Traced(ending, Witness.of(execution, self._runs))
            return
        known.count += 1
        if known.ending != ending:
            self.unlike.append((Witness.of(execution, self._runs), known.ending, ending))

    def _told(self, execution: Execution) -> str:
        ending = execution.ending
        if isinstance(ending, Returned):
            return f"returned {shown(execution.output if self._output else ending.value)}"
        if isinstance(ending, Raised):
            return describe_error(ending)
        assert isinstance(ending, Deadlocked)
        return f"deadlock: {describe_deadlock(ending.waiting)}"


@dataclass(frozen=True, slots=True)
class Side:
    """What one strategy has shown."""

    name: str
    exploration: Exploration
    tracing: Tracing
    complete: bool  # whether it came to its end, and nothing was cut


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that two strategies do not agree on, with an execution that shows it."""

    message: str
    witness: Witness | None


def differences(brute: Side, reduced: Side) -> Iterator[Difference]:
    """Yield what a reduction and brute force do not agree on.

    What one has found and the other has not counts where the other came to its end.
    """
    for side in (brute, reduced):
        for witness, one, other in side.tracing.unlike:
            message = f"{side.name} has run one trace twice, and it ended as {one!r} and {other!r}"
            yield Difference(message, witness)
    for one_side, other_side in ((brute, reduced), (reduced, brute)):
        if other_side.complete:
            yield from _missing(one_side, other_side)
    for trace, traced in reduced.tracing.traces.items():
        known = brute.tracing.traces.get(trace)
        if known is not None and known.ending != traced.ending:
            message = (
                f"a trace ended as {traced.ending!r} in {reduced.name}, and as {known.ending!r} in "
                f"{brute.name}"
            )
            yield Difference(message, traced.witness)
    twice = [traced for traced in reduced.tracing.traces.values() if traced.count > 1]
    if twice:
        number = len(twice)
        message = f"{reduced.name} has run {number} trace{'s' * (number > 1)} more than once"
        yield Difference(message, twice[0].witness)


def _missing(side: Side, other: Side) -> Iterator[Difference]:
    """Yield what the one has found and the other has not."""
    missing = [
        traced for trace, traced in side.tracing.traces.items() if trace not in other.tracing.traces
    ]
    if missing:
        number = len(missing)
        message = (
            f"{side.name} has run {number} trace{'s' * (number > 1)} that {other.name} has not"
        )
        yield Difference(message, missing[0].witness)
    for entry in side.exploration.outcomes:
        if not any(_are_one(entry, known) for known in other.exploration.outcomes):
            message = f"the outcome {entry.text} came out in {side.name} and not in {other.name}"
            yield Difference(message, entry.witness)
    known = {named for found in other.exploration.failures for named in _named(found)}
    for found in side.exploration.failures:
        for kind, said in _named(found):
            if (kind, said) not in known:
                message = (
                    f"the failure {kind} was found by {side.name} and not by {other.name}: {said}"
                )
                # What is counted with another failure has no witness of its own.
                yield Difference(message, found.witness if said == found.message else None)


def _are_one(one: Entry, other: Entry) -> bool:
    if one.text == other.text:
        return True
    return type(one.value) is type(other.value) and are_equal(one.value, other.value)


def _named(found: Found) -> list[tuple[str, str]]:
    return [(kind, message) for kind, message, _ in found.identities]
