"""JSON, schema 1: exactly what the contract says."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from either_order import race

import interleave
from interleave.report.as_json import as_object, render

# Plain accesses would only make the counts below larger.
check = partial(interleave.check, granularity="sync")


KEYS = [
    "schema",
    "target",
    "strategy",
    "granularity",
    "atomicity",
    "time",
    "observe",
    "verdict",
    "exhaustive",
    "executions",
    "redundant",
    "blocked",
    "steps",
    "seconds",
    "outcomes",
    "failures",
    "warnings",
]


def printing():
    thread = threading.Thread(target=print, args=("ü",))
    thread.start()
    print("b")
    thread.join()


def test_the_fields_are_those_of_the_contract():
    report = check(race, seed=3)
    found = as_object(report)

    assert list(found) == KEYS
    assert {name: found[name] for name in KEYS[:11]} == {
        "schema": 1,
        "target": report.target,
        "strategy": "dfs",
        "granularity": "sync",
        "atomicity": "free-threaded",
        "time": "free",
        "observe": "outcome",
        "verdict": "pass",
        "exhaustive": True,
        "executions": report.executions,
        "redundant": 0,
    }
    assert found["blocked"] == 0
    # main: begin, two starts, two joins, return, exit; each thread: begin, end.
    assert found["steps"] == {"min": 11, "mean": 11.0, "max": 11}
    assert found["failures"] == []
    assert found["warnings"] == []


def test_an_outcome_is_its_representation_with_count_and_schedule():
    report = check(race)

    assert {item["value"] for item in as_object(report)["outcomes"]} == {"'ab'", "'ba'"}
    for item in as_object(report)["outcomes"]:
        assert list(item) == ["value", "count", "schedule"]
        (value,) = interleave.replay(race, item["schedule"]).outcomes
        assert repr(value) == item["value"]
        assert item["count"] == report.outcomes[value].count


def test_an_output_is_its_lines_as_json():
    found = as_object(check(printing, observe="output"))

    assert {tuple(json.loads(item["value"])) for item in found["outcomes"]} == {
        ("ü", "b"),
        ("b", "ü"),
    }


def test_a_failure_tells_how_many_executions_had_which_other_messages():
    def program():
        raise ValueError(interleave.choose(range(3)))

    (failure,) = as_object(check(program, keep_going=True))["failures"]

    assert (failure["message"], failure["count"]) == ("ValueError: 0", 3)
    assert failure["others"] == [
        {"message": "ValueError: 1", "count": 1},
        {"message": "ValueError: 2", "count": 1},
    ]


def test_a_failure_has_kind_message_location_schedule_and_preemptions():
    def program():
        lock = threading.Lock()
        lock.acquire()
        lock.acquire()

    report = check(program)
    (failure,) = as_object(report)["failures"]

    assert list(failure) == [
        "kind",
        "message",
        "location",
        "schedule",
        "preemptions",
        "count",
        "others",
        "shrunk",
        "hidden_by_gil",
        "counterexample",
    ]
    assert failure["kind"] == "deadlock"
    file, _, line = failure["location"].rpartition(":")
    assert file.endswith("test_as_json.py")
    assert int(line) == program.__code__.co_firstlineno + 3
    assert failure["preemptions"] == 0
    assert as_object(report)["blocked"] == 1
    assert interleave.replay(program, failure["schedule"]).verdict == "fail"


def test_a_failure_that_no_execution_shows_has_no_schedule():
    (failure,) = as_object(check(race, reach="False"))["failures"]

    assert failure["schedule"] is None
    assert failure["location"] is None


def test_a_warning_has_kind_and_message():
    def program():
        with ThreadPoolExecutor(1) as pool:
            pool.submit(int, "x")

    (warning,) = as_object(check(program))["warnings"]

    assert list(warning) == ["kind", "message"]
    assert warning["kind"] == "dropped-exception"


def test_why_it_is_incomplete_is_among_the_warnings():
    found = as_object(check(race, executions=1))

    assert ("incomplete", True) in [
        (item["kind"], "budget of 1 executions" in item["message"]) for item in found["warnings"]
    ]


def test_the_text_reads_back_as_the_object():
    found = as_object(check(printing, observe="output"))

    assert json.loads(render(found)) == found
