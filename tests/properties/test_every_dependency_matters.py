"""Every row of the dependency relation matters: without it a program goes otherwise, and it shows.

One row after the other is left out. Then two operations that it is about count as independent, and
swapping them (see `test_dependence_is_truthful`) is noticed on a real execution of some program; or
`dpor` misses what `dfs` finds, or goes where nothing leads.
"""

import importlib.util
import logging
import queue
import random
import sys
import threading
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from concurrent.futures.thread import BrokenThreadPool
from functools import cache
from pathlib import Path

import cells
import dependency_rows
import pytest
from side_by_side import in_few_threads, in_threads

import interleave
from interleave.core.operation import Operation
from interleave.core.program import from_callable
from interleave.oracle import trace_of
from interleave.session import session
from interleave.settings import Settings
from interleave.strategies.depth_first import DepthFirst
from interleave.strategies.dpor import OptimalReduction

HERE = Path(__file__).parent
spec = importlib.util.spec_from_file_location("truthful", HERE / "test_dependence_is_truthful.py")
truthful = importlib.util.module_from_spec(spec)
spec.loader.exec_module(truthful)

TRIES = 60

NOTICED = {
    # row: a random program that notices, and the number of the attempt
    "barriers.Abort.object": ("barriers13", 9),
    "barriers.Arrive.object": ("barriers15", 10),
    "barriers.Look.object": ("barriers0", 0),
    "barriers.Pass.object": ("barriers3", 0),
    "barriers.Reset.object": ("barriers0", 0),
    "barriers.TimedPass.object": ("barriers16", 1),
    "completion.AwaitMany.other": ("futures32", 1),
    "completion.Collect.object": ("futures37", 15),
    "completion.TimedAwaitMany.other": ("futures38", 47),
    "completion.TimedCollect.object": ("futures11", 2),
    "completion._Settled.other": ("futures21", 16),
    "conditions.Leave.object": ("conditions3", 2),
    "conditions.Notify.object": ("conditions1", 1),
    "conditions.Notify.other": ("conditions24", 7),
    "conditions.TimedWake.object": ("conditions23", 1),
    "conditions.TimedWake.waiter": ("conditions1", 1),
    "conditions.Wait.object": ("conditions0", 0),
    "conditions.Wake.object": ("conditions0", 0),
    "events.Clear.object": ("events17", 10),
    "events.IsSet.object": ("events18", 12),
    "events.Set.object": ("events3", 2),
    "events.TimedWait.object": ("events32", 43),
    "events.Wait.object": ("events2", 0),
    "pools.AwaitWorker.object": ("futures2", 0),
    "futures.Ask.object": ("futures13", 10),
    "futures.Await.object": ("futures3", 1),
    "futures.Cancel.object": ("futures26", 7),
    "futures.Finish.object": ("futures13", 9),
    "futures.Finish.other": ("futures35", 5),
    "futures.Notice.object": ("futures20", 7),
    "futures.TimedAwait.object": ("futures23", 63),
    "locks.Acquire.object": ("conditions0", 0),
    "locks.Locked.object": ("locks4", 3),
    "locks.Release.object": ("conditions0", 0),
    "locks.TimedAcquire.object": ("locks4", 4),
    "locks.TryAcquire.object": ("locks4", 3),
    "accesses.Read.object": ("conditions6", 9),
    "accesses.Write.object": ("memory11", 18),
    "steps.End.object": ("barriers0", 0),
    "steps.End.threads": ("memory1", 4),
    "steps.Exit.threads": ("barriers0", 1),
    "pools.Close.object": ("futures2", 0),
    "pools.Poll.object": ("futures27", 19),
    "pools.Poll.other": ("futures27", 19),
    "pools.Submit.idle": ("futures27", 21),
    "pools.Submit.object": ("futures27", 21),
    "pools.Submit.thread": ("futures27", 21),
    "pools.Submit.threads": ("futures27", 21),
    "pools.Take.object": ("futures2", 0),
    "queues.Get.head": ("queues12", 3),
    "queues.Get.item": ("queues2", 2),
    "queues.Get.room": ("queues25", 3),
    "queues.Join.undone": ("queues12", 31),
    "queues.Measure.head": ("queues3", 143),
    "queues.Measure.tail": ("queues13", 10),
    "queues.Put.item": ("queues23", 11),
    "queues.Put.room": ("queues38", 7),
    "queues.Put.tail": ("queues13", 22),
    "queues.Put.undone": ("queues13", 4),
    "queues.TaskDone.undone": ("queues3", 0),
    "queues.TimedGet.head": ("queues3", 0),
    "queues.TimedGet.item": ("queues3", 10),
    "queues.TimedGet.room": ("queues38", 2),
    "queues.TimedPut.item": ("queues38", 6),
    "queues.TimedPut.room": ("queues29", 21),
    "queues.TimedPut.tail": ("queues12", 9),
    "queues.TimedPut.undone": ("queues23", 16),
    "queues.TryGet.head": ("queues12", 4),
    "queues.TryGet.item": ("queues3", 1),
    "queues.TryGet.room": ("queues19", 2),
    "queues.TryPut.item": ("queues2", 2),
    "queues.TryPut.room": ("queues38", 12),
    "queues.TryPut.tail": ("queues17", 9),
    "queues.TryPut.undone": ("queues26", 15),
    "semaphores.Acquire.object": ("semaphores4", 3),
    "semaphores.Release.object": ("semaphores2", 2),
    "semaphores.TimedAcquire.object": ("semaphores4", 3),
    "semaphores.TryAcquire.object": ("semaphores2", 2),
    "threads.Census.threads": ("events29", 1),
    "threads.IsAlive.object": ("barriers13", 7),
    "threads.Join.object": ("barriers0", 0),
    "threads.TimedJoin.object": ("threads8", 3),
}


