"""The hooks of `--atomicity gil`: they say where a CPython with the GIL lets another thread in.

With the GIL a thread is asked to go aside by a flag, the eval breaker, which it looks at in three
places alone (`CHECK_EVAL_BREAKER` in Python/ceval.c of 3.11, Python/bytecodes.c of 3.12 and 3.13):
`RESUME`, which begins a function and goes on behind a `yield`; a jump backward; and a call, once
what was called has returned, if that is no Python function. The forms that a call is specialised
to for `len`, `isinstance`, `type` and `list.append` do not look; but a call is not specialised
before it has run a few times, so every such call can be a place. What C code does inside one
bytecode counts as one of these places too if it runs a Python function, or may release the GIL.

Everything else is done between two of these places, and so by one thread alone. Where it cannot be
told whether foreign code runs a function, it is taken to.
"""

from __future__ import annotations

import sys
from collections import deque
from types import (
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    FunctionType,
    GeneratorType,
    GetSetDescriptorType,
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
from interleave.instrument.attributes import CODE
from interleave.instrument.containers import LEAF_ITERATORS, PLAIN_TYPES, USES, Shape, Use, shape_of
from interleave.instrument.items import EXACT, NOTHING_BELOW, make_missing
from interleave.instrument.known import (
    attribute_code,
    bases_of,
    in_class,
    memory,
    names_of,
    operator_code,
    own_codes,
)
from interleave.instrument.own_code import is_met, is_own

if TYPE_CHECKING:
    from collections.abc import Iterable

_PY312 = sys.version_info >= (3, 12)
_MANY, _DEEP = 1_000, 4
"""How many items, and in how many levels, are looked at before foreign code is assumed."""

_SEQUENCES = frozenset({tuple, frozenset})
_MUTABLE = frozenset({list, set, dict, deque})
_C_CODE = frozenset(
    {
        BuiltinFunctionType,
        ClassMethodDescriptorType,
        MethodDescriptorType,
        MethodWrapperType,
        WrapperDescriptorType,
    }
)
_KNOWN_C = frozenset({"builtins", "collections", "_collections", "array", "types", "typing"})
"""Modules whose types, where they are written in C, run no code of others by themselves."""

_NO_OPERATORS = frozenset(
    {
        *(
            "__init__",
            "__new__",
            "__del__",
            "__init_subclass__",
            "__class_getitem__",
            "__set_name__",
        ),
        *("__getattr__", "__getattribute__", "__setattr__", "__delattr__", "__dir__", "__call__"),
        *("__reduce__", "__reduce_ex__", "__getstate__", "__setstate__", "__getnewargs__"),
        *("__copy__", "__deepcopy__", "__sizeof__", "__subclasshook__", "__post_init__"),
        *("__instancecheck__", "__subclasscheck__", "__get__", "__set__", "__delete__"),
        *("__annotate__", "__annotate_func__", "__replace__", "__mro_entries__", "__prepare__"),
    }
)
"""Special methods that no operator asks for."""


# -- the places -----------------------------------------------------------------------------------


def switch_point() -> None:
    """Where a function begins or goes on, at a jump backward, behind a call."""
    runtime = context._runtime
    if runtime is not None and context._thread == get_ident():
        runtime.let_in()


def returning() -> None:
    """Before a function returns or yields: who called it may be code that has no hooks."""
    runtime = context._runtime
    if runtime is not None and context._thread == get_ident():
        caller = sys._getframe(1).f_back
        if caller is not None and caller.f_code is make_missing.__code__:
            return  # in its place C code stores, and looks nowhere before it does
        if caller is None or id(caller.f_code) not in own_codes:
            runtime.let_in()


def foreign_code() -> None:
    """Before a bytecode that runs code which has no hooks, and may look there."""
    runtime = context._runtime
    if runtime is not None and context._thread == get_ident():
        runtime.let_in(apart=True)


def operating(*operands: Any) -> None:
    """Before an operator that looks at no more of its operands than they are."""
    if context._runtime is None:
        return
    for item in operands:
        if not _is_quiet(item, within=False):
            foreign_code()
            return


def comparing(*operands: Any) -> None:
    """Before an operator that may look at all that is inside."""
    if context._runtime is None:
        return
    for item in operands:
        if not _is_quiet(item, within=True):
            foreign_code()
            return


def seeking(item: Any, key: Any) -> None:
    """Before `key in item`."""
    if context._runtime is None:
        return
    hashed = type(item) is dict or type(item) is set or type(item) is frozenset
    if not _is_quiet(key, within=False) or not _is_quiet(item, within=not hashed):
        foreign_code()


def reaching(item: Any, name: str) -> None:
    """Before an attribute is read."""
    if context._runtime is not None and _runs(item, name, "__get__"):
        foreign_code()


def keeping(item: Any, name: str) -> None:
    """Before an attribute is stored or deleted."""
    if context._runtime is not None and _runs(item, name, "__set__"):
        foreign_code()


def calling(function: Any) -> None:
    """Before a call."""
    if context._runtime is None:
        return
    inner = _inner(function)
    if type(inner) is FunctionType:
        if id(inner.__code__) not in own_codes and not is_met(inner):
            foreign_code()
    elif not _is_direct(function):
        switch_point()


def looks_behind(function: Any) -> bool:
    """Before a call: whether it is looked, behind it, if another thread wants to go on.

    A function in Python looks by itself when it begins, and returning from it does not.
    """
    return context._runtime is not None and not _is_own_function(function)


def looks_behind_expanded(function: Any) -> bool:
    """Before a call with `*args` or `**keywords`: likewise.

    From 3.12 on the call of a plain function goes on in the same loop of the interpreter.
    """
    if context._runtime is None:
        return False
    own = _is_own_function(function)
    return not own or not _PY312 or type(function) is MethodType


def _inner(function: Any) -> Any:
    return function.__func__ if type(function) is MethodType else function


def _is_own_function(function: Any) -> bool:
    inner = _inner(function)
    return type(inner) is FunctionType and id(inner.__code__) in own_codes


# -- what is new ----------------------------------------------------------------------------------


def made(value: Any) -> None:
    """Behind a bytecode that makes a container: nobody else has met it."""
    runtime = context._runtime
    if runtime is not None and context._thread == get_ident():
        memory.hold(value, runtime, by_attribute=False, made=True)


def called(result: Any) -> None:
    """Behind a call: another thread can come in; what nobody else refers to is new."""
    runtime = context._runtime
    if runtime is None or context._thread != get_ident():
        return
    runtime.let_in()
    cls = type(result)
    if cls in PLAIN_TYPES or sys.getrefcount(result) > _ALONE or issubclass(cls, _NO_DATA):
        return
    shape = shape_of(cls)
    if shape is Shape.DICT or shape is Shape.WHOLE:
        memory.hold(result, runtime, by_attribute=False, made=True)
    elif shape is Shape.NONE and is_own(cls):  # others may end when nobody holds them: a pool
        memory.hold(result, runtime, made=True)


_ALONE = 3
"""References to what only the stack of a function holds, counted in a hook that gets it."""

_NO_DATA = (type, ModuleType, FunctionType, MethodType, GeneratorType, BuiltinFunctionType)


# -- what runs code that has no hooks -------------------------------------------------------------


def _is_direct(function: Any) -> bool:
    """Whether what a call touches is touched before any other code could run."""
    kind = type(function)
    if issubclass(kind, type):
        return function in USES or is_own(function)
    if kind not in _C_CODE:
        return False
    owner = getattr(function, "__self__", None)
    if owner is None:
        owner_type = getattr(function, "__objclass__", None)
    elif issubclass(type(owner), ModuleType):
        return USES.get(function, Use.UNKNOWN) is not Use.UNKNOWN
    else:
        owner_type = owner if issubclass(type(owner), type) else type(owner)
    return owner_type in EXACT or owner_type is dict or owner_type in PLAIN_TYPES


def _is_quiet(item: Any, *, within: bool, depth: int = _DEEP) -> bool:
    """Whether operators on an object run no Python code but such as has hooks, and keep the GIL."""
    cls = type(item)
    if cls in _SEQUENCES or (within and cls in _MUTABLE):
        if not depth or item.__len__() > _MANY:
            return False
        items: Iterable[Any] = list(item)
        if cls is dict:
            items = (*items, *item.values())
        return all(_is_quiet(inner, within=within, depth=depth - 1) for inner in items)
    if cls is GeneratorType:
        return id(item.gi_code) in own_codes
    quiet = operator_code.get(cls)
    if quiet is None:
        quiet = not _has_foreign_operators(cls)
        if len(operator_code) < 10_000:
            operator_code[cls] = quiet
    return quiet


def _has_foreign_operators(cls: type) -> bool:
    if cls in PLAIN_TYPES or cls in LEAF_ITERATORS or cls in NOTHING_BELOW:
        return False
    for base in bases_of(cls):
        names = names_of(base)
        if _is_known(base) and "__weakref__" not in names:
            if base in (enumerate, zip, map, filter, reversed):
                return True  # they ask for items by whatever is below them
            continue
        for name, value in names.items():
            special = name.startswith("__") and name.endswith("__")
            if special and name not in _NO_OPERATORS and _is_foreign(value):
                return True
    return False


def _is_foreign(value: Any) -> bool:
    """Whether calling what a class has under the name of an operator runs code without hooks."""
    kind = type(value)
    if kind is classmethod or kind is staticmethod or kind is MethodType:
        value = value.__func__
        kind = type(value)
    if kind is FunctionType:
        return id(value.__code__) not in own_codes
    if kind in _C_CODE:
        owner = getattr(value, "__objclass__", None)
        return owner is None or not _is_known(owner)
    return callable(value) and not issubclass(kind, type)


_module_of = type.__dict__["__module__"].__get__  # whatever the metaclass says


def _is_known(cls: type) -> bool:
    """Whether a class comes from a module whose C code runs no code of others by itself."""
    try:
        module = _module_of(cls)
    except AttributeError:
        return False
    return type(module) is str and module in _KNOWN_C


def _runs(item: Any, name: str, how: str) -> bool:
    """Whether reading or storing an attribute runs code that has no hooks."""
    cls = type(item)
    if cls in PLAIN_TYPES:
        return False
    if issubclass(cls, ModuleType):
        return how == "__get__" and name not in vars(item)
    if issubclass(cls, type):
        return _looks_up_by_code(item, name, how)
    key = cls, name, how
    try:
        return attribute_code[key]
    except KeyError:
        found = _looks_up_by_code(item, name, how)
        if len(attribute_code) < 10_000:
            attribute_code[key] = found
        return found


def _looks_up_by_code(item: Any, name: str, how: str) -> bool:
    cls = type(item)
    hook = "__getattribute__" if how == "__get__" else "__setattr__"
    general = in_class(cls, hook)
    if general is not None and _is_foreign(general[1]):
        return True
    found = in_class(cls, name)
    if found is None and issubclass(cls, type) and how == "__get__":
        found = in_class(item, name)
    if found is None:
        fallback = in_class(cls, "__getattr__") if how == "__get__" else None
        return fallback is not None and _is_foreign(fallback[1])
    definer, value = found
    kind = type(value)
    if issubclass(kind, CODE) or kind is MemberDescriptorType:
        return False
    if kind is GetSetDescriptorType:
        return not _is_known(definer)
    if kind is property:
        function = value.fget if how == "__get__" else value.fset
        return function is not None and _is_foreign(function)
    method = in_class(kind, how)
    return method is not None and _is_foreign(method[1])
