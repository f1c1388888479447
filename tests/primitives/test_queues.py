"""`queue`: complete outcome sets, worked out from Lib/queue.py."""

import queue
import sys
import threading
import time

import pytest
from outcome_sets import outcomes
from side_by_side import in_threads

import interleave

SHUTDOWN = sys.version_info >= (3, 13)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("Queue", (3, 1, 2)),
        ("LifoQueue", (2, 1, 3)),
        ("PriorityQueue", (1, 2, 3)),
        ("SimpleQueue", (3, 1, 2)),
    ],
)
def test_each_kind_of_queue_has_its_order(kind, expected):
    def program():
        made = getattr(queue, kind)()
        for item in (3, 1, 2):
            made.put(item)
        return tuple(made.get() for _ in range(3))

    assert outcomes(program) == {expected}


def test_two_producers_put_in_either_order():
    def program():
        items = queue.Queue()
        in_threads(lambda: items.put(1), lambda: items.put(2))
        return items.get(), items.get()

    assert outcomes(program) == {(1, 2), (2, 1)}


def test_items_of_one_producer_keep_their_order():
    def program():
        items = queue.Queue()

        def produce(*values):
            for value in values:
                items.put(value)

        in_threads(lambda: produce(1, 2), lambda: produce(8, 9))
        return tuple(items.get() for _ in range(4))

    assert outcomes(program) == {
        (1, 2, 8, 9),
        (1, 8, 2, 9),
        (1, 8, 9, 2),
        (8, 1, 2, 9),
        (8, 1, 9, 2),
        (8, 9, 1, 2),
    }


@pytest.mark.parametrize("kind", ["Queue", "SimpleQueue"])
def test_get_waits_for_a_put(kind):
    def program():
        items = getattr(queue, kind)()
        got = []
        in_threads(lambda: got.append(items.get()), lambda: items.put("item"))
        return got[0]

    assert outcomes(program) == {"item"}


def test_put_waits_for_room():
    def program():
        items = queue.Queue(maxsize=1)
        log = []

        def produce():
            items.put("a")
            items.put("b")
            log.append(items.qsize())

        producer = threading.Thread(target=produce)
        producer.start()
        first = items.get()
        producer.join()
        return first, log[0]

    assert outcomes(program) == {("a", 1)}


@pytest.mark.parametrize("size", [0, -1])
def test_a_maxsize_of_nought_or_less_is_no_bound(size):
    def program():
        items = queue.Queue(size)
        for item in range(5):
            items.put(item)
        return items.qsize(), items.full()

    assert outcomes(program) == {(5, False)}


def test_get_without_block_finds_the_queue_empty_or_not():
    def program():
        items = queue.Queue()
        threading.Thread(target=items.put, args=(1,)).start()
        try:
            return items.get(block=False)
        except queue.Empty:
            return "empty"

    assert outcomes(program) == {1, "empty"}


def test_get_nowait_is_get_without_block():
    def program():
        items = queue.SimpleQueue()
        threading.Thread(target=items.put, args=(1,)).start()
        try:
            return items.get_nowait()
        except queue.Empty:
            return "empty"

    assert outcomes(program) == {1, "empty"}


@pytest.mark.parametrize("put", ["put_nowait", "put without block"])
def test_put_without_block_finds_the_queue_full_or_not(put):
    def program():
        items = queue.Queue(1)
        items.put(1)
        threading.Thread(target=items.get).start()
        try:
            if put == "put_nowait":
                items.put_nowait(2)
            else:
                items.put(2, False)
        except queue.Full:
            return "full"
        return "put"

    assert outcomes(program) == {"put", "full"}


def test_a_failed_put_leaves_the_queue_as_it_was():
    def program():
        items = queue.Queue(1)
        items.put(1)
        with pytest.raises(queue.Full):
            items.put_nowait(2)
        return items.qsize(), items.unfinished_tasks, items.get()

    assert outcomes(program) == {(1, 1, 1)}


