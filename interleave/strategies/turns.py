"""Who is meant by a choice: the current task comes first, then the others by their paths."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from interleave.core.execution import Execution
    from interleave.core.operation import Operation
    from interleave.core.strategy import TaskView


def in_order(
    options: Sequence[TaskView], stays: int, events: Sequence[Operation]
) -> Sequence[TaskView]:
    """Return the options in the order in which the answers of `choose` count them."""
    if not stays:
        return options
    current = events[-1].task
    return [current, *(option for option in options if option is not current)]


class Following:
    """Lets the tasks take turns in a given order, as far as they can.

    `turns` holds the number of a task for each event that is a schedule point, `values` what each
    task is to choose. A task that has had all its turns goes on last.
    """

    bounded: str | None = None
    noting = True
    events: Sequence[Operation] = ()

    def __init__(self, turns: Iterable[int], values: Mapping[int, Sequence[int]]) -> None:
        self._turns: dict[int, deque[int]] = {}
        self._never = 0
        for at, task in enumerate(turns):
            self._turns.setdefault(task, deque()).append(at)
            self._never = at + 1
        self._values = {task: deque(chosen) for task, chosen in values.items()}
        self._at = 0

    def begin(self) -> bool:
        """Run once."""
        return True

    def choose(self, options: Sequence[TaskView], stays: int) -> int:
        """Return the task whose next turn is the earliest."""
        for event in self.events[self._at :]:
            turns = self._turns.get(event.task.number)
            if turns and not event.glued:
                turns.popleft()
        self._at = len(self.events)
        ordered = in_order(options, stays, self.events)
        return min(range(len(ordered)), key=lambda index: self._turn(ordered[index].number))

    def _turn(self, task: int) -> int:
        turns = self._turns.get(task)
        return turns[0] if turns else self._never

    def choose_value(self, count: int) -> int:
        """Return what the task is to choose, or the first value."""
        chosen = self._values.get(self.events[-1].task.number)
        value = chosen.popleft() if chosen else 0
        return value if value < count else 0

    def end(self, execution: Execution) -> bool:
        """Nothing to learn."""
        return False
