"""Where a timed wait could have come earlier, with the time mode `ordered`.

There a wait whose time is over may end only if no other one, that cannot go on, ends before it. So
whatever lets another task wait with an earlier deadline, or makes it wait on, keeps the first one
from ending. Two events that do so need not depend on each other, and nothing but the loss of both
of them may help. Hence it is not enough to look at what would be if one event had not been: all
events that must not be are looked for together.

Such a wait depends on everything. So what happened before it is all that was run before it, and
what was run later comes of it.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any

from interleave.core.dependence import CLOCK, READ, WRITE, Footprint
from interleave.core.steps import Choose
from interleave.strategies.happens_before import Before

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interleave.core.dependence import Key
    from interleave.core.operation import Operation, Place
    from interleave.strategies.happens_before import HappensBefore, Timed

Step = tuple[int, Footprint, int | None]
"""An event to come: the number of its task, its footprint, and the value it chooses, if any."""

_Cut = tuple[int, ...]
"""A beginning of an execution: for each task the index of the first event that is not in it."""


class EarlierWaits:
    """Looks for the places where the timed waits of an execution could have come earlier."""

    def __init__(self, order: HappensBefore) -> None:
        self._order = order
        self._of_task: list[list[int]] = [[] for _ in range(order.execution.known_tasks)]
        self._changers: dict[Key, list[int]] = {}  # by location: the events that have changed it
        self._writers: set[tuple[Key, int]] = set()  # those of them that no other one commutes with
        for index, (task, footprint) in enumerate(zip(order.tasks, order.footprints, strict=True)):
            self._of_task[task].append(index)
            for key, mode in footprint:
                if mode != READ and key != CLOCK:
                    self._changers.setdefault(key, []).append(index)
                    if mode == WRITE:
                        self._writers.add((key, index))
        self._pending = {task.number: op for task, op in order.execution.pending}

    def sequences(self) -> Iterator[tuple[int, list[Step]]]:
        """Yield such a place, and the events that lead from there to the wait."""
        for timed in self._order.timed:
            for cut in self._largest(timed):
                yield self._sequence(timed, cut)

    def _largest(self, timed: Timed) -> list[_Cut]:
        """Return the beginnings, as large as can be, behind which a wait could end."""
        at = timed[1]
        known: set[_Cut] = set()
        able: list[_Cut] = []
        whole = (at,) * len(self._of_task)
        done = [(mine, bisect_left(mine, at)) for mine in self._of_task]
        lasts = [mine[count - 1] for mine, count in done if count]
        waiting = self._without_one_of(lasts, whole, timed)
        while waiting:
            cut = waiting.pop()
            if cut in known:
                continue
            known.add(cut)
            hindering = self._hindering(timed, cut)
            if hindering is None:
                able.append(cut)
            else:
                waiting += self._without_one_of(hindering, cut, timed)
        return [cut for cut in able if not any(cut != more and _is_in(cut, more) for more in able)]

    def _sequence(self, timed: Timed, cut: _Cut) -> tuple[int, list[Step]]:
        order = self._order
        op, at, footprint, _ = timed
        past = Behind(order, op, cut, at, at)
        sequence: list[Step] = []
        for index in range(past.first + 1, at):
            if not past.is_gone(index):
                event: Any = order.events[index]
                value = event.value if type(event) is Choose else None
                sequence.append((order.tasks[index], order.lasting(index), value))
        sequence.append((op.task.number, order.footprint_in(op, footprint, past), None))
        return past.first, sequence

    def _without_one_of(self, events: list[int], cut: _Cut, timed: Timed) -> list[_Cut]:
        """Leave out one of some events and all that comes of it, unless the wait does."""
        order, clock = self._order, timed[3]
        clocks = order.clocks
        found = []
        for event in events:
            first = order.leader(event)
            rival = order.tasks[first]
            if clock[rival] >= first:
                continue
            smaller = []
            for mine, upto in zip(self._of_task, cut, strict=True):
                start = bisect_left(mine, first)
                stop = bisect_left(mine, upto)
                gone = bisect_left(mine, first, start, stop, key=lambda at: clocks[at][rival])
                smaller.append(mine[gone] if gone < stop else upto)
            found.append(tuple(smaller))
        return found

    def _hindering(self, timed: Timed, cut: _Cut) -> list[int] | None:
        """Return events one of which must be left out for a wait to end; none if it could."""
        order = self._order
        op, at, _, _ = timed
        past = Behind(order, op, cut, at, at)
        if op.enabled_in(past):
            return None
        if not op.can_expire_in(past):
            return self._changed(past)
        for task, mine in enumerate(self._of_task):
            done = bisect_left(mine, cut[task])
            if task == op.task.number or not done:
                continue
            if done < len(mine):
                other, when = order.events[mine[done]], mine[done]
            elif task in self._pending:
                other, when = self._pending[task], len(order.tasks)
            else:
                continue
            if other.timeout is None or other.deadline >= op.deadline:
                continue
            then = Behind(order, other, cut, at, when)
            if not other.enabled_in(then) and other.can_expire_in(then):
                return [mine[done - 1], *self._changed(past), *self._changed(then)]
        return None

    def _changed(self, past: Behind) -> list[int]:
        """Return the last events that have changed what was looked at in a state."""
        found = []
        for key in past.asked:
            changers = self._changers.get(key, [])
            for number in range(bisect_left(changers, past.limit) - 1, -1, -1):
                index = changers[number]
                if not past.is_gone(index):
                    found.append(index)
                    if (key, index) in self._writers:
                        break
        return found


def _is_in(cut: _Cut, other: _Cut) -> bool:
    """Whether a beginning is a part of another one."""
    return all(one <= more for one, more in zip(cut, other, strict=True))


class Behind(Before):
    """The state behind a part of what happened before a wait, the event with the index `limit`.

    It is asked for an operation that was run as the event `at`, maybe later than that, and keeps
    for what: as long as that has not changed, the answer is the same.
    """

    __slots__ = ("asked", "cut", "limit")

    def __init__(self, order: HappensBefore, op: Operation, cut: _Cut, limit: int, at: int) -> None:
        super().__init__(order, op, min(cut), at)
        self.cut = cut
        self.limit = limit
        self.asked: dict[Key, None] = {}

    def of(self, item: Place) -> Any:
        """Return the snapshot of an object as it was then."""
        self.asked[item.key] = None
        return super().of(item)

    def is_gone(self, index: int) -> bool:
        """Whether an event did not take place then."""
        return index >= self.cut[self.order.tasks[index]]
