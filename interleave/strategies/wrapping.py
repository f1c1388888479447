"""A strategy around another one: it lets that choose, and changes what it needs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interleave.core.strategy import NO_SCRIPT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interleave.core.execution import Execution
    from interleave.core.operation import Operation
    from interleave.core.strategy import Script, Strategy, TaskView


class Wrapping:
    """Hands everything on to the strategy within, which may become another one."""

    noting: bool

    def __init__(self, inner: Strategy) -> None:
        self.inner = inner
        self.noting = inner.noting

    @property
    def events(self) -> Sequence[Operation]:
        """What the strategy within sees."""
        return self.inner.events

    @events.setter
    def events(self, events: Sequence[Operation]) -> None:
        self.inner.events = events

    @property
    def bounded(self) -> str | None:
        """What was left out."""
        return self.inner.bounded

    @property
    def script(self) -> Script:
        """How the next execution begins, if the strategy within knows."""
        return getattr(self.inner, "script", NO_SCRIPT)

    def begin(self) -> bool:
        """Ask the strategy within."""
        return self.inner.begin()

    def choose(self, options: Sequence[TaskView], stays: int) -> int:
        """Ask the strategy within."""
        return self.inner.choose(options, stays)

    def choose_value(self, count: int) -> int:
        """Ask the strategy within."""
        return self.inner.choose_value(count)

    def end(self, execution: Execution) -> bool:
        """Tell the strategy within."""
        return self.inner.end(execution)
