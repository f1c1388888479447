"""Simulated `concurrent.futures`: `Future`, `ThreadPoolExecutor`, `wait`, `as_completed`.

A pool's bookkeeping is few operations: `submit` (with the decision whether a new thread is
needed), `take` by a worker (which marks the future running), `finish` of a future. The rules for
when a thread counts as idle are those of the running Python (Lib/concurrent/futures/thread.py):
3.11 counts it after every call, later versions only if there is nothing left to do.
"""

from __future__ import annotations

import concurrent.futures
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable
from concurrent.futures import _base
from concurrent.futures import thread as pool_module
from typing import TYPE_CHECKING, Any

from greenlet import GreenletExit

from interleave.core.context import about_to_call, in_task, perform, running
from interleave.core.dependence import ADD, READ, THREADS, WRITE
from interleave.core.operation import NEW, Noted, Operation, SimObject, new_key
from interleave.core.runtime import TEARDOWN, misuse
from interleave.core.trace import user_place_of
from interleave.errors import HangDetected, InterleaveError, UncontrolledError
from interleave.primitives.installation import (
    ATTRIBUTE,
    attach,
    original,
    refreshed,
    state_of,
    type_label,
)
from interleave.primitives.threads import Join, ThreadState, start_at_once

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from interleave.core.dependence import Footprint, Key
    from interleave.core.operation import Past
    from interleave.core.runtime import Runtime
    from interleave.core.task import Task

Future = _base.Future
ThreadPoolExecutor = pool_module.ThreadPoolExecutor
BrokenThreadPool = pool_module.BrokenThreadPool

PENDING, RUNNING, CANCELLED, NOTIFIED, FINISHED = (
    _base.PENDING,
    _base.RUNNING,
    _base.CANCELLED,
    _base.CANCELLED_AND_NOTIFIED,
    _base.FINISHED,
)
_DONE = frozenset((CANCELLED, NOTIFIED, FINISHED))
_SETTLED = frozenset((NOTIFIED, FINISHED))
"""What `wait` and `as_completed` count: a cancelled future is done once a worker noticed."""

IDLE_AFTER_EVERY_CALL = sys.version_info < (3, 12)
DEFAULT_WORKERS = 8
"""CPython asks for the number of processors; a schedule must mean the same on every machine."""

_BROKEN = "A thread initializer failed, the thread pool is not usable anymore"
_ENDINGS = (GreenletExit, HangDetected, InterleaveError, KeyboardInterrupt)


Snapshot = tuple[str, bool]
"""The state of a future, and whether it holds an exception."""

Fulfilled = Callable[[list[Snapshot]], bool]
"""Tells of the snapshots of several futures whether enough of them are done."""


class FutureState(SimObject):
    """A future's state and result, and whether anybody ever looked."""

    __slots__ = ("at_first", "callbacks", "error", "lines", "read", "result", "state")
    label = "Future"

    state: str
    error: BaseException | None

    def __init__(self, creator: Task | None, title: str | None = None) -> None:
        self.at_first: tuple[Any, ...] = (PENDING, None, None)
        super().__init__(creator, title)
        self._clear()

    def _clear(self) -> None:
        self.state, self.result, self.error = self.at_first
        self.callbacks: list[Callable[[Any], object]] = []
        self.read = False
        self.lines: list[Line] = []

    def reset(self) -> None:
        super().reset()
        self._clear()

    def snapshot(self) -> Snapshot:
        return self.state, self.error is not None

    def settle(self, state: str) -> Told:
        """Take a state; tell the lines of those who wait to see which future is done next."""
        tells = state in _SETTLED and self.state not in _SETTLED
        self.state = state
        if not tells:
            return ()
        told = tuple((line, line.snapshot()) for line in self.lines)
        for line in self.lines:
            line.done.append(self)
        return told

    @property
    def place(self) -> tuple[tuple[int, ...], int]:
        """Who made it, and the how manieth: an order that no interleaving decides."""
        return (self.creator.path if self.creator is not None else ()), self.serial


class Line(SimObject):
    """The futures that one `as_completed` waits for, in the order in which they were done."""

    __slots__ = ("done",)
    label = "as_completed"

    def __init__(self, creator: Task) -> None:
        super().__init__(creator)
        self.done: deque[FutureState] = deque()

    def snapshot(self) -> bool:
        return bool(self.done)


Told = tuple[tuple[Line, bool], ...]
"""Lines that got one more future, each with its snapshot before."""


def _told(told: Told) -> Footprint:
    return tuple((line.key, WRITE) for line, _ in told)


def _before(told: Told, item: SimObject) -> bool:
    return next(before for line, before in told if line is item)


class _FutureOperation(Noted):
    __slots__ = ()
    target: FutureState

    def __init__(self, target: FutureState) -> None:
        self.target = target


