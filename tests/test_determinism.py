"""A program that something else than the schedule decides is noticed, and the cause is named."""

import datetime as dt
import inspect
import itertools
import os
import threading
import time
import uuid
from pathlib import Path

import pytest

import interleave

HITS = 0
SEEN = []
CACHE = None
COUNT = itertools.count()


class Shared:
    hits = 0

    def __init__(self):
        self.number = 0


SHARED = Shared()


def pausing(times):
    """Run two threads, of which one pauses so often."""

    def work():
        for _ in range(times() if callable(times) else times):
            time.sleep(0)

    threads = [threading.Thread(target=work), threading.Thread(target=time.sleep, args=(0,))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def counts_in_a_global():
    global HITS
    HITS += 1
    pausing(HITS % 2)


def fills_a_list():
    SEEN.append(1)
    pausing(len(SEEN) % 2)


def makes_something_once():
    global CACHE
    if CACHE is None:
        pausing(1)
        CACHE = object()
    pausing(1)


def counts_in_a_class():
    Shared.hits += 1
    pausing(Shared.hits % 2)


def counts_in_an_object():
    SHARED.number += 1
    pausing(SHARED.number % 2)


def takes_the_next_number():
    pausing(next(COUNT) % 2)


LEFTOVERS = {
    counts_in_a_global: "HITS was 0 before an execution and is 1 after it",
    fills_a_list: "SEEN was a list of 0 items before an execution and is a list of 1 item after it",
    makes_something_once: "CACHE was None before an execution and is another object after it",
    counts_in_a_class: "Shared.hits was 0 before an execution and is 1 after it",
    counts_in_an_object: "SHARED.number was 0 before an execution and is 1 after it",
    takes_the_next_number: "COUNT was count(0) before an execution and is count(1) after it",
}


@pytest.fixture(autouse=True)
def anew():
    global HITS, CACHE, COUNT
    HITS, CACHE, COUNT = 0, None, itertools.count()
    Shared.hits = SHARED.number = 0
    SEEN.clear()


@pytest.mark.parametrize("strategy", ["dfs", "random"])
@pytest.mark.parametrize("program", LEFTOVERS, ids=lambda program: program.__name__)
def test_state_that_is_left_over_is_named(program, strategy):
    report = interleave.check(program, strategy=strategy)

    assert report.verdict == "nondeterministic"
    assert report.executions == 1
    difference, *causes = report.reasons
    assert difference.startswith(
        "execution 0 and its repetition, with the same choices, part at event "
    )
    (cause,) = causes
    assert cause.startswith("likely cause: ")
    assert f".{LEFTOVERS[program]}: set it at the beginning" in cause


def test_the_first_event_that_differs_is_shown_as_it_was_and_as_it_is():
    report = interleave.check(fills_a_list, granularity="sync")

    assert report.reasons[0] == (
        "execution 0 and its repetition, with the same choices, part at event 5: before, main.0 "
        "did sleep; now, main.0 did end main.0"
    )


def asks_the_clock():
    pausing(dt.datetime.now(dt.UTC).microsecond % 5)


def asks_for_chance():
    pausing(uuid.uuid4().int % 5)


def asks_the_system():
    pausing(os.urandom(1)[0] % 5)


def asks_where_things_are():
    SEEN.append(bytearray(len(SEEN) * 64))
    pausing(id(SEEN[-1]) // 16 % 7)


class Thing:
    def __init__(self, number):
        self.number = number


def goes_through_a_set_of_objects():
    # What is kept moves the objects of the next execution elsewhere, and so their hashes.
    SEEN.append([Thing(-1) for _ in range(len(SEEN) * 7 + 1)])
    order = [thing.number for thing in {Thing(number) for number in range(12)}]
    pausing(order[0] % 5)


def test_the_order_of_a_set_of_objects_is_noticed():
    report = interleave.check(goes_through_a_set_of_objects, strategy="random", executions=10_000)

    assert report.verdict == "nondeterministic"
    assert "part at event " in report.reasons[0] or "end differently" in report.reasons[0]


def puts_what_a_set_says_into_the_outcome():
    junk = [Thing(-1) for _ in range(len(SEEN) * 7 % 100)]
    SEEN.append(junk)
    return tuple(thing.number for thing in {Thing(number) for number in range(12)})


def test_the_order_of_a_set_of_objects_is_among_the_causes_where_nothing_else_is_seen():
    try:
        report = interleave.check(
            puts_what_a_set_says_into_the_outcome, strategy="random", executions=10_000
        )
    finally:
        SEEN.clear()

    assert report.verdict == "nondeterministic"
    assert any("likely cause: " in reason for reason in report.reasons)


CALLS = {
    asks_the_clock: ("datetime.now()", "asks the real clock"),
    asks_for_chance: ("urandom()", "draws random numbers from the system"),
    asks_the_system: ("urandom()", "draws random numbers from the system"),
    asks_where_things_are: ("id()", "depends on where an object lies in memory"),
}


@pytest.mark.parametrize("program", CALLS, ids=lambda program: program.__name__)
def test_a_call_that_no_schedule_decides_is_named_with_its_line(program, monkeypatch):
    # A tracer, as for coverage, keeps the calls from being watched.
    import sys

    if sys.gettrace() is not None or sys.getprofile() is not None:
        pytest.skip("somebody else watches the calls")
    name, why = CALLS[program]

    report = interleave.check(program, strategy="random", executions=10_000)

    assert report.verdict == "nondeterministic"
    lines, first = inspect.getsourcelines(program)
    line = first + len(lines) - 1
    told = [reason for reason in report.reasons if name in reason]
    assert len(told) == 1
    assert f"likely cause: {name} at " in told[0]
    assert f"test_determinism.py:{line} {why}" in told[0]


def test_an_outcome_that_is_another_each_time_is_noticed_though_the_events_are_the_same():
    def program():
        pausing(1)
        return uuid.uuid4()

    report = interleave.check(program, granularity="sync")

    assert report.verdict == "nondeterministic"
    assert "and its repetition have the same 13 events and end differently: " in report.reasons[0]
    assert "before, the program returned UUID(" in report.reasons[0]


def test_a_failure_that_is_another_each_time_is_noticed():
    def program():
        pausing(1)
        raise ValueError(uuid.uuid4())

    report = interleave.check(program, keep_going=True)

    assert report.verdict == "nondeterministic"
    assert "before, the program raised ValueError in main" in report.reasons[0]


def test_one_that_changes_later_is_noticed_by_the_executions_that_are_repeated_now_and_then():
    def program():
        SEEN.append(1)
        pausing(1 if len(SEEN) < 1_000 else len(SEEN) % 2)

    report = interleave.check(program, strategy="random", executions=5_000)

    assert report.verdict == "nondeterministic"
    assert report.executions == 1_000


def test_state_that_grows_without_an_effect_is_warned_of():
    def program():
        SEEN.append(1)
        pausing(1)

    report = interleave.check(program, strategy="random", executions=20)

    assert report.verdict == "pass"
    (warning,) = report.warnings
    assert warning.kind == "leaked-state"
    assert "SEEN was a list of 0 items before an execution and is a list of 1 item" in (
        warning.message
    )


@pytest.mark.parametrize("made", [list, object, int])
def test_what_the_program_makes_anew_each_time_is_not_left_over(made):
    def program():
        global CACHE
        CACHE = made()
        pausing(1)

    report = interleave.check(program, strategy="random", executions=20)

    assert (report.verdict, report.warnings) == ("pass", ())


def test_objects_that_show_their_address_are_no_difference():
    def program():
        pausing(1)
        return object()

    assert interleave.check(program, strategy="random", executions=20).verdict == "pass"


def test_values_that_are_equal_are_no_difference():
    class Equal:
        def __init__(self):
            SEEN.append(1)
            self.number = len(SEEN)

        def __repr__(self):
            return f"Equal({self.number})"

        def __eq__(self, other):
            return True

        __hash__ = None

    assert interleave.check(Equal, strategy="random", executions=20).verdict == "pass"


def test_the_current_folder_that_an_execution_has_left_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inside").mkdir()

    def program():
        os.chdir("inside")

    report = interleave.check(program, keep_going=True)

    assert report.verdict == "nondeterministic"
    assert any(
        reason.startswith("likely cause: the current folder was ") for reason in report.reasons
    )
    assert Path.cwd() == tmp_path


# -- fresh ----------------------------------------------------------------------------------------

LEAKY = """
import threading, time
import beside

HITS = []
LOCK = threading.Lock()

def work():
    with LOCK:
        HITS.append(1)
        beside.COUNT += 1

def program():
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(HITS), beside.COUNT

class Group:
    @staticmethod
    def member():
        return program()
"""


@pytest.fixture
def leaky(tmp_path, monkeypatch):
    (tmp_path / "leaky.py").write_text(LEAKY)
    (tmp_path / "beside.py").write_text("COUNT = 0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(__import__("sys").modules)
    yield str(tmp_path / "leaky.py")
    for name in set(__import__("sys").modules) - before:
        if name in ("leaky", "beside"):
            del __import__("sys").modules[name]


@pytest.mark.parametrize("name", ["program", "Group.member"])
@pytest.mark.parametrize("granularity", ["sync", "memory"])
def test_with_fresh_modules_each_execution_begins_as_the_first(leaky, name, granularity):
    report = interleave.check(
        f"{leaky}:{name}",
        fresh=True,
        strategy="random",
        executions=20,
        granularity=granularity,
    )

    assert set(report.outcomes) == {(2, 2)}
    assert (report.verdict, report.warnings) == ("pass", ())


def test_without_them_it_does_not(leaky):
    assert interleave.check(f"{leaky}:program").verdict == "nondeterministic"


def test_the_modules_of_before_are_back_afterwards(leaky):
    import sys

    import leaky as before

    beside = sys.modules["beside"]
    interleave.check("leaky:program", fresh=True)

    assert sys.modules["leaky"] is before
    assert sys.modules["beside"] is beside
    assert (before.HITS, beside.COUNT) == ([], 0)


def test_a_schedule_of_a_fresh_program_is_replayed_fresh(leaky):
    report = interleave.check(f"{leaky}:program", fresh=True, expect="outcome != (2, 2)")
    (failure,) = report.failures

    assert report.replay_options[:1] == ("--fresh",)
    again = interleave.replay(f"{leaky}:program", failure.schedule, fresh=True)
    assert set(again.outcomes) == {(2, 2)}


def test_what_no_import_leads_to_cannot_be_made_fresh():
    def inner():
        pass

    with pytest.raises(interleave.UsageError, match="cannot be made fresh: it is made by code"):
        interleave.check(inner, fresh=True)
    with pytest.raises(interleave.UsageError, match="cannot be made fresh: it is made by code"):
        interleave.check(lambda: 1, fresh=True)
