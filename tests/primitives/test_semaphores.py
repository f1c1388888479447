"""`threading.Semaphore` and `threading.BoundedSemaphore` (Lib/threading.py)."""

from __future__ import annotations

import threading
import time

import pytest

from interleave import run_threads

BOTH = pytest.mark.parametrize("kind", ["Semaphore", "BoundedSemaphore"])


@BOTH
@pytest.mark.parametrize(("start", "most"), [(2, {1}), (3, {1, 2})])
def test_a_semaphore_lets_as_many_in_as_it_began_with(endings, kind, start, most):
    def program():
        guard = getattr(threading, kind)(start)
        guard.acquire()  # main is one of those inside
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

    assert endings(program, granularity="sync") == most


@BOTH
def test_one_is_what_a_semaphore_begins_with_unless_told(endings, kind):
    def program():
        guard = getattr(threading, kind)()
        return guard.acquire(), guard.acquire(False)

    assert endings(program) == {(True, False)}


def test_every_release_makes_room_for_one(endings):
    def program():
        guard = threading.Semaphore(0)
        before = guard.acquire(blocking=False)
        guard.release()
        guard.release(2)
        return before, [guard.acquire(False) for _ in range(4)].count(True)

    assert endings(program) == {(False, 3)}


def test_a_release_of_several_wakes_as_many(endings):
    def program():
        guard, woken = threading.Semaphore(0), []

        def wait():
            guard.acquire()
            woken.append(1)

        waiters = [threading.Thread(target=wait) for _ in range(2)]
        for waiter in waiters:
            waiter.start()
        guard.release(2)
        for waiter in waiters:
            waiter.join()
        return len(woken)

    assert endings(program) == {2}


def test_one_release_wakes_either_waiter_and_no_other(endings):
    def program():
        guard, woken = threading.Semaphore(0), []
        waiters = [
            threading.Thread(target=lambda i=i: woken.append((guard.acquire(), i)[1]), daemon=True)
            for i in range(2)
        ]
        for waiter in waiters:
            waiter.start()
        guard.release()
        time.sleep(0)
        return tuple(woken)

    assert endings(program) == {(), (0,), (1,)}


def test_acquiring_without_room_is_a_deadlock(endings):
    assert endings(lambda: threading.Semaphore(0).acquire()) == {"deadlock of main"}


def test_of_two_tries_for_one_place_the_first_alone_succeeds(endings):
    def program():
        guard = threading.Semaphore(1)
        return tuple(run_threads(lambda: guard.acquire(False), lambda: guard.acquire(False)))

    assert endings(program) == {(True, False), (False, True)}


def test_a_timed_acquire_can_get_in_or_expire(endings):
    def program():
        guard = threading.Semaphore(0)
        got = []
        waiter = threading.Thread(target=lambda: got.append(guard.acquire(timeout=1)))
        waiter.start()
        guard.release()
        waiter.join()
        return got[0], guard.acquire(False)

    assert endings(program) == {(True, False), (False, True)}


def test_a_negative_timeout_is_a_try(endings):
    def program():
        guard = threading.Semaphore(1)
        return guard.acquire(timeout=-1), guard.acquire(timeout=-1)

    assert endings(program, time="idle") == {(True, False)}


def test_a_bounded_semaphore_released_too_often_is_misuse(endings):
    def program():
        guard = threading.BoundedSemaphore(2)
        guard.acquire()
        guard.release()
        guard.release()

    assert endings(program) == {"misuse: ValueError: Semaphore released too many times"}


def test_a_bounded_semaphore_refuses_a_release_of_more_than_was_taken(endings):
    def program():
        guard = threading.BoundedSemaphore(2)
        guard.acquire()
        try:
            guard.release(2)
        except ValueError:
            return guard.acquire(False), guard.acquire(False)

    assert endings(program) == {(True, False)}


def test_a_plain_semaphore_may_grow_beyond_where_it_began(endings):
    def program():
        guard = threading.Semaphore(1)
        guard.release()
        return guard.acquire(False), guard.acquire(False), guard.acquire(False)

    assert endings(program) == {(True, True, False)}


WRONG = {
    "a negative start": lambda cls: cls(-1),
    "a release of none": lambda cls: cls().release(0),
    "a timeout of a try": lambda cls: cls().acquire(False, 1),
    "a timeout of zero of a try": lambda cls: cls().acquire(False, timeout=0),
}


def error_of(action, kind):
    try:
        action(getattr(threading, kind))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is compared
        return type(error).__name__, str(error)
    return "no error"


@BOTH
@pytest.mark.parametrize("what", WRONG)
def test_wrong_arguments_raise_what_a_real_semaphore_raises(endings, kind, what):
    expected = error_of(WRONG[what], kind)
    assert expected != "no error"
    assert endings(lambda: error_of(WRONG[what], kind)) == {expected}


def test_a_subclass_keeps_its_own_methods(endings):
    class Counting(threading.Semaphore):
        taken = 0

        def acquire(self, *args, **kwargs):
            self.taken += 1
            return super().acquire(*args, **kwargs)

    def program():
        guard = Counting(2)
        guard.acquire()
        return guard.taken, guard.acquire(), guard.acquire(False), guard.taken

    assert endings(program) == {(1, True, False, 3)}


def test_repr_shows_the_value(endings):
    def program():
        plain, bounded = threading.Semaphore(3), threading.BoundedSemaphore(2)
        plain.acquire()
        bounded.acquire()
        return repr(plain).partition("value=")[2], repr(bounded).partition("value=")[2]

    assert endings(program) == {("2>", "1/2>")}
