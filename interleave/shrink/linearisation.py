"""Another order of the same trace, with fewer preemptions: nothing is run to find it.

Independent neighbours may change places, and what the program does stays the same. So every order
of the events that respects happens-before is an execution with the same trace, and the one with the
fewest preemptions, then the fewest switches, is looked for among them.
"""

from __future__ import annotations

from bisect import bisect_left
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from interleave.core.dependence import READ
from interleave.core.steps import End
from interleave.strategies.happens_before import HappensBefore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interleave.core.dependence import Key
    from interleave.core.execution import Execution
    from interleave.core.operation import Operation

MOST_STATES = 3_000
"""So many states are looked at to find the best order; a longer trace gets a good one."""

_State = tuple[tuple[int, ...], int]
"""How many events of each task are done, and the task that did the last."""


def fewest_preemptions(execution: Execution, time: str) -> tuple[int, ...]:
    """Return an order of an execution's events as turns: for each schedule point a task's number.

    Which task could go on at a switch is worked out, not seen: run it to know what it costs.
    """
    trace = _Trace(execution, time)
    road = _cheapest(trace)
    if road is None:
        road = _longest_runs(trace)
    return tuple(road)


class _Trace:
    """The events of an execution that are schedule points, by task, and what comes before each."""

    def __init__(self, execution: Execution, time: str) -> None:
        self.order = HappensBefore(time)
        self.order.extend(execution)
        self.events = execution.events
        self.of_task: list[list[int]] = [[] for _ in range(execution.known_tasks)]
        place: list[int] = []  # of each event among those of its task
        for index, event in enumerate(self.events):
            mine = self.of_task[event.task.number]
            if not event.glued:
                mine.append(index)
            place.append(len(mine))
        # For each event how many events of each task must be done.
        self.needs: list[list[int]] = [
            [0 if last < 0 else place[last] for last in clock] for clock in self.order.clocks
        ]
        # Which events change a location, by task: what is asked of a state is asked often.
        self.changing: dict[Key, dict[int, list[int]]] = {}
        for index, footprint in enumerate(self.order.footprints):
            for key in {met: None for met, mode in footprint if mode != READ}:
                of_key = self.changing.setdefault(key, {})
                of_key.setdefault(self.order.tasks[index], []).append(index)
        self.ends = [
            (index, event.task.born)
            for index, event in enumerate(self.events)
            if self.order.kinds[index] is End and not event.task.daemon
        ]
        self.left = {task.number: op for task, op in execution.pending}
        self.total = tuple(map(len, self.of_task))

    def next_of(self, done: tuple[int, ...], task: int) -> int | None:
        """Return the next event of a task; none if there is none left, or it must wait."""
        mine = self.of_task[task]
        if done[task] == len(mine):
            return None
        index = mine[done[task]]
        needs = self.needs[index]
        for other, needed in enumerate(needs):
            if other != task and done[other] < needed:
                return None
        return index

    def able(self, done: tuple[int, ...], task: int) -> bool:
        """Whether a task could go on: then leaving it is a preemption."""
        mine = self.of_task[task]
        op: Operation | None
        if done[task] == len(mine):
            op = self.left.get(task)
            if op is None:
                return False
        elif self.next_of(done, task) is not None:
            return True
        else:
            op = self.events[mine[done[task]]]
        if not op.guarded:
            return True
        past = _Cut(self, done, op)
        return op.enabled_in(past) or (op.timeout is not None and op.can_expire_in(past))


class _Cut:
    """The state in which some events of a trace are done and the others are not."""

    def __init__(self, trace: _Trace, done: tuple[int, ...], op: Operation) -> None:
        self.trace = trace
        self.op = op
        # The first event of each task, glued ones included, that is not done.
        self.upto = [
            mine[count] if count < len(mine) else len(trace.events)
            for mine, count in zip(trace.of_task, done, strict=True)
        ]

    def of(self, item: Any) -> Any:
        """Return the snapshot of an object as it is then."""
        changing = self.trace.changing.get(item.key, {})
        done = {task: bisect_left(of_task, self.upto[task]) for task, of_task in changing.items()}
        events = self.trace.events
        first = min(
            (
                of_task[done[task]]
                for task, of_task in changing.items()
                if done[task] < len(of_task)
            ),
            default=None,
        )
        if first is None:
            return self.op.before(item)
        state = events[first].before(item)
        # What only adds may be done although an earlier one is not.
        for index in sorted(
            index
            for task, of_task in changing.items()
            for index in of_task[bisect_left(of_task, first) : done[task]]
        ):
            state = events[index].after_added(item, state)
        return state

    def changed(self, key: Key, since: int) -> bool:
        """Whether a location has been changed, after the event at an index, which looked at it."""
        for task, of_task in self.trace.changing.get(key, {}).items():
            after = bisect_left(of_task, since + 1)
            if after < len(of_task) and of_task[after] < self.upto[task]:
                return True
        return False

    def all_ended(self, living: Sequence[int]) -> bool:
        """Whether no thread that is no daemon runs: has been started, and has not ended.

        `living` are the events that have started those which never end in the trace.
        """
        running = [*living, *(born for end, born in self.trace.ends if not self._is_done(end))]
        return not any(self._is_done(born) for born in running)

    def _is_done(self, index: int) -> bool:
        return index < self.upto[self.trace.order.tasks[index]]


def _cheapest(trace: _Trace) -> list[int] | None:
    """Return the best order, by Dijkstra's algorithm; none where there are too many states."""
    start: _State = (tuple(1 if index == 0 else 0 for index in range(len(trace.total))), 0)
    best: dict[_State, tuple[int, int]] = {start: (0, 0)}
    came: dict[_State, _State] = {}
    heap = [((0, 0), 0, start)]
    count = 0
    while heap:
        cost, _, state = heappop(heap)
        if cost > best[state]:
            continue
        done, current = state
        if done == trace.total:
            return _road(came, state)
        if len(best) > MOST_STATES:
            return None
        able: bool | None = None
        for task in range(len(done)):
            if trace.next_of(done, task) is None:
                continue
            price = cost
            if task != current:
                if able is None:
                    able = trace.able(done, current)
                price = cost[0] + able, cost[1] + 1
            after = _after(done, task, 1), task
            if after not in best or price < best[after]:
                best[after] = price
                came[after] = state
                count += 1
                # Of equal ones the deepest first: what is found last is gone on with.
                heappush(heap, (price, -count, after))
    return None


def _road(came: dict[_State, _State], state: _State) -> list[int]:
    road = [state[1]]
    while state in came:
        state = came[state]
        road.append(state[1])
    road.reverse()
    return road


def _longest_runs(trace: _Trace) -> list[int]:
    """Return an order in which each task goes on as long as it can; next is who can longest."""
    done = tuple(0 for _ in trace.total)
    road: list[int] = []
    while done != trace.total:
        length, task = max(
            (_length_of_run(trace, done, task), -task) for task in range(len(trace.total))
        )
        assert length  # the first event that is not done can always go
        done = _after(done, -task, length)
        road.extend([-task] * length)
    return road


def _length_of_run(trace: _Trace, done: tuple[int, ...], task: int) -> int:
    length = 0
    while trace.next_of(done, task) is not None:
        done = _after(done, task, 1)
        length += 1
    return length


def _after(done: tuple[int, ...], task: int, count: int) -> tuple[int, ...]:
    return (*done[:task], done[task] + count, *done[task + 1 :])
