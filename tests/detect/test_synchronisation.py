"""Each primitive orders what it is documented to order: no race there, and one in its twin."""

import atexit
import queue
import threading
import time
from concurrent.futures import (
    FIRST_COMPLETED,
    CancelledError,
    Future,
    ThreadPoolExecutor,
    as_completed,
    wait,
)

import pytest
from racing import THE_RACE, Box, names_of, races, read, write
from side_by_side import in_few_threads as run

import interleave
from interleave.core import spinning
from interleave.core.operation import Operation
from interleave.core.steps import Choose, Fail, Pause, Sleep
from interleave.detect.synchronisation import row_of
from interleave.primitives import accesses, barriers, conditions, locks, output, pools, threads

HAS_SHUTDOWN = hasattr(queue, "ShutDown")


def lock(box):
    lock = threading.Lock()

    def writer():
        with lock:
            write(box)

    def reader():
        with lock:
            read(box)

    def twin():
        with lock:
            pass
        read(box)

    return writer, reader, twin


def another_lock(box):
    writer, reader, _ = lock(box)
    return writer, reader, lock(box)[1]


def reentrant_lock(box):
    lock = threading.RLock()

    def writer():
        with lock, lock:
            write(box)

    def reader():
        with lock:
            read(box)

    def twin():
        with lock:
            read(Box())
        read(box)

    return writer, reader, twin


def try_of_a_lock(box):
    lock = threading.Lock()

    def writer():
        with lock:
            write(box)

    def reader():
        if lock.acquire(blocking=False):
            read(box)
            lock.release()

    def twin():
        if not lock.acquire(blocking=False):
            read(box)

    return writer, reader, twin


def timed_try_of_a_lock(box):
    lock = threading.Lock()

    def writer():
        with lock:
            write(box)

    def reader():
        if lock.acquire(timeout=1):
            read(box)
            lock.release()

    def twin():
        if not lock.acquire(timeout=1):
            read(box)

    return writer, reader, twin


def lock_that_another_thread_releases(box):
    lock = threading.Lock()
    lock.acquire()

    def writer():
        write(box)
        lock.release()

    def reader():
        lock.acquire()
        read(box)

    def twin():
        if not lock.locked():  # to see that it is free is not to have it
            read(box)

    return writer, reader, twin


def condition(box):
    condition = threading.Condition()
    ready = []

    def writer():
        write(box)
        with condition:
            ready.append(1)
            condition.notify()

    def reader():
        with condition:
            while not ready:
                condition.wait()
        read(box)

    def twin():
        with condition:
            if not ready:
                condition.wait(1)
        read(box)

    return writer, reader, twin


def event(box):
    event = threading.Event()

    def writer():
        write(box)
        event.set()

    def reader():
        event.wait()
        read(box)

    def twin():
        event.wait(1)
        read(box)

    return writer, reader, twin


def look_at_an_event(box):
    event = threading.Event()

    def writer():
        write(box)
        event.set()

    def reader():
        if event.is_set():
            read(box)

    def twin():
        if not event.is_set():
            read(box)

    return writer, reader, twin


def event_that_is_cleared(box):
    event = threading.Event()

    def writer():
        write(box)
        event.set()

    def reader():
        event.wait()
        read(box)

    def twin():
        event.clear()  # what was set before says nothing any more
        event.set()
        event.wait()
        read(box)

    return writer, reader, twin


def semaphore(box):
    semaphore, full = threading.Semaphore(0), threading.Semaphore(1)

    def writer():
        write(box)
        semaphore.release()
        full.release()

    def reader():
        semaphore.acquire()
        read(box)

    def twin():
        full.acquire()
        read(box)

    return writer, reader, twin


def try_of_a_semaphore(box):
    semaphore = threading.Semaphore(0)

    def writer():
        write(box)
        semaphore.release()

    def reader():
        if semaphore.acquire(timeout=1):
            read(box)

    def twin():
        if not semaphore.acquire(blocking=False):
            read(box)

    return writer, reader, twin


def semaphore_that_is_released_too_often(box):
    bounded = threading.BoundedSemaphore(1)

    def writer():
        with bounded:
            write(box)

    def reader():
        with bounded:
            read(box)

    def twin():
        try:
            bounded.release()
        except ValueError:
            read(box)

    return writer, reader, twin


def barrier(box):
    barrier = threading.Barrier(2)

    def writer():
        write(box)
        barrier.wait()

    def reader():
        barrier.wait()
        read(box)

    def twin():
        read(box)
        barrier.wait()

    return writer, reader, twin


