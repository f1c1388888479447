"""Failures that the GIL hides, and the setting `atomicity` wherever it is given."""

import json
import sys
import threading

import pytest
from click.testing import CliRunner

import interleave
from interleave import hidden
from interleave.cli import main
from interleave.errors import ScheduleError, UsageError
from interleave.report.as_json import as_object


class Counter:
    def __init__(self):
        self.value = 0

    def add(self):
        self.value += 1

    def compute(self):
        self.value = increased(self.value)


def increased(value):
    return value + 1


def in_two_threads(name):
    counter = Counter()
    threads = [threading.Thread(target=getattr(counter, name)) for _ in range(2)]
    threads[0].start()
    threads[1].start()
    threads[0].join()
    threads[1].join()
    return counter.value


def adding():
    assert in_two_threads("add") == 2


def computing():
    assert in_two_threads("compute") == 2


def counted():
    return in_two_threads("add")


def told(report):
    return [(failure.kind, failure.hidden_by_gil) for failure in report.failures]


# -- failures ---------------------------------------------------------------------------------


def test_a_failure_that_needs_a_switch_between_plain_bytecodes_is_hidden():
    report = interleave.check(adding)

    assert told(report) == [("assertion", True)]
    assert as_object(report)["failures"][0]["hidden_by_gil"] is True
    assert "hidden by the GIL of this CPython: no interleaving that it allows" in str(report)


def test_a_failure_that_a_call_makes_possible_is_not_hidden():
    report = interleave.check(computing)

    assert told(report) == [("assertion", False)]
    assert as_object(report)["failures"][0]["hidden_by_gil"] is False
    assert "hidden by" not in str(report)


def test_nothing_is_said_where_the_check_under_the_gil_does_not_come_to_its_end(monkeypatch):
    monkeypatch.setattr(hidden, "EXECUTIONS", 1)
    report = interleave.check(adding)

    assert told(report) == [("assertion", None)]
    assert "hidden by" not in str(report)


@pytest.mark.parametrize("options", [{"strategy": "random"}, {"max_preemptions": 1}])
def test_a_failure_of_a_sample_or_within_a_bound_is_compared_with_all_that_the_gil_allows(options):
    assert told(interleave.check(adding, **options)) == [("assertion", True)]


def test_each_kind_of_failure_is_judged_by_itself():
    def program():
        counter = Counter()
        thread = threading.Thread(target=counter.compute)
        thread.start()
        before = counter.value
        counter.value += 1
        after = counter.value
        thread.join()
        if after != before + 1:  # needs a switch inside the three lines
            raise KeyError
        assert counter.value == 2

    report = interleave.check(program, keep_going=True)

    assert set(told(report)) == {("assertion", False), ("exception", True)}


def test_under_the_gil_itself_and_at_synchronisation_alone_nothing_is_compared():
    def deadlocked():
        lock = threading.Lock()
        lock.acquire()
        lock.acquire()

    assert told(interleave.check(computing, atomicity="gil")) == [("assertion", None)]
    assert told(interleave.check(deadlocked, granularity="sync")) == [("deadlock", None)]


def test_an_expectation_that_no_outcome_reaches_is_not_compared():
    report = interleave.check(counted, reach="outcome == 7")

    assert told(report) == [("expectation", None)]


def test_an_expectation_is_compared():
    assert told(interleave.check(counted, expect="outcome == 2")) == [("expectation", True)]


def test_a_build_without_the_gil_says_so(monkeypatch):
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: False, raising=False)

    assert hidden.hidden("deadlock") == (
        "hidden by the GIL of a CPython that has one: no interleaving that it allows ends in a "
        "failure of this kind (deadlock); this build has none, and can show it"
    )


# -- the setting -------------------------------------------------------------------------------


def test_a_pass_under_the_gil_says_that_it_covers_that_alone():
    report = interleave.check(adding, atomicity="gil")

    assert (report.verdict, report.atomicity) == ("pass", "gil")
    assert "if CPython 3." in report.covers
    assert "with the GIL can let another thread in before it" in report.covers
    assert "GIL" not in interleave.check(counted).covers


def test_a_schedule_is_replayed_under_its_own_atomicity():
    failing = interleave.check(computing, atomicity="gil").failures[0].schedule
    again = interleave.replay(computing, failing.token)

    assert (again.atomicity, again.verdict) == ("gil", "fail")
    coarse = interleave.check(counted, atomicity="gil").outcomes[2].schedule
    assert interleave.replay(counted, coarse.token, atomicity="free-threaded").atomicity == "gil"


def test_a_schedule_does_not_fit_under_the_other_atomicity():
    schedule = interleave.check(counted).outcomes[1].schedule
    other = type(schedule)(
        **{name: getattr(schedule, name) for name in schedule.__slots__ if name != "atomicity"},
        atomicity="gil",
    )
    with pytest.raises(ScheduleError, match="schedule"):
        interleave.replay(counted, other)


def test_an_unknown_atomicity_is_refused():
    with pytest.raises(
        UsageError, match="atomicity is 'GIL'; it must be one of: free-threaded, gil"
    ):
        interleave.check(adding, atomicity="GIL")


def test_the_accesses_that_belong_together_are_told_together():
    report = interleave.check(counted, atomicity="gil", expect="outcome == 1")
    (failure,) = as_object(report)["failures"]
    blocks = [
        [(event["kind"], *(part["kind"] for part in event["inside"]))]
        for event in failure["counterexample"]["events"]
        if event["task"] == "main.0" and "inside" in event
    ]

    assert blocks == [[("read", "write")]]
    assert "read Counter#1.value = 0" in str(report)
    assert "write Counter#1.value = 1" in str(report)


SHOP = """
import threading

class Shop:
    def __init__(self):
        self.sold = 0

    def sell(self):
        self.sold += 1

def program():
    shop = Shop()
    threads = [threading.Thread(target=shop.sell) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shop.sold == 2
"""


def test_the_command_line_takes_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kiosk.py").write_text(SHOP)
    words = ["check", "kiosk.py:program", "--format", "json"]

    found = CliRunner().invoke(main, words)
    assert found.exit_code == 1
    assert json.loads(found.stdout)["failures"][0]["hidden_by_gil"] is True
    found = CliRunner().invoke(main, [*words, "--atomicity", "gil"])
    assert found.exit_code == 0
    assert json.loads(found.stdout)["atomicity"] == "gil"
    assert CliRunner().invoke(main, [*words, "--atomicity", "both"]).exit_code == 2


def test_a_sampled_execution_is_replayed_by_its_seed_with_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kiosk.py").write_text(SHOP)
    words = ["replay", "kiosk.py:program", "--seed", "0:0", "--atomicity", "gil"]

    assert CliRunner().invoke(main, words).exit_code == 0


def test_a_failure_that_needs_no_preemption_is_not_hidden_and_nothing_is_run_to_know_it(
    monkeypatch,
):
    def program():
        def fail():
            raise ValueError("bad")

        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()

    monkeypatch.setattr("interleave.hidden.explore", None)  # who calls it fails
    [failure] = interleave.check(program).failures

    assert failure.preemptions == 0
    assert failure.hidden_by_gil is False
