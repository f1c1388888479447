"""The hooks before a container is looked into, changed, or gone through."""

from __future__ import annotations

from collections import defaultdict, deque
from types import FunctionType, GeneratorType
from typing import TYPE_CHECKING, Any

from interleave._real import get_ident
from interleave.core import context
from interleave.core.context import access, perform
from interleave.instrument.containers import (
    LIST_ITERATOR,
    PLAIN_TYPES,
    SHAPES,
    Shape,
    shape_of,
    underlying,
)
from interleave.instrument.generators import is_shared, resume, state_of
from interleave.instrument.known import in_class, memory, touch, touch_item, unseen
from interleave.instrument.own_code import runs_own_code
from interleave.primitives.accesses import (
    VAGUE,
    Items,
    Read,
    ReadAll,
    ReadAt,
    Stored,
    Write,
    WriteAt,
)
from interleave.primitives.memory import KEYS, OTHER
from interleave.primitives.twins import TWIN_TYPES

if TYPE_CHECKING:
    from interleave.core.runtime import Runtime
    from interleave.instrument.known import Touches
    from interleave.primitives.memory import Location

_NONE, _DICT, _WHOLE, _ITERATOR = Shape.NONE, Shape.DICT, Shape.WHOLE, Shape.ITERATOR
_GENERATOR = Shape.GENERATOR

_held = memory.held
_wholes = memory.wholes
_steps = memory.steps
_COMPARED = (set, deque)  # what notices at each step of an iterator whether it has changed
_passed = memory.passed
EXACT = frozenset({list, deque, set, bytearray})
"""Types that are one location, and whose methods nobody replaces."""

_AT_AN_INDEX = 3
"""So many things tells the iterator of a list while it is not used up, at last where it is."""

NOTHING_BELOW = frozenset(
    {
        type(iter(range(0))),
        type(iter(range(1 << 70))),
        type(iter(())),
        type(iter("")),
        type(iter("é")),
        type(iter(b"")),
    }
)
"""Iterators that go through nothing that could change."""


# -- what is touched ------------------------------------------------------------------------------


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
            isinstance(in_class(cls, name)[1], FunctionType)  # type: ignore[index]  # every class has both
            for name in ("__hash__", "__eq__")
        ) and not issubclass(cls, tuple | frozenset)
        plain = plain and in_class(cls, "__hash__")[1] is not None  # type: ignore[index]  # every class has one
        if len(_plain_types) < 10_000:
            _plain_types[cls] = plain
    return plain


_plain_types: dict[type, bool] = dict.fromkeys(TWIN_TYPES, True)
"""Whether keys of a type are plain; a twin is equal to what it stands for, and so is its hash."""


def item_of(mapping: Any, key: Any, runtime: Runtime, *, writes: bool = False) -> Touches:
    """Return what using an item of a dictionary touches, but for the set of its keys."""
    held = memory.hold(mapping, runtime, by_attribute=False)
    return memory.touches(held, key if _plain_key(key) else OTHER, writes=writes)


def whole(item: Any, runtime: Runtime, *, writes: bool = False) -> Touches:
    """Return what using a container that is not divided touches."""
    return [(memory.whole(item, runtime), writes)]


def keys(mapping: Any, runtime: Runtime, *, writes: bool = False) -> Touches:
    """Return what looking at the set of keys, or changing it, touches."""
    held = memory.hold(mapping, runtime, by_attribute=False)
    return [(memory.location(held, KEYS), writes)]


def is_there(mapping: Any, key: Any) -> bool:
    """Whether a key is there, as far as that can be told without running code of the program."""
    return _plain_key(key) and dict.__contains__(mapping, key)


def size_of(item: Any, runtime: Runtime) -> Touches:
    """Return what asking for the length, or for the keys, looks at."""
    shape = shape_of(type(item))
    if shape is _NONE:
        return []
    if shape is _DICT:
        return keys(item, runtime)
    if shape is _WHOLE:
        return whole(item, runtime)
    if shape is _GENERATOR:
        return [(state_of(item, runtime), True)]
    return _below(item, runtime)


