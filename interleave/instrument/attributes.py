"""The hooks before an attribute is read, stored or deleted.

How a class finds an attribute is looked up once and kept by class and name. `None` says that
there is nothing to do: methods that nobody replaces, values that cannot change, Python code that
has hooks of its own.
"""

from __future__ import annotations

import functools
import threading
from types import (
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodDescriptorType,
    MethodType,
    MethodWrapperType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import TYPE_CHECKING, Any, Final

from interleave._real import get_ident
from interleave.core import context
from interleave.core.context import access
from interleave.instrument.containers import PLAIN_TYPES, Shape, shape_of
from interleave.instrument.known import (
    attribute_code,
    bases_of,
    in_class,
    looked_through,
    memory,
    names_of,
    operator_code,
    own_classes,
    shared_globals,
    stored_attributes,
    touch,
    unseen,
)
from interleave.instrument.variables import global_location
from interleave.primitives.accesses import Read, Write
from interleave.primitives.memory import KEYS

if TYPE_CHECKING:
    from interleave.core.runtime import Runtime
    from interleave.instrument.known import Touches
    from interleave.primitives.memory import Held


class _Way:
    """How an attribute of the instances of a class is found or kept."""

    __slots__ = ("definer",)

    def __init__(self, definer: type | None = None) -> None:
        self.definer = definer  # the class whose value shows where the instance has none


_OWN: Final = _Way()  # in the instance alone
_DICT: Final = _Way()  # the dictionary of the instance
_CLASS: Final = _Way()  # the instance is a class
_MODULE: Final = _Way()  # the instance is a module
_KEYED: Final = _Way()  # in the instance, and it may be new there, which somebody could see

_reads: dict[type, dict[str, _Way | None]] = {}
_stores: dict[type, dict[str, _Way | None]] = {}

_held = memory.held

CODE = (
    FunctionType,
    MethodType,
    BuiltinFunctionType,
    MethodDescriptorType,
    WrapperDescriptorType,
    ClassMethodDescriptorType,
    MethodWrapperType,
    classmethod,
    staticmethod,
    type,
    ModuleType,
)
"""Types of what a class holds as code: reading it is no access unless somebody stores there."""


_NAMESPACES = (type, ModuleType)


def forget_lookups() -> None:
    """A class, or what is known of the names, has changed."""
    _reads.clear()
    _stores.clear()
    own_classes.clear()
    operator_code.clear()
    attribute_code.clear()


# -- reading --------------------------------------------------------------------------------------


def attribute_read(item: Any, name: str) -> None:
    """Before `item.name`."""
    runtime = context._runtime
    if runtime is None or runtime.begun == 1:
        return
    try:
        way = _reads[type(item)][name]
    except KeyError:
        way = _way_to_read(type(item), name)
    if way is None:
        return
    if way is _OWN:
        held = _held.get(id(item))
        if held is None:
            if context._thread != get_ident():
                return
            held = memory.hold(item, runtime)
        if not held.blurred:
            op = Read()
            op.target = held.parts.get(name) or memory.location(held, name)
            access(op)
            return
    elif way is _MODULE and name not in shared_globals.get(id(item.__dict__), ()):
        return
    touch(reads_of, item, name, runtime)


def dictionary_read(item: Any) -> None:
    """Before `item.__dict__`; it counts from the beginning who has taken it."""
    runtime = context._runtime
    if runtime is not None and context._thread == get_ident():
        reads_of(item, "__dict__", runtime)


def _way_to_read(cls: type, name: str) -> _Way | None:
    way = _find(cls, name)
    if len(_reads) < 10_000:
        _reads.setdefault(cls, {})[name] = way
    return way


def _find(cls: type, name: str) -> _Way | None:
    if cls in PLAIN_TYPES:
        return None
    if issubclass(cls, type):
        return _CLASS if name in stored_attributes else None
    if issubclass(cls, ModuleType):
        return _MODULE
    if _is_ours(cls):
        return None
    getter = in_class(cls, "__getattribute__")
    if getter is not None and isinstance(getter[1], FunctionType):
        return None  # its own code is instrumented
    found = in_class(cls, name)
    if found is None:
        return _OWN
    definer, value = found
    kind = type(value)
    if kind is MemberDescriptorType or isinstance(value, functools.cached_property):
        return _OWN
    if kind is GetSetDescriptorType:
        return _DICT if name == "__dict__" else None
    if not isinstance(value, CODE) and hasattr(kind, "__get__"):
        return None if hasattr(kind, "__set__") else _OWN
    if name not in stored_attributes:
        return None
    return _Way(definer)


def _is_ours(cls: type) -> bool:
    """Whether instances hold nothing that is shared, or belong to the tool."""
    module = names_of(cls).get("__module__")
    if isinstance(module, str) and module.partition(".")[0] in (
        "interleave",
        "greenlet",
        "_thread",
    ):
        return True
    return issubclass(cls, threading.local)


def reads_of(item: Any, name: str, runtime: Runtime) -> Touches:
    """Return what reading an attribute looks at."""
    cls = type(item)
    try:
        way = _reads[cls][name]
    except KeyError:
        way = _way_to_read(cls, name)
    if way is None:
        return []
    if way is _CLASS:
        return _class_reads(item, name, runtime)
    if way is _MODULE:
        return _module_reads(item, name, runtime)
    held = memory.hold(item, runtime)
    if way is _OWN:
        return memory.touches(held, name, writes=False)
    if way is _DICT:
        _give_out_dict(item, held)
        return []
    shared = memory.location(memory.hold(way.definer, runtime), name)
    return [*memory.touches(held, name, writes=False), (shared, False)]


def _class_reads(cls: type, name: str, runtime: Runtime) -> Touches:
    meta = in_class(type(cls), name)
    if meta is not None and hasattr(type(meta[1]), "__set__"):
        return []
    reads = [(memory.location(memory.hold(cls, runtime), name), False)]
    found = in_class(cls, name)
    if found is not None and found[0] is not cls:
        reads.append((memory.location(memory.hold(found[0], runtime), name), False))
    return reads


def _module_reads(module: ModuleType, name: str, runtime: Runtime) -> Touches:
    names = module.__dict__
    if name == "__dict__" or name not in shared_globals.get(id(names), ()):
        return []
    return [(global_location(names, name, runtime), False)]


def _give_out_dict(item: Any, held: Held) -> None:
    """Somebody takes an object's `__dict__`: its items are the attributes."""
    names = _dictionary_of(item)
    if names is not None and id(names) not in _held:
        memory.alias(names, held)
    if "__dict__" not in looked_through:
        looked_through.add("__dict__")
        forget_lookups()


def _dictionary_of(item: Any) -> dict[str, Any] | None:
    try:
        names = object.__getattribute__(item, "__dict__")
    except AttributeError:
        return None
    return names if type(names) is dict else None


# -- storing --------------------------------------------------------------------------------------


def attribute_write(item: Any, name: str) -> None:
    """Before `item.name = ...`."""
    runtime = context._runtime
    if runtime is None:
        return
    if runtime.begun == 1:
        _store_alone(item, name, runtime)
        return
    try:
        way = _stores[type(item)][name]
    except KeyError:
        way = _way_to_store(type(item), name)
    if way is None:
        unseen()
        return
    if way is _OWN:
        held = _held.get(id(item))
        if held is None:
            if context._thread != get_ident():
                return
            held = memory.hold(item, runtime)
        if not held.blurred:
            op = Write()
            op.target = held.parts.get(name) or memory.location(held, name)
            access(op)
            return
    touch(writes_of, item, name, runtime)


def attribute_delete(item: Any, name: str) -> None:
    """Before `del item.name`."""
    runtime = context._runtime
    if runtime is None:
        return
    if runtime.begun > 1:
        unseen()  # if it makes no event
        touch(deletes_of, item, name, runtime)
    elif isinstance(item, type):
        forget_lookups()


def _store_alone(item: Any, name: str, runtime: Runtime) -> None:
    """Main stores before there are others: names count from where a thing is made."""
    if context._thread != get_ident():
        return
    if isinstance(item, _NAMESPACES):
        writes_of(item, name, runtime)
    elif shape_of(type(item)) is Shape.NONE:
        memory.hold(item, runtime)


def _way_to_store(cls: type, name: str) -> _Way | None:
    way = _keeps(cls, name)
    if len(_stores) < 10_000:
        _stores.setdefault(cls, {})[name] = way
    return way


def _keeps(cls: type, name: str) -> _Way | None:
    """Tell where storing an attribute puts it; nothing if it runs Python code."""
    if issubclass(cls, type):
        return _CLASS
    if issubclass(cls, ModuleType):
        return _MODULE
    if _is_ours(cls):
        return None
    setter = in_class(cls, "__setattr__")
    if setter is not None and isinstance(setter[1], FunctionType):
        return None
    found = in_class(cls, name)
    if found is not None:
        kind = type(found[1])
        if kind is MemberDescriptorType:
            return _OWN
        if hasattr(kind, "__set__"):
            return None
    return _KEYED if looked_through else _OWN


def writes_of(item: Any, name: str, runtime: Runtime) -> Touches:
    """Return what storing an attribute touches."""
    return _changes(item, name, runtime, deletes=False)


def deletes_of(item: Any, name: str, runtime: Runtime) -> Touches:
    """Return what deleting an attribute touches."""
    return _changes(item, name, runtime, deletes=True)


def _changes(item: Any, name: str, runtime: Runtime, *, deletes: bool) -> Touches:
    cls = type(item)
    try:
        way = _stores[cls][name]
    except KeyError:
        way = _way_to_store(cls, name)
    if way is None:
        return []
    if way is _CLASS:
        return _class_writes(item, name, runtime)
    if way is _MODULE:
        shared_globals.setdefault(id(item.__dict__), set()).add(name)
        return [(global_location(item.__dict__, name, runtime), True)]
    held = memory.hold(item, runtime)
    writes = memory.touches(held, name, writes=True)
    names = _dictionary_of(item) if deletes or way is _KEYED else None
    if names is not None and (deletes or name not in names):
        writes.append((memory.location(held, KEYS), True))
    return writes


def _class_writes(cls: type, name: str, runtime: Runtime) -> Touches:
    """What storing to a class touches: instances and subclasses may show another value from now."""
    forget_lookups()
    stored_attributes.add(name)
    writes = [(memory.location(memory.hold(cls, runtime), name), True)]
    for held in list(_held.values()):
        item = held.item
        inherits = cls in bases_of(item) if isinstance(item, type) else cls in bases_of(type(item))
        if inherits and item is not cls and held.by_attribute and name in held.parts:
            writes.append((held.parts[name], True))
    return writes


# -- patterns -------------------------------------------------------------------------------------


def match_class(item: Any, names: tuple[str, ...]) -> None:
    """Before the attributes that a class pattern names are looked at."""
    runtime = context._runtime
    if runtime is not None and runtime.begun > 1 and type(item) not in PLAIN_TYPES:
        touch(_matches_of, item, names, runtime)


def _matches_of(item: Any, names: tuple[str, ...], runtime: Runtime) -> Touches:
    positional = getattr(type(item), "__match_args__", ())
    return [read for name in (*positional, *names) for read in reads_of(item, name, runtime)]
