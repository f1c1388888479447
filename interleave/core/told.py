"""Values as short text, made without running any code of the program."""

from __future__ import annotations

from collections import deque
from enum import Enum
from itertools import islice
from types import (
    BuiltinFunctionType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)
from typing import TYPE_CHECKING, Any

from interleave.core.operation import SimObject

if TYPE_CHECKING:
    from collections.abc import Iterable

_ITEMS = 6
_LETTERS = 60
_DEPTH = 3
_BITS = 1_000

_name_of_class = type.__dict__["__name__"].__get__
_mro_of = type.__dict__["__mro__"].__get__
_names_of = type.__dict__["__dict__"].__get__


def told(value: Any, depth: int = _DEPTH) -> str:
    """Return what a value looks like: `repr` for plain values, the name of the class for others.

    A `__repr__` of the program could do operations of its own, or change something; then telling
    what happened would be something that happens.
    """
    cls = type(value)
    if value is None or cls in (bool, float, complex):
        return repr(value)
    if cls is int:
        # Python itself refuses to print numbers of many digits.
        return repr(value) if value.bit_length() <= _BITS else f"<int of {value.bit_length()} bits>"
    if cls in (str, bytes, bytearray):
        clipped = value[:_LETTERS]
        return repr(clipped) + ("..." if len(value) > _LETTERS else "")
    # Not `isinstance`: it asks a stranger for its `__class__`, which may be code of the program.
    if issubclass(cls, SimObject):
        return str(value.name)
    if issubclass(cls, type):
        return str(_name_of_class(value))
    if cls in (FunctionType, BuiltinFunctionType):
        return f"<function {value.__name__}>"
    if cls is MethodType:
        return f"<method of {type(value.__self__).__name__}>"
    if cls is ModuleType:
        return f"<module {(attributes(value) or {}).get('__name__')}>"
    if issubclass(cls, Enum):
        return f"{_name_of_class(cls)}.{(attributes(value) or {}).get('_name_')}"
    if depth == 0 and issubclass(cls, list | tuple | dict | set | frozenset | deque):
        return "..."
    return _container(value, cls, depth - 1) or f"<{_name_of_class(cls)}>"


def attributes(item: Any) -> dict[str, Any] | None:
    """Return the dictionary of an object's attributes, if it has one of the ordinary kind."""
    cls = type(item)
    for base in _mro_of(cls):
        found = _names_of(base).get("__dict__")
        if found is not None:
            if type(found) not in (GetSetDescriptorType, MemberDescriptorType):
                return None
            inside = found.__get__(item, cls)
            return inside if type(inside) is dict else None
    return None


def _container(value: Any, cls: type, depth: int) -> str | None:
    # The methods of the base classes themselves: a subclass may have others.
    if issubclass(cls, list):
        return f"[{_listed(list.__iter__(value), list.__len__(value), depth)}]"
    if issubclass(cls, tuple):
        inside = _listed(tuple.__iter__(value), tuple.__len__(value), depth)
        if cls is not tuple:
            return f"{_name_of_class(cls)}({inside})"
        return f"({inside},)" if tuple.__len__(value) == 1 else f"({inside})"
    if issubclass(cls, dict):
        pairs = islice(dict.items(value), _ITEMS)
        shown = [f"{told(key, depth)}: {told(item, depth)}" for key, item in pairs]
        return f"{{{', '.join(shown)}{_more(dict.__len__(value))}}}"
    if issubclass(cls, deque):
        return f"deque([{_listed(deque.__iter__(value), deque.__len__(value), depth)}])"
    if issubclass(cls, set | frozenset):
        members = set if issubclass(cls, set) else frozenset
        # Sorted: the order of a set differs from process to process.
        found = sorted(told(item, depth) for item in members.__iter__(value))
        size, shown = len(found), found[:_ITEMS]
        inside = ", ".join(shown) + _more(size)
        return f"{{{inside}}}" if size else "set()"
    return None


def _listed(items: Iterable[Any], size: int, depth: int) -> str:
    return ", ".join(told(item, depth) for item in islice(items, _ITEMS)) + _more(size)


def _more(size: int) -> str:
    return f", ... {size - _ITEMS} more" if size > _ITEMS else ""