def contents_of(item: Any, runtime: Runtime, *, writes: bool = False) -> Touches:
    """Return what looking at (or changing) everything inside touches."""
    shape = shape_of(type(item))
    if shape is _NONE:
        return []
    if shape is _WHOLE:
        return whole(item, runtime, writes=writes)
    if shape is _DICT:
        found = items_of(item, runtime, writes=writes)
        if writes:
            found += memory.blur(memory.hold(item, runtime, by_attribute=False))
            found.append((VAGUE, True))
        return found
    if shape is _GENERATOR:
        return [(state_of(item, runtime), True)]
    found = whole(item, runtime, writes=True) if shape is _ITERATOR else []
    return found + _below(item, runtime, writes=writes)


def items_of(mapping: Any, runtime: Runtime, *, writes: bool = False) -> Touches:
    """Return what looking at (or changing) the items that are there touches."""
    found = keys(mapping, runtime, writes=writes)
    found.append((Items(found[0][0].holder, writes=writes), writes))
    for key in list(dict.keys(mapping)):
        found += item_of(mapping, key, runtime, writes=writes)
    return found


def _below(item: Any, runtime: Runtime, *, writes: bool = False) -> Touches:
    """What going through an iterator or view touches of the containers below it."""
    found: Touches = []
    for inner, keys_only in _containers(item, runtime):
        if keys_only:
            found += size_of(inner, runtime)
        elif shape_of(type(inner)) is _ITERATOR:
            found += whole(inner, runtime, writes=True)
        else:
            found += contents_of(inner, runtime, writes=writes)
    if found and id(item) in memory.passed:
        found.append((VAGUE, writes))  # how far it has come is up to others too
    return found


def _containers(item: Any, runtime: Runtime) -> tuple[tuple[Any, bool], ...]:
    """The containers below an iterator or view; an iterator forgets them when it is used up."""
    memory.begin(runtime)
    known = memory.iterators.get(id(item))
    if known is None:
        known = memory.iterators[id(item)] = (item, underlying(item))
    return known[1]


def key_write(mapping: Any, key: Any, runtime: Runtime) -> Touches:
    """Return what storing an item under a key touches: the set of keys too if it is new."""
    writes = item_of(mapping, key, runtime, writes=True)
    if not is_there(mapping, key):
        writes += keys(mapping, runtime, writes=True)
    if _plain_key(key):
        writes.append((Stored(writes[0][0]), True))
    return writes


def key_delete(mapping: Any, key: Any, runtime: Runtime) -> Touches:
    """Return what deleting an item touches."""
    return item_of(mapping, key, runtime, writes=True) + keys(mapping, runtime, writes=True)


def key_read(mapping: Any, key: Any, runtime: Runtime) -> Touches:
    """Return what reading an item touches; a `defaultdict` makes one that is not there."""
    if not isinstance(mapping, defaultdict):
        return item_of(mapping, key, runtime)
    if not _plain_key(key):
        return key_write(mapping, key, runtime)
    there = is_there(mapping, key)
    found = item_of(mapping, key, runtime, writes=not there)
    if not there:
        found += keys(mapping, runtime, writes=True)
    found.append((Stored(found[0][0], looks=True), False))
    return found


# -- items ----------------------------------------------------------------------------------------


def _own_code(cls: type, method: str) -> bool:
    """Whether a method of a container class is Python code with hooks of its own."""
    if cls is dict or cls in EXACT:
        return False
    found = in_class(cls, method)
    return found is not None and isinstance(found[1], FunctionType)


def _read(location: Location) -> None:
    op = Read()
    op.target = location
    access(op)


def _read_all(location: Location) -> None:
    op = ReadAll()
    op.target = location
    perform(op)


def _write(location: Location) -> None:
    op = Write()
    op.target = location
    access(op)


def _read_at(location: Location, index: int) -> None:
    op = ReadAt()
    op.target = location
    op.index = index
    op.at_end = index < 0
    perform(op)


def _write_at(location: Location, index: int) -> None:
    op = WriteAt()
    op.target = location
    op.index = index
    op.at_end = index < 0
    perform(op)


def item_read(item: Any, key: Any) -> None:
    """Before `item[key]`."""
    runtime = context._runtime
    if runtime is None or runtime.begun == 1:
        return
    cls = type(item)
    if cls is list:
        location = _wholes.get(id(item))
        if location is not None:
            if type(key) is int:
                _read_at(location, key)
            else:
                _read_all(location)
            return
    elif cls is dict and (type(key) is str or type(key) is int):
        held = _held.get(id(item))
        if held is not None and not held.blurred:
            op = Read()
            op.target = held.parts.get(key) or memory.location(held, key)
            access(op)
            return
    if SHAPES.get(cls) is not _NONE and context._thread == get_ident():
        _item_read(item, key, cls, runtime)


