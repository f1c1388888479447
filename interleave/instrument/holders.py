"""The classes of the standard library, written in Python, that hold what a program puts in.

The standard library is no part of the program, but a `UserDict` is as good as a dictionary: that
its methods look into another one is nobody's business. So the methods of these classes are
instrumented wherever a program in scope knows the class, and stay as they are elsewhere. Classes
whose own code goes through the methods of their subclasses (the mixins of `collections.abc`) need
it only where that code keeps an iterator.
"""

from __future__ import annotations

import collections
import collections.abc
import functools
import weakref
from types import FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_VIEWS = (
    collections.abc.KeysView,
    collections.abc.ItemsView,
    collections.abc.ValuesView,
)

HOLDERS: dict[type, tuple[type, ...]] = {
    collections.UserDict: _VIEWS,
    collections.UserList: (collections.abc.Sequence, collections.abc.MutableSequence),
    collections.ChainMap: _VIEWS,
    collections.Counter: (),
    weakref.WeakSet: (),
    weakref.WeakValueDictionary: (),
    weakref.WeakKeyDictionary: (),
    functools.cached_property: (),
}
"""Each with the classes whose code goes through what it holds."""

_HOMES = {cls: cls.__module__.removeprefix("_") for cls in HOLDERS}
_HOMES[weakref.WeakSet] = "weakref"


def holders_named(words: frozenset[str]) -> Iterator[type]:
    """Yield the classes that code can mean which has these words, besides what it has global."""
    return (cls for cls, home in _HOMES.items() if cls.__name__ in words and home in words)


def holder_of(item: Any) -> type | None:
    """Return the class that an object shows to be in use, if it is one, or an instance of one."""
    cls = item if isinstance(item, type) else type(item)
    return next((base for base in type.__dict__["__mro__"].__get__(cls) if base in HOLDERS), None)


def methods_of(holder: type) -> Iterator[FunctionType]:
    """Yield the functions that a class and its companions define."""
    for cls in (holder, *HOLDERS[holder]):
        yield from functions_of(cls)


def functions_of(cls: type) -> Iterator[FunctionType]:
    """Yield the functions that a class itself defines, those of class methods and the like too."""
    for value in list(type.__dict__["__dict__"].__get__(cls).values()):
        kind = type(value)
        function = value
        if kind is classmethod or kind is staticmethod:
            function = value.__func__
        elif kind is property:
            function = value.fget
        if type(function) is FunctionType:
            yield function
