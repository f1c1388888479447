"""A probe follows some choices and goes on with the current task; it notes what it could choose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interleave.core.strategy import CAUSES
from interleave.errors import NondeterministicError
from interleave.strategies.end_of_main import is_about_to_end
from interleave.strategies.turns import in_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interleave.core.execution import Execution
    from interleave.core.operation import Operation
    from interleave.core.strategy import TaskView


@dataclass(frozen=True, slots=True)
class Point:
    """A choice: how many events there were, and who may go on (or so many values, of one task).

    `ends` says that the current task is main and comes to its end next.
    """

    events: int
    tasks: tuple[int, ...]
    stays: bool
    values: int = 0
    ends: bool = False

    @property
    def width(self) -> int:
        """How many options there are."""
        return self.values or len(self.tasks)

    @property
    def done(self) -> int:
        """How many events lie before the choice; that of a value is itself an event."""
        return self.events - (self.values > 0)

    def preempts(self, choice: int) -> bool:
        """Whether an option leaves a task that could have gone on: that is a preemption."""
        return self.stays and choice > 0


class Probe:
    """Goes on with choice 0 beyond its prefix; `points` are the choices of the execution."""

    bounded: str | None = None
    noting = True
    events: Sequence[Operation] = ()

    def __init__(self, prefix: Sequence[int]) -> None:
        self._prefix = prefix
        self.points: list[Point] = []

    def begin(self) -> bool:
        """Run once."""
        return True

    def choose(self, options: Sequence[TaskView], stays: int) -> int:
        """Return the next choice.

        Raises:
            NondeterministicError: when there is no such option.
        """
        ordered = in_order(options, stays, self.events)
        tasks = tuple(option.number for option in ordered)
        ends = is_about_to_end(self.events, stays)
        return self._next(Point(len(self.events), tasks, bool(stays), ends=ends))

    def choose_value(self, count: int) -> int:
        """Return the next choice.

        Raises:
            NondeterministicError: when there is no such value.
        """
        # Whoever chooses has just done the last event: the choice itself.
        tasks = (self.events[-1].task.number,)
        return self._next(Point(len(self.events), tasks, stays=False, values=count))

    def _next(self, point: Point) -> int:
        depth = len(self.points)
        self.points.append(point)
        choice = self._prefix[depth] if depth < len(self._prefix) else 0
        if choice >= point.width:
            message = (
                f"choice {depth} had more than {choice} options before and has {point.width} now, "
                f"after the same choices: {CAUSES}"
            )
            raise NondeterministicError(message)
        return choice

    def end(self, execution: Execution) -> bool:
        """Nothing to learn."""
        return False
