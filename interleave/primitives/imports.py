"""Simulated locks of the import system (Lib/importlib/_bootstrap.py): one for each module.

Two threads may import one module at once: the second waits until the first has run its body. For
that CPython keeps a lock for each module, which `importlib` makes and takes; here it takes ours.

All of them are one object to a reduction, because one import may look for several modules. Modules
of the standard library and of installed packages stay loaded from one execution to the next, so
that taking their locks is an operation only where it has to wait: else the first execution alone
had it.
"""

from __future__ import annotations

import importlib
import sys
from importlib import _bootstrap
from importlib.machinery import PathFinder
from importlib.util import resolve_name
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interleave.core import context
from interleave.core.context import in_task, perform, running
from interleave.core.operation import Noted, SimObject
from interleave.core.outcome import Uncontrolled
from interleave.core.trace import is_installed, user_place
from interleave.primitives.installation import refreshed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from types import ModuleType

    from interleave.core.operation import Past
    from interleave.core.task import Task

_PACKAGE = str(Path(__file__).parent.parent)
_RealLock = _bootstrap._ModuleLock  # type: ignore[attr-defined]  # private, and the only place
_import_for_real: Callable[..., ModuleType] = importlib.import_module


class _ImportSystem(SimObject):
    """Which modules are being imported, and by whom."""

    __slots__ = ("importers",)
    label = "import"

    importers: dict[str, Task]

    def __init__(self) -> None:
        super().__init__(None)
        self.importers = {}

    def reset(self) -> None:
        self.importers = {}

    def snapshot(self) -> dict[str, Task]:
        return dict(self.importers)


SYSTEM = _ImportSystem()

_loaded: Collection[str] = frozenset()
"""The modules that are there in every execution from its beginning."""

_own: dict[str, bool] = {}


def expect_loaded(names: Collection[str]) -> None:
    """Say which modules are there in every execution of a session from its beginning."""
    global _loaded
    _loaded = names
    _own.clear()  # a file may have come or gone


def is_own(name: str) -> bool:
    """Whether a module belongs to the program, and so may be imported anew in each execution."""
    top = name.partition(".")[0]
    own = _own.get(top)
    if own is None:
        own = _own[top] = _is_found_own(top)
    return own


def _is_found_own(top: str) -> bool:
    if top in sys.stdlib_module_names:
        return False
    module = sys.modules.get(top)
    spec = PathFinder.find_spec(top) if module is None else getattr(module, "__spec__", None)
    places = getattr(spec, "submodule_search_locations", None)
    place = getattr(spec, "origin", None) or next(iter(places or ()), None)
    return is_own_place(place)


def is_own_place(place: str | None) -> bool:
    """Whether a file or folder is neither of the standard library nor of an installed package."""
    if place is None or is_installed(place):
        return False
    return not place.startswith(_PACKAGE)  # which may be installed from a folder of its own


# -- operations -----------------------------------------------------------------------------------


class _Operation(Noted):
    __slots__ = ("names",)
    target: _ImportSystem

    def __init__(self, *names: str) -> None:
        self.target = SYSTEM
        self.names = names

    def outside(self) -> None:
        return None


class Look(_Operation):
    """Wait until nobody else imports any of some modules, and look whether they are there.

    CPython does not wait in the moment between the end of a body and the release of its lock. What
    a thread finds then is what it finds after the release.
    """

    __slots__ = ()
    kind = "import"
    guarded = True

    def enabled(self) -> bool:
        return not self.holders()

    def enabled_in(self, past: Past) -> bool:
        return not _others(self.task, self.names, past.of(self.target))

    def wrote(self) -> bool:
        return False

    def holders(self) -> list[Task]:
        return _others(self.task, self.names, self.target.importers)

    def waits_for(self) -> str:
        importers = self.target.importers
        held = [name for name in self.names if importers.get(name, self.task) is not self.task]
        return f"the import of {' and '.join(held)} by another thread"

    def describe(self) -> str:
        return f"import {self.names[-1]}"


class Begin(Look):
    """Wait until nobody else imports a module, then be the one who does."""

    __slots__ = ()

    def execute(self) -> None:
        for name in self.names:
            self.target.importers[name] = self.task

    def wrote(self) -> bool:
        return True

    def describe(self) -> str:
        return f"begin to import {self.names[-1]}"


