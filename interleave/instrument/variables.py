"""The hooks before a variable of an enclosing function or of a module is read or stored."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from interleave._real import get_ident
from interleave.core import context
from interleave.core.context import access
from interleave.instrument.known import looked_through, memory, touch
from interleave.primitives.accesses import Read, Write
from interleave.primitives.memory import KEYS

if TYPE_CHECKING:
    from interleave.core.runtime import Runtime
    from interleave.instrument.known import Touches
    from interleave.primitives.memory import Location

_held = memory.held
_wholes = memory.wholes


def cell_read(cell: Any, name: str) -> None:
    """Before a variable of an enclosing function is read."""
    runtime = context._runtime
    if runtime is None or runtime.begun == 1:
        return
    location = _wholes.get(id(cell))
    if location is None:
        if context._thread != get_ident():
            return
        location = memory.variable(cell, name, runtime)
    op = Read()
    op.target = location
    access(op)


def cell_write(cell: Any, name: str) -> None:
    """Before a variable of an enclosing function is stored or deleted."""
    runtime = context._runtime
    if runtime is None:
        return
    location = _wholes.get(id(cell))
    if location is None:
        if context._thread != get_ident():
            return
        location = memory.variable(cell, name, runtime)  # its name counts from the beginning
    if runtime.begun > 1:
        op = Write()
        op.target = location
        access(op)


def global_read(name: str) -> None:
    """Before a global variable is read."""
    runtime = context._runtime
    if runtime is None or runtime.begun == 1:
        return
    names = sys._getframe(1).f_globals
    held = _held.get(id(names))
    if held is None and context._thread != get_ident():
        return
    op = Read()
    op.target = (held and held.parts.get(name)) or global_location(names, name, runtime)
    access(op)


def global_write(name: str) -> None:
    """Before a global variable is stored."""
    runtime = context._runtime
    if runtime is None or runtime.begun == 1:
        return
    names = sys._getframe(1).f_globals
    if looked_through:
        touch(_global_writes, names, name, runtime)
    elif context._thread == get_ident():
        op = Write()
        op.target = global_location(names, name, runtime)
        access(op)


def global_delete(name: str) -> None:
    """Before a global variable is deleted."""
    runtime = context._runtime
    if runtime is not None and runtime.begun > 1:
        touch(_global_deletes, sys._getframe(1).f_globals, name, runtime)


def _global_writes(names: dict[str, Any], name: str, runtime: Runtime) -> Touches:
    if name not in names:
        return _global_deletes(names, name, runtime)
    return [(global_location(names, name, runtime), True)]


def _global_deletes(names: dict[str, Any], name: str, runtime: Runtime) -> Touches:
    location = global_location(names, name, runtime)
    return [(location, True), (memory.location(location.holder, KEYS), True)]


def global_location(names: dict[str, Any], name: str, runtime: Runtime) -> Location:
    """Return the location of a variable of a module, given its dictionary."""
    held = _held.get(id(names))
    if held is None:
        title = str(names.get("__name__", "globals"))
        held = memory.name(names, title, runtime, by_attribute=True)
    return memory.location(held, name)
