"""Random walks: by a seed, each execution for itself."""

import threading
import time
from collections import Counter
from functools import partial

import pytest
from either_order import race

import interleave
from interleave import exploring

# Plain accesses would only make the counts below larger.
check = partial(interleave.check, granularity="sync")


def program():
    log = []

    def body(name):
        log.append(name)
        time.sleep(0)
        log.append(name)

    threads = [threading.Thread(target=body, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    text = "".join(log)
    assert text != "baab"
    return text


def three():
    return interleave.choose("abc")


def pair():
    return interleave.choose("ab") + interleave.choose("ab")


def counts(report):
    return {value: outcome.count for value, outcome in report.outcomes.items()}


def test_a_seed_gives_the_same_executions_again():
    options = {"strategy": "random", "executions": 50, "keep_going": True}
    first, again, other = (check(program, seed=seed, **options) for seed in (3, 3, 4))

    assert counts(first) == counts(again)
    assert [item.schedule for item in first.outcomes.values()] == [
        item.schedule for item in again.outcomes.values()
    ]
    assert counts(first) != counts(other)


def test_an_execution_can_be_run_alone_by_seed_and_index():
    report = check(program, strategy="random", seed=5, executions=200, keep_going=True)
    (failure,) = report.failures

    alone = interleave.replay(program, seed=failure.sample, granularity="sync")

    assert failure.sample.startswith("5:")
    assert alone.verdict == "fail"
    assert alone.failures[0].schedule == failure.schedule
    assert [str(event) for event in alone.failures[0].events] == [
        str(event) for event in failure.events
    ]


def test_every_execution_alone_is_that_of_the_series():
    series = check(three, strategy="random", seed=8, executions=10)
    alone = Counter()
    for index in range(10):
        (value,) = interleave.replay(three, seed=f"8:{index}", granularity="sync").outcomes
        alone[value] += 1

    assert counts(series) == dict(alone)


def test_a_seed_alone_means_its_first_execution():
    assert list(interleave.replay(three, seed=8).outcomes) == list(
        interleave.replay(three, seed="8:0").outcomes
    )


def test_values_are_drawn_uniformly():
    drawn = counts(check(three, strategy="random", seed=1, executions=900))

    assert set(drawn) == set("abc")
    assert all(235 < count < 365 for count in drawn.values())  # 4.6 standard deviations


def test_two_draws_of_one_execution_are_independent():
    drawn = counts(check(pair, strategy="random", seed=1, executions=1200))

    assert set(drawn) == {"aa", "ab", "ba", "bb"}
    assert all(230 < count < 370 for count in drawn.values())


def test_the_first_draws_of_neighbouring_seeds_are_independent():
    drawn = Counter()
    for seed in range(60):
        (value,) = interleave.replay(three, seed=seed).outcomes
        drawn[value] += 1

    assert all(6 < drawn[value] < 34 for value in "abc")  # 3.8 standard deviations


def test_tasks_are_drawn_uniformly_at_each_step():
    drawn = counts(check(race, strategy="random", seed=2, executions=1200))

    # After `start a`: a goes first with 1/2; else main starts b, and of main (waiting) and the
    # two threads each of the two goes first with 1/2. So `ab` comes with 3/4.
    assert 825 < drawn["ab"] < 975  # 5 standard deviations


def test_a_sample_is_never_called_exhaustive():
    report = check(three, strategy="random", executions=100)

    assert report.verdict == "pass"
    assert not report.exhaustive
    assert "a sample of the schedules (random, seed 0)" in report.covers


def test_a_set_number_of_executions_is_sampled_when_nobody_says(monkeypatch):
    monkeypatch.setattr(exploring, "DEFAULT_RANDOM_EXECUTIONS", 30)
    assert check(lambda: 1, strategy="random").executions == 30


@pytest.mark.slow
def test_that_number_is_ten_thousand():
    assert check(lambda: 1, strategy="random").executions == 10_000