@pytest.mark.parametrize("kind", ["Queue", "SimpleQueue"])
def test_a_timed_get_gets_or_expires_while_the_put_is_to_come(kind):
    def program():
        items = getattr(queue, kind)()
        thread = threading.Thread(target=items.put, args=(1,))
        thread.start()
        try:
            return items.get(timeout=1)
        except queue.Empty:
            return "empty"

    assert outcomes(program) == {1, "empty"}


def test_a_timed_get_never_expires_when_there_is_an_item():
    def program():
        items = queue.Queue()
        items.put(1)
        threading.Thread(target=lambda: None).start()
        return items.get(timeout=0)

    assert outcomes(program) == {1}


def test_a_timed_get_in_idle_time_gets_the_item_that_comes_before_its_deadline():
    def program(delay):
        items = queue.Queue()

        def produce():
            time.sleep(delay)
            items.put(1)

        threading.Thread(target=produce).start()
        try:
            return items.get(timeout=2)
        except queue.Empty:
            return "empty"

    assert outcomes(lambda: program(1), time="idle") == {1}
    assert outcomes(lambda: program(3), time="idle") == {"empty"}


def test_an_expired_get_moves_the_clock_by_its_timeout():
    def program():
        before = time.monotonic()
        with pytest.raises(queue.Empty):
            queue.Queue().get(timeout=2.5)
        return time.monotonic() - before

    assert outcomes(program) == {2.5}


def test_a_timed_put_puts_or_expires_while_room_is_to_come():
    def program():
        items = queue.Queue(1)
        items.put(1)
        threading.Thread(target=items.get).start()
        try:
            items.put(2, timeout=1)
        except queue.Full:
            return "full"
        return "put"

    assert outcomes(program) == {"put", "full"}


@pytest.mark.parametrize("kind", ["Queue", "SimpleQueue"])
def test_get_refuses_a_negative_timeout(kind):
    def program():
        items = getattr(queue, kind)()
        items.put(1)
        with pytest.raises(ValueError, match="'timeout' must be a non-negative number"):
            items.get(timeout=-1)
        return items.qsize()

    assert outcomes(program) == {1}


def test_get_without_block_ignores_the_timeout():
    def program():
        items = queue.Queue()
        items.put(1)
        return items.get(False, -1)

    assert outcomes(program) == {1}


def test_put_refuses_a_negative_timeout_where_there_is_a_bound():
    def program():
        items = queue.Queue(5)
        with pytest.raises(ValueError, match="'timeout' must be a non-negative number"):
            items.put(1, timeout=-1)
        return items.qsize()

    assert outcomes(program) == {0}


def test_put_never_looks_at_the_timeout_where_there_is_no_bound():
    def program():
        items = queue.Queue()
        items.put(1, timeout=-1)
        return items.qsize()

    assert outcomes(program) == {1}


def test_get_from_an_empty_queue_for_ever_is_a_deadlock():
    report = interleave.check(lambda: queue.Queue().get())

    assert [failure.kind for failure in report.failures] == ["deadlock"]
    assert "an item in Queue#1 (empty)" in report.failures[0].message


def test_put_into_a_full_queue_for_ever_is_a_deadlock():
    def program():
        items = queue.Queue(1)
        items.put(1)
        items.put(2)

    (failure,) = interleave.check(program).failures

    assert failure.kind == "deadlock"
    assert "room in Queue#1 (full, maxsize 1)" in failure.message


def test_two_getters_for_one_item_deadlock_in_every_schedule():
    def program():
        items = queue.Queue()
        in_threads(items.get, items.get, lambda: items.put(1))

    report = interleave.check(program, keep_going=True)

    assert report.executions == 0
    assert report.blocked > 1
    assert {failure.kind for failure in report.failures} == {"deadlock"}


def test_a_size_seen_from_outside_is_any_size_on_the_way():
    def program():
        items = queue.Queue(2)

        def produce():
            items.put(1)
            items.put(2)

        threading.Thread(target=produce).start()
        return items.qsize()

    assert outcomes(program) == {0, 1, 2}


