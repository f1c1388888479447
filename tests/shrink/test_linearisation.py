"""The order with the fewest preemptions of a trace, and whether a task could have gone on."""

import random
import threading

import pytest
import random_programs

from interleave.core.program import from_callable
from interleave.oracle import trace_of
from interleave.session import session
from interleave.settings import Settings
from interleave.shrink.descent import Noted
from interleave.shrink.linearisation import MOST_STATES, _Trace, fewest_preemptions
from interleave.shrink.trials import Attempt
from interleave.strategies.random_walk import RandomWalk
from interleave.strategies.turns import Following

SCOPE = {"include": ("cells",), "exclude": ("random_programs",)}


class Walk(RandomWalk):
    noting = True


def preemptions_told(execution):
    """Count the switches of an execution at which the task that was left could have gone on."""
    trace = _Trace(execution, "free")
    done = [0] * len(trace.total)
    told, current = 0, 0
    for event in execution.events:
        if event.glued:
            continue
        task = event.task.number
        if task != current:
            told += trace.able(tuple(done), current)
        done[task] += 1
        current = task
    return told


@pytest.mark.parametrize("number", [4, pytest.param(16, marks=pytest.mark.slow)])
@pytest.mark.parametrize("family", sorted(random_programs.FAMILIES))
def test_who_could_go_on_is_worked_out_as_it_was(family, number):
    source = random.Random(family)
    own = random_programs.FAMILIES[family][1] or random_programs.EVERYWHERE
    for _ in range(number):
        threads = tuple(
            (False, tuple((source.choice(own), source.randint(0, 1)) for _ in range(3)))
            for _ in range(3)
        )
        walk = Walk(source.randint(0, 1_000))
        program = from_callable(random_programs.program_of(family, threads))
        with session(program, Settings(**SCOPE)) as world:
            for _ in range(5):
                walk.begin()
                execution = world.execute(walk)
                assert preemptions_told(execution) == execution.preemptions


def test_a_long_trace_gets_a_good_order_of_the_same_trace():
    def program():
        cells = [[] for _ in range(4)]

        def work(mine):
            for number in range(30):
                mine.append(number)

        threads = [threading.Thread(target=work, args=(cell,)) for cell in cells]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    walk = Walk(1)
    walk.begin()
    with session(from_callable(program), Settings()) as world:
        start = Attempt.of(world.execute(walk))
        execution = world.execute(Noted(start.choices))
        assert 30**4 > MOST_STATES
        found = world.execute(Following(fewest_preemptions(execution, "free"), start.values))

        assert trace_of(found, "free") == trace_of(execution, "free")
        assert start.key[0] > 30
        assert found.preemptions <= 4  # each thread runs through, in whatever order
