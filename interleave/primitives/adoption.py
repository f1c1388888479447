"""Finds locks, queues and the like that a program made before the check, and simulates them.

Starting from the modules of the program, the walk follows dictionaries, lists, classes, functions
(closures and defaults) and instances. A C object (a lock, an RLock, a `SimpleQueue`) is exchanged
for a simulated twin wherever it is held; a Python object gets its simulated state.
"""

from __future__ import annotations

import functools
import queue
import sys
import threading
import weakref
from collections import defaultdict, deque
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import (
    BuiltinMethodType,
    CellType,
    FunctionType,
    MethodType,
    ModuleType,
    SimpleNamespace,
)
from typing import TYPE_CHECKING, Any

from interleave.core.trace import in_stdlib
from interleave.primitives import (
    barriers,
    condition_methods,
    events,
    queue_state,
    semaphores,
    threads,
)
from interleave.primitives.installation import ATTRIBUTE, TOOLS, attach, undo_later, undone
from interleave.primitives.settled import settled
from interleave.primitives.twins import EXACTLY_REAL, begin_check, forget_unused, placed_twin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from interleave.core.operation import SimObject
    from interleave.primitives.settled import Settled

_LIMIT = 200_000
"""How many objects the walk visits at most."""


def _finalizing() -> tuple[Any, Any]:
    finalize: Any = weakref.finalize
    return finalize._registered_with_atexit, finalize._shutdown


@dataclass(slots=True)
class Adopted:
    """What the walk found."""

    locals: list[tuple[Any, dict[str, Any]]] = field(default_factory=list)
    complete: bool = True
    excepthook: Any = field(default_factory=lambda: threading.excepthook)
    finalizing: tuple[Any, Any] = field(default_factory=_finalizing)
    states: list[SimObject] = field(default_factory=list)

    def restore_locals(self) -> None:
        """Put back what an execution changed: locals, hooks, what can be read of old objects."""
        self.restore_main()
        threads.restore_adopted()
        forget_unused()
        for state in self.states:
            if state.epoch:
                state.reset()
                state.epoch = 0

    def restore_main(self) -> None:
        """Put back what belongs to the main thread, or to the process whose end was played."""
        for item, before in self.locals:
            now = item.__dict__
            if now != before:
                now.clear()
                now.update(before)
        threading.excepthook = self.excepthook
        # Its finalisers run at the end of a program by `atexit`, and afterwards never again.
        finalize: Any = weakref.finalize
        finalize._registered_with_atexit, finalize._shutdown = self.finalizing


def adopt_all(program: Callable[..., Any] | None, replacements: dict[int, Any]) -> Adopted:
    """Walk the program's modules; everything is put back when the check ends."""
    begin_check()
    walk = _Walk(replacements)
    undo_later(walk.found.restore_main)
    known = settled()
    later: list[ModuleType] = []
    for module in _modules_in_scope(known):
        if known is not None and known.is_installed(module):
            later.append(module)
        else:
            walk.module(module)
    if program is not None:
        walk.visit(program, getattr(program, "__name__", "program"), None)
        names = getattr(program, "__globals__", None)
        if isinstance(names, dict):
            walk.mapping(names, names.get("__name__", "program"))
    walk.run(later, known)
    return walk.found


def adopt_where_used(item: Any) -> None:
    """Simulate a condition or queue from before the check that no walk has found.

    Those are adopted by their own methods too, but not when their locks are used directly.
    """
    if ATTRIBUTE in item.__dict__:
        return
    if isinstance(item, threading.Condition):
        attach(item, condition_methods.adopt(item))
    elif isinstance(item, queue.Queue):
        attach(item, queue_state.adopt(item))
        undo_later(lambda: item.__dict__.pop(ATTRIBUTE, None))


def in_scope(module: ModuleType) -> bool:
    """Whether a module belongs to the program, and not to Python or to the test tools."""
    names = module.__dict__
    name, file = names.get("__name__"), names.get("__file__")
    return _is_in_scope(
        name if isinstance(name, str) else "", file if isinstance(file, str) else None
    )


