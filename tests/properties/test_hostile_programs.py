"""Whatever a program does while it is ended: the first failure stands, and nothing is left over."""

import gc
import signal
import sys
import threading
import time
import tracemalloc
from pathlib import Path

import greenlet
import pytest

import interleave

PLAIN = {"hang_seconds": 5, "keep_going": True}


def waits_for_ever():
    threading.Event().wait()


def beside(work, *, daemon=True):
    """Start a thread, let it go as far as it gets, and fail."""
    thread = threading.Thread(target=work, daemon=daemon)
    thread.start()
    time.sleep(0)
    raise ValueError("first")


def locks_in_finally():
    lock, condition, done = threading.Lock(), threading.Condition(), threading.Event()

    def work():
        try:
            waits_for_ever()
        finally:
            with lock, lock:
                time.sleep(3)
            with condition:
                condition.wait()
            done.wait()
            threading.Thread(target=waits_for_ever).start()
            raise KeyError("while ending")

    lock.acquire()
    beside(work)


def catches_everything():
    def work():
        try:
            waits_for_ever()
        except BaseException:  # noqa: BLE001 - such programs exist
            waits_for_ever()

    beside(work)


def exits_while_ending():
    def work():
        try:
            waits_for_ever()
        finally:
            sys.exit(7)

    beside(work)


class UsesPrimitives:
    def __init__(self):
        self.me = self  # freed by the cyclic collector alone
        self.lock = threading.Lock()
        self.condition = threading.Condition()
        self.event = threading.Event()

    def __del__(self):
        with self.lock, self.condition:
            self.condition.notify_all()
        self.event.wait()
        time.sleep(1)


def finalisers_use_primitives():
    beside(UsesPrimitives)


class Waits:
    def __init__(self):
        self.lock = threading.Lock()

    def __del__(self):
        with self.lock:
            pass
        self.lock.acquire()
        self.lock.acquire()


def a_finaliser_waits_for_ever():
    def work():
        held = Waits()
        waits_for_ever()
        del held

    beside(work)


def holding(lock):
    with lock:
        yield 1
        time.sleep(1)


def leaves_a_generator_suspended_in_a_lock():
    lock = threading.Lock()

    def work():
        generator = holding(lock)
        next(generator)
        waits_for_ever()

    beside(work)


def recurses(depth=0):
    lock = threading.Lock()
    with lock:
        return recurses(depth + 1)


def recurses_without_end_beside():
    beside(lambda: interleave.run_threads(recurses))


def runs_out_of_memory():
    def work():
        try:
            bytearray(1 << 60)
        finally:
            waits_for_ever()

    beside(work)


def raises_greenlet_exit():
    def work():
        try:
            raise greenlet.GreenletExit
        except greenlet.GreenletExit:
            waits_for_ever()

    beside(work)


class Unshowable(ValueError):
    def __str__(self):
        raise SystemExit(4)

    __repr__ = __str__


HOSTILE = [
    locks_in_finally,
    catches_everything,
    exits_while_ending,
    finalisers_use_primitives,
    a_finaliser_waits_for_ever,
    leaves_a_generator_suspended_in_a_lock,
    runs_out_of_memory,
    raises_greenlet_exit,
]


@pytest.mark.parametrize("program", HOSTILE, ids=lambda program: program.__name__)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_failure_that_came_first_is_the_one_reported(program):
    report = interleave.check(program, strategy="random", executions=50, **PLAIN)

    kinds = {(failure.kind, failure.message) for failure in report.failures}
    assert ("exception", "ValueError: first") in kinds
    # Where the thread fails by itself, before main does, that came first.
    assert all("while ending" not in message for _, message in kinds)
    assert report.verdict == "fail"


def living():
    gc.collect()
    return sum(isinstance(item, greenlet.greenlet) for item in gc.get_objects())


@pytest.mark.parametrize("program", HOSTILE, ids=lambda program: program.__name__)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_no_greenlet_is_left_over(program, monkeypatch):
    # That of a test tool keeps what it gets, until the test is over.
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
    before = living()
    interleave.check(program, strategy="random", executions=30, **PLAIN)
    assert living() == before


def in_many_ways():
    lock, done = threading.Lock(), threading.Event()

    def work():
        with lock:
            done.wait(1)
            try:
                waits_for_ever()
            finally:
                lock.release()
                lock.acquire()

    for _ in range(2):
        threading.Thread(target=work, daemon=True).start()
    threading.Thread(target=done.set).start()


