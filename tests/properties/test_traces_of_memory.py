"""As many executions as there are traces, counted on paper: threads that load and store cells.

Brute force over whole programs cannot go to four or five threads. These programs are so plain that
their traces can be counted without running them, and what can go wrong between more than three
threads shows here: a sequence to come is held against those planned after other executions.
"""

import os
import random
import threading
from collections import Counter

import cells
import pytest

from interleave.core.program import from_callable
from interleave.oracle import trace_of
from interleave.session import session
from interleave.settings import Settings
from interleave.strategies.dpor import OptimalReduction


def number_of_traces(threads, limit=2500):
    """Count the orders of conflicting accesses, state by state; none if there are very many."""
    level = {(0,) * len(threads): {frozenset()}}
    for _ in range(sum(map(len, threads))):
        following = {}
        for at, orders in level.items():
            for index, accesses in enumerate(threads):
                if at[index] == len(accesses):
                    continue
                kind, cell = accesses[at[index]]
                edges = frozenset(
                    ((other, step), (index, at[index]))
                    for other, theirs in enumerate(threads)
                    if other != index
                    for step in range(at[other])
                    if theirs[step][1] == cell and "w" in (kind, theirs[step][0])
                )
                after = (*at[:index], at[index] + 1, *at[index + 1 :])
                following.setdefault(after, set()).update(order | edges for order in orders)
        level = following
        if sum(map(len, level.values())) > 20 * limit:
            return None
    (orders,) = level.values()
    return len(orders) if len(orders) <= limit else None


def program_of(threads):
    def program():
        shared = [cells.Cell() for _ in range(6)]

        def work(accesses):
            for kind, cell in accesses:
                if kind == "w":
                    cells.write(shared[cell], 1)
                else:
                    cells.read(shared[cell])

        started = [threading.Thread(target=work, args=(accesses,)) for accesses in threads]
        for thread in started:
            thread.start()
        for thread in started:
            thread.join()

    return program


def explored(threads):
    """Return how many executions there were, how many redundant, and how many traces."""
    strategy = OptimalReduction("free")
    traces, redundant = Counter(), 0
    scope = Settings(include=("cells",), exclude=("test_traces_of_memory",))
    with session(from_callable(program_of(threads)), scope) as opened:
        while strategy.begin():
            execution = opened.execute(strategy)
            trace = trace_of(execution, "free")
            if strategy.end(execution):
                redundant += 1
            else:
                traces[trace] += 1
    return traces.total(), redundant, len(traces)


def of(text):
    """Return threads as data: `w0 r1 | w1` is one that stores to cell 0, loads 1; and another."""
    return tuple(
        tuple((access[0], int(access[1:])) for access in thread.split())
        for thread in text.split("|")
    )


@pytest.mark.parametrize(
    ("text", "traces"),
    [
        # The sequence that reverses a race holds all that does not come of its first event, what
        # took place after the second one too: else a trace is lost.
        pytest.param("w2 | r2 w3 | w1 w3 | r2 w2 | r1", 36, id="all that is independent"),
        # And a race that was seen before is looked at again if what is independent has changed.
        pytest.param("r0 r0 | r2 r2 | r2 w0 | r0 w2 | r0 w2", 252, id="races seen before"),
        # Cells are first met in another order in another execution.
        pytest.param("w2 w0 | w1 | w0 w1 r0 | r2 w0", 48, id="other keys: lost"),
        pytest.param("w1 w3 | w1 r2 | r4 r3 w4 | w1 w3", 36, id="other keys: redundant"),
        pytest.param("w2 w0 | w4 | w4 r3 | w2 r4 | w2 w3", 72, id="who met it, by what was read"),
    ],
)
def test_no_trace_is_lost_among_many_threads(text, traces):
    threads = of(text)
    assert number_of_traces(threads) == traces
    assert explored(threads) == (traces, 0, traces)


def random_threads(source):
    count = source.choice([3, 4, 4, 5])
    width = source.choice([3, 4, 5, 6])
    longest = {3: 4, 4: 3, 5: 2}[count]
    return tuple(
        tuple(
            (source.choice("wwr"), source.randrange(width))
            for _ in range(source.randint(1, longest))
        )
        for _ in range(count)
    )


def compare(seed, programs, limit):
    source = random.Random(seed)
    compared = 0
    for _ in range(programs):
        threads = random_threads(source)
        traces = number_of_traces(threads, limit)
        if traces is not None and traces > 20:
            assert explored(threads) == (traces, 0, traces), threads
            compared += 1
    return compared


def test_random_accesses_have_as_many_executions_as_traces():
    assert compare(1, 60, 120) >= 10


@pytest.mark.slow
def test_many_random_accesses_have_as_many_executions_as_traces():
    assert compare(2, int(os.environ.get("INTERLEAVE_PROGRAMS", "250")), 1000) >= 50
