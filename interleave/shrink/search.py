"""The search: all executions without a preemption, then those with one, and so on [CHESS08].

The first round that shows the failure proves how few preemptions it needs; brought to its end, it
holds the simplest execution. A state that was reached before, by the same task, with no more
preemptions and no more switches, is not gone on from again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interleave.shrink.trials import Attempt, SpentError
from interleave.strategies.probe import Probe
from interleave.strategies.states import states_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interleave.shrink.trials import Budget, Trials
    from interleave.strategies.probe import Point

_Cost = tuple[int, int]
"""Preemptions and switches."""

_Node = tuple[int, int, int]
"""A state, the task that goes on from there, and the value that it chooses (-1: none)."""


@dataclass(frozen=True, slots=True)
class _Branch:
    """Choices of an execution that was run, how many of them are kept, and what comes instead."""

    choices: Sequence[int]
    kept: int
    other: int
    cost: _Cost


class Search:
    """Looks for the simplest execution, within the preemptions of the best that is known.

    `least` says that no execution with fewer preemptions than the best shows the failure,
    `complete` that no simpler one does, of those within the step bound.
    """

    def __init__(self, trials: Trials, start: Attempt, budget: Budget) -> None:
        self.trials = trials
        self.best = start
        self.budget = budget
        self.least = self.complete = False
        settings = trials.session.settings
        self._time = settings.time
        # Where plain accesses are not seen, equal traces may have come to different states.
        self._merging = settings.granularity == "memory"
        self._reached: dict[_Node, list[_Cost]] = {}
        self._rounds: list[list[_Branch]] = [[] for _ in range(start.key[0] + 1)]
        self._round = 0

    def run(self) -> None:
        """Search round by round, until one has shown the failure or the budget has ended.

        Raises:
            BrokenOffError: when the program cannot be run any more.
        """
        try:
            self._probe((), 0)
            while self._round <= self.best.key[0]:
                branches = self._rounds[self._round]
                while branches:
                    branch = branches.pop()
                    if branch.cost <= self.best.key[:2]:
                        kept = branch.choices[: branch.kept]
                        self._probe((*kept, branch.other), self._round)
                self._round += 1
            self.complete = True
        except SpentError:
            pass
        self.least = self.best.key[0] <= self._round

    def _probe(self, prefix: tuple[int, ...], used: int) -> None:
        """Run one execution; keep the branches that leave it behind its prefix."""
        probe = Probe(prefix)
        execution = self.trials.run(probe, self.budget)
        if self.trials.fails(execution):
            attempt = Attempt.of(execution)
            if attempt.key < self.best.key:
                self.best = attempt
        states = states_of(execution, self._time) if self._merging else []
        tasks = [event.task.number for event in execution.events]
        choices = execution.choices
        switches = at = 0
        for depth, point in enumerate(probe.points):
            while at < point.events:
                switches += at > 0 and tasks[at] != tasks[at - 1]
                at += 1
            if depth < len(prefix):
                continue
            state = states[at] if self._merging else None
            for other in range(point.width - 1, 0, -1):
                cost = self._cost(point, other, used, switches, tasks[at - 1])
                if cost <= self.best.key[:2] and not self._known(state, point, other, cost):
                    self._rounds[cost[0]].append(_Branch(choices, depth, other, cost))
            cost = self._cost(point, 0, used, switches, tasks[at - 1])
            if self._known(state, point, 0, cost):
                break

    def _cost(self, point: Point, choice: int, used: int, switches: int, current: int) -> _Cost:
        if point.values:
            return used, switches
        return used + point.preempts(choice), switches + (point.tasks[choice] != current)

    def _known(self, state: int | None, point: Point, choice: int, cost: _Cost) -> bool:
        """Whether a state was reached before at no higher cost; if not, it is now."""
        if state is None:
            return False
        node = (state, -1, choice) if point.values else (state, point.tasks[choice], -1)
        costs = self._reached.setdefault(node, [])
        if any(known[0] <= cost[0] and known[1] <= cost[1] for known in costs):
            return True
        costs.append(cost)
        return False
