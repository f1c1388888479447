"""Plain memory: the places that attributes, items, variables and containers are kept in.

A location stands for one such place during one execution. It keeps the object that it belongs
to alive, so that no other object can get the same `id` meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from interleave.core import context
from interleave.core.dependence import READ, WRITE, Footprint, strongest
from interleave.core.operation import Operation, SimObject

if TYPE_CHECKING:
    from interleave.core.runtime import Runtime


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

VALUE: Final = Part("")
"""What a variable of an enclosing function holds."""


class Location(SimObject):
    """One place in memory. Its name is made when somebody asks."""

    __slots__ = ("holder", "part")
    label = "memory"

    def __init__(self, holder: Held, part: Any, epoch: int) -> None:
        self.creator = self.title = self.site = None
        self.wrote_at = self.read_at = 0.0
        self.serial = 0
        self.epoch = epoch
        self.holder = holder
        self.part = part
        runtime = context._runtime
        self.key = runtime.keys = runtime.keys + 1

    @property
    def name(self) -> str:
        """Such as `FakeDatabase#1.value`, `dict#1['key']`, `list#1`."""
        part = self.part
        if isinstance(part, Part):
            return self.holder.name + part.suffix
        if self.holder.by_attribute:
            return f"{self.holder.name}.{part}"
        return f"{self.holder.name}[{part!r}]"


class Held:
    """An object that has locations, and its name."""

    __slots__ = ("by_attribute", "item", "name", "parts")

    def __init__(self, item: Any, name: str, *, by_attribute: bool) -> None:
        self.item = item
        self.name = name
        self.by_attribute = by_attribute
        self.parts: dict[Any, Location] = {}


class Memory:
    """All locations of an execution, by the `id` of their objects (which are kept alive)."""

    def __init__(self) -> None:
        self.count = 0
        self.held: dict[int, Held] = {}
        self.iterators: dict[int, tuple[Any, tuple[Any, ...]]] = {}
        self.passed: dict[int, Any] = {}  # iterators that a loop was given, and did not make
        self.kept: list[Any] = []

    def clear(self) -> None:
        """Let go of everything: the execution is over."""
        self.count = 0
        self.held.clear()
        self.iterators.clear()
        self.passed.clear()
        self.kept.clear()

    def begin(self, runtime: Runtime) -> None:
        """A new execution has begun."""
        self.clear()
        self.count = runtime.count

    def hold(self, item: Any, runtime: Runtime, *, by_attribute: bool = True) -> Held:
        """Return what is known of an object; at first sight it gets a name.

        The name counts the objects of its class that the task met first: `Cache#1`, or
        `Cache#main.0.1` for a worker.
        """
        held = self.held.get(id(item))
        if held is None:
            task = runtime.current
            label = type(item).__name__
            number = task.tally(f"memory {label}")
            maker = f"{task.id}." if task.path else ""
            held = self.add(item, f"{label}#{maker}{number}", by_attribute=by_attribute)
        return held

    def add(self, item: Any, name: str, *, by_attribute: bool) -> Held:
        """Hold an object under a name."""
        held = self.held[id(item)] = Held(item, name, by_attribute=by_attribute)
        return held

    def alias(self, mapping: Any, owner: Held) -> None:
        """Say that a dictionary holds the attributes of an object: both are one place."""
        self.held[id(mapping)] = owner
        self.kept.append(mapping)

    def location(self, held: Held, part: Any) -> Location:
        """Return the location of a part of an object."""
        found = held.parts.get(part)
        if found is None:
            found = held.parts[part] = Location(held, part, self.count)
        return found


class Access(Operation):
    """A plain access; `others` are further locations that the same bytecode touches.

    Each of `others` is a location and whether it is written. Two accesses depend on each other
    if any of their locations meet and one of them is written there.
    """

    __slots__ = ("others",)
    neutral = True
    tells = False
    target: Location

    def __init__(self, target: Location, others: tuple[tuple[Location, bool], ...] = ()) -> None:
        self.target = target
        self.others = others

    def accesses(self) -> tuple[tuple[Location, bool], ...]:
        """Every location that it touches, and whether it writes there."""
        return ((self.target, self.wrote()), *self.others)

    def footprint(self) -> Footprint:
        touched = ((self.target.key, WRITE if self.wrote() else READ),)
        if not self.others:
            return touched
        return strongest(
            (*touched, *((item.key, WRITE if writes else READ) for item, writes in self.others))
        )

    def outside(self) -> None:
        return None


class Read(Access):
    """Look at a location."""

    __slots__ = ()
    kind = "read"

    def wrote(self) -> bool:
        return False


class Write(Access):
    """Change a location."""

    __slots__ = ()
    kind = "write"
