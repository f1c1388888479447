"""`queue`: complete outcome sets, worked out from Lib/queue.py."""

import queue
import sys
import threading
import time

import pytest

import interleave

SHUTDOWN = sys.version_info >= (3, 13)


def outcomes(program, **options):
    report = interleave.check(program, **options)
    assert report.verdict == "pass", str(report)
    assert report.exhaustive
    return set(report.outcomes)


def in_threads(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


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


SIMPLE_EARLY = queue.SimpleQueue()
SIMPLE_EARLY.put("early")


def test_a_simple_queue_from_before_the_check_begins_each_execution_as_it_was():
    def program():
        in_threads(lambda: SIMPLE_EARLY.put("a"), lambda: SIMPLE_EARLY.put("b"))
        return tuple(SIMPLE_EARLY.get() for _ in range(3))

    assert outcomes(program) == {("early", "a", "b"), ("early", "b", "a")}
    assert SIMPLE_EARLY.qsize() == 1


def test_a_subclass_of_simple_queue_may_take_arguments():
    def program():
        class Named(queue.SimpleQueue):
            def __init__(self, name):
                super().__init__()
                self.name = name

        named = Named("x")
        named.put(1)
        return named.name, named.get()

    assert outcomes(program) == {("x", 1)}


def test_a_simple_queue_shows_as_itself():
    def program():
        return queue.SimpleQueue.__name__, type(queue.SimpleQueue()).__name__

    assert outcomes(program) == {("SimpleQueue", "SimpleQueue")}


def test_a_simple_queue_from_inside_the_check_used_afterwards_is_refused():
    kept = []

    def program():
        kept[:] = [queue.SimpleQueue()]

    interleave.check(program)

    with pytest.raises(interleave.InterleaveError, match="belongs to a checked program"):
        kept[0].put(1)


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
