"""Which states an execution passes through, told by the trace that leads there.

Two beginnings of executions with the same events, in whatever order of those that are independent,
lead to the same state: what is possible from there need be looked at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from interleave.core.dependence import ADD, CLOCK, READ, WRITE, Key, strongest
from interleave.core.steps import Choose

if TYPE_CHECKING:
    from interleave.core.dependence import Footprint
    from interleave.core.execution import Execution
    from interleave.core.operation import Operation

_WRITTEN, _READ, _ADDED = range(3)


def states_of(execution: Execution, time: str) -> list[int]:
    """Return for each number of events, from 0, a number that stands for the state after them.

    It is made from hashes: of each event with those that it depends on. They are the same within a
    process, and nothing but the comparison of two of them may depend on them.
    """
    state = 0
    states = [state]
    of_task: dict[int, int] = {}
    table: dict[Key, list[int]] = {}  # of a location: who wrote it last, who has read it and added
    moves = [at for at, _ in execution.moves]
    for index, event in enumerate(execution.events):
        task = event.task.number
        before = [sum(at <= index for at in moves)]
        footprint = _footprint(event, execution, index, time)
        for key, mode in footprint:
            known = table.setdefault(key, [0, 0, 0])
            before.append(known[_WRITTEN])
            if mode != READ:
                before.append(known[_READ])
            if mode != ADD:
                before.append(known[_ADDED])
        value = event.value if isinstance(event, Choose) else -1
        told = hash((task, of_task.get(task, 0), value, tuple(before)))
        for key, mode in footprint:
            if mode == WRITE:
                table[key] = [told, 0, 0]
            else:
                table[key][_READ if mode == READ else _ADDED] ^= told
        of_task[task] = told
        state ^= told
        states.append(state)
    return states


def _footprint(event: Operation, execution: Execution, index: int, time: str) -> Footprint:
    touches = [*event.footprint()]
    for inner in execution.inside.get(index, ()):
        touches.extend(inner.footprint())
    if time != "free":  # a clock that all share
        moves = event.timeout is not None and (time == "ordered" or not event.timeout)
        touches.append((CLOCK, WRITE if moves else READ))
    return strongest(touches)