def main_ends():
    main = threading.main_thread()
    threading.Thread(target=lambda: print(main.is_alive())).start()
    time.sleep(0)  # main returns with the last thing that it does, and not as it starts the thread


def two_notify_without_the_lock():
    condition = threading.Condition(threading.Lock())
    seen = []

    def wait(name):
        with condition:
            condition.wait(1)
            seen.append(name)

    def notify():
        try:
            condition.notify()
        except RuntimeError:
            seen.append("refused")

    for name in "ab":
        threading.Thread(target=wait, args=(name,), daemon=True).start()
    condition.acquire()
    in_threads(notify, notify)
    condition.release()
    return repr(seen)


def late_in_line():
    futures = [Future(), Future()]
    seen = []

    def collect():
        try:
            seen.extend(map(futures.index, as_completed(futures, timeout=1)))
        except TimeoutError:
            seen.append("late")

    in_threads(collect, lambda: futures[0].set_result(1), lambda: futures[1].set_result(1))
    return repr(seen)


def whole_queue():
    items = queue.Queue(1)
    seen = []

    def look():
        with items.mutex:
            seen.append(list(items.queue))

    def put():
        items.put(1)
        items.put(2, timeout=1) if items.full() else None

    def get():
        for attempt in (
            lambda: items.get(timeout=1),
            items.get_nowait,
            lambda: items.put_nowait(3),
            items.qsize,
            items.get_nowait,
            items.task_done,
        ):
            try:
                seen.append(attempt())
            except (queue.Empty, queue.Full, ValueError) as error:
                seen.append(type(error).__name__)

    threading.Thread(target=items.join, daemon=True).start()
    threading.Thread(target=lambda: [items.get() for _ in range(2)], daemon=True).start()
    threading.Thread(target=put, daemon=True).start()
    in_threads(look, get)
    return repr(seen)


def started_elsewhere():
    seen = []
    child = threading.Thread(target=lambda: None)

    def look():
        seen.append(child.is_alive())
        seen.append(threading.active_count())

    in_threads(child.start, look)
    child.join()
    return repr(seen)


