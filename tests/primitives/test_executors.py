"""`concurrent.futures`: complete outcome sets, worked out from Lib/concurrent/futures."""

import logging
import sys
import threading
import time
from concurrent import futures
from concurrent.futures import (
    ALL_COMPLETED,
    FIRST_COMPLETED,
    FIRST_EXCEPTION,
    CancelledError,
    Future,
    InvalidStateError,
    ThreadPoolExecutor,
    as_completed,
    wait,
)
from concurrent.futures.thread import BrokenThreadPool

import pytest

import interleave

TIMEOUT = futures.TimeoutError


def outcomes(program, **options):
    report = interleave.check(program, **options)
    assert report.verdict == "pass", str(report)
    assert report.exhaustive
    return set(report.outcomes)


def sampled(program, executions=400, **options):
    """For a pool of several workers: too many schedules for each, so the set is sampled by seed."""
    report = interleave.check(program, strategy="random", executions=executions, **options)
    assert report.verdict == "pass", str(report)
    return set(report.outcomes)


def fail(error):
    raise error


# -- submit and map -------------------------------------------------------------------------------


def test_submit_gives_a_future_with_the_result():
    def program():
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(pow, 2, exp=5).result()

    assert outcomes(program) == {32}


def test_an_exception_of_a_call_is_raised_by_result():
    def program():
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(fail, KeyError("gone"))
            with pytest.raises(KeyError, match="gone"):
                future.result()
            return type(future.exception()).__name__

    assert outcomes(program) == {"KeyError"}


def test_two_workers_take_calls_in_the_order_of_submission():
    def program():
        log = []
        with ThreadPoolExecutor(2) as pool:
            pool.submit(log.append, 1)
            pool.submit(log.append, 2)
        return tuple(log)

    # A call without any schedule point of its own runs in the step in which it is taken.
    assert sampled(program, granularity="sync") == {(1, 2)}


def test_two_workers_overlap_where_the_calls_have_schedule_points():
    def program():
        log = []

        def work(number):
            time.sleep(0)
            log.append(number)

        with ThreadPoolExecutor(2) as pool:
            pool.submit(work, 1)
            pool.submit(work, 2)
        return tuple(log)

    assert sampled(program) == {(1, 2), (2, 1)}


def test_one_worker_runs_calls_in_the_order_of_submission():
    def program():
        log = []

        def work(number):
            time.sleep(0)
            log.append(number)

        with ThreadPoolExecutor(1) as pool:
            for number in range(3):
                pool.submit(work, number)
        return tuple(log)

    assert outcomes(program) == {(0, 1, 2)}


def test_map_yields_results_in_the_order_of_the_arguments():
    def program():
        def work(number):
            time.sleep(0)
            return number * 10

        with ThreadPoolExecutor(2) as pool:
            return tuple(pool.map(work, [1, 2]))

    assert sampled(program) == {(10, 20)}


def test_map_may_time_out():
    def program():
        with ThreadPoolExecutor(1) as pool:
            try:
                return tuple(pool.map(time.sleep, [1], timeout=2))
            except TIMEOUT:
                return "timeout"

    assert outcomes(program) == {(None,), "timeout"}
    assert outcomes(program, time="idle") == {(None,)}


def test_map_raises_what_a_call_raised():
    def program():
        with ThreadPoolExecutor(1) as pool:
            results = pool.map(fail, [ValueError("bad")])
            with pytest.raises(ValueError, match="bad"):
                next(results)
        return "raised"

    assert outcomes(program) == {"raised"}


# -- threads of the pool --------------------------------------------------------------------------


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


# -- shutdown -------------------------------------------------------------------------------------


def test_submitting_after_shutdown_is_refused():
    def program():
        pool = ThreadPoolExecutor(1)
        pool.shutdown()
        with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
            pool.submit(int)
        return "refused"

    assert outcomes(program) == {"refused"}


def test_shutdown_waits_for_what_was_submitted():
    def program():
        done = []

        def work():
            time.sleep(1)
            done.append(1)

        pool = ThreadPoolExecutor(1)
        pool.submit(work)
        pool.submit(work)
        pool.shutdown()
        return len(done)

    assert outcomes(program) == {2}


def test_shutdown_without_waiting_returns_at_any_point():
    def program():
        done = []

        def work():
            time.sleep(1)
            done.append(1)

        pool = ThreadPoolExecutor(1)
        pool.submit(work)
        pool.shutdown(wait=False)
        return len(done)

    assert outcomes(program) == {0, 1}


