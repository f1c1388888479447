"""The verdict: the one place that may say `pass`, and what it says with it."""

import os
import threading
import time
from functools import partial

import pytest
from either_order import race

import interleave
from interleave.exploration import Exploration
from interleave.report.verdict import judge
from interleave.settings import Settings

# Plain accesses would only make the counts below larger.
check = partial(interleave.check, granularity="sync")


def endless():
    while True:
        time.sleep(0)


def test_a_pass_says_what_it_covers():
    report = check(race)

    assert report.verdict == "pass"
    assert report.covers == (
        "every schedule (dfs) of 3 threads; synchronisation alone is a schedule point "
        "(plain memory accesses are not); time free; at most 10000 events each"
    )


@pytest.mark.parametrize(
    ("redundant", "extent"),
    [(0, "one execution for each trace (dpor)"), (1, "every trace (dpor)")],
)
def test_only_where_nothing_was_redundant_each_trace_had_one_execution(redundant, extent):
    settings = Settings(strategy="dpor")
    exploration = Exploration(settings, runs=3, executions=2, redundant=redundant)

    judgement = judge(exploration)

    assert judgement.exhaustive
    assert judgement.covers.partition(" of ")[0] == extent


def test_a_pass_says_that_output_is_observed():
    covers = check(race, observe="output", time="idle", max_steps=99).covers

    assert "so is every print and log call" in covers
    assert "time idle; at most 99 events each" in covers


def test_a_failure_beats_a_budget():
    def program():
        assert race() != "ab"

    assert check(program, executions=1).verdict == "fail"


def test_what_is_never_reached_by_an_exhaustive_search_is_a_failure():
    report = check(race, reach="outcome == 'xy'")
    (failure,) = report.failures

    assert report.verdict == "fail"
    assert (failure.kind, failure.message) == (
        "expectation",
        "no outcome satisfies outcome == 'xy'",
    )
    assert failure.schedule is None


@pytest.mark.parametrize("options", [{"strategy": "random", "executions": 20}, {"executions": 2}])
def test_what_is_not_reached_by_a_part_proves_nothing(options):
    report = check(race, reach="outcome == 'xy'", **options)

    assert report.verdict == "incomplete"
    assert report.failures == ()
    assert "no outcome seen satisfies outcome == 'xy'" in " ".join(report.reasons)


def test_a_program_that_never_ends_is_incomplete():
    report = check(endless, max_steps=20)

    assert report.verdict == "incomplete"
    assert "the step bound of 20 events" in report.reasons[0]
    assert "raise --max-steps" in report.reasons[0]


def test_what_cannot_be_controlled_is_incomplete():
    if not hasattr(os, "fork"):
        pytest.skip("no fork here")

    assert check(lambda: os.fork()).verdict == "incomplete"  # noqa: PLW0108 - looked up when it runs


def test_what_is_not_deterministic_has_a_verdict_of_its_own():
    seen = []

    def program():
        seen.append(1)
        return interleave.choose(range(2 + len(seen) % 2))

    report = check(program)

    assert report.verdict == "nondeterministic"
    assert not report.exhaustive


def test_a_program_without_threads_is_warned_of():
    assert [w.kind for w in check(lambda: 1).warnings] == ["single-thread"]
    assert check(race).warnings == ()


def test_a_program_in_which_nothing_is_switched_is_warned_of():
    def program():
        threading.Thread(target=lambda: None, daemon=True).start()

    report = check(program, executions=1)

    kinds = {warning.kind for warning in report.warnings}
    assert kinds & {"single-thread", "never-switched"}