BY_HAND = {
    "steps.Return.main": main_ends,
    "threads.IsAlive.main": main_ends,
    "conditions.Notify.condition": two_notify_without_the_lock,
    "completion.TryCollect.object": late_in_line,
    "queues.Get.object": whole_queue,
    "queues.Join.object": whole_queue,
    "queues.Measure.object": whole_queue,
    "queues.Put.object": whole_queue,
    "queues.TaskDone.object": whole_queue,
    "queues.TimedGet.object": whole_queue,
    "queues.TimedPut.object": whole_queue,
    "queues.TryGet.object": whole_queue,
    "queues.TryPut.object": whole_queue,
    "threads.Start.object": started_elsewhere,
    "threads.Start.threads": started_elsewhere,
}


# -- the smallest programs, and what is missed without the row -----------------------------------


def side_by_side(make, *steps):
    """Return a program that makes something, and has each step done to it by a thread."""

    def program():
        shared = make()
        seen = [None] * len(steps)

        def step(index):
            seen[index] = steps[index](shared)

        in_few_threads(*[lambda index=index: step(index) for index in range(len(steps))])
        return seen

    return program


def put(items):
    cells.put_key(items, 0, 1)


def get(mapping):
    return cells.get_key(mapping, 0)


def pop(mapping):
    return cells.pop_key(mapping, 0)


def put_first(items):
    cells.put_item(items, 0, 1)


def get_first(items):
    return cells.get_item(items, 0)


def holds_one(items):
    return cells.holds(items, 1)


def append_one(items):
    cells.append(items, 1)


class OwnLock:
    """A lock of the program's own making: the condition knows nothing of the one in it."""

    def __init__(self):
        self._lock = threading.Lock()
        self.acquire = self._lock.acquire
        self.release = self._lock.release

    def __enter__(self):
        self.acquire()

    def __exit__(self, *error):
        self.release()


class OpenLock:
    """One that keeps nobody out: nothing but the condition itself orders who uses that."""

    def acquire(self):
        return True

    def release(self):
        pass

    def _is_owned(self):
        return True

    def __enter__(self):
        pass

    def __exit__(self, *error):
        pass


def condition_of(kind):
    return lambda: threading.Condition(kind())


def wait(condition):
    with condition:
        return condition.wait()


def wait_a_while(condition):
    with condition:
        return condition.wait(1)


def notify(condition):
    with condition:
        condition.notify()


def call_back(future):
    called = []
    future.add_done_callback(called.append)
    return len(called)


def finish(future):
    future.set_result(1)


def one():
    return {0: 0}


def listed():
    return [0]


NOTHING_LEADS_THERE = "an execution that was planned and cannot be"

WITNESSES = {
    # row: the smallest program, and what goes wrong in it: the ending that is missed
    "conditions.LineUp.object": (
        side_by_side(condition_of(OpenLock), wait, notify),
        {"deadlock", NOTHING_LEADS_THERE},
    ),
    "conditions.NotifyOwn.object": (
        side_by_side(condition_of(OpenLock), wait, notify),
        {"deadlock", NOTHING_LEADS_THERE},
    ),
    "conditions.NotifyOwn.other": (
        side_by_side(condition_of(OpenLock), wait_a_while, notify),
        {"[True, None]"},
    ),
    # A condition's own lock is taken by the wake-up, and read by the notification. Only one of the
    # program's own making leaves the place in line as all that the two have in common.
    "conditions.Wake.waiter": (
        side_by_side(condition_of(OwnLock), wait, notify),
        {NOTHING_LEADS_THERE},
    ),
    "futures.AddCallback.object": (side_by_side(Future, call_back, finish), {"[1, None]"}),
    "accesses.Compound.object": (side_by_side(dict, put, cells.count_keys), {"[None, 0]"}),
    "accesses.Compound.other": (side_by_side(one, put, cells.values), {"[None, [0]]"}),
    "accesses.Keyed.object": (side_by_side(one, get, put), {"[1, None]"}),
    "accesses.Keyed.other": (side_by_side(dict, put, cells.count_keys), {"[None, 0]"}),
    "accesses.KeyedCall.object": (side_by_side(one, pop, get), {"[0, 0]"}),
    "accesses.KeyedCall.other": (side_by_side(one, pop, cells.count_keys), {"[0, 1]"}),
    "accesses.Compound.items": (side_by_side(listed, put_first, cells.total), {"[None, 0]"}),
    "accesses.ReadAll.items": (side_by_side(listed, put_first, holds_one), {"[None, False]"}),
    "accesses.ReadAll.object": (side_by_side(listed, append_one, holds_one), {"[None, False]"}),
    "accesses.ReadAt.item": (side_by_side(listed, put_first, get_first), {"[None, 0]"}),
    "accesses.ReadAt.items": (side_by_side(listed, put_first, cells.get_last), {"[None, 0]"}),
    "accesses.ReadAt.object": (
        side_by_side(listed, cells.pop_last, get_first),
        {"[0, 0]", NOTHING_LEADS_THERE},
    ),
    "accesses.WriteAt.item": (side_by_side(listed, put_first, get_first), {"[None, 0]"}),
    "accesses.WriteAt.items": (side_by_side(listed, put_first, holds_one), {"[None, False]"}),
    "accesses.WriteAt.object": (
        side_by_side(listed, put_first, cells.pop_last),
        {"thread-exception"},
    ),
}


