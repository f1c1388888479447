"""The timeline of a failure is short, and shows whatever is said of the failure."""

import threading
from dataclasses import replace

from side_by_side import in_threads

import interleave
from interleave.core.trace import Event, Touch
from interleave.report import mermaid
from interleave.report.timeline import interesting, timeline


class Box:
    def __init__(self):
        self.value = 0

    def add(self):
        self.value += 1


def failure_of(program, **options):
    return interleave.check(program, **options).failures[0]


def told(failure):
    """Return who did what, in order, as far as the timeline of a check shows it."""
    found = interesting(failure.events, failure.waiting, failure.needed)
    events = [failure.events[at] for at in found]
    return [
        f"{event.task} {event.kind}s {event.touches[0].name} = {event.touches[0].value}"
        if event.is_access
        else f"{event.task} {event.kind}s"
        for event in events
    ]


def accesses(count, task="main.0"):
    """Return a start, and so many reads of a place that both tasks use."""
    place = Touch("Box#1.value", writes=True, value="0", owner="Box#1")
    read = Event(task, "use Box#1.value", None, preempted=False, kind="use", touches=(place,))
    start = Event("main", "start main.0", None, preempted=False, kind="start")
    return (start, *[read] * count, replace(read, task="main"))


def test_what_main_does_between_a_start_and_a_begin_is_shown():
    def program():
        box = Box()
        thread = threading.Thread(target=box.add)
        thread.start()
        box.add()
        thread.join()
        assert box.value == 2

    failure = failure_of(program)

    assert failure.sentence == (
        "lost update: main and main.0 both read Box#1.value = 0 before either wrote it"
    )
    assert told(failure) == [
        "main reads Box#1.value = 0",
        "main.0 reads Box#1.value = 0",
        "main.0 writes Box#1.value = 1",
        "main.0 ends",
        "main writes Box#1.value = 1",
        "main reads Box#1.value = 1",
    ]
    lines = [text for _, text in timeline(failure.events, width=100, short=True)]
    assert [line.split() for line in lines[2:3]] == [
        ["!", "preempted", "before", "write", "Box#1.value"]
    ]


def test_what_main_does_there_is_shown_even_where_the_sentence_does_not_name_it():
    def program():
        box, ready = Box(), threading.Event()
        thread = threading.Thread(target=lambda: ready.wait() and box.add())
        thread.start()
        box.value = 5
        ready.set()
        thread.join()
        assert box.value == 1

    assert "main writes Box#1.value = 5" in told(failure_of(program))


def test_a_main_that_only_starts_and_joins_threads_has_a_short_timeline():
    def program():
        box = Box()
        in_threads(box.add, box.add)
        assert box.value == 2

    assert told(failure_of(program)) == [
        "main.0 reads Box#1.value = 0",
        "main.1 reads Box#1.value = 0",
        "main.1 writes Box#1.value = 1",
        "main.1 ends",
        "main.0 writes Box#1.value = 1",
        "main.0 ends",
        "main reads Box#1.value = 1",
    ]


def test_a_lock_that_was_taken_before_any_start_is_shown_where_the_sentence_says_who_holds_it():
    def program():
        box, lock = Box(), threading.Lock()
        lock.acquire()

        def add():
            box.add()
            with lock:
                pass

        thread = threading.Thread(target=add)
        thread.start()
        box.add()
        thread.join()

    failure = failure_of(program)

    assert failure.sentence == (
        "deadlock: main waits for main.0 to end (join), and main.0 waits for Lock#1, which main "
        "holds"
    )
    assert told(failure)[0] == "main acquires"


def test_what_is_said_to_decide_is_shown_whatever_it_is():
    def program():
        order = []
        in_threads(lambda: order.append(1), lambda: order.append(2))
        assert order == [1, 2]

    failure = failure_of(program, granularity="sync")
    first, second = failure.contrast.at

    assert failure.needed == {first, second}
    assert {f"{failure.events[at].task} begins" for at in (first, second)} <= set(told(failure))


def test_a_needed_event_is_not_folded_into_a_loop():
    events = accesses(9)

    def lines(*needed):
        found = timeline(events, needed=frozenset(needed), width=100, short=True)
        return " ".join(" ".join(text for _, text in found).split())

    assert lines().count("use Box#1.value") == 2  # the loop, and what main does
    assert "(this step 8 times more)" in lines()
    assert lines(5).count("use Box#1.value") == 4
    assert lines(5).count("(this step 3 times more)") == 2


def test_a_needed_event_is_not_cut_out_of_a_long_timeline():
    start, read, _ = accesses(1)
    turns = [
        replace(
            read,
            task=f"main.{at % 2}",
            what=f"use {at}",
            touches=(replace(read.touches[0], value=f"{at}"),),
        )
        for at in range(99)
    ]
    events = (start, *turns)

    def lines(*needed):
        return [
            text.strip()
            for _, text in timeline(events, needed=frozenset(needed), width=100, short=True)
        ]

    assert "use Box#1.value = 49" not in lines()
    assert "... 59 lines left out (--format json has all events) ..." in lines()
    found = lines(50)
    at = found.index("use Box#1.value = 49")
    assert found[at - 1] == "... 39 lines left out (--format json has all events) ..."
    assert found[at + 1] == "... 19 lines left out (--format json has all events) ..."
    assert len(found) == len(lines()) + 2


def test_a_needed_event_is_not_cut_out_of_a_long_diagram(monkeypatch):
    def program():
        box = Box()
        in_threads(box.add, box.add)
        assert box.value == 2

    monkeypatch.setattr(mermaid, "_MANY_EVENTS", 2)
    drawn = mermaid.render(interleave.check(program))

    assert "%% 1 of the earlier events are left out" in drawn  # the end of main.1
    assert drawn.count("(decides)") == 2
    assert drawn.count("Note over t1: read") == drawn.count("Note over t2: read") == 1
