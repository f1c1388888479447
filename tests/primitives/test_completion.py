"""`wait` and `as_completed`: complete outcome sets, worked out from Lib/concurrent/futures."""

import threading
import time
from concurrent import futures
from concurrent.futures import (
    ALL_COMPLETED,
    FIRST_COMPLETED,
    FIRST_EXCEPTION,
    Future,
    ThreadPoolExecutor,
    as_completed,
    wait,
)

import pytest
from outcome_sets import outcomes, sampled

import interleave

TIMEOUT = futures.TimeoutError


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
