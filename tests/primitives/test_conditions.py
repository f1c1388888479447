"""`threading.Condition` (Lib/threading.py)."""

from __future__ import annotations

import threading
import time

import pytest

import interleave

STUCK = "deadlock of main, main.0"


class OwnLock:
    """A lock of the program's own making: a condition takes whatever has these two methods."""

    def __init__(self):
        self.inner = threading.Lock()

    def acquire(self, *args):
        return self.inner.acquire(*args)

    def release(self):
        self.inner.release()

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *args):
        self.release()


KINDS = {
    "its own RLock": lambda: threading.Condition(None),
    "a given Lock": lambda: threading.Condition(threading.Lock()),
    "a given RLock": lambda: threading.Condition(threading.RLock()),
    "a lock of the program's own": lambda: threading.Condition(OwnLock()),
}
EVERY_KIND = pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)


def queue_up(condition, count, got, timeout=None):
    """Start waiters one after the other: when this returns they are in line, in that order."""
    arrived = threading.Semaphore(0)
    waiters = []

    def wait(index):
        with condition:
            arrived.release()
            got.append((index, condition.wait(timeout if index == 0 else None)))

    for index in range(count):
        waiter = threading.Thread(target=wait, args=(index,), daemon=True)
        waiter.start()
        waiters.append(waiter)
        arrived.acquire()
        with condition:
            pass  # free only once the waiter has given the lock back
    return waiters


@EVERY_KIND
def test_a_notification_before_the_wait_is_lost(endings, make):
    def program():
        condition, got = make(), []

        def wait():
            with condition:
                got.append(condition.wait())

        waiter = threading.Thread(target=wait)
        waiter.start()
        with condition:
            condition.notify()
        waiter.join()
        return got[0]

    assert endings(program) == {True, STUCK}


@EVERY_KIND
def test_waiting_for_a_predicate_loses_no_notification(endings, make):
    def program():
        condition, ready, got = make(), [], []

        def wait():
            with condition:
                got.append(condition.wait_for(lambda: ready and "ready"))

        waiter = threading.Thread(target=wait)
        waiter.start()
        with condition:
            ready.append(1)
            condition.notify()
        waiter.join()
        return got[0]

    assert endings(program) == {"ready"}


@EVERY_KIND
def test_whoever_is_notified_returns_only_once_the_lock_is_free(endings, make):
    def program():
        condition, log = make(), []
        (waiter,) = queue_up(condition, 1, log)
        with condition:
            condition.notify()
            time.sleep(0)
            log.append("notifier leaves")
        waiter.join()
        return tuple(log)

    assert endings(program) == {("notifier leaves", (0, True))}


@EVERY_KIND
def test_the_lock_is_free_while_somebody_waits(endings, make):
    def program():
        condition = make()
        queue_up(condition, 1, [])
        free = condition.acquire(False)
        condition.release()
        return free

    assert endings(program) == {True}


@EVERY_KIND
def test_the_lock_is_held_again_after_a_wait(endings, make):
    def program():
        condition, tries = make(), []

        def wait():
            with condition:
                condition.wait()
                intruder = threading.Thread(target=lambda: tries.append(condition.acquire(False)))
                intruder.start()
                intruder.join()

        waiter = threading.Thread(target=wait)
        waiter.start()
        with condition:
            condition.notify()
        waiter.join()
        return tries[0]

    assert endings(program) == {False, STUCK}


@EVERY_KIND
def test_a_notification_wakes_the_longest_waiting(endings, make):
    def program():
        condition, got = make(), []
        waiters = queue_up(condition, 2, got)
        with condition:
            condition.notify()
        waiters[0].join()
        return tuple(got)

    assert endings(program) == {((0, True),)}


@pytest.mark.parametrize(("count", "woken"), [(0, set()), (1, {0}), (2, {0, 1}), (9, {0, 1, 2})])
def test_notify_wakes_as_many_as_it_says(endings, count, woken):
    def program():
        condition, got = threading.Condition(), []
        waiters = queue_up(condition, 3, got)
        with condition:
            condition.notify(count)
        for index in woken:
            waiters[index].join()
        return frozenset(got)

    assert endings(program) == {frozenset((index, True) for index in woken)}


