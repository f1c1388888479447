"""Partial order sampling: a random priority for each event, drawn anew after a race [POS18].

The enabled event with the highest priority takes place. Those that race with it, because they
touch the same and one of the two changes it, get another priority, so that the order of each pair
of racing events is drawn on its own and independent ones do not weigh in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from interleave.core.dependence import READ
from interleave.strategies.sampling import Sampling
from interleave.strategies.turns import in_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interleave.core.operation import Operation
    from interleave.core.strategy import TaskView

_RANGE = 1 << 31


class Pos(Sampling):
    """Partial order sampling."""

    _at = 0

    def prepare(self) -> None:
        """Forget the priorities."""
        self._priorities: dict[int, int] = {}
        self._at = 0

    def pick(self, options: Sequence[TaskView], stays: int) -> int:
        """Return the task whose pending event has the highest priority."""
        priorities, events = self._priorities, self.events
        for at in range(self._at, len(events)):
            event = events[at]
            priorities.pop(event.task.number, None)
            for option in options:
                if option.number in priorities and races(option.pending, event):
                    del priorities[option.number]
        self._at = len(events)
        for option in options:
            if option.number not in priorities:
                priorities[option.number] = self.draw(_RANGE)
        ordered = in_order(options, stays, events)
        return max(range(len(ordered)), key=lambda index: priorities[ordered[index].number])


def races(pending: Operation, event: Operation) -> bool:
    """Whether an operation still to come touches what an event has touched, as far as is known.

    What it will touch is known for certain only when it does: its object is taken for that.
    """
    target = pending.target
    if target is None:
        return False
    looks = pending.kind == "read"
    if event.target is target and not (looks and event.kind == "read"):
        return True
    key = target.key
    return any(met == key and not (looks and mode == READ) for met, mode in event.footprint())
