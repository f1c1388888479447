"""Shrinking never grows, keeps the failure, is idempotent and deterministic, and finds the least.

Random programs over every operation of every primitive are run by brute force. Each way to end is
taken for a failure in turn: the simplest of all executions that end so is known, and must be found.
"""

import os
import random

import pytest
import random_programs

from interleave.core.outcome import Returned
from interleave.core.program import from_callable
from interleave.exploration import Found, Witness
from interleave.judging import failure_of
from interleave.oracle import trace_of
from interleave.session import session
from interleave.settings import Settings
from interleave.shrink import shrink
from interleave.shrink.descent import Noted
from interleave.shrink.linearisation import fewest_preemptions
from interleave.shrink.trials import Attempt
from interleave.strategies.depth_first import DepthFirst
from interleave.strategies.turns import Following

LIMIT = 300
"""Programs with more schedules than that are left out."""

MOST = 8
"""Of so many traces, or ways to end, of a program each is looked at."""

ENOUGH = int(os.environ.get("INTERLEAVE_PROGRAMS", "10"))
"""So many of those are looked at for each family in the slow run."""


def opened(program, **more):
    scope = {"include": ("cells",), "exclude": ("random_programs", "test_shrinking")}
    return session(from_callable(program), Settings(**scope, **more))


def brute(program, time, limit):
    """Return all executions: how simple each is, its trace, and what it returned."""
    found = []
    depth_first = DepthFirst()
    depth_first.noting = True
    with opened(program, time=time) as world:
        while depth_first.begin():
            execution = world.execute(depth_first)
            returned = isinstance(execution.ending, Returned)
            value = execution.ending.value if returned else None
            failure = failure_of(execution, world.settings)
            found.append((Attempt.of(execution), trace_of(execution, time), value, failure))
            depth_first.end(execution)
            if len(found) > limit:
                return None
    return found


def shrunk(world, identity, attempt):
    witness = Witness(attempt.choices, attempt.digest, attempt.key[0], attempt.key[2], 0)
    return shrink(world, Found(*identity, witness))


def assert_shrinks(program, time, limit=LIMIT):
    """Take each way to end for the failure; return how often the search came to its end."""
    executions = brute(program, time, limit)
    complete = 0
    ways = {}
    for attempt, _, value, failure in executions or ():
        ways.setdefault((value, failure), []).append(attempt)
    for (value, failure), attempts in list(ways.items())[:MOST]:
        expect = None if failure else f"outcome != {value!r}"
        unexpected = "expectation", f"outcome {value!r} does not satisfy {expect}", None
        identity = failure or unexpected
        with opened(program, time=time, expect=expect) as world:
            complete += assert_least(world, identity, attempts)
    return complete


def assert_least(world, identity, attempts):
    start = max(attempts, key=lambda attempt: attempt.key)
    result = shrunk(world, identity, start)
    after = world.record(result.witness.choices)
    again = Attempt.of(after)
    assert failure_of(after, world.settings) == identity
    assert again.key <= start.key
    assert again.key[:3] == result.after
    assert shrunk(world, identity, again).witness == result.witness
    assert shrunk(world, identity, start) == result
    least = min(attempt.key for attempt in attempts)
    if result.least:
        assert result.after[0] == least[0]
    if result.complete:
        assert result.after == least[:3]
    return result.complete


def assert_linearises(program, time, limit=LIMIT):
    """Return for how many traces the order with the fewest preemptions was found: for each."""
    by_trace = {}
    for attempt, trace, _, _ in brute(program, time, limit) or ():
        by_trace.setdefault(trace, []).append(attempt)
    if not by_trace:
        return 0
    with opened(program, time=time) as world:
        for trace, attempts in list(by_trace.items())[:MOST]:
            start = max(attempts, key=lambda attempt: attempt.key)
            turns = fewest_preemptions(world.execute(Noted(start.choices)), time)
            found = world.execute(Following(turns, start.values))
            assert trace_of(found, time) == trace
            assert Attempt.of(found).key[:2] == min(attempt.key[:2] for attempt in attempts)
    return len(by_trace)


def random_program(source, family):
    own = random_programs.FAMILIES[family][1]
    count = source.choice([2, 2, 3])
    threads = []
    for index in range(count):
        steps = []
        for _ in range(source.randint(1, 3) if count == 2 and index else 1):
            names = own if own and source.random() < 0.85 else random_programs.EVERYWHERE
            steps.append((source.choice(names), source.randint(0, 1)))
        threads.append((index > 0 and source.random() < 0.15, tuple(steps)))
    return random_programs.program_of(family, tuple(threads))


FAMILIES = sorted(random_programs.FAMILIES)


@pytest.mark.parametrize("family", FAMILIES)
def test_shrinking_finds_the_simplest_execution(family):
    source = random.Random(family)

    assert sum(assert_shrinks(random_program(source, family), "free") for _ in range(3)) >= 1


@pytest.mark.parametrize("family", FAMILIES)
def test_the_order_with_the_fewest_preemptions_of_a_trace_is_found(family):
    source = random.Random(family)

    assert sum(assert_linearises(random_program(source, family), "free") for _ in range(3)) >= 1


def enough(look_at_one):
    """Look at random programs until enough was found in them: how many are too large varies."""
    found = 0
    for _ in range(3 * ENOUGH):
        found += look_at_one()
        if found >= ENOUGH:
            return True
    return False


@pytest.mark.slow
@pytest.mark.parametrize("time", ["free", "idle"])
@pytest.mark.parametrize("family", FAMILIES)
def test_shrinking_finds_the_simplest_execution_of_many_programs(family, time):
    source = random.Random(family + time)

    assert enough(lambda: assert_shrinks(random_program(source, family), time))


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_the_order_with_the_fewest_preemptions_is_found_for_many_traces(family):
    source = random.Random(family + "many")

    assert enough(lambda: assert_linearises(random_program(source, family), "free"))
