"""`threading.Barrier` (Lib/threading.py)."""

from __future__ import annotations

import sys
import threading
import time

import pytest

from interleave import run_threads

BROKEN = "broken"


def waiting(barrier, *args):
    """Wait at a barrier; return the index, or that it broke."""
    try:
        return barrier.wait(*args)
    except threading.BrokenBarrierError:
        return BROKEN


def start_waiters(barrier, count, got, *args):
    """Start threads that wait; this returns when they have arrived."""
    waiters = []
    for index in range(count):
        waiter = threading.Thread(target=lambda: got.append(waiting(barrier, *args)))
        waiter.start()
        waiters.append(waiter)
        while barrier.n_waiting < index + 1:
            time.sleep(0.01)
    return waiters


def test_nobody_passes_before_all_have_arrived(endings):
    def program():
        barrier, arrived = threading.Barrier(2), []

        def work():
            arrived.append(1)
            barrier.wait()
            return len(arrived)

        return tuple(run_threads(work, work))

    assert endings(program) == {(2, 2)}


def test_a_party_too_few_is_a_deadlock(endings):
    assert endings(lambda: threading.Barrier(2).wait()) == {"deadlock of main"}


def test_a_barrier_for_one_lets_it_pass_at_once(endings):
    def program():
        barrier = threading.Barrier(1)
        return barrier.wait(), barrier.wait(), barrier.parties

    assert endings(program) == {(0, 0, 1)}


def test_every_party_gets_an_index_of_its_own(endings):
    def program():
        barrier = threading.Barrier(2)
        return tuple(run_threads(barrier.wait, barrier.wait))

    assert endings(program) == {(0, 1), (1, 0)}


def test_a_barrier_can_be_used_again_at_once(endings):
    def program():
        barrier = threading.Barrier(2)
        return tuple(run_threads(*[lambda: (barrier.wait(), barrier.wait())] * 2))

    assert endings(program) == {
        ((0, 0), (1, 1)),
        ((0, 1), (1, 0)),
        ((1, 0), (0, 1)),
        ((1, 1), (0, 0)),
    }


def test_whoever_comes_while_it_drains_waits_for_the_next_round(endings):
    def program():
        barrier, got = threading.Barrier(2), []
        (first,) = start_waiters(barrier, 1, got)
        barrier.wait()
        got.append(waiting(barrier, 1))
        first.join()
        return frozenset(got), len(got)

    # Main comes back alone: it is index 0 of a round that breaks, and never of the first round.
    # The first waiter has passed before that, for main cannot enter while it has not.
    assert endings(program, time="idle") == {(frozenset({0, BROKEN}), 2)}


def test_the_action_runs_once_before_anybody_passes(endings):
    def program():
        log = []
        barrier = threading.Barrier(2, action=lambda: log.append("action"))

        def work():
            log.append("arrive")
            barrier.wait()
            log.append("pass")

        run_threads(work, work)
        return tuple(log)

    assert endings(program) == {("arrive", "arrive", "action", "pass", "pass")}


def test_the_last_to_arrive_runs_the_action(endings):
    def program():
        actors = []
        barrier = threading.Barrier(2, lambda: actors.append(threading.current_thread()))

        def work():
            return barrier.wait(), threading.current_thread()

        indices = run_threads(work, work)
        return next(index for index, thread in indices if thread is actors[0]), len(actors)

    assert endings(program) == {(1, 1)}


def test_nobody_passes_while_the_action_runs(endings):
    def program():
        log = []

        def action():
            log.append("begin")
            time.sleep(0)
            log.append("end")

        barrier = threading.Barrier(2, action)
        run_threads(*[lambda: (barrier.wait(), log.append("pass"))] * 2)
        return tuple(log)

    assert endings(program) == {("begin", "end", "pass", "pass")}


def test_an_action_that_raises_breaks_the_barrier(endings):
    def program():
        def action():
            raise ValueError("no")

        barrier = threading.Barrier(2, action)

        def work():
            try:
                return waiting(barrier)
            except ValueError as error:
                return str(error)

        return frozenset(run_threads(work, work)), barrier.broken

    assert endings(program) == {(frozenset({"no", BROKEN}), True)}


def test_an_action_may_look_at_its_barrier(endings):
    def program():
        seen = []
        barrier = threading.Barrier(1, lambda: seen.append((barrier.n_waiting, barrier.broken)))
        return barrier.wait(), seen[0]

    assert endings(program) == {(0, (1, False))}


