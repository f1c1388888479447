"""Under the GIL the reduction equals brute force too, on random programs over plain memory.

Between two points where CPython looks whether another thread wants to go on, what is touched may
depend on what was read there, so the footprint of such a stretch is another in another order.
"""

import random
from collections import Counter

import pytest

from interleave.core.outcome import Raised, Returned
from interleave.core.program import from_callable
from interleave.oracle import trace_of
from interleave.session import session
from interleave.settings import Settings
from interleave.strategies.depth_first import DepthFirst
from interleave.strategies.dpor import OptimalReduction
from interleave.strategies.random_walk import RandomWalk

SHARED = """
import threading

def look():
    pass

class Shared:
    def __init__(self):
        self.a = self.b = self.c = 0
        self.items = [0]
        self.lock = threading.Lock()
        self.one, self.two = Part(), Part()
        self.at = self.one
        self.more, self.less = [0] * 2, [0] * 2  # nobody sees an operator make them

class Part:
    def __init__(self):
        self.value = 0
"""

STATEMENTS = (
    "s.{n} += 1",
    "s.{n} = s.{m} + 1",
    "s.{n} = {k}",
    "x = s.{n}",
    "s.{n} = x + 1",
    "x += s.{n}",
    "if s.{n}: s.{m} += 1",
    "if s.{n} == {k}: s.{m} = {k}",
    "if not s.{n}: x += s.{m}",
    "if x: s.{n} = x",
    "look()",
    "look()",
    "x = len(s.items)",
    "s.items.append({k})",
    "s.items[0] += 1",
    "for _ in (1,): s.{n} += 1",
    "s.at.value += 1",
    "s.at = s.two",
    "x = s.at.value",
    "with s.lock: s.{n} += 1",
    "assert s.{n} < 3",
)


UNSEEN = (
    *STATEMENTS[:10],
    "s.more[0] += 1",
    "s.more[1] = {k}",
    "s.less[0] = x",
    "x = s.more[0]",
    "if s.more[0]: s.less[1] = {k}",
    "if s.less[0]: s.{n} += 1",
    "s.less.append({k})",
    "if not s.{n}: s.more, s.less = s.less, s.more",
    "look()",
    "look()",
)
"""Statements that meet objects of which it was not seen who made them."""


def program_of(seed, threads, steps, statements):
    """Return a program, and its source: threads that do random things to what they share."""
    source = random.Random(seed)
    lines = [SHARED]
    for number in range(threads):
        lines.append(f"def thread{number}(s, seen):\n    x = 0")
        for _ in range(source.randint(1, steps)):
            statement = source.choice(statements)
            n, m = source.choice("abc"), source.choice("abc")
            lines.append(f"    {statement.format(n=n, m=m, k=source.randint(0, 2))}")
        lines.append("    seen.append(x)")
    run = [
        "def program():",
        "    s = Shared()",
        f"    seen = {[[] for _ in range(threads)]}",
        "    threads = []",
    ]
    run += [
        *(
            f"    threads.append(threading.Thread(target=thread{number}, args=(s, seen[{number}])))"
            for number in range(threads - 1)
        ),
        *(f"    threads[{number}].start()" for number in range(threads - 1)),
        f"    thread{threads - 1}(s, seen[{threads - 1}])",
        *(f"    threads[{number}].join()" for number in range(threads - 1)),
        "    ends = (s.a, s.b, s.c, s.items, s.more, s.less)",
        "    return (*ends, s.one.value, s.two.value, s.at is s.one, seen)",
    ]
    text = "\n".join([*lines, *run])
    names = {"__name__": "generated"}
    exec(compile(text, "<generated>", "exec"), names)
    return names["program"], text


def ending_of(execution):
    ending = execution.ending
    if isinstance(ending, Returned):
        return repr(ending.value)
    assert isinstance(ending, Raised), ending
    return repr((ending.task, type(ending.error).__name__))


def explored(program, strategy, atomicity, limit):
    """Return how often each trace was run, the endings, and how many executions were redundant."""
    traces, endings, redundant = Counter(), {}, 0
    given = Settings(include=("generated",), atomicity=atomicity)
    with session(from_callable(program), given) as opened:
        strategy.noting = True
        while strategy.begin():
            execution = opened.execute(strategy)
            trace = trace_of(execution, "free")
            ending = ending_of(execution)
            assert isinstance(execution.ending, Raised) or endings.get(trace, ending) == ending
            endings[trace] = ending
            if strategy.end(execution):
                redundant += 1
            else:
                traces[trace] += 1
            if sum(traces.values()) > limit:
                return None
    return traces, set(endings.values()), redundant


def agree(seed, limit, threads, steps, statements=STATEMENTS):
    """Compare both strategies; none if there were too many schedules."""
    program, text = program_of(seed, threads, steps, statements)
    brute = explored(program, DepthFirst(), "gil", limit)
    if brute is None:
        return None
    reduced = explored(program, OptimalReduction("free"), "gil", limit)
    assert reduced is not None, text
    assert reduced[1] == brute[1], text
    assert set(reduced[0]) == set(brute[0]), text
    if statements is STATEMENTS:  # else a trace may be run again
        assert set(reduced[0].values()) <= {1}, text
    finer = explored(program, OptimalReduction("free"), "free-threaded", limit)
    assert finer is None or reduced[1] <= finer[1], text
    return reduced[2]


def compared(seeds, limit, **options):
    """Return how many programs were compared; of the others the schedules are too many."""
    given = {"threads": 2, "steps": 4, **options}
    return sum(agree(seed, limit, **given) is not None for seed in seeds)


def test_the_reduction_equals_brute_force_on_random_programs_of_two_threads():
    assert compared(range(4), 1_000) > 1


def test_the_reduction_misses_nothing_where_objects_were_not_seen_to_be_made():
    assert compared(range(4), 1_000, statements=UNSEEN) > 1


@pytest.mark.slow
def test_the_reduction_equals_brute_force_on_many_random_programs():
    assert compared(range(4, 20), 1_000) > 8
    assert compared(range(4, 20), 1_000, statements=UNSEEN) > 8
    assert compared(range(1_000, 1_025), 3_000, steps=5) > 20
    assert compared(range(3_000, 3_025), 3_000, steps=5, statements=UNSEEN) > 20


def sampled(program, count):
    """Return the traces of some executions."""
    traces = set()
    given = Settings(include=("generated",), atomicity="gil")
    with session(from_callable(program), given) as opened:
        strategy = RandomWalk(0)
        strategy.noting = True
        for _ in range(count):
            strategy.begin()
            traces.add(trace_of(opened.execute(strategy), "free"))
    return traces


@pytest.mark.parametrize(
    ("seeds", "most"), [(range(4), 1), pytest.param(range(4, 10), 2, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("statements", [STATEMENTS, UNSEEN], ids=["made", "unseen"])
def test_the_reduction_has_every_trace_that_a_sample_of_three_threads_comes_across(
    statements, seeds, most
):
    found = 0
    for seed in seeds:
        program, text = program_of(seed, 3, 9, statements)
        reduced = explored(program, OptimalReduction("free"), "gil", 500)
        if reduced is not None:
            assert sampled(program, 60) <= set(reduced[0]), text
            # A race that ends in an event of several accesses is planned as if that touched
            # everything, and looked at again: so now and then a trace comes twice.
            if statements is STATEMENTS:
                assert max(reduced[0].values()) <= 2, text
            found += len(reduced[0]) > 3
    assert found > most
