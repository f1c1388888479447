"""Each trace of threads that race for a dictionary is run once, and none is missed.

What such an access touches depends on which keys are there, and so on what came before it.
"""

import threading
from collections import Counter

import cells
import pytest

from interleave.core.program import from_callable
from interleave.oracle import trace_of
from interleave.primitives.accesses import Compound
from interleave.session import session
from interleave.settings import Settings
from interleave.strategies.dpor import OptimalReduction
from interleave.strategies.random_walk import RandomWalk

STEPS = {
    "put1": lambda d: cells.put_key(d, 1, 7),
    "put3": lambda d: cells.put_key(d, 3, 3),
    "get1": lambda d: cells.get_key(d, 1),
    "get3": lambda d: cells.get_key(d, 3),
    "pop1": lambda d: cells.pop_key(d, 1),
    "pop3": lambda d: cells.pop_key(d, 3),
    "delete1": lambda d: cells.delete_key(d, 1),
    "default3": lambda d: cells.set_default(d, 3, 5),
    "count": cells.count_keys,
    "keys": cells.iterate,
    "values": cells.values,
    "sum": cells.sum_of_items,
}


def executions(threads, strategy, number=None):
    """Yield the executions of a strategy, each with whether it was redundant."""

    def program():
        shared = {}

        def work(steps):
            for name in steps:
                try:
                    STEPS[name](shared)
                except (KeyError, RuntimeError):
                    pass  # it was not there, or changed on the way

        started = [threading.Thread(target=work, args=(steps.split(),)) for steps in threads]
        for thread in started:
            thread.start()
        for thread in started:
            thread.join()

    scope = Settings(include=("cells",), exclude=("test_traces_of_dictionaries",))
    with session(from_callable(program), scope) as opened:
        while strategy.begin() and number != 0:
            execution = opened.execute(strategy)
            yield trace_of(execution, "free"), strategy.end(execution)
            number = None if number is None else number - 1


def found_in(threads):
    """Return how often each trace was run, and how many executions were redundant."""
    found = list(executions(threads, OptimalReduction("free")))
    return Counter(trace for trace, redundant in found if not redundant), sum(
        redundant for _, redundant in found
    )


AT_LENGTH = [
    ("count", "delete1", "pop3", "get1"),
    ("delete1 put3", "pop1", "get3"),
    ("pop1", "default3 keys put3", "get3"),
    ("default3 count", "put1 values", "default3"),
    ("put3", "put3 put3 pop3", "count"),
]


@pytest.mark.parametrize("threads", AT_LENGTH, ids=", ".join)
def test_each_trace_is_run_once(threads):
    found, redundant = found_in(threads)
    assert set(found.values()) == {1}
    assert redundant == 0


GOING_THROUGH = ("default3 count", "get3", "sum put3", "put1")


def test_no_trace_is_missed_where_a_loop_goes_through_the_items():
    found, redundant = found_in(GOING_THROUGH)
    assert set(found.values()) == {1}
    assert redundant == 0
    seen = {trace for trace, _ in executions(GOING_THROUGH, RandomWalk(4), 600)}
    assert len(seen) > 30
    assert seen <= set(found)


def test_too_wide_a_footprint_in_the_past_repeats_traces(monkeypatch):
    monkeypatch.setattr(Compound, "footprint_in", lambda op, past: op._widest())
    found, redundant = found_in(AT_LENGTH[0])
    assert redundant or set(found.values()) != {1}
