"""The bound on preemptions: which schedules it leaves, and that it is said."""

import threading
import time
from functools import partial

import pytest

import interleave

# Plain accesses would only make the counts below larger.
check = partial(interleave.check, granularity="sync")


def two_threads():
    threading.Thread(target=lambda: None).start()
    threading.Thread(target=lambda: None).start()


# Events after `start a`: S (main starts b), A1 A2 and B1 B2 (begin and end). Of the 10 orders
# with S < B1, by preemptions (main is enabled until S, a thread until its end):
#   0: SAABB SBBAA   1: SABBA SBAAB AASBB   2: SABAB SBABA ASABB ASBBA   3: ASBAB
@pytest.mark.parametrize(("limit", "count"), [(0, 2), (1, 5), (2, 9), (3, 10)])
def test_only_schedules_within_the_bound_are_run(limit, count):
    assert check(two_threads, max_preemptions=limit).executions == count


@pytest.mark.parametrize("limit", [0, 1, 2])
def test_a_bound_that_leaves_something_out_makes_the_verdict_incomplete(limit):
    report = check(two_threads, max_preemptions=limit)

    assert report.verdict == "incomplete"
    assert not report.exhaustive
    assert report.reasons == (
        f"schedules with more than {limit} preemptions were left out: raise --max-preemptions",
    )


def test_a_bound_that_leaves_nothing_out_is_a_pass():
    report = check(two_threads, max_preemptions=3)

    assert report.verdict == "pass"
    assert report.exhaustive


def race():
    log = []

    def work(name):
        log.append(name)
        time.sleep(0)
        log.append(name)

    threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return "".join(log)


def test_without_preemptions_each_thread_runs_to_its_end():
    assert set(check(race, max_preemptions=0).outcomes) == {"aabb", "bbaa"}


def test_a_wait_that_blocks_costs_no_preemption():
    def waiting():
        ready, log = threading.Event(), []

        def first():
            log.append("first")
            ready.wait()
            log.append("again")

        def second():
            log.append("second")
            ready.set()
            log.append("end")

        threads = [threading.Thread(target=first), threading.Thread(target=second)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return " ".join(log)

    assert set(check(waiting, max_preemptions=0).outcomes) == {
        "first second end again",
        "second end first again",
    }


def test_a_bound_holds_for_random_walks_too():
    report = check(race, strategy="random", executions=200, max_preemptions=0)

    assert set(report.outcomes) == {"aabb", "bbaa"}
    assert report.verdict == "incomplete"


def test_outcomes_keep_the_witness_with_the_fewest_preemptions():
    def program():
        log = []

        def work(name):
            time.sleep(0)
            log.append(name)
            time.sleep(0)

        threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert log == ["a", "b"]

    (failure,) = check(program, keep_going=True).failures

    assert failure.preemptions == 0
    assert failure.count > 1


@pytest.mark.parametrize("options", [{}, {"strategy": "random", "executions": 600}])
def test_each_outcome_is_shown_by_a_schedule_with_as_few_preemptions_as_it_needs(options):
    report = check(race, **options)
    preemptions = {
        value: sum(event.preempted for event in interleave.replay(race, outcome.schedule).events)
        for value, outcome in report.outcomes.items()
    }

    assert preemptions == {"aabb": 0, "bbaa": 0, "abba": 1, "baab": 1, "abab": 2, "baba": 2}
