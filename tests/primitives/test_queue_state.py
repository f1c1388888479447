"""A queue of the program's own kind, its `mutex` and conditions, and one made before the check."""

import queue
import threading
import time

import pytest
from outcome_sets import outcomes
from side_by_side import in_threads

import interleave


def test_a_subclass_may_override_its_storage():
    class Unique(queue.Queue):
        def _init(self, maxsize):
            self.queue = set()

        def _qsize(self):
            return len(self.queue)

        def _put(self, item):
            self.queue.add(item)

        def _get(self):
            item = min(self.queue)
            self.queue.remove(item)
            return item

    def program():
        items = Unique()
        items.put(2)
        in_threads(lambda: items.put(2), lambda: items.put(1))
        return tuple(items.get() for _ in range(items.qsize()))

    assert outcomes(program) == {(1, 2)}


def test_a_subclass_whose_size_is_its_own_blocks_by_it():
    class Weighed(queue.Queue):
        def _qsize(self):
            return sum(self.queue)

    def program():
        items = Weighed(3)
        items.put(3)
        try:
            items.put(1, block=False)
        except queue.Full:
            return "full"
        return "put"

    assert outcomes(program) == {"full"}


def test_nobody_sees_the_middle_of_an_overridden_put():
    class Slow(queue.Queue):
        def _put(self, item):
            self.queue.append(item)
            time.sleep(0)
            self.queue.append(item)

    def program():
        items = Slow()
        threading.Thread(target=items.put, args=(1,)).start()
        return items.qsize()

    assert outcomes(program) == {0, 2}


def test_a_blocking_call_in_an_overridden_put_is_refused_and_not_hung_on():
    gate = threading.Event()

    class Waiting(queue.Queue):
        def _put(self, item):
            gate.wait()
            super()._put(item)

    report = interleave.check(lambda: Waiting().put(1))

    assert report.verdict == "incomplete"
    assert "would block inside a method that runs under a lock" in " ".join(report.reasons)


def test_the_mutex_keeps_everybody_else_out():
    def program():
        items = queue.Queue()
        seen = []

        def swap():
            with items.mutex:
                seen.append(len(items.queue))
                time.sleep(0)
                seen.append(len(items.queue))

        in_threads(swap, lambda: items.put(1))
        return tuple(seen)

    assert outcomes(program) == {(0, 0), (1, 1)}


@pytest.mark.parametrize(
    "act",
    [
        lambda items: items.put(2),
        lambda items: items.put_nowait(2),
        lambda items: items.put(2, timeout=1),
        lambda items: items.get(),
        lambda items: items.get_nowait(),
        lambda items: items.get(timeout=1),
        lambda items: items.qsize(),
        lambda items: items.empty(),
        lambda items: items.full(),
        lambda items: items.task_done(),
    ],
)
def test_nothing_is_done_to_a_queue_while_somebody_has_its_mutex(act):
    def program():
        items = queue.Queue(5)
        items.put(1)
        log = []

        def work():
            act(items)
            log.append("done")

        thread = threading.Thread(target=work)
        with items.mutex:
            thread.start()
            time.sleep(0)
            log.append("given back")
        thread.join()
        return tuple(log)

    assert outcomes(program) == {("given back", "done")}


def test_join_waits_for_the_mutex():
    def program():
        items = queue.Queue()
        thread = threading.Thread(target=items.join)
        with items.mutex:
            thread.start()
            time.sleep(0)
            alive = thread.is_alive()
        thread.join()
        return alive

    assert outcomes(program) == {True}


def test_clearing_under_the_mutex_clears():
    def program():
        items = queue.Queue()
        items.put(1)

        def clear():
            with items.mutex:
                items.queue.clear()

        in_threads(clear, lambda: items.put(2))
        return tuple(items.queue)

    assert outcomes(program) == {(), (2,)}


def test_a_mutex_that_is_kept_makes_put_a_deadlock():
    def program():
        items = queue.Queue()
        items.mutex.acquire()
        items.put(1)

    (failure,) = interleave.check(program).failures

    assert failure.kind == "deadlock"


def test_a_program_may_wait_on_not_empty_itself():
    def program():
        items = queue.Queue()
        seen = []

        def watch():
            with items.not_empty:
                while not items.queue:
                    items.not_empty.wait()
                seen.append(items.queue[0])

        in_threads(watch, lambda: items.put(1))
        return seen[0]

    assert outcomes(program) == {1}


def test_a_program_may_wait_on_not_full_itself():
    def program():
        items = queue.Queue(1)
        items.put(1)

        def watch():
            with items.not_full:
                while len(items.queue) == 1:
                    items.not_full.wait()

        in_threads(watch, items.get)
        return items.empty()

    assert outcomes(program) == {True}


def test_a_program_may_wait_on_all_tasks_done_with_a_timeout():
    def program():
        items = queue.Queue()
        items.put(1)
        threading.Thread(target=items.task_done).start()
        with items.all_tasks_done:
            return items.all_tasks_done.wait_for(lambda: not items.unfinished_tasks, timeout=1)

    assert outcomes(program) == {True, False}


def test_a_subclass_may_add_a_method_under_the_mutex_that_notifies():
    class Front(queue.Queue):
        def put_in_front(self, item):
            with self.mutex:
                self.queue.appendleft(item)
                self.unfinished_tasks += 1
                self.not_empty.notify()

    def program():
        items = Front()
        got = []
        in_threads(lambda: got.append(items.get()), lambda: items.put_in_front(1))
        return got[0], items.unfinished_tasks

    assert outcomes(program) == {(1, 1)}


MADE_EARLY = queue.Queue(maxsize=2)
MADE_EARLY.put("early")


def test_a_queue_from_before_the_check_begins_each_execution_as_it_was():
    def program():
        in_threads(lambda: MADE_EARLY.put("a"), lambda: MADE_EARLY.get())  # noqa: PLW0108 - looked up when it runs
        return tuple(MADE_EARLY.get() for _ in range(MADE_EARLY.qsize()))

    assert outcomes(program) == {("a",)}
    assert MADE_EARLY.qsize() == 1
    assert MADE_EARLY.get_nowait() == "early"
    MADE_EARLY.put("early")
