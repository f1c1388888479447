"""How soon faults are found by sampling: what PCT guarantees, and where chance alone is poor.

The seeds are fixed, so the figures are too. They are shares of so many executions of one seed.
"""

import threading
from collections import Counter, deque

import known_faults
import pytest
from side_by_side import in_threads

from interleave import check

INCLUDE = ("known_faults",)


def share(program, executions, **options):
    """Return how large a part of the executions fails, how many threads there are, and events."""
    report = check(
        program,
        executions=executions,
        keep_going=True,
        shrink=False,
        include=INCLUDE,
        **options,
    )
    failing = sum(failure.count for failure in report.failures)
    return failing / executions, report.threads


def horizon(program):
    """Return how many events execution 0 of pct has: all that it learns."""
    report = check(program, strategy="pct", executions=1, shrink=False, include=INCLUDE)
    return report.steps_max


def read_too_early():
    """Depth 1: it is enough that one thread comes before the other."""
    cell, seen = known_faults.Cell(None), []
    in_threads(lambda: setattr(cell, "value", 1), lambda: seen.append(cell.value))
    assert seen == [1]


def torn_twice():
    """Depth 3: both threads have to be left at a certain point."""
    seen = []

    def count(name):
        def body():
            seen.append(name)
            seen.append(name)

        return body

    in_threads(count("a"), count("b"))
    assert "".join(seen) != "abab"


GUARANTEED = [
    (read_too_early, 1),
    (known_faults.lost_update, 2),
    (known_faults.embrace, 2),
    (known_faults.two_stage, 2),
    (known_faults.reorder, 2),
    (torn_twice, 3),
]


def assert_guaranteed(program, depth, executions):
    found, threads = share(program, executions, strategy="pct", depth=depth, seed=2)

    if program is read_too_early:
        # The least of all: the writer must have the lowest priority, of three threads.
        assert abs(found - 1 / 3) < 3 * (2 / 9 / executions) ** 0.5
        return
    assert found >= 1 / (threads * horizon(program) ** (depth - 1))


@pytest.mark.parametrize(("program", "depth"), GUARANTEED)
def test_pct_finds_a_fault_of_its_depth_as_often_as_it_guarantees(program, depth):
    assert_guaranteed(program, depth, 1_000 if depth == 3 else 400)


@pytest.mark.slow
@pytest.mark.parametrize(("program", "depth"), GUARANTEED)
def test_pct_keeps_what_it_guarantees_over_thousands_of_executions(program, depth):
    assert_guaranteed(program, depth, 6_000)


def test_pct_of_less_depth_does_not_find_a_deeper_fault():
    found = {depth: share(torn_twice, 400, strategy="pct", depth=depth)[0] for depth in (1, 2)}

    assert found == {1: 0.0, 2: 0.0}


@pytest.mark.parametrize("strategy", ["pos", "surw"])
@pytest.mark.parametrize(
    "fault", [known_faults.two_stage, known_faults.reorder], ids=lambda fault: fault.__name__
)
def test_what_chance_seldom_finds_is_found_several_times_as_often(fault, strategy):
    by_chance, _ = share(fault, 500, strategy="random", seed=5)
    found, _ = share(fault, 500, strategy=strategy, seed=5)

    assert 0 < by_chance < 0.02
    assert found > 4 * by_chance


def appended():
    """Return in which order two threads append three times each: 20 orders."""
    seen = deque()  # no other object of that class is there

    def body(name):
        for _ in range(3):
            seen.append(name)

    threads = [threading.Thread(target=body, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return "".join(seen)


def counts_of(strategy, executions):
    report = check(appended, strategy=strategy, executions=executions, seed=1)
    return Counter({value: outcome.count for value, outcome in report.outcomes.items()})


def test_surw_draws_each_order_of_the_events_of_interest_as_often():
    uniform, by_chance = counts_of("surw", 2_000), counts_of("random", 1_000)

    assert len(uniform) == 20
    # 100 of each are expected, with a standard deviation of 10.
    assert all(65 <= count <= 135 for count in uniform.values())
    assert max(by_chance.values()) > 10 * min(by_chance.values())