def endings(program, strategy):
    """Return how a program can end, and whether executions were tried that cannot be."""
    report = interleave.check(
        program,
        strategy=strategy,
        keep_going=True,
        include=("cells",),
        exclude=(__name__, "dependency_rows", "side_by_side"),
    )
    assert report.exhaustive
    found = {repr(value) for value in report.outcomes}
    found |= {failure.kind for failure in report.failures}
    return found, {NOTHING_LEADS_THERE} if report.redundant else set()


@pytest.mark.parametrize("name", sorted(WITNESSES))
def test_the_smallest_program_goes_wrong_if_a_row_is_left_out(name):
    program, wrong = WITNESSES[name]
    everything, _ = endings(program, "dfs")
    assert endings(program, "dpor") == (everything, set())
    with dependency_rows.without(row_of(name)):
        found, beside = endings(program, "dpor")
    assert found < everything or beside
    assert (everything - found) | beside == wrong


# -- programs that have other traces without the row ---------------------------------------------


def a_pool_made_as_main_ends():
    def submit():
        try:
            ThreadPoolExecutor(1).submit(int)
        except RuntimeError:
            print("refused")

    threading.Thread(target=submit).start()


def a_pool_left_open():
    pool = ThreadPoolExecutor(1)
    threading.current_thread().pool = pool  # who would let go of it would shut it down
    pool.submit(int)


def a_look_at_main_with_a_pool_left_open():
    main = threading.current_thread()
    main.pool = ThreadPoolExecutor(1)
    main.pool.submit(threading.Thread(target=main.is_alive).start)


def a_pool_with_two_calls():
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int)
        pool.submit(int)


def a_pool_whose_thread_cannot_begin():
    def fail():
        raise ValueError

    logging.disable()
    with ThreadPoolExecutor(1, initializer=fail) as pool:
        try:
            pool.submit(int)
            pool.submit(int)
        except BrokenThreadPool:
            print("broken")


def a_call_that_is_dropped():
    pool = ThreadPoolExecutor(1)
    call = pool.submit(int)
    pool.shutdown(wait=False, cancel_futures=True)
    print(call.cancelled())


def a_barrier_whose_action_sets_an_event():
    event = threading.Event()
    barrier = threading.Barrier(1, event.set)
    in_few_threads(barrier.wait, lambda: print(barrier.n_waiting, event.is_set()))


def an_import_that_prints():
    in_few_threads(cells.import_late, lambda: print(cells.import_late().__name__))


def a_loop_that_waits():
    cell = cells.Cell()
    in_few_threads(lambda: cells.await_change(cell), lambda: cells.write(cell, 1))


def two_prints():
    in_few_threads(lambda: print(1), lambda: print(2))


def a_failure():
    def fail():
        raise ValueError

    in_few_threads(fail, lambda: print(2))


def shut_down_at_once(act, *items, room=0):
    def program():
        box = queue.Queue(room)
        for item in items:
            box.put(item)

        def do():
            try:
                act(box)
            except queue.ShutDown:
                print("shut down")

        in_few_threads(do, lambda: box.shutdown(immediate=True))

    return program


