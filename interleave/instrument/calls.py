"""The hooks before a call: what functions and methods written in C touch.

A function that is instrumented has hooks of its own. One that is not, and that nothing is known
of, is taken to change every container that it is given.
"""

from __future__ import annotations

import builtins
import functools
import random
from types import (
    BuiltinFunctionType,
    FunctionType,
    MemberDescriptorType,
    MethodDescriptorType,
    MethodType,
    MethodWrapperType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import TYPE_CHECKING, Any

from interleave._real import get_ident
from interleave.core import context
from interleave.core.context import access
from interleave.instrument.attributes import (
    CODE,
    deletes_of,
    forget_lookups,
    reads_of,
    writes_of,
)
from interleave.instrument.caches import watched
from interleave.instrument.containers import (
    CALCULATING,
    KEYED,
    NO_TOUCH,
    PLAIN_TYPES,
    QUIET,
    REACHING_OUT,
    READS,
    SHAPES,
    STORING,
    TELLING,
    USES,
    Shape,
    Use,
    shape_of,
)
from interleave.instrument.items import (
    EXACT,
    contents_of,
    item_of,
    items_of,
    key_delete,
    key_read,
    key_write,
    keys,
    size_of,
    size_read,
    unpacking,
    whole,
)
from interleave.instrument.known import (
    in_class,
    memory,
    own_classes,
    own_codes,
    stored_attributes,
    touch,
    touch_item,
    unseen,
)
from interleave.instrument.own_code import MAKERS, calls_own_code, is_met, is_own
from interleave.instrument.substitution import called_instead
from interleave.primitives.accesses import VAGUE, ReadAll, Write
from interleave.primitives.memory import KEYS

if TYPE_CHECKING:
    from interleave.core.runtime import Runtime
    from interleave.instrument.known import Touches
    from interleave.primitives.accesses import Access


def call(function: Any, *args: Any) -> Any:
    """Before a call: return what is called instead, which is mostly `function`.

    The values of keyword arguments are among `args`, without their names.
    """
    runtime = context._runtime
    if runtime is None:
        return function
    kind = type(function)
    if kind is FunctionType:
        if id(function.__code__) in own_codes or is_met(function):
            return function
        if not _tells(function):
            unseen()
        if not args:
            return function
    elif kind is MethodType:
        inner = function.__func__
        if type(inner) is FunctionType and id(inner.__code__) in own_codes:
            return function
        if type(inner) is not FunctionType or not _tells(inner):
            unseen()
        if not args and not issubclass(type(function.__self__), random.Random):
            return function
    elif kind is BuiltinFunctionType:
        if runtime.begun > 1 and _is_quick(function, args, runtime):
            return function
    elif kind is type:
        if own_classes.get(function) or function in _HARMLESS or is_own(function):
            return function
        if not _makes_only(function):
            unseen()
    elif not calls_own_code(kind):
        unseen()
    if context._thread != get_ident():
        return function
    instead = called_instead(function, args)
    if runtime.begun > 1:
        if kind in _OF_A_MODULE and _hands_on(function):
            return instead
        if _is_keyed(function, args):
            touch_item(_touched, function, args, runtime, by_call=True)
        else:
            touch(_touched, function, args, runtime)
        if kind is functools._lru_cache_wrapper and instead is function:
            return watched(function, runtime)
    elif function is vars or function is setattr:
        _touched(function, args, runtime)  # names and dictionaries count from the beginning
    return instead


def _is_quick(function: Any, args: tuple[Any, ...], runtime: Runtime) -> bool:
    """Deal with what is most frequent, and whose locations depend on no state."""
    owner = function.__self__
    cls = type(owner)
    if cls in EXACT:
        name = function.__name__
        if name in NO_TOUCH:
            return True
        if name in STORING or not args:
            if context._thread == get_ident():
                op: Access = ReadAll() if name in READS else Write()
                op.target = memory.whole(owner, runtime)
                access(op)
            return True
        return False
    if cls is ModuleType:
        try:
            use = USES.get(function)
        except TypeError:
            return False
        if use is Use.NOTHING:
            if function in REACHING_OUT:
                unseen()
            return True
        if use is Use.STEP or (use is None and function.__module__ not in CALCULATING):
            unseen()
        if use in _BY_NAME:
            return False
        if use is Use.SIZE and args and type(args[0]) in EXACT:
            size_read(args[0])
            return True
    elif cls not in PLAIN_TYPES:
        if shape_of(cls) is Shape.NONE:
            unseen()
        return False
    for item in args:  # noqa: SIM110 - all() takes three times as long
        if SHAPES.get(type(item)) is not Shape.NONE:
            return False
    return True


def _is_keyed(function: Any, args: tuple[Any, ...]) -> bool:
    """Whether it is a method of a dictionary that is given a key."""
    kind = type(function)
    if kind is BuiltinFunctionType or kind is MethodWrapperType:
        owner = function.__self__
    elif kind in (MethodDescriptorType, WrapperDescriptorType) and args:
        owner = args[0]
    else:
        return False
    return function.__name__ in KEYED and shape_of(type(owner)) is Shape.DICT


_BY_NAME = frozenset({Use.GET, Use.SET, Use.DELETE, Use.VARS})
"""What these functions touch depends on more than the containers they get."""


_HARMLESS = frozenset(
    cls
    for cls, use in USES.items()
    if type(cls) is type and use is Use.NOTHING and cls is not functools.partial
)
"""Built-in classes such as `range` and `type`: calling them touches and changes nothing."""

_OF_A_MODULE = frozenset({FunctionType, MethodType, type})
"""What tells the module that it was written in."""


def _hands_on(function: Any) -> bool:
    """Whether a function or class hands containers on and does not look into them."""
    module = function.__module__
    return type(module) is str and module in QUIET


def _makes_only(cls: type) -> bool:
    """Whether making an instance of a class without hooks makes an object, and no more."""
    if USES.get(cls) is not None or _tells(cls):
        return True
    makers = [in_class(cls, name)[0] for name in MAKERS]  # type: ignore[index]  # every class has both
    return all(maker is object or maker in _PLAINLY_MADE for maker in makers)


_PLAINLY_MADE = frozenset(
    value
    for value in vars(builtins).values()
    if isinstance(value, type) and issubclass(value, BaseException)
)


def _tells(function: Any) -> bool:
    """Whether all that a function or class changes is told by operations."""
    module = function.__module__
    return type(module) is str and module in TELLING


def call_expanded(function: Any, args: Any, keywords: Any = None) -> Any:
    """Before a call with `*args` or `**keywords`: return what is called instead."""
    if context._runtime is None:
        return function
    if type(args) is not tuple:
        unpacking(args)
        args = tuple(args) if type(args) is list else ()
    if type(keywords) is dict:
        args = (*args, *keywords.values())
    return call(function, *args)


def _touched(function: Any, args: tuple[Any, ...], runtime: Runtime) -> Touches:
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
        return whole(function, runtime, writes=True)
    if isinstance(function, type):
        return _by_class(function, args, runtime)
    if kind is FunctionType or kind is MethodType:
        if getattr(function, "__module__", None) in QUIET:
            return []
        owner = getattr(function, "__self__", None)
        if isinstance(owner, random.Random):
            return whole(owner, runtime, writes=True)
    elif calls_own_code(kind):
        return []
    return _by_unknown(args, runtime)


def _by_unknown(args: tuple[Any, ...], runtime: Runtime) -> Touches:
    return [use for item in args for use in contents_of(item, runtime, writes=True)]


def _by_class(cls: type, args: tuple[Any, ...], runtime: Runtime) -> Touches:
    use = USES.get(cls)
    if use is not None:
        return _by_use(use, args, runtime)
    if is_own(cls):
        return []
    if cls.__module__ in QUIET:
        return []
    return [use for item in args for use in contents_of(item, runtime)]


def _by_function(function: Any, args: tuple[Any, ...], runtime: Runtime) -> Touches:
    try:
        use = USES.get(function)
    except TypeError:
        use = None
    if use is None and getattr(function, "__module__", None) in QUIET:
        return []
    return _by_use(use or Use.UNKNOWN, args, runtime)


def _by_use(use: Use, args: tuple[Any, ...], runtime: Runtime) -> Touches:
    match use:
        case Use.NOTHING:
            return []
        case Use.SIZE:
            return [read for item in args for read in size_of(item, runtime)]
        case Use.CONTENTS:
            return [read for item in args for read in contents_of(item, runtime)]
        case Use.STEP:
            return [use for item in args[:1] for use in contents_of(item, runtime)]
        case Use.ITERATE:
            return [
                read
                for item in args
                if not isinstance(item, list) and shape_of(type(item)) is not Shape.ITERATOR
                for read in size_of(item, runtime)
            ]
        case Use.GET if len(args) > 1 and type(args[1]) is str:
            return reads_of(args[0], args[1], runtime)
        case Use.SET | Use.DELETE if len(args) > 1 and type(args[1]) is str:
            unseen()  # if it makes no event
            if args[1] not in stored_attributes:
                stored_attributes.add(args[1])
                forget_lookups()
            change = deletes_of if use is Use.DELETE else writes_of
            return change(args[0], args[1], runtime)
        case Use.VARS if args:
            return reads_of(args[0], "__dict__", runtime)
        case Use.UNKNOWN:
            return _by_unknown(args, runtime)
        case _:
            return []


def _by_method(owner: Any, name: str, args: tuple[Any, ...], runtime: Runtime) -> Touches:
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
            return [read for item in args for read in contents_of(item, runtime)]
        if isinstance(owner, random.Random):
            return whole(owner, runtime, writes=True)
        if type(owner).__module__ in QUIET or isinstance(owner, type):
            return []
        return _by_unknown(args, runtime)
    touched = (
        [] if name in STORING else [read for item in args for read in contents_of(item, runtime)]
    )
    if shape is Shape.DICT:
        return _by_dict_method(owner, name, args, runtime) + touched
    if shape is Shape.WHOLE:
        return whole(owner, runtime, writes=name not in READS) + touched
    return contents_of(owner, runtime) + touched


def _raw_attribute(owner: Any, name: str, runtime: Runtime, *, writes: bool) -> Touches:
    """`object.__getattribute__` and the like, which are called where a class has its own."""
    found = in_class(type(owner), name)
    if found is not None and hasattr(type(found[1]), "__set__"):
        if type(found[1]) is not MemberDescriptorType:
            return []
    elif found is not None and not writes and isinstance(found[1], CODE):
        return []
    held = memory.hold(owner, runtime)
    touched = memory.touches(held, name, writes=writes)
    if writes:
        touched.append((memory.location(held, KEYS), True))
    return touched


def _by_dict_method(owner: Any, name: str, args: tuple[Any, ...], runtime: Runtime) -> Touches:
    if name in ("get", "__getitem__", "__contains__") and args:
        if name == "__getitem__":
            return key_read(owner, args[0], runtime)
        return item_of(owner, args[0], runtime)
    if name in ("__setitem__", "setdefault") and args:
        return key_write(owner, args[0], runtime)
    if name in ("pop", "__delitem__", "move_to_end") and args:
        return key_delete(owner, args[0], runtime)
    if name in ("__len__", "__iter__", "__reversed__", "__bool__"):
        return keys(owner, runtime)
    if name in ("keys", "values", "items"):
        return []  # a view looks when it is used
    if name in ("update", "__ior__", "__init__"):
        return _by_update(owner, args, runtime)
    if name in ("clear", "popitem"):
        return items_of(owner, runtime, writes=True)
    return contents_of(owner, runtime, writes=name not in READS)


def _by_update(owner: Any, args: tuple[Any, ...], runtime: Runtime) -> Touches:
    """`dict.update`: by key where the keys can be told, else everything."""
    touched = keys(owner, runtime, writes=True)
    touched.append((VAGUE, True))
    if len(args) == 1 and isinstance(args[0], dict):
        for key in list(dict.keys(args[0])):
            touched += item_of(owner, key, runtime, writes=True)
        return touched
    return touched + contents_of(owner, runtime, writes=True)
