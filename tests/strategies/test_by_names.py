"""Anchors of a program that has not changed lead to the very same execution."""

import random

import pytest
import random_programs

import interleave
from interleave.core.outcome import Diverged
from interleave.core.program import from_callable
from interleave.core.schedule import Schedule, parse, strip
from interleave.session import session
from interleave.settings import Settings
from interleave.strategies.by_names import ByNames
from interleave.strategies.random_walk import RandomWalk


def random_program(source, family):
    own = random_programs.FAMILIES[family][1] or random_programs.EVERYWHERE
    return random_programs.program_of(
        family,
        tuple(
            (
                index > 0 and source.random() < 0.15,
                tuple((source.choice(own), source.randint(0, 1)) for _ in range(3)),
            )
            for index in range(3)
        ),
    )


def followed(program, granularity, time, seeds):
    """Follow random executions by names, and count their anchors."""
    scope = Settings(include=("cells",), granularity=granularity, time=time)
    count = 0
    with session(from_callable(program), scope) as opened:
        for seed in seeds:
            walk = RandomWalk(seed)
            walk.begin()
            choices = strip(opened.execute(walk).choices)
            recorded = opened.record(choices)
            token = Schedule(choices, 0, recorded.digest(), anchors=recorded.anchors).token
            anchors = parse(token).anchors
            assert anchors == recorded.anchors
            assert len(anchors) == sum(choice != 0 for choice in choices)

            strategy = ByNames(anchors)
            again = opened.recorded(strategy)

            assert not isinstance(again.ending, Diverged), again.ending
            strategy.check_end()
            assert (strategy.expected, strategy.stray) == (None, None)
            assert strip(again.choices) == choices
            assert again.told() == recorded.told()
            count += len(anchors)
    return count


@pytest.mark.parametrize("family", sorted(random_programs.FAMILIES))
def test_anchors_lead_to_the_same_execution(family):
    source = random.Random(family)
    modes = [("memory", "free"), ("sync", "idle"), ("memory", "ordered")]

    assert sum(followed(random_program(source, family), *mode, range(4)) for mode in modes)


@pytest.mark.slow
@pytest.mark.parametrize("family", sorted(random_programs.FAMILIES))
def test_anchors_lead_to_the_same_execution_many_times(family):
    source = random.Random(family)
    for _ in range(4):
        program = random_program(source, family)
        mode = source.choice(["memory", "sync"]), source.choice(["free", "idle", "ordered"])
        followed(program, *mode, range(10))


def three_values():
    return [interleave.choose([1, 2, 3]) for _ in range(3)]


def test_a_value_is_found_again_by_how_often_one_was_chosen():
    with session(from_callable(three_values), Settings()) as opened:
        recorded = opened.record((0, 2, 1))
        assert [(anchor.nth, anchor.value) for anchor in recorded.anchors] == [(2, 2), (1, 1)]
        assert opened.recorded(ByNames(recorded.anchors)).ending.value == [1, 3, 2]
