"""`threading.Lock` and `threading.RLock` (Modules/_threadmodule.c)."""

from __future__ import annotations

import _thread
import re
import threading
import time

import pytest

import interleave
from interleave import run_threads

BOTH = pytest.mark.parametrize("kind", ["Lock", "RLock"])


def most_inside(guard):
    """Return how many of two threads are ever inside of a guarded region at once."""
    inside = most = 0

    def enter():
        nonlocal inside, most
        with guard:
            inside += 1
            most = max(most, inside)
            time.sleep(0)
            inside -= 1

    run_threads(enter, enter)
    return most


@BOTH
def test_a_lock_lets_one_thread_in_at_a_time(endings, kind):
    assert endings(lambda: most_inside(getattr(threading, kind)())) == {1}


def test_without_a_lock_both_threads_can_be_inside(endings):
    class Nothing:
        def __enter__(self):
            pass

        def __exit__(self, *args):
            pass

    assert endings(lambda: most_inside(Nothing()), granularity="sync") == {1, 2}


@BOTH
def test_of_two_tries_the_first_alone_succeeds(endings, kind):
    def program():
        lock = getattr(threading, kind)()
        return tuple(run_threads(lambda: lock.acquire(False), lambda: lock.acquire(blocking=False)))

    assert endings(program) == {(True, False), (False, True)}


@BOTH
def test_a_timeout_of_zero_is_a_try(endings, kind):
    def program():
        lock = getattr(threading, kind)()
        lock.acquire()
        return run_threads(lambda: lock.acquire(timeout=0))[0], len(run_threads())

    assert endings(program) == {(False, 0)}


@BOTH
def test_acquire_and_enter_return_true(endings, kind):
    def program():
        lock = getattr(threading, kind)()
        first = lock.acquire()
        lock.release()
        with lock as second:
            pass
        return first, second, lock.release is not None

    assert endings(program) == {(True, True, True)}


def test_locked_is_seen_by_another_thread(endings):
    def program():
        lock = threading.Lock()
        seen = []
        look = threading.Thread(target=lambda: seen.append(lock.locked()))
        look.start()
        with lock:
            pass
        look.join()
        return seen[0], lock.locked()

    assert endings(program) == {(False, False), (True, False)}


def test_a_lock_may_be_released_by_another_thread(endings):
    def program():
        lock = threading.Lock()
        lock.acquire()
        other = threading.Thread(target=lock.release)
        other.start()
        return lock.acquire(), lock.locked()

    assert endings(program) == {(True, True)}


def real_message(action):
    with pytest.raises(RuntimeError) as caught:
        action()
    return f"misuse: RuntimeError: {caught.value}"


def test_releasing_an_unlocked_lock_is_misuse(endings):
    expected = real_message(threading.Lock().release)
    assert endings(lambda: threading.Lock().release()) == {expected}


def test_misuse_that_the_program_handles_is_no_failure(endings):
    def program():
        try:
            threading.Lock().release()
        except RuntimeError:
            return "handled"

    assert endings(program) == {"handled"}


ARGUMENTS = [
    ((), {"timeout": -2}),
    ((), {"timeout": -0.5}),
    ((False, 1), {}),
    ((False,), {"timeout": 0}),
    ((True, 1e300), {}),
    ((True, float("inf")), {}),
    ((True, float("nan")), {}),
    ((True, None), {}),
    ((True, "1"), {}),
]


def error_of(lock, args, kwargs):
    try:
        lock.acquire(*args, **kwargs)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is compared
        return type(error).__name__, str(error)
    return "no error"


@BOTH
@pytest.mark.parametrize(("args", "kwargs"), ARGUMENTS)
def test_wrong_arguments_raise_what_a_real_lock_raises(endings, kind, args, kwargs):
    expected = error_of(getattr(threading, kind)(), args, kwargs)
    assert expected != "no error"
    assert endings(lambda: error_of(getattr(threading, kind)(), args, kwargs)) == {expected}


def test_a_lock_taken_twice_by_one_thread_is_a_deadlock(endings):
    def program():
        lock = threading.Lock()
        lock.acquire()
        lock.acquire()

    assert endings(program) == {"deadlock of main"}


def opposite_orders():
    first, second = threading.Lock(), threading.Lock()

    def forth():
        with first, second:
            pass

    def back():
        with second, first:
            pass

    run_threads(forth, back)


def test_two_locks_taken_in_opposite_orders_can_deadlock(endings):
    assert endings(opposite_orders) == {None, "deadlock of main, main.0, main.1"}


def test_a_deadlock_report_says_who_holds_each_lock():
    failure = interleave.check(opposite_orders).failures[0]
    told = "\n".join(failure.detail)
    assert re.findall(r"(main\.\d) waits for|held by (main\.\d), taken at", told) == [
        ("main.0", ""),
        ("", "main.1"),
        ("main.1", ""),
        ("", "main.0"),
    ]


def test_a_lock_that_a_thread_never_gives_back_blocks_the_next(endings):
    def program():
        lock = threading.Lock()
        run_threads(lock.acquire)
        lock.acquire()

    assert endings(program) == {"deadlock of main"}


@BOTH
def test_a_waiter_with_a_timeout_can_get_the_lock_or_not(endings, kind):
    def program():
        lock = getattr(threading, kind)()
        lock.acquire()
        waiter = threading.Thread(target=lambda: got.append(lock.acquire(timeout=1)))
        got = []
        waiter.start()
        lock.release()
        waiter.join()
        return got[0]

    assert endings(program) == {True, False}


def test_an_expired_waiter_takes_nothing(endings):
    def program():
        lock = threading.Lock()
        lock.acquire()
        got = run_threads(lambda: lock.acquire(timeout=1))
        lock.release()
        return got[0], lock.acquire(False)

    assert endings(program, time="idle") == {(False, True)}


def test_a_lock_is_of_the_type_of_locks(endings):
    def program():
        return (
            isinstance(threading.Lock(), _thread.LockType),
            isinstance(_thread.allocate_lock(), _thread.LockType),
            isinstance(threading.RLock(), _thread.LockType),
        )

    assert program() == (True, True, False)
    assert endings(program) == {(True, True, False)}


def test_locks_of_the_raw_module_are_locks_too(endings):
    def program():
        return most_inside(_thread.allocate_lock())

    assert endings(program) == {1}


def test_the_old_names_of_a_lock_s_methods_work(endings):
    def program():
        lock = threading.Lock()
        lock.acquire_lock()
        held = lock.locked_lock()
        lock.release_lock()
        return held, lock.locked()

    assert endings(program) == {(True, False)}


def test_repr_says_whether_a_lock_is_held(endings):
    def program():
        lock = threading.Lock()
        free = repr(lock)
        with lock:
            return free.startswith("<unlocked "), repr(lock).startswith("<locked ")

    assert endings(program) == {(True, True)}


def test_a_lock_has_no_attributes_of_the_program_s_own(endings):
    def program():
        try:
            threading.Lock().note = 1
        except AttributeError:
            return "refused"

    assert endings(program) == {"refused"}