RETRACED = {
    # row: a program, and how many traces it is said to have without the row, and how many
    # executions are tried that cannot be
    "steps.Return.pools": (a_pool_made_as_main_ends, 1, 0),
    "steps.Return.other": (a_pool_left_open, 1, 0),
    "steps.Over.main": (a_look_at_main_with_a_pool_left_open, 3, 0),
    "steps.Fail.other": (a_failure, 1, 0),
    "pools.Submit.pools": (a_pool_made_as_main_ends, 1, 0),
    "pools.Break.object": (a_pool_whose_thread_cannot_begin, 7, 0),
    "pools.Drop.object": (a_call_that_is_dropped, 11, 0),
    "barriers.Acted.object": (a_barrier_whose_action_sets_an_event, 4, 0),
    "imports.Look.object": (an_import_that_prints, 1, 1),
    "imports.Begin.object": (an_import_that_prints, 1, 0),
    "imports.Finish.object": (an_import_that_prints, 4, 2),
    "spinning.Spin.other": (a_loop_that_waits, 3, 1),
    "output.Write.output": (two_prints, 1, 0),
}
if sys.version_info >= (3, 12):  # before, a thread of a pool is idle after every call, at once
    RETRACED["pools.Idle.idle"] = (a_pool_with_two_calls, 10, 0)
if sys.version_info >= (3, 13):
    RETRACED |= {
        "queues.Shutdown.object": (shut_down_at_once(lambda box: box.get()), 1, 1),
        "queues.Shutdown.head": (shut_down_at_once(lambda box: box.put(2), 1, room=1), 1, 1),
        "queues.Shutdown.undone": (shut_down_at_once(lambda box: box.join(), 1), 1, 1),
    }


a_wait_that_may_expire = side_by_side(condition_of(threading.Lock), wait_a_while, notify)
an_unlocked_wait = side_by_side(condition_of(OpenLock), wait, notify)

NEEDLESS = {
    # row: a program that shows it, and goes as well without
    # A poll looks at the pool, and a submission writes that too.
    "pools.Poll.idle": a_pool_with_two_calls,
    # Whoever waits gives back the lock, and whoever leaves the line takes it: that is written too.
    "conditions.Leave.condition": a_wait_that_may_expire,
    "conditions.Wait.condition": a_wait_that_may_expire,
    # Nobody else knows the place in line before the lock is given back, or the line is written.
    "conditions.Wait.waiter": a_wait_that_may_expire,
    "conditions.LineUp.waiter": an_unlocked_wait,
}
"""Rows that add no dependency: another row of the same operation has it already."""

if sys.version_info < (3, 12):
    del NEEDLESS["pools.Poll.idle"]
if sys.version_info >= (3, 13):
    # Whatever is done to a queue looks whether it is shut down.
    NEEDLESS["queues.Shutdown.tail"] = shut_down_at_once(lambda box: box.put(2), 1, room=1)


def traces(program, strategy):
    """Return how often each trace was run, and how many executions were redundant."""
    found, redundant = Counter(), 0
    scope = Settings(
        include=("cells",),
        exclude=(__name__, "dependency_rows", "side_by_side"),
        observe="output",
    )
    with session(from_callable(program), scope) as opened:
        while strategy.begin():
            execution = opened.execute(strategy)
            if strategy.end(execution):
                redundant += 1
            else:
                found[trace_of(execution, scope.time)] += 1
    return found, redundant


@cache
def all_traces(program):
    return set(traces(program, DepthFirst())[0])


@pytest.mark.parametrize("name", sorted(RETRACED))
def test_a_program_has_other_traces_if_a_row_is_left_out(name):
    program, *wrong = RETRACED[name]
    found, redundant = traces(program, OptimalReduction("free"))
    assert (found, redundant) == (Counter(all_traces(program)), 0)
    with dependency_rows.without(row_of(name)):
        found, redundant = traces(program, OptimalReduction("free"))
    assert [found.total(), redundant] == wrong