@functools.lru_cache(maxsize=10_000)  # asked for every class and function that a walk meets
def _is_in_scope(name: str, file: str | None) -> bool:
    if name.split(".", 1)[0] in TOOLS:
        return False
    if file is None:
        return name == "__main__"
    return not in_stdlib(file)


def _modules_in_scope(known: Settled | None) -> list[ModuleType]:
    found: list[ModuleType] = []
    for module in list(sys.modules.values()):
        if not isinstance(module, ModuleType) or (known is not None and known.is_empty(module)):
            continue
        if in_scope(module):
            found.append(module)
        elif known is not None:
            known.found_empty(module)  # what is out of scope stays so
    return found


class _Walk:
    def __init__(self, replacements: dict[int, Any]) -> None:
        self.replacements = replacements
        self.found = Adopted()
        self.seen: set[int] = set()
        # Every module has two of these, which are met before any is looked at.
        self.idle: set[type] = {ModuleSpec, SourceFileLoader}  # whose instances hold nothing
        self.queues: list[queue_state.QueueState] = []
        self.waiting: list[tuple[Any, str, Callable[[Any], None] | None]] = []

    def module(self, module: ModuleType) -> None:
        self.mapping(module.__dict__, module.__name__)

    def visit(self, value: Any, title: str, put: Callable[[Any], None] | None) -> None:
        """Look at a value later; `put` stores something else in its place."""
        self.waiting.append((value, title, put))

    def run(self, later: Iterable[ModuleType] = (), known: Settled | None = None) -> None:
        """Look at all that is to be looked at; then at some modules, and say which hold nothing."""
        self._run()
        for module in later:
            before = self._met()
            self.module(module)
            self._run()
            if known is not None and self._met() == before and self.found.complete:
                known.found_empty(module)
        for state in self.queues:
            state.remember()  # as it is now that the locks of a subclass are exchanged

    def _met(self) -> tuple[int, ...]:
        """How much was adopted so far."""
        return undone(), len(self.found.locals), len(self.found.states), len(self.queues)

    def _run(self) -> None:
        while self.waiting:
            if len(self.seen) > _LIMIT:
                self.found.complete = False
                return
            value, title, put = self.waiting.pop()
            self._look(value, title, put)

    def mapping(
        self, items: dict[Any, Any], title: str, besides: frozenset[str] = frozenset()
    ) -> None:
        """Look at the values of a dictionary later, but for those under some keys."""
        if id(items) in self.seen:
            return
        self.seen.add(id(items))
        for key, value in list(items.items()):
            if type(value) in _PLAIN or key in besides or self._holds_nothing(value):
                continue
            name = f"{title}.{key}" if isinstance(key, str) else f"{title}[{key!r}]"
            self.visit(value, name, _setter(items, key))

    def _holds_nothing(self, value: Any) -> bool:
        """Whether a value is none that is exchanged, and has nothing to follow: so are most."""
        kind = type(value)
        if kind is FunctionType:
            return (
                value.__closure__ is None
                and value.__defaults__ is None
                and not value.__kwdefaults__
                and not value.__dict__
                and id(value) not in self.replacements
            )
        if kind is tuple:
            return _PLAIN.issuperset(map(type, value))
        return kind in self.idle and id(value) not in self.replacements

    def _look(self, value: Any, title: str, put: Callable[[Any], None] | None) -> None:
        kind = type(value)
        replacement = self.replacements.get(id(value))
        if replacement is None and kind in EXACTLY_REAL:
            replacement = placed_twin(value, title)
        elif kind is BuiltinMethodType and type(value.__self__) in EXACTLY_REAL:
            replacement = getattr(placed_twin(value.__self__, title), value.__name__)
        if replacement is not None:
            if put is not None:
                put(replacement)
                undo_later(lambda: put(value))
            return
        if id(value) in self.seen or kind in _PLAIN:
            return
        self.seen.add(id(value))
        if kind is FunctionType:  # what most names of a module are comes first, for speed
            self._function(value, title)
        elif kind is type:
            self._class(value)
        elif kind in _NOTHING_INSIDE or kind in self.idle:
            pass
        elif isinstance(value, _SYNCHRONISED):
            self._adopt(value, title)
            self._instance(value, title, besides=_INTERNALS)
        elif isinstance(value, threading.Thread):
            self._thread(value, title)
        elif isinstance(value, threading.local):
            self.found.locals.append((value, dict(value.__dict__)))
        elif isinstance(value, dict):
            self.seen.discard(id(value))
            self.mapping(value, title)
            if isinstance(value, defaultdict):
                self.visit(
                    value.default_factory, title, _attribute_setter(value, "default_factory")
                )
        elif isinstance(value, list | deque):
            self._elements(value, title, lambda index: _setter(value, index))
        elif isinstance(value, tuple):
            self._elements(value, title, _tuple_setter(value, put))
        elif isinstance(value, set | frozenset):
            self._elements(value, title, lambda _: None)
        elif isinstance(value, staticmethod | classmethod):
            self.visit(value.__func__, title, None)
        elif isinstance(value, property):
            for function in (value.fget, value.fset, value.fdel):
                self.visit(function, title, None)
        elif isinstance(value, MethodType):
            self.visit(value.__self__, title, None)
            self.visit(value.__func__, title, None)
        elif isinstance(value, functools.partial):
            self.visit(value.func, title, None)
            self.visit(value.args, title, _partial_setter(value))
            self.mapping(value.keywords, title)
        elif isinstance(value, functools._lru_cache_wrapper):
            self.visit(value.__wrapped__, title, None)
        elif isinstance(value, SimpleNamespace | functools.cached_property):
            self.mapping(vars(value), title)
        elif isinstance(value, type):
            self._class(value)
        elif not isinstance(value, ModuleType) and not self._instance(value, title):
            self._found_idle(kind)

    def _found_idle(self, kind: type) -> None:
        """Pass by all that is of a kind, of which one was found to hold nothing.

        Not where the kind does not decide: a proxy may show the class of what it stands for.
        """
        if not any(
            "__class__" in base.__dict__ or "__getattribute__" in base.__dict__
            for base in kind.__mro__
            if base is not object
        ):
            self.idle.add(kind)

    def _thread(self, thread: threading.Thread, title: str) -> None:
        if thread.__dict__.get("_initialized") and ATTRIBUTE not in thread.__dict__:
            attach(thread, threads.adopt(thread))
            undo_later(lambda: thread.__dict__.pop(ATTRIBUTE, None))
        self._instance(thread, title)

    def _adopt(self, item: Any, title: str) -> None:
        if ATTRIBUTE in item.__dict__:
            return
        if isinstance(item, threading.Condition):
            lock = item._lock  # type: ignore[attr-defined]  # no public part of the standard library
            twin = lock
            if type(lock) in EXACTLY_REAL:
                twin = placed_twin(lock, f"lock of {title}")
            else:
                self.visit(lock, f"lock of {title}", None)  # it may hold a real one
            condition = condition_methods.adopt(item, twin, title)
            self.found.states.append(condition)
            attach(item, condition)
            return
        if isinstance(item, threading.Event):
            state: Any = events.adopt(item, title)
        elif isinstance(item, threading.Semaphore):
            state = semaphores.adopt(item, title)
        elif isinstance(item, threading.Barrier):
            state = barriers.adopt(item, title)
        else:
            state = queue_state.adopt(item, title)
            self.queues.append(state)
        attach(item, state)
        self.found.states.append(state)
        undo_later(lambda: item.__dict__.pop(ATTRIBUTE, None))

    def _elements(
        self,
        items: Iterable[Any],
        title: str,
        setter: Callable[[int], Callable[[Any], None] | None],
    ) -> None:
        for index, value in enumerate(items):
            if type(value) not in _PLAIN and not self._holds_nothing(value):
                self.visit(value, f"{title}[{index}]", setter(index))

    def _function(self, function: FunctionType, title: str) -> None:
        module = sys.modules.get(function.__module__ or "")
        if module is not None and not in_scope(module):
            return
        for name, cell in zip(
            function.__code__.co_freevars, function.__closure__ or (), strict=True
        ):
            try:
                held = cell.cell_contents
            except ValueError:  # not filled yet
                continue
            self.visit(held, f"{title}.{name}", _cell_setter(cell))
        defaults = function.__defaults__ or ()
        for index, value in enumerate(defaults):
            self.visit(value, title, _default_setter(function, index))
        if function.__kwdefaults__:
            self.mapping(function.__kwdefaults__, title)
        if function.__dict__:
            self.mapping(function.__dict__, title)

    def _class(self, cls: type) -> None:
        module = sys.modules.get(cls.__module__)
        if module is None or not in_scope(module):
            return
        for name, value in list(vars(cls).items()):
            special = name.startswith("__") and name.endswith("__")
            if (
                type(value) not in _PLAIN
                and (not special or isinstance(value, FunctionType))
                and not self._holds_nothing(value)
            ):
                self.visit(value, f"{cls.__name__}.{name}", _attribute_setter(cls, name))

    def _instance(self, item: Any, title: str, besides: frozenset[str] = frozenset()) -> bool:
        """Look at the attributes of an instance later; say whether its class is in scope."""
        cls = type(item)
        module = sys.modules.get(getattr(cls, "__module__", None) or "")
        if module is None or not in_scope(module):
            return False
        attributes = getattr(item, "__dict__", None)
        if isinstance(attributes, dict):
            self.mapping(attributes, cls.__name__ if "." not in title else title, besides)
        for base in cls.__mro__:
            names = base.__dict__.get("__slots__", ())
            for name in (names,) if isinstance(names, str) else names:
                if name not in ("__dict__", "__weakref__") and hasattr(item, name):
                    self.visit(
                        getattr(item, name), f"{title}.{name}", _attribute_setter(item, name)
                    )
        return True


