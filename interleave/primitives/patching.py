"""Puts the simulated standard library in place for the length of a check, and takes it out again.

Modules of the standard library get other functions, its classes other methods. A name that some
module bound earlier (`from time import sleep`) is found by identity and bound anew; whatever
was bound to something of ours meanwhile is bound back at the end.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

from interleave.errors import UsageError
from interleave.primitives import (
    adoption,
    barriers,
    clocks,
    completion,
    condition_methods,
    events,
    executors,
    future_methods,
    imports,
    locks,
    output,
    processes,
    queue_methods,
    randomness,
    raw_threads,
    reentrant_locks,
    semaphores,
    signals,
    simple_queues,
    threads,
)
from interleave.primitives.installation import keep_original, undo_all
from interleave.primitives.settled import settled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from interleave.primitives.settled import Settled

_FAMILIES = (
    locks,
    reentrant_locks,
    threads,
    raw_threads,
    condition_methods,
    events,
    semaphores,
    barriers,
    queue_methods,
    simple_queues,
    future_methods,
    completion,
    executors,
    imports,
    clocks,
    randomness,
    output,
    processes,
    signals,
)
_MISSING = object()
_OURS = ("interleave", "greenlet", "importlib", "_frozen_importlib", "_thread", "builtins")

_installed = False


@contextmanager
def simulated(program: Callable[..., Any] | None = None) -> Iterator[adoption.Adopted]:
    """Simulate `threading`, `queue`, `time` and the rest while the block runs.

    Yields what was found to be real and made before the check.

    Raises:
        UsageError: when a check is running already.
    """
    global _installed
    if _installed:
        message = "a check is running already: a checked program cannot itself call check()"
        raise UsageError(message)
    _installed = True
    changed: list[tuple[Any, str, Any]] = []
    bound: list[tuple[dict[str, Any], str, Any]] = []
    streams = sys.stdout, sys.stderr
    loaded = len(sys.modules)
    held = _references()
    replacements: dict[int, Any] = {}
    try:
        _exchange(changed, replacements)
        bound = _rebind(replacements, settled(), learning=True)
        sys.stdout, sys.stderr = output.TaskStream(streams[0]), output.TaskStream(streams[1])
        yield adoption.adopt_all(program, replacements)
    finally:
        sys.stdout, sys.stderr = streams
        undo_all()
        for owner, name, before in reversed(changed):
            if before is _MISSING:
                delattr(owner, name)
            else:
                setattr(owner, name, before)
        for names, name, before in bound:
            if id(names.get(name)) in _pairs:
                names[name] = before
        replacements.clear()
        if _references() != held:
            # What was imported meanwhile may have bound names in any module.
            known = settled() if len(sys.modules) == loaded else None
            _rebind({id(after): before for after, before in _exchanged_functions()}, known)
        _installed = False


def _references() -> list[int]:
    """Count who holds each replacement: if as many do as before a check, no name is bound to it.

    To look through all modules for such a name takes far longer.
    """
    return [sys.getrefcount(after) for after, _ in _pairs.values()]


def _exchange(changed: list[tuple[Any, str, Any]], replacements: dict[int, Any]) -> None:
    """Set every replacement, and note what stands for which original function, by its id."""
    for family in _FAMILIES:
        for owner, name, replacement in family.PATCHES:
            before = owner.__dict__.get(name, _MISSING)
            if before is _MISSING and isinstance(owner, ModuleType):
                continue
            keep_original(owner, name, before)
            changed.append((owner, name, before))
            setattr(owner, name, replacement)
            if isinstance(owner, ModuleType):
                replacements.setdefault(id(before), replacement)
                _pairs.setdefault(id(replacement), (replacement, before))


_pairs: dict[int, tuple[Any, Any]] = {}


def _exchanged_functions() -> list[tuple[Any, Any]]:
    return list(_pairs.values())


def _rebind(
    table: dict[int, Any], known: Settled | None, *, learning: bool = False
) -> list[tuple[dict[str, Any], str, Any]]:
    """Bind every module's names for something in the table to what the table says.

    Returns the names that were bound anew, and what they were bound to before: two originals may
    have one replacement.
    """
    bound: list[tuple[dict[str, Any], str, Any]] = []
    owned = {
        (owner.__name__, name)
        for family in _FAMILIES
        for owner, name, _ in family.PATCHES
        if isinstance(owner, ModuleType)
    }
    unbound = {} if known is None else known.unbound
    for module_name, module in list(sys.modules.items()):
        if id(module) in unbound:  # nearly all, and so no call
            continue
        if module_name.split(".", 1)[0] in _OURS or not isinstance(module, ModuleType):
            continue
        names = module.__dict__
        if table.keys().isdisjoint(map(id, names.values())):
            # Most modules: this takes a fifth of the time of the loop below.
            if learning and known is not None:
                known.found_unbound(module)
            continue
        for name, value in list(names.items()):
            other = table.get(id(value), _MISSING)
            if other is not _MISSING and (module_name, name) not in owned:
                bound.append((names, name, value))
                names[name] = other
    return bound
