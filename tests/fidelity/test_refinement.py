"""Our primitives against CPython's own code: both must show exactly the same.

Private copies of `threading`, `queue` and `concurrent.futures` run on nothing but simulated locks.
Each small program is explored to the end twice, with our primitives and with CPython's code, and
the sets of what can come out (values, exceptions, deadlocks and what had happened until then) must
be equal. Threads are started and joined by ours on both sides: only the class under test differs.
"""

# ruff: noqa: E501

from __future__ import annotations

import _thread
import concurrent.futures
import importlib.util
import logging
import os
import queue
import random
import sys
import threading
import time
from concurrent.futures import _base as our_base
from concurrent.futures import thread as our_pools
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

import interleave
from interleave.core.context import running
from interleave.core.outcome import Deadlocked, Raised, Returned
from interleave.core.program import from_callable
from interleave.core.steps import Begin, End, Exit
from interleave.exploration import Stop
from interleave.exploring import explore
from interleave.primitives import locks, threads
from interleave.session import session
from interleave.settings import Settings
from interleave.strategies.bounds import PreemptionBound
from interleave.strategies.depth_first import DepthFirst
from interleave.strategies.random_walk import RandomWalk

SHUTDOWN = sys.version_info >= (3, 13)


# -- CPython's code on simulated locks --------------------------------------------------------


@contextmanager
def _swapped(changes):
    """Set attributes and table entries for the length of a block."""
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in changes]
    for owner, name, value in changes:
        setattr(owner, name, value)
    try:
        yield
    finally:
        for owner, name, value in before:
            setattr(owner, name, value)