class Finish(_Operation):
    """Let others have a module."""

    __slots__ = ()
    kind = "imported"

    def execute(self) -> None:
        for name in self.names:
            self.target.importers.pop(name, None)

    def describe(self) -> str:
        return f"end the import of {self.names[-1]}"


def _others(task: Task, names: Iterable[str], importers: dict[str, Task]) -> list[Task]:
    found = (importers.get(name) for name in names)
    return [importer for importer in found if importer is not None and importer is not task]


# -- what importlib takes -------------------------------------------------------------------------


class _ModuleLock:
    """The lock of one module, as `importlib` uses it: its owner may take it again."""

    __slots__ = ("__weakref__", "depth", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.depth = 0

    def acquire(self) -> bool:
        runtime, task = running()
        system = refreshed(SYSTEM)
        importer = system.importers.get(self.name)
        if importer is task:
            self.depth += 1
            return True
        if importer is not None:
            _refuse_circle((self.name,), task)
        if importer is not None or (runtime.begun > 1 and is_own(self.name)):
            perform(Begin(self.name))
        else:
            system.importers[self.name] = task
        self.depth = 1
        return True

    def release(self) -> None:
        self.depth -= 1
        if self.depth:
            return
        runtime, _ = running()
        if runtime.begun > 1 and (is_own(self.name) or _is_awaited(self.name, runtime.live)):
            perform(Finish(self.name))
        else:
            refreshed(SYSTEM).importers.pop(self.name, None)


def _is_awaited(name: str, tasks: Iterable[Task]) -> bool:
    waiting = (task.pending for task in tasks)
    return any(isinstance(pending, Look) and name in pending.names for pending in waiting)


def _refuse_circle(names: tuple[str, ...], task: Task) -> None:
    """End the execution if whoever imports one of these modules waits, in the end, for this task.

    CPython lets the thread that comes last have a module that is half imported. Who that is
    depends on when each began to wait, which is no event here.
    """
    importers = refreshed(SYSTEM).importers
    waited_for = _others(task, names, importers)
    for other in waited_for:  # which grows meanwhile
        if isinstance(other.pending, Look):
            found = (importers.get(name) for name in other.pending.names)
            waited_for += [each for each in found if each is not None and each not in waited_for]
    if task not in waited_for:
        return
    place = user_place(sys._getframe(1))
    message = (
        f"two threads import modules that import each other, and one that is to import {names[-1]} "
        "waits for the other, which waits for it: CPython gives one of them a module that is only "
        "half imported, which is not simulated; import them before the threads start"
    )
    running()[0].stop(Uncontrolled(message, str(place) if place else None))


def _module_lock(name: str) -> Any:
    """`importlib._bootstrap._ModuleLock`: a real one for real threads."""
    return _ModuleLock(name) if in_task() else _RealLock(name)


# -- the look before ------------------------------------------------------------------------------


def look(name: str, parts: Iterable[str] = ()) -> None:
    """Before a module is imported, and parts of it that may be modules themselves."""
    runtime = context._runtime
    if runtime is None or runtime.begun == 1 or not is_own(name):
        return
    names = [f"{name}.{part}" for part in parts if isinstance(part, str) and part != "*"]
    names.append(name)
    while "." in name:
        name = name.rpartition(".")[0]
        names.append(name)
    names.reverse()
    if in_task() and any(each not in _loaded for each in names):
        _refuse_circle(tuple(names), running()[1])
        perform(Look(*names))


def look_from(package: Any, name: Any, parts: Iterable[str] = ()) -> None:
    """Do the same for a module that is named from inside a package, with dots in front.

    What cannot be named so is no business of the look: the import itself says it.
    """
    if not isinstance(name, str) or (name.startswith(".") and not isinstance(package, str)):
        return
    try:
        whole = resolve_name(name, package)
    except ImportError:
        return
    look(whole, parts)


def _import_module(name: str, package: str | None = None) -> ModuleType:
    look_from(package, name)
    return _import_for_real(name, package)


PATCHES: list[tuple[Any, str, Any]] = [
    (_bootstrap, "_ModuleLock", _module_lock),
    (importlib, "import_module", _import_module),
]