def _item_read(item: Any, key: Any, cls: type, runtime: Runtime) -> None:
    shape = shape_of(cls)
    if shape is _NONE or _own_code(cls, "__getitem__"):
        return
    if shape is _DICT:
        if cls is not dict and isinstance(item, defaultdict) and _is_made_by_own_code(item, key):
            make_missing(item, key, runtime)
        else:
            touch_item(key_read, item, key, runtime)
    elif shape is _WHOLE and type(key) is int:
        _read_at(memory.whole(item, runtime), key)
    elif shape is _WHOLE:
        _read_all(memory.whole(item, runtime))
    else:
        touch(contents_of, item, runtime)


def _is_made_by_own_code(mapping: defaultdict[Any, Any], key: Any) -> bool:
    """Whether an item that is not there is made by a function that others may interrupt."""
    cls = type(mapping)
    return (
        _plain_key(key)
        and runs_own_code(mapping.default_factory)
        and in_class(cls, "__missing__") == _MISSING
        and not _own_code(cls, "__setitem__")
    )


_MISSING = in_class(defaultdict, "__missing__")


def make_missing(mapping: defaultdict[Any, Any], key: Any, runtime: Runtime) -> None:
    """Look for an item; if it is not there, make it and store it, each an access of its own.

    C code would call the function that makes it and then store. Here the item is there when that
    code is reached, so that another task that came in meanwhile loses what it had stored, as there.
    """
    touch_item(item_of, mapping, key, runtime)
    if dict.__contains__(mapping, key):
        return
    make = mapping.default_factory
    if make is None:
        return  # it raises KeyError
    value = make()
    touch_item(key_write, mapping, key, runtime)
    dict.__setitem__(mapping, key, value)


def item_write(item: Any, key: Any, value: Any) -> None:
    """Before `item[key] = value`."""
    runtime = context._runtime
    if runtime is None or runtime.begun == 1:
        return
    cls = type(item)
    shape = SHAPES.get(cls)
    if shape is None:
        shape = shape_of(cls)
    if shape is _NONE or context._thread != get_ident() or _own_code(cls, "__setitem__"):
        unseen()
        return
    if shape is _DICT:
        touch_item(key_write, item, key, runtime)
    elif shape is _WHOLE and type(key) is int:
        _write_at(memory.whole(item, runtime), key)
    elif shape is _WHOLE and type(key) is not slice:
        _write(memory.whole(item, runtime))
    else:
        touch(_slice_writes, item, value, runtime)


def item_delete(item: Any, key: Any) -> None:
    """Before `del item[key]`."""
    runtime = context._runtime
    if runtime is None or runtime.begun == 1:
        return
    cls = type(item)
    shape = shape_of(cls)
    if shape is _NONE or _own_code(cls, "__delitem__"):
        unseen()
        return
    if shape is _DICT:
        touch_item(key_delete, item, key, runtime)
    else:
        touch(_slice_writes, item, None, runtime)


def slice_write(item: Any, value: Any) -> None:
    """Before `item[a:b] = value`."""
    runtime = context._runtime
    if runtime is None or runtime.begun == 1:
        return
    if shape_of(type(item)) is _NONE:
        unseen()
    elif not _own_code(type(item), "__setitem__"):
        touch(_slice_writes, item, value, runtime)


def _slice_writes(item: Any, value: Any, runtime: Runtime) -> Touches:
    return contents_of(item, runtime, writes=True) + contents_of(value, runtime)


def contains(item: Any, key: Any) -> None:
    """Before `key in item`."""
    runtime = context._runtime
    if runtime is None or runtime.begun == 1:
        return
    cls = type(item)
    shape = shape_of(cls)
    if shape is _NONE or context._thread != get_ident() or _own_code(cls, "__contains__"):
        return
    if shape is _DICT:
        touch_item(item_of, item, key, runtime)
    elif shape is _WHOLE:
        _read_all(memory.whole(item, runtime))
    else:
        touch(contents_of, item, runtime)


# -- all of it ------------------------------------------------------------------------------------