def _setter(items: Any, key: Any) -> Callable[[Any], None]:
    def put(value: Any) -> None:
        items[key] = value

    return put


def _attribute_setter(owner: Any, name: str) -> Callable[[Any], None]:
    return lambda value: setattr(owner, name, value)


def _tuple_setter(
    items: tuple[Any, ...], put: Callable[[Any], None] | None
) -> Callable[[int], Callable[[Any], None] | None]:
    """Exchange an item of a tuple by putting another tuple in its place."""
    if put is None:
        return lambda _: None
    held = list(items)
    make: Any = getattr(type(items), "_make", type(items))
    changed = False

    def setter(index: int) -> Callable[[Any], None]:
        def put_item(value: Any) -> None:
            nonlocal changed
            if not changed:
                changed = True
                undo_later(lambda: put(items))
            held[index] = value
            put(make(held))

        return put_item

    return setter


def _partial_setter(partial: functools.partial[Any]) -> Callable[[Any], None]:
    def put(args: Any) -> None:
        partial.__setstate__((partial.func, args, partial.keywords, partial.__dict__))  # type: ignore[attr-defined]  # no public part of the standard library

    return put


def _cell_setter(cell: CellType) -> Callable[[Any], None]:
    def put(value: Any) -> None:
        cell.cell_contents = value

    return put


def _default_setter(function: FunctionType, index: int) -> Callable[[Any], None]:
    def put(value: Any) -> None:
        defaults = list(function.__defaults__ or ())
        defaults[index] = value
        function.__defaults__ = tuple(defaults)

    return put


_PLAIN = frozenset((str, bytes, int, float, bool, complex, type(None), ModuleType))
_NOTHING_INSIDE = frozenset({ModuleType, BuiltinMethodType})
_SYNCHRONISED = (
    threading.Condition,
    threading.Event,
    threading.Semaphore,
    threading.Barrier,
    queue.Queue,
)
_INTERNALS = frozenset(
    (
        ATTRIBUTE,
        *("_cond", "_lock", "_waiters", "acquire", "release"),
        *("_release_save", "_acquire_restore", "_is_owned"),
        *("mutex", "not_empty", "not_full", "all_tasks_done"),
    )
)
"""The attributes in which CPython's own synchronised objects keep locks and the like."""
