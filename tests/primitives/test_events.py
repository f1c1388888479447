"""`threading.Event` (Lib/threading.py)."""

from __future__ import annotations

import threading
import time

import pytest

STUCK = "deadlock of main, main.0"


def test_wait_returns_true_once_the_event_is_set(endings):
    def program():
        event, got = threading.Event(), []
        waiter = threading.Thread(target=lambda: got.append(event.wait()))
        waiter.start()
        event.set()
        waiter.join()
        return got[0]

    assert endings(program) == {True}


def test_what_is_done_before_set_is_seen_after_wait(endings):
    def program():
        event, box, seen = threading.Event(), [], []
        waiter = threading.Thread(target=lambda: (event.wait(), seen.append(len(box))))
        waiter.start()
        box.append(1)
        event.set()
        waiter.join()
        return seen[0]

    assert endings(program) == {1}


def test_an_event_that_is_never_set_is_a_deadlock(endings):
    assert endings(lambda: threading.Event().wait()) == {"deadlock of main"}


def test_set_releases_all_who_wait(endings):
    def program():
        event, got = threading.Event(), []
        waiters = [threading.Thread(target=lambda: got.append(event.wait())) for _ in range(2)]
        for waiter in waiters:
            waiter.start()
        event.set()
        for waiter in waiters:
            waiter.join()
        return tuple(got)

    assert endings(program) == {(True, True)}


def set_then_clear(pause):
    event = threading.Event()
    waiter = threading.Thread(target=event.wait)
    waiter.start()
    if pause:
        time.sleep(pause)
    event.set()
    event.clear()
    waiter.join()
    return "released"


def test_set_then_clear_may_or_may_not_release_a_waiter(endings):
    assert endings(lambda: set_then_clear(0)) == {"released", STUCK}


def test_in_free_time_a_sleep_before_set_and_clear_promises_nothing(endings):
    assert endings(lambda: set_then_clear(1)) == {"released", STUCK}


def test_in_ordered_time_a_sleep_before_set_and_clear_promises_nothing(endings):
    assert endings(lambda: set_then_clear(1), time="ordered") == {"released", STUCK}


def test_in_idle_time_whoever_waited_before_the_sleep_ended_is_released(endings):
    assert endings(lambda: set_then_clear(1), time="idle") == {"released"}


def test_in_idle_time_a_timed_waiter_that_came_before_is_released_by_set_then_clear(endings):
    def program():
        event, got = threading.Event(), []
        waiter = threading.Thread(target=lambda: got.append(event.wait(5)))
        waiter.start()
        time.sleep(1)
        event.set()
        event.clear()
        waiter.join()
        return got[0], event.is_set()

    assert endings(program, time="idle") == {(True, False)}


def test_in_idle_time_a_release_counts_once(endings):
    def program():
        event, got = threading.Event(), []

        def wait_twice():
            got.append(event.wait())
            got.append(event.wait(10))

        waiter = threading.Thread(target=wait_twice)
        waiter.start()
        time.sleep(1)
        event.set()
        event.clear()
        waiter.join()
        return tuple(got)

    # Released by the set, the waiter may come back to wait before the flag is cleared.
    assert endings(program, time="idle") == {(True, True), (True, False)}


def test_clear_makes_the_next_wait_block_again(endings):
    def program():
        event = threading.Event()
        event.set()
        first = event.wait()
        event.clear()
        return first, event.is_set(), event.wait(0)

    assert endings(program) == {(True, False, False)}


def test_is_set_follows_set_and_clear(endings):
    def program():
        event = threading.Event()
        seen = [event.is_set()]
        for action in (event.set, event.set, event.clear):
            action()
            seen.append(event.is_set())
        return tuple(seen)

    assert endings(program) == {(False, True, True, False)}


def test_is_set_of_another_thread_may_come_before_or_after(endings):
    def program():
        event = threading.Event()
        setter = threading.Thread(target=event.set)
        setter.start()
        early = event.is_set()
        setter.join()
        return early, event.is_set()

    assert endings(program) == {(False, True), (True, True)}


def test_a_timed_wait_can_expire_or_be_released(endings):
    def program():
        event, got = threading.Event(), []
        waiter = threading.Thread(target=lambda: got.append(event.wait(1)))
        waiter.start()
        event.set()
        waiter.join()
        return got[0]

    assert endings(program) == {True, False}


def test_a_timed_wait_on_a_set_event_does_not_expire(endings):
    def program():
        event = threading.Event()
        event.set()
        return event.wait(0), event.wait(-1), event.wait(timeout=1)

    assert endings(program) == {(True, True, True)}


def test_the_old_name_of_is_set_works(endings):
    def program():
        with pytest.warns(DeprecationWarning, match="isSet"):
            return threading.Event().isSet()

    assert endings(program) == {False}


def test_a_subclass_with_state_of_its_own_works(endings):
    class Named(threading.Event):
        def __init__(self, name):
            super().__init__()
            self.name = name

    def program():
        event = Named("ready")
        threading.Thread(target=event.set).start()
        return event.wait(), event.name, isinstance(event, threading.Event)

    assert endings(program) == {(True, "ready", True)}


def test_repr_says_whether_it_is_set(endings):
    def program():
        event = threading.Event()
        before = repr(event)
        event.set()
        return before.endswith(": unset>"), repr(event).endswith(": set>")

    assert endings(program) == {(True, True)}
