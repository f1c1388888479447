"""`threading.local`: CPython's own, with contents of each task's own."""

from __future__ import annotations

import sys
import threading
import time

import pytest

import interleave
from interleave import run_threads
from interleave.core.thread_locals import locals_of_thread


def test_every_thread_has_values_of_its_own(endings):
    def program():
        local = threading.local()
        local.value = "main"

        def work(value):
            before = hasattr(local, "value")
            local.value = value
            time.sleep(0)
            return before, local.value

        return (*run_threads(lambda: work(1), lambda: work(2)), local.value)

    assert endings(program) == {((False, 1), (False, 2), "main")}


def test_an_attribute_that_this_thread_never_set_is_missing(endings):
    def program():
        local = threading.local()

        def work():
            local.value = 1

        run_threads(work)
        try:
            return local.value
        except AttributeError:
            return "missing"

    assert endings(program) == {"missing"}


def test_a_value_is_gone_with_its_thread(endings):
    def program():
        local = threading.local()

        def work():
            seen = hasattr(local, "value")
            local.value = 1
            return seen

        return run_threads(work)[0], run_threads(work)[0]

    assert endings(program) == {(False, False)}


class Counted(threading.local):
    """`__init__` runs once in every thread that uses it, with the arguments of the first call."""

    shared = []  # noqa: RUF012 - a class attribute is shared by all threads

    def __init__(self, start, step=1):
        self.shared.append(threading.get_ident())
        self.value = start
        self.step = step

    def next(self):
        self.value += self.step
        return self.value


def test_a_subclass_is_initialised_in_each_thread_with_the_first_arguments(endings):
    def program():
        Counted.shared.clear()
        local = Counted(10, step=5)
        local.next()

        def work():
            first = local.next()
            time.sleep(0)
            return first, local.next()

        found = run_threads(work, work)
        return (*found, local.next(), len(Counted.shared), len(set(Counted.shared)))

    assert endings(program) == {((15, 20), (15, 20), 20, 3, 3)}


def test_deleting_an_attribute_deletes_that_of_this_thread(endings):
    def program():
        local = threading.local()
        local.value = "main"

        def work():
            local.value = 1
            del local.value
            return hasattr(local, "value")

        return run_threads(work)[0], local.value

    assert endings(program) == {(False, "main")}


OLD = threading.local()


@pytest.fixture
def old():
    """Give a local that was made before the check values of the main thread."""
    OLD.__dict__.clear()
    OLD.value = "before"
    yield OLD
    OLD.__dict__.clear()


def change_it():
    seen = getattr(OLD, "value", "missing"), hasattr(OLD, "more")
    interleave.choose([1, 2])
    OLD.value = "changed"
    OLD.more = 1
    return *seen, *run_threads(lambda: getattr(OLD, "value", "missing"))


@pytest.mark.usefixtures("old")
def test_what_main_set_before_the_check_is_seen_by_main_alone_in_every_execution(endings):
    assert endings(change_it) == {("before", False, "missing")}


def test_what_main_set_before_the_check_is_there_again_afterwards(old, endings):
    endings(change_it)
    assert old.__dict__ == {"value": "before"}


def test_what_main_set_before_is_there_again_after_a_failure(old):
    def program():
        OLD.value = "changed"
        raise ValueError

    assert interleave.check(program).verdict == "fail"
    assert old.__dict__ == {"value": "before"}


def test_what_main_set_before_is_there_again_after_a_deadlock_in_a_worker(old):
    def program():
        OLD.value = "changed"

        def work():
            OLD.value = "worker's"
            threading.Event().wait()

        run_threads(work)

    assert interleave.check(program).verdict == "fail"
    assert old.__dict__ == {"value": "before"}


def test_real_threads_keep_their_own_values_during_a_check(endings, old):
    go, done, seen = threading.Event(), threading.Event(), []

    def real():
        old.value = "real"
        go.wait()
        seen.append(old.value)
        done.set()

    thread = threading.Thread(target=real)
    thread.start()
    assert endings(change_it) == {("before", False, "missing")}
    go.set()
    thread.join()
    assert seen == ["real"]


@pytest.mark.skipif(
    sys.version_info >= (3, 13), reason="from 3.13 on locals are in no dictionary that repr uses"
)
def test_what_repr_leaves_in_a_thread_is_no_local():
    occupied = []

    def look():
        local = locals_of_thread()
        repr([1])
        local.keep()
        occupied.append(local.occupied())

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()

    assert occupied == [0]