def test_cancel_futures_drops_what_no_worker_has_taken():
    def program():
        pool = ThreadPoolExecutor(1)
        made = [pool.submit(int) for _ in range(2)]
        pool.shutdown(cancel_futures=True)
        return tuple(future.cancelled() for future in made)

    # While the first is cancelled, the worker may still take the second.
    assert outcomes(program) == {(True, True), (False, True), (False, False), (True, False)}


def test_a_pool_left_open_is_closed_when_main_ends():
    log = []

    def program():
        log.clear()
        pool = ThreadPoolExecutor(1)
        pool.submit(log.append, 1)

    def after():
        program()
        import atexit

        atexit.register(lambda: print(log))

    assert {tuple(value) for value in interleave.check(after, observe="output").outcomes} == {
        ("[1]",)
    }


def test_no_pool_takes_calls_any_more_once_main_has_ended():
    def program():
        first, second = ThreadPoolExecutor(1), ThreadPoolExecutor(1)

        def late():
            time.sleep(0)
            try:
                second.submit(int)
            except RuntimeError:
                print("refused")
            else:
                print("taken")

        first.submit(late)

    report = interleave.check(program, observe="output", strategy="random", executions=400)

    assert report.verdict == "pass"
    assert {tuple(value) for value in report.outcomes} == {("refused",), ("taken",)}


def test_a_call_may_submit_another():
    def program():
        with ThreadPoolExecutor(2) as pool:
            return pool.submit(lambda: pool.submit(int).result()).result()

    assert outcomes(program) == {0}


def test_waiting_in_the_only_worker_for_another_call_is_a_deadlock():
    def program():
        with ThreadPoolExecutor(1) as pool:
            pool.submit(lambda: pool.submit(int).result()).result()

    (failure,) = interleave.check(program).failures

    assert failure.kind == "deadlock"
    assert "to be done" in failure.message


EARLY = ThreadPoolExecutor(1)


def test_a_pool_from_before_the_check_is_refused_by_name():
    report = interleave.check(lambda: EARLY.submit(int).result())

    assert report.verdict == "incomplete"
    assert "was made before the check" in report.reasons[0]
    assert "make the executor inside the program" in report.reasons[0]


def test_after_the_check_pools_are_real_again():
    interleave.check(lambda: ThreadPoolExecutor(1).submit(int).result())

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(pow, 2, 3).result(5) == 8


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


# -- wait -----------------------------------------------------------------------------------------


def two_sleepers(pool):
    return [pool.submit(time.sleep, 1), pool.submit(time.sleep, 2)]


def done_ones(result, made):
    return tuple(future in result.done for future in made)


def test_wait_waits_for_all():
    def program():
        with ThreadPoolExecutor(2) as pool:
            made = two_sleepers(pool)
            return done_ones(wait(made), made)

    assert sampled(program, time="idle") == {(True, True)}


def test_wait_for_the_first_returns_with_any_that_are_done():
    def program():
        made = [Future(), Future()]
        threads = [threading.Thread(target=future.set_result, args=(1,)) for future in made]
        for thread in threads:
            thread.start()
        return done_ones(wait(made, return_when=FIRST_COMPLETED), made)

    assert outcomes(program) == {(True, False), (False, True), (True, True)}


def test_wait_for_the_first_exception_goes_on_past_results():
    def program():
        good, bad = Future(), Future()
        threading.Thread(target=good.set_result, args=(1,)).start()
        threading.Thread(target=bad.set_exception, args=(ValueError(),)).start()
        result = wait([good, bad], return_when=FIRST_EXCEPTION)
        bad.exception()
        return done_ones(result, [good, bad])

    assert outcomes(program) == {(False, True), (True, True)}


def test_wait_for_the_first_exception_without_any_waits_for_all():
    def program():
        made = [Future(), Future()]
        for future in made:
            threading.Thread(target=future.set_result, args=(1,)).start()
        return done_ones(wait(made, return_when=FIRST_EXCEPTION), made)

    assert outcomes(program) == {(True, True)}


def test_wait_with_a_timeout_returns_with_any_that_are_done():
    def program():
        made = [Future(), Future()]
        for future in made:
            threading.Thread(target=future.set_result, args=(1,)).start()
        return done_ones(wait(made, timeout=1, return_when=ALL_COMPLETED), made)

    assert outcomes(program) == {(False, False), (True, False), (False, True), (True, True)}


