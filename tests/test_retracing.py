"""A schedule replays by names after an edit; where it cannot, both sides are shown."""

import re
import textwrap
from dataclasses import replace

import pytest

import interleave

HEAD = """
import queue, threading, time
from concurrent.futures import ThreadPoolExecutor, wait
#top
class Tally:
    def __init__(self):
        self.n = 0
        self.other = 0
        #init

def both(*targets):
    threads = [threading.Thread(target=target) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""

PROGRAMS = {
    "lost update": """
        def program():
            #main
            tally = Tally()
            #made
            def add():
                #work
                seen = tally.n
                #between
                tally.n = seen + 1
                #done
            both(add, add)
            return tally.n
        """,
    "check, then act": """
        def program():
            #main
            cache = {}
            made = []
            #made
            def load():
                #work
                if "key" not in cache:
                    #between
                    cache["key"] = len(made)
                    made.append(1)
                #done
            both(load, load)
            return made, cache
        """,
    "deadlock": """
        def program():
            #main
            first = threading.Lock()
            second = threading.Lock()
            #made
            def forth():
                #work
                with first:
                    #between
                    with second:
                        pass
                #done
            def back():
                with second:
                    with first:
                        pass
            both(forth, back)
        """,
    "lost wake-up": """
        def program():
            #main
            ready = threading.Condition()
            #made
            def wait():
                #work
                with ready:
                    #between
                    ready.wait()
                #done
            def tell():
                with ready:
                    ready.notify()
            both(wait, tell)
        """,
    "order of a queue": """
        def program():
            #main
            items = queue.Queue()
            #made
            def put(item):
                #work
                items.put(item)
                #between
                time.sleep(0)
                #done
            both(lambda: put(1), lambda: put(2))
            return [items.get() for _ in range(2)]
        """,
    "values and time": """
        def program():
            #main
            told = threading.Event()
            found = []
            #made
            def wait():
                #work
                found.append(told.wait(1))
                #between
                found.append(interleave.choose([1, 2]))
                #done
            both(wait, told.set)
            return found
        """,
    "a pool": """
        def program():
            #main
            tally = Tally()
            #made
            def add():
                #work
                seen = tally.n
                #between
                tally.n = seen + 1
                #done
            with ThreadPoolExecutor(2) as pool:
                futures = [pool.submit(add) for _ in range(2)]
            return tally.n
        """,
}

EDITS = {
    "a comment": {"#work": "# nothing", "#top": "# nothing\n\n\n"},
    "prints": {"#work": "print(end='')", "#between": "print(end='')", "#main": "print(end='')"},
    "an access of its own": {"#work": "mine = Tally()\nmine.n += 1"},
    "another attribute": {"#init": "self.more = 1", "#made": "spare = Tally()\nspare.other += 1"},
    "an object of the same class, made before": {"#main": "spare = Tally()\nspare.n = 3"},
    "a lock, made before and used by main": {
        "#main": "spare = threading.Lock()\nwith spare:\n    pass"
    },
    "a lock that the workers take": {
        "#main": "spare = threading.Lock()",
        "#between": "with spare:\n    pass",
    },
    "containers": {"#main": "spare = {}\nspare['key'] = []\nspare['key'].append(2)"},
    "a variable that is shared": {
        "#main": "shared = [0]",
        "#work": "shared[0] += 1",
        "#done": "shared[0] -= 1",
    },
    "a sleep": {"#done": "time.sleep(0)"},
    "a thread of main's own, last": {
        "#done": "threading.Thread(target=len, args=((),)).start()",
    },
}


def text_of(name, edit=None):
    """Return a program's source, with an edit put in."""
    text = "import interleave\n" + HEAD + textwrap.dedent(PROGRAMS[name])
    lines = []
    for line in text.splitlines():
        mark = line.strip()
        if edit and mark in edit:
            indent = line[: len(line) - len(line.lstrip())]
            lines += [indent + new for new in edit[mark].splitlines()]
        elif not mark.startswith("#"):
            lines.append(line)
    return "\n".join(lines)


@pytest.fixture
def load(tmp_path):
    """Return what writes a program to the same file again and again, and runs that."""

    def program(text):
        path = tmp_path / "edited.py"
        path.write_text(text)
        names = {"__name__": "edited", "__file__": str(path)}
        exec(compile(text, str(path), "exec"), names)
        return names["program"]

    return program


def replay(program, token):
    """Replay without looking for data races: the only warnings are those about the schedule."""
    return interleave.replay(program, token, races=False)


def shown(report):
    """Return what executions have come to, without the numbers of locks, which edits may move."""
    return [
        *(("returned", value) for value in report.outcomes),
        *((failure.kind, re.sub(r"#\d+", "", failure.message)) for failure in report.failures),
    ]


QUICK = [
    (name, [edit for column, edit in enumerate(EDITS) if (row + column) % 4 == 0])
    for row, name in enumerate(PROGRAMS)
]
"""By default each edit is tried with one or two programs; the slow run tries all of them."""
SLOW = [
    pytest.param(name, [edit for edit in EDITS if edit not in quick], marks=pytest.mark.slow)
    for name, quick in QUICK
]


@pytest.mark.parametrize(("name", "edits"), QUICK + SLOW)
def test_every_schedule_of_a_program_replays_after_an_edit(load, name, edits):
    report = interleave.check(load(text_of(name)), keep_going=True)
    assert report.exhaustive
    wanted = shown(report)
    items = [*report.outcomes.values(), *report.failures]
    assert len(items) > 1

    for edit in edits:
        edited = load(text_of(name, EDITS[edit]))
        replays = [replay(edited, item.schedule.token) for item in items]

        found = [what for again in replays for what in shown(again)]
        assert found == wanted, edit
        kinds = {warning.kind for again in replays for warning in again.warnings}
        assert kinds <= {"replayed-by-names"}
        # What the replay prints is a schedule of the program as it is now.
        (item,) = [*replays[-1].outcomes.values(), *replays[-1].failures]
        strictly = replay(edited, item.schedule.token)
        assert strictly.warnings == ()
        assert shown(strictly) == shown(replays[-1])


