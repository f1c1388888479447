"""Every operation with a timeout, in every time mode: the same story told for each."""

from __future__ import annotations

import threading
import time

import pytest


def of_lock(kind):
    def make():
        lock = getattr(threading, kind)()
        lock.acquire()
        return lambda: lock.acquire(timeout=1), lock.release

    return make


def of_condition(wait):
    def make():
        condition = threading.Condition()
        ready = []

        def waits():
            with condition:
                return bool(wait(condition, ready))

        def lets_go():
            with condition:
                ready.append(1)
                condition.notify()

        return waits, lets_go

    return make


def of_event():
    event = threading.Event()
    return lambda: event.wait(1), event.set


def of_semaphore(kind):
    def make():
        semaphore = getattr(threading, kind)(1)
        semaphore.acquire()
        return lambda: semaphore.acquire(timeout=1), semaphore.release

    return make


def of_barrier():
    barrier = threading.Barrier(2)

    def passes(*args):
        try:
            barrier.wait(*args)
        except threading.BrokenBarrierError:
            return False
        return True

    return lambda: passes(1), passes


def of_join():
    gate = threading.Lock()
    gate.acquire()
    thread = threading.Thread(target=gate.acquire, daemon=True)
    thread.start()

    def waits():
        thread.join(1)
        return not thread.is_alive()

    return waits, gate.release


OPERATIONS = {
    "Lock.acquire": of_lock("Lock"),
    "RLock.acquire": of_lock("RLock"),
    "Condition.wait": of_condition(lambda condition, ready: ready or condition.wait(1)),
    "Condition.wait_for": of_condition(
        lambda condition, ready: condition.wait_for(lambda: ready, timeout=1)
    ),
    "Event.wait": of_event,
    "Semaphore.acquire": of_semaphore("Semaphore"),
    "BoundedSemaphore.acquire": of_semaphore("BoundedSemaphore"),
    "Barrier.wait": of_barrier,
    "Thread.join": of_join,
}

CASES = [
    # time, when main lets the waiter go (it waits 1 s), whether it was in time
    ("free", 0.5, {True, False}),
    ("free", 2, {True, False}),
    ("idle", 0.5, {True}),
    ("idle", 2, {False}),
    # The waiter may begin its wait late: before that its deadline does not stand.
    ("ordered", 0.5, {True, False}),
    ("ordered", 2, {True, False}),
]


@pytest.mark.parametrize(("mode", "after", "expected"), CASES)
@pytest.mark.parametrize("name", OPERATIONS)
def test_a_wait_of_one_second(endings, name, mode, after, expected):
    def program():
        waits, lets_go = OPERATIONS[name]()
        got = []
        waiter = threading.Thread(target=lambda: got.append(waits()))
        waiter.start()
        time.sleep(after)
        lets_go()
        waiter.join()
        return got[0]

    assert endings(program, time=mode) == expected


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_expired_wait_took_as_long_as_it_was_told(endings, name):
    def program():
        waits, _ = OPERATIONS[name]()
        got = []

        def measure():
            began = time.monotonic()
            got.append((waits(), round(time.monotonic() - began, 6)))

        waiter = threading.Thread(target=measure, daemon=True)
        waiter.start()
        waiter.join()
        return got[0]

    assert endings(program, time="idle") == {(False, 1.0)}
