"""Clocks that a program reads never run backwards, and fit its sleeps and timeouts.

Random programs sleep, wait with timeouts and hand items over, under random schedules in each of
the three time modes, and look at every clock before and after each of these.
"""

import itertools
import queue
import random
import threading
import time
from concurrent.futures import Future, wait

import pytest

import interleave

_CLOCKS = (time.monotonic, time.time, time.perf_counter, lambda: time.monotonic_ns() / 1e9)
_ALMOST = 1e-6


def random_threads(source):
    steps = ("sleep", "sleep", "wait", "set", "clear", "put", "get", "lock")
    return [
        [
            (source.choice(steps), source.choice((0, 0.25, 0.5, 1, 3)))
            for _ in range(source.randint(1, 4))
        ]
        for _ in range(source.randint(2, 3))
    ]


def program_of(threads):
    """Return a program that tells what each thread saw, and all looks at the clock in order."""

    def program():
        told, items, lock = threading.Event(), queue.Queue(), threading.Lock()
        looks = []  # at granularity `sync`, what is done to it is no operation

        def look():
            now = tuple(clock() for clock in _CLOCKS)
            looks.append(now)
            return now

        def perform(step, seconds):
            match step:
                case "sleep":
                    return time.sleep(seconds)
                case "wait":
                    return told.wait(seconds)
                case "set":
                    return told.set()
                case "clear":
                    return told.clear()
                case "put":
                    return items.put(look())
                case "get":
                    try:
                        return items.get(timeout=seconds)
                    except queue.Empty:
                        return False
                case "lock":
                    taken = lock.acquire(timeout=seconds)
                    if taken:
                        time.sleep(seconds)
                        lock.release()
                    return taken

        def run(steps, seen):
            for step, seconds in steps:
                before = look()
                result = perform(step, seconds)
                seen.append((step, seconds, before, look(), result))

        seen = [[] for _ in threads]
        running = [
            threading.Thread(target=run, args=pair) for pair in zip(threads, seen, strict=True)
        ]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
        return seen, looks

    return program


def check_one(step, seconds, before, after, result):
    """Compare one step with what the clocks said before and after it."""
    assert all(late >= early for early, late in zip(before, after, strict=True))
    took = after[0] - before[0]
    # All clocks tell the same length of time.
    for early, late in zip(before, after, strict=True):
        assert abs(late - early - took) < _ALMOST
    if step == "sleep" or result is False or (step == "lock" and result):
        assert took >= seconds - _ALMOST
    if step == "get" and result is not False:
        assert all(late >= early for early, late in zip(result, after, strict=True))


def check_program(threads, mode, **options):
    report = interleave.check(
        program_of(threads), granularity="sync", time=mode, keep_going=True, **options
    )
    assert report.verdict == "pass", str(report)
    for seen, looks in report.outcomes:
        for steps in seen:
            for step in steps:
                check_one(*step)
            for one, other in itertools.pairwise(steps):
                assert other[2] >= one[3]
        if mode != "free":  # one clock for all
            assert looks == sorted(looks)
    return len(report.outcomes)


@pytest.mark.parametrize("mode", ["free", "idle", "ordered"])
def test_clocks_never_run_backwards_and_fit_the_sleeps(mode):
    source = random.Random(mode)
    sample = {"strategy": "random", "executions": 15}

    assert (
        sum(check_program(random_threads(source), mode, seed=seed, **sample) for seed in range(5))
        > 5
    )


@pytest.mark.parametrize("mode", ["free", "idle", "ordered"])
def test_a_deadline_that_passes_late_does_not_set_the_clock_back(mode):
    # The first thread can have the lock, and is not let: the other one sleeps, and takes it.
    threads = [[("lock", 0.25)], [("sleep", 3), ("lock", 1)]]

    found = check_program(threads, mode, strategy="dfs")

    assert found == 1 if mode == "idle" else found > 1


def two_that_commute(first, second):
    """Return a program in which one thread comes late, and the other looks at its clock."""

    def program():
        semaphore, numbers = threading.Semaphore(0), queue.Queue()
        told, future = threading.Event(), Future()
        steps = {
            "release": semaphore.release,
            "take": lambda: semaphore.acquire(blocking=False),
            "set": told.set,
            "look": told.is_set,
            "put": lambda: numbers.put(1),
            "size": numbers.qsize,
            "finish": lambda: future.set_result(1),
            "wait": lambda: wait([future], timeout=0),
        }
        begin = time.monotonic()
        seen = []

        def late():
            time.sleep(1)
            steps[first]()

        thread = threading.Thread(target=late)
        thread.start()
        seen.append(bool(steps[second]()))
        seen.append(round(time.monotonic() - begin, 3))  # a wait takes a moment, at least
        thread.join()
        return tuple(seen)

    return program


@pytest.mark.parametrize(
    ("first", "second", "outcomes"),
    [
        # Neither notices the other.
        ("release", "release", {(False, 0)}),
        ("take", "take", {(False, 0)}),
        ("look", "look", {(False, 0)}),
        ("size", "size", {(False, 0)}),
        # Whoever comes later knows how late it is, also where it finds nothing.
        ("release", "take", {(False, 0), (True, 1)}),
        ("set", "look", {(False, 0), (True, 1)}),
        ("put", "size", {(False, 0), (True, 1)}),
        ("look", "set", {(False, 0), (False, 1)}),
        ("finish", "wait", {(True, 0), (True, 1)}),
    ],
)
def test_a_clock_tells_what_came_before_and_not_what_might_as_well_have(first, second, outcomes):
    program = two_that_commute(first, second)
    for strategy in ("dfs", "dpor"):
        report = interleave.check(program, strategy=strategy, keep_going=True)

        assert set(report.outcomes) == outcomes
        assert report.exhaustive


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["free", "idle", "ordered"])
def test_clocks_never_run_backwards_in_the_long_run(mode):
    source = random.Random(f"{mode} slow")
    for seed in range(25):
        threads = random_threads(source)
        check_program(threads, mode, strategy="random", seed=seed, executions=60)