class Cancel(_FutureOperation):
    """Cancel a future that does not run yet."""

    __slots__ = ("fresh",)
    kind = "cancel"

    def footprint_in(self, past: Past) -> Footprint:
        state, _ = past.of(self.target)
        return ((self.target.key, WRITE if state == PENDING else READ),)

    def execute(self) -> bool:
        state = self.target
        self.fresh = state.state == PENDING
        if self.fresh:
            state.settle(CANCELLED)
        return state.state in (CANCELLED, NOTIFIED)

    def wrote(self) -> bool:
        return self.fresh

    def unwind(self) -> bool:
        self.fresh = False
        return False


class Ask(_FutureOperation):
    """Look at the state of a future."""

    __slots__ = ("states",)
    kind = "look at"

    def __init__(self, target: FutureState, states: Iterable[str]) -> None:
        self.target = target
        self.states = states

    def execute(self) -> bool:
        return self.target.state in self.states

    def wrote(self) -> bool:
        return False

    def unwind(self) -> bool:
        return True


class AddCallback(_FutureOperation):
    """Register a callback; true if the future is done already and the caller must call it."""

    __slots__ = ("function",)
    kind = "add_done_callback to"

    def __init__(self, target: FutureState, function: Callable[[Any], object]) -> None:
        self.target = target
        self.function = function

    def execute(self) -> bool:
        if self.target.state in _DONE:
            return True
        self.target.callbacks.append(self.function)
        return False

    def unwind(self) -> bool:
        return False


class Await(_FutureOperation):
    """Wait until a future is done."""

    __slots__ = ()
    kind = "result of"
    guarded = True

    def enabled(self) -> bool:
        return self.target.state in _DONE

    def enabled_in(self, past: Past) -> bool:
        return past.of(self.target)[0] in _DONE

    def execute(self) -> bool:
        self.target.read = True
        return True

    def wrote(self) -> bool:
        return False

    def unwind(self) -> bool:
        return True

    def waits_for(self) -> str:
        return f"{self.target.name} to be done"


class TimedAwait(Await):
    """Wait until a future is done or the timeout passes."""

    __slots__ = ("timeout",)

    def __init__(self, target: FutureState, timeout: float) -> None:
        self.target = target
        self.timeout: float | None = timeout


class _Telling(_FutureOperation):
    """May settle a future, and so tell those who wait in line for the next one."""

    __slots__ = ("told",)

    def __init__(self, target: FutureState) -> None:
        self.target = target
        self.told: Told = ()

    def footprint(self) -> Footprint:
        return ((self.target.key, WRITE), *_told(self.told))

    def footprint_in(self, past: Past) -> Footprint:
        return ((self.target.key, WRITE), *((line.key, WRITE) for line in self.target.lines))

    def before(self, item: SimObject) -> Any:
        return self.seen if item is self.target else _before(self.told, item)


class Notice(_Telling):
    """Mark a future as running, or as one whose cancellation was noticed."""

    __slots__ = ()
    kind = "run"

    def execute(self) -> bool:
        state = self.target
        if state.state == CANCELLED:
            self.told = state.settle(NOTIFIED)
            return False
        if state.state == PENDING:
            state.state = RUNNING
            return True
        message = "Future in unexpected state"
        raise RuntimeError(message)

    def unwind(self) -> bool:
        return False


class Finish(_Telling):
    """Give a future its result or its exception."""

    __slots__ = ("error", "result")
    kind = "finish"

    def __init__(self, target: FutureState, result: Any, error: BaseException | None) -> None:
        super().__init__(target)
        self.result = result
        self.error = error

    def execute(self) -> None:
        state = self.target
        if state.state in _DONE:
            message = f"{state.state}: {state.name}"
            raise _base.InvalidStateError(message)
        state.result, state.error = self.result, self.error
        self.told = state.settle(FINISHED)


class AwaitMany(Operation):
    """Wait until enough of several futures are done."""

    __slots__ = ("fulfilled", "futures", "seen")
    kind = "wait for futures"
    guarded = True
    noted = True

    def __init__(self, futures: list[FutureState], fulfilled: Fulfilled) -> None:
        self.target = None
        self.futures = futures
        self.fulfilled = fulfilled

    def enabled(self) -> bool:
        return self.fulfilled([state.snapshot() for state in self.futures])

    def enabled_in(self, past: Past) -> bool:
        return self.fulfilled([past.of(state) for state in self.futures])

    def footprint(self) -> Footprint:
        return tuple((state.key, READ) for state in self.futures)

    def before(self, item: SimObject) -> Any:
        return self.seen[id(item)]

    def note(self) -> None:
        self.seen = {id(state): state.snapshot() for state in self.futures}

    def execute(self) -> bool:
        self._learn()
        return True

    def expire(self) -> bool:
        self._learn()
        return False

    def _learn(self) -> None:
        # Happens-before runs from every future that is done, not from one object.
        runtime = self.task.runtime
        if runtime.timed and runtime.free_time:
            done = [state.wrote_at for state in self.futures if state.state in _SETTLED]
            self.task.clock = max(self.task.clock, *done, 0.0)

    def wrote(self) -> bool:
        return False

    def unwind(self) -> bool:
        return True

    def waits_for(self) -> str:
        undone = [state for state in self.futures if state.state not in _SETTLED]
        names = ", ".join(state.name for state in undone)
        if any(state.state == CANCELLED for state in undone):
            names += " (cancelled, which counts only once a worker notices)"
        return f"futures to be done: {names}"


