"""A sentence is said where the events prove it, and where they do not none is."""

import threading
import time

from side_by_side import in_threads

import interleave


class Box:
    def __init__(self):
        self.value, self.other = 0, 0

    def add(self):
        self.value += 1


def sentence(program, **options):
    options = {"granularity": "memory", "strategy": "dfs"} | options
    return interleave.check(program, **options).failures[0].sentence


def test_a_lost_update():
    def program():
        box = Box()
        in_threads(box.add, box.add)
        assert box.value == 2

    assert sentence(program) == (
        "lost update: main.0 and main.1 both read Box#1.value = 0 before either wrote it"
    )


def test_a_check_and_an_act():
    def program():
        box, sold = Box(), []

        def buy():
            if box.value == 0:
                box.value = 1
                sold.append(1)

        in_threads(buy, buy)
        assert len(sold) == 1

    assert sentence(program) == (
        "check, then act: main.0 read Box#1.value = 0, main.1 then wrote Box#1.value = 1, and "
        "main.0 still acted on what it had read: it wrote Box#1.value = 1"
    )


def test_a_read_that_is_too_early():
    def program():
        box = Box()
        thread = threading.Thread(target=box.add)
        thread.start()
        assert box.value == 1
        thread.join()

    assert (
        sentence(program) == "read too early: main read Box#1.value = 0 before main.0 wrote "
        "Box#1.value = 1"
    )


def test_a_value_that_does_not_depend_on_what_was_read_is_no_lost_update():
    def program():
        box, seen = Box(), []

        def work():
            seen.append(box.value)
            box.value = 5

        in_threads(work, work)
        assert sorted(seen) != [0, 0]

    found = sentence(program)

    assert found is None or not found.startswith("lost update")


def test_a_lost_update_that_has_nothing_to_do_with_the_failure_is_not_named():
    def program():
        box = Box()
        in_threads(box.add, box.add)
        assert box.other == 1

    assert sentence(program) is None


def test_without_plain_accesses_nothing_is_guessed():
    def program():
        box = Box()

        def work():
            value = box.value
            time.sleep(1)
            box.value = value + 1

        in_threads(work, work)
        assert box.value == 2

    assert sentence(program, granularity="sync") is None


def test_a_circle_of_locks_and_a_join():
    def program():
        lock = threading.Lock()
        thread = threading.Thread(target=lock.acquire)
        with lock:
            thread.start()
            thread.join()

    assert sentence(program, granularity="sync") == (
        "deadlock: main waits for main.0 to end (join), and main.0 waits for Lock#1, which main "
        "holds"
    )


def test_a_wait_that_nobody_was_ever_to_notify_is_no_lost_wake_up():
    def program():
        condition = threading.Condition()

        def wait():
            with condition:
                condition.wait()

        in_threads(wait)

    assert sentence(program, granularity="sync") is None
