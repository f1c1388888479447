"""What all strategies that sample by seed have in common; execution 0 may be there to learn from.

Execution `index` of a seed is the same whether those before it were run or not, except that a
strategy which learns needs execution 0 first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from interleave.strategies.random_walk import RandomWalk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interleave.core.execution import Execution
    from interleave.core.strategy import TaskView

PATIENCE = 1_000
"""After so many events, or twice as many as execution 0 had, chance alone decides who goes on.

A strategy by priorities may starve the one task that the others wait for in a loop.
"""


class Sampling(RandomWalk):
    """Draws numbers from a seed; goes over to a uniform choice once an execution gets long."""

    def __init__(self, seed: int, index: int = 0) -> None:
        super().__init__(seed, index)
        self._patience = PATIENCE

    @property
    def sampling(self) -> str:
        """What it is called in a report."""
        return type(self).__name__.lower()

    def begin(self) -> bool:
        """Seed the next execution."""
        super().begin()
        self.prepare()
        return True

    def prepare(self) -> None:
        """Draw what holds for a whole execution."""

    def draw(self, count: int) -> int:
        """Return a number from 0 up to a count, each as likely as the others."""
        return super().choose_value(count)

    def choose(self, options: Sequence[TaskView], stays: int) -> int:
        """Return which task goes on."""
        if len(self.events) >= self._patience:
            return self.draw(len(options))
        return self.pick(options, stays)

    def pick(self, options: Sequence[TaskView], stays: int) -> int:
        """Return which task goes on, as long as the execution is not long."""
        return self.draw(len(options))


class Learning(Sampling):
    """Runs execution 0 without preemptions, and learns from it."""

    def teacher(self, index: int) -> RandomWalk | None:
        """Return who must have run its execution 0 before this one."""
        return self if index else None

    def choose(self, options: Sequence[TaskView], stays: int) -> int:
        """Let each task go on as long as it can, in execution 0."""
        if self.index == 0 and len(self.events) < self._patience:
            return 0
        return super().choose(options, stays)

    def end(self, execution: Execution) -> bool:
        """Learn from execution 0 alone, so that no other depends on more."""
        if self.index == 0:
            self._patience = max(PATIENCE, 2 * execution.steps)
            self.learn(execution)
        return False

    def learn(self, execution: Execution) -> None:
        """Take from execution 0 what is to be known."""