class TimedAwaitMany(AwaitMany):
    """Wait until enough are done or the timeout passes."""

    __slots__ = ("timeout",)

    def __init__(self, futures: list[FutureState], fulfilled: Fulfilled, timeout: float) -> None:
        super().__init__(futures, fulfilled)
        self.timeout: float | None = timeout


# -- the pool -------------------------------------------------------------------------------------


class Call:
    """A call that was submitted and waits for a worker."""

    __slots__ = ("args", "function", "future", "kwargs", "state")

    def __init__(
        self, future: Any, function: Callable[..., Any], args: Any, kwargs: dict[str, Any]
    ) -> None:
        self.future = future
        self.state: FutureState = future.__dict__[ATTRIBUTE]
        self.function = function
        self.args = args
        self.kwargs = kwargs


class PoolState(SimObject):
    """The calls that wait, the threads, and how many of them count as idle."""

    __slots__ = ("broken", "calls", "closed", "idle", "idle_key", "label", "owner", "threads")
    label: str  # type: ignore[misc]  # of the instance, and not of the class, here

    def __init__(self, creator: Task | None, item: Any) -> None:
        self.label = type(item).__name__
        super().__init__(creator)
        # How many are idle is a location of its own: CPython keeps a semaphore for it.
        self.idle_key = new_key(creator)
        self.owner = weakref.ref(item, lambda _: _abandon(self))
        self._clear()

    def _clear(self) -> None:
        self.calls: deque[Call] = deque()
        self.threads: list[threading.Thread] = []
        self.idle = 0
        self.closed = False
        self.broken = False

    def reset(self) -> None:
        super().reset()
        self._clear()

    def snapshot(self) -> tuple[tuple[int, ...], bool]:
        return tuple(call.state.key for call in self.calls), self.closed

    def show(self, name: str, value: object) -> None:
        """Set an attribute of CPython's executor that programs look at."""
        executor = self.owner()
        if executor is not None:
            setattr(executor, name, value)


class _PoolOperation(Noted):
    __slots__ = ()
    target: PoolState

    def __init__(self, target: PoolState) -> None:
        self.target = target


class _Taking(_PoolOperation):
    """Takes the next call, and passes over those that were cancelled."""

    __slots__ = ("took",)
    tells = False

    def __init__(self, target: PoolState, *, idle: bool = False) -> None:
        super().__init__(target)
        self.took = Taken(idle=idle)

    def footprint(self) -> Footprint:
        took = self.took
        futures = ((future.key, WRITE) for future, _, _ in took.futures)
        told = (touch for _, _, told in took.futures for touch in _told(told))
        idle = ((self.target.idle_key, ADD),) if took.idle else ()
        return ((self.target.key, WRITE if took.futures else READ), *futures, *told, *idle)

    def footprint_in(self, past: Past) -> Footprint:
        waiting, _ = past.of(self.target)
        if not waiting:
            idle = ((self.target.idle_key, ADD),) if self.took.idle else ()
            return ((self.target.key, READ), *idle)
        # It would have taken the first: that it was cancelled is not looked into.
        return ((self.target.key, WRITE), (waiting[0], WRITE), (self.target.idle_key, ADD))

    def before(self, item: SimObject) -> Any:
        if item is self.target:
            return self.seen
        for future, state, told in self.took.futures:
            if future is item:
                return state, False
            for line, snapshot in told:
                if line is item:
                    return snapshot
        return None