def test_wait_for_nothing_returns_at_once():
    def program():
        result = wait([])
        return len(result.done), len(result.not_done)

    assert outcomes(program) == {(0, 0)}


def test_wait_counts_a_future_given_twice_once():
    def program():
        future = Future()
        future.set_result(1)
        return len(wait([future, future]).done)

    assert outcomes(program) == {1}


def test_wait_refuses_an_unknown_condition():
    def program():
        with pytest.raises(ValueError, match="Invalid return condition: 'SOME'"):
            wait([Future()], return_when="SOME")
        return "refused"

    assert outcomes(program) == {"refused"}


def test_wait_for_a_cancelled_future_that_no_worker_notices_is_a_deadlock():
    # Lib/concurrent/futures/_base.py: wait() counts CANCELLED_AND_NOTIFIED, not CANCELLED.
    def program():
        future = Future()
        future.cancel()
        wait([future])

    (failure,) = interleave.check(program).failures

    assert failure.kind == "deadlock"


def test_as_completed_of_a_cancelled_future_that_no_worker_notices_is_a_deadlock():
    def program():
        future = Future()
        future.cancel()
        list(as_completed([future]))

    (failure,) = interleave.check(program).failures

    assert failure.kind == "deadlock"


def test_wait_for_a_cancelled_future_ends_when_the_worker_passes_it_over():
    def program():
        gate = threading.Event()
        with ThreadPoolExecutor(1) as pool:
            pool.submit(gate.wait)
            future = pool.submit(int)
            cancelled = future.cancel()
            gate.set()
            return cancelled, len(wait([future]).done)

    assert outcomes(program) == {(True, 1)}


def test_sets_from_wait_are_iterated_in_the_same_order_in_every_execution():
    def program():
        made = [Future() for _ in range(20)]
        places = {future: place for place, future in enumerate(made)}
        for future in made:
            future.set_result(None)
        threading.Thread(target=time.sleep, args=(0,)).start()
        return tuple(places[future] for future in wait(made).done)

    assert len(outcomes(program)) == 1


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


# -- as_completed ---------------------------------------------------------------------------------


def test_as_completed_follows_the_order_of_completion():
    def program():
        made = [Future(), Future()]

        def finish():
            made[1].set_result("second")
            time.sleep(0)
            made[0].set_result("first")

        thread = threading.Thread(target=finish)
        order = as_completed(made)
        thread.start()
        return tuple(future.result() for future in order)

    # What is done already at the start comes out of a set: in any order.
    assert outcomes(program) == {("second", "first"), ("first", "second")}


def test_as_completed_begun_early_follows_the_order_of_completion_alone():
    def program():
        made = [Future(), Future(), Future()]
        made[0].set_result(0)
        order = as_completed(made)
        assert next(order) is made[0]

        def finish():
            made[2].set_result(2)
            made[1].set_result(1)

        threading.Thread(target=finish).start()
        return tuple(future.result() for future in order)

    assert outcomes(program) == {(2, 1)}


def test_as_completed_may_time_out():
    def program():
        future = Future()
        threading.Thread(target=future.set_result, args=(1,)).start()
        try:
            return next(as_completed([future], timeout=1)).result()
        except TIMEOUT as error:
            return str(error)

    assert outcomes(program) == {1, "1 (of 1) futures unfinished"}


def test_as_completed_gives_up_once_the_time_is_over_whatever_is_done():
    # Lib/concurrent/futures/_base.py looks at the clock before it looks at what has finished.
    def program():
        made = [Future(), Future()]
        made[0].set_result(0)
        seen = []
        try:
            for future in as_completed(made, timeout=1):
                seen.append(future.result())
                if not made[1].done():
                    made[1].set_result(1)
                    time.sleep(5)
        except TIMEOUT as error:
            return (*seen, str(error))
        return tuple(seen)

    assert outcomes(program) == {(0, "1 (of 2) futures unfinished")}


# -- what was dropped -----------------------------------------------------------------------------


def test_an_exception_that_nobody_looks_at_is_warned_of_with_its_line():
    def program():
        with ThreadPoolExecutor(1) as pool:
            pool.submit(fail, ValueError("lost"))

    report = interleave.check(program)

    assert report.verdict == "pass"
    assert [warning.kind for warning in report.warnings] == ["dropped-exception"]
    assert "ValueError: lost" in report.warnings[0].message
    assert f"test_executors.py:{fail.__code__.co_firstlineno + 1}" in report.warnings[0].message


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
