"""An exploration counts what it runs, and says why it ended."""

import threading
import time
from functools import partial

from either_order import race

import interleave
from interleave.core.program import from_callable
from interleave.session import session
from interleave.settings import Settings

# Plain accesses would only make the counts below larger.
check = partial(interleave.check, granularity="sync")


def picky():
    value = race()
    assert value == "ab", value
    return value


def test_counts_of_outcomes_add_up_to_the_executions():
    report = check(race)

    assert sum(outcome.count for outcome in report.outcomes.values()) == report.executions
    assert set(report.outcomes) == {"ab", "ba"}


def test_the_first_failure_ends_the_exploration():
    report = check(picky)

    assert report.verdict == "fail"
    assert not report.exhaustive
    assert sum(failure.count for failure in report.failures) == 1


def test_keep_going_counts_every_failure_and_every_outcome():
    whole = check(race)
    report = check(picky, keep_going=True)
    (failure,) = report.failures

    assert report.exhaustive
    assert report.executions == whole.executions
    assert failure.count == whole.outcomes["ba"].count
    assert report.outcomes["ab"].count == whole.outcomes["ab"].count


def test_a_budget_of_executions_ends_it_incomplete():
    report = check(race, executions=3)

    assert report.executions == 3
    assert (report.verdict, report.exhaustive) == ("incomplete", False)
    assert "the budget of 3 executions ended the exploration" in report.reasons[0]


def test_a_budget_met_exactly_at_the_end_is_a_pass():
    whole = check(race).executions

    exact = check(race, executions=whole)
    tight = check(race, executions=whole - 1)

    assert (exact.verdict, exact.exhaustive) == ("pass", True)
    assert (tight.verdict, tight.exhaustive) == ("incomplete", False)


def test_a_budget_of_seconds_ends_it_incomplete():
    def program():
        for _ in range(3):
            threading.Thread(target=lambda: [time.sleep(0) for _ in range(9)]).start()

    report = check(program, seconds=0.2)

    assert report.verdict == "incomplete"
    assert "the budget of 0.2 seconds ended the exploration" in report.reasons[0]
    assert report.seconds < 10


def test_seconds_of_sampling_are_what_was_asked_for():
    report = check(race, strategy="random", seconds=0.1)

    assert report.verdict == "pass"
    assert not report.exhaustive


def test_steps_are_counted_over_all_executions():
    def program():
        if interleave.choose([False, True]):
            time.sleep(0)
            time.sleep(0)

    report = check(program)

    # One task: it begins, chooses, may sleep twice, returns and exits.
    assert (report.steps_min, report.steps_mean, report.steps_max) == (4, 5.0, 6)


def test_threads_are_counted_with_main():
    assert check(race).threads == 3
    assert check(lambda: 1).threads == 1


def test_progress_is_told_while_it_runs():
    def program():
        for _ in range(3):
            threading.Thread(target=lambda: [time.sleep(0) for _ in range(9)]).start()

    seen = []
    check(program, seconds=0.7, progress=lambda state: seen.append(state.executions))

    assert len(seen) >= 2
    assert seen == sorted(seen)


def test_a_session_in_which_nothing_ran_closes():
    with session(from_callable(race), Settings()) as opened:
        pass
    assert opened.runtime.count == 0
