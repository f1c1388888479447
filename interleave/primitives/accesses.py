"""Plain accesses as operations: reads and writes of places in memory."""

from __future__ import annotations

import sys
from array import array
from collections import defaultdict, deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from interleave.core.dependence import ADD, READ, WRITE, strongest
from interleave.core.operation import Plain
from interleave.primitives.memory import KEYS, OTHER, WHOLE, Location, Part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import FrameType

    from interleave.core.dependence import Footprint, Key
    from interleave.core.operation import Past, SimObject
    from interleave.core.runtime import Runtime
    from interleave.primitives.memory import Held

_PACKAGE = str(Path(__file__).parent.parent)

Touched = tuple[tuple[Location, bool], ...]
"""Locations, each with whether it is written."""


class Access(Plain):
    """A plain access: one bytecode, or one call of a function written in C."""

    __slots__ = ()
    target: Location

    def stand(self, frame: FrameType | None) -> None:
        """Note where in the program it stands, from this frame outward."""
        while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
            frame = frame.f_back
        self.code, self.at = (None, 0) if frame is None else (frame.f_code, frame.f_lasti)

    def accesses(self) -> Touched:
        """Every location that it touches, and whether it writes there."""
        return ((self.target, self.wrote()),)

    def met(self) -> Iterable[tuple[Key, int | str, tuple[object, ...]]]:
        holders: list[Held] = []
        for location, _ in self.accesses():
            holder = location.holder
            if holder not in holders:
                holders.append(holder)
            yield location.key, holder.key, (holders.index(holder), location.part)

    def is_gone(self) -> bool:
        return not any(writes and not place.holder.gone for place, writes in self.accesses())

    def is_first_look(self, at: int) -> bool:
        return any(location.holder.met == at for location, _ in self.accesses())

    def outside(self) -> None:
        return None


class Read(Access):
    """Look at one location, which is the same in whatever state.

    Whoever makes one sets `target`: without an `__init__` it takes 90 ns and not 200. It is done by
    `context.access`, which notes where it stands.
    """

    __slots__ = ()
    kind = "read"
    __init__ = object.__init__  # made in the hottest path of all

    def wrote(self) -> bool:
        return False

    def footprint(self) -> Footprint:
        return ((self.target.key, READ),)


class Write(Access):
    """Change one location, which is the same in whatever state; `target` is set by the maker."""

    __slots__ = ()
    kind = "write"
    blind = True
    __init__ = object.__init__  # made in the hottest path of all

    def footprint(self) -> Footprint:
        return ((self.target.key, WRITE),)


class ReadAll(Read):
    """Look at the items of a container, or at one that may be any."""

    __slots__ = ()

    def execute(self) -> None:
        self.stand(sys._getframe(2))

    def footprint(self) -> Footprint:
        key = self.target.key
        return ((key, READ), ((key,), READ))


class ReadAt(Read):
    """Look at the item of a sequence at one index; the target is the whole sequence.

    Which item that is depends on how long the sequence is where it is counted from the end, and on
    what was inserted anywhere: all that changes the length writes the whole.
    """

    __slots__ = ("at_end", "index")
    index: int
    at_end: bool

    def execute(self) -> None:
        self.stand(sys._getframe(2))
        if self.at_end:
            self.index = _from_the_front(self.index, self.target.holder.item)

    def footprint(self) -> Footprint:
        key = self.target.key
        if self.at_end:  # before something else has changed the length it would be another one
            return ((key, READ), ((key,), READ))
        return ((key, READ), ((key, self.index), READ))


class WriteAt(Write):
    """Change the item of a sequence at one index; the target is the whole sequence.

    Two of these commute at different indexes, and what looks at all items depends on each.
    """

    __slots__ = ("at_end", "index")
    index: int
    at_end: bool

    def execute(self) -> None:
        self.stand(sys._getframe(2))
        if self.at_end:
            self.index = _from_the_front(self.index, self.target.holder.item)

    def footprint(self) -> Footprint:
        key = self.target.key
        if self.at_end:
            return ((key, WRITE),)
        return ((key, READ), ((key,), ADD), ((key, self.index), WRITE))


def _from_the_front(index: int, sequence: Any) -> int:
    for cls in (list, deque, bytearray, array):
        if issubclass(type(sequence), cls):
            return index + cls.__len__(sequence)  # a subclass may have a `__len__` of its own
    return index


class Stored:
    """What a store under a key touches: the set of keys as well where there is none such yet.

    With `looks` it only looks at an item that is there, as that of a `defaultdict` is looked at.
    """

    __slots__ = ("item", "looks")

    def __init__(self, item: Location, *, looks: bool = False) -> None:
        self.item = item
        self.looks = looks

    def touched(self, past: Past) -> Touched | None:
        """Return what it would have touched then; none if that cannot be told."""
        item = self.item
        there = past.of(item)
        if there is None:
            return None
        if there:
            return ((item, not self.looks),)
        keys = item.holder.parts.get(KEYS)  # if there are none, nobody ever asked which there are
        return ((item, True),) if keys is None else ((item, True), (keys, True))

    def governed(self) -> Iterable[Location | None]:
        """Return the locations that depend on the state."""
        return self.item, self.item.holder.parts.get(KEYS)


