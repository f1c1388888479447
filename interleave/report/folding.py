"""Loops in a list: the rounds between the first and the last are counted instead of shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_LONGEST = 8
_FEW = 3

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Rounds:
    """Stands for so many rounds that are like the one before it, each of so many items."""

    count: int
    length: int


def folded(items: Sequence[_Item], key: Callable[[_Item], object]) -> list[_Item | Rounds]:
    """Fold what repeats at least three times.

    Rounds are the same where their keys are. The last one is shown too, unless it equals the first.
    """
    keys = [key(item) for item in items]
    found: list[_Item | Rounds] = []
    at = 0
    while at < len(items):
        length, times = _best(keys, at)
        end = at + length * times
        found.extend(items[at : at + length])
        if times > 1:
            last = items[end - length : end]
            differs = list(last) != list(items[at : at + length])
            found.append(Rounds(times - 1 - differs, length))
            if differs:
                found.extend(last)
        at = end
    return found


def _best(keys: list[object], at: int) -> tuple[int, int]:
    """Return the length and the number of the rounds from here on that save the most."""
    best, saved = (1, 1), 0
    for length in range(1, _LONGEST + 1):
        block = keys[at : at + length]
        if len(block) < length:
            break
        times = 1
        while keys[at + times * length : at + (times + 1) * length] == block:
            times += 1
        if times >= _FEW and (times - 1) * length > saved:
            best, saved = (length, times), (times - 1) * length
    return best