@EVERY_KIND
def test_notify_all_wakes_everybody(endings, make):
    def program():
        condition, got = make(), []
        waiters = queue_up(condition, 2, got)
        with condition:
            condition.notify_all()
        for waiter in waiters:
            waiter.join()
        return frozenset(got)

    assert endings(program) == {frozenset({(0, True), (1, True)})}


def test_two_that_are_notified_can_go_on_in_either_order(endings):
    def program():
        condition, got = threading.Condition(), []
        waiters = queue_up(condition, 2, got)
        with condition:
            condition.notify(2)
        for waiter in waiters:
            waiter.join()
        return tuple(index for index, _ in got)

    assert endings(program) == {(0, 1), (1, 0)}


def test_a_notification_reaches_only_those_who_wait_on_that_condition(endings):
    def program():
        lock = threading.Lock()
        full, empty = threading.Condition(lock), threading.Condition(lock)
        got = []
        (waiter,) = queue_up(full, 1, got)
        with empty:
            empty.notify_all()
        waiter.join()

    assert endings(program) == {STUCK}


def test_an_expired_waiter_that_is_still_in_line_swallows_a_notification(endings):
    def program():
        condition, got = threading.Condition(threading.Lock()), []
        first, second = queue_up(condition, 2, got, timeout=1)
        with condition:
            condition.notify()
        first.join()
        if got == [(0, True)]:
            with condition:
                condition.notify()
        second.join()
        return tuple(sorted(got))

    assert endings(program) == {
        ((0, True), (1, True)),  # notified in time, it is followed by another notification
        ((0, False), (1, True)),  # it had left the line before the notification
        "deadlock of main, main.1",  # expired, but in line until it has the lock
    }


@EVERY_KIND
def test_a_waiter_that_gave_up_and_left_is_not_notified(endings, make):
    def program():
        condition, got = make(), []
        with condition:
            expired = condition.wait(1)
        (waiter,) = queue_up(condition, 1, got)
        with condition:
            condition.notify()
        waiter.join()
        return expired, got[0]

    assert endings(program) == {(False, (0, True))}


def test_a_wait_in_idle_time_expires_only_at_its_deadline(endings):
    def program():
        condition, got = threading.Condition(), []
        (waiter,) = queue_up(condition, 1, got, timeout=1)
        time.sleep(0.5)
        with condition:
            condition.notify()
        waiter.join()
        return got[0]

    assert endings(program, time="idle") == {(0, True)}


def test_in_ordered_time_an_earlier_deadline_passes_before_a_later_one(endings):
    def program():
        condition, got = threading.Condition(), []
        (waiter,) = queue_up(condition, 1, got, timeout=1)
        time.sleep(2)
        with condition:
            condition.notify()
        waiter.join()
        return got[0]

    assert endings(program, time="ordered") == {(0, False)}
    assert endings(program, time="free") == {(0, False), (0, True)}


def test_a_wait_without_time_returns_false(endings):
    def program():
        condition = threading.Condition()
        with condition:
            return condition.wait(0), condition.wait(-1), condition.wait_for(lambda: 0, timeout=1)

    assert endings(program) == {(False, False, 0)}


def test_wait_for_waits_no_longer_than_its_timeout(endings):
    def program():
        condition = threading.Condition()
        with condition:
            began = time.monotonic()
            condition.wait_for(lambda: False, timeout=3)
            return round(time.monotonic() - began, 6)

    assert endings(program, time="idle") == {3.0}


def test_wait_for_does_not_wait_for_what_is_true_already(endings):
    def program():
        condition = threading.Condition()
        with condition:
            return condition.wait_for(lambda: "there")

    assert endings(program) == {"there"}


def depth_program(make_rlock):
    condition, log = threading.Condition(make_rlock()), []

    def wait():
        with condition, condition:
            log.append(condition.wait())
        try:
            condition.release()
        except RuntimeError:
            log.append("depth was two")

    waiter = threading.Thread(target=wait)
    waiter.start()
    with condition:
        condition.notify()
    waiter.join()
    return tuple(log)