def _load(original):
    spec = importlib.util.spec_from_file_location(
        f"cpython_{original.__name__.rpartition('.')[2]}", original.__file__
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _load_all():
    """Load private copies that import one another, and that the process knows nothing of."""
    changes = [(os, "register_at_fork", lambda **_: None)]
    if sys.version_info < (3, 13):
        changes.append((_thread, "_set_sentinel", _thread.allocate_lock))
    tables = {name: sys.modules[name] for name in ("threading", "queue")}
    with _swapped(changes):
        try:
            sys.modules["threading"] = own_threading = _load(threading)
            sys.modules["queue"] = own_queue = _load(queue)
            own_base = _load(our_base)
            with _swapped([(concurrent.futures, "_base", own_base)]):
                own_pools = _load(our_pools)
        finally:
            sys.modules.update(tables)
    return own_threading, own_queue, own_base, own_pools


cpython, cpython_queue, cpython_base, cpython_pools = _load_all()

WAITER = "waiter"


def _waiter_lock():
    """Make the lock on which one wait of a condition blocks; nobody else ever takes it."""
    lock = locks.SimLock()
    lock.title = WAITER
    return lock


class _RLock(cpython._PyRLock):
    def __init__(self):
        super().__init__()
        self._block = locks.SimLock()


def _ident():
    return threading.get_ident()


cpython._allocate_lock = _waiter_lock
cpython.Lock = locks.SimLock
cpython._CRLock = None
cpython._PyRLock = _RLock
cpython.get_ident = _ident


def _later():
    """Look at the clock, which takes some time: `as_completed` spins until it is past the end."""
    running()[1].clock += 1e-6
    return time.monotonic()


cpython._time = cpython_queue.time = _later
cpython_base.time = SimpleNamespace(monotonic=_later)


class _Event(cpython.Event):
    """The flag is read without the lock: another thread may come in just before."""

    def is_set(self):
        time.sleep(0)
        return super().is_set()


class _Barrier(cpython.Barrier):
    """The state is read without the lock, also between the last arrival and the action."""

    def _release(self):
        if self._action:
            time.sleep(0)
        super()._release()

    @property
    def n_waiting(self):
        time.sleep(0)
        return super().n_waiting

    @property
    def broken(self):
        time.sleep(0)
        return super().broken


class _UnboundedQueue(cpython_queue.Queue):
    """What C's `SimpleQueue` is documented to be; there is always room, whatever the timeout.

    The version in Python (`_PySimpleQueue`) shows more: it appends before it counts.
    """

    def __init__(self):
        super().__init__()


class _Ordered(list):
    """A set whose order no address decides."""

    add = list.append


class _Pool(cpython_pools.ThreadPoolExecutor):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._threads = _Ordered()


_plain_future_init = cpython_base.Future.__init__


def _numbered_init(self):
    _plain_future_init(self)
    running()[0].state["number of futures"] = self.number = (
        running()[0].state.get("number of futures", 0) + 1
    )


cpython_base.Future.__init__ = _numbered_init
cpython_base.Future.__hash__ = cpython_base.id = lambda self: self.number


class _SimpleQueue:
    """What C does in one step, as the pool uses it; it is compared by itself elsewhere."""

    def __init__(self):
        self.inner = queue.SimpleQueue()

    def put(self, item):
        self.inner.put(item)

    def get(self, block=True):
        return self.inner.get(block)

    def get_nowait(self):
        try:
            return self.inner.get_nowait()
        except queue.Empty:
            raise cpython_queue.Empty from None


cpython_pools.threading = SimpleNamespace(
    Lock=locks.SimLock, Semaphore=cpython.Semaphore, Thread=threading.Thread
)
cpython_pools.queue = SimpleNamespace(Empty=cpython_queue.Empty, SimpleQueue=_SimpleQueue)


def _as_completed(futures, timeout=None):
    """CPython keeps those that were done at the start in a set: addresses decide their order."""
    futures = list(futures)
    if len(set(futures)) == 2:
        first, second = set(futures)
        if interleave.choose([False, True]):
            first.number, second.number = second.number, first.number
        futures = [first, second]
    return cpython_base.as_completed(futures, timeout)


def theirs():
    """Return CPython's own classes, with nothing left over from the execution before."""
    cpython_pools._global_shutdown_lock = locks.SimLock()
    cpython_pools._shutdown = False
    cpython_pools._threads_queues.clear()
    threading._register_atexit(cpython_pools._python_exit)
    return SimpleNamespace(
        Lock=locks.SimLock,
        RLock=cpython.RLock,
        Condition=cpython.Condition,
        Event=_Event,
        Semaphore=cpython.Semaphore,
        BoundedSemaphore=cpython.BoundedSemaphore,
        Barrier=_Barrier,
        Queue=cpython_queue.Queue,
        LifoQueue=cpython_queue.LifoQueue,
        PriorityQueue=cpython_queue.PriorityQueue,
        SimpleQueue=_UnboundedQueue,
        Future=cpython_base.Future,
        ThreadPoolExecutor=_Pool,
        wait=cpython_base.wait,
        as_completed=_as_completed,
    )


def ours():
    """Return what a program gets that imports the standard library."""
    return SimpleNamespace(
        Lock=threading.Lock,
        RLock=threading.RLock,
        Condition=threading.Condition,
        Event=threading.Event,
        Semaphore=threading.Semaphore,
        BoundedSemaphore=threading.BoundedSemaphore,
        Barrier=threading.Barrier,
        Queue=queue.Queue,
        LifoQueue=queue.LifoQueue,
        PriorityQueue=queue.PriorityQueue,
        SimpleQueue=queue.SimpleQueue,
        Future=our_base.Future,
        ThreadPoolExecutor=our_pools.ThreadPoolExecutor,
        wait=our_base.wait,
        as_completed=our_base.as_completed,
    )


# -- exploring ------------------------------------------------------------------------------------


def _concerns_nobody(task, *, lean):
    """Whether the next operation of a task commutes with all that others may do before it.

    Then nothing is lost if it goes first: this alone makes naive enumeration feasible.
    """
    op = task.pending
    kind = type(op)
    if kind in (Begin, End, Exit, threads.Start, threads.Join):
        return True
    if not lean:
        return False
    if kind is locks.Release:
        # A critical section in which nobody is let in is one step, unless others try the lock
        # without blocking, which CPython's code never does (but see `_is_owned`, below).
        return op.target.held
    if isinstance(op, locks.TryAcquire):
        # `Condition._is_owned`, asked by the owner
        return op.target.owner is task and op.target.title != WAITER
    if isinstance(op, locks.Acquire):
        return op.target.title == WAITER and op.target.creator is task and not op.target.held
    return False


class Watched:
    """A strategy that is asked only where it matters, and notes how each execution ended."""

    bounded = None
    noting = False

    def __init__(self, inner, program, *, lean):
        self.inner = inner
        self.program = program
        self.lean = lean
        self.begin = inner.begin
        self.choose_value = inner.choose_value
        self.seen = set()

    @property
    def events(self):
        return self.inner.events

    @events.setter
    def events(self, events):
        self.inner.events = events

    def choose(self, options, stays):
        for position, task in enumerate(options):
            if _concerns_nobody(task, lean=self.lean):
                if not stays:
                    return position
                current = task.runtime.current
                if task is current:
                    return 0
                return position + (position < options.index(current))
        return self.inner.choose(options, stays)

    def end(self, execution):
        self.inner.end(execution)
        ending = execution.ending
        if isinstance(ending, Returned):
            seen = ("returned", repr(ending.value))
        elif isinstance(ending, Deadlocked):
            stuck = tuple(waiting.task for waiting in ending.waiting)
            seen = ("deadlock", stuck, self.program.results_at_end)
        elif isinstance(ending, Raised):
            seen = ("raised", ending.task, _told(ending.error))
        else:
            seen = ("other", repr(ending))
        self.seen.add(seen)


def _told(error):
    """Return type and message of an exception, without the name or address of an object."""
    return f"{type(error).__name__}: {str(error).partition(': ')[0]}"


class Program:
    """A program: what it is about (`make`), and what its threads do, the last of them main itself.

    All are expressions, in which `ns` holds the classes and `x` is what `make` made; what each
    operation returns or raises is the outcome.
    """

    def __init__(self, make, *threads, lean=True):
        self.lean = lean
        self.text = " | ".join((make, *threads))
        self.make = compile(make, "<make>", "eval")
        self.threads = [
            [compile(text.strip(), f"<{text}>", "eval") for text in thread.split(";")]
            for thread in threads
        ]
        self.results = []
        self.results_at_end = ""

    def __repr__(self):
        return self.text

    def run(self, ns):
        names = {**HELPERS, "ns": ns}
        log = names["log"] = []
        names["x"] = eval(self.make, names)
        self.results = [*([] for _ in self.threads), log]
        running()[0].end_hooks.append(self._note_end)
        others = [
            threading.Thread(target=self._perform, args=(names, operations, results))
            for operations, results in zip(self.threads[:-1], self.results, strict=False)
        ]
        for thread in others:
            thread.start()
        self._perform(names, self.threads[-1], self.results[-2])
        for thread in others:
            thread.join()
        return self.results

    def _note_end(self):
        self.results_at_end = repr(self.results)  # tearing down may add to it

    def _perform(self, names, operations, results):
        for operation in operations:
            try:
                results.append(eval(operation, names))
            except Exception as error:  # noqa: BLE001 - it is the outcome
                results.append(_told(error))


class Laboratory:
    """Explores many programs in one session: to simulate the standard library takes its time."""

    def __init__(self, opened):
        self.opened = opened
        self.counts = Counts()

    def explore(self, program, side, strategy, limit, *, lean=False):
        """Return what was seen, and whether that is all."""
        self.opened.settings = Settings(
            granularity="sync",
            keep_going=True,
            executions=limit,
            seconds=600.0,
            hang_seconds=60.0,
        )
        watched = Watched(strategy, program, lean=lean)
        _current[:] = [lambda: program.run(side())]
        exploration = explore(self.opened, watched)
        assert exploration.stop in (Stop.COMPLETE, Stop.EXECUTIONS), (program, exploration.detail)
        assert not exploration.cut, program
        self.counts.executions[side] += exploration.runs
        return watched.seen, exploration.stop is Stop.COMPLETE

    def compare(self, program, *, limit=2_000, samples=500, most=100_000, exactly=True):
        """Fail unless a program shows the same on both sides; false if it is too large."""
        mine, complete = self.explore(program, ours, DepthFirst(), most)
        if not complete:
            return False
        real, whole = self.explore(program, theirs, DepthFirst(), limit, lean=program.lean)
        if not whole:
            for strategy, some in (
                (PreemptionBound(DepthFirst(), 2), limit),
                (RandomWalk(1), samples),
            ):
                real = real | self.explore(program, theirs, strategy, some, lean=program.lean)[0]
        self.counts.programs += 1
        self.counts.complete += whole
        missing = real - mine
        extra = mine - real
        assert not missing, (
            f"{program}\nCPython's code shows what ours never does:{_told_all(missing)}"
        )
        if exactly or whole:
            assert not extra, (
                f"{program}\nours shows what CPython's code never does:{_told_all(extra)}"
            )
        elif extra:
            self.counts.unseen += 1
        return True


_current = []


@pytest.fixture
def laboratory():
    def call():
        return _current[0]()

    with session(from_callable(call), Settings(granularity="sync")) as opened:
        laboratory = Laboratory(opened)
        yield laboratory
    print(laboratory.counts)


class Counts:
    """How much was compared."""

    def __init__(self):
        self.programs = self.complete = self.unseen = 0
        self.executions = {ours: 0, theirs: 0}

    def __str__(self):
        return (
            f"{self.programs} programs ({self.complete} to the end on both sides; in {self.unseen} "
            f"of the others ours shows more), {self.executions[ours]} executions of ours, "
            f"{self.executions[theirs]} of CPython's code"
        )


def _told_all(seen):
    return "".join(f"\n    {item}" for item in sorted(map(str, seen)))


# -- what the programs call -----------------------------------------------------------------------


def wait(condition, timeout=None):
    with condition:
        return condition.wait(timeout)


def wait_for(condition, log, timeout=None):
    with condition:
        return condition.wait_for(lambda: bool(log), timeout)


def notify(condition, count=1):
    with condition:
        condition.notify(count)


def notify_all(condition):
    with condition:
        condition.notify_all()


def tell(condition, log):
    with condition:
        log.append("told")
        condition.notify()


def line(condition, log, name, timeout=None):
    """Wait, and tell in which order one came and went."""
    with condition:
        log.append(name)
        notified = condition.wait(timeout)
        log.append(-name)
        return notified


def wait_deep(condition, timeout=None):
    with condition, condition:
        return condition.wait(timeout)


def fail(*_args):
    raise ValueError("failed")


def stop(*_args):
    raise KeyError("stopped")


def pause(*_args):
    time.sleep(0)


def sized(item):
    with item.mutex:
        return item._qsize()


def wait_empty(item):
    with item.not_empty:
        return item.not_empty.wait(1)


def barrier(ns, act, parties=2):
    """Make a barrier whose action uses the barrier itself."""

    def action():
        act(made)

    made = ns.Barrier(parties, action)
    return made


def call_back(future, log, name, *, failing=False):
    def callback(_):
        time.sleep(0)
        log.append(name)
        if failing:
            raise ValueError("failed")

    future.add_done_callback(callback)


def two(ns):
    return [ns.Future(), ns.Future()]


def told(futures, done):
    """Return which of the futures are done, and which are not."""
    finished, unfinished = done
    return [index for index, one in enumerate(futures) if one in finished], [
        index for index, one in enumerate(futures) if one in unfinished
    ]


def order(futures, completed):
    """Return in which order futures came, and what ended it."""
    found = []
    try:
        for future in completed:
            found.append(futures.index(future))  # noqa: PERF401 - those before an error count too
    except Exception as error:  # noqa: BLE001 - it is part of the outcome
        found.append(_told(error))
    return found


def where():
    return threading.current_thread().name


def slowly():
    time.sleep(0)
    return where()


class Pool:
    """A pool to which some calls were submitted."""

    def __init__(self, ns, workers, *functions, initializer=None):
        self.pool = ns.ThreadPoolExecutor(workers, "p", initializer)
        self.futures = [self.pool.submit(function) for function in functions]

    def __getattr__(self, name):
        return getattr(self.pool, name)

    def close(self, **options):
        self.pool.shutdown(**options)
        return len(self.pool._threads)

    def add(self, function):
        self.futures.append(self.pool.submit(function))

    def called(self, function, timeout=None):
        return self.pool.submit(function).result(timeout)

    def lazily(self, function, timeout=None):
        return list(self.pool.map(lambda _: function(), "ab", timeout=timeout))

    def all(self):
        found = []
        for future in self.futures:
            try:
                found.append(future.result())
            except BaseException as error:  # noqa: BLE001 - so are CancelledError and the like
                found.append(_told(error))
        return found


FUNCTIONS = (
    *(
        wait,
        wait_for,
        wait_deep,
        notify,
        notify_all,
        tell,
        line,
        fail,
        stop,
        pause,
        sized,
        wait_empty,
    ),
    *(barrier, call_back, two, told, order, where, slowly, Pool),
)
HELPERS = {
    "FIRST": our_base.FIRST_COMPLETED,
    "FAILED": our_base.FIRST_EXCEPTION,
    **{function.__name__: function for function in FUNCTIONS},
}

# One program a line: how the object is made, then what each thread does, the last of them main.
CORPUS = {
    "event": """
        ns.Event() | x.set() | x.wait()
        ns.Event() | x.set(); x.clear() | x.wait()
        ns.Event() | x.set(); x.clear() | x.wait(1); x.is_set()
        ns.Event() | x.set(); x.clear() | x.wait(0); x.wait(-1)
        ns.Event() | x.set(); x.clear() | x.wait(1) | x.wait()
        ns.Event() | x.is_set(); x.wait() | x.set(); x.is_set(); x.clear() | x.set(); x.is_set()
    """,
    "condition": """
        ns.Condition() | x.wait(); x.notify(); x.notify_all() | notify(x)
        ns.Condition(ns.Lock()) | x.wait(); x.notify(); x.notify_all()
        ns.Condition() | wait(x) | notify(x)
        ns.Condition() | wait(x, 1) | notify(x)
        ns.Condition() | wait(x, 0); wait(x, -1) | notify(x)
        ns.Condition() | wait_deep(x, 1) | notify(x)
        ns.Condition() | wait(x, 1) | wait(x, 1) | notify(x)
        ns.Condition() | wait(x) | wait(x, 1) | notify(x)
        ns.Condition() | wait(x) | wait(x, 1) | notify(x, 2)
        ns.Condition() | wait(x, 1) | wait(x, 1) | notify_all(x)
        ns.Condition(ns.Lock()) | wait(x, 1) | wait(x, 0) | notify(x)
        ns.Condition(ns.Lock()) | wait(x, 1) | wait(x, 1) | notify(x); notify(x)
        ns.Condition() | wait(x); notify(x) | wait(x, 1); notify(x)
        ns.Condition() | wait_for(x, log) | tell(x, log)
        ns.Condition() | wait_for(x, log, 1) | notify(x); tell(x, log)
        ns.Condition() | wait_for(x, log, 1) | wait(x, 1) | tell(x, log)
        ns.Condition() | line(x, log, 1) | line(x, log, 2) | tell(x, log)
        ns.Condition() | line(x, log, 1, 1) | line(x, log, 2) | tell(x, log)
        ns.Condition() | notify(x, 0); notify(x, -1) | wait(x, 1)
    """,
    "semaphore": """
        ns.Semaphore(-1) | 0
        ns.BoundedSemaphore(-1) | 0
        ns.Semaphore(0) | x.acquire() | x.release()
        ns.Semaphore(0) | x.acquire(timeout=1) | x.release()
        ns.Semaphore(0) | x.acquire(timeout=-1); x.acquire(False, 1) | x.release(0); x.release()
        ns.Semaphore(0) | x.acquire(timeout=0); x.acquire(False) | x.release(-1); x.release(2)
        ns.Semaphore(0) | x.acquire() | x.acquire() | x.release(2)
        ns.Semaphore(0) | x.acquire() | x.acquire(timeout=1) | x.release(); x.acquire(False)
        ns.Semaphore(0) | x.acquire(); x.acquire() | x.release(); x.acquire(timeout=1) | x.release(2)
        ns.Semaphore(1) | x.__enter__(); x.__exit__(0, 0, 0) | x.acquire(); x.release(2) | x.acquire()
        ns.BoundedSemaphore(1) | x.acquire(); x.release() | x.release(); x.acquire(False)
        ns.BoundedSemaphore(2) | x.acquire(); x.release(2) | x.acquire(timeout=0); x.release()
        ns.BoundedSemaphore(1) | x.acquire(); x.release() | x.acquire(timeout=1); x.release()
    """,
    "barrier": """
        ns.Barrier(0) | x.wait(0)
        ns.Barrier(1) | x.wait() | x.wait(); x.abort()
        ns.Barrier(2) | x.wait() | x.wait()
        ns.Barrier(2) | x.wait(1) | x.wait(1)
        ns.Barrier(2) | x.wait(0) | x.wait(-1)
        ns.Barrier(2) | x.wait(1); x.wait() | x.wait(); x.wait(1)
        ns.Barrier(2) | x.wait(); x.broken | x.reset(); x.wait(1)
        ns.Barrier(2) | x.wait(); x.n_waiting | x.abort(); x.wait(1)
        ns.Barrier(2) | x.wait(); x.wait() | x.wait(); x.reset()
        ns.Barrier(2) | x.wait(); x.wait() | x.wait(); x.abort()
        ns.Barrier(2) | x.wait(1); x.broken | x.n_waiting; x.broken; x.wait()
        ns.Barrier(2) | x.wait(1) | x.wait(1) | x.reset(); x.n_waiting; x.broken
        ns.Barrier(2) | x.wait(1) | x.wait() | x.abort(); x.reset(); x.wait(1)
        ns.Barrier(2) | x.wait() | x.abort(); x.reset(); x.broken
        ns.Barrier(2) | x.wait() | x.wait() | x.wait()
        ns.Barrier(2) | x.wait() | x.wait() | x.wait(1)
        ns.Barrier(3) | x.wait() | x.wait(1) | x.wait()
        ns.Barrier(2, None, 1) | x.wait() | x.wait(); x.wait()
        ns.Barrier(2, pause) | x.wait() | x.wait()
        ns.Barrier(2, pause) | x.wait(1); x.broken | x.wait(); x.n_waiting
        ns.Barrier(2, pause) | x.wait() | x.wait(1) | x.abort()
        ns.Barrier(2, pause) | x.wait() | x.wait(1) | x.reset()
        ns.Barrier(2, pause) | x.wait() | x.wait() | x.n_waiting; x.broken; x.n_waiting
        ns.Barrier(2, fail) | x.wait(); x.broken | x.wait(); x.wait()
        ns.Barrier(2, fail) | x.wait(1); x.reset() | x.wait(); x.wait(1)
        barrier(ns, lambda made: made.abort()) | x.wait() | x.wait(1)
        barrier(ns, lambda made: made.reset()) | x.wait(1) | x.wait()
        barrier(ns, lambda made: made.wait(1)) | x.wait(1) | x.wait(1)
        barrier(ns, lambda made: log.append((made.n_waiting, made.broken))) | x.wait() | x.wait()
    """,
    "queue": """
        ns.Queue(1) | x.put(1); x.put(2) | x.get(); x.task_done(); x.join()
        ns.Queue(1) | x.put(1); x.put(2, timeout=1) | x.get(timeout=1); x.get(timeout=1)
        ns.Queue(1) | x.put(1); x.put(2, False) | x.get(False); x.get_nowait()
        ns.Queue(1) | x.put_nowait(1); x.put_nowait(2) | x.get(True, 0); x.get(True, 1)
        ns.Queue(1) | x.put(1, True, -1); x.put(2, True, 0) | x.get(True, -1); x.get()
        ns.Queue() | x.put(1, timeout=-1); x.put(2, timeout=1) | x.get(); x.get(False); x.task_done()
        ns.Queue() | x.put(1); x.join() | x.get(); x.task_done(); x.task_done()
        ns.Queue() | x.put(1) | x.put(2) | x.get(); x.get(timeout=0)
        ns.Queue(1) | x.put(1) | x.put(2) | x.get(); x.get()
        ns.Queue(1) | x.put(1); x.put(2) | x.get(timeout=1) | x.qsize(); x.full(); x.empty()
        ns.Queue(1) | x.put(1); x.put(2, timeout=1) | x.get(timeout=1); x.get(timeout=1) | x.full()
        ns.Queue(2) | x.put(1); x.put(2) | x.put(3, timeout=1) | x.get(); x.full()
        ns.Queue() | x.get() | x.get(timeout=1) | x.put(1)
        ns.Queue() | x.get() | x.get(timeout=1) | x.put(1); x.put(2)
        ns.Queue() | x.put(1); x.put(2); x.join() | x.task_done() | x.task_done(); x.join()
        ns.Queue() | x.put(1) | sized(x); x.get()
        ns.Queue() | x.put(1); x.get(False) | wait_empty(x)
        ns.Queue() | x.put(1); x.get(False) | wait_empty(x); x.get(timeout=1)
        ns.LifoQueue(2) | x.put(1); x.put(2) | x.get(); x.get(timeout=1)
        ns.LifoQueue(1) | x.put(1); x.put(2) | x.get(); x.get() | x.put(3, timeout=1)
        ns.PriorityQueue() | x.put(2); x.put(1) | x.get(); x.get(timeout=1)
        ns.PriorityQueue(1) | x.put(2); x.get() | x.put(1); x.get(timeout=1)
        ns.SimpleQueue() | x.put(1); x.get() | x.get(timeout=1); x.put(2); x.get(timeout=0)
        ns.SimpleQueue() | x.get(timeout=-1); x.get(False) | x.put(2); x.qsize(); x.empty()
        ns.SimpleQueue() | x.put_nowait(1); x.get_nowait() | x.put(2, timeout=-1); x.get_nowait()
        ns.SimpleQueue() | x.get() | x.get(timeout=1) | x.put(1); x.put(2)
    """,
    "future": """
        ns.Future() | x.set_result(1) | x.result()
        ns.Future() | x.set_result(1) | x.result(1)
        ns.Future() | x.set_exception(ValueError(1)) | x.result(0); x.exception(1)
        ns.Future() | x.set_exception(ValueError(1)) | x.exception(); x.result(-1)
        ns.Future() | x.cancel(); x.cancel() | x.result(); x.cancelled(); x.done()
        ns.Future() | x.cancel(); x.cancelled() | x.set_running_or_notify_cancel(); x.running()
        ns.Future() | x.cancel() | x.set_running_or_notify_cancel(); x.set_result(1) | x.exception()
        ns.Future() | x.cancel() | x.set_result(1); x.done() | x.exception(1); x.running()
        ns.Future() | x.set_result(1) | x.set_result(2) | x.result(1)
        ns.Future() | x.set_result(1) | x.set_exception(ValueError(1)) | x.result(1)
        ns.Future() | x.cancel(); x.set_running_or_notify_cancel() | x.set_running_or_notify_cancel()
        ns.Future() | call_back(x, log, 1) | x.set_result(1)
        ns.Future() | call_back(x, log, 1); call_back(x, log, 2) | x.set_result(1); x.done()
        ns.Future() | call_back(x, log, 1, failing=True); call_back(x, log, 2) | x.cancel()
        ns.Future() | call_back(x, log, 1) | call_back(x, log, 2) | x.set_exception(ValueError(1))
        ns.Future() | call_back(x, log, 1) | x.set_running_or_notify_cancel() | x.cancel(); x.cancel()
        ns.Future() | call_back(x, log, 1) | x.cancel() | x.cancel()
    """,
    "wait": """
        two(ns) | x[0].set_result(1); x[1].set_result(2) | told(x, ns.wait(x))
        two(ns) | x[0].set_result(1); x[1].set_result(2) | told(x, ns.wait(x, 1))
        two(ns) | x[0].set_result(1) | x[1].set_result(2) | told(x, ns.wait(x, 1))
        two(ns) | x[0].set_result(1) | x[1].set_result(2) | told(x, ns.wait(x, None, FIRST))
        two(ns) | x[0].set_result(1); x[1].set_result(2) | told(x, ns.wait(x, 1, FIRST))
        two(ns) | x[0].set_result(1) | x[1].set_exception(ValueError(1)) | told(x, ns.wait(x, None, FAILED))
        two(ns) | x[1].set_exception(ValueError(1)); x[0].set_result(1) | told(x, ns.wait(x, 1, FAILED))
        two(ns) | x[0].cancel(); x[1].set_result(1) | told(x, ns.wait(x, 1))
        two(ns) | x[0].cancel(); x[1].set_result(1) | told(x, ns.wait(x))
        two(ns) | x[0].cancel(); x[0].set_running_or_notify_cancel() | told(x, ns.wait(x, 1, FIRST))
        two(ns) | x[0].cancel(); x[0].set_running_or_notify_cancel() | told(x, ns.wait(x, 1, FAILED))
        [ns.Future()] | x[0].set_result(1) | told(x, ns.wait([x[0], x[0]], 0)); told(x, ns.wait(x, 0, "ANY"))
        [] | told(x, ns.wait(x, 1)); told(x, ns.wait(x))
        [ns.Future()] | x[0].set_result(1) | told(x, ns.wait(x, 1)) | told(x, ns.wait(x))
        [ns.Future()] | x[0].set_result(1) | told(x, ns.wait(x, -1))
    """,
    "as_completed": """
        [ns.Future()] | x[0].set_result(1) | order(x, ns.as_completed(x))
        [ns.Future()] | x[0].set_result(1) | order(x, ns.as_completed(x, 1))
        [ns.Future()] | x[0].set_result(1) | order(x, ns.as_completed([x[0], x[0]], 0))
        [ns.Future()] | x[0].set_result(1) | order(x, ns.as_completed(x, -1))
        two(ns) | x[0].set_result(1) | x[1].set_result(2) | order(x, ns.as_completed(x))
        two(ns) | x[1].set_result(1); x[0].set_result(2) | order(x, ns.as_completed(x, 1))
        two(ns) | x[1].cancel(); x[1].set_running_or_notify_cancel() | order(x, ns.as_completed(x, 1))
        two(ns) | x[1].cancel(); x[0].set_result(1) | order(x, ns.as_completed(x))
    """,
    "pool": """
        Pool(ns, 1, where) | x.close(); x.all()
        Pool(ns, 1, where, where) | x.close(); x.all()
        Pool(ns, 1, fail, where) | x.close(); x.all()
        Pool(ns, 1, slowly) | x.futures[0].cancel(); x.close(); x.all()
        Pool(ns, 1, where, where) | x.futures[1].cancel(); x.close(); x.all()
        Pool(ns, 1, where, where) | x.close(cancel_futures=True); x.all()
        Pool(ns, 1, where, where) | x.close(wait=False, cancel_futures=True); x.all()
        Pool(ns, 1, where) | x.close(wait=False); x.add(where); x.all()
        Pool(ns, 1, where) | x.futures[0].result(); x.add(where); x.futures[1].cancel(); x.called(where)
        Pool(ns, 1) | x.add(where); x.all() | x.close()
        Pool(ns, 1) | x.called(where) | x.called(where); x.close()
        Pool(ns, 1, where) | x.futures[0].cancel() | x.futures[0].result(1); x.close()
        Pool(ns, 1, where) | x.futures[0].result(1); x.close()
        Pool(ns, 1, where) | x.futures[0].running(); x.futures[0].done(); x.close()
        Pool(ns, 1, where) | call_back(x.futures[0], log, 1); x.close()
        Pool(ns, 1, where) | call_back(x.futures[0], log, 1, failing=True); x.called(where)
        Pool(ns, 1, where, where) | told(x.futures, ns.wait(x.futures)); x.close()
        Pool(ns, 1, where, where) | told(x.futures, ns.wait(x.futures, 1)); x.close()
        Pool(ns, 1, where, where) | order(x.futures, ns.as_completed(x.futures)); x.close()
        Pool(ns, 1) | x.lazily(where); x.close()
        Pool(ns, 1) | x.lazily(fail); x.close()
        Pool(ns, 1, initializer=fail) | x.add(where); x.all(); x.add(where); x.close()
        Pool(ns, 2, initializer=fail) | x.add(where); x.add(where); x.all(); x.close()
        Pool(ns, 1, where, initializer=pause) | x.all(); x.close()
        Pool(ns, 1) | x.close(); x.add(where); x.close()
        Pool(ns, 1, where) | 0
        Pool(ns, 0) | 0
    """,
}
PAIRS = """
    Pool(ns, 2, where) | x.all(); x.called(where); x.close()
    Pool(ns, 2, where, where) | x.close(); x.all()
"""
if SHUTDOWN:
    CORPUS["shutdown"] = """
        ns.Queue() | x.put(1); x.get() | x.shutdown(); x.get(timeout=1)
        ns.Queue() | x.get() | x.shutdown(); x.put(1)
        ns.Queue() | x.get(timeout=1) | x.get() | x.put(1); x.shutdown()
        ns.Queue(1) | x.put(1); x.put(2) | x.shutdown(); x.get(); x.get()
        ns.Queue(1) | x.put(1); x.put(2, timeout=1) | x.shutdown(True); x.get(False)
        ns.Queue(1) | x.put(1); x.put(2, False) | x.get(); x.shutdown(immediate=True); x.qsize()
        ns.Queue() | x.put(1); x.join() | x.shutdown()
        ns.Queue() | x.put(1); x.join() | x.shutdown(True); x.task_done()
        ns.Queue() | x.put(1); x.join() | x.get(); x.shutdown(True); x.task_done()
        ns.Queue() | x.put(1); x.get(); x.task_done() | x.shutdown(True); x.shutdown(); x.join()
        ns.LifoQueue(1) | x.put(1); x.put(2) | x.shutdown(True); x.empty()
        ns.PriorityQueue(1) | x.put(1); x.put(2) | x.get(); x.shutdown()
    """


def _programs(text):
    for line in text.strip().splitlines():
        yield Program(*(part.strip() for part in line.split(" | ")))


@pytest.fixture(autouse=True)
def _quiet(monkeypatch):
    """Neither side may log: what a callback raises would be printed, which is an operation."""
    monkeypatch.setattr(logging.getLogger("concurrent.futures"), "disabled", True)


HEAVY = {"wait", "as_completed", "pool"}
"""CPython's code has too many lock operations here to explore all of it every time."""


@pytest.mark.parametrize("family", CORPUS)
def test_corpus(family, laboratory):
    heavy = family in HEAVY
    # Of the heavy ones the slow run takes all.
    for program in list(_programs(CORPUS[family]))[:: 3 if heavy else 1]:
        assert laboratory.compare(
            program, limit=10 if heavy else 2_000, samples=5, exactly=not heavy
        )


@pytest.mark.slow
@pytest.mark.parametrize("family", sorted(HEAVY))
def test_heavy_corpus(family, laboratory):
    more = PAIRS if family == "pool" else ""
    for program in _programs(CORPUS[family].rstrip() + more):
        assert laboratory.compare(program, limit=1_000, samples=1_000)


# What the threads of random programs do: alternatives to draw from.
ALPHABETS = {
    "event": (
        ("ns.Event()",),
        "x.set() x.clear() x.is_set() x.wait() x.wait(1) x.wait(0)",
    ),
    "condition": (
        ("ns.Condition()", "ns.Condition(ns.Lock())"),
        (
            "wait(x) wait(x,1) wait(x,0) notify(x) notify(x,2) notify_all(x) tell(x,log) "
            "wait_for(x,log) wait_for(x,log,1) wait_deep(x,1)"
        ),
    ),
    "semaphore": (
        ("ns.Semaphore(0)", "ns.Semaphore(1)", "ns.BoundedSemaphore(1)", "ns.BoundedSemaphore(2)"),
        (
            "x.acquire() x.acquire(False) x.acquire(timeout=1) x.acquire(timeout=0) x.release() "
            "x.release() x.release(2)"
        ),
    ),
    "barrier": (
        ("ns.Barrier(2)", "ns.Barrier(3)", "ns.Barrier(2,pause)", "ns.Barrier(2,fail)"),
        "x.wait() x.wait() x.wait(1) x.wait(0) x.reset() x.abort() x.broken x.n_waiting",
    ),
    # Known difference, see docs/reference/simulated.md: a thread that waits on `not_empty` itself does
    # not compete with a waiting get() for a put()'s notification here, so `wait_empty` is not drawn.
    "queue": (
        ("ns.Queue()", "ns.Queue(1)", "ns.LifoQueue(1)", "ns.LifoQueue(2)", "ns.PriorityQueue()"),
        "x.put(1) x.put(2) x.put(3,timeout=1) x.put(4,False) x.get() x.get() x.get(timeout=1) "
        "x.get(False) x.task_done() x.join() x.qsize() x.full() x.empty() sized(x)"
        + (" x.shutdown() x.shutdown(True)" if SHUTDOWN else ""),
    ),
    "simple": (
        ("ns.SimpleQueue()",),
        "x.put(1) x.put(2) x.get() x.get(timeout=1) x.get(False) x.qsize() x.empty()",
    ),
    "future": (
        ("ns.Future()",),
        (
            "x.set_result(1) x.set_exception(ValueError()) x.cancel() x.result() x.result(1) "
            "x.exception(1) x.exception() x.done() x.running() x.cancelled() "
            "x.set_running_or_notify_cancel() call_back(x,log,1) call_back(x,log,2)"
        ),
    ),
    "futures": (
        ("two(ns)",),
        (
            "x[0].set_result(1) x[1].set_result(1) x[1].set_exception(ValueError()) x[0].cancel() "
            "x[0].set_running_or_notify_cancel() told(x,ns.wait(x)) told(x,ns.wait(x,1)) "
            "told(x,ns.wait(x,1,FIRST)) told(x,ns.wait(x,None,FAILED))"
        ),
    ),
    "pool": (
        ("Pool(ns,1,where)", "Pool(ns,1,slowly)", "Pool(ns,2,where)", "Pool(ns,1,where,fail)"),
        (
            "x.all() x.close() x.close(wait=False) x.close(cancel_futures=True) x.futures[0].cancel() "
            "x.futures[0].result(1) x.futures[0].done() x.called(where)"
        ),
    ),
}


def _random_program(chance, family, *, small):
    """Make a program of two threads with up to three operations, or of three with up to two."""
    makes, alphabet = ALPHABETS[family]
    threads, longest = (2, 2) if small else chance.choice(((2, 3), (3, 2)))
    lengths = [chance.randint(1, longest) for _ in range(threads)]
    return Program(
        chance.choice(makes),
        *("; ".join(chance.choices(alphabet.split(), k=length)) for length in lengths),
    )


def _sweep(laboratory, family, seed, number, **limits):
    chance = random.Random(f"{family} {seed}")
    compared = 0
    while compared < number:
        program = _random_program(chance, family, small=family in ("futures", "pool"))
        compared += laboratory.compare(program, **limits, exactly=False)


@pytest.mark.parametrize("family", ALPHABETS)
def test_random_programs(family, laboratory):
    heavy = family in ("futures", "pool")
    _sweep(
        laboratory, family, 1, 1 if heavy else 2, most=200, limit=20 if heavy else 100, samples=15
    )


@pytest.mark.slow
@pytest.mark.parametrize("family", ALPHABETS)
def test_many_random_programs(family, laboratory):
    heavy = family in ("futures", "pool")
    _sweep(
        laboratory,
        family,
        2,
        int(os.environ.get("INTERLEAVE_PROGRAMS", "8" if heavy else "30")),
        most=2_000,
        limit=200 if heavy else 1_000,
        samples=200,
    )