def test_empty_and_full_see_each_state_on_the_way():
    def program():
        items = queue.Queue(1)
        thread = threading.Thread(target=items.put, args=(1,))
        thread.start()
        seen = items.empty(), items.full()
        thread.join()
        return seen, (items.empty(), items.full())

    assert outcomes(program) == {
        ((True, False), (False, True)),
        ((True, True), (False, True)),  # the put came between the two looks
        ((False, True), (False, True)),
    }


def test_join_waits_until_every_item_is_done():
    def program():
        items = queue.Queue()
        done = []

        def consume():
            for _ in range(2):
                item = items.get()
                done.append(item)
                items.task_done()

        threading.Thread(target=consume, daemon=True).start()
        items.put(1)
        items.put(2)
        items.join()
        return tuple(done)

    assert outcomes(program) == {(1, 2)}


def test_join_returns_at_once_when_nothing_was_put():
    def program():
        queue.Queue().join()
        return "joined"

    assert outcomes(program) == {"joined"}


def test_join_without_task_done_is_a_deadlock():
    def program():
        items = queue.Queue()
        items.put(1)
        items.get()
        items.join()

    (failure,) = interleave.check(program).failures

    assert failure.kind == "deadlock"
    assert "task_done() for 1 items of Queue#1 (join)" in failure.message


def test_task_done_too_often_is_misuse():
    def program():
        items = queue.Queue()
        items.put(1)
        items.task_done()
        items.task_done()

    (failure,) = interleave.check(program).failures

    assert failure.kind == "misuse"
    assert failure.message == "ValueError: task_done() called too many times"


def test_task_done_too_often_can_be_caught_as_in_cpython():
    def program():
        with pytest.raises(ValueError, match="task_done"):
            queue.Queue().task_done()
        return "caught"

    assert outcomes(program) == {"caught"}


def test_after_the_check_queues_are_real_again():
    interleave.check(lambda: queue.Queue().put(1))

    items = queue.Queue()
    items.put(1)

    assert "mutex" in vars(items)
    assert type(queue.SimpleQueue()).__module__ == "_queue"


@pytest.mark.skipif(not SHUTDOWN, reason="Queue.shutdown came with Python 3.13")
class TestShutdown:
    def test_a_waiting_get_is_ended_by_shutdown(self):
        def program():
            items = queue.Queue()
            got = []

            def consume():
                try:
                    got.append(items.get())
                except queue.ShutDown:
                    got.append("shut down")

            in_threads(consume, items.shutdown)
            return got[0]

        assert outcomes(program) == {"shut down"}

    def test_a_waiting_put_is_ended_by_shutdown(self):
        def program():
            items = queue.Queue(1)
            items.put(1)
            got = []

            def produce():
                try:
                    items.put(2)
                except queue.ShutDown:
                    got.append("shut down")

            in_threads(produce, items.shutdown)
            return got[0]

        assert outcomes(program) == {"shut down"}

    def test_what_is_left_can_be_taken_after_shutdown(self):
        def program():
            items = queue.Queue()
            items.put(1)
            items.shutdown()
            first = items.get()
            with pytest.raises(queue.ShutDown):
                items.get_nowait()
            with pytest.raises(queue.ShutDown):
                items.put(2)
            return first

        assert outcomes(program) == {1}

    def test_put_races_with_shutdown(self):
        def program():
            items = queue.Queue()
            threading.Thread(target=items.shutdown).start()
            try:
                items.put(1)
            except queue.ShutDown:
                return "shut down"
            return "put"

        assert outcomes(program) == {"put", "shut down"}

    def test_shutting_down_at_once_throws_items_away_and_ends_join(self):
        def program():
            items = queue.Queue()
            items.put(1)
            items.put(2)
            threading.Thread(target=items.shutdown, kwargs={"immediate": True}).start()
            items.join()
            return items.qsize(), items.unfinished_tasks, items.is_shutdown

        assert outcomes(program) == {(0, 0, True)}
