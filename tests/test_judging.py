"""Executions are judged by what comes out, and by what is expected."""

from functools import partial

import pytest
from either_order import race

import interleave

# Plain accesses would only make the counts below larger.
check = partial(interleave.check, granularity="sync")


def test_two_failures_of_one_kind_are_two_if_they_say_something_else():
    def program():
        value = race()
        raise ValueError(value)

    report = check(program, keep_going=True)

    assert {failure.message for failure in report.failures} == {
        "ValueError: ab",
        "ValueError: ba",
    }


def test_outcomes_are_told_apart_by_equality_and_type():
    values = [1, True, 1.0, "1"]
    report = check(lambda: values[interleave.choose(range(4))])

    assert len(report.outcomes) == 4
    assert all(outcome.count == 1 for outcome in report.outcomes.values())


def test_outcomes_that_cannot_be_hashed_are_told_apart_too():
    def program():
        return [{"order": race()}]

    report = check(program)

    assert sorted(value[0]["order"] for value in report.outcomes) == ["ab", "ba"]
    assert report.outcomes[[{"order": "ab"}]].count > 0
    assert [{"order": "ab"}] in report.outcomes
    assert [{"order": "cd"}] not in report.outcomes
    with pytest.raises(KeyError):
        report.outcomes[[]]


def test_equal_outcomes_are_one_though_their_representations_differ():
    class Number:
        def __init__(self, name):
            self.name = name

        def __eq__(self, other):
            return isinstance(other, Number)

        def __repr__(self):
            return f"Number({self.name})"

        __hash__ = None

    report = check(lambda: Number(race()))

    assert len(report.outcomes) == 1


def test_outcomes_that_differ_by_their_address_alone_are_one():
    report = check(lambda: (race(), object())[1])

    assert [outcome.text for outcome in report.outcomes.values()] == ["<object object>"]


def test_an_outcome_whose_repr_fails_is_shown_all_the_same():
    class Bad:
        def __repr__(self):
            raise ValueError

    report = check(Bad)

    assert report.verdict == "pass"
    assert [outcome.text for outcome in report.outcomes.values()] == [
        "<Bad whose repr raises ValueError>"
    ]


def test_every_outcome_must_satisfy_what_is_expected():
    report = check(race, expect="outcome == 'ab'", keep_going=True)
    (failure,) = report.failures

    assert report.verdict == "fail"
    assert failure.kind == "expectation"
    assert failure.message == "outcome 'ba' does not satisfy outcome == 'ab'"
    assert list(interleave.replay(race, failure.schedule).outcomes) == ["ba"]
    assert check(race, expect="outcome in ('ab', 'ba')").verdict == "pass"


def test_an_expectation_that_fails_itself_is_an_error_of_usage():
    with pytest.raises(interleave.UsageError, match="--expect failed on outcome 'ab': NameError"):
        check(race, expect="result == 1")
