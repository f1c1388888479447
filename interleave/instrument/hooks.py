"""The hooks: what instrumented code calls just before an access, and what that makes an operation.

A hook returns at once for real threads, for objects that cannot change, and while main has no
other task beside it yet: what it did before it started the first one is ordered before everything.
A hook never calls code of the program, and it never raises what the access would not have raised.
"""

from __future__ import annotations

import functools
import random
import sys
import threading
from collections import defaultdict
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
from interleave.core.context import perform
from interleave.instrument.containers import (
    NO_TOUCH,
    PLAIN_TYPES,
    QUIET,
    READS,
    STORING,
    USES,
    Shape,
    Use,
    shape_of,
    underlying,
)
from interleave.instrument.rewrite import Gate
from interleave.primitives.memory import KEYS, OTHER, VALUE, WHOLE, Memory, Read, Write

if TYPE_CHECKING:
    from types import CodeType

    from interleave.core.runtime import Runtime
    from interleave.primitives.memory import Held, Location

gate = Gate()
memory = Memory()

own_codes: dict[int, CodeType] = {}
"""Rewritten code by its `id`: functions that run it have hooks of their own."""

stored_attributes: set[str] = set()
"""The names of attributes that instrumented code stores to, on whatever object."""

shared_globals: dict[int, set[str]] = {}
"""By the `id` of a module's dictionary: which of its names change."""

_mro_of = type.__dict__["__mro__"].__get__
_names_of = type.__dict__["__dict__"].__get__

_Others = list[tuple["Location", bool]]


def _alone(runtime: Runtime) -> bool:
    """Whether main is the only task there has ever been."""
    return runtime.begun == 1 and len(runtime.live) == 1


def _runtime() -> Runtime:
    runtime = context._runtime
    if memory.count != runtime.count:
        memory.begin(runtime)
    return runtime


def _do(locations: _Others) -> None:
    """Perform one access of several locations."""
    if not locations:
        return
    for index, (location, writes) in enumerate(locations):
        if writes:
            others = locations[:index] + locations[index + 1 :]
            perform(Write(location, tuple(others)))
            return
    perform(Read(locations[0][0], tuple(locations[1:])))


# -- attributes -----------------------------------------------------------------------------------


class _Found:
    """How an attribute of the instances of a class is found."""

    __slots__ = ("definer", "way")

    def __init__(self, way: int, definer: type | None = None) -> None:
        self.way = way
        self.definer = definer


_NOWHERE, _IN_INSTANCE, _SHADOWED, _THE_DICT = range(4)
_NOTHING: Final = _Found(_NOWHERE)
_OWN: Final = _Found(_IN_INSTANCE)
_DICT: Final = _Found(_THE_DICT)

_lookups: dict[tuple[type, str], _Found] = {}
_stores: dict[tuple[type, str], bool] = {}

