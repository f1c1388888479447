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
LEFT = ((False, (("choose", 1),)), (True, (("submit", 1),)))
MADE_LATE = ((False, (("cancel", 1),)), (True, (("submit", 0), ("result", 0))))
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
        # Main can end before the daemon starts a thread that main would wait for.
        pytest.param("futures", "free", LEFT, id="traces lost: a daemon that starts a thread"),
        pytest.param("futures", "idle", CANCELLED, id="traces lost: a daemon that waits for many"),
        # Main looked up, without an operation, whether there was a pool to shut down at its end.
        pytest.param("futures", "free", MADE_LATE, id="a pool made as main ends"),
        pytest.param("futures", "idle", MADE_LATE, id="a pool made as main ends, with time idle"),
    ],
)
def test_every_trace_is_run_once(family, time, threads):
    program = random_programs.program_of(family, threads)
    brute, _ = traces(program, DepthFirst(), time)
    reduced, redundant = traces(program, OptimalReduction(time), time)
    assert reduced == dict.fromkeys(brute, 1)
    assert redundant == 0


def test_main_waits_for_the_threads_of_a_pool_that_a_daemon_makes_as_main_ends():
    steps = (("submit", 0), ("all_done", 0), ("next_done", 0), ("result", 0))
    program = random_programs.program_of("futures", ((False, (("cancel", 1),)), (True, steps)))
    report = interleave.check(program, include=("cells",), exclude=("random_programs",))

    assert report.verdict == "pass"  # there was a deadlock: nobody shut the pool down
    assert set(report.outcomes) == {"[True]"}


ENDED = "cannot schedule new futures after interpreter shutdown"
SHUT = "cannot schedule new futures after shutdown"


def _submit(pool):
    try:
        pool.submit(int)
    except RuntimeError as error:
        print(error)
    else:
        print("taken")


def _one_makes_a_pool():
    threading.Thread(target=lambda: _submit(ThreadPoolExecutor(1))).start()


def _one_uses_a_pool_of_main():
    pool = ThreadPoolExecutor(1)
    pool.submit(int)
    threading.Thread(target=_submit, args=(pool,)).start()


def test_a_call_submitted_as_main_ends_is_taken_or_refused():
    brute, _ = traces(_one_makes_a_pool, DepthFirst(), "free")
    reduced, redundant = traces(_one_makes_a_pool, OptimalReduction("free"), "free")
    assert reduced == dict.fromkeys(brute, 1)
    assert redundant == 0
    report = interleave.check(_one_makes_a_pool, observe="output")
    assert report.verdict == "pass"
    assert {tuple(value) for value in report.outcomes} == {("taken",), (ENDED,)}


def test_whoever_submits_to_a_pool_that_main_dismisses_learns_why_it_is_refused():
    report = interleave.check(_one_uses_a_pool_of_main, observe="output")
    assert report.verdict == "pass"
    assert {tuple(value) for value in report.outcomes} == {("taken",), (ENDED,), (SHUT,)}


class Box:
    """Something with an attribute."""


def _together(one, other):
    # Written out: brute force would try every step of a loop over the threads.
    first, second = threading.Thread(target=one), threading.Thread(target=other)
    first.start()
    second.start()
    first.join()
    second.join()


def _fails_if_it_finds():
    box = Box()
    box.x = 0

    def look():
        if box.x == 1:
            raise ValueError

    _together(look, lambda: setattr(box, "x", 1))


def _goes_through_what_grows():
    items = {1: 1}

    def go_through():
        for _ in items:
            pass

    _together(go_through, lambda: items.__setitem__(2, 2))


def _fails_after_a_store():
    box = Box()
    box.x = 0

    def store():
        box.x = 1
        raise ValueError

    def look():
        if box.x == 1:
            raise KeyError

    _together(store, look)


def _kind_of(ending):
    match ending:
        case Raised(error):
            return type(error).__name__
        case Deadlocked():
            return "deadlock"
        case _:
            return "returned"


def _waits_for_a_thread_of_a_daemon():
    def start():
        threading.Thread(target=threading.Event().wait, daemon=False).start()

    threading.Thread(target=start, daemon=True).start()


@pytest.mark.parametrize(
    ("program", "kinds"),
    [
        # The load that finds the value touched everything, and one that does not only its place.
        pytest.param(_fails_if_it_finds, {"ValueError", "returned"}, id="a failure on a condition"),
        pytest.param(_goes_through_what_grows, {"RuntimeError", "returned"}, id="an iterator"),
        # A task that will fail has not failed yet: others may see what it has done.
        pytest.param(_fails_after_a_store, {"ValueError", "KeyError"}, id="two that fail"),
        pytest.param(
            _waits_for_a_thread_of_a_daemon, {"returned", "deadlock"}, id="main may end before"
        ),
    ],
)
def test_what_ends_an_execution_makes_no_trace_come_twice_or_never(program, kinds):
    found = []
    for strategy in (DepthFirst(), OptimalReduction("free")):
        tracing = Tracing(strategy, "free", "outcome")
        redundant, endings = 0, set()
        with session(from_callable(program), Settings()) as opened:
            while tracing.begin():
                execution = opened.execute(tracing)
                redundant += tracing.end(execution)
                endings.add(_kind_of(execution.ending))
        assert redundant == 0
        found.append((set(tracing.traces), endings))
        if isinstance(strategy, OptimalReduction):
            assert {traced.count for traced in tracing.traces.values()} == {1}
    assert found[0] == found[1]
    assert found[0][1] == kinds


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
