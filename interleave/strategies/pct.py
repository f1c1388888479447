"""Priorities with a few points of change: finds a bug of depth d with a known probability [PCT10].

Each task gets a random priority, and the enabled task with the highest goes on. At d - 1 events,
drawn from as many as execution 0 had, the task that would go on falls below all others. With n
tasks and k events each execution finds a bug of depth d with probability 1/(n k^(d-1)) at least.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from interleave.strategies.sampling import Learning
from interleave.strategies.turns import in_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interleave.core.execution import Execution
    from interleave.core.strategy import TaskView

_RANGE = 1 << 31


class Pct(Learning):
    """Probabilistic concurrency testing of a depth."""

    def __init__(self, seed: int, index: int = 0, *, depth: int) -> None:
        super().__init__(seed, index)
        self.depth = depth
        self.horizon = 1
        self._priorities: dict[int, int] = {}
        self._changes: list[tuple[int, int]] = []  # before which event, and the priority then

    @property
    def sampling(self) -> str:
        """What it is called in a report."""
        return f"pct depth {self.depth}"

    def learn(self, execution: Execution) -> None:
        """Learn how many events there are."""
        self.horizon = execution.steps

    def prepare(self) -> None:
        """Draw the points of change; the later one in the order drawn has the higher priority."""
        self._priorities = {}
        low = range(self.depth - 1)
        self._changes = sorted(((self.draw(self.horizon), each) for each in low), reverse=True)

    def pick(self, options: Sequence[TaskView], stays: int) -> int:
        """Return the task with the highest priority."""
        priorities, events = self._priorities, self.events
        ordered = in_order(options, stays, events)
        for option in options:
            if option.number not in priorities:
                priorities[option.number] = self.depth + self.draw(_RANGE)
        while self._changes and self._changes[-1][0] <= len(events):
            at, low = self._changes.pop()
            # Where one task alone could go on, nobody was asked: it has fallen all the same.
            first = self._highest(ordered) if at == len(events) else events[at].task
            priorities[first.number] = low
        return ordered.index(self._highest(ordered))

    def _highest(self, options: Sequence[TaskView]) -> TaskView:
        return max(options, key=lambda option: self._priorities[option.number])
