"""A bound around any strategy: no more than so many preemptions in one execution [CHESS08]."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interleave.core.execution import Execution
    from interleave.core.operation import Operation
    from interleave.core.strategy import Strategy, TaskView


class PreemptionBound:
    """Goes on with the current task once the preemptions are used up."""

    def __init__(self, inner: Strategy, limit: int) -> None:
        self.inner = inner
        self.limit = limit
        self.noting = inner.noting
        self._used = 0
        self._pruned = False

    @property
    def events(self) -> Sequence[Operation]:
        """What the strategy within sees."""
        return self.inner.events

    @events.setter
    def events(self, events: Sequence[Operation]) -> None:
        self.inner.events = events

    @property
    def bounded(self) -> str | None:
        """What was left out, once something was."""
        if self._pruned:
            return f"schedules with more than {self.limit} preemptions were left out"
        return self.inner.bounded

    def begin(self) -> bool:
        """Begin an execution with all preemptions unused."""
        self._used = 0
        return self.inner.begin()

    def choose(self, options: Sequence[TaskView], stays: int) -> int:
        """Ask the strategy within, as long as the bound allows more than one answer."""
        if stays and self._used == self.limit:
            self._pruned = True
            return 0
        index = self.inner.choose(options, stays)
        if stays and index:
            self._used += 1
        return index

    def choose_value(self, count: int) -> int:
        """Ask the strategy within."""
        return self.inner.choose_value(count)

    def end(self, execution: Execution) -> bool:
        """Tell the strategy within."""
        return self.inner.end(execution)
