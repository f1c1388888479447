"""Plain memory: the places that attributes, items, variables and containers are kept in.

A location stands for one such place during one execution. It keeps the object that it belongs
to alive, so that no other object can get the same `id` meanwhile.
"""

from __future__ import annotations

import sys
from types import CellType, MemberDescriptorType
from typing import TYPE_CHECKING, Any, Final

from interleave.core import context
from interleave.core.operation import SimObject
from interleave.core.told import attributes, told
from interleave.core.trace import Touch

if TYPE_CHECKING:
    from weakref import ref

    from interleave.core.runtime import Runtime
    from interleave.core.task import Task
    from interleave.core.trace import Origin


class Part:
    """A part of an object that is no attribute and no item under a key of its own."""

    __slots__ = ("suffix",)

    def __init__(self, suffix: str) -> None:
        self.suffix = suffix


WHOLE: Final = Part("")
"""The whole contents of a list, set, deque, bytearray, array or iterator."""

KEYS: Final = Part(" (its keys)")
"""The set of keys of a dictionary, or the set of attributes of an object, with their order."""

OTHER: Final = Part("[...]")
"""All items under keys that compare by Python code of their own."""

ANY: Final = Part("[any]")
"""An item under whatever key: a write of keys that could not be told writes it, and from then on
every access to one key of that dictionary reads it."""

VALUE: Final = Part("")
"""What a variable of an enclosing function holds."""

STATE: Final = Part("")
"""How far a generator has come."""


ABSENT: Final = Part(" (nothing)")
"""What is in a location that holds nothing, or whose contents cannot be told."""


class Location(SimObject):
    """One place in memory. Its name is made when somebody asks."""

    __slots__ = ("holder", "part")
    label = "memory"

    def __init__(self, holder: Held, part: Any, epoch: int) -> None:
        self.creator = self.title = self.site = None
        self.serial = 0
        self.epoch = epoch
        self.holder = holder
        self.part = part
        runtime = context._runtime
        self.key = runtime.keys = runtime.keys + 1

    @property
    def name(self) -> str:
        """Such as `FakeDatabase#1.value`, `dict#1['key']`, `list#1`."""
        return self.holder.name + self._suffix

    @property
    def lasting_name(self) -> str:
        """The same, with a name of the object that survives most edits where it is recorded."""
        return (self.holder.lasting or self.holder.name) + self._suffix

    @property
    def short_name(self) -> str:
        """Such as `.value`, `['key']`, `list`."""
        return self._suffix or self.holder.label

    @property
    def family(self) -> str:
        """Such as `FakeDatabase.value`: which number an object has depends on who met it first."""
        return self.holder.label + self._suffix

    @property
    def _suffix(self) -> str:
        part = self.part
        if isinstance(part, Part):
            return part.suffix
        return f".{part}" if self.holder.by_attribute else f"[{told(part)}]"

    def value(self) -> Any:
        """Return what is there now, without running any code of the program; ABSENT if nothing is.

        It is ABSENT too where that cannot be told.
        """
        item, part = self.holder.item, self.part
        cls = type(item)  # `isinstance` would ask the object for its `__class__`
        if part is WHOLE:
            return item
        if part is VALUE and cls is CellType:
            try:
                return item.cell_contents
            except ValueError:
                return ABSENT
        if isinstance(part, Part) and part is not KEYS:
            return ABSENT
        if issubclass(cls, dict):  # the variables of a module are one, too
            return list(dict.keys(item)) if part is KEYS else dict.get(item, part, ABSENT)
        if issubclass(cls, type):
            inside = dict(_names_of(item))
        else:
            inside = attributes(item) or {}
        if part is KEYS:
            return list(inside)
        return inside[part] if part in inside else _slot(item, part)

    def touch(self, *, writes: bool) -> Touch:
        """Tell this location as what an event has read or written."""
        value = self.value()
        holder = self.holder
        return Touch(
            self.name,
            writes,
            None if value is ABSENT else told(value),
            owner=holder.name,
            origin=holder.origin,
        )


