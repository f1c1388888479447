"""`ThreadPoolExecutor`: complete outcome sets, worked out from Lib/concurrent/futures."""

import time
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor

import pytest
from outcome_sets import outcomes, sampled

import interleave

TIMEOUT = futures.TimeoutError


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
