"""Values as short text, made without running any code of the program."""

from __future__ import annotations

from collections import deque
from enum import Enum
from itertools import islice
from types import BuiltinFunctionType, FunctionType, GetSetDescriptorType, MethodType, ModuleType
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
    if isinstance(value, SimObject):
        return value.name
    if isinstance(value, type):
        return str(_name_of_class(value))
    if isinstance(value, FunctionType | BuiltinFunctionType):
        return f"<function {value.__name__}>"
    if cls is MethodType:
        return f"<method of {type(value.__self__).__name__}>"
    if cls is ModuleType:
        return f"<module {(attributes(value) or {}).get('__name__')}>"
    if isinstance(value, Enum):
        return f"{cls.__name__}.{(attributes(value) or {}).get('_name_')}"
    if depth == 0 and isinstance(value, list | tuple | dict | set | frozenset | deque):
        return "..."
    return _container(value, cls.__name__, depth - 1) or f"<{cls.__name__}>"


def attributes(item: Any) -> dict[str, Any] | None:
    """Return the dictionary of an object's attributes, if it has one of the ordinary kind."""
    cls = type(item)
    for base in _mro_of(cls):
        found = _names_of(base).get("__dict__")
        if found is not None:
            if type(found) is not GetSetDescriptorType:
                return None
            inside = found.__get__(item, cls)
            return inside if type(inside) is dict else None
    return None


def _container(value: Any, name: str, depth: int) -> str | None:
    # The methods of the base classes themselves: a subclass may have others.
    if isinstance(value, list):
        return f"[{_listed(list.__iter__(value), list.__len__(value), depth)}]"
    if isinstance(value, tuple):
        inside = _listed(tuple.__iter__(value), tuple.__len__(value), depth)
        if type(value) is not tuple:
            return f"{name}({inside})"
        return f"({inside},)" if tuple.__len__(value) == 1 else f"({inside})"
    if isinstance(value, dict):
        pairs = islice(dict.items(value), _ITEMS)
        shown = [f"{told(key, depth)}: {told(item, depth)}" for key, item in pairs]
        return f"{{{', '.join(shown)}{_more(dict.__len__(value))}}}"
    if isinstance(value, deque):
        return f"deque([{_listed(deque.__iter__(value), deque.__len__(value), depth)}])"
    if isinstance(value, set | frozenset):
        size = len(list(_members(value)))
        # Sorted: the order of a set differs from process to process.
        shown = sorted(told(item, depth) for item in _members(value))[:_ITEMS]
        inside = ", ".join(shown) + _more(size)
        return f"{{{inside}}}" if size else "set()"
    return None


def _members(value: set[Any] | frozenset[Any]) -> Iterable[Any]:
    return (set if isinstance(value, set) else frozenset).__iter__(value)  # type: ignore[arg-type]  # the test says which it is


def _listed(items: Iterable[Any], size: int, depth: int) -> str:
    return ", ".join(told(item, depth) for item in islice(items, _ITEMS)) + _more(size)


def _more(size: int) -> str:
    return f", ... {size - _ITEMS} more" if size > _ITEMS else ""
