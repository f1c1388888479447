"""What runs code that is instrumented: it has hooks of its own, so that nothing is told for it."""

from __future__ import annotations

import functools
from types import FunctionType, MethodType
from typing import Any

from interleave.instrument import known
from interleave.instrument.containers import USES
from interleave.instrument.holders import functions_of
from interleave.instrument.known import foreign_codes, in_class, own_classes, own_codes


def is_met(function: FunctionType) -> bool:
    """Whether a function is new, and has hooks of its own from now on."""
    code = function.__code__
    if foreign_codes.get(id(code)) is code or known.meet_functions is None:
        return False
    if known.meet_functions((function,)):
        return True
    if len(foreign_codes) < 10_000:
        foreign_codes[id(code)] = code
    return False


def is_own(cls: type) -> bool:
    """Whether making an instance runs code that has hooks of its own."""
    own = own_classes.get(cls)
    if own is None:
        if known.meet_functions is not None:
            known.meet_functions(functions_of(cls))
        own = USES.get(cls) is None and any(_has_hooks(cls, name) for name in MAKERS)
        if len(own_classes) < 10_000:
            own_classes[cls] = own
    return own


MAKERS = ("__init__", "__new__")


def _has_hooks(cls: type, name: str) -> bool:
    found = in_class(cls, name)
    code = found and getattr(getattr(found[1], "__func__", found[1]), "__code__", None)
    return id(code) in own_codes


def calls_own_code(cls: type) -> bool:
    """Whether calling an instance runs code that has hooks of its own."""
    method = in_class(cls, "__call__")
    return method is not None and id(getattr(method[1], "__code__", None)) in own_codes


def runs_own_code(function: Any) -> bool:
    """Whether calling something runs instrumented code."""
    kind = type(function)
    if kind is functools.partial:
        return runs_own_code(function.func)
    if kind is MethodType:
        return runs_own_code(function.__func__)
    if kind is FunctionType:
        return id(function.__code__) in own_codes or is_met(function)
    return is_own(function) if isinstance(function, type) else calls_own_code(kind)
