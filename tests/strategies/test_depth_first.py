"""Depth-first search: every schedule, once."""

import threading
import time
from functools import partial
from math import comb

import pytest

import interleave

# Plain accesses would only make the counts below larger.
check = partial(interleave.check, granularity="sync")


def side_by_side(*pauses):
    """Start threads with so many pauses each; main ends when they have."""

    def body(count):
        for _ in range(count):
            time.sleep(0)

    def program():
        for count in pauses:
            threading.Thread(target=body, args=(count,)).start()

    return program


@pytest.mark.parametrize("pauses", [0, 1, 2, 3])
def test_two_threads_have_as_many_schedules_as_there_are_shuffles(pauses):
    # A thread has n = pauses + 2 events (it begins and it ends); the second one also has its
    # start before them, by main, which is concurrent with the first: (2n + 1)! / (n! (n + 1)!).
    events = pauses + 2

    report = check(side_by_side(pauses, pauses))

    assert report.executions == comb(2 * events + 1, events)
    assert report.verdict == "pass"
    assert report.exhaustive


def test_threads_of_different_length_count_likewise():
    assert check(side_by_side(0, 3)).executions == comb(2 + 6, 2)
    assert check(side_by_side(3, 0)).executions == comb(5 + 3, 3)


def test_three_threads_count_likewise():
    # Chains of 2, of 1 + 2 and, its start being behind that of the second, of 1 + 2 events:
    # orders of a (2), S b b and T c c with S < T. By the place of T among the tail of the rest:
    # sum over what is left of a and b when T comes (i events of a and j of b are done).
    expected = 0
    for i in range(3):
        for j in range(3):
            before = comb(i + 1 + j, i)  # a's first i events with S and b's first j
            left_a, left_b = 2 - i, 2 - j
            rest = comb(left_a + left_b, left_a) * comb(left_a + left_b + 2, 2)
            expected += before * rest

    assert check(side_by_side(0, 0, 0)).executions == expected


def test_one_thread_has_one_schedule():
    assert check(lambda: time.sleep(1)).executions == 1


def test_no_schedule_is_run_twice():
    seen = []

    def program():
        log = []

        def body(name):
            log.append(name)
            time.sleep(0)
            log.append(name)
            time.sleep(0)
            log.append(name)

        threads = [threading.Thread(target=body, args=(name,)) for name in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return "".join(log)

    report = check(program)
    seen = {outcome.schedule.token for outcome in report.outcomes.values()}

    assert len(report.outcomes) == comb(6, 3)
    assert len(seen) == comb(6, 3)


def test_the_first_execution_preempts_nobody():
    report = check(side_by_side(1, 1), executions=1)

    assert all(outcome.schedule.choices == () for outcome in report.outcomes.values())


def test_state_left_over_from_the_last_execution_is_noticed():
    left_over = []

    def program():
        left_over.append(1)
        for _ in range(2 + len(left_over) % 2):
            threading.Thread(target=time.sleep, args=(0,)).start()

    report = check(program)

    assert report.verdict == "nondeterministic"
    assert "part at event" in report.reasons[0]
    assert report.reasons[1].startswith(
        "likely cause: left_over (which program captures) was a list of 0 items before an execution"
    )


def test_a_choice_of_data_that_grows_is_noticed():
    left_over = []

    def program():
        left_over.append(1)
        first = interleave.choose([1, 2])
        return first, interleave.choose(range(1 + len(left_over)))

    assert check(program).verdict == "nondeterministic"