@pytest.mark.parametrize(
    ("more", "kept"), [(1_000, 2_000), pytest.param(20_000, 8_000, marks=pytest.mark.slow)]
)
def test_thousands_of_executions_leave_nothing_behind(more, kept):
    def run(executions):
        report = interleave.check(in_many_ways, strategy="random", executions=executions)
        assert report.executions == executions, str(report)
        gc.collect()

    run(200)
    before = living()
    tracemalloc.start()
    try:
        run(200)
        base = tracemalloc.get_traced_memory()[0]
        run(400)
        grown = tracemalloc.get_traced_memory()[0] - base
    finally:
        tracemalloc.stop()
    assert grown < 40_000  # bytes; one kept in each execution would be ten times as much

    resident = memory()
    run(more)
    assert living() == before
    assert memory() - resident < kept  # KiB


def barely_anything():
    thread = threading.Thread(target=time.sleep, args=(0,))
    thread.start()
    thread.join()


@pytest.mark.slow
@pytest.mark.parametrize("program", [barely_anything, in_many_ways])
def test_number_of_greenlets_and_memory_stay_flat(program):
    """Many more executions keep no more than a few do."""
    executions = 40_000 if program is barely_anything else 8_000

    def run(seed):
        report = interleave.check(
            program, strategy="random", executions=executions, seed=seed, granularity="sync"
        )
        assert report.executions == executions, str(report)

    run(0)
    before, resident = living(), memory()
    run(1)
    assert living() == before
    assert memory() - resident < 2_000  # KiB; one object kept each time would be 2,000 at least


def memory():
    """Return the resident memory of this process in KiB; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4
    except OSError:
        return 0


# -- recursion ------------------------------------------------------------------------------------


def depth():
    """Return how much deeper a thread may recurse."""

    def deeper(reached):
        try:
            return deeper(reached + 1)
        except RecursionError:
            return reached

    return deeper(0)


def test_a_thread_that_is_started_deep_in_another_has_as_much_room():
    found = []

    def start_deep(left):
        if left:
            start_deep(left - 1)
            return
        thread = threading.Thread(target=lambda: found.append(depth()))
        thread.start()
        thread.join()

    def program():
        found.clear()
        start_deep(0)
        start_deep(500)
        other = threading.Thread(target=start_deep, args=(500,))
        other.start()
        start_deep(0)
        other.join()
        return max(found) - min(found)

    report = interleave.check(program, strategy="random", executions=20)

    assert set(report.outcomes) == {0}


def test_recursion_without_end_is_a_failure_of_the_program():
    report = interleave.check(lambda: threading.Thread(target=recurses).start(), shrink=False)

    (failure,) = report.failures
    assert failure.kind == "thread-exception"
    assert failure.message.startswith("RecursionError: maximum recursion depth exceeded")


def test_an_exception_that_cannot_be_shown_is_reported_all_the_same():
    def program():
        raise Unshowable

    (failure,) = interleave.check(program).failures

    assert failure.message == "Unshowable: <its str raises SystemExit>"


def test_an_outcome_that_cannot_be_shown_is_reported_all_the_same():
    class Odd:
        __repr__ = Unshowable.__str__
        __eq__ = __hash__ = None

    (outcome,) = interleave.check(Odd).outcomes.values()

    assert outcome.text == "<Odd whose repr raises SystemExit>"


def test_a_repr_that_uses_locks_changes_nothing_in_a_replay():
    class Shown:
        def __init__(self):
            self.lock = threading.Lock()

        def __repr__(self):
            with self.lock:
                time.sleep(1)
                return "Shown()"

    def program():
        import queue

        items = queue.Queue()
        items.put(Shown())
        interleave.run_threads(items.get, items.qsize)
        return "ended"

    report = interleave.check(program)
    (outcome,) = report.outcomes.values()

    assert report.verdict == "pass", str(report)
    assert interleave.replay(program, outcome.schedule).steps_max == report.steps_max


def test_the_recursion_limit_and_the_like_are_put_back():
    def program():
        sys.setrecursionlimit(400)
        sys.setswitchinterval(0.5)
        signal.signal(signal.SIGUSR1, lambda *_: None)

    before = sys.getrecursionlimit(), sys.getswitchinterval(), signal.getsignal(signal.SIGUSR1)
    interleave.check(program)
    assert before == (
        sys.getrecursionlimit(),
        sys.getswitchinterval(),
        signal.getsignal(signal.SIGUSR1),
    )
