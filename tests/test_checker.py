"""`check` and `replay`: their options, and that they leave the process as it was."""

import queue
import sys
import threading
import time
from functools import partial

import pytest

import interleave

# Plain accesses would only make the counts below larger.
check = partial(interleave.check, granularity="sync")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strategy": "magic"}, "strategy is 'magic'; it must be one of: "),
        ({"granularity": "line"}, "granularity is 'line'"),
        ({"time": "fast"}, "time is 'fast'; it must be one of: free, idle, ordered"),
        ({"observe": "all"}, "observe is 'all'; it must be one of: outcome, output"),
        ({"seed": -1}, "seed is -1; it must be a whole number of at least 0"),
        ({"seed": 1.5}, "seed is 1.5"),
        ({"executions": 0}, "executions is 0; it must be a whole number of at least 1"),
        ({"executions": True}, "executions is True"),
        ({"max_steps": 0}, "max_steps is 0"),
        ({"max_preemptions": -1}, "max_preemptions is -1"),
        ({"seconds": 0}, "seconds is 0; it must be a number of seconds above 0"),
        ({"hang_seconds": -1}, "hang_seconds is -1"),
        ({"expect": "outcome =="}, "expect is 'outcome ==', which is no Python expression"),
        ({"reach": "("}, "reach is '\\(', which is no Python expression"),
        ({"speed": 1}, "there is no option 'speed'; the options are: strategy, seed"),
    ],
)
def test_an_option_that_cannot_be_used_is_named_with_its_value(options, message):
    with pytest.raises(interleave.UsageError, match=message):
        check(lambda: 1, **options)


def test_reach_takes_one_expression_or_several():
    program = lambda: interleave.choose([1, 2])

    assert check(program, reach="outcome == 1").verdict == "pass"
    assert check(program, reach=["outcome == 1", "outcome == 2"]).verdict == "pass"
    assert check(program, reach=["outcome == 1", "outcome == 3"]).verdict == "fail"


def test_a_check_leaves_the_standard_library_as_it_was():
    names = [
        (threading, "Lock"),
        (threading, "Thread"),
        (threading, "get_ident"),
        (queue, "SimpleQueue"),
        (queue.Queue, "put"),
        (threading.Thread, "start"),
        (time, "sleep"),
        (time, "monotonic"),
        (sys, "stdout"),
    ]
    before = [getattr(owner, name) for owner, name in names]

    check(lambda: 1)
    check(lambda: 1 / 0)

    assert [getattr(owner, name) for owner, name in names] == before


def test_a_report_raises_what_it_found():
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        check(lambda: 1 / 0).raise_for_failure()
    check(lambda: 1).raise_for_failure()


def test_a_report_that_proves_nothing_raises_too():
    def program():
        while True:
            time.sleep(0)

    with pytest.raises(AssertionError, match="INCOMPLETE"):
        check(program, max_steps=10).raise_for_failure()


def test_a_target_may_be_text(tmp_path):
    (tmp_path / "written.py").write_text("def program():\n    return 3\n")

    assert set(check(f"{tmp_path}/written.py:program").outcomes) == {3}


def test_what_a_program_returned_can_be_looked_at_afterwards():
    def program():
        lock = threading.Lock()
        lock.acquire()
        return lock

    (lock,) = check(program).outcomes

    assert "Lock" in repr(lock)


def test_checks_in_a_row_are_the_same():
    def program():
        log = []
        threads = [threading.Thread(target=log.append, args=(name,)) for name in "abc"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return "".join(log)

    first, second = (
        [
            (outcome.text, outcome.count, outcome.schedule.token)
            for outcome in check(program).outcomes.values()
        ]
        for _ in range(2)
    )

    assert first == second
    assert len(first) == 6
