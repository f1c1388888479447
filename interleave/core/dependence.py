"""Dependence: which operations of different tasks may be swapped without anybody noticing.

Every executed operation has a footprint: the locations that it touched, each with a mode. Two
operations of different tasks are dependent if they meet at a location in modes that conflict.
A row for each kind of operation stands with the operation itself (`Operation.footprint`); what the
rows mean stands here alone, and everything that reduces, compares or explains asks this file.

The independence must be true in the strict sense: neither operation enables or disables the other,
changes what it returns or what it touches, and both orders lead to the same state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

READ, ADD, WRITE = 1, 2, 4
"""The modes: look; change in a way that commutes with itself and tells nothing; change."""

Key = int | tuple[int, ...]
"""Stands for a location: that of an object (`SimObject.key`), or of a part of it."""

Footprint = tuple[tuple[Key, int], ...]
"""Pairs of a location's key and a mode; a key stands there once."""

EVERYTHING: Footprint = ((-1, WRITE),)
"""Of a failure, which ends the execution: nothing comes after it."""

CLOCK, WORLD, THREADS, MAIN, STREAM, POOLS = -2, -3, -4, -5, -6, -7
"""Keys of locations without an object of their own: the one clock of the time modes `idle` and
`ordered`; the life of the program, whose end cuts off the daemons; the list of its threads; whether
main has come to its end; what it prints and logs; whether its pools of threads still take calls."""

KEPT = -100
"""Below this lie the keys of objects that live on from one execution to the next."""

OWN = 1 << 32
"""From here on each task has as many keys of its own, for the objects that it makes: they are the
same in every execution in which it has done the same. Below lie the keys of memory, which count
the locations in the order in which they were first met, whatever task it was: they say something
only among executions that have had the same events until then."""


def dependent(one: Footprint, other: Footprint) -> bool:
    """Whether two operations of different tasks with these footprints depend on each other."""
    if one is EVERYTHING or other is EVERYTHING:
        return True
    for key, mode in one:
        for met, how in other:
            if key == met and (mode != how or mode == WRITE):
                return True
    return False


def strongest(touches: Iterable[tuple[Key, int]]) -> Footprint:
    """Join several touches to a footprint: where modes differ at one location, it is written."""
    modes: dict[Key, int] = {}
    for key, mode in touches:
        before = modes.get(key, mode)
        modes[key] = mode if before == mode else WRITE
    return tuple(modes.items())
