"""What the hooks know: the gate, the memory of the execution, and which code and names count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from interleave._real import get_ident
from interleave.core import context
from interleave.core.context import perform
from interleave.instrument.rewrite import Gate
from interleave.primitives.accesses import Compound, Keyed, KeyedCall
from interleave.primitives.memory import Memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import CodeType, FunctionType


gate = Gate()
memory = Memory()

own_codes: dict[int, CodeType] = {}
"""Rewritten code by its `id`: functions that run it have hooks of their own."""

stored_attributes: set[str] = set()
"""The names of attributes that instrumented code stores to, on whatever object."""

shared_globals: dict[int, set[str]] = {}
"""By the `id` of a module's dictionary: which of its names change."""

looked_through: set[str] = set()
"""The words in instrumented code that give out the dictionary of an object, such as `vars`.

While there are none, nobody can see which attributes an object has, but by asking for one.
"""

own_classes: dict[type, bool] = {}
"""Whether making an instance runs instrumented code; forgotten when a class changes."""

foreign_codes: dict[int, CodeType] = {}
"""Code of functions by its `id` that was looked at and has no hooks of its own."""

meet_functions: Callable[[Iterable[FunctionType]], bool] | None = None
"""Instruments those functions that are in scope and were made while the check runs, by `exec` for
example, as the methods of a dataclass are; tells whether there were any."""

operator_code: dict[type, bool] = {}
"""Under the GIL: whether operators on the instances of a class run no code without hooks."""

attribute_code: dict[tuple[type, str, str], bool] = {}
"""Under the GIL: whether an attribute of a class or its instances, read or stored, runs code
without hooks."""

Touches = list[tuple[Any, bool]]
"""Locations, each with whether it is written, and rules (see `Compound`)."""

_mro_of = type.__dict__["__mro__"].__get__
_names_of = type.__dict__["__dict__"].__get__


def touch(find: Callable[..., Touches], *arguments: Any) -> None:
    """Perform one access of the locations that `find(*arguments)` tells, if there are any."""
    if context._thread == get_ident():
        found = find(*arguments)
        if found:
            perform(Compound(find, arguments, found, context._runtime))


def touch_item(find: Callable[..., Touches], *arguments: Any, by_call: bool = False) -> None:
    """Perform one access of the item of a dictionary under one key."""
    if context._thread == get_ident():
        found = find(*arguments)
        if found:
            kind = KeyedCall if by_call else Keyed
            perform(kind(find, arguments, found, context._runtime))


def unseen() -> None:
    """Note that what the task does next makes no event, and may change something of its own.

    A round of a loop in which that happens is not taken for one that only waits.
    """
    runtime = context._runtime
    if runtime is not None and context._thread == get_ident():
        runtime.current.unseen += 1


def in_class(cls: type, name: str) -> tuple[type, Any] | None:
    """Return the class that defines a name for the instances of `cls`, and what it is there."""
    for base in _mro_of(cls):
        names = _names_of(base)
        if name in names:
            return base, names[name]
    return None


def names_of(cls: type) -> Any:
    """Return what a class itself defines, whatever its metaclass says."""
    return _names_of(cls)


def bases_of(cls: type) -> tuple[type, ...]:
    """Return the classes in which an attribute is looked up, whatever the metaclass says."""
    return _mro_of(cls)  # type: ignore[no-any-return]  # a descriptor is not typed