def action_of_a_barrier(box):
    barrier = threading.Barrier(2, action=lambda: write(box))

    def writer():
        barrier.wait()

    def reader():
        barrier.wait()
        read(box)

    def twin():
        threading.Thread(target=barrier.wait).start()
        read(box)

    return writer, reader, twin


def broken_barrier(box):
    barrier = threading.Barrier(2)

    def writer():
        write(box)
        try:
            barrier.wait(1)
        except threading.BrokenBarrierError:
            pass

    def meet(then):
        try:
            barrier.wait(1)
        except threading.BrokenBarrierError:
            then()
        else:
            read(box)

    def reader():
        meet(lambda: None)

    def twin():
        meet(lambda: read(box))

    return writer, reader, twin


def queue_of(kind, box):
    items = kind()

    def writer():
        write(box)
        items.put(1)

    def reader():
        items.get()
        read(box)

    def twin():
        items.qsize()
        items.empty()
        read(box)

    return writer, reader, twin


def fifo_queue(box):
    return queue_of(queue.Queue, box)


def lifo_queue(box):
    return queue_of(queue.LifoQueue, box)


def priority_queue(box):
    return queue_of(queue.PriorityQueue, box)


def simple_queue(box):
    return queue_of(queue.SimpleQueue, box)


def try_of_a_queue(box):
    items = queue.Queue()

    def writer():
        write(box)
        items.put_nowait(1)

    def get(**how):
        try:
            items.get(**how)
        except queue.Empty:
            return False
        return True

    def reader():
        if get(timeout=1) or get(block=False):
            read(box)

    def twin():
        if not get(block=False):
            read(box)

    return writer, reader, twin


def item_of_another(box):
    items, others = queue.Queue(), queue.Queue()

    def writer():
        write(box)
        items.put(1)

    def reader():
        items.get()
        read(box)

    def twin():
        others.put(2)
        others.get()  # what it gets was never the writer's
        read(box)

    return writer, reader, twin


def room_in_a_queue(box):
    items, wide = queue.Queue(1), queue.Queue(2)
    items.put(0)
    wide.put(0)

    def writer():
        write(box)
        items.get()
        wide.get()

    def reader():
        items.put(1)
        read(box)

    def twin():
        wide.put(1)  # there was room all the time
        read(box)

    return writer, reader, twin


def task_done(box):
    items = queue.Queue()
    items.put(0)

    def writer():
        write(box)
        items.task_done()

    def reader():
        items.join()
        read(box)

    def twin():
        items.get()
        read(box)

    return writer, reader, twin


def mutex_of_a_queue(box):
    items = queue.Queue()
    mutex = items.mutex

    def writer():
        with mutex:
            write(box)
            items.queue.append(1)
            items.not_empty.notify()

    def reader():
        items.get()
        read(box)

    def twin():
        read(box)

    return writer, reader, twin


def future(box):
    future = Future()

    def writer():
        write(box)
        future.set_result(1)

    def reader():
        future.result()
        read(box)

    def twin():
        try:
            future.result(timeout=1)
        except TimeoutError:
            read(box)

    return writer, reader, twin


def future_that_is_done(box):
    future = Future()

    def writer():
        write(box)
        future.set_exception(KeyError())

    def reader():
        if future.done():
            read(box)

    def twin():
        if not future.running():
            read(box)

    return writer, reader, twin


def future_that_is_cancelled(box):
    future = Future()

    def writer():
        write(box)
        future.cancel()

    def reader():
        try:
            future.result()
        except CancelledError:
            read(box)

    def twin():
        if not future.cancelled():
            read(box)

    return writer, reader, twin


def callback(box):
    future = Future()

    def writer():
        write(box)
        future.set_result(1)

    def reader():
        future.add_done_callback(lambda _: read(box))

    def twin():
        future.add_done_callback(lambda _: None)
        read(box)

    return writer, reader, twin


def what_was_before_a_callback(box):
    future = Future()

    def writer():
        write(box)
        future.add_done_callback(lambda _: read(box))

    def reader():
        future.set_result(1)

    def twin():
        future.set_result(1)
        read(box)

    return writer, reader, twin


def wait_for_futures(box):
    futures = Future(), Future()

    def writer():
        futures[0].set_result(1)
        write(box)
        futures[1].set_result(1)

    def reader():
        wait(futures)
        read(box)

    def twin():
        wait(futures, return_when=FIRST_COMPLETED)
        read(box)

    return writer, reader, twin


