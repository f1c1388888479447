"""The threads of a pool and the calls that they run: complete outcome sets, worked out from Lib."""

import logging
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.thread import BrokenThreadPool

import pytest
from outcome_sets import outcomes

import interleave


def fail(error):
    raise error


def test_never_more_threads_than_max_workers():
    def program():
        with ThreadPoolExecutor(1) as pool:
            made = [pool.submit(threading.current_thread) for _ in range(2)]
        return len({future.result().name for future in made})

    assert outcomes(program) == {1}


def test_an_idle_worker_is_used_again_or_was_not_idle_yet():
    def program():
        pool = ThreadPoolExecutor(2)
        pool.submit(int).result()
        pool.submit(int).result()
        count = len(pool._threads)
        pool.shutdown()
        return count

    assert outcomes(program) == {1, 2}


def test_threads_are_named_after_their_pool():
    def program():
        with ThreadPoolExecutor(1, thread_name_prefix="bee") as bees, ThreadPoolExecutor(1) as pool:
            ask = lambda: threading.current_thread().name
            return bees.submit(ask).result(), pool.submit(ask).result()

    assert outcomes(program) == {("bee_0", "ThreadPoolExecutor-0_0")}


@pytest.mark.parametrize("count", [0, -1])
def test_max_workers_must_be_positive(count):
    def program():
        with pytest.raises(ValueError, match="max_workers must be greater than 0"):
            ThreadPoolExecutor(count)
        return "refused"

    assert outcomes(program) == {"refused"}


def test_the_initializer_runs_once_in_each_thread_before_its_calls():
    def program():
        log = []
        with ThreadPoolExecutor(1, initializer=log.append, initargs=("init",)) as pool:
            pool.submit(log.append, "a")
            pool.submit(log.append, "b")
        return tuple(log)

    assert outcomes(program) == {("init", "a", "b")}


def test_an_initializer_must_be_callable():
    def program():
        with pytest.raises(TypeError, match="initializer must be a callable"):
            ThreadPoolExecutor(1, initializer=3)
        return "refused"

    assert outcomes(program) == {"refused"}


def test_a_failing_initializer_breaks_the_pool():
    def program():
        with ThreadPoolExecutor(1, initializer=fail, initargs=(ValueError("no"),)) as pool:
            first = pool.submit(int)
            with pytest.raises(BrokenThreadPool):
                first.result()
            with pytest.raises(BrokenThreadPool):
                pool.submit(int)
        return "broken"

    assert outcomes(program) == {"broken"}


def test_a_failing_initializer_is_logged():
    def program():
        with ThreadPoolExecutor(1, initializer=fail, initargs=(ValueError("no"),)) as pool:
            pool.submit(int).exception()

    report = interleave.check(program, observe="output")

    assert set(map(tuple, report.outcomes)) == {("Exception in initializer:",)}


def test_submitting_after_a_failed_initializer_races_with_it():
    def program():
        pool = ThreadPoolExecutor(1, initializer=fail, initargs=(ValueError("no"),))
        first = pool.submit(int)
        try:
            second = pool.submit(int)
        except BrokenThreadPool:
            second = None
        first.exception()
        if second is not None:
            second.exception()
        return second is None

    assert outcomes(program) == {True, False}


def test_the_threads_of_a_pool_are_iterated_in_the_same_order_in_every_execution():
    ballast = []

    def program():
        ballast.append([object() for _ in range(len(ballast) * 7)])
        pool = ThreadPoolExecutor(8)
        for _ in range(8):
            pool.submit(time.sleep, 0)
        names = tuple(thread.name for thread in pool._threads)
        pool.shutdown()
        return names

    report = interleave.check(program, strategy="random", executions=30)
    in_order = tuple(f"ThreadPoolExecutor-0_{number}" for number in range(8))

    assert all(names == in_order[: len(names)] for names in report.outcomes)


@pytest.mark.parametrize("look", ["result", "exception"])
def test_an_exception_that_somebody_looks_at_is_not_warned_of(look):
    def program():
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(fail, ValueError("found"))
            try:
                getattr(future, look)()
            except ValueError:
                pass

    assert interleave.check(program).warnings == ()


def test_an_exception_of_the_system_in_a_call_is_the_futures():
    def program():
        with ThreadPoolExecutor(1) as pool:
            return type(pool.submit(sys.exit, 3).exception()).__name__

    assert outcomes(program) == {"SystemExit"}


def test_the_loggers_of_the_pool_are_as_they_were():
    before = list(logging.getLogger("concurrent.futures").handlers)

    interleave.check(lambda: ThreadPoolExecutor(1).submit(int).result())

    assert logging.getLogger("concurrent.futures").handlers == before


def test_a_worker_that_finds_only_calls_that_were_cancelled_goes_on():
    def program():
        pool = ThreadPoolExecutor(1)
        pool.submit(int).result()
        cancelled = pool.submit(int).cancel()
        return cancelled, pool.submit(int).result()

    report = interleave.check(program, keep_going=True)
    assert report.verdict == "pass"
    assert set(report.outcomes) == {(True, 0), (False, 0)}
