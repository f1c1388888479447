"""Real threads beside a check, or started behind its back: noticed, and said."""

import _thread
import inspect
import operator
import threading
import time

import pytest

import interleave

pytestmark = pytest.mark.real_threads

LOCK = threading.Lock()
EVENT = threading.Event()


@pytest.fixture
def ended():
    """Let the real threads of a test end before the next one begins."""
    before, end = _thread._count(), _thread.allocate_lock()
    end.acquire()
    yield end
    end.release()
    deadline = time.monotonic() + 30
    while _thread._count() > before and time.monotonic() < deadline:
        time.sleep(0.001)
    assert _thread._count() == before


def done_by_c(*functions):
    """Return an iterator each step of which calls one of the functions, and simulates nothing."""
    return map(operator.methodcaller("__call__"), functions)


def test_a_thread_that_is_started_behind_the_back_of_the_check_ends_it_with_its_line(ended):
    # Hidden from the walk for such functions, as inside an extension module.
    begun = _thread.allocate_lock()
    begun.acquire()
    hidden, until_begun = iter([_thread.start_new_thread]), done_by_c(begun.acquire)

    def work():
        begun.release()
        with ended:
            pass

    def program():
        next(hidden)(work, ())
        next(until_begun)  # until it runs, for real
        return "done"

    report = interleave.check(program)

    line = inspect.getsourcelines(work)[1] + 2
    assert report.verdict == "incomplete"
    assert list(report.outcomes) == []
    (reason,) = report.reasons
    assert reason.startswith("a real thread was started while the program ran, which is at ")
    assert f"test_real_threads.py:{line} now: " in reason


def test_the_same_function_where_it_is_found_starts_a_task():
    start, done = _thread.start_new_thread, []

    def program():
        done.clear()
        start(done.append, (1,))
        time.sleep(0)
        return len(done)

    assert set(interleave.check(program).outcomes) == {0, 1}


def test_threads_that_a_real_thread_starts_beside_the_program_do_not_disturb(ended):
    go, begun, end = (_thread.allocate_lock() for _ in range(3))
    for lock in (go, begun, end):
        lock.acquire()
    calls = done_by_c(go.release, begun.acquire)

    def inner():
        begun.release()
        with end:
            pass

    def beside():
        go.acquire()
        threading.Thread(target=inner).start()
        with ended:
            pass

    def program():
        for _ in calls:
            pass  # in the first execution, for real
        return "done"

    _thread.start_new_thread(beside, ())
    report = interleave.check(program, executions=3, strategy="random")
    end.release()

    assert (report.verdict, list(report.outcomes)) == ("pass", ["done"])


@pytest.mark.parametrize("use", ["lock", "event"])
def test_a_real_thread_that_uses_an_object_of_the_program_is_told_of(ended, use):
    go, used = _thread.allocate_lock(), _thread.allocate_lock()
    go.acquire()
    used.acquire()
    calls = done_by_c(go.release, used.acquire)

    def intrude():
        go.acquire()
        try:
            if use == "lock":
                LOCK.acquire()
                LOCK.release()
            else:
                EVENT.set()
        except interleave.errors.UncontrolledError:
            pass
        used.release()
        with ended:
            pass

    def program():
        with LOCK:
            EVENT.is_set()
            next(calls)  # let the real thread go ...
            next(calls)  # ... and wait for it, for real

    _thread.start_new_thread(intrude, ())
    report = interleave.check(program, executions=1, strategy="random")

    told = [warning for warning in report.warnings if warning.kind == "real-thread"]
    assert told
    name = f"acquire {__name__}.LOCK" if use == "lock" else f"set {__name__}.EVENT"
    line = inspect.getsourcelines(intrude)[1] + (4 if use == "lock" else 7)
    assert f"does: {name}, at " in told[0].message
    assert f"test_real_threads.py:{line}. It is not scheduled" in told[0].message
