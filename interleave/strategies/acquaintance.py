"""Acquaintance: whether two executions mean the same place in memory, which has no name of its own.

A place gets its key when it is first met, and who meets it first is up to the interleaving. Between
executions that part before that, the key says nothing. What does is who met it: an operation,
identified by all that its task has been through, touches the same place in every execution.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from interleave.core.dependence import OWN, WRITE, dependent

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from interleave.core.dependence import Footprint, Key

Meeting = tuple[int, Any]
"""An operation, by what its task has been through before it, and what the place is to it.

The last of that is the part of an object that it is, such as the name of an attribute.
"""


def is_fresh(key: Key, known: int) -> bool:
    """Whether a key stands for a place in memory that was met after those that are known."""
    place = key if isinstance(key, int) else key[0]
    return known < place < OWN


class Acquaintance:
    """Of one execution: by whom each place was met, and which operations there were at all."""

    __slots__ = ("announced", "holders", "places")

    def __init__(
        self,
        places: dict[Key, set[Meeting]],
        holders: dict[Key, int | str],
        announced: set[int],
    ) -> None:
        self.places = places
        self.holders = holders  # the keys of the objects that they are parts of
        self.announced = announced

    def may_be(self, key: Key, other: Acquaintance, met: Key, known: int) -> bool:
        """Whether a place here and one of the other execution may be the same.

        That is certain either way where the object of one was known when they parted. Else it is
        certain if one operation met both; and certain that they are not if an operation that met
        one was there in the other execution too, and did not meet the other.
        """
        if isinstance(key, tuple) or isinstance(met, tuple):
            # All items of a container, or the one at an index.
            if isinstance(key, int) or isinstance(met, int) or key[1:] != met[1:]:
                return False
            key, met = key[0], met[0]
        mine = self.places.get(key, set())
        theirs = other.places.get(met, set())
        if not (mine and theirs):
            return True
        if _parts(mine).isdisjoint(_parts(theirs)):
            return False
        one, two = self.holders[key], other.holders[met]
        if _is_known(one, known) or _is_known(two, known):
            return one == two
        if not mine.isdisjoint(theirs):
            return True
        return not (_were_there(mine, other) or _were_there(theirs, self))


def _is_known(holder: int | str, known: int) -> bool:
    return isinstance(holder, str) or holder <= known


def _parts(meetings: AbstractSet[Meeting]) -> set[Any]:
    return {what[-1] for _, what in meetings}


def _were_there(meetings: AbstractSet[Meeting], other: Acquaintance) -> bool:
    return any(past in other.announced for past, _ in meetings)


class Foreign:
    """What an operation touched in an earlier execution, to be held against those of a later one.

    Places that were met before the two executions parted have one key in both; `known` is the last
    of these.
    """

    __slots__ = ("_fresh", "_known", "_stable", "_then")

    def __init__(self, footprint: Footprint, known: int, then: Acquaintance) -> None:
        self._stable = tuple(touch for touch in footprint if not is_fresh(touch[0], known))
        self._fresh = tuple(touch for touch in footprint if is_fresh(touch[0], known))
        self._known = known
        self._then = then

    def depends_on(self, footprint: Footprint, now: Acquaintance) -> bool:
        """Whether it depends on an operation of the later execution that touched this."""
        if dependent(self._stable, footprint):
            return True
        return any(
            (mode != how or mode == WRITE)
            and is_fresh(met, self._known)
            and self._then.may_be(key, now, met, self._known)
            for key, mode in self._fresh
            for met, how in footprint
        )
