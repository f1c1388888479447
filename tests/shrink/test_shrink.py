"""What shrinking does to a failure, and what it leaves alone."""

import os
import signal
import sys
import threading
from itertools import pairwise

import pytest
from side_by_side import in_threads

from interleave import check, choose, replay
from interleave.report.as_json import as_object

SAMPLED = {"strategy": "random", "seed": 1, "executions": 1_000}


def two_faults():
    """Fail without a preemption in one way, and with two preemptions in another."""
    seen = []

    def count(name):
        def body():
            for _ in range(2):
                seen.append(name)  # noqa: PERF401 - each is an event of its own

        return body

    in_threads(count("a"), count("b"))
    told = "".join(seen)
    assert told != "bbaa", "backwards"
    assert told != "abab", "in turns"


def failure_in_turns(**options):
    report = check(two_faults, keep_going=True, **options)
    return next(item for item in report.failures if "in turns" in item.message)


@pytest.mark.parametrize(
    "options", [{}, SAMPLED, {"strategy": "dfs", "max_preemptions": 2, "executions": 2_000}]
)
def test_a_failure_stays_what_it_was(options):
    failure = failure_in_turns(**options)

    assert failure.shrunk.after[0] == failure.preemptions == 2
    assert replay(two_faults, failure.schedule).failures[0].message == failure.message


def test_each_failure_is_shrunk():
    report = check(two_faults, keep_going=True, **SAMPLED)

    found = {
        item.message.splitlines()[0]: (item.preemptions, item.shrunk.least)
        for item in report.failures
    }
    assert found == {
        "AssertionError: backwards": (0, True),
        "AssertionError: in turns": (2, True),
    }


def test_nothing_is_shrunk_if_not_wanted():
    plain = check(two_faults, shrink=False, **SAMPLED)
    shrunk = check(two_faults, **SAMPLED)

    assert plain.failures[0].shrunk is None
    assert shrunk.failures[0].shrunk.before[0] == plain.failures[0].preemptions
    assert shrunk.failures[0].preemptions < plain.failures[0].preemptions


def test_the_figures_of_the_check_are_those_without_shrinking():
    plain, shrunk = (as_object(check(two_faults, shrink=wish, **SAMPLED)) for wish in (False, True))

    for name in ("executions", "redundant", "blocked", "steps", "outcomes", "exhaustive"):
        assert plain[name] == shrunk[name]


def test_the_sample_that_found_it_is_still_named():
    plain, shrunk = (check(two_faults, shrink=wish, **SAMPLED) for wish in (False, True))

    assert shrunk.failures[0].sample == plain.failures[0].sample
    assert shrunk.failures[0].schedule != plain.failures[0].schedule


def test_shrinking_is_deterministic():
    first, second = (check(two_faults, keep_going=True, **SAMPLED).failures for _ in range(2))

    assert [item.shrunk for item in first] == [item.shrunk for item in second]


def test_of_values_the_one_that_fails_is_kept():
    def program():
        picked = choose([0, 1, 2, 3])
        seen = []
        in_threads(lambda: seen.append("a"), lambda: seen.append("b"))
        assert picked != 2 or seen == ["b", "a"]

    (failure,) = check(program, **SAMPLED).failures

    assert failure.shrunk.after[0] == 0
    assert failure.shrunk.complete
    assert replay(program, failure.schedule).verdict == "fail"


def test_a_failed_expectation_is_shrunk_to_the_same_outcome():
    def program():
        seen = []
        in_threads(
            lambda: [seen.append(name) for name in "ab"], lambda: [seen.append(n) for n in "cd"]
        )
        return "".join(seen)

    report = check(program, expect="outcome != 'cabd'", **SAMPLED)

    (failure,) = report.failures
    assert failure.message == "outcome 'cabd' does not satisfy outcome != 'cabd'"
    assert failure.preemptions == 1


def test_a_deadlock_that_needs_no_preemption_is_shrunk_to_none():
    def program():
        lock = threading.Lock()
        done = threading.Event()

        def work():
            with lock:
                done.wait()

        in_threads(work, work)

    (failure,) = check(program, **SAMPLED).failures

    assert (failure.kind, failure.preemptions) == ("deadlock", 0)


def test_a_program_whose_repetition_does_not_fail_is_shown_as_it_was_seen():
    counted = []

    def program():
        counted.append(1)
        in_threads(lambda: None)
        assert len(counted) > 1

    report = check(program)

    assert report.verdict == "nondeterministic"
    assert [item.shrunk for item in report.failures] == [None]


@pytest.mark.skipif(sys.platform == "win32", reason="no signals here")
def test_ctrl_c_ends_shrinking_with_what_was_found():
    runs = []
    kills = iter([os.kill])  # where a check does not find it

    def program():
        runs.append(1)
        if len(runs) == interrupted_at:
            next(kills)(os.getpid(), signal.SIGINT)
        seen = []
        in_threads(*(lambda name=name: [seen.append(name) for _ in range(3)] for name in "ab"))
        assert "".join(seen) != "ababab"

    interrupted_at = 10**9
    check(program, **SAMPLED, shrink=False)
    before, runs[:] = len(runs), []
    interrupted_at = before + 20

    report = check(program, **SAMPLED)

    (failure,) = report.failures
    assert report.interrupted
    assert 20 <= failure.shrunk.executions < 200
    assert not failure.shrunk.least
    assert replay(program, failure.schedule).verdict == "fail"


def test_a_budget_that_ended_is_said():
    def program():
        log = []

        def work(name):
            for number in range(6):
                log.append(f"{name}{number}")  # noqa: PERF401 - each is an event of its own

        in_threads(*(lambda name=name: work(name) for name in "abcd"))
        changes = sum(one[0] != other[0] for one, other in pairwise(log))
        assert changes < 9, "torn apart"

    report = check(program, **SAMPLED)

    (failure,) = report.failures
    assert not failure.shrunk.least
    assert (
        f"  shrinking ended after {failure.shrunk.executions} executions: fewer preemptions may do"
        in str(report).splitlines()
    )
