"""Executions are judged by what comes out, and by what is expected."""

import threading
from functools import partial

import pytest
from either_order import race

import interleave
from interleave.exploration import Found, Witness

SIMPLE, SIMPLER = (Witness((), 0, preemptions, 1, 0) for preemptions in (2, 1))

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


def failing_by(messages, error=ValueError):
    """Return what fails with the messages, in turn, and with as many preemptions."""

    def program():
        raise error(messages[interleave.choose(range(len(messages)))])

    return program


def told(report):
    return [(item.message, item.count, item.others) for item in report.failures]


def test_failures_at_one_place_that_differ_in_numbers_are_one():
    program = failing_by(["sent 1, received 0", "sent 11, received 10", "sent 2, received 1"])

    report = check(program, keep_going=True)

    others = {"ValueError: sent 11, received 10": 1, "ValueError: sent 2, received 1": 1}
    assert told(report) == [("ValueError: sent 1, received 0", 3, others)]
    said = "2 of them with other messages: ValueError: sent 11, received 10; ValueError: sent 2,"
    assert said in str(report)


def test_failures_that_differ_in_the_thread_alone_are_one():
    def program():
        threads = [threading.Thread(target=lambda: 1 // 0) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    ((message, count, others),) = told(check(program, keep_going=True))

    says = "ZeroDivisionError: integer division or modulo by zero in main."
    assert {message, *others} == {says + "0", says + "1"}
    assert count > sum(others.values()) > 0


def test_numbers_make_another_failure_of_what_has_no_place():
    report = check(lambda: interleave.choose(range(3)), expect="outcome < 0", keep_going=True)

    assert [item.count for item in report.failures] == [1, 1, 1]


def test_failures_of_other_types_kinds_or_places_are_apart():
    errors = [ValueError("1"), KeyError(1), AssertionError("1")]

    def program():
        chosen = interleave.choose(range(4))
        if chosen == 3:
            raise ValueError("2")
        raise errors[chosen]

    report = check(program, keep_going=True)

    assert sorted((item.message, item.count) for item in report.failures) == [
        ("AssertionError: 1", 1),
        ("KeyError: 1", 1),
        ("ValueError: 1", 1),
        ("ValueError: 2", 1),
    ]


def test_three_failures_that_say_something_else_are_listed_and_the_rest_counted_with_the_first():
    program = failing_by(["a", "b", "c", "d", "d 1", "e", "a"])

    report = check(program, keep_going=True)

    rest = {"ValueError: d": 1, "ValueError: d 1": 1, "ValueError: e": 1}
    assert told(report) == [
        ("ValueError: a", 5, rest),
        ("ValueError: b", 1, {}),
        ("ValueError: c", 1, {}),
    ]


def test_the_simplest_execution_is_shown_and_its_message():
    def program():
        seen = []
        thread = threading.Thread(target=lambda: seen.append(race()))
        thread.start()
        number = len(seen)
        thread.join()
        raise ValueError(f"number {number}")

    report = check(program, granularity="memory", keep_going=True, shrink=False)

    ((message, count, others),) = told(report)
    assert {message, *others} == {"ValueError: number 0", "ValueError: number 1"}
    brute = check(program, granularity="memory", shrink=False, max_preemptions=0)
    assert (message, report.failures[0].preemptions) == (brute.failures[0].message, 0)
    assert count == report.executions
    again = interleave.replay(program, report.failures[0].schedule)
    assert again.failures[0].message == message


def test_a_message_that_becomes_that_of_the_witness_changes_places_with_the_one_before():
    found = Found("exception", "E: 1", "f:1", SIMPLE, 2)

    found.count_in("E: 2", None)
    found.count_in("E: 3", None)
    found.count_in("E: 2", SIMPLER)

    assert (found.message, found.count, found.witness) == ("E: 2", 5, SIMPLER)
    assert found.others == {"E: 1": 2, "E: 3": 1}  # and two more say what the witness says


def test_of_many_other_messages_three_are_said():
    report = check(failing_by([f"number {n}" for n in range(6)]), keep_going=True)

    assert "ValueError: number 3; ... and 2 more messages" in " ".join(str(report).split())


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
