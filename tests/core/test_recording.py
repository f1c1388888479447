"""What is told of a recorded execution: values, places, locks, reasons; and it stays the same."""

import queue
import threading
import time

from side_by_side import in_threads

import interleave
from interleave.core.program import from_callable
from interleave.session import session
from interleave.settings import Settings
from interleave.strategies.random_walk import RandomWalk


class Counter:
    def __init__(self):
        self.value = 0

    def add(self):
        self.value += 1


def recorded(program, **options):
    """Return the events of the first execution."""
    options = {"strategy": "dfs", "granularity": "memory", "executions": 1} | options
    (outcome,) = interleave.check(program, **options).outcomes.values()
    return interleave.replay(program, outcome.schedule).events


def accesses(events, name):
    return [
        (event.task, event.kind, touch.value)
        for event in events
        for touch in event.touches[:1]
        if touch.name == name
    ]


def test_a_read_tells_what_was_read_and_a_write_what_is_there_then():
    def program():
        counter = Counter()
        in_threads(counter.add, counter.add)

    assert accesses(recorded(program), "Counter#1.value") == [
        ("main.0", "read", "0"),
        ("main.0", "write", "1"),
        ("main.1", "read", "1"),
        ("main.1", "write", "2"),
    ]


def test_the_value_of_the_last_write_of_a_task_is_told_although_it_ends_then():
    def program():
        box = Counter()

        def fill():
            box.value = "full"

        in_threads(fill)

    assert accesses(recorded(program), "Counter#1.value") == [("main.0", "write", "'full'")]


def test_the_write_before_an_exception_is_told():
    def program():
        box = Counter()

        def fill():
            box.value = 1
            raise KeyError

        in_threads(fill)

    (failure,) = interleave.check(program, granularity="memory").failures
    assert accesses(failure.events, "Counter#1.value") == [("main.0", "write", "1")]


def test_what_a_class_holds_is_told_where_the_object_has_none():
    class Default:
        value = 7

    def program():
        item = Default()

        def change():
            item.value += 1

        in_threads(change)

    found = [event for event in recorded(program) if event.is_access and event.task == "main.0"]
    assert [event.touches[0].value for event in found] == ["7", "8"]


def test_slots_variables_globals_and_items_have_values():
    class Slotted:
        __slots__ = ("x",)

    def program():
        global shared
        item, table, shared = Slotted(), {"k": 1}, "old"
        item.x = 1
        local = 1

        def change():
            nonlocal local
            global shared
            item.x = 2
            local = 3
            shared = "new"
            table["k"] = 4
            del table["k"]

        in_threads(change)

    written = [
        (event.touches[0].name, event.touches[0].value)
        for event in recorded(program)
        if event.kind == "write"
    ]
    assert written == [
        ("Slotted#1.x", "2"),
        ("variable local", "3"),
        (f"{__name__}.shared", "'new'"),
        ("dict#main.0.1['k']", "4"),
        ("dict#main.0.1['k']", None),
    ]


def test_an_object_made_in_a_constructor_comes_from_the_line_that_called_it():
    def program():
        counter = Counter()
        log = []

        def work():
            counter.add()
            log.append(1)

        in_threads(work)

    origins = {
        touch.owner: touch.origin
        for event in recorded(program)
        for touch in event.touches
        if touch.owner is not None
    }
    line = program.__code__.co_firstlineno
    counter, log = origins["Counter#1"], origins["list#main.0.1"]
    assert (counter.made, counter.place.line, counter.alias) == (True, line + 1, None)
    assert (log.made, log.place.line, log.alias) == (False, line + 6, "log")


def test_what_an_attribute_holds_is_called_by_it():
    class Shop:
        def __init__(self):
            self.sold = []

        def sell(self):
            self.sold.append(1)

    def program():
        in_threads(Shop().sell)

    aliases = [
        touch.origin.alias
        for event in recorded(program)
        for touch in event.touches
        if touch.name == "list#main.0.1"
    ]
    assert aliases == ["Shop.sold"]