def test_a_replay_by_names_says_so_and_a_strict_one_does_not(load):
    report = interleave.check(load(text_of("lost update")))
    token = report.outcomes[1].schedule.token
    same = load(text_of("lost update", EDITS["prints"]))
    other = load(text_of("lost update", SHARING))

    assert replay(same, token).warnings == ()
    (warning,) = replay(other, token).warnings

    assert warning.kind == "replayed-by-names"
    assert warning.message == (
        "the program has changed since the schedule was recorded: it was replayed by the names of "
        "its operations (switches found again: all of 1)"
    )


SHARING = EDITS["a variable that is shared"]
MORE = ("seen = tally.n", "time.sleep(0); seen = tally.n")

BREAKING = {
    "an attribute has another name": (
        "lost update",
        1,
        [MORE, ("tally.n = seen", "tally.m = seen")],
        (
            "at switch 1 of 1|"
            "  expected: from the beginning, main.0 is about to 'write .n', and main.1 goes on|"
            "  actual: from the beginning, main.0 did: begin main.0, sleep (edited.py:20), "
            "read Tally#1.n (edited.py:20), write Tally#1.m (edited.py:21), end main.0; "
            "the program returned 0"
        ),
    ),
    "the object is made elsewhere": (
        "lost update",
        1,
        [MORE, ("tally = Tally()", "tally = [Tally()][0]")],
        "main.0 is about to 'write .n', and main.1 goes on",
    ),
    "a thread is gone": (
        "lost update",
        1,
        [("both(add, add)", "both(add)")],
        (
            "write Tally#1.n (edited.py:21), end main.0; main.1 could not go on there (no other "
            "thread could)"
        ),
    ),
    "there are fewer values": (
        "values and time",
        [True, 2],
        [("choose([1, 2])", "choose([1])")],
        "  expected: after switch 1, main.0 chooses a value, and gets the one with index 1|",
    ),
    "a lock is gone": (
        "deadlock",
        "deadlock",
        [("with second:\n                pass", "time.sleep(0)")],
        "main.0 is about to 'acquire Lock', and main.1 goes on|",
    ),
}


@pytest.mark.parametrize("name", BREAKING)
def test_an_edit_that_breaks_a_schedule_is_told_with_both_sides(load, name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    program, value, edits, told = BREAKING[name]
    text = edited = text_of(program)
    for old, new in edits:
        assert old in edited
        edited = edited.replace(old, new)
    report = interleave.check(load(text), keep_going=True)
    item = report.failures[0] if value == "deadlock" else report.outcomes[value]

    with pytest.raises(interleave.ScheduleError) as caught:
        interleave.replay(load(edited), item.schedule)

    said = str(caught.value)
    assert said.startswith(
        "the schedule cannot be replayed, not by names either: the program has changed since, and "
        "leaves the road at switch"
    )
    assert told.replace("|", "\n") in said
    assert "\n  expected: " in said
    assert "\n  actual: " in said


def test_a_token_of_format_1_has_no_names_to_find_its_switches_by(load):
    report = interleave.check(load(text_of("lost update")))
    schedule = replace(report.outcomes[1].schedule, anchors=())
    edited = load(text_of("lost update", SHARING))

    with pytest.raises(interleave.ScheduleError, match="it has no names to find them by"):
        interleave.replay(edited, schedule)


def test_an_execution_that_goes_the_usual_way_needs_no_names(load):
    report = interleave.check(load(text_of("lost update")))
    schedule = report.outcomes[2].schedule
    assert schedule.choices == ()
    edited = load(text_of("lost update", SHARING))

    assert list(interleave.replay(edited, schedule.token).outcomes) == [2]


def test_a_program_that_is_not_deterministic_is_not_said_to_be_replayed(load):
    text = text_of("lost update")
    report = interleave.check(load(text))
    wild = text.replace("tally.n = seen + 1", "tally.n = seen + 1; tally.tick = next(clock)")
    wild = wild.replace("def program():", "clock = iter(range(9))\ndef program():")
    wild = wild.replace("return tally.n", "[tally.n for _ in range(tally.tick)]; return tally.n")

    with pytest.raises(interleave.ScheduleError):
        interleave.replay(load(wild), report.outcomes[1].schedule)


TWO_WRITES = """
import threading
class Tally:
    def __init__(self):
        self.n = 0
def program():
    tally = Tally()
    told, started = threading.Event(), threading.Event()
    def write():
        tally.n = 1
        #work
        tally.n = 2
    def read():
        seen.append(tally.n)
    seen = []
    writer, reader = threading.Thread(target=write), threading.Thread(target=read)
    writer.start()
    #main
    reader.start()
    #started
    writer.join()
    reader.join()
    return seen
"""


def test_a_switch_that_was_passed_by_is_not_made_at_the_next_operation_like_it(load):
    report = interleave.check(load(TWO_WRITES))
    schedule = report.outcomes[[0]].schedule
    assert [(anchor.words, anchor.nth) for anchor in schedule.anchors] == [("write .n", 1)]
    edited = TWO_WRITES.replace("#work", "told.set(); started.wait()")
    edited = edited.replace("#main", "told.wait()").replace("#started", "started.set()")

    with pytest.raises(interleave.ScheduleError) as caught:
        interleave.replay(load(edited), schedule)

    assert "main.1 could not go on there (no other thread could)" in str(caught.value)