def futures_as_completed(box):
    futures = Future(), Future()

    def writer():
        futures[0].set_result(1)
        write(box)
        futures[1].set_result(1)

    def reader():
        for _ in as_completed(futures):
            pass
        read(box)

    def twin():
        next(as_completed(futures))
        read(box)

    return writer, reader, twin


def submitted_call(box):
    pool = ThreadPoolExecutor(1)

    def writer():
        write(box)
        pool.submit(read, box)

    def reader():
        pool.submit(int)

    def twin():
        pool.submit(read, box)

    return writer, reader, twin


def result_of_a_pool(box):
    pool = ThreadPoolExecutor(1)
    handed = queue.SimpleQueue()

    def writer():
        handed.put(pool.submit(write, box))

    def reader():
        handed.get().result()
        read(box)

    def twin():
        handed.get()
        read(box)

    return writer, reader, twin


def shutdown_of_a_pool(box):
    def writer():
        pass

    def reader():
        with ThreadPoolExecutor(1) as pool:
            pool.submit(write, box)
        read(box)

    def twin():
        pool = ThreadPoolExecutor(1)
        pool.submit(write, box)
        pool.shutdown(wait=False)
        read(box)

    return writer, reader, twin


def start_of_a_thread(box):
    def writer():
        pass

    def reader():
        write(box)
        threading.Thread(target=read, args=(box,)).start()

    def twin():
        threading.Thread(target=read, args=(box,)).start()
        write(box)

    return writer, reader, twin


def end_of_a_thread(box):
    def writer():
        pass

    def started():
        thread = threading.Thread(target=write, args=(box,))
        thread.start()
        return thread

    def reader():
        started().join()
        read(box)

    def twin():
        started().join(1)
        read(box)

    return writer, reader, twin


def thread_that_is_seen_to_be_over(box):
    def writer():
        pass

    def started():
        thread = threading.Thread(target=write, args=(box,))
        thread.start()
        return thread

    def reader():
        if not started().is_alive():
            read(box)

    def twin():
        if started().is_alive():
            read(box)

    return writer, reader, twin


def timer(box):
    def writer():
        pass

    def reader():
        write(box)
        threading.Timer(1, read, (box,)).start()

    def twin():
        threading.Timer(1, read, (box,)).start()
        time.sleep(5)  # however long: durations order nothing
        write(box)

    return writer, reader, twin


def plain_flag(box):
    # The race of the flag is one as well: nothing orders by a plain variable.
    flag = Box()

    def writer():
        write(box)

    def reader():
        read(flag)

    def twin():
        read(box)

    return writer, reader, twin


ORDERING = [
    lock,
    another_lock,
    reentrant_lock,
    try_of_a_lock,
    timed_try_of_a_lock,
    lock_that_another_thread_releases,
    condition,
    event,
    look_at_an_event,
    event_that_is_cleared,
    semaphore,
    try_of_a_semaphore,
    semaphore_that_is_released_too_often,
    barrier,
    action_of_a_barrier,
    broken_barrier,
    fifo_queue,
    lifo_queue,
    priority_queue,
    simple_queue,
    try_of_a_queue,
    item_of_another,
    room_in_a_queue,
    task_done,
    mutex_of_a_queue,
    future,
    future_that_is_done,
    future_that_is_cancelled,
    callback,
    what_was_before_a_callback,
    wait_for_futures,
    futures_as_completed,
    submitted_call,
    result_of_a_pool,
    shutdown_of_a_pool,
    start_of_a_thread,
    end_of_a_thread,
    thread_that_is_seen_to_be_over,
    timer,
    plain_flag,
]


SAMPLED = {lock, condition, event, semaphore, barrier, fifo_queue, future, end_of_a_thread}
"""A sample tells races by the same rows: by default one of each family is enough."""


def by_strategy():
    for case in ORDERING:
        yield pytest.param(case, "dpor", id=f"{case.__name__}-dpor")
        marks = [] if case in SAMPLED else [pytest.mark.slow]
        yield pytest.param(case, "random", id=f"{case.__name__}-random", marks=marks)