class Submit(_PoolOperation):
    """Line up a call and, unless a thread is idle or there are enough, start one more.

    All of it is one step, as under the pool's lock in CPython.
    """

    __slots__ = ("call", "executor", "future", "idle", "label", "thread")
    kind = "submit to"

    future: Key  # that of the call
    thread: ThreadState | None  # the one that it started
    idle: int  # how it touched the number of idle threads

    def __init__(self, target: PoolState, call: Call, executor: Any) -> None:
        self.target = target
        self.call = call
        self.future = call.state.key
        self.executor = executor
        self.thread, self.idle = None, READ
        self.label = getattr(call.function, "__name__", "a call")

    def execute(self) -> None:
        pool = self.target
        if pool.broken:
            raise BrokenThreadPool(_BROKEN)
        if pool.closed:
            message = "cannot schedule new futures after shutdown"
            raise RuntimeError(message)
        if "pools closed" in self.task.runtime.state:
            message = "cannot schedule new futures after interpreter shutdown"
            raise RuntimeError(message)
        call, executor = self.call, self.executor
        # The trace must not keep alive what the program lets go of: a pool then ends its threads.
        self.call = self.executor = None  # type: ignore[assignment]  # nobody asks once it has run
        pool.calls.append(call)
        if pool.idle:
            pool.idle -= 1
            self.idle = WRITE
        elif len(pool.threads) < executor._max_workers:
            self.thread = _add_thread(self.task, pool, executor)

    def footprint(self) -> Footprint:
        # Whether it starts a thread may depend on the order: the list of threads is touched always.
        target = self.target
        touched = ((target.key, WRITE), (target.idle_key, self.idle), (THREADS, ADD))
        return touched if self.thread is None else (*touched, (self.thread.key, WRITE))

    def footprint_in(self, past: Past) -> Footprint:
        target = self.target
        touched = ((target.key, WRITE), (target.idle_key, WRITE), (THREADS, ADD))
        return touched if self.thread is None else (*touched, (self.thread.key, WRITE))

    def before(self, item: SimObject) -> Any:
        return self.seen if item is self.target else NEW

    def describe(self) -> str:
        return f"submit {self.label} to {self.target.name}"


class Poll(_Taking):
    """Take the next call if there is one (a worker that has just begun or finished a call)."""

    __slots__ = ()
    kind = "poll"

    def __init__(self, target: PoolState, *, first: bool) -> None:
        super().__init__(target, idle=IDLE_AFTER_EVERY_CALL and not first)

    def execute(self) -> Call | None:
        if self.took.idle:
            self.target.idle += 1
        return _take(self.target, self.took)

    def unwind(self) -> None:
        return None


class Idle(_PoolOperation):
    """Count as idle; in 3.11 this has happened already, and the event stays for the schedule."""

    __slots__ = ()
    kind = "idle in"

    def execute(self) -> None:
        if not IDLE_AFTER_EVERY_CALL:
            self.target.idle += 1

    def footprint(self) -> Footprint:
        return () if IDLE_AFTER_EVERY_CALL else ((self.target.idle_key, ADD),)


class Take(_Taking):
    """Wait for a call, or for the pool to be shut down."""

    __slots__ = ()
    kind = "take from"
    guarded = True

    def enabled(self) -> bool:
        return bool(self.target.calls) or self.target.closed

    def enabled_in(self, past: Past) -> bool:
        waiting, closed = past.of(self.target)
        return bool(waiting) or closed

    def execute(self) -> Call | None:
        return _take(self.target, self.took)

    def unwind(self) -> None:
        return None

    def waits_for(self) -> str:
        return f"a call from {self.target.name}"


class Close(_PoolOperation):
    """Accept no more calls."""

    __slots__ = ()
    kind = "shutdown"
    tells = False

    def execute(self) -> None:
        pool = self.target
        pool.closed = True
        pool.show("_shutdown", True)


class Break(_PoolOperation):
    """A thread's initializer failed: nothing that waits will ever run."""

    __slots__ = ()
    kind = "break"
    tells = False

    def execute(self) -> None:
        pool = self.target
        pool.broken = True
        pool.show("_broken", _BROKEN)


class Drop(_PoolOperation):
    """Throw away the next call that waits; a worker may come between two of them."""

    __slots__ = ("dropped",)
    kind = "drop a call from"
    tells = False

    def execute(self) -> Call | None:
        calls = self.target.calls
        self.dropped = bool(calls)
        return calls.popleft() if calls else None

    def wrote(self) -> bool:
        return self.dropped

    def footprint_in(self, past: Past) -> Footprint:
        return ((self.target.key, WRITE if past.of(self.target)[0] else READ),)

    def unwind(self) -> None:
        return None


def _dropped(pool: PoolState) -> Iterator[Call]:
    """Throw away the calls that wait, one after the other."""
    while (call := perform(Drop(pool))) is not None:
        yield call


def _abandon(pool: PoolState) -> None:
    """Let the threads of a pool end whose executor the program has dropped without `shutdown`."""
    if pool.closed:
        return
    if in_task():
        runtime, task = running()
        if not runtime.phase and not task.done:
            perform(Close(pool))
            return
    pool.closed = True


class Taken:
    """What became of the futures whose calls were taken: each with its state before."""

    __slots__ = ("futures", "idle")

    def __init__(self, *, idle: bool) -> None:
        self.futures: list[tuple[FutureState, str, Told]] = []
        self.idle = idle  # whether a thread counts as idle that did not before


