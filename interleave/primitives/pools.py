"""What a pool of threads is made of: the calls that wait, the operations on them, the workers.

A pool's bookkeeping is few operations: `submit` (with the decision whether a new thread is
needed), `take` by a worker (which marks the future running), `finish` of a future. The rules for
when a thread counts as idle are those of the running Python (Lib/concurrent/futures/thread.py):
3.11 counts it after every call, later versions only if there is nothing left to do.
"""

from __future__ import annotations

import sys
import threading
import weakref
from collections import deque
from concurrent.futures import _base
from concurrent.futures import thread as pool_module
from typing import TYPE_CHECKING, Any

from interleave.core.context import about_to_call, in_task, perform, running
from interleave.core.dependence import ADD, POOLS, READ, THREADS, WRITE
from interleave.core.operation import NEW, Noted, SimObject, new_key
from interleave.primitives.futures import (
    CANCELLED,
    ENDINGS,
    NOTIFIED,
    RUNNING,
    Finish,
    FutureState,
    Told,
    call_back,
    footprint_of,
)
from interleave.primitives.installation import ATTRIBUTE
from interleave.primitives.threads import Join, ThreadState, start_at_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from interleave.core.dependence import Footprint, Key
    from interleave.core.operation import Operation, Past
    from interleave.core.task import Task

BrokenThreadPool = pool_module.BrokenThreadPool

IDLE_AFTER_EVERY_CALL = sys.version_info < (3, 12)

_BROKEN = "A thread initializer failed, the thread pool is not usable anymore"


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

    __slots__ = (
        *("broken", "calls", "closed", "dropped", "idle", "idle_key", "label", "owner", "threads"),
        "told",
    )
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
        self.dropped = False  # the program has shut it down, or let go of it
        self.closed = False  # that, or main has ended: its threads end once nothing waits
        self.told = False  # whoever submits is told that it is shut down, and not that main ended
        self.broken = False

    def reset(self) -> None:
        self._clear()

    def snapshot(self) -> tuple[tuple[int, ...], bool, bool]:
        return tuple(call.state.key for call in self.calls), self.closed, bool(self.threads)

    def dismiss(self) -> list[Operation]:
        """Let its threads end, as `_python_exit` does when main ends."""
        self.closed = True
        return [AwaitWorker(thread.__dict__[ATTRIBUTE], self) for thread in self.threads]

    def shut_down(self) -> None:
        """Take no more calls, as the program wants it."""
        self.dropped = self.closed = True
        self.tell()

    def tell(self) -> None:
        """Refuse calls because it is shut down, and no longer because main has ended."""
        self.told = True
        self.show("_shutdown", True)

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
        told = (touch for _, _, told in took.futures for touch in footprint_of(told))
        idle = ((self.target.idle_key, ADD),) if took.idle else ()
        return ((self.target.key, WRITE if took.futures else READ), *futures, *told, *idle)

    def footprint_in(self, past: Past) -> Footprint:
        waiting, *_ = past.of(self.target)
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

    All of it is one step, as under both locks in CPython: the pool's, and that of all pools, which
    the end of main takes.
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
        if pool.told:
            message = "cannot schedule new futures after shutdown"
            raise RuntimeError(message)
        if self.task.runtime.leaving:
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
        touched = (
            (target.key, WRITE),
            (target.idle_key, self.idle),
            (THREADS, ADD),
            (POOLS, READ),
        )
        return touched if self.thread is None else (*touched, (self.thread.key, WRITE))

    def footprint_in(self, past: Past) -> Footprint:
        target = self.target
        touched = ((target.key, WRITE), (target.idle_key, WRITE), (THREADS, ADD), (POOLS, READ))
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
    """Wait for a call, or for the pool to be shut down; all calls there may be cancelled ones."""

    __slots__ = ("over",)
    kind = "take from"
    guarded = True

    over: bool  # whether no call will come any more

    def __init__(self, target: PoolState) -> None:
        super().__init__(target)
        self.over = True

    def enabled(self) -> bool:
        return bool(self.target.calls) or self.target.closed

    def enabled_in(self, past: Past) -> bool:
        waiting, closed, _ = past.of(self.target)
        return bool(waiting) or closed

    def execute(self) -> Call | None:
        call = _take(self.target, self.took)
        self.over = call is None and self.target.closed
        if self.over:
            # A worker that ends tells the executor. That adds nothing to the footprint: whoever
            # looks at it writes, and it makes no difference which worker was first.
            self.target.tell()
        return call

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
        self.target.shut_down()


class AwaitWorker(Join):
    """Wait until a worker has ended, which none does before its pool is shut down and empty."""

    __slots__ = ("pool",)

    def __init__(self, target: ThreadState, pool: PoolState) -> None:
        self.target = target
        self.pool = pool

    def waits_for(self) -> str:
        return f"{self.target.name} to end, in the shutdown of {self.pool.name}"


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


def dropped(pool: PoolState) -> Iterator[Call]:
    """Throw away the calls that wait, one after the other."""
    while (call := perform(Drop(pool))) is not None:
        yield call


def _abandon(pool: PoolState) -> None:
    """Let the threads of a pool end whose executor the program has dropped without `shutdown`."""
    if pool.dropped:  # that main has ended decides nothing here: it may not have, in another order
        return
    if in_task():
        runtime, task = running()
        if not runtime.phase and not task.done:
            perform(Close(pool))
            return
    pool.dropped = pool.closed = True


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
        except ENDINGS:
            raise
        except BaseException:  # noqa: BLE001 - as CPython does
            _base.LOGGER.critical("Exception in initializer:", exc_info=True)
            perform(Break(pool))
            for call in dropped(pool):
                _finish(call, None, BrokenThreadPool(_BROKEN))
            return
    try:
        _work(pool)
    except ENDINGS:
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
            take = Take(pool)
            call = perform(take)
            if call is None:
                if take.over:
                    return
                first = True  # where every call counts, those that it passed over have done so
                continue
        _run(call)
        del call


def _run(call: Call) -> None:
    try:
        about_to_call(call.function, call.args, call.kwargs)
        result = call.function(*call.args, **call.kwargs)
    except ENDINGS:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever it is, the future gets it
        _finish(call, None, error)
    else:
        _finish(call, result, None)


def _finish(call: Call, result: Any, error: BaseException | None) -> None:
    perform(Finish(call.state, result, error))
    call_back(call.future, call.state)


def _add_thread(task: Task, pool: PoolState, executor: Any) -> ThreadState:
    thread = threading.Thread(
        name=f"{executor._thread_name_prefix}_{len(pool.threads)}",
        target=_worker,
        args=(pool, executor._initializer, executor._initargs),
        daemon=False,
    )
    start_at_once(task, thread)
    if not pool.threads:
        task.runtime.employers.append(pool)
    pool.threads.append(thread)
    executor._threads.add(thread)
    return thread.__dict__[ATTRIBUTE]  # type: ignore[no-any-return]  # kept without a type