def test_locks_are_held_from_the_event_that_takes_them_to_the_one_that_gives_them_back():
    def program():
        one, two = threading.Lock(), threading.RLock()
        with one:
            with two:
                time.sleep(0)
            time.sleep(0)
        time.sleep(0)

    assert [(event.what, event.holds) for event in recorded(program, granularity="sync")] == [
        ("begin", ()),
        ("acquire Lock#1", ("Lock#1",)),
        ("acquire RLock#1", ("Lock#1", "RLock#1")),
        ("sleep", ("Lock#1", "RLock#1")),
        ("release RLock#1", ("Lock#1",)),
        ("sleep", ("Lock#1",)),
        ("release Lock#1", ()),
        ("sleep", ()),
        ("exit", ()),
    ]


def test_each_switch_has_its_reason():
    def program():
        lock = threading.Lock()
        with lock:
            thread = threading.Thread(target=lock.acquire)
            thread.start()
            time.sleep(0)
            time.sleep(1)
        thread.join()

    reasons = {
        (event.switch.task, event.switch.reason, event.switch.detail, event.switch.holds)
        for number in range(20)
        for event in interleave.replay(program, seed=f"1:{number}", granularity="sync").events
        if event.switch is not None
    }
    assert reasons == {
        ("main", "preempted", "sleep", ("Lock#1",)),
        ("main", "preempted", "release Lock#1", ("Lock#1",)),
        ("main", "waits", "sleep 1 s", ("Lock#1",)),
        ("main", "waits", "main.0 to end (join)", ()),
        ("main.0", "waits", "Lock#1", ()),
        ("main.0", "ended", "", ()),
    }


def test_a_timed_wait_that_could_expire_waits_and_yet_counts_as_a_preemption():
    def program():
        lock = threading.Lock()
        lock.acquire()
        thread = threading.Thread(target=lambda: lock.acquire(timeout=1))
        thread.start()
        time.sleep(0)
        thread.join()

    switches = [
        (event.switch.task, event.switch.reason, event.preempted)
        for number in range(20)
        for event in interleave.replay(program, seed=f"1:{number}", granularity="sync").events
        if event.switch is not None and event.switch.detail == "Lock#1"
    ]
    assert set(switches) == {("main.0", "waits", True)}


class Talkative:
    """Its representation is code with operations of its own."""

    def __init__(self):
        self.shown = 0

    def __repr__(self):
        self.shown += 1
        return f"shown {self.shown} times"


def test_a_representation_with_operations_of_its_own_adds_no_events():
    def program():
        items = queue.Queue()
        in_threads(lambda: items.put(Talkative()))
        assert items.get().shown == 1

    report = interleave.check(program, granularity="memory", strategy="dfs")

    assert report.verdict == "fail"
    assert [event.what for event in report.failures[0].events if "Queue" in event.what] == [
        "put <Talkative> into Queue#1",
        "get Queue#1 -> <Talkative>",
    ]


def test_recording_keeps_no_object_alive():
    """A variable that is bound anew lets go of its object at once, in a recorded execution too."""

    def program():
        event = threading.Event()

        class Signalling:
            def __del__(self):
                event.set()

        def work():
            held = Signalling()
            log = []
            log.append(1)
            held = None
            time.sleep(0)
            return held

        in_threads(work, lambda: time.sleep(0))

    settings = Settings.of({"granularity": "memory", "strategy": "random"})
    with session(from_callable(program), settings) as opened:
        for number in range(10):
            plain = opened.execute(RandomWalk(1, number))
            told = opened.record(plain.choices)
            assert told.digest() == plain.digest()


def test_recording_leaves_alone_what_the_program_gets_from_locals():
    def program():
        seen = []

        def work():
            log, before = [], locals()
            log.append(1)
            later = log
            seen.append((sorted(before), later))

        in_threads(work)
        return seen[0][0]

    settings = Settings.of({"granularity": "memory"})
    with session(from_callable(program), settings) as opened:
        plain = opened.execute(RandomWalk(1))
        told = opened.record(plain.choices)

    assert told.ending == plain.ending
    assert told.digest() == plain.digest()