def _take(pool: PoolState, took: Taken) -> Call | None:
    """Take the next call and mark its future running; a call that was cancelled is passed over."""
    while pool.calls:
        call = pool.calls.popleft()
        future = call.state
        if future.state != CANCELLED:
            took.futures.append((future, future.state, ()))
            future.state = RUNNING
            return call
        took.futures.append((future, CANCELLED, future.settle(NOTIFIED)))
        if IDLE_AFTER_EVERY_CALL:
            pool.idle += 1  # one that is passed over counts as a call
            took.idle = True
    return None


def _worker(pool: PoolState, initializer: Callable[..., object] | None, initargs: Any) -> None:
    if initializer is not None:
        try:
            about_to_call(initializer, initargs)
            initializer(*initargs)
        except _ENDINGS:
            raise
        except BaseException:  # noqa: BLE001 - as CPython does
            _base.LOGGER.critical("Exception in initializer:", exc_info=True)
            perform(Break(pool))
            for call in _dropped(pool):
                _finish(call, None, BrokenThreadPool(_BROKEN))
            return
    try:
        _work(pool)
    except _ENDINGS:
        raise
    except BaseException:  # noqa: BLE001 - of a callback: those of a call are its future's
        _base.LOGGER.critical("Exception in worker", exc_info=True)


def _work(pool: PoolState) -> None:
    first = True
    while True:
        call = perform(Poll(pool, first=first))
        first = False
        if call is None:
            perform(Idle(pool))
            call = perform(Take(pool))
            while call is None and pool.calls:
                call = perform(Take(pool))
        if call is None:
            return
        _run(call)
        del call


def _run(call: Call) -> None:
    try:
        about_to_call(call.function, call.args, call.kwargs)
        result = call.function(*call.args, **call.kwargs)
    except _ENDINGS:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever it is, the future gets it
        _finish(call, None, error)
    else:
        _finish(call, result, None)


def _finish(call: Call, result: Any, error: BaseException | None) -> None:
    perform(Finish(call.state, result, error))
    _call_back(call.future, call.state)


def _call_back(future: Any, state: FutureState) -> None:
    for function in state.callbacks:
        try:
            about_to_call(function, (future,))
            function(future)
        except _ENDINGS:
            raise
        except Exception:  # noqa: BLE001 - as CPython does
            _base.LOGGER.exception("exception calling callback for %r", future)


# -- methods of Future --------------------------------------------------------------------------


def _future_init(self: Any) -> None:
    if not in_task():
        original(Future, "__init__")(self)
        return
    state = FutureState(running()[1])
    attach(self, state)
    _watch(state)


def adopt_future(future: Any) -> FutureState:
    """Simulate a future that was made before the check."""
    state = FutureState(None, type_label(future, "Future"))
    state.at_first = (future._state, future._result, future._exception)
    state.reset()
    return state


def _state_of(self: Any) -> str:
    """`Future._state`, which some programs look at: a plain attribute, so no operation."""
    state = self.__dict__.get(ATTRIBUTE)
    return self.__dict__["_state"] if state is None else refreshed(state).state  # type: ignore[no-any-return]  # kept without a type


def _set_state(self: Any, value: str) -> None:
    state = self.__dict__.get(ATTRIBUTE)
    if state is None:
        self.__dict__["_state"] = value
    else:
        refreshed(state).state = value


def _watch(state: FutureState) -> None:
    """Report, when the program has ended, an exception that nobody looked at."""
    runtime = running()[0]
    futures = runtime.state.get("futures")
    if futures is None:
        futures = runtime.state["futures"] = []
        runtime.end_hooks.append(lambda: _report_dropped(runtime, futures))
    futures.append(state)


def _report_dropped(runtime: Runtime, futures: list[FutureState]) -> None:
    for state in futures:
        if state.state == FINISHED and state.error is not None and not state.read:
            error = state.error
            place = user_place_of(error)
            where = f" at {place}" if place is not None else ""
            runtime.warn(
                "dropped-exception",
                f"a task of the pool raised {type(error).__name__}: {error}{where}, and its "
                "future was dropped unread: call result() or exception() on it",
            )


def _cancel(self: Any) -> bool:
    state = state_of(self, adopt_future)
    if state is None:
        return original(Future, "cancel")(self)  # type: ignore[no-any-return]  # CPython's own, which is not typed here
    cancel = Cancel(state)
    cancelled: bool = perform(cancel)
    if cancel.fresh:
        _call_back(self, state)
    return cancelled