def test_a_wait_gives_an_rlock_back_whole_and_takes_it_as_deep_as_it_was(endings):
    assert endings(lambda: depth_program(threading.RLock)) == {(True, "depth was two"), STUCK}


def test_an_expired_wait_takes_an_rlock_as_deep_as_it_was(endings):
    def program():
        condition = threading.Condition()
        with condition:
            condition.acquire()
            condition.wait(1)
            condition.release()
            return condition._is_owned()

    assert endings(program) == {True}


@EVERY_KIND
@pytest.mark.parametrize("method", ["wait", "notify", "notify_all"])
def test_without_the_lock_it_is_misuse(endings, make, method):
    verb = "wait" if method == "wait" else "notify"

    def program():
        getattr(make(), method)()

    assert endings(program) == {f"misuse: RuntimeError: cannot {verb} on un-acquired lock"}


def notify_while_another_holds(lock):
    condition = threading.Condition(lock)
    with condition:
        other = threading.Thread(target=condition.notify)
        other.start()
        other.join()
    return "no complaint"


def test_an_rlock_s_condition_knows_that_another_thread_holds_it(endings):
    assert endings(lambda: notify_while_another_holds(threading.RLock())) == {
        "misuse: RuntimeError: cannot notify on un-acquired lock in main.0"
    }


def test_a_plain_lock_s_condition_does_not_ask_who_holds_it(endings):
    assert endings(lambda: notify_while_another_holds(threading.Lock())) == {"no complaint"}


def test_nobody_notifying_is_a_deadlock(endings):
    def program():
        condition = threading.Condition()
        with condition:
            condition.wait()

    assert endings(program) == {"deadlock of main"}


def test_a_deadlock_after_a_notification_says_who_holds_the_lock():
    def program():
        condition = threading.Condition(threading.Lock())
        (waiter,) = queue_up(condition, 1, [])
        condition.acquire()
        condition.notify()
        waiter.join()

    failure = interleave.check(program).failures[0]
    assert "held by main, taken at" in "\n".join(failure.detail)


def test_acquire_and_release_are_those_of_the_lock(endings):
    def program():
        lock = threading.Lock()
        condition = threading.Condition(lock)
        first = condition.acquire()
        second = lock.acquire(False), condition.acquire(blocking=False)
        condition.release()
        return first, second, lock.locked()

    assert endings(program) == {(True, (False, False), False)}


def test_the_old_name_of_notify_all_works(endings):
    def program():
        condition = threading.Condition()
        with condition, pytest.warns(DeprecationWarning, match="notifyAll"):
            condition.notifyAll()
        return "done"

    assert endings(program) == {"done"}


def test_repr_counts_those_who_wait(endings):
    def program():
        condition = threading.Condition()
        before = repr(condition)
        queue_up(condition, 1, [])
        return before.endswith(", 0)>"), repr(condition).endswith(", 1)>")

    assert endings(program) == {(True, True)}


def test_a_deadlock_in_a_wait_tells_where_the_condition_was_made_and_not_its_lock():
    def program():
        lock = threading.RLock()
        condition = threading.Condition(lock)

        def work():
            with condition:
                condition.wait()

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    (failure,) = interleave.check(program).failures
    made = [line.strip() for line in failure.detail if " was made at " in line]
    assert [line.partition(" was made")[0] for line in made] == ["main.0", "Condition#1"]
    assert made[1].endswith("condition = threading.Condition(lock)")


def test_a_deadlock_of_who_was_notified_tells_of_the_condition_and_of_its_lock():
    def program():
        condition = threading.Condition(threading.RLock())

        def work():
            with condition:
                condition.wait()

        thread = threading.Thread(target=work)
        thread.start()
        condition.acquire()
        condition.notify()
        thread.join()

    report = interleave.check(program, keep_going=True)
    (failure,) = [item for item in report.failures if "again" in item.message]
    made = [line.split()[0] for line in failure.detail if " was made at " in line]
    assert made == ["main.0", "Condition#1", "RLock#1"]
