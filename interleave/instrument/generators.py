"""Generators that several threads may use: one runs at a time, and who comes meanwhile is refused.

Going on with a generator is an access before it starts to run, and another one before it stops: who
comes in between gets CPython's `ValueError` (generator already executing). A generator that nobody
but a loop holds is left alone: no other thread can get at it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING
from weakref import ref

from interleave._real import get_ident
from interleave.core import context
from interleave.core.context import access
from interleave.instrument.known import memory
from interleave.primitives.accesses import Write
from interleave.primitives.memory import STATE, Held, Location

if TYPE_CHECKING:
    from types import GeneratorType
    from typing import Any

    from interleave.core.runtime import Runtime

    Generator = GeneratorType[Any, Any, Any]


def state_of(generator: Generator, runtime: Runtime) -> Location:
    """Return the location that stands for how far a generator has come.

    The generator is not kept alive: what its `finally` does is to happen when the program lets go.
    """
    memory.begin(runtime)
    found = memory.wholes.get(id(generator))
    if found is None:
        label = f"generator {generator.__name__}"
        task = runtime.current
        number = memory.number(task, label, runtime)
        held = Held(None, label, task, number, by_attribute=False)
        found = memory.wholes[id(generator)] = Location(held, STATE, memory.count)
        frame = generator.gi_frame
        if frame is not None:
            memory.frames[id(frame)] = found
        key, inside = id(generator), id(frame)
        wholes, frames = memory.wholes, memory.frames

        def forget(_: object) -> None:
            held.gone = True
            if wholes.get(key) is found:
                del wholes[key]
            if frames.get(inside) is found:
                del frames[inside]
            del memory.watched[key]

        memory.watched[key] = ref(generator, forget)
    return found


def is_shared(generator: Generator, holders: int) -> bool:
    """Whether anybody holds a generator besides `holders` references that are known."""
    return sys.getrefcount(generator) > holders


def resume(generator: Generator) -> None:
    """Before the next item of a generator is taken, if others could take it."""
    location = memory.wholes.get(id(generator))
    if location is not None and context._thread == get_ident():
        _write(location)


def suspending() -> None:
    """Before a generator yields or returns."""
    runtime = context._runtime
    if runtime is None or runtime.begun == 1 or not memory.frames:
        return
    location = memory.frames.get(id(sys._getframe(1)))
    if location is not None and location.epoch == runtime.count and context._thread == get_ident():
        _write(location)


def _write(location: Location) -> None:
    op = Write()
    op.target = location
    access(op)
