"""Simulated `threading.Thread` and what goes with it (Lib/threading.py).

A `Timer` is a `Thread` that waits on an `Event`.
"""

from __future__ import annotations

import _thread
import sys
import threading
from functools import partial
from types import MethodType
from typing import TYPE_CHECKING, Any

from greenlet import GreenletExit

from interleave import _real
from interleave.core.context import (
    about_to_call,
    active,
    in_task,
    perform,
    running,
    running_task,
)
from interleave.core.dependence import ADD, MAIN, READ, THREADS, WRITE
from interleave.core.operation import NEW, OVER, RUNNING, Operation, SimObject
from interleave.core.runtime import misuse
from interleave.errors import HangDetected, InterleaveError
from interleave.primitives.installation import (
    ATTRIBUTE,
    TOOLS,
    attach,
    original,
    refreshed,
    state_of,
    undo_later,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from interleave.core.dependence import Footprint
    from interleave.core.operation import Past
    from interleave.core.task import Task

Thread = threading.Thread

_ENDINGS = (GreenletExit, HangDetected, InterleaveError, KeyboardInterrupt)


class ThreadState(SimObject):
    """Whether a thread was started and has ended, and its task.

    `real` is a thread that ran before the check began, and goes on beside it.
    """

    __slots__ = ("function", "number", "real", "started", "task")
    label = "Thread"

    def __init__(
        self, creator: Task | None, title: str | None = None, *, real: bool = False
    ) -> None:
        super().__init__(creator, title)
        self.real = real
        self.started = False
        self.task: Task | None = None
        self.number = 0  # of those that the creator left without a name
        self.function: str | None = None  # what it runs, for the default name

    def reset(self) -> None:
        self.started = False
        self.task = None

    def snapshot(self) -> int:
        if not self.started:
            return NEW
        task = self.task
        return OVER if task is not None and task.done else RUNNING

    def is_set(self) -> bool:
        """Stand in for the event `Thread._started`."""
        return self.started

    def is_done(self) -> bool:
        """Stand in for `Thread._handle` (CPython 3.13)."""
        return self.over

    @property
    def over(self) -> bool:
        """Whether the thread has ended; main has, for those who join it, once it waits to exit."""
        return self.task is not None and self.task.done

    @property
    def name(self) -> str:
        return self.task.id if self.task is not None else super().name


class _ThreadOperation(Operation):
    __slots__ = ()
    target: ThreadState

    def __init__(self, target: ThreadState) -> None:
        self.target = target


class Start(_ThreadOperation):
    """Start a thread: its task can begin from now on."""

    __slots__ = ("body", "daemon", "thread")
    kind = "start"
    tells = False

    def __init__(
        self, target: ThreadState, thread: Any, body: Callable[[], None], *, daemon: bool = True
    ) -> None:
        self.target = target
        self.thread = thread
        self.body = body
        self.daemon = daemon  # of one without a `Thread`

    def execute(self) -> Task:
        state = self.target
        if state.started:
            raise misuse(RuntimeError("threads can only be started once"))
        state.started = True
        thread, body = self.thread, self.body
        # The trace must not keep alive what the thread itself lets go of.
        self.thread = self.body = None  # type: ignore[assignment]  # nobody asks once it has taken effect
        runtime = self.task.runtime
        task = state.task = runtime.spawn(
            self.task,
            body,
            daemon=self.daemon if thread is None else thread._daemonic,
            target=state,
        )
        task.handle = thread
        return task

    def footprint(self) -> Footprint:
        return ((self.target.key, WRITE), (THREADS, ADD))

    def before(self, item: SimObject) -> Any:
        return NEW

    def describe(self) -> str:
        return f"start {self.target.name}"


class Join(_ThreadOperation):
    """Wait until a thread has ended."""

    __slots__ = ("seen",)
    kind = "join"
    guarded = True
    noted = True
    tells = False

    def note(self) -> None:
        self.seen = self.target.snapshot()

    def before(self, item: SimObject) -> Any:
        return self.seen

    def enabled(self) -> bool:
        task = self.target.task
        return task is None or task.done  # not started: it goes on, to raise

    def enabled_in(self, past: Past) -> bool:
        return past.of(self.target) != RUNNING  # type: ignore[no-any-return]  # a snapshot of its object

    def execute(self) -> bool:
        if not self.target.started:
            raise misuse(RuntimeError("cannot join thread before it is started"))
        return True

    def wrote(self) -> bool:
        return False

    def unwind(self) -> bool:
        return True

    def holders(self) -> Iterable[Task]:
        return () if self.target.task is None else (self.target.task,)

    def waits_for(self) -> str:
        return f"{self.target.name} to end (join)"


class TimedJoin(Join):
    """Wait until a thread has ended or the timeout passes."""

    __slots__ = ("timeout",)

    def __init__(self, target: ThreadState, timeout: float) -> None:
        self.target = target
        self.timeout: float | None = timeout

    def describe(self) -> str:
        return f"join {self.target.name} (timeout {self.timeout:g} s)"


class IsAlive(_ThreadOperation):
    """Look whether a thread runs."""

    __slots__ = ()
    kind = "is_alive"

    def execute(self) -> bool:
        return self.target.started and not self.target.over

    def wrote(self) -> bool:
        return False

    def unwind(self) -> bool:
        return False


class Census(Operation):
    """Look which threads are alive."""

    __slots__ = ()
    kind = "enumerate"

    def execute(self) -> list[Task]:
        return list(self.task.runtime.live)

    def footprint(self) -> Footprint:
        return ((THREADS, READ),)

    def unwind(self) -> list[Task]:
        return [self.task.runtime.current]


_OWN = ("_target", "_args", "_kwargs", "_name", "_daemonic", "_ident", "_native_id", "_started")

_adopted: list[tuple[Any, dict[str, Any]]] = []


def adopt(thread: Any) -> ThreadState:
    """Simulate a thread that was made before the check; if it runs already, it is real."""
    if thread._ident is not None:
        return ThreadState(None, thread._name, real=True)
    saved = {name: thread.__dict__[name] for name in _OWN if name in thread.__dict__}
    state = thread._started = ThreadState(None, thread._name)
    _adopted.append((thread, {**saved, "_started": state}))

    def undo() -> None:
        _adopted.clear()
        thread.__dict__.update(saved)

    undo_later(undo)
    return state


def restore_adopted() -> None:
    """Make the threads from before the check as they were, after an execution started them."""
    for thread, saved in _adopted:
        saved["_started"].reset()
        thread.__dict__.update(saved)


def _demand(fact: bool, message: str) -> None:
    """Assert as the standard library does; a test tool must not add to the message."""
    if not fact:
        raise AssertionError(message)


def _init(  # noqa: PLR0917 - the signature of Thread
    self: Any,
    group: None = None,
    target: Callable[..., object] | None = None,
    name: str | None = None,
    args: Iterable[Any] = (),
    kwargs: dict[str, Any] | None = None,
    *,
    daemon: bool | None = None,
    **more: Any,
) -> None:
    task = running_task()
    if task is None:
        original(Thread, "__init__")(self, group, target, name, args, kwargs, daemon=daemon, **more)
        return
    _demand(group is None, "group argument must be None for now")
    state = ThreadState(task)
    attributes = self.__dict__
    attributes[ATTRIBUTE] = attributes["_started"] = state
    self._target = target
    # A default name is made up when somebody asks for it (below, `_name_of`).
    self._name = str(name) if name else None
    self._args = args
    self._kwargs = {} if kwargs is None else kwargs
    self._daemonic = task.daemon if daemon is None else daemon
    self._initialized = True
    if not name:
        tallies = task.tallies
        state.number = tallies["thread name"] = tallies.get("thread name", 0) + 1
        state.function = getattr(target, "__name__", None)


def _name_of(self: Any) -> str:
    _demand(self._initialized, "Thread.__init__() not called")
    if self._name is None:
        self._name = _default_name(self.__dict__[ATTRIBUTE])
    return self._name  # type: ignore[no-any-return]  # the attribute of a Thread, set above


def _rename(self: Any, name: str) -> None:
    _demand(self._initialized, "Thread.__init__() not called")
    self._name = str(name)


def _default_name(state: ThreadState) -> str:
    """Return `Thread-1 (work)`; below a worker `Thread-0.1-1 (work)`: no shared counter decides."""
    assert state.creator is not None
    maker = "".join(f"{step}." for step in state.creator.path)
    name = f"Thread-{maker}{state.number}"
    return f"{name} ({state.function})" if state.function else name


def _ident_of(self: Any) -> int | None:
    _demand(self._initialized, "Thread.__init__() not called")
    state = self.__dict__.get(ATTRIBUTE)
    if state is None or state.real:
        return self._ident  # type: ignore[no-any-return]  # CPython's own attribute
    return None if state.task is None else state.task.ident


def _start(self: Any) -> None:
    if not getattr(self, "_initialized", False):
        message = "thread.__init__() not called"
        raise misuse(RuntimeError(message))
    state = state_of(self, adopt)
    if state is None:
        original(Thread, "start")(self)
        return
    perform(Start(state, self, MethodType(_bootstrap, self)))


def start_at_once(task: Task, thread: Any) -> None:
    """Start a thread as part of another operation of this task."""
    start = Start(thread.__dict__[ATTRIBUTE], thread, MethodType(_bootstrap, thread))
    start.task = task
    start.execute()


def _bootstrap(thread: Any) -> None:
    try:
        thread.run()
    except _ENDINGS:
        raise
    except SystemExit:
        pass  # as in CPython: it ends the thread silently
    except BaseException as error:
        hook = threading.excepthook
        runtime, task = running()
        if runtime.ending is not None or _is_default(hook):
            raise
        runtime.warn(
            "handled-exception",
            f"{task.id} ended with {type(error).__name__}: {error}; the program's own "
            "threading.excepthook took it, so it is no failure",
        )
        hook(threading.ExceptHookArgs((type(error), error, error.__traceback__, thread)))


def _run(self: Any) -> None:
    try:
        if self._target is not None:
            args: Any = tuple(self._args)  # they may be an iterator, and can be gone through once
            if in_task():
                about_to_call(self._target, args, self._kwargs)
            self._target(*args, **self._kwargs)
    finally:
        # As CPython does: no cycle if the thread runs a method of an object that holds it.
        del self._target, self._args, self._kwargs
        args = None  # a traceback keeps this frame


def _run_timer(self: Any) -> None:
    self.finished.wait(self.interval)
    if not self.finished.is_set():
        args = tuple(self.args)
        if in_task():
            about_to_call(self.function, args, self.kwargs)
        self.function(*args, **self.kwargs)
    self.finished.set()


def _is_default(hook: Any) -> bool:
    """Whether this is Python's own hook, or that of a test tool: the program then has none."""
    module = getattr(getattr(hook, "func", hook), "__module__", None) or ""
    return hook is threading.__excepthook__ or module.split(".", 1)[0] in TOOLS


def _join(self: Any, timeout: float | None = None) -> None:
    if not getattr(self, "_initialized", False):
        message = "Thread.__init__() not called"
        raise misuse(RuntimeError(message))
    state = state_of(self, adopt)
    if state is None or state.real:
        original(Thread, "join")(self, timeout)
        return
    if state.task is running()[1]:
        message = "cannot join current thread"
        raise misuse(RuntimeError(message))
    if timeout is None:
        perform(Join(state))
    else:
        perform(TimedJoin(state, max(timeout, 0)))


def _is_alive(self: Any) -> bool:
    _demand(self._initialized, "Thread.__init__() not called")
    state = state_of(self, adopt)
    if state is None or state.real:
        return original(Thread, "is_alive")(self)  # type: ignore[no-any-return]  # CPython's own, which is not typed here
    return perform(IsAlive(state))  # type: ignore[no-any-return]  # what it returns is the operation's affair


def _daemon(self: Any) -> bool:
    return original(Thread, "daemon").fget(self)  # type: ignore[no-any-return]  # CPython's own, which is not typed here


def _set_daemon(self: Any, daemonic: bool) -> None:
    state = self.__dict__.get(ATTRIBUTE)
    if state is not None and refreshed(state).started:
        message = "cannot set daemon status of active thread"
        raise misuse(RuntimeError(message))
    original(Thread, "daemon").fset(self, daemonic)


def _repr(self: Any) -> str:
    _demand(self._initialized, "Thread.__init__() was not called")
    state = self.__dict__.get(ATTRIBUTE)
    if state is None or state.real:
        return original(Thread, "__repr__")(self)  # type: ignore[no-any-return]  # CPython's own, which is not typed here
    status = "initial"
    if state.started:
        status = "stopped" if state.over else "started"
    if self._daemonic:
        status += " daemon"
    if state.task is not None:
        status += f" {state.task.ident}"
    return f"<{type(self).__name__}({self.name}, {status})>"


def _thread_of(task: Task) -> Any:
    """Return the `Thread` object of a task: main's and that of a raw thread are made when asked."""
    if task.handle is None:
        cls: Any = threading._DummyThread if task.path else threading._MainThread  # type: ignore[attr-defined]  # no public part of the standard library
        thread = task.handle = object.__new__(cls)
        asked = task.keys
        state = ThreadState(task)
        # Who asks first must not show in the keys that the task gives to what it makes later.
        state.key, task.keys = task.own_key if task.path else MAIN, asked
        state.task, state.started = task, True
        attach(thread, state)
        thread._target = None
        thread._args, thread._kwargs = (), {}
        thread._name = f"Dummy-{'.'.join(map(str, task.path))}" if task.path else "MainThread"
        thread._daemonic = task.daemon
        thread._started = thread._handle = state
        thread._is_stopped = False
        thread._initialized = True
        thread._stderr = sys.stderr
    return task.handle


def _current_thread() -> Any:
    if not in_task():
        return original_function("current_thread")()
    return _thread_of(running()[1])


def _main_thread() -> Any:
    if not in_task():
        return original_function("main_thread")()
    task = running()[1]
    while task.parent is not None:
        task = task.parent
    return _thread_of(task)


def _enumerate() -> list[Any]:
    if not in_task():
        return original_function("enumerate")()  # type: ignore[no-any-return]  # CPython's own, which is not typed here
    return [_thread_of(task) for task in _listed()]


def _active_count() -> int:
    if not in_task():
        return original_function("active_count")()  # type: ignore[no-any-return]  # CPython's own, which is not typed here
    return len(_listed())


def _listed() -> list[Task]:
    """Return the tasks that `threading` knows: a raw one once it asked for `current_thread()`."""
    return [task for task in perform(Census(None)) if not task.path or task.handle is not None]


def _get_ident() -> int:
    if not in_task():
        return _real.get_ident()
    return running()[1].ident


def _get_native_id() -> int:
    if not in_task():
        return _real.get_native_id()
    return running()[1].ident


def _register_atexit(func: Callable[..., object], *args: Any, **kwargs: Any) -> None:
    runtime = active()
    if runtime is None or not in_task():
        original_function("_register_atexit")(func, *args, **kwargs)
        return
    runtime.exit_hooks.insert(0, partial(func, *args, **kwargs))


def original_function(name: str) -> Any:
    """Return a function of `threading` as it was."""
    return original(threading, name)


PATCHES: list[tuple[Any, str, Any]] = [
    (Thread, "__init__", _init),
    (Thread, "start", _start),
    (Thread, "run", _run),
    (threading.Timer, "run", _run_timer),
    (Thread, "join", _join),
    (Thread, "is_alive", _is_alive),
    (Thread, "daemon", property(_daemon, _set_daemon)),
    (Thread, "__repr__", _repr),
    (Thread, "name", property(_name_of, _rename)),
    (Thread, "ident", property(_ident_of)),
    (Thread, "native_id", property(_ident_of)),
    (threading, "current_thread", _current_thread),
    (threading, "main_thread", _main_thread),
    (threading, "enumerate", _enumerate),
    (threading, "active_count", _active_count),
    (threading, "get_ident", _get_ident),
    (threading, "get_native_id", _get_native_id),
    (threading, "_register_atexit", _register_atexit),
    (_thread, "get_ident", _get_ident),
    (_thread, "get_native_id", _get_native_id),
]