@pytest.mark.parametrize(("case", "strategy"), list(by_strategy()))
def test_what_orders_two_accesses_leaves_no_race_and_its_twin_does(case, strategy):
    sampled = {"executions": 40} if strategy == "random" else {}

    def ordered():
        writer, reader, _ = case(Box())
        run(writer, reader)

    def unordered():
        writer, _, twin = case(Box())
        run(writer, twin)

    assert races(ordered, strategy=strategy, **sampled) == set()
    assert races(unordered, strategy=strategy, **sampled) == THE_RACE


def test_what_runs_at_exit_comes_after_the_threads_that_are_no_daemons():
    def program(daemon):
        box = Box()
        threading.Thread(target=write, args=(box,), daemon=daemon).start()
        atexit.register(read, box)

    assert races(lambda: program(daemon=False)) == set()
    assert races(lambda: program(daemon=True)) == THE_RACE


def test_what_runs_at_exit_does_not_come_after_a_daemon_that_has_ended_by_then():
    def program():
        box = Box()
        threading.Thread(target=write, args=(box,), daemon=True).start()
        other = threading.Thread(target=int)
        other.start()
        other.join()  # in the first execution the daemon has run meanwhile
        atexit.register(read, box)

    assert names_of(interleave.check(program, strategy="dfs", executions=1)) == THE_RACE


@pytest.mark.skipif(not HAS_SHUTDOWN, reason="queues can be shut down from Python 3.13 on")
def test_a_queue_that_is_shut_down_tells_those_who_find_it_so():
    def program(late):
        box, items = Box(), queue.Queue()

        def writer():
            if not late:
                write(box)
            items.shutdown()
            if late:
                write(box)

        def reader():
            try:
                items.get()
            except queue.ShutDown:
                read(box)

        run(writer, reader)

    assert races(lambda: program(late=False)) == set()
    assert races(lambda: program(late=True)) == THE_RACE


def test_who_certainly_waits_is_let_go_by_a_set_that_is_cleared_at_once():
    def program():
        box, event = Box(), threading.Event()

        def writer():
            time.sleep(1)  # by then the other has arrived: the clock moves when nobody can go on
            write(box)
            event.set()
            event.clear()

        def reader():
            event.wait()
            read(box)

        run(writer, reader)

    assert races(program, time="idle") == set()


# -- what fails, or only looks, orders nothing: in the one execution where it came in between -----


def failed_try(box):
    lock = threading.Lock()

    def writer():
        with lock:
            write(box)
        lock.acquire()

    def reader():
        if not lock.acquire(blocking=False):
            read(box)

    return writer, reader


def failed_timed_try(box):
    lock = threading.Lock()

    def writer():
        with lock:
            write(box)
        lock.acquire()

    def reader():
        if not lock.acquire(timeout=1):
            read(box)

    return writer, reader


def failed_release(box):
    lock = threading.Lock()

    def writer():
        write(box)
        try:
            lock.release()
        except RuntimeError:
            pass

    def reader():
        with lock:
            read(box)

    return writer, reader


def failed_release_of_a_semaphore(box):
    bounded = threading.BoundedSemaphore(1)

    def writer():
        write(box)
        try:
            bounded.release()
        except ValueError:
            pass

    def reader():
        with bounded:
            read(box)

    return writer, reader


def failed_try_of_a_semaphore(box):
    semaphore = threading.Semaphore(0)

    def writer():
        write(box)
        semaphore.release()
        semaphore.acquire()

    def reader():
        if not semaphore.acquire(blocking=False) and not semaphore.acquire(timeout=1):
            read(box)

    return writer, reader


def event_that_was_cleared(box):
    event = threading.Event()

    def writer():
        write(box)
        event.set()
        event.clear()

    def reader():
        if not event.is_set() and not event.wait(1):
            read(box)

    return writer, reader


def event_that_was_set_by_another(box):
    event = threading.Event()

    def writer():
        write(box)
        event.set()

    def reader():
        event.clear()
        event.set()
        event.wait()
        read(box)

    return writer, reader


def barrier_that_was_broken(box):
    barrier = threading.Barrier(2)

    def meet(then):
        try:
            barrier.wait(1)
        except threading.BrokenBarrierError:
            then()

    def writer():
        write(box)
        meet(lambda: None)

    def reader():
        meet(lambda: read(box))

    return writer, reader


def barrier_that_others_have_passed(box):
    barrier = threading.Barrier(1)

    def writer():
        write(box)
        barrier.wait()

    def reader():
        barrier.wait()
        read(box)

    return writer, reader