@pytest.mark.parametrize("method", ["abort", "reset", "wait"])
def test_an_action_cannot_use_its_barrier(endings, method):
    def program():
        # CPython holds a plain lock meanwhile (`Condition(Lock())`): nobody takes it twice.
        barrier = threading.Barrier(1, lambda: [getattr(barrier, method)()])
        return barrier.wait()

    assert endings(program) == {"deadlock of main"}


def test_abort_breaks_it_for_those_who_wait_and_those_who_come(endings):
    def program():
        barrier, got = threading.Barrier(3), []
        waiters = start_waiters(barrier, 2, got)
        barrier.abort()
        for waiter in waiters:
            waiter.join()
        return tuple(got), waiting(barrier), barrier.broken, barrier.n_waiting

    assert endings(program, time="idle") == {((BROKEN, BROKEN), BROKEN, True, 0)}


def test_abort_can_come_before_a_party(endings):
    def program():
        barrier = threading.Barrier(2)
        results = run_threads(lambda: waiting(barrier), barrier.abort)
        return results[0]

    assert endings(program) == {BROKEN}


def test_reset_sends_those_who_wait_away_and_opens_it_again(endings):
    def program():
        barrier, got = threading.Barrier(2), []
        (waiter,) = start_waiters(barrier, 1, got)
        barrier.reset()
        waiter.join()
        return got[0], barrier.broken, sorted(run_threads(barrier.wait, barrier.wait)) == [0, 1]

    assert endings(program, time="idle") == {(BROKEN, False, True)}


def test_reset_before_the_waiter_comes_changes_nothing(endings):
    def program():
        barrier, got = threading.Barrier(2), []
        waiter = threading.Thread(target=lambda: got.append(waiting(barrier)))
        waiter.start()
        barrier.reset()
        got.append(waiting(barrier, 1))
        waiter.join()
        return frozenset(got)

    assert endings(program, time="idle") == {
        frozenset({0, 1}),  # the waiter came after the reset
        frozenset({BROKEN}),  # sent away; main then waits alone
    }


def test_reset_mends_a_broken_barrier(endings):
    def program():
        barrier = threading.Barrier(1)
        barrier.abort()
        broken = waiting(barrier)
        barrier.reset()
        return broken, waiting(barrier), barrier.broken

    assert endings(program) == {(BROKEN, 0, False)}


def test_a_timeout_breaks_the_barrier_for_everybody(endings):
    def program():
        barrier, got = threading.Barrier(3), []
        (waiter,) = start_waiters(barrier, 1, got)
        mine = waiting(barrier, 1)
        waiter.join()
        return mine, got[0], barrier.broken

    assert endings(program, time="idle") == {(BROKEN, BROKEN, True)}


def test_a_barrier_has_a_timeout_of_its_own_that_a_wait_may_override(endings):
    def program(*args):
        barrier = threading.Barrier(2, timeout=1)
        began = time.monotonic()
        return waiting(barrier, *args), round(time.monotonic() - began, 6)

    assert endings(program, time="idle") == {(BROKEN, 1.0)}
    assert endings(lambda: program(5), time="idle") == {(BROKEN, 5.0)}


def test_in_free_time_the_timeout_may_pass_or_not(endings):
    def program():
        barrier = threading.Barrier(2)
        return tuple(run_threads(lambda: waiting(barrier, 1), lambda: waiting(barrier)))

    assert endings(program) == {(0, 1), (1, 0), (BROKEN, BROKEN)}


def test_n_waiting_counts_those_inside(endings):
    def program():
        barrier = threading.Barrier(2)
        waiter = threading.Thread(target=barrier.wait)
        waiter.start()
        early = barrier.n_waiting
        barrier.wait()
        waiter.join()
        return early, barrier.n_waiting

    assert endings(program) == {(0, 0), (1, 0)}


def test_a_barrier_without_parties(endings):
    def program():
        return threading.Barrier(0).wait()

    if sys.version_info >= (3, 13):
        assert endings(program) == {"exception: ValueError: parties must be > 0"}
    else:
        # The first to arrive makes one of none, and waits for ever.
        assert endings(program) == {"deadlock of main"}


def test_repr_says_how_many_wait_or_that_it_is_broken(endings):
    def program():
        barrier = threading.Barrier(2)
        before = repr(barrier)
        barrier.abort()
        return before.endswith(": waiters=0/2>"), repr(barrier).endswith(": broken>")

    assert endings(program) == {(True, True)}
