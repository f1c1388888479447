"""The hooks that give a simulated twin to code which is about to use a real lock or queue.

A real primitive that was made before the check may be anywhere: in the cache of an `lru_cache`, in
a generator, in an object of a library. It is met when its method is loaded or called, when a
`with` statement enters it, or when it is handed to code that is not instrumented.
"""

from __future__ import annotations

import functools
import queue
import threading
from types import BuiltinMethodType, MethodDescriptorType
from typing import TYPE_CHECKING, Any

from interleave._real import get_ident
from interleave.core import context
from interleave.core.told import attributes
from interleave.instrument.attributes import attribute_read
from interleave.instrument.containers import SUSPECTS, USES, Use
from interleave.instrument.known import in_class
from interleave.primitives.adoption import adopt_where_used
from interleave.primitives.twins import (
    EXACTLY_REAL,
    REAL,
    TWIN_TYPES,
    known_twin,
    stand_in,
    twin_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_MUTEXES = frozenset({"mutex", "not_empty", "not_full", "all_tasks_done"})


def using(item: Any, name: str, called: str) -> Any:
    """Before `item.acquire` and the like: return what is used instead, which is mostly `item`."""
    if context._runtime is None:
        return item
    cls = type(item)  # `isinstance` would ask the object for its `__class__`
    if issubclass(cls, REAL):
        if context._thread == get_ident() and _is_c(item, name):
            return twin_of(item, called)
        return item
    if name in _MUTEXES and issubclass(cls, queue.Queue) and context._thread == get_ident():
        adopt_where_used(item)
    attribute_read(item, name)
    return item


def entering(item: Any, called: str) -> Any:
    """Before `with item`: return what is entered instead, which is mostly `item`."""
    if context._runtime is None or context._thread != get_ident():
        return item
    cls = type(item)
    if issubclass(cls, REAL):
        both = _is_c(item, "__enter__") and _is_c(item, "__exit__")
        return twin_of(item, called) if both else item
    if issubclass(cls, threading.Condition):
        adopt_where_used(item)
    return item


def identity(left: Any, right: Any) -> Any:
    """Before `left is right`: a twin and what it stands for are one."""
    if left is not right and context._runtime is not None:
        kinds = type(left), type(right)
        if kinds[0] in TWIN_TYPES:
            if issubclass(kinds[1], REAL) and known_twin(right) is left:
                return right
        elif kinds[1] in TWIN_TYPES and issubclass(kinds[0], REAL) and known_twin(left) is right:
            return right
    return left


def _is_c(item: Any, name: str) -> bool:
    """Whether a method is that of the real type, and not one of a subclass or of the object."""
    cls = type(item)
    if cls in EXACTLY_REAL:
        return True
    found = in_class(cls, name)
    if found is None or found[0] not in EXACTLY_REAL:
        return False
    return name not in (attributes(item) or ())


def called_instead(function: Any, args: tuple[Any, ...]) -> Any:
    """Return what is called instead of a function without hooks, which is mostly itself."""
    kind = type(function)
    if kind is BuiltinMethodType:
        if issubclass(type(function.__self__), REAL):
            return stand_in(function)
    elif kind is MethodDescriptorType:
        if issubclass(function.__objclass__, REAL) and args and issubclass(type(args[0]), REAL):
            return _of_its_twin(function.__name__)
    elif kind is functools.partial:
        return stand_in(function)
    for item in args:
        if type(item) in SUSPECTS and stand_in(item) is not item:
            return function if _only_asks(function) else _given_twins(function)
    return function


def _only_asks(function: Any) -> bool:
    """Whether a function only asks what something is, as `isinstance` and `id` do."""
    try:
        return USES.get(function) is Use.NOTHING and function is not functools.partial
    except TypeError:
        return False


def _of_its_twin(name: str) -> Callable[..., Any]:
    """Return what calls a method on the twin of its first argument."""

    def method(real: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(twin_of(real), name)(*args, **kwargs)

    return method


def _given_twins(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return what calls a function with what stands for its arguments."""

    def calling(*args: Any, **kwargs: Any) -> Any:
        given = {name: stand_in(value) for name, value in kwargs.items()}
        return function(*map(stand_in, args), **given)

    return calling