_CODE = (
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


def forget_lookups() -> None:
    """A class or the set of stored names has changed."""
    _lookups.clear()
    _stores.clear()


def _in_class(cls: type, name: str) -> tuple[type, Any] | None:
    for base in _mro_of(cls):
        names = _names_of(base)
        if name in names:
            return base, names[name]
    return None


def _lookup(cls: type, name: str) -> _Found:
    found = _find(cls, name)
    if len(_lookups) < 100_000:
        _lookups[cls, name] = found
    return found


def _find(cls: type, name: str) -> _Found:
    if _is_ours(cls):
        return _NOTHING
    getter = _in_class(cls, "__getattribute__")
    if getter is not None and isinstance(getter[1], FunctionType):
        return _NOTHING  # its own code is instrumented
    found = _in_class(cls, name)
    if found is None:
        return _OWN
    definer, value = found
    kind = type(value)
    if kind is MemberDescriptorType or isinstance(value, functools.cached_property):
        return _OWN
    if kind is GetSetDescriptorType:
        return _DICT if name == "__dict__" else _NOTHING
    if not isinstance(value, _CODE) and hasattr(kind, "__get__"):
        return _NOTHING if hasattr(kind, "__set__") else _OWN
    if name not in stored_attributes:
        return _NOTHING
    return _Found(_SHADOWED, definer)


def _is_ours(cls: type) -> bool:
    """Whether instances hold nothing that is shared, or belong to the tool."""
    module = _names_of(cls).get("__module__")
    if isinstance(module, str) and module.partition(".")[0] in (
        "interleave",
        "greenlet",
        "_thread",
    ):
        return True
    return issubclass(cls, threading.local)


def _reads_of(item: Any, name: str, runtime: Runtime) -> _Others:
    """Return what reading an attribute looks at."""
    cls = type(item)
    if cls in PLAIN_TYPES:
        return []
    if isinstance(item, type):
        return _class_reads(item, name, runtime)
    if issubclass(cls, ModuleType):
        return _module_reads(item, name)
    found = _lookups.get((cls, name)) or _lookup(cls, name)
    way = found.way
    if way == _NOWHERE:
        return []
    held = memory.hold(item, runtime)
    if way == _IN_INSTANCE:
        return [(memory.location(held, name), False)]
    if way == _THE_DICT:
        _give_out_dict(item, held)
        return []
    own = (memory.location(held, name), False)
    shared = memory.location(memory.hold(found.definer, runtime), name)
    return [own, (shared, False)]


def _class_reads(cls: type, name: str, runtime: Runtime) -> _Others:
    if name not in stored_attributes:
        return []
    meta = _in_class(type(cls), name)
    if meta is not None and hasattr(type(meta[1]), "__set__"):
        return []
    reads = [(memory.location(memory.hold(cls, runtime), name), False)]
    found = _in_class(cls, name)
    if found is not None and found[0] is not cls:
        reads.append((memory.location(memory.hold(found[0], runtime), name), False))
    return reads


def _module_reads(module: ModuleType, name: str) -> _Others:
    names = module.__dict__
    if name == "__dict__" or name not in shared_globals.get(id(names), ()):
        return []
    return [(_global_location(names, name), False)]


def _give_out_dict(item: Any, held: Held) -> None:
    """Somebody takes an object's `__dict__`: its items are the attributes."""
    try:
        names = object.__getattribute__(item, "__dict__")
    except AttributeError:
        return
    if type(names) is dict and id(names) not in memory.held:
        memory.alias(names, held)


def attribute_read(item: Any, name: str) -> None:
    """Before `item.name`."""
    if context._thread != get_ident() or type(item) in PLAIN_TYPES:
        return
    runtime = _runtime()
    if _alone(runtime) and name != "__dict__":
        return
    _do(_reads_of(item, name, runtime))


def _writes_of(item: Any, name: str, runtime: Runtime, *, deletes: bool) -> _Others:
    """Return what storing an attribute touches."""
    cls = type(item)
    if isinstance(item, type):
        forget_lookups()
        stored_attributes.add(name)
        return [(memory.location(memory.hold(item, runtime), name), True)]
    if issubclass(cls, ModuleType):
        shared_globals.setdefault(id(item.__dict__), set()).add(name)
        return [(_global_location(item.__dict__, name), True)]
    kept = _stores.get((cls, name))
    if kept is None:
        kept = _stores[cls, name] = _keeps(cls, name)
    if not kept:
        return []
    held = memory.hold(item, runtime)
    writes = [(memory.location(held, name), True)]
    try:
        names = object.__getattribute__(item, "__dict__")
    except AttributeError:
        return writes
    if type(names) is dict and (deletes or name not in names):
        writes.append((memory.location(held, KEYS), True))
    return writes


def _keeps(cls: type, name: str) -> bool:
    """Whether storing an attribute puts it into the instance, and runs no Python code."""
    if _is_ours(cls):
        return False
    setter = _in_class(cls, "__setattr__")
    if setter is not None and isinstance(setter[1], FunctionType):
        return False
    found = _in_class(cls, name)
    if found is None:
        return True
    kind = type(found[1])
    return kind is MemberDescriptorType or not hasattr(kind, "__set__")


def attribute_write(item: Any, name: str) -> None:
    """Before `item.name = ...`."""
    if context._thread != get_ident():
        return
    runtime = _runtime()
    if _alone(runtime):
        if shape_of(type(item)) is Shape.NONE and not isinstance(item, ModuleType):
            memory.hold(item, runtime)  # its name counts from where it is made
        if isinstance(item, type | ModuleType):
            _writes_of(item, name, runtime, deletes=False)
        return
    _do(_writes_of(item, name, runtime, deletes=False))


def attribute_delete(item: Any, name: str) -> None:
    """Before `del item.name`."""
    if context._thread != get_ident():
        return
    runtime = _runtime()
    if isinstance(item, type):
        forget_lookups()
    if not _alone(runtime):
        _do(_writes_of(item, name, runtime, deletes=True))


def match_class(item: Any, names: tuple[str, ...]) -> None:
    """Before the attributes that a class pattern names are looked at."""
    if context._thread != get_ident() or type(item) in PLAIN_TYPES:
        return
    runtime = _runtime()
    if not _alone(runtime):
        positional = getattr(type(item), "__match_args__", ())
        _do([read for name in (*positional, *names) for read in _reads_of(item, name, runtime)])


# -- variables ------------------------------------------------------------------------------------


def cell_read(cell: Any, name: str) -> None:
    """Before a variable of an enclosing function is read."""
    if context._thread == get_ident():
        runtime = _runtime()
        if not _alone(runtime):
            perform(Read(_cell_location(cell, name, runtime)))


def cell_write(cell: Any, name: str) -> None:
    """Before a variable of an enclosing function is stored or deleted."""
    if context._thread == get_ident():
        runtime = _runtime()
        location = _cell_location(cell, name, runtime)
        if not _alone(runtime):
            perform(Write(location))


def _cell_location(cell: Any, name: str, runtime: Runtime) -> Location:
    held = memory.held.get(id(cell))
    if held is None:
        task = runtime.current
        number = task.tally(f"memory variable {name}")
        maker = f"{task.id}." if task.path else ""
        title = f"variable {name}" + (f"#{maker}{number}" if maker or number > 1 else "")
        held = memory.add(cell, title, by_attribute=False)
    return memory.location(held, VALUE)


def global_read(name: str) -> None:
    """Before a global variable is read."""
    if context._thread == get_ident():
        runtime = _runtime()
        if not _alone(runtime):
            perform(Read(_global_location(sys._getframe(1).f_globals, name)))


def global_write(name: str) -> None:
    """Before a global variable is stored or deleted."""
    if context._thread == get_ident():
        runtime = _runtime()
        if not _alone(runtime):
            names = sys._getframe(1).f_globals
            location = _global_location(names, name)
            keys = () if name in names else ((memory.location(location.holder, KEYS), True),)
            perform(Write(location, keys))


def _global_location(names: dict[str, Any], name: str) -> Location:
    held = memory.held.get(id(names))
    if held is None:
        title = str(names.get("__name__", "globals"))
        held = memory.add(names, title, by_attribute=True)
    return memory.location(held, name)


# -- containers ---------------------------------------------------------------------------------


def _plain_key(key: Any) -> bool:
    """Whether a key is hashed and compared without any Python code."""
    cls = type(key)
    if cls is str or cls is int:
        return True
    if cls is tuple:
        return all(map(_plain_key, key))
    plain = _plain_types.get(cls)
    if plain is None:
        plain = not any(
            isinstance(_in_class(cls, name)[1], FunctionType)  # type: ignore[index]
            for name in ("__hash__", "__eq__")
        ) and not issubclass(cls, tuple | frozenset)
        plain = plain and _in_class(cls, "__hash__")[1] is not None  # type: ignore[index]
        if len(_plain_types) < 10_000:
            _plain_types[cls] = plain
    return plain


_plain_types: dict[type, bool] = {}


def _item_location(mapping: Any, key: Any, runtime: Runtime) -> Location:
    held = memory.hold(mapping, runtime, by_attribute=False)
    return memory.location(held, key if _plain_key(key) else OTHER)


def _whole(item: Any, runtime: Runtime, *, writes: bool = False) -> _Others:
    held = memory.hold(item, runtime, by_attribute=False)
    return [(memory.location(held, WHOLE), writes)]


def _keys(mapping: Any, runtime: Runtime, *, writes: bool = False) -> _Others:
    held = memory.hold(mapping, runtime, by_attribute=False)
    return [(memory.location(held, KEYS), writes)]


def _is_there(mapping: Any, key: Any) -> bool:
    """Whether a key is there, as far as that can be told without running code of the program."""
    return _plain_key(key) and dict.__contains__(mapping, key)


def _size_of(item: Any, runtime: Runtime) -> _Others:
    """What asking for the length, or for the keys, looks at."""
    shape = shape_of(type(item))
    if shape is Shape.NONE:
        return []
    if shape is Shape.DICT:
        return _keys(item, runtime)
    if shape is Shape.WHOLE:
        return _whole(item, runtime)
    return _below(item, runtime)


def _contents_of(item: Any, runtime: Runtime, *, writes: bool = False) -> _Others:
    """What looking at (or changing) everything inside touches."""
    shape = shape_of(type(item))
    if shape is Shape.NONE:
        return []
    if shape is Shape.WHOLE:
        return _whole(item, runtime, writes=writes)
    if shape is Shape.DICT:
        found = _keys(item, runtime, writes=writes)
        for key in list(dict.keys(item)):
            found.append((_item_location(item, key, runtime), writes))
        return found
    found = _whole(item, runtime, writes=True) if shape is Shape.ITERATOR else []
    return found + _below(item, runtime, writes=writes)


def _below(item: Any, runtime: Runtime, *, writes: bool = False) -> _Others:
    """What going through an iterator or view touches of the containers below it."""
    found: _Others = []
    for inner, keys_only in _containers(item):
        if keys_only:
            found += _size_of(inner, runtime)
        else:
            found += _contents_of(inner, runtime, writes=writes)
    return found


def _containers(item: Any) -> tuple[tuple[Any, bool], ...]:
    """The containers below an iterator or view; an iterator forgets them when it is used up."""
    known = memory.iterators.get(id(item))
    if known is None:
        known = memory.iterators[id(item)] = (item, underlying(item))
    return known[1]


def _item_write(mapping: Any, key: Any, runtime: Runtime) -> _Others:
    writes = [(_item_location(mapping, key, runtime), True)]
    if not _is_there(mapping, key):
        writes += _keys(mapping, runtime, writes=True)
    return writes


def _item_read(mapping: Any, key: Any, runtime: Runtime) -> _Others:
    if isinstance(mapping, defaultdict) and not _is_there(mapping, key):
        return _item_write(mapping, key, runtime)
    return [(_item_location(mapping, key, runtime), False)]


def _own_code(cls: type, method: str) -> bool:
    """Whether a method of a container class is Python code with hooks of its own."""
    found = _in_class(cls, method)
    return found is not None and isinstance(found[1], FunctionType)


def _task_beside(item: Any) -> Runtime | None:
    """The runtime if another task might see an access to this container."""
    if context._thread != get_ident() or shape_of(type(item)) is Shape.NONE:
        return None
    runtime = _runtime()
    return None if _alone(runtime) else runtime


def item_read(item: Any, key: Any) -> None:
    """Before `item[key]`."""
    runtime = _task_beside(item)
    if runtime is None or _own_code(type(item), "__getitem__"):
        return
    if shape_of(type(item)) is Shape.DICT:
        _do(_item_read(item, key, runtime))
    else:
        _do(_contents_of(item, runtime))


def item_write(item: Any, key: Any, value: Any) -> None:
    """Before `item[key] = value`."""
    runtime = _task_beside(item)
    if runtime is None or _own_code(type(item), "__setitem__"):
        return
    if shape_of(type(item)) is Shape.DICT:
        _do(_item_write(item, key, runtime))
    else:
        touched = _contents_of(item, runtime, writes=True)
        if type(key) is slice:
            touched += _contents_of(value, runtime)
        _do(touched)


def item_delete(item: Any, key: Any) -> None:
    """Before `del item[key]`."""
    runtime = _task_beside(item)
    if runtime is None or _own_code(type(item), "__delitem__"):
        return
    if shape_of(type(item)) is Shape.DICT:
        writes = [(_item_location(item, key, runtime), True)]
        _do(writes + _keys(item, runtime, writes=True))
    else:
        _do(_contents_of(item, runtime, writes=True))


def slice_write(item: Any, value: Any) -> None:
    """Before `item[a:b] = value`."""
    runtime = _task_beside(item)
    if runtime is not None and not _own_code(type(item), "__setitem__"):
        _do(_contents_of(item, runtime, writes=True) + _contents_of(value, runtime))


def size_read(item: Any) -> None:
    """Before something asks for the length or goes through the keys."""
    runtime = _task_beside(item)
    if runtime is not None:
        _do(_size_of(item, runtime))


def content_read(item: Any) -> None:
    """Before something looks at all that is inside."""
    runtime = _task_beside(item)
    if runtime is not None:
        _do(_contents_of(item, runtime))


def iterating(item: Any) -> None:
    """Before `iter(item)`: over a dictionary or a set it notes how many items there are."""
    runtime = _task_beside(item)
    if runtime is None:
        if context._thread == get_ident() and shape_of(type(item)) is Shape.ITERATOR:
            memory.passed[id(item)] = item
        return
    shape = shape_of(type(item))
    if shape is Shape.ITERATOR:
        memory.passed[id(item)] = item  # others may hold it
    elif shape is not Shape.WHOLE or isinstance(item, set):
        _do(_size_of(item, runtime))


def step(iterator: Any) -> None:
    """Before the next item is taken."""
    runtime = _task_beside(iterator)
    if runtime is None:
        return
    touched = _whole(iterator, runtime, writes=True) if id(iterator) in memory.passed else []
    _do(touched + _below(iterator, runtime))


def binary(left: Any, right: Any) -> None:
    """Before an operator or a comparison."""
    if context._thread != get_ident():
        return
    if shape_of(type(left)) is Shape.NONE and shape_of(type(right)) is Shape.NONE:
        return
    runtime = _runtime()
    if not _alone(runtime):
        _do(_contents_of(left, runtime) + _contents_of(right, runtime))


def inplace(left: Any, right: Any) -> None:
    """Before an operator such as `+=`."""
    if context._thread != get_ident():
        return
    if shape_of(type(left)) is Shape.NONE and shape_of(type(right)) is Shape.NONE:
        return
    runtime = _runtime()
    if not _alone(runtime):
        touched = _contents_of(left, runtime, writes=True)
        touched += _contents_of(right, runtime)
        if shape_of(type(left)) is Shape.DICT and shape_of(type(right)) is Shape.DICT:
            touched += [
                write for key in list(dict.keys(right)) for write in _item_write(left, key, runtime)
            ]
        _do(touched)


def contains(item: Any, key: Any) -> None:
    """Before `key in item`."""
    runtime = _task_beside(item)
    if runtime is None or _own_code(type(item), "__contains__"):
        return
    if shape_of(type(item)) is Shape.DICT:
        _do([(_item_location(item, key, runtime), False)])
    else:
        _do(_contents_of(item, runtime))


# -- calls ----------------------------------------------------------------------------------------


def call(function: Any, *args: Any) -> None:
    """Before a call; the values of keyword arguments are among `args`, without their names."""
    if context._thread != get_ident():
        return
    kind = type(function)
    if kind is FunctionType:
        if id(function.__code__) in own_codes:
            return
    elif kind is MethodType:
        inner = function.__func__
        if type(inner) is FunctionType and id(inner.__code__) in own_codes:
            return
    runtime = _runtime()
    if not _alone(runtime):
        _do(_touched(function, args, runtime))
    elif function is vars or function is setattr:
        _touched(function, args, runtime)  # names and dictionaries count from the beginning


def call_expanded(function: Any, args: Any, keywords: Any = None) -> None:
    """Before a call with `*args` or `**keywords`."""
    if context._thread != get_ident():
        return
    if type(args) is not tuple:
        size_read(args)
        args = tuple(args) if type(args) is list else ()
    if type(keywords) is dict:
        args = (*args, *keywords.values())
    call(function, *args)


def _touched(function: Any, args: tuple[Any, ...], runtime: Runtime) -> _Others:
    kind = type(function)
    if kind is BuiltinFunctionType or kind is MethodWrapperType:
        owner = function.__self__
        if owner is None or isinstance(owner, ModuleType):
            return _by_function(function, args, runtime)
        return _by_method(owner, function.__name__, args, runtime)
    if kind in (MethodDescriptorType, WrapperDescriptorType) and args:
        return _by_method(args[0], function.__name__, args[1:], runtime)
    if kind is functools.partial:
        return _touched(function.func, (*function.args, *args), runtime)
    if kind is functools._lru_cache_wrapper:
        return _whole(function, runtime, writes=True)
    if isinstance(function, type):
        return _by_class(function, args, runtime)
    if kind is FunctionType or kind is MethodType:
        if getattr(function, "__module__", None) in QUIET:
            return []
        owner = getattr(function, "__self__", None)
        if isinstance(owner, random.Random):
            return _whole(owner, runtime, writes=True)
    else:
        method = _in_class(kind, "__call__")
        if method is not None and id(getattr(method[1], "__code__", None)) in own_codes:
            return []
    return _by_unknown(args, runtime)


def _by_unknown(args: tuple[Any, ...], runtime: Runtime) -> _Others:
    return [use for item in args for use in _contents_of(item, runtime, writes=True)]


def _by_class(cls: type, args: tuple[Any, ...], runtime: Runtime) -> _Others:
    use = USES.get(cls)
    if use is not None:
        return _by_use(use, args, runtime)
    for name in ("__init__", "__new__"):
        found = _in_class(cls, name)
        code = found and getattr(getattr(found[1], "__func__", found[1]), "__code__", None)
        if id(code) in own_codes:
            return []  # it has hooks of its own
    if cls.__module__ in QUIET:
        return []
    return [use for item in args for use in _contents_of(item, runtime)]


def _by_function(function: Any, args: tuple[Any, ...], runtime: Runtime) -> _Others:
    try:
        use = USES.get(function)
    except TypeError:
        use = None
    if use is None and getattr(function, "__module__", None) in QUIET:
        return []
    return _by_use(use or Use.UNKNOWN, args, runtime)


def _by_use(use: Use, args: tuple[Any, ...], runtime: Runtime) -> _Others:
    match use:
        case Use.NOTHING:
            return []
        case Use.SIZE:
            return [read for item in args for read in _size_of(item, runtime)]
        case Use.CONTENTS:
            return [read for item in args for read in _contents_of(item, runtime)]
        case Use.STEP:
            return [use for item in args[:1] for use in _contents_of(item, runtime)]
        case Use.ITERATE:
            return [
                read
                for item in args
                if not isinstance(item, list) and shape_of(type(item)) is not Shape.ITERATOR
                for read in _size_of(item, runtime)
            ]
        case Use.GET if len(args) > 1 and type(args[1]) is str:
            return _reads_of(args[0], args[1], runtime)
        case Use.SET | Use.DELETE if len(args) > 1 and type(args[1]) is str:
            if args[1] not in stored_attributes:
                stored_attributes.add(args[1])
                forget_lookups()
            return _writes_of(args[0], args[1], runtime, deletes=use is Use.DELETE)
        case Use.VARS if args:
            return _reads_of(args[0], "__dict__", runtime)
        case Use.UNKNOWN:
            return _by_unknown(args, runtime)
        case _:
            return []


def _by_method(owner: Any, name: str, args: tuple[Any, ...], runtime: Runtime) -> _Others:
    """What a method written in C touches."""
    shape = shape_of(type(owner))
    if name in NO_TOUCH:
        return []
    if shape is Shape.NONE:
        if name == "__getattribute__" and args and type(args[0]) is str:
            return _raw_attribute(owner, args[0], runtime, writes=False)
        if name in ("__setattr__", "__delattr__") and args and type(args[0]) is str:
            return _raw_attribute(owner, args[0], runtime, writes=True)
        if name in ("__init__", "__format__", "__str__", "__repr__", "join", "format", "__eq__"):
            return [read for item in args for read in _contents_of(item, runtime)]
        if isinstance(owner, random.Random):
            return _whole(owner, runtime, writes=True)
        if type(owner).__module__ in QUIET or isinstance(owner, type):
            return []
        return _by_unknown(args, runtime)
    touched = (
        [] if name in STORING else [read for item in args for read in _contents_of(item, runtime)]
    )
    if shape is Shape.DICT:
        return _by_dict_method(owner, name, args, runtime) + touched
    if shape is Shape.WHOLE:
        return _whole(owner, runtime, writes=name not in READS) + touched
    return _contents_of(owner, runtime) + touched


def _raw_attribute(owner: Any, name: str, runtime: Runtime, *, writes: bool) -> _Others:
    """`object.__getattribute__` and the like, which are called where a class has its own."""
    found = _in_class(type(owner), name)
    if found is not None and hasattr(type(found[1]), "__set__"):
        if type(found[1]) is not MemberDescriptorType:
            return []
    elif found is not None and not writes and isinstance(found[1], _CODE):
        return []
    held = memory.hold(owner, runtime)
    touched = [(memory.location(held, name), writes)]
    if writes:
        touched.append((memory.location(held, KEYS), True))
    return touched


def _by_dict_method(owner: Any, name: str, args: tuple[Any, ...], runtime: Runtime) -> _Others:
    if name in ("get", "__getitem__", "__contains__") and args:
        if name == "__getitem__":
            return _item_read(owner, args[0], runtime)
        return [(_item_location(owner, args[0], runtime), False)]
    if name in ("__setitem__", "setdefault") and args:
        if name == "setdefault" and _is_there(owner, args[0]):
            return [(_item_location(owner, args[0], runtime), True)]
        return _item_write(owner, args[0], runtime)
    if name in ("pop", "__delitem__", "move_to_end") and args:
        writes = [(_item_location(owner, args[0], runtime), True)]
        return writes + _keys(owner, runtime, writes=True)
    if name in ("__len__", "__iter__", "__reversed__", "__bool__"):
        return _keys(owner, runtime)
    if name in ("keys", "values", "items"):
        return []  # a view looks when it is used
    if name in ("update", "__ior__", "__init__"):
        return _by_update(owner, args, runtime)
    return _contents_of(owner, runtime, writes=name not in READS)


def _by_update(owner: Any, args: tuple[Any, ...], runtime: Runtime) -> _Others:
    """`dict.update`: by key where the keys can be told, else everything."""
    touched = _keys(owner, runtime, writes=True)
    if len(args) == 1 and isinstance(args[0], dict):
        for key in list(dict.keys(args[0])):
            touched.append((_item_location(owner, key, runtime), True))
        return touched
    return touched + _contents_of(owner, runtime, writes=True)
