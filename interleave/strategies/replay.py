"""The choices of a schedule, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interleave.core.anchor import Anchor, Leg, mark_of, words_of
from interleave.errors import ScheduleError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interleave.core.execution import Execution
    from interleave.core.operation import Operation
    from interleave.core.strategy import TaskView


class Replay:
    """Repeats one execution; where the schedule ends, it goes on with choice 0.

    If it is `naming`, it tells the choices that are not 0 by names, as `anchors`. The execution is
    to be recorded then: the names that last are known in no other.
    """

    bounded: str | None = None
    noting = False
    events: Sequence[Operation] = ()

    def __init__(self, choices: Sequence[int], *, naming: bool = False) -> None:
        self._choices = choices
        self._at = 0
        self._done = False
        self._naming = naming
        self._leg = Leg()
        self.anchors: list[Anchor] = []
        self.digest: int | None = None

    @property
    def left(self) -> int:
        """How many choices were not asked for."""
        return max(len(self._choices) - self._at, 0)

    def begin(self) -> bool:
        """Run once."""
        if self._done:
            return False
        self._done = True
        return True

    def choose(self, options: Sequence[TaskView], stays: int) -> int:
        """Return the next choice of the schedule."""
        choice = self._next(len(options))
        if choice and self._naming:
            task = self.events[-1].task
            others = [option for option in options if not stays or option is not task]
            then = others[choice - 1 if stays else choice].path
            op = task.pending
            mark = mark_of(op)
            self._leg.follow(self.events, len(self.events))
            nth = self._leg.count(task.path, mark) + 1
            self.anchors.append(Anchor(task.path, words_of(op), mark, nth, then))
            self._leg.restart(len(self.events))
        return choice

    def choose_value(self, count: int) -> int:
        """Return the next choice of the schedule."""
        choice = self._next(count)
        if choice and self._naming:
            op = self.events[-1]
            path, mark = op.task.path, mark_of(op)
            self._leg.follow(self.events, len(self.events))
            nth = self._leg.count(path, mark)
            self.anchors.append(Anchor(path, words_of(op), mark, nth, None, choice))
            self._leg.restart(len(self.events))
        return choice

    def _next(self, count: int) -> int:
        """Return the next choice.

        Raises:
            ScheduleError: when there are not so many options.
        """
        at = self._at
        self._at = at + 1
        if at >= len(self._choices):
            return 0
        choice = self._choices[at]
        if choice >= count:
            message = (
                f"choice {at} of the schedule takes option {choice + 1}, and there are only "
                f"{count} here: it belongs to another program, or the program has changed"
            )
            raise ScheduleError(message)
        return choice

    def end(self, execution: Execution) -> bool:
        """Keep the check sum of the events that the schedule led to."""
        self.digest = execution.digest()
        return False
