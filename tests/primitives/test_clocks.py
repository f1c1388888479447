"""`time` on the virtual clock: what each function says, and what the time modes allow."""

import datetime as dt
import logging
import queue
import threading
import time
from concurrent.futures import Future
from time import monotonic, sleep

import pytest
from outcome_sets import outcomes

import interleave

CLOCKS = ["time", "monotonic", "perf_counter", "process_time", "thread_time"]


@pytest.mark.parametrize("name", CLOCKS)
def test_a_clock_moves_by_what_is_slept_and_by_nothing_else(name):
    def program():
        clock = getattr(time, name)
        first, second = clock(), clock()
        time.sleep(2.5)
        return second - first, clock() - second

    assert outcomes(program) == {(0, 2.5)}


@pytest.mark.parametrize("name", CLOCKS)
def test_a_clock_in_nanoseconds_says_the_same(name):
    def program():
        time.sleep(1.25)
        seconds = getattr(time, name)()
        return getattr(time, f"{name}_ns")() % 10**11 == round((seconds % 100) * 10**9)

    assert outcomes(program) == {True}


def test_nanoseconds_are_whole():
    def program():
        time.sleep(0.1)
        return type(time.time_ns()), time.monotonic_ns() % 10**9

    assert outcomes(program) == {(int, 100_000_000)}


@pytest.mark.parametrize(
    ("clock", "like"), [("CLOCK_REALTIME", "time"), ("CLOCK_MONOTONIC", "monotonic")]
)
def test_the_clocks_of_the_system_say_the_same(clock, like):
    if not hasattr(time, clock):
        pytest.skip(f"no {clock} here")

    def program():
        time.sleep(3)
        number = getattr(time, clock)
        expected = getattr(time, like)(), getattr(time, f"{like}_ns")()
        return (time.clock_gettime(number), time.clock_gettime_ns(number)) == expected

    assert outcomes(program) == {True}


def test_the_date_is_the_same_in_every_run():
    def program():
        time.sleep(61)
        return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())

    assert outcomes(program) == {"2026-01-01 00:01:01"}


def test_every_function_that_means_now_means_the_virtual_now():
    def program():
        time.sleep(7)
        now = time.time()
        return (
            time.localtime() == time.localtime(None) == time.localtime(now),
            time.gmtime() == time.gmtime(None) == time.gmtime(now),
            time.ctime() == time.ctime(None) == time.ctime(now),
            time.asctime() == time.asctime(time.localtime(now)),
            time.strftime("%c") == time.strftime("%c", time.localtime(now)),
        )

    assert outcomes(program) == {(True,) * 5}


def test_a_time_that_is_given_is_not_replaced():
    def program():
        return time.gmtime(0).tm_year, time.strftime("%Y", time.gmtime(0)), time.ctime(0)

    assert outcomes(program) == {(1970, "1970", time.ctime(0))}


def test_names_bound_before_the_check_run_on_the_virtual_clock():
    def program():
        before = monotonic()
        sleep(1000)
        return monotonic() - before

    start = time.perf_counter()

    assert outcomes(program) == {1000}
    assert time.perf_counter() - start < 30


def test_after_the_check_the_clock_is_real():
    interleave.check(lambda: time.sleep(1))

    assert abs(time.time() - dt.datetime.now(tz=dt.UTC).timestamp()) < 60
    assert monotonic is time.monotonic


@pytest.mark.parametrize(
    ("seconds", "error", "message"),
    [
        (-1, ValueError, "sleep length must be non-negative"),
        (float("nan"), ValueError, "Invalid value NaN"),
        ("1", TypeError, "'str' object cannot be interpreted as an integer"),
        (None, TypeError, "'NoneType' object cannot be interpreted as an integer"),
        (float("inf"), OverflowError, "timestamp too large"),
        (1e30, OverflowError, "timestamp too large"),
    ],
)
def test_sleep_refuses_what_cpython_refuses(seconds, error, message):
    def program():
        with pytest.raises(error, match=message):
            time.sleep(seconds)
        return "refused"

    assert outcomes(program) == {"refused"}


def test_sleeping_no_time_is_a_schedule_point():
    def program():
        log = []

        def work(name):
            log.append(name)
            time.sleep(0)
            log.append(name)

        threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return "".join(log)

    assert outcomes(program) == {"aabb", "abab", "abba", "baab", "baba", "bbaa"}


# -- log stamps -----------------------------------------------------------------------------------


def test_log_records_are_stamped_by_the_virtual_clock():
    def program():
        seen = []

        class Keep(logging.Handler):
            def emit(self, record):
                seen.append((record.created, record.relativeCreated))

        logger = logging.getLogger("test_clocks")
        logger.addHandler(Keep())
        logger.warning("one")
        time.sleep(2)
        logger.warning("two")
        (first, first_relative), (second, second_relative) = seen
        return second - first, round(first_relative), round(second_relative)

    assert outcomes(program) == {(2.0, 0, 2000)}


def test_log_stamps_show_the_date_of_the_virtual_clock():
    def program():
        formatter = logging.Formatter("%(asctime)s %(message)s")
        formatter.converter = time.gmtime
        record = logging.LogRecord("x", logging.INFO, "x.py", 1, "hello", (), None)
        return formatter.format(record)

    assert outcomes(program) == {"2026-01-01 00:00:00,000 hello"}


# -- time modes -----------------------------------------------------------------------------------


