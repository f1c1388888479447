"""The search in rounds: what it proves, and what it does not claim once its budget has ended."""

import known_faults
import pytest

from interleave import check
from interleave.core.program import from_callable
from interleave.judging import failure_of
from interleave.session import session
from interleave.settings import Settings
from interleave.shrink.search import Search
from interleave.shrink.trials import Attempt, Budget, Trials
from interleave.strategies.probe import Point

INCLUDE = ("known_faults",)


def searched(fault, executions, **settings):
    found = check(fault, strategy="random", shrink=False, include=INCLUDE, **settings).failures[0]
    with session(from_callable(fault), Settings(include=INCLUDE, **settings)) as world:
        again = world.record(found.schedule.choices)
        trials = Trials(world, failure_of(again, world.settings))
        start = trials.start(found.schedule.choices)
        search = Search(trials, start, Budget(executions, 10**9))
        search.run()
        return search


def test_without_budget_nothing_is_claimed():
    search = searched(known_faults.two_stage, 1)

    assert (search.least, search.complete) == (False, False)


def test_the_fewest_preemptions_are_proven_before_the_rest():
    search = searched(known_faults.philosophers, 600)

    assert (search.best.key[0], search.least, search.complete) == (1, True, False)


@pytest.mark.parametrize(
    ("fault", "key"),
    [
        (known_faults.lost_updates, (1, 4, 24)),
        (known_faults.two_stage, (1, 2, 21)),
        (known_faults.reorder, (1, 2, 16)),
        (known_faults.notified_too_early, (1, 3, 16)),
        (known_faults.sold_out, (1, 5, 32)),
    ],
    ids=lambda item: getattr(item, "__name__", None),
)
def test_the_simplest_execution_is_found_from_a_sample(fault, key):
    search = searched(fault, 10_000, seed=1)

    assert search.complete
    assert search.best.key[:3] == key


def test_a_state_is_gone_on_from_again_if_it_was_reached_more_cheaply():
    with session(from_callable(known_faults.embrace), Settings(include=INCLUDE)) as world:
        start = Attempt.of(world.record(()))
        search = Search(Trials(world, None), start, Budget(1, 1))
    point = Point(3, (0, 1), stays=True)
    costs = [(1, 3), (1, 3), (1, 4), (0, 5), (1, 5), (1, 2)]

    known = [search._known(7, point, 1, cost) for cost in costs]

    assert known == [False, True, True, False, True, False]
    assert not search._known(7, point, 0, (1, 3))  # another task goes on
    assert not search._known(8, point, 1, (1, 3))  # another state
