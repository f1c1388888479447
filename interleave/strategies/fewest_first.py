"""All executions without a preemption, then those with one, and so on up to a bound [CHESS08].

It is a search for the cheapest roads (Dijkstra's algorithm) where a preemption costs 1 and nothing
else does. A place is a state and the task that goes on from there: whatever is possible behind it,
and how many preemptions that takes, depends on nothing else. So each place is gone on from once,
and when it is reached first it is with as few preemptions as it can be: no execution within the
bound is lost. Of places with as many preemptions those with the fewest events before them come
first: an execution that is endless, or nearly so, cannot keep the search to itself.

A round may be endless too, or nearly so. Where failures with more preemptions are wanted as well,
all rounds are made up to so many events, then all of them up to twice as many, and so on. As the
roads to a place lead through places with fewer events, each is still reached as cheaply as it can.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from interleave.core.outcome import Deadlocked, Raised, Returned, StepBound
from interleave.core.strategy import CAUSES
from interleave.errors import NondeterministicError
from interleave.strategies.end_of_main import end_matters
from interleave.strategies.probe import Point, Probe
from interleave.strategies.states import states_of
from interleave.strategies.wrapping import Wrapping

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interleave.core.execution import Execution

_Place = int
"""Stands for a state and the task that goes on from there, or the value that it chooses."""

_FIRST_REACH = 64
"""All rounds are made up to so many events first, where none may keep the search to itself."""

_ENDLESS = sys.maxsize

_DONE = -1
"""What the table of places says of one that was gone on from; else it is the cost so far."""


@dataclass(frozen=True, slots=True)
class _Branch:
    """Choices of an execution that was run; where it is left, and what is chosen there instead.

    `state` is the one in which it is left; none where states are not told apart.
    """

    choices: Sequence[int]
    depth: int
    point: Point
    other: int
    state: int | None
    place: _Place | None


class FewestFirst(Wrapping):
    """The search; with `merging` executions that come to the same state go on from there once.

    Without it every schedule within the bound is run: so it must be where not all is seen that
    makes a state. With `fair` no round has to end before there is something of the next one.
    """

    def __init__(self, limit: int, time: str, *, merging: bool, fair: bool = False) -> None:
        self.limit = limit
        self._reach = _FIRST_REACH if fair else _ENDLESS  # so many events may be before a branch
        self._further: list[tuple[int, _Branch]] = []  # what is beyond that, with its cost
        self._time = time
        self._merging = merging
        self._round = 0
        self._rounds: list[list[tuple[int, int, _Branch]]] = [[] for _ in range(limit + 1)]
        self._count = 0  # of branches: of those with as many events the earlier comes first
        self._table: dict[_Place, int] = {}
        self._ended: set[int] = set()  # the states in which executions were over
        # What is beyond the bound: its places, or just whether there is something.
        self._beyond: set[_Place] = set()
        self._left_out = False
        # Branches that would put off the end of main, as long as nobody looks: see end_of_main.
        self._put_off: list[tuple[int, _Branch]] | None = []
        self._branch: _Branch | None = None
        self._probe = Probe(())
        super().__init__(self._probe)
        self.noting = False
        self._started = False

    @property
    def bounded(self) -> str | None:
        """What was left out, once something was that was not reached in another way."""
        if self._round < self.limit or self._further:
            return None  # something else has ended the search before
        if self._left_out or any(self._table.get(place) != _DONE for place in self._beyond):
            return f"schedules with more than {self.limit} preemptions were left out"
        return None

    def begin(self) -> bool:
        """Go on from the next place, or begin if there is none yet."""
        if not self._started:
            self._started = True
            return True
        branch = self._next()
        if branch is None:
            return False
        self._branch = branch
        self.inner = self._probe = Probe((*branch.choices[: branch.depth], branch.other))
        return True

    def _next(self) -> _Branch | None:
        while True:
            branches = self._rounds[self._round]
            while branches:
                branch = heappop(branches)[2]
                if branch.place is None or self._table[branch.place] != _DONE:
                    return branch
            if self._round < self.limit:
                self._round += 1
            elif not self._further:
                return None
            else:
                self._round = 0
                self._reach *= 2
                further, self._further = self._further, []
                for cost, branch in further:
                    self._queue(branch, cost)

    def end(self, execution: Execution) -> bool:
        """Keep the branches that leave the execution behind its place.

        Raises:
            NondeterministicError: when it did not come to that place.
        """
        if not isinstance(execution.ending, Returned | Raised | Deadlocked | StepBound):
            return False  # it was broken off, and so is the exploration
        states = states_of(execution, self._time) if self._merging else None
        self._compare(states)
        if self._put_off is not None and end_matters(execution):
            put_off, self._put_off = self._put_off, None
            for cost, branch in put_off:
                self._plan(branch, cost)
        known = self._go_on(execution.choices, states)
        if states is None:
            return False
        repeats = known or states[-1] in self._ended
        self._ended.add(states[-1])
        return repeats

    def _compare(self, states: Sequence[int] | None) -> None:
        """An execution must come to the place where it leaves the one before."""
        branch = self._branch
        if branch is None:
            return
        points = self._probe.points
        again = points[branch.depth] if branch.depth < len(points) else None
        if again == branch.point and (states is None or states[again.done] == branch.state):
            return
        shown = "the execution was over" if again is None else "there is another choice"
        message = (
            f"choice {branch.depth}, after {branch.point.events} events, was made before, and "
            f"after the same choices {shown} now: {CAUSES}"
        )
        raise NondeterministicError(message)

    def _go_on(self, choices: Sequence[int], states: Sequence[int] | None) -> bool:
        """Go through the new choices; true if they come to a place that was gone on from."""
        start = 0
        if self._branch is not None:
            # One that only goes on where it stopped short has the whole of that point before it.
            start = self._branch.depth + (self._branch.other > 0)
            if self._branch.place is not None and self._branch.other:
                self._table[self._branch.place] = _DONE
        points = self._probe.points
        for depth in range(start, len(points)):
            point = points[depth]
            state = None if states is None else states[point.done]
            if state is not None and point.events > self._reach:
                # Another execution may come here with fewer preemptions, and then goes on.
                rest = _Branch(choices, depth, point, 0, state, _place(state, point, 0))
                self._plan(rest, self._round)
                return False
            for other in range(1, point.width):
                place = None if state is None else _place(state, point, other)
                branch = _Branch(choices, depth, point, other, state, place)
                cost = self._round + point.preempts(other)
                if point.ends and self._put_off is not None:
                    self._put_off.append((cost, branch))
                else:
                    self._plan(branch, cost)
            if state is not None:
                place = _place(state, point, 0)
                if self._table.get(place) == _DONE:
                    return True
                self._table[place] = _DONE
        return False

    def _plan(self, branch: _Branch, cost: int) -> None:
        """Keep a branch for its round, unless its place was reached with no more preemptions."""
        place = branch.place
        if cost > self.limit:
            if place is None:
                self._left_out = True
            elif place not in self._table:
                self._beyond.add(place)
            return
        if place is not None:
            known = self._table.get(place)
            if known is not None and known <= cost:
                return
            self._table[place] = cost
        self._queue(branch, cost)

    def _queue(self, branch: _Branch, cost: int) -> None:
        if branch.point.events > self._reach:
            self._further.append((cost, branch))
            return
        self._count += 1
        heappush(self._rounds[cost], (branch.point.events, self._count, branch))


def _place(state: int, point: Point, choice: int) -> _Place:
    if point.values:
        return hash((state, -1, point.tasks[0], choice))
    return hash((state, point.tasks[choice]))
