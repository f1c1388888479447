"""Strategies that sample by seed: each execution can be had alone, and long ones get fair."""

import threading
import time
from collections import Counter

import known_faults
import pytest
from side_by_side import in_threads

from interleave import check, choose, replay
from interleave.core.program import from_callable
from interleave.errors import UsageError
from interleave.session import session
from interleave.settings import Settings
from interleave.strategies.pct import Pct
from interleave.strategies.portfolio import Turns
from interleave.strategies.pos import Pos
from interleave.strategies.random_walk import RandomWalk
from interleave.strategies.sampling import PATIENCE
from interleave.strategies.surw import Surw

SAMPLERS = ["random", "pct", "pos", "surw", "auto"]
INCLUDE = ("known_faults",)


def raced():
    seen = []

    def body(name):
        picked = choose("xyz")
        for _ in range(2):
            seen.append(name + picked)  # noqa: PERF401 - each is an event of its own

    threads = [threading.Thread(target=body, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return "".join(seen)


def sampler_of(name, seed):
    match name:
        case "random":
            return RandomWalk(seed)
        case "pct":
            return Pct(seed, depth=3)
        case "pos":
            return Pos(seed)
        case "surw":
            return Surw(seed)
        case _:
            return Turns((Pct(seed, depth=3), Pos(seed), Surw(seed), RandomWalk(seed)))


def outcomes_of(name, seed, count):
    sampler = sampler_of(name, seed)
    values = []
    with session(from_callable(raced), Settings()) as world:
        for _ in range(count):
            sampler.begin()
            execution = world.execute(sampler)
            sampler.end(execution)
            values.append((execution.ending.value, tuple(execution.choices)))
    return values


@pytest.mark.parametrize("name", SAMPLERS)
def test_each_execution_can_be_had_alone(name):
    values = outcomes_of(name, 7, 24)

    assert len(set(values)) > 8
    for index in (0, 23):
        alone = check(raced, strategy=name, seed=f"7:{index}")
        again = replay(raced, seed=f"7:{index}", strategy=name)
        assert [*alone.outcomes] == [*again.outcomes] == [values[index][0]]
        assert alone.executions == again.executions == 1


@pytest.mark.parametrize("name", SAMPLERS)
def test_another_seed_is_another_sample(name):
    assert outcomes_of(name, 1, 20) == outcomes_of(name, 1, 20)
    assert outcomes_of(name, 1, 20)[4:] != outcomes_of(name, 2, 20)[4:]


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_failure_names_the_sample_that_it_can_be_had_by(name):
    # The search of `auto` would need about 50 executions of that one.
    fault, executions = known_faults.lost_update, 500
    if name == "auto":
        fault, executions = known_faults.reorder, 24
    report = check(
        fault, strategy=name, seed=3, include=INCLUDE, executions=executions, shrink=False
    )

    (failure,) = report.failures
    assert failure.sample is not None
    again = replay(fault, seed=failure.sample, strategy=name, include=INCLUDE)
    assert again.verdict == "fail"
    assert again.failures[0].schedule.choices == failure.schedule.choices
    said = "" if name == "random" else f" of --strategy {name}"
    assert f"  sampled by seed {failure.sample}{said}" in str(report).splitlines()


def test_the_depth_belongs_to_the_sample():
    report = check(
        known_faults.lost_update, strategy="pct", depth=2, seed=1, include=INCLUDE, shrink=False
    )

    (failure,) = report.failures
    assert f"sampled by seed {failure.sample} of --strategy pct --depth 2" in str(report)
    assert "(pct depth 2, seed 1)" in report.covers


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": "x"}, "seed is 'x'"),
        ({"seed": "1:x", "strategy": "pct"}, "seed is '1:x'"),
        ({"seed": "1:"}, "seed is '1:'"),
        ({"seed": "1:2"}, "seed is 1:2, and dpor samples nothing"),
        ({"depth": 0}, "depth is 0"),
    ],
)
def test_what_is_no_seed_is_refused(options, message):
    with pytest.raises(UsageError, match=message):
        check(raced, **options)


def test_a_search_has_no_seed_to_replay():
    with pytest.raises(UsageError, match="dfs samples nothing"):
        replay(raced, seed="1:2", strategy="dfs")