def _slot(item: Any, name: str) -> Any:
    for base in _mro_of(type(item)):
        found = _names_of(base).get(name)
        if isinstance(found, MemberDescriptorType):
            try:
                return found.__get__(item)
            except AttributeError:
                return ABSENT
    return ABSENT


_mro_of = type.__dict__["__mro__"].__get__
_names_of = type.__dict__["__dict__"].__get__


class Held:
    """An object that has locations, and what its name is made of: who met it first, and when."""

    __slots__ = (
        "blurred",
        "by_attribute",
        "gone",
        "item",
        "key",
        "label",
        "lasting",
        "lasting_key",
        "maker",
        "met",
        "number",
        "origin",
        "parts",
    )

    def __init__(
        self, item: Any, label: str, maker: Task | None, number: int, *, by_attribute: bool
    ) -> None:
        self.lasting_key: tuple[Any, ...] = ()  # under the GIL: its locations' keys come from it
        self.met = -1  # under the GIL: before which event it was met, unless it was made then
        self.item = item
        self.label = label
        self.maker = maker
        self.number = number
        self.by_attribute = by_attribute
        self.gone = False  # whether it is known that it is no more
        self.blurred = False  # whether something was written under a key that could not be told
        self.origin: Origin | None = None  # known where the execution is recorded
        self.lasting: str | None = None  # likewise: a name that survives most edits
        self.parts: dict[Any, Location] = {}
        runtime = context._runtime
        runtime.keys += 1
        self.key: int | str = runtime.keys  # counted like those of locations

    @property
    def name(self) -> str:
        """Such as `Cache#1`, or `Cache#main.0.1` if a worker met it first."""
        if self.maker is None:
            return self.label
        maker = f"{self.maker.id}." if self.maker.path else ""
        return f"{self.label}#{maker}{self.number}"


_FIRST_LASTING = 1 << 60
"""No other keys come so far: neither those of memory nor those of tasks."""