def barrier_that_is_broken_while_both_wait(box):
    barrier = threading.Barrier(3)

    def meet(then):
        try:
            barrier.wait()
        except threading.BrokenBarrierError:
            then()

    def writer():
        write(box)
        meet(lambda: None)

    def reader():
        threading.Thread(target=barrier.abort).start()
        meet(lambda: read(box))

    return writer, reader


def empty_queue(box):
    items = queue.Queue()

    def writer():
        write(box)
        items.put(1)
        items.get()

    def reader():
        try:
            items.get_nowait()
        except queue.Empty:
            read(box)

    return writer, reader


def item_of_another_before(box):
    items = queue.Queue()
    items.put(0)

    def writer():
        write(box)
        items.put(1)

    def reader():
        assert items.get() == 0
        read(box)

    return writer, reader


def room_that_was_there(box):
    items = queue.Queue(2)
    items.put(0)

    def writer():
        write(box)
        items.get()

    def reader():
        items.put(1)
        read(box)

    return writer, reader


def cancelled_future_that_does_not_count_yet(box):
    cancelled, done = Future(), Future()
    done.set_result(1)

    def writer():
        write(box)
        cancelled.cancel()

    def reader():
        wait((cancelled, done), return_when=FIRST_COMPLETED)
        read(box)

    return writer, reader


def call_of_another(box):
    pool = ThreadPoolExecutor(1)
    pool.submit(lambda: read(box))

    def writer():
        write(box)
        pool.submit(int)

    return writer, lambda: None


def second_start(box):
    started = threading.Thread(target=read, args=(box,))

    def writer():
        write(box)
        try:
            started.start()
        except RuntimeError:
            pass

    return writer, started


@pytest.mark.parametrize(
    "case",
    [
        failed_try,
        failed_timed_try,
        failed_release,
        failed_release_of_a_semaphore,
        failed_try_of_a_semaphore,
        event_that_was_cleared,
        event_that_was_set_by_another,
        barrier_that_was_broken,
        barrier_that_others_have_passed,
        barrier_that_is_broken_while_both_wait,
        empty_queue,
        item_of_another_before,
        room_that_was_there,
        cancelled_future_that_does_not_count_yet,
        call_of_another,
        second_start,
    ],
    ids=lambda case: case.__name__,
)
def test_what_orders_nothing_leaves_a_race_though_it_came_in_between(case):
    def program():
        writer, reader = case(Box())
        first = threading.Thread(target=writer)
        then = reader if isinstance(reader, threading.Thread) else threading.Thread(target=reader)
        first.start()
        then.start()
        first.join()
        then.join()

    report = interleave.check(program, strategy="dfs", executions=1)
    assert not report.failures
    assert names_of(report) == THE_RACE


def test_a_lock_of_the_programs_own_making_orders_by_the_locks_it_is_made_of():
    class Own:
        def __init__(self):
            self.inner = threading.Lock()

        def acquire(self):
            return self.inner.acquire()

        def release(self):
            self.inner.release()

        __enter__ = acquire

        def __exit__(self, *_):
            self.inner.release()

    def program():
        box, condition, ready = Box(), threading.Condition(Own()), []

        def writer():
            write(box)
            with condition:
                ready.append(1)
                condition.notify()

        def reader():
            with condition:
                while not ready:
                    condition.wait()
            read(box)

        run(writer, reader)

    assert races(program, exclude=("test_synchronisation",), include=("racing",)) == set()


ORDERLESS = {
    *(Choose, Pause, Sleep),
    *(Fail,),  # nothing comes after it that it could be ordered before
    *(threads.Census, locks.Locked, conditions.LineUp),
    *(barriers.Look, barriers.Reset, barriers.Abort),
    *(pools.Close, pools.Break, pools.Drop, pools.Idle),
    *(accesses.Read, accesses.Write, accesses.ReadAt, accesses.WriteAt),
    *(accesses.Compound, accesses.Keyed, accesses.KeyedCall, output.Write),
    *(spinning.Spin,),  # the reads of a round are accesses of their own
}


def _kinds(base):
    for kind in base.__subclasses__():
        yield kind
        yield from _kinds(kind)


def test_every_kind_of_operation_orders_something_or_is_known_not_to():
    without = {
        kind
        for kind in _kinds(Operation)
        # The marks around calls that `interleave.hypothesis` makes are no part of a program.
        if kind.__module__.startswith(("interleave.core.", "interleave.primitives."))
        and "kind" in vars(kind)
        and not row_of(kind)
    }

    assert without <= ORDERLESS
    assert not any(row_of(kind) for kind in ORDERLESS)