def _asks(name: str, *states: str) -> Callable[[Any], bool]:
    def method(self: Any) -> bool:
        state = state_of(self, adopt_future)
        if state is None:
            return original(Future, name)(self)  # type: ignore[no-any-return]  # CPython's own, which is not typed here
        return perform(Ask(state, states))  # type: ignore[no-any-return]  # what it returns is the operation's affair

    method.__name__ = name
    return method


def _add_done_callback(self: Any, fn: Callable[[Any], object]) -> None:
    state = state_of(self, adopt_future)
    if state is None:
        original(Future, "add_done_callback")(self, fn)
    elif perform(AddCallback(state, fn)):
        try:
            about_to_call(fn, (self,))
            fn(self)
        except _ENDINGS:
            raise
        except Exception:  # noqa: BLE001 - as CPython does
            _base.LOGGER.exception("exception calling callback for %r", self)


def _wait_for(state: FutureState, timeout: float | None) -> None:
    if timeout is None:
        perform(Await(state))
    elif not perform(TimedAwait(state, max(timeout, 0))):
        raise _base.TimeoutError
    if state.state in (CANCELLED, NOTIFIED):
        raise _base.CancelledError


def _result(self: Any, timeout: float | None = None) -> Any:
    state = state_of(self, adopt_future)
    if state is None:
        return original(Future, "result")(self, timeout)
    try:
        _wait_for(state, timeout)
        if state.error is not None:
            raise state.error
        return state.result
    finally:
        self = None  # as CPython does: no cycle of the exception with this frame


def _exception(self: Any, timeout: float | None = None) -> BaseException | None:
    state = state_of(self, adopt_future)
    if state is None:
        return original(Future, "exception")(self, timeout)  # type: ignore[no-any-return]  # CPython's own, which is not typed here
    _wait_for(state, timeout)
    return state.error


def _set_running(self: Any) -> bool:
    state = state_of(self, adopt_future)
    if state is None:
        return original(Future, "set_running_or_notify_cancel")(self)  # type: ignore[no-any-return]  # CPython's own, which is not typed here
    return perform(Notice(state))  # type: ignore[no-any-return]  # what it returns is the operation's affair


def _set_result(self: Any, result: Any) -> None:
    state = state_of(self, adopt_future)
    if state is None:
        original(Future, "set_result")(self, result)
        return
    perform(Finish(state, result, None))
    _call_back(self, state)


def _set_exception(self: Any, exception: BaseException | None) -> None:
    state = state_of(self, adopt_future)
    if state is None:
        original(Future, "set_exception")(self, exception)
        return
    perform(Finish(state, None, exception))
    _call_back(self, state)


def _future_repr(self: Any) -> str:
    state = state_of(self, adopt_future)
    if state is None:
        return original(Future, "__repr__")(self)  # type: ignore[no-any-return]  # CPython's own, which is not typed here
    text = _base._STATE_TO_DESCRIPTION_MAP[state.state]
    if state.state == FINISHED:
        shown = state.error if state.error is not None else state.result
        verb = "raised" if state.error is not None else "returned"
        text += f" {verb} {type(shown).__name__}"
    return f"<{type(self).__name__} {state.name} state={text}>"


def _future_hash(self: Any) -> int:
    # Sets of futures come back from wait(): with a hash from the address their order, and so the
    # program, would differ from one execution to the next.
    state = self.__dict__.get(ATTRIBUTE)
    if state is None or state.creator is None:
        return object.__hash__(self)
    return hash((state.creator.path, state.serial))


# -- methods of ThreadPoolExecutor ----------------------------------------------------------------


def _pool_init(
    self: Any,
    max_workers: int | None = None,
    thread_name_prefix: str = "",
    initializer: Callable[..., object] | None = None,
    initargs: tuple[Any, ...] = (),
    **more: Any,
) -> None:
    if not in_task():
        original(ThreadPoolExecutor, "__init__")(
            self, max_workers, thread_name_prefix, initializer, initargs, **more
        )
        return
    if max_workers is None:
        max_workers = DEFAULT_WORKERS
    if max_workers <= 0:
        message = "max_workers must be greater than 0"
        raise ValueError(message)
    if initializer is not None and not callable(initializer):
        message = "initializer must be a callable"
        raise TypeError(message)
    runtime, task = running()
    pool = PoolState(task, self)
    attach(self, pool)
    self._max_workers = max_workers
    self._thread_name_prefix = thread_name_prefix or _default_prefix(task)
    self._initializer, self._initargs = initializer, initargs
    self._broken = self._shutdown = False
    self._threads = _InOrder()
    pools = runtime.state.get("pools")
    if pools is None:
        pools = runtime.state["pools"] = []
        runtime.exit_hooks.append(lambda: _at_exit(runtime, pools))
    pools.append(pool)


class _InOrder(set[Any]):
    """The threads of a pool, iterated in the order they were started: addresses decide nothing."""

    def __iter__(self) -> Iterator[Any]:
        return iter(
            sorted(super().__iter__(), key=lambda thread: thread.__dict__[ATTRIBUTE].task.path)
        )


