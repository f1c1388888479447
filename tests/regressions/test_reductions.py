"""Programs on which the reduction and brute force once parted, as small as they could be made."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import random_programs

import interleave
from interleave.core.outcome import Deadlocked, Raised, Returned
from interleave.core.program import from_callable
from interleave.oracle import Tracing
from interleave.session import session
from interleave.settings import Settings
from interleave.strategies.depth_first import DepthFirst
from interleave.strategies.dpor import OptimalReduction

NOTIFIED = ((False, (("wait_timed", 0),)), (False, (("notify_bare", 0),)))
WAITED = ((False, (("wait", 0),)), (False, (("notify_bare", 0),)))
SUBMITTED = ((False, (("submit", 0),)), (False, (("run", 0), ("fail", 0))))
CANCELLED = ((False, (("cancel", 1),)), (True, ()), (True, (("running", 1), ("wait_error", 0))))


def traces(program, strategy, time):
    tracing = Tracing(strategy, time, "outcome")
    scope = Settings(include=("cells",), exclude=("random_programs", "test_reductions"), time=time)
    redundant = 0
    with session(from_callable(program), scope) as opened:
        while tracing.begin():
            execution = opened.execute(tracing)
            assert isinstance(execution.ending, Returned | Raised | Deadlocked)
            redundant += tracing.end(execution)
    return {trace: traced.count for trace, traced in tracing.traces.items()}, redundant


@pytest.mark.parametrize(
    ("family", "time", "threads"),
    [
        # The key of a waiter's place in line was that of another object in another execution.
        pytest.param("conditions", "free", NOTIFIED, id="a trace twice: notified without the lock"),
        pytest.param("conditions", "idle", NOTIFIED, id="the same with time idle"),
        pytest.param("conditions", "idle", WAITED, id="the same without a timeout"),
        pytest.param("futures", "idle", SUBMITTED, id="a trace twice: a thread of a pool"),
        pytest.param("futures", "idle", CANCELLED, id="traces lost: a daemon that waits for many"),
    ],
)
def test_every_trace_is_run_once(family, time, threads):
    program = random_programs.program_of(family, threads)
    brute, _ = traces(program, DepthFirst(), time)
    reduced, redundant = traces(program, OptimalReduction(time), time)
    assert reduced == dict.fromkeys(brute, 1)
    assert redundant == 0


def test_a_pool_that_is_dropped_while_others_fail_leaves_no_complaint(monkeypatch):
    # Its threads are told to end from inside a finaliser, where an exception goes no further:
    # Python printed the one that ends a task.
    complaints = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)

    def program():
        def fail():
            raise ValueError("first")

        threading.Thread(target=fail).start()
        pool = ThreadPoolExecutor(1)
        pool.submit(len, "")
        del pool
        return 1

    report = interleave.check(program, keep_going=True)

    assert {failure.message for failure in report.failures} == {"ValueError: first in main.0"}
    assert complaints == []


def test_a_finaliser_of_the_program_at_an_operation_when_all_is_over_leaves_no_complaint(
    monkeypatch,
):
    complaints = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)

    class Closing:
        def __init__(self, lock):
            self.lock = lock

        def __del__(self):
            with self.lock:
                pass

    after = []

    def program():
        lock = threading.Lock()

        def fail():
            raise ValueError("first")

        threading.Thread(target=fail).start()
        closing = Closing(lock)
        del closing
        lock.acquire()
        after.append(lock.locked())

    report = interleave.check(program, keep_going=True, granularity="sync")

    assert {failure.kind for failure in report.failures} == {"thread-exception"}
    assert complaints == []
    assert set(after) == {True}  # a task whose end was swallowed ends at its next operation
