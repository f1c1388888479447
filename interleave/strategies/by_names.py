"""The anchors of a schedule: its choices, found again in a program that has changed since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interleave.core.anchor import Leg, in_words, mark_of
from interleave.errors import ScheduleError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interleave.core.anchor import Anchor
    from interleave.core.execution import Execution
    from interleave.core.operation import Operation
    from interleave.core.strategy import TaskView


class ByNames:
    """Goes the usual way, and leaves it where an anchor says so, until none is left.

    The execution is to be recorded, as the one was that the anchors were made from. `passed` is the
    number of anchors that were found; `start` is the event at which the way to the next one began.
    """

    bounded: str | None = None
    noting = False
    events: Sequence[Operation] = ()

    def __init__(self, anchors: Sequence[Anchor]) -> None:
        self._anchors = anchors
        self._leg = Leg()
        self._done = False
        self.passed = 0
        self.stray: str | None = None

    @property
    def start(self) -> int:
        """The index of the event with which the way to the next anchor began."""
        return self._leg.start

    @property
    def expected(self) -> Anchor | None:
        """The anchor that was not found yet."""
        return self._anchors[self.passed] if self.passed < len(self._anchors) else None

    def begin(self) -> bool:
        """Run once."""
        if self._done:
            return False
        self._done = True
        return True

    def choose(self, options: Sequence[TaskView], stays: int) -> int:
        """Go on with the current task, unless an anchor lets another one go on here.

        Raises:
            ScheduleError: when that one cannot go on.
        """
        anchor = self._due(len(self.events))
        task = self.events[-1].task
        if anchor is None or anchor.then is None or task.path != anchor.path:
            return 0
        if anchor.mark != mark_of(task.pending):
            return 0
        if self._leg.count(task.path, anchor.mark) + 1 < anchor.nth:
            return 0
        others = [option for option in options if not stays or option is not task]
        for index, option in enumerate(others):
            if option.path == anchor.then:
                self._pass()
                return index + 1 if stays else index
        can = ", ".join(option.id for option in options)
        self._leave(f"{in_words(anchor.then)} cannot go on there (only {can} can)")
        return 0

    def choose_value(self, count: int) -> int:
        """Take the first value, unless an anchor says another one.

        Raises:
            ScheduleError: when there are not so many.
        """
        op = self.events[-1]
        anchor = self._due(len(self.events) - 1)
        if anchor is None or op.task.path != anchor.path or anchor.mark != mark_of(op):
            return 0
        if anchor.then is not None or self._leg.count(anchor.path, anchor.mark) + 1 < anchor.nth:
            return 0
        if anchor.value >= count:
            self._leave(f"there are only {count} values")
        self._pass()
        return anchor.value

    def _due(self, upto: int) -> Anchor | None:
        """Return the next anchor, once it is certain that it was not passed by."""
        anchor = self.expected
        if anchor is None:
            return None
        self._leg.follow(self.events, upto)
        if self._leg.count(anchor.path, anchor.mark) >= anchor.nth:
            self._leave(self._passed_by(anchor))
        return anchor

    def check_end(self) -> None:
        """Make sure, when the execution is over, that each anchor was found."""
        if self.stray is None and (anchor := self.expected) is not None:
            self._leg.follow(self.events, len(self.events))
            if self._leg.count(anchor.path, anchor.mark) >= anchor.nth:
                self.stray = self._passed_by(anchor)

    def _passed_by(self, anchor: Anchor) -> str:
        if anchor.then is None:
            return "there was one value only"
        return f"{in_words(anchor.then)} could not go on there (no other thread could)"

    def _pass(self) -> None:
        self.passed += 1
        self._leg.restart(len(self.events))

    def _leave(self, reason: str) -> None:
        self.stray = reason
        raise ScheduleError(reason)

    def end(self, execution: Execution) -> bool:
        """There is nothing to learn."""
        return False
