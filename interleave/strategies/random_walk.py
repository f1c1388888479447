"""A uniform choice among the enabled tasks at every step, from a seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interleave.core.execution import Execution
    from interleave.core.operation import Operation
    from interleave.core.strategy import TaskView

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15  # 2**64 divided by the golden ratio: neighbours get unlike numbers
_FACTOR = 6364136223846793005
_STEP = 1442695040888963407


class RandomWalk:
    """Execution `index` of a seed is the same whether the ones before it were run or not.

    The numbers are the upper half of a 64-bit linear congruential generator (Knuth's MMIX
    constants): seeding `random.Random` for each execution would take longer than a short one.
    """

    bounded: str | None = None
    noting = False
    events: Sequence[Operation] = ()

    def __init__(self, seed: int, index: int = 0) -> None:
        self.seed = seed
        self.index = index - 1
        self._state = 0

    @property
    def sampling(self) -> str:
        """What it is called in a report."""
        return "random"

    def teacher(self, index: int) -> RandomWalk | None:
        """Return who must have run its execution 0 before this one: nobody."""
        return None

    def begin(self) -> bool:
        """Seed the next execution."""
        self.index += 1
        self._state = _mixed(_mixed(self.seed & _MASK) ^ (self.index * _GOLDEN & _MASK))
        return True

    def choose(self, options: Sequence[TaskView], stays: int) -> int:
        """Draw one of the options."""
        self._state = state = (self._state * _FACTOR + _STEP) & _MASK
        return (state >> 32) * len(options) >> 32

    def choose_value(self, count: int) -> int:
        """Draw one of the values."""
        self._state = state = (self._state * _FACTOR + _STEP) & _MASK
        return (state >> 32) * count >> 32

    def end(self, execution: Execution) -> bool:
        """Learn nothing."""
        return False


def _mixed(number: int) -> int:
    """Spread a number over 64 bits (the finaliser of SplitMix64, Steele et al. 2014)."""
    number = (number + _GOLDEN) & _MASK
    number = ((number ^ number >> 30) * 0xBF58476D1CE4E5B9) & _MASK
    number = ((number ^ number >> 27) * 0x94D049BB133111EB) & _MASK
    return number ^ number >> 31
