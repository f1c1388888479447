"""The reduction equals brute force on random programs over every operation of every primitive.

What comes out of `dfs` and of `dpor` is the same, as sets; `dpor` runs each trace of the executions
of `dfs` once, and no other; equal traces have equal endings.

To run it long, say how many programs for each family, and which:

    INTERLEAVE_PROGRAMS=5000 INTERLEAVE_SEED=7 pytest -m slow tests/properties/test_reduction.py
"""

import os
import random
from collections import Counter

import pytest
import random_programs
from endings import ending_of
from hypothesis import given, settings
from hypothesis import strategies as st
from random_programs import random_program

from interleave.core.program import from_callable
from interleave.oracle import trace_of
from interleave.session import session
from interleave.settings import Settings
from interleave.strategies.depth_first import DepthFirst
from interleave.strategies.dpor import OptimalReduction

LIMIT = 300
"""Programs with more schedules than that are left out of the quick run."""


def explored(program, strategy, time, limit):
    """Return how often each trace was run, the endings, and how many executions were redundant."""
    traces, endings, redundant = Counter(), {}, 0
    scope = Settings(include=("cells",), exclude=("random_programs", "test_reduction"), time=time)
    with session(from_callable(program), scope) as opened:
        while strategy.begin():
            execution = opened.execute(strategy)
            trace = trace_of(execution, time)
            ending = ending_of(execution)
            assert ending[0] != "other", ending
            if ending[0] != "raised":
                assert endings.setdefault(trace, ending) == ending
            else:
                endings[trace] = ending
            if strategy.end(execution):
                redundant += 1
            else:
                traces[trace] += 1
            if sum(traces.values()) > limit:
                return None
    return traces, set(endings.values()), redundant


def agree(family, threads, time, limit):
    """Compare both strategies; false if there were too many schedules."""
    program = random_programs.program_of(family, threads)
    brute = explored(program, DepthFirst(), time, limit)
    if brute is None:
        return False
    reduced = explored(program, OptimalReduction(time), time, limit)
    assert reduced is not None
    assert reduced[1] == brute[1]
    assert set(reduced[0]) == set(brute[0])
    assert set(reduced[0].values()) <= {1}
    assert reduced[2] == 0
    return True


@st.composite
def programs(draw):
    family = draw(st.sampled_from(sorted(random_programs.FAMILIES)))
    own = random_programs.FAMILIES[family][1]
    count = draw(st.integers(2, 3))
    steps = st.tuples(
        st.one_of(
            *[st.sampled_from(own)] * (3 if own else 0),
            st.sampled_from(random_programs.EVERYWHERE),
        ),
        st.integers(0, 1),
    )
    threads = draw(
        st.lists(
            st.tuples(
                st.sampled_from([False, False, False, True]),
                st.lists(steps, min_size=1, max_size=4 if count == 2 else 3).map(tuple),
            ),
            min_size=count,
            max_size=count,
        )
    )
    return (
        family,
        ((False, threads[0][1]), *threads[1:]),
        draw(st.sampled_from(["free", "idle", "ordered"])),
    )


@settings(max_examples=12, deadline=None, derandomize=True, database=None)
@given(programs())
def test_the_reduction_equals_brute_force(program):
    agree(*program, LIMIT)


@pytest.mark.slow
@pytest.mark.parametrize("family", sorted(random_programs.FAMILIES))
def test_the_reduction_equals_brute_force_on_many_programs(family):
    source = random.Random(family + os.environ.get("INTERLEAVE_SEED", ""))
    number = int(os.environ.get("INTERLEAVE_PROGRAMS", "40"))
    compared = 0
    for _ in range(number):
        threads, mode = random_program(source, family), source.choice(["free", "idle", "ordered"])
        try:
            compared += agree(family, threads, mode, 600)
        except AssertionError as error:
            error.add_note(f"the program: {family!r}, {threads!r}, time {mode}")
            raise
    assert compared >= number // 4
