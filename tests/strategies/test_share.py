"""How far a search is: exact where a tree is uniform, an order of magnitude where it is not."""

import re
import threading

import pytest
from side_by_side import in_threads

import interleave
from interleave.core.program import from_callable
from interleave.core.strategy import Measuring
from interleave.session import session
from interleave.settings import Settings
from interleave.strategies.depth_first import DepthFirst, share_behind
from interleave.strategies.dpor import OptimalReduction
from interleave.strategies.random_walk import RandomWalk


class Place:
    """Something with attributes."""


def counter(threads, rounds):
    def program():
        place = Place()
        place.c = 0

        def count():
            for _ in range(rounds):
                place.c += 1

        in_threads(*[count] * threads)

    return program


def locked_counter():
    place, lock = Place(), threading.Lock()
    place.c = 0

    def count():
        for _ in range(2):
            with lock:
                place.c += 1

    in_threads(count, count, count)


def polled():
    place = Place()
    place.x = place.y = 0

    def wait():
        while not (place.x and place.y):
            pass

    in_threads(wait, lambda: setattr(place, "x", 1), lambda: setattr(place, "y", 1))


def writers():
    place = Place()
    in_threads(*(lambda i=i: setattr(place, "x", i) for i in range(5)))


def shares(program, strategy):
    """Run everything; return the share that the strategy told after each execution."""
    found = []
    with session(from_callable(program), Settings()) as opened:
        while strategy.begin():
            strategy.end(opened.execute(strategy))
            found.append(strategy.share())
    return found


@pytest.mark.parametrize("widths", [(3,), (2, 3, 4), (5, 1, 2, 2)])
def test_of_a_uniform_tree_the_share_is_exact(widths):
    leaves = 1
    for width in widths:
        leaves *= width
    strategy = DepthFirst()
    count = 0
    while strategy.begin():
        for width in widths:
            strategy.choose_value(width)
        strategy.end(None)
        count += 1
        assert strategy.share() == pytest.approx(count / leaves)
    assert count == leaves


def test_a_path_without_choices_is_all_there_is():
    assert share_behind([], []) == 1.0


PROGRAMS = {
    "counter 2,2": (counter(2, 2), OptimalReduction, 34),
    "counter 3,1": (counter(3, 1), OptimalReduction, 36),
    "locked counter 3,2": (locked_counter, OptimalReduction, 90),
    "writers 5": (writers, OptimalReduction, 120),
    "polled": (polled, OptimalReduction, None),
    "threads without work": (lambda: in_threads(*[lambda: None] * 2), DepthFirst, None),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_from_a_tenth_on_the_estimate_is_within_an_order_of_magnitude(name):
    program, make, executions = PROGRAMS[name]
    strategy = make("free") if make is OptimalReduction else make()
    found = shares(program, strategy)
    total = len(found)
    assert executions in (None, total)
    assert found[-1] == pytest.approx(1)
    for count, share in enumerate(found, 1):
        assert 0 < share <= 1 + 1e-9
        if count >= total / 10:
            assert total / 10 <= count / share <= total * 10


def test_only_who_goes_through_a_tree_can_tell():
    assert isinstance(DepthFirst(), Measuring)
    assert isinstance(OptimalReduction("free"), Measuring)
    assert not isinstance(RandomWalk(0), Measuring)


@pytest.mark.parametrize("strategy", ["dpor", "dfs"])
def test_a_search_that_a_budget_ends_tells_about_how_much_is_left(strategy):
    report = interleave.check(counter(2, 2), strategy=strategy, executions=8)

    assert report.verdict == "incomplete"
    assert report.left
    assert report.reasons[-1].startswith("about ")
    assert " executions are left" in report.reasons[-1]


def test_of_a_reduction_that_finds_more_and_more_to_do_it_is_said_early_and_not_late():
    def told(executions):
        return interleave.check(counter(3, 2), executions=executions).reasons[-1]

    assert told(60).endswith(
        " left, or far more: the estimate is not steady yet"
    )  # there are 7,134
    assert told(6_400).endswith(" executions are left")


def test_a_search_that_time_has_ended_tells_how_long_it_needs_or_that_this_is_not_enough():
    report = interleave.check(counter(3, 9), seconds=0.5)
    assert report.reasons[-1].startswith("about ")
    assert re.search(
        r"left: --seconds \d+ may do$|; --seconds \d+ may not be enough$|rate$", report.reasons[-1]
    )


def test_a_search_that_came_to_its_end_has_nothing_left_to_tell():
    done = interleave.check(counter(2, 1))
    exactly = interleave.check(counter(2, 1), executions=4)
    sampled = interleave.check(counter(2, 1), strategy="random", executions=4)

    assert done.verdict == exactly.verdict == sampled.verdict == "pass"
    assert done.left is exactly.left is sampled.left is None