@pytest.mark.parametrize("strategy", ["pct", "pos", "surw"])
@pytest.mark.parametrize("waiting", ["sleeping", "spinning", "writing"])
def test_a_loop_that_waits_for_another_thread_ends(strategy, waiting):
    def program():
        cell, rounds = known_faults.Cell(), known_faults.Cell()

        def wait():
            while not cell.value:
                if waiting == "sleeping":
                    time.sleep(0.01)
                if waiting == "writing":
                    rounds.value += 1

        def put():
            cell.value = 1

        in_threads(wait, put, wait)

    report = check(program, strategy=strategy, executions=12, include=INCLUDE)

    assert (report.verdict, report.cut) == ("pass", 0)


def test_pct_lets_its_order_of_priorities_stand_until_the_execution_is_long():
    class Watched(Pct):
        asked = 0

        def pick(self, options, stays):
            assert len(self.events) < self._patience
            type(self).asked += 1
            return super().pick(options, stays)

    def program():
        cell = known_faults.Cell()

        def count():
            for _ in range(PATIENCE):
                cell.value += 1

        in_threads(count, count)

    sampler = Watched(1, depth=2)
    with session(from_callable(program), Settings(include=INCLUDE)) as world:
        for _ in range(3):
            sampler.begin()
            execution = world.execute(sampler)
            sampler.end(execution)
            assert execution.steps > 4 * PATIENCE
        assert sampler._patience == 2 * execution.steps
        assert Watched.asked > 2 * PATIENCE


@pytest.mark.parametrize("strategy", ["pct", "pos", "surw", "random"])
def test_a_sample_never_says_that_it_is_exhaustive(strategy):
    report = check(raced, strategy=strategy, executions=50, seed=7)

    depth = " depth 3" if strategy == "pct" else ""
    assert (report.verdict, report.exhaustive) == ("pass", False)
    assert report.covers.startswith(f"a sample of the schedules ({strategy}{depth}, seed 7) of 3")


def test_auto_tries_everything_where_there_is_room():
    report = check(known_faults.embrace, strategy="auto", keep_going=True, include=INCLUDE)
    searched = check(known_faults.embrace, keep_going=True, include=INCLUDE)

    assert report.exhaustive
    assert report.covers == searched.covers
    assert report.executions == searched.executions
    assert report.failures[0].sample is None


def test_auto_searches_with_what_is_complete_there():
    report = check(raced, strategy="auto", granularity="sync")

    assert report.exhaustive
    assert report.covers.startswith("every schedule (dfs)")


def test_auto_samples_where_there_is_none_and_says_so():
    report = check(raced, strategy="auto", executions=40, seed=7)

    assert (report.verdict, report.exhaustive, report.executions) == ("pass", False, 40)
    assert report.covers.startswith(
        "a sample of the schedules (pct depth 3, pos, surw and random in turns, seed 7; dpor had "
        "not come to its end after 20 executions) of 3 threads"
    )


def test_auto_gives_up_the_search_where_the_estimate_is_far_beyond_the_budget():
    def contended():
        value = 0

        def add():
            nonlocal value
            for _ in range(3):
                value += 1

        threads = [threading.Thread(target=add) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    report = check(contended, strategy="auto", executions=400)

    # Half of the budget would be 200 executions; there are millions of traces.
    assert "dpor had not come to its end after 128 executions)" in report.covers
    assert (report.exhaustive, report.executions) == (False, 400)


def test_auto_within_seconds_samples_in_the_second_half():
    report = check(known_faults.philosophers_apart, strategy="auto", seconds=0.4, include=INCLUDE)

    assert (report.verdict, report.exhaustive) == ("pass", False)
    assert "in turns" in report.covers


def test_the_bound_on_preemptions_holds_for_samples_and_for_auto():
    for strategy in ("pct", "pos", "surw", "auto"):
        report = check(raced, strategy=strategy, executions=60, max_preemptions=0)
        found = {
            value.translate({ord(letter): None for letter in "xyz"}) for value in report.outcomes
        }

        assert found <= {"aabb", "bbaa"}
        assert report.verdict == "incomplete"


@pytest.mark.parametrize("strategy", SAMPLERS)
def test_a_strategy_uses_nothing_that_is_instrumented_when_the_program_uses_it(strategy):
    def program():
        counts = Counter()
        in_threads(lambda: counts.update("a"), lambda: counts.update("b"))
        return sorted(counts)

    report = check(program, strategy=strategy, executions=100, include=INCLUDE)

    assert report.verdict == "pass"