class Memory:
    """All locations of an execution, by the `id` of their objects (which are kept alive)."""

    def __init__(self) -> None:
        self.count = 0
        self.held: dict[int, Held] = {}
        self.wholes: dict[int, Location] = {}  # of what is one location: found by one look
        self.iterators: dict[int, tuple[Any, tuple[Any, ...]]] = {}
        self.steps: dict[int, Location] = {}  # of the list that an iterator goes through
        self.passed: dict[int, Any] = {}  # iterators that a loop was given, and did not make
        self.frames: dict[int, Location] = {}  # of generators, which are not kept alive
        self.watched: dict[int, ref[Any]] = {}  # those generators
        self.kept: list[Any] = []
        self._numbers: dict[tuple[Task, str], int] = {}
        self._lasting: dict[Any, int] = {}  # by object and part, the same in all executions

    def clear(self) -> None:
        """Let go of everything: the execution is over."""
        self.count = 0
        self.held.clear()
        self.wholes.clear()
        self.iterators.clear()
        self.steps.clear()
        self.passed.clear()
        self.frames.clear()
        self.watched.clear()
        self.kept.clear()
        self._numbers.clear()

    def forget(self) -> None:
        """Let go of what outlives an execution: the check is over."""
        self.clear()
        self._lasting.clear()

    def begin(self, runtime: Runtime) -> None:
        """Make sure that what is held belongs to this execution."""
        if self.count != runtime.count:
            if self.count:
                self.clear()
            self.count = runtime.count

    def hold(
        self, item: Any, runtime: Runtime, *, by_attribute: bool = True, made: bool = False
    ) -> Held:
        """Return what is known of an object; at first sight it gets a name.

        The name counts the objects of its class that the task met first: `Cache#1`, or
        `Cache#main.0.1` for a worker. What is `made` just now cannot have been met by another.
        """
        held = self.held.get(id(item))
        if held is None:
            cls = type(item)  # `isinstance` would ask the object for its `__class__`
            label = f"class {item.__name__}" if issubclass(cls, type) else cls.__name__
            task = runtime.current
            number = self.number(task, label, runtime)
            held = self.held[id(item)] = Held(item, label, task, number, by_attribute=by_attribute)
            if runtime.under_gil:
                self._give_key(held, task, runtime, made=made)
            if runtime.recording:
                named = not by_attribute
                frame = sys._getframe(1)
                held.origin = runtime.recorder.origin(item, frame, named=named)
                held.lasting = runtime.recorder.named_by_origin(item, label, task, frame)
        return held

    def _give_key(self, held: Held, task: Task, runtime: Runtime, *, made: bool) -> None:
        """Let the keys of an object's locations be the same in whatever order tasks go on.

        Those of an object that was not seen to be made are not: who meets it first may differ.
        """
        if not made:
            held.met = len(runtime.events)
        held.lasting_key = (
            task.number,
            made,
            self.number(task, "(made)" if made else "(met)", runtime),
        )

    def number(self, task: Task, label: str, runtime: Runtime) -> int:
        """Count what a task has met under a label, from 1."""
        self.begin(runtime)
        key = task, label
        number = self._numbers[key] = self._numbers.get(key, 0) + 1
        return number

    def name(self, item: Any, title: str, runtime: Runtime, *, by_attribute: bool) -> Held:
        """Hold an object under a name of its own."""
        self.begin(runtime)
        held = self.held[id(item)] = Held(item, title, None, 0, by_attribute=by_attribute)
        held.key = title
        if runtime.under_gil:
            held.lasting_key = (title,)
        return held

    def variable(self, cell: Any, name: str, runtime: Runtime) -> Location:
        """Return the location of a variable of an enclosing function."""
        found = self.wholes.get(id(cell))
        if found is None:
            label = f"variable {name}"
            task = runtime.current
            number = self.number(task, label, runtime)
            maker = task if number > 1 or task.path else None
            held = self.held[id(cell)] = Held(cell, label, maker, number, by_attribute=False)
            if runtime.under_gil:
                self._give_key(held, task, runtime, made=False)
            found = self.wholes[id(cell)] = self.location(held, VALUE)
        return found

    def alias(self, mapping: Any, owner: Held) -> None:
        """Say that a dictionary holds the attributes of an object: both are one place."""
        self.held[id(mapping)] = owner
        self.kept.append(mapping)

    def whole(self, item: Any, runtime: Runtime) -> Location:
        """Return the one location of a container that is not divided."""
        found = self.wholes.get(id(item))
        if found is None:
            held = self.hold(item, runtime, by_attribute=False)
            found = self.wholes[id(item)] = self.location(held, WHOLE)
        return found

    def touches(self, held: Held, part: Any, *, writes: bool) -> list[tuple[Location, bool]]:
        """Return what using an attribute, or the item under a key, touches."""
        touched = [(self.location(held, part), writes)]
        if held.blurred:
            touched.append((self.location(held, ANY), False))
        return touched

    def blur(self, held: Held) -> list[tuple[Location, bool]]:
        """Return what is touched by writing under keys that nobody can tell: all that is known."""
        held.blurred = True
        self.location(held, KEYS)
        self.location(held, ANY)
        return [(location, True) for location in held.parts.values()]

    def location(self, held: Held, part: Any) -> Location:
        """Return the location of a part of an object."""
        found = held.parts.get(part)
        if found is None:
            found = held.parts[part] = Location(held, part, self.count)
            if held.lasting_key:
                # Under the GIL an access may be announced after the event that it belongs to. So
                # the key of its location must not tell in which order locations were met.
                lasting = self._lasting
                found.key = _FIRST_LASTING + lasting.setdefault(
                    (held.lasting_key, part), len(lasting)
                )
        return found
