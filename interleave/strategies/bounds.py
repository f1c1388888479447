"""A bound around any strategy: no more than so many preemptions in one execution [CHESS08]."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interleave.strategies.end_of_main import end_matters, is_about_to_end
from interleave.strategies.wrapping import Wrapping

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interleave.core.execution import Execution
    from interleave.core.strategy import Strategy, TaskView


class PreemptionBound(Wrapping):
    """Goes on with the current task once the preemptions are used up."""

    def __init__(self, inner: Strategy, limit: int) -> None:
        super().__init__(inner)
        self.limit = limit
        self._used = 0
        self._pruned = False
        self._ended = False  # main has ended where the bound let nobody else go on

    @property
    def sampling(self) -> str | None:
        """What samples within, if that is a sample."""
        return getattr(self.inner, "sampling", None)

    @property
    def bounded(self) -> str | None:
        """What was left out, once something was."""
        if self._pruned:
            return f"schedules with more than {self.limit} preemptions were left out"
        return self.inner.bounded

    def begin(self) -> bool:
        """Begin an execution with all preemptions unused."""
        self._used = 0
        self._ended = False
        return self.inner.begin()

    def choose(self, options: Sequence[TaskView], stays: int) -> int:
        """Ask the strategy within, as long as the bound allows more than one answer."""
        if stays and self._used == self.limit:
            if is_about_to_end(self.events, stays):
                self._ended = True
            else:
                self._pruned = True
            return 0
        index = self.inner.choose(options, stays)
        if stays and index:
            self._used += 1
        return index

    def end(self, execution: Execution) -> bool:
        """Tell the strategy within."""
        if self._ended and end_matters(execution):
            self._pruned = True
        return self.inner.end(execution)
