"""Tells which variables of functions and modules can change while threads look at them.

A variable of an enclosing function that gets its one value before any function can see it is
never written again; neither is a global name that no function stores to.
"""

from __future__ import annotations

import dis
from dataclasses import dataclass
from functools import cache
from types import CodeType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CO_OPTIMIZED = 0x1
CO_NEWLOCALS = 0x2

_STORES = frozenset({"STORE_DEREF", "DELETE_DEREF"})
_CAPTURES = frozenset({"LOAD_CLOSURE", "LOAD_FAST"})
_DEFINITIONS = frozenset(
    {"MAKE_FUNCTION", "SET_FUNCTION_ATTRIBUTE", "IMPORT_NAME", "IMPORT_FROM", "LOAD_BUILD_CLASS"}
)


@dataclass(frozen=True, slots=True)
class Cells:
    """The names of captured variables that hold one value from before anyone else sees them."""

    constant: frozenset[str]


NOTHING_KNOWN = Cells(frozenset())


def is_module_body(code: CodeType) -> bool:
    """Whether code is run with a module's dictionary as its names, and is no class body."""
    return not code.co_flags & (CO_OPTIMIZED | CO_NEWLOCALS) and code.co_name == "<module>"


def cells_of(code: CodeType, outer: Cells) -> Cells:
    """Return which of the captured variables of a code object never change."""
    constant = {name for name in code.co_freevars if name in outer.constant}
    if "__class__" in code.co_freevars:
        constant.add("__class__")  # set by the metaclass, once
    for name in code.co_cellvars:
        if name == "__class__" or _set_once(code, name):
            constant.add(name)
    return Cells(frozenset(constant))


def _set_once(code: CodeType, name: str) -> bool:
    """Whether a variable has its only value before a function captures it, outside any loop."""
    if any(_stores_free(inner, name) for inner in _inside(code)):
        return False
    instructions = list(dis.get_instructions(code))
    stores = [
        index
        for index, item in enumerate(instructions)
        if item.opname in _STORES and item.argval == name
    ]
    if not stores:
        return True  # an argument
    arguments = (
        code.co_argcount
        + code.co_kwonlyargcount
        + bool(code.co_flags & 4)
        + bool(code.co_flags & 8)
    )
    if len(stores) > 1 or name in code.co_varnames[:arguments]:
        return False
    store = stores[0]
    offset = instructions[store].offset
    for item in instructions[store:]:
        if "BACKWARD" in item.opname and item.argval <= offset:
            return False  # in a loop
    captures = [
        index
        for index, item in enumerate(instructions)
        if item.opname in _CAPTURES and item.argval == name
    ]
    if not captures or captures[0] > store:
        return True
    # A function that captures its own name is stored right after it was made.
    between = {item.opname for item in instructions[captures[0] : store]}
    return between <= {
        *("LOAD_CLOSURE", "LOAD_FAST", "BUILD_TUPLE", "LOAD_CONST", "MAKE_FUNCTION"),
        *("SET_FUNCTION_ATTRIBUTE", "EXTENDED_ARG"),
    }


def _inside(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _inside(constant)


def _stores_free(code: CodeType, name: str) -> bool:
    return name in code.co_freevars and any(
        item.opname in _STORES and item.argval == name for item in dis.get_instructions(code)
    )


@cache
def stored_globals(code: CodeType) -> frozenset[str]:
    """Return the global names that the functions in a code object store to or delete.

    Of the body of a module, those count too that it binds more than once, or in a loop: a script
    may do so while its threads look.
    """
    names: set[str] = set()
    for item in (code, *_inside(code)):
        for instruction in dis.get_instructions(item):
            if instruction.opname in ("STORE_GLOBAL", "DELETE_GLOBAL"):
                names.add(instruction.argval)
    if is_module_body(code):
        names |= _bound_again(code)
    return frozenset(names)


def _bound_again(code: CodeType) -> set[str]:
    once: set[str] = set()
    again: set[str] = set()
    bound: list[tuple[int, str]] = []
    before = ""
    for item in dis.get_instructions(code):
        if item.opname == "STORE_NAME" and before not in _DEFINITIONS:
            name = item.argval
            (again if name in once else once).add(name)
            bound.append((item.offset, name))
        elif item.opname == "DELETE_NAME":
            again.add(item.argval)
        elif "BACKWARD" in item.opname:
            again.update(name for offset, name in bound if offset >= item.argval)
        if item.opname not in ("EXTENDED_ARG", "CACHE"):
            before = item.opname
    return again
