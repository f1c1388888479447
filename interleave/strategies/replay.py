"""The choices of a schedule, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interleave.errors import ScheduleError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interleave.core.execution import Execution
    from interleave.core.operation import Operation
    from interleave.core.strategy import TaskView


class Replay:
    """Repeats one execution; where the schedule ends, it goes on with choice 0."""

    bounded: str | None = None
    noting = False
    events: Sequence[Operation] = ()

    def __init__(self, choices: Sequence[int]) -> None:
        self._choices = choices
        self._at = 0
        self._done = False
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
        return self.choose_value(len(options))

    def choose_value(self, count: int) -> int:
        """Return the next choice of the schedule.

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