def _default_prefix(task: Task) -> str:
    maker = "".join(f"{step}." for step in task.path)
    return f"ThreadPoolExecutor-{maker}{task.tally('pool name') - 1}"


def _at_exit(runtime: Runtime, pools: list[PoolState]) -> None:
    """What `_python_exit` does when main ends: close every pool, then wait for all of them."""
    for pool in pools:
        if not pool.closed:
            perform(Close(pool))
    runtime.state["pools closed"] = True
    for pool in pools:
        _await_workers(pool)


def _await_workers(pool: PoolState) -> None:
    for thread in pool.threads:
        if thread.__dict__[ATTRIBUTE].task is running()[1]:
            message = "cannot join current thread"
            raise misuse(RuntimeError(message))
        perform(AwaitWorker(thread.__dict__[ATTRIBUTE], pool))


class AwaitWorker(Join):
    """Wait until a worker has ended, which none does before its pool is shut down and empty."""

    __slots__ = ("pool",)

    def __init__(self, target: ThreadState, pool: PoolState) -> None:
        self.target = target
        self.pool = pool

    def waits_for(self) -> str:
        return f"{self.target.name} to end, in the shutdown of {self.pool.name}"


def _submit(self: Any, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    pool = _pool_of(self)
    if pool is None:
        return original(ThreadPoolExecutor, "submit")(self, fn, *args, **kwargs)
    future: Any = Future()
    perform(Submit(pool, Call(future, fn, args, kwargs), self))
    return future


def _add_thread(task: Task, pool: PoolState, executor: Any) -> ThreadState:
    thread = threading.Thread(
        name=f"{executor._thread_name_prefix}_{len(pool.threads)}",
        target=_worker,
        args=(pool, executor._initializer, executor._initargs),
        daemon=False,
    )
    start_at_once(task, thread)
    pool.threads.append(thread)
    executor._threads.add(thread)
    return thread.__dict__[ATTRIBUTE]  # type: ignore[no-any-return]  # kept without a type


def _pool_of(executor: Any) -> PoolState | None:
    state: PoolState | None = executor.__dict__.get(ATTRIBUTE)
    if state is None and in_task():
        message = (
            f"{executor!r} was made before the check: its threads are real and cannot be "
            "scheduled; make the executor inside the program"
        )
        raise UncontrolledError(message)
    return state


def _shutdown(self: Any, wait: bool = True, *, cancel_futures: bool = False) -> None:
    pool = _pool_of(self)
    if pool is None:
        original(ThreadPoolExecutor, "shutdown")(self, wait, cancel_futures=cancel_futures)
        return
    perform(Close(pool))
    if cancel_futures:
        for call in _dropped(pool):
            call.future.cancel()
    if wait:
        _await_workers(pool)


# -- functions ------------------------------------------------------------------------------------


def _states(futures: Iterable[Any]) -> list[FutureState] | None:
    """Return the states of futures; none where they are not ours to wait for."""
    found = []
    for future in futures:
        state = state_of(future, adopt_future)
        if state is None:
            return None
        found.append(refreshed(state))
    return found


def _wait(
    fs: Iterable[Any], timeout: float | None = None, return_when: str = _base.ALL_COMPLETED
) -> Any:
    futures = list(dict.fromkeys(fs))
    states = _states(futures)
    if states is None or not in_task():
        return _real_wait(futures, timeout, return_when)

    def fulfilled(snapshots: list[Snapshot]) -> bool:
        undone = sum(state not in _SETTLED for state, _ in snapshots)
        if not undone:
            return True
        if return_when == _base.FIRST_COMPLETED:
            return undone < len(snapshots)
        return return_when == _base.FIRST_EXCEPTION and any(
            state == FINISHED and failed for state, failed in snapshots
        )

    seen = perform(_Settled(states))
    if not fulfilled([state.snapshot() for state in states]):
        if return_when not in (_base.FIRST_COMPLETED, _base.FIRST_EXCEPTION, _base.ALL_COMPLETED):
            message = f"Invalid return condition: {return_when!r}"
            raise ValueError(message)
        if timeout is None:
            perform(AwaitMany(states, fulfilled))
        else:
            perform(TimedAwaitMany(states, fulfilled, max(timeout, 0)))
        seen = [state for state in states if state.state in _SETTLED]
        # CPython takes leave of one future after the other: more may be done meanwhile.
        seen += [state for state in states if state not in seen and perform(Ask(state, _SETTLED))]
    done = {future for future, state in zip(futures, states, strict=True) if state in seen}
    return _base.DoneAndNotDoneFutures(done, set(futures) - done)


def _as_completed(fs: Iterable[Any], timeout: float | None = None) -> Iterator[Any]:
    futures = list(dict.fromkeys(fs))
    if not in_task() or _states(futures) is None:
        yield from _real_as_completed(futures, timeout)
        return
    runtime, _ = running()
    end = None if timeout is None else runtime.clock() + timeout
    pending = {future.__dict__[ATTRIBUTE]: future for future in futures}
    line = Line(running()[1])
    at_start = perform(_Settled(list(pending), line))
    while at_start:
        # CPython keeps what was done at the start in a set: its order is anyone's guess.
        state = at_start.pop(runtime.choose_value(len(at_start)) if len(at_start) > 1 else 0)
        yield pending.pop(state)
    while pending:
        # CPython looks at the clock first: once the time is over it matters not what is done.
        over = end is not None and end <= runtime.clock()
        if over:
            message = f"{len(pending)} (of {len(futures)}) futures unfinished"
            raise _base.TimeoutError(message)
        if end is None:
            batch = perform(Collect(line))
        else:
            batch = perform(TimedCollect(line, end - runtime.clock()))
            if batch is None:
                batch = perform(TryCollect(line))  # what was done since the time was over
        if runtime.phase == TEARDOWN:
            return
        for state in batch:
            yield pending.pop(state)


class _Settled(AwaitMany):
    """Look which of several futures are done, and stand in line for the others."""

    __slots__ = ("line",)
    kind = "look at futures"
    tells = False
    guarded = False

    def __init__(self, futures: list[FutureState], line: Line | None = None) -> None:
        super().__init__(futures, lambda _: True)
        self.line = line

    def execute(self) -> Any:
        self._learn()
        settled = [state for state in self.futures if state.state in _SETTLED]
        if self.line is not None:
            for state in self.futures:
                state.lines.append(self.line)
        return sorted(settled, key=lambda state: state.place)

    def unwind(self) -> Any:
        return []


class Collect(Noted):
    """Wait until one more future is done; take all that are, in the order in which they were."""

    __slots__ = ()
    kind = "next of"
    tells = False
    guarded = True
    target: Line

    def __init__(self, target: Line) -> None:
        self.target = target

    def enabled(self) -> bool:
        return bool(self.target.done)

    def enabled_in(self, past: Past) -> bool:
        return past.of(self.target)  # type: ignore[no-any-return]  # a snapshot of its object

    def execute(self) -> list[FutureState]:
        batch = list(self.target.done)
        self.target.done.clear()
        return batch

    def expire(self) -> None:
        return None

    def unwind(self) -> list[FutureState]:
        return []

    def waits_for(self) -> str:
        return "a future to be done (as_completed)"


class TimedCollect(Collect):
    """Wait until one more future is done or the timeout passes."""

    __slots__ = ("timeout",)

    def __init__(self, target: Line, timeout: float) -> None:
        self.target = target
        self.timeout: float | None = timeout

    def wrote(self) -> bool:
        return not self.expired

    def footprint_in(self, past: Past) -> Footprint:
        return ((self.target.key, WRITE if past.of(self.target) else READ),)


class TryCollect(Collect):
    """Take the futures that are done by now, if any."""

    __slots__ = ("took",)
    guarded = False

    def execute(self) -> list[FutureState]:
        batch = super().execute()
        self.took = bool(batch)
        return batch

    def enabled_in(self, past: Past) -> bool:
        return True

    def wrote(self) -> bool:
        return self.took

    def footprint_in(self, past: Past) -> Footprint:
        return ((self.target.key, WRITE if past.of(self.target) else READ),)


_real_wait = _base.wait
_real_as_completed = _base.as_completed

PATCHES: list[tuple[Any, str, Any]] = [
    (Future, "__init__", _future_init),
    (Future, "_state", property(_state_of, _set_state)),
    (Future, "cancel", _cancel),
    (Future, "cancelled", _asks("cancelled", CANCELLED, NOTIFIED)),
    (Future, "running", _asks("running", RUNNING)),
    (Future, "done", _asks("done", *sorted(_DONE))),
    (Future, "add_done_callback", _add_done_callback),
    (Future, "result", _result),
    (Future, "exception", _exception),
    (Future, "set_running_or_notify_cancel", _set_running),
    (Future, "set_result", _set_result),
    (Future, "set_exception", _set_exception),
    (Future, "__repr__", _future_repr),
    (Future, "__hash__", _future_hash),
    (ThreadPoolExecutor, "__init__", _pool_init),
    (ThreadPoolExecutor, "submit", _submit),
    (ThreadPoolExecutor, "shutdown", _shutdown),
    (_base, "wait", _wait),
    (_base, "as_completed", _as_completed),
    (concurrent.futures, "wait", _wait),
    (concurrent.futures, "as_completed", _as_completed),
]
