"""States are told apart exactly as traces are."""

import random

import pytest
import random_programs

from interleave.core.program import from_callable
from interleave.oracle import trace_of
from interleave.session import session
from interleave.settings import Settings
from interleave.strategies.depth_first import DepthFirst
from interleave.strategies.states import states_of

SCOPE = {"include": ("cells",), "exclude": ("random_programs",)}


def steps_of(source, family):
    own = random_programs.FAMILIES[family][1] or random_programs.EVERYWHERE
    return tuple((source.choice(own), source.randint(0, 1)) for _ in range(source.randint(1, 2)))


@pytest.mark.parametrize("time", ["free", "idle", "ordered"])
@pytest.mark.parametrize("family", sorted(random_programs.FAMILIES))
def test_two_executions_end_in_one_state_if_they_have_one_trace_and_not_else(family, time):
    source = random.Random(family)
    traces, states = {}, {}
    for _ in range(3):
        program = random_programs.program_of(
            family, ((False, ()), *((False, steps_of(source, family)) for _ in range(2)))
        )
        depth_first = DepthFirst()
        depth_first.noting = True
        count = 0
        traces.clear()
        states.clear()
        with session(from_callable(program), Settings(time=time, **SCOPE)) as world:
            while depth_first.begin() and count < 60:
                count += 1
                execution = world.execute(depth_first)
                trace, state = trace_of(execution, time), states_of(execution, time)[-1]
                depth_first.end(execution)
                if execution.ending.__class__.__name__ == "Raised":
                    continue  # the end of a failing task depends on everything
                assert traces.setdefault(state, trace) == trace
                assert states.setdefault(trace, state) == state
    assert states