class Items:
    """All items of a dictionary that are there."""

    __slots__ = ("holder", "writes")

    def __init__(self, holder: Held, *, writes: bool) -> None:
        self.holder = holder
        self.writes = writes

    def touched(self, past: Past) -> Touched | None:
        """Return what it would have touched then; none if that cannot be told."""
        if OTHER in self.holder.parts:
            return None
        there = [(location, past.of(location)) for location in self.governed()]
        if any(known is None for _, known in there):
            return None
        return tuple((location, self.writes) for location, known in there if known)

    def governed(self) -> Iterable[Location]:
        """Return the locations that depend on the state."""
        parts = self.holder.parts.items()
        return [location for part, location in parts if not isinstance(part, Part)]


class Compound(Access):
    """An access of locations that depend on the state, such as all items that are there.

    `find(*arguments)` tells them, and by what rules they depend on it: a `Stored` or `Items`, or
    `VAGUE` if that is not known. They are looked for when the access is announced, and again when
    it takes effect if another task has run in between: only then are they the true ones.
    """

    __slots__ = ("_arguments", "_find", "_found", "_rules", "_since", "_there", "kind", "target")
    kind: str  # type: ignore[misc]  # whether it writes is known only once it has taken effect
    target: Location

    _there: tuple[bool | None, ...] | None  # once executed: which of the items were there before

    def __init__(
        self,
        find: Callable[..., Iterable[tuple[Any, bool]]],
        arguments: tuple[Any, ...],
        found: Iterable[tuple[Any, bool]],
        runtime: Runtime,
    ) -> None:
        self._find = find
        self._arguments = arguments
        self._since = runtime.switches
        self._there = None
        self._take(found)

    def _take(self, found: Iterable[tuple[Any, bool]]) -> None:
        self._rules = [each for each, _ in found if type(each) is not Location]
        self._found = found = tuple(found)
        if self._rules:
            self._found = found = tuple(touch for touch in found if type(touch[0]) is Location)
        self.kind = "read"
        for location, writes in found:
            if writes:
                self.kind = "write"
                self.target = location
                return
        if found:
            self.target = found[0][0]

    def execute(self) -> None:
        self.stand(sys._getframe(2))
        if self._since != self.task.runtime.switches:
            self._take(self._find(*self._arguments))
        self._arguments = ()  # the trace must not keep alive what the program lets go of
        self._there = tuple(map(_is_there, self._found))

    def wrote(self) -> bool:
        return self.kind == "write"

    def accesses(self) -> Touched:
        return self._found

    def before(self, item: SimObject) -> bool | None:
        """Tell whether an item of a dictionary was there; none if it has nothing to do with it."""
        assert isinstance(item, Location)
        for (location, _), there in zip(self._found, self._there or (), strict=False):
            if location is item:
                return there
        for rule in self._rules:
            if type(rule) is Items and rule.holder is item.holder:
                return False  # else it would have met it
        return None

    def footprint(self) -> Footprint:
        return _footprint(self._found)

    def footprint_in(self, past: Past) -> Footprint:
        governed: set[Location | None] = set()
        touched: list[tuple[Location, bool]] = []
        if self._there is None:
            return self._widest()
        for rule in self._rules:
            then = None if rule is VAGUE else rule.touched(past)
            if then is None:
                return self._widest()
            touched += then
            governed.update(rule.governed())
        for location, writes in self._found:
            if location.holder.by_attribute or location.holder.blurred:
                return self._widest()
            if location not in governed:
                touched.append((location, writes))
        return _footprint(touched)

    def _widest(self) -> Footprint:
        """More than it can have touched in any state, where what was there then is not known.

        A key may have been new, and so changed the set of keys; who went through all items may
        have met any that was ever there.
        """
        touched = list(self._found)
        for location, writes in self._found:
            holder = location.holder
            keys = holder.parts.get(KEYS)
            if location is keys:
                touched.extend((other, writes) for other in holder.parts.values())
            elif writes or isinstance(holder.item, defaultdict):
                touched.append((location, True))
                if keys is not None:  # else nobody ever asked which keys there are
                    touched.append((keys, True))
        return _footprint(touched)


VAGUE: Final = object()
"""Of an access whose locations depend on the state in a way that is not told."""


def _is_there(touch: tuple[Location, bool]) -> bool | None:
    """Whether the item of a dictionary is there; none if the location is no such item."""
    part, holder = touch[0].part, touch[0].holder
    if holder.by_attribute or isinstance(part, Part):
        return None
    return dict.__contains__(holder.item, part)


class Keyed(Compound):
    """An access of the item of a dictionary under one key."""

    __slots__ = ()


class KeyedCall(Keyed):
    """An access of one item by a method such as `setdefault`, which CPython makes one step."""

    __slots__ = ()


def _footprint(touched: Iterable[tuple[Location, bool]]) -> Footprint:
    return strongest(touch for location, writes in touched for touch in _touches(location, writes))


def _touches(location: Location, writes: bool) -> Footprint:
    key = location.key
    if writes:
        return ((key, WRITE),)
    if location.part is WHOLE:  # and so at each item of a sequence
        return ((key, READ), ((key,), READ))
    return ((key, READ),)
