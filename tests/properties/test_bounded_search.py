"""The search within a bound on preemptions equals brute force, filtered by their number.

What comes out of the executions of `dfs` with so many preemptions at most is what the search finds;
it judges each trace that can be had with so many once, and by an execution with as few as it needs.

To run it long, say how many programs for each family, and which:

    INTERLEAVE_PROGRAMS=500 INTERLEAVE_SEED=7 pytest -m slow tests/properties/test_bounded_search.py
"""

import math
import os
import random

import pytest
import random_programs
from endings import ending_of
from random_programs import random_program

from interleave.core.program import from_callable
from interleave.oracle import trace_of
from interleave.session import session
from interleave.settings import Settings
from interleave.strategies import fewest_first
from interleave.strategies.depth_first import DepthFirst
from interleave.strategies.fewest_first import FewestFirst

MOST = 3
"""Bounds from none to so many are compared."""


class EveryPoint(DepthFirst):
    """Brute force that tries the end of main like any other point."""

    def choose(self, options, stays):
        choice = super().choose(options, stays)
        self._ends.clear()
        return choice


def explored(program, strategy, time, limit):
    """Return the preemptions of each trace judged, and of each ending; none if there are too many.

    Of several executions the fewest count; `again` tells how often a trace was judged again.
    """
    traces, endings, again = {}, {}, 0
    scope = Settings(include=("cells",), exclude=("random_programs", "test_reduction"), time=time)
    with session(from_callable(program), scope) as opened:
        while strategy.begin():
            execution = opened.execute(strategy)
            trace, ending = trace_of(execution, time), ending_of(execution)
            assert ending[0] != "other", ending
            if strategy.end(execution):
                continue
            again += trace in traces
            for table, what in ((traces, trace), (endings, ending)):
                table[what] = min(table.get(what, MOST * 99), execution.preemptions)
            if len(traces) + again > limit:
                return None
    return traces, endings, again, strategy.bounded


def without_end(traces):
    """Leave the end of main out of traces: of those that become one the fewest preemptions count.

    By a clock that may move at any point a trace tells when main has ended, even if nobody looks;
    the search puts off the end only for who looks.
    """
    found = {}
    for trace, count in traces.items():
        ends = {name for name, kind, *_ in trace if kind == "return"}
        rest = frozenset(
            (name, kind, value, moves, before - ends)
            for name, kind, value, moves, before in trace
            if name not in ends
        )
        found[rest] = min(found.get(rest, count), count)
    return found


def agree(family, threads, time, limit):
    """Compare the search with brute force for all bounds; false if that has too many schedules."""
    program = random_programs.program_of(family, threads)
    brute = explored(program, EveryPoint(), time, limit)
    if brute is None:
        return False
    for bound in range(MOST + 1):
        traces, endings = (
            {what: count for what, count in table.items() if count <= bound} for table in brute[:2]
        )
        for merging, fair in ((True, False), (True, True), (False, True)):
            strategy = FewestFirst(bound, time, merging=merging, fair=fair)
            found = explored(program, strategy, time, limit * 99)
            assert found[1].keys() == endings.keys()
            assert found[0].keys() <= traces.keys()
            same = without_end if time == "ordered" else dict
            assert same(found[0]).keys() == same(traces).keys()
            if found[3] is None:
                assert endings.keys() == brute[1].keys()
                assert same(found[0]).keys() == same(brute[0]).keys()
            if merging:
                assert not found[2]
            if not fair:
                assert found[1] == endings
                assert same(found[0]) == same(traces)
    return True


@pytest.fixture(autouse=True)
def _short_reach(monkeypatch):
    monkeypatch.setattr(fewest_first, "_FIRST_REACH", 4)


def compared(family, number, limit, enough=math.inf):
    """Compare as many random programs; return how many were small enough, so many at most."""
    source = random.Random(family + os.environ.get("INTERLEAVE_SEED", ""))
    count = 0
    for _ in range(number):
        if count == enough:
            break
        threads = random_program(source, family)
        time = source.choice(["free", "idle", "ordered"])
        try:
            count += agree(family, threads, time, limit)
        except AssertionError as error:
            error.add_note(f"the program: {family!r}, {threads!r}, time {time}")
            raise
    return count


@pytest.mark.parametrize("family", sorted(random_programs.FAMILIES))
def test_the_search_within_a_bound_equals_brute_force(family):
    assert compared(family, 6, 100, enough=2)


@pytest.mark.slow
@pytest.mark.parametrize("family", sorted(random_programs.FAMILIES))
def test_the_search_within_a_bound_equals_brute_force_on_many_programs(family):
    number = int(os.environ.get("INTERLEAVE_PROGRAMS", "16"))
    assert compared(family, number, 600) >= number // 4


def test_who_goes_on_when_several_deadlines_pass_at_once_may_be_a_preemption():
    threads = (
        (False, (("join_timed", 1), ("main_alive", 0), ("up", 0), ("down_timed", 0))),
        (True, (("down_try", 0), ("down_timed", 0), ("up", 1))),
    )

    assert agree("semaphores", threads, "idle", 100)
