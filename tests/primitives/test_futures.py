"""`Future`: complete outcome sets, worked out from Lib/concurrent/futures."""

import threading
import time
from concurrent import futures
from concurrent.futures import CancelledError, Future, InvalidStateError, ThreadPoolExecutor

import pytest
from outcome_sets import outcomes

import interleave

TIMEOUT = futures.TimeoutError


def fail(error):
    raise error


# -- methods of Future ----------------------------------------------------------------------------


def test_the_states_of_a_future_on_its_way():
    def program():
        future = Future()
        seen = [(future.running(), future.done())]
        future.set_running_or_notify_cancel()
        seen.append((future.running(), future.done()))
        future.set_result(7)
        seen.append((future.running(), future.done()))
        return (*seen, future.result(), future.exception(), future.cancelled())

    assert outcomes(program) == {((False, False), (True, False), (False, True), 7, None, False)}


def test_a_result_is_set_once():
    def program():
        future = Future()
        future.set_result(1)
        with pytest.raises(InvalidStateError):
            future.set_result(2)
        with pytest.raises(InvalidStateError):
            future.set_exception(ValueError())
        return future.result()

    assert outcomes(program) == {1}


def test_a_cancelled_future_takes_no_result():
    def program():
        future = Future()
        future.cancel()
        with pytest.raises(InvalidStateError):
            future.set_result(1)
        return future.cancelled()

    assert outcomes(program) == {True}


def test_a_running_or_finished_future_cannot_be_cancelled():
    def program():
        running, finished = Future(), Future()
        running.set_running_or_notify_cancel()
        finished.set_result(1)
        return running.cancel(), finished.cancel(), running.cancelled()

    assert outcomes(program) == {(False, False, False)}


def test_cancelling_twice_is_as_good_as_once():
    def program():
        future = Future()
        return future.cancel(), future.cancel(), future.done()

    assert outcomes(program) == {(True, True, True)}


def test_set_running_tells_a_cancelled_future():
    def program():
        future = Future()
        future.cancel()
        return future.set_running_or_notify_cancel(), future.cancelled()

    assert outcomes(program) == {(False, True)}


def test_result_of_a_cancelled_future_raises():
    def program():
        future = Future()
        future.cancel()
        with pytest.raises(CancelledError):
            future.result()
        with pytest.raises(CancelledError):
            future.exception()
        return "raised"

    assert outcomes(program) == {"raised"}


def test_cancel_races_with_the_worker():
    def program():
        ran = []
        with ThreadPoolExecutor(1) as pool:
            cancelled = pool.submit(ran.append, 1).cancel()
        return cancelled, len(ran)

    assert outcomes(program) == {(True, 0), (False, 1)}


def test_result_waits_or_times_out():
    def program():
        with ThreadPoolExecutor(1) as pool:
            try:
                return pool.submit(int).result(timeout=1)
            except TIMEOUT:
                return "timeout"

    assert outcomes(program) == {0, "timeout"}


def test_exception_waits_or_times_out():
    def program():
        with ThreadPoolExecutor(1) as pool:
            try:
                return pool.submit(int).exception(timeout=1)
            except TIMEOUT:
                return "timeout"

    assert outcomes(program) == {None, "timeout"}


def test_a_timed_result_in_idle_time_depends_on_durations():
    def program(work):
        with ThreadPoolExecutor(1) as pool:
            try:
                return pool.submit(time.sleep, work).result(timeout=2)
            except TIMEOUT:
                return "timeout"

    assert outcomes(lambda: program(1), time="idle") == {None}
    assert outcomes(lambda: program(3), time="idle") == {"timeout"}


def test_result_of_a_future_that_nobody_finishes_is_a_deadlock():
    (failure,) = interleave.check(lambda: Future().result()).failures

    assert failure.kind == "deadlock"


# -- callbacks ------------------------------------------------------------------------------------


def test_a_callback_runs_in_the_worker_or_at_once_in_the_caller():
    def program():
        where = []
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(int)
            future.add_done_callback(lambda _: where.append(threading.current_thread().name))
        return where[0]

    assert outcomes(program) == {"MainThread", "ThreadPoolExecutor-0_0"}


def test_callbacks_run_in_the_order_they_were_added_with_the_future():
    def program():
        log = []
        future = Future()
        future.add_done_callback(lambda done: log.append((1, done is future)))
        future.add_done_callback(lambda done: log.append((2, done is future)))
        future.set_result(None)
        return tuple(log)

    assert outcomes(program) == {((1, True), (2, True))}


def test_a_callback_of_a_cancelled_future_runs_in_who_cancels():
    def program():
        log = []
        future = Future()
        future.add_done_callback(lambda done: log.append(done.cancelled()))
        future.cancel()
        future.cancel()
        return tuple(log)

    assert outcomes(program) == {(True,)}


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_callback_that_raises_is_logged_and_the_next_one_runs(when):
    def program():
        future = Future()
        if when == "after":
            future.set_result(None)
        future.add_done_callback(lambda _: fail(ValueError("bad")))
        future.add_done_callback(lambda _: print("next"))
        if when == "before":
            future.set_result(None)

    report = interleave.check(program, observe="output")

    (lines,) = report.outcomes
    assert report.verdict == "pass"
    assert len(lines) == 2
    assert lines[0].startswith("exception calling callback for <Future")
    assert lines[1] == "next"


def test_who_waits_may_be_ahead_of_the_callbacks():
    def program():
        log = []
        with ThreadPoolExecutor(1) as pool:
            future = Future()
            future.add_done_callback(lambda _: log.append("callback"))
            pool.submit(future.set_result, None)
            future.result()
            log.append("result")
        return tuple(log)

    assert outcomes(program, granularity="sync") == {("callback", "result")}


# -- what was dropped -----------------------------------------------------------------------------


def test_an_exception_that_nobody_looks_at_is_warned_of_with_its_line():
    def program():
        with ThreadPoolExecutor(1) as pool:
            pool.submit(fail, ValueError("lost"))

    report = interleave.check(program)

    assert report.verdict == "pass"
    assert [warning.kind for warning in report.warnings] == ["dropped-exception"]
    assert "ValueError: lost" in report.warnings[0].message
    assert f"test_futures.py:{fail.__code__.co_firstlineno + 1}" in report.warnings[0].message