@pytest.mark.parametrize("name", sorted(NEEDLESS))
def test_a_program_has_the_same_traces_if_a_row_that_adds_nothing_is_left_out(name):
    found = traces(NEEDLESS[name], OptimalReduction("free"))
    with dependency_rows.without(row_of(name)) as used:
        assert traces(NEEDLESS[name], OptimalReduction("free")) == found
    assert used


TOUCHES_NOTHING = {"steps.Begin", "steps.Choose", "steps.Pause", "steps.Sleep"}
NEVER_EXECUTED = {"operation.Noted", "operation.Plain", "accesses.Access", "queues.QueueOperation"}
"""What others are made of."""

ELSEWHERE = {"pools.Idle.idle", "queues.Shutdown.object"} - RETRACED.keys()
"""Rows that the running Python has not."""


def kinds(cls=Operation):
    for each in cls.__subclasses__():
        if each.__module__.startswith("interleave."):
            yield f"{each.__module__.rpartition('.')[2]}.{each.__name__}"
        yield from kinds(each)


def test_every_kind_of_operation_has_a_row_here():
    rows = {*NOTICED, *NEEDLESS, *BY_HAND, *WITNESSES, *RETRACED, *ELSEWHERE, "pools.Take.other"}
    named = {row.rpartition(".")[0] for row in rows}
    missing = set(kinds()) - named - TOUCHES_NOTHING - NEVER_EXECUTED
    assert [name for name in missing if "._" not in name] == []
    assert named <= set(kinds()), "there is no such kind any more"


def row_of(name):
    module, cls, role = name.split(".")
    package = "interleave.core" if module in ("steps", "spinning") else "interleave.primitives"
    return getattr(sys.modules[f"{package}.{module}"], cls), role


def notices(program, mode, observe, attempt):
    settings = Settings(
        include=("cells",),
        exclude=("random_programs", "truthful", "test_every_dependency_matters"),
        time=mode,
        observe=observe,
    )
    try:
        truthful.check_swaps(program, settings, random.Random(attempt), executions=2, swaps=12)
    except AssertionError:
        return True
    return False


def test_traces_are_missed_if_what_a_worker_takes_is_left_out():
    # The outcomes are found all the same: a worker that does not wait yet polls.
    def program():
        with ThreadPoolExecutor(1) as pool:
            pool.submit(int).result()
            return pool.submit(int).cancel()  # a worker may wait for this one

    def executions():
        report = interleave.check(
            program, strategy="dpor", keep_going=True, exclude=(__name__, "dependency_rows")
        )
        assert set(report.outcomes) == {False, True}
        return report.executions, report.redundant

    # What a free worker does with its pool differs from 3.12 on; `dfs` has as many traces.
    traces = 13 if sys.version_info < (3, 12) else 20
    assert executions() == (traces, 0)
    with dependency_rows.without(row_of("pools.Take.other")):
        assert executions()[0] < traces


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(NOTICED))
def test_a_random_program_notices_that_a_row_is_left_out(name):
    seed, number = NOTICED[name]
    family = seed.rstrip("0123456789")
    with dependency_rows.without(row_of(name)):
        for attempt in range(TRIES):
            seeded = seed if not attempt else f"{family}{attempt}"
            source = random.Random(seeded)
            mode = source.choice(["free", "idle"])
            program = from_callable(truthful.random_program(source, family))
            if notices(program, mode, "outcome", f"{seeded}{number + attempt}"):
                return
    pytest.fail(f"{TRIES} programs do not notice that {name} is left out")


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(BY_HAND))
def test_a_program_made_for_it_notices_that_a_row_is_left_out(name):
    program = from_callable(BY_HAND[name])
    with dependency_rows.without(row_of(name)):
        for attempt in range(TRIES):
            if notices(program, "free", "output" if program is main_ends else "outcome", attempt):
                return
    pytest.fail(f"{TRIES} attempts do not notice that {name} is left out")


@pytest.mark.parametrize("program", sorted(set(BY_HAND.values()), key=lambda item: item.__name__))
def test_with_all_rows_nothing_is_noticed(program):
    for attempt in range(4):
        assert not notices(from_callable(program), "free", "outcome", attempt)
