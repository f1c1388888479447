"""`RLock`: every ending that a program can have, worked out from CPython's own."""

from __future__ import annotations

import threading

import pytest

from interleave import run_threads


def real_message(action):
    with pytest.raises(RuntimeError) as caught:
        action()
    return f"misuse: RuntimeError: {caught.value}"


def test_releasing_an_rlock_that_nobody_holds_is_misuse(endings):
    expected = real_message(threading.RLock().release)
    assert endings(lambda: threading.RLock().release()) == {expected}


def test_releasing_an_rlock_of_another_thread_is_misuse(endings):
    def program():
        lock = threading.RLock()
        lock.acquire()
        thief = threading.Thread(target=lock.release)
        thief.start()
        thief.join()

    expected = real_message(threading.RLock().release)
    assert endings(program) == {f"{expected} in main.0"}


def test_an_rlock_is_free_only_after_as_many_releases_as_acquires(endings):
    def program():
        lock = threading.RLock()

        def free():
            taken = lock.acquire(False)
            if taken:
                lock.release()
            return taken

        lock.acquire()
        lock.acquire(False)
        lock.acquire(timeout=1)
        seen = []
        for _ in range(3):
            seen += run_threads(free)
            lock.release()
        return tuple(seen + run_threads(free))

    assert endings(program) == {(False, False, False, True)}


def test_an_rlock_released_once_too_often_is_misuse(endings):
    def program():
        lock = threading.RLock()
        with lock, lock:
            pass
        lock.release()

    assert endings(program) == {real_message(threading.RLock().release)}


def test_an_rlock_taken_again_blocks_nobody_else_for_ever(endings):
    def program():
        lock = threading.RLock()
        order = []

        def work(name):
            with lock, lock:
                order.append(name)

        run_threads(lambda: work("a"), lambda: work("b"))
        return "".join(order)

    assert endings(program) == {"ab", "ba"}