def size_read(item: Any) -> None:
    """Before something asks for the length, or whether there is anything inside."""
    runtime = context._runtime
    if runtime is None or runtime.begun == 1 or SHAPES.get(type(item)) is _NONE:
        return
    if type(item) in EXACT and context._thread == get_ident():
        _read(memory.whole(item, runtime))
    else:
        touch(size_of, item, runtime)


def unpacking(item: Any) -> None:
    """Before all items are taken out, or of a dictionary its keys."""
    runtime = context._runtime
    if runtime is None or runtime.begun == 1 or SHAPES.get(type(item)) is _NONE:
        return
    if type(item) in EXACT and context._thread == get_ident():
        _read_all(memory.whole(item, runtime))
    else:
        touch(size_of, item, runtime)


def content_read(item: Any) -> None:
    """Before something looks at all that is inside."""
    runtime = context._runtime
    if runtime is not None and runtime.begun > 1 and SHAPES.get(type(item)) is not _NONE:
        touch(contents_of, item, runtime)


def iterating(item: Any) -> None:
    """Before `iter(item)`: over a dictionary, set or deque it notes what is there, to compare."""
    runtime = context._runtime
    if runtime is None:
        return
    cls = type(item)
    shape = SHAPES.get(cls)
    if shape is None:
        shape = shape_of(cls)
    if shape is _NONE or cls is list:
        return
    if shape is _ITERATOR:
        if context._thread == get_ident():
            memory.begin(runtime)
            _passed[id(item)] = item  # others may hold it
    elif shape is _GENERATOR:
        # Known are: the loop, this function's variable, and what the question itself takes.
        if is_shared(item, 4) and context._thread == get_ident():
            state_of(item, runtime)
    elif runtime.begun > 1 and (shape is not _WHOLE or issubclass(cls, _COMPARED)):
        touch(size_of, item, runtime)


def step(iterator: Any) -> None:
    """Before the next item is taken."""
    runtime = context._runtime
    if runtime is None or runtime.begun == 1:
        return
    cls = type(iterator)
    if not _passed:  # nobody but its loop can have an iterator
        if cls in NOTHING_BELOW:
            return
        if cls is LIST_ITERATOR and context._thread == get_ident():
            location = _steps.get(id(iterator))
            if location is None:
                below = _containers(iterator, runtime)
                if len(below) != 1:
                    return  # used up before anybody looked
                location = _steps[id(iterator)] = memory.whole(below[0][0], runtime)
            told = iterator.__reduce__()
            if len(told) == _AT_AN_INDEX:
                _read_at(location, told[2])
            else:  # used up
                _read(location)
            return
    if SHAPES.get(cls) is _NONE:
        if not _own_code(cls, "__next__"):
            unseen()
    elif cls is GeneratorType:
        resume(iterator)
    elif cls not in NOTHING_BELOW or id(iterator) in _passed:
        touch(_steps_of, iterator, runtime)


def _steps_of(iterator: Any, runtime: Runtime) -> Touches:
    if shape_of(type(iterator)) is _NONE:
        return []
    touched = whole(iterator, runtime, writes=True) if id(iterator) in _passed else []
    return touched + _below(iterator, runtime)


# -- operators ------------------------------------------------------------------------------------


def binary(left: Any, right: Any) -> None:
    """Before an operator or a comparison."""
    runtime = context._runtime
    if runtime is None or runtime.begun == 1:
        return
    if SHAPES.get(type(left)) is not _NONE or SHAPES.get(type(right)) is not _NONE:
        touch(_both, left, right, runtime)


def _both(left: Any, right: Any, runtime: Runtime) -> Touches:
    return contents_of(left, runtime) + contents_of(right, runtime)


def inplace(left: Any, right: Any) -> None:
    """Before an operator such as `+=`."""
    runtime = context._runtime
    if runtime is None or runtime.begun == 1:
        return
    if type(left) not in PLAIN_TYPES:
        unseen()
    if SHAPES.get(type(left)) is not _NONE or SHAPES.get(type(right)) is not _NONE:
        touch(_merged, left, right, runtime)


def _merged(left: Any, right: Any, runtime: Runtime) -> Touches:
    touched = contents_of(left, runtime, writes=True)
    touched += contents_of(right, runtime)
    if shape_of(type(left)) is _DICT and shape_of(type(right)) is _DICT:
        for key in list(dict.keys(right)):
            touched += key_write(left, key, runtime)
        touched.append((VAGUE, True))
    return touched