def two_sleepers(first, second):
    log = []

    def work(name, seconds):
        time.sleep(seconds)
        log.append(name)

    # Written out: brute force would try every step of a loop over the threads.
    one = threading.Thread(target=work, args=("a", first))
    other = threading.Thread(target=work, args=("b", second))
    one.start()
    other.start()
    one.join()
    other.join()
    return "".join(log)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("free", {"ABab", "ABba", "BAab", "BAba", "AaBb", "BbAa"}),
        # Once both sleep, the shorter sleep ends first; but who sleeps late, wakes late.
        ("ordered", {"ABab", "BAab", "AaBb", "BbAa"}),
        # Nobody wakes while somebody can still go to sleep.
        ("idle", {"ABab", "BAab"}),
    ],
)
def test_sleepers_wake_as_the_mode_says(mode, expected):
    def program():
        log = []

        def work(name, seconds):
            log.append(name.upper())  # no schedule point between this and the sleep
            time.sleep(seconds)
            log.append(name)

        threads = [
            threading.Thread(target=work, args=("a", 1)),
            threading.Thread(target=work, args=("b", 2)),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return "".join(log)

    assert outcomes(program, time=mode, granularity="sync") == expected


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("free", {"ab", "ba"}), ("idle", {"ba"}), ("ordered", {"ab", "ba"})],
)
def test_a_late_start_may_overtake_a_shorter_sleep_unless_time_stands_still(mode, expected):
    assert outcomes(lambda: two_sleepers(2, 1), time=mode) == expected


@pytest.mark.parametrize("mode", ["free", "idle", "ordered"])
def test_sleepers_of_equal_length_wake_in_either_order(mode):
    assert outcomes(lambda: two_sleepers(1, 1), time=mode) == {"ab", "ba"}


def timed_wait():
    event = threading.Event()
    threading.Thread(target=lambda: (time.sleep(1), event.set())).start()
    return event.wait(2)


@pytest.mark.parametrize(
    ("mode", "expected"), [("free", {True, False}), ("idle", {True}), ("ordered", {True, False})]
)
def test_a_timed_wait_expires_as_the_mode_says(mode, expected):
    # In `ordered` the deadline at 2 may pass before the thread, awake since 1, sets the event.
    assert outcomes(timed_wait, time=mode) == expected


def test_in_idle_time_a_program_that_only_sleeps_never_deadlocks():
    def program():
        lock = threading.Lock()
        lock.acquire()
        threading.Thread(target=lambda: (time.sleep(9), lock.release())).start()
        return lock.acquire(timeout=10), time.monotonic() - 1000

    assert outcomes(program, time="idle") == {(True, 9.0)}


# -- the clock of a task --------------------------------------------------------------------------


def test_sleeping_moves_the_clock_of_the_sleeper_alone():
    def program():
        begin = time.monotonic()
        thread = threading.Thread(target=time.sleep, args=(5,))
        thread.start()
        seen = time.monotonic() - begin
        thread.join()
        return seen, time.monotonic() - begin

    # Before the join nothing tells main of the sleep, whichever came first; the join does.
    assert outcomes(program) == {(0, 5)}


def test_a_thread_begins_with_the_clock_of_who_started_it():
    def program():
        begin = time.monotonic()
        time.sleep(3)
        seen = []
        thread = threading.Thread(target=lambda: seen.append(time.monotonic() - begin))
        thread.start()
        thread.join()
        return seen[0]

    assert outcomes(program) == {3}


def carried(hand_over, receive):
    """What the receiver's clock says when it has received from one who slept 4 s before."""
    begin = time.monotonic()

    def send():
        time.sleep(4)
        hand_over()

    thread = threading.Thread(target=send)
    thread.start()
    receive()
    seen = time.monotonic() - begin
    thread.join()
    return seen


def by_queue():
    items = queue.Queue()
    return carried(lambda: items.put(1), items.get)


def by_event():
    event = threading.Event()
    return carried(event.set, event.wait)


def by_semaphore():
    semaphore = threading.Semaphore(0)
    return carried(semaphore.release, semaphore.acquire)


def by_future():
    future = Future()
    return carried(lambda: future.set_result(1), future.result)


def by_barrier():
    barrier = threading.Barrier(2)
    return carried(barrier.wait, barrier.wait)


def by_condition():
    condition = threading.Condition()
    ready = []

    def send():
        with condition:
            ready.append(1)
            condition.notify()

    def receive():
        with condition:
            condition.wait_for(lambda: ready)

    return carried(send, receive)


@pytest.mark.parametrize(
    "program", [by_queue, by_event, by_semaphore, by_future, by_barrier, by_condition]
)
def test_who_hands_over_brings_the_clock_along(program):
    assert outcomes(program) == {4}


def test_a_lock_brings_the_clock_along_from_who_had_it_before():
    def program():
        lock = threading.Lock()
        begin = time.monotonic()

        def work():
            with lock:
                time.sleep(4)

        thread = threading.Thread(target=work)
        thread.start()
        with lock:
            seen = time.monotonic() - begin
        thread.join()
        return seen

    # 0 if main came first; its own clock never depends on a sleep it has not heard of.
    assert outcomes(program) == {0, 4}


def test_who_changes_something_takes_the_clock_of_who_looked_at_it_before():
    def program():
        items = queue.Queue()
        begin = time.monotonic()

        def look():
            time.sleep(4)
            items.qsize()

        threading.Thread(target=look).start()
        items.put(1)
        return time.monotonic() - begin

    assert outcomes(program) == {0, 4}


def test_who_looks_at_what_another_only_looked_at_hears_nothing_of_its_clock():
    def program():
        items = queue.Queue()
        begin = time.monotonic()

        def look():
            time.sleep(4)
            items.qsize()

        threading.Thread(target=look).start()
        items.qsize()
        return time.monotonic() - begin

    assert outcomes(program) == {0}


def test_two_sleeps_side_by_side_take_as_long_as_the_longer():
    def program():
        begin = time.monotonic()
        threads = [threading.Thread(target=time.sleep, args=(length,)) for length in (2, 3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.monotonic() - begin

    assert outcomes(program) == {3}
