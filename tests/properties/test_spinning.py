"""To take loops that only wait for waits loses nothing and invents nothing.

Programs with loops of many forms, of which some wait and some only look like it, are explored with
the rule and without it: sampled without it, no program ends in a way that the rule leaves out. And
with the rule `dpor` equals `dfs`: the same endings, each trace once, none redundant.
"""

import random
from collections import Counter

import pytest
import spinning_programs
from endings import ending_of as told
from hypothesis import given, settings
from hypothesis import strategies as st

from interleave.core.outcome import Livelocked, StepBound
from interleave.core.program import from_callable
from interleave.instrument import rounds
from interleave.oracle import trace_of
from interleave.session import session
from interleave.settings import Settings
from interleave.strategies.depth_first import DepthFirst
from interleave.strategies.dpor import OptimalReduction
from interleave.strategies.random_walk import RandomWalk

CUT = ("cut",)


def ending_of(execution):
    match execution.ending:
        case Livelocked(waiting):
            return ("livelock", tuple((item.task, item.what) for item in waiting))
        case StepBound():
            return CUT
    return told(execution)


def explored(program, strategy, time, limit):
    """Return how often each trace was run and the endings; none if there are too many."""
    traces, endings = Counter(), set()
    with session(from_callable(program), Settings(time=time, max_steps=500)) as opened:
        while strategy.begin():
            execution = opened.execute(strategy)
            assert not execution.untried
            ending = ending_of(execution)
            assert ending[0] not in ("cut", "other"), ending
            endings.add(ending)
            assert not strategy.end(execution), "a redundant execution"
            traces[trace_of(execution, time)] += 1
            if sum(traces.values()) > limit:
                return None
    return traces, endings


def sampled_without_the_rule(program, time, count):
    """Return the endings of a sample in which every round of a loop is run."""
    endings = set()
    strategy = RandomWalk(0)
    rule, rounds.came_round = rounds.came_round, lambda *_: None
    try:
        with session(from_callable(program), Settings(time=time, max_steps=150)) as opened:
            for _ in range(count):
                strategy.begin()
                execution = opened.execute(strategy)
                strategy.end(execution)
                endings.add(ending_of(execution))
    finally:
        rounds.came_round = rule
    return endings


def agree(threads, time, *, reduced_limit, brute_limit, sample):
    """Compare; return which of both comparisons were made."""
    program = spinning_programs.program_of(threads)
    reduced = explored(program, OptimalReduction(time), time, reduced_limit)
    if reduced is None:
        return "none"
    traces, endings = reduced
    assert set(traces.values()) == {1}
    if time == "free" and sample:
        # (With the one clock of `idle`, a loop that does not sleep would never let it move.)
        without = sampled_without_the_rule(program, time, sample)
        assert without - {CUT} <= endings
        if all(ending[0] == "livelock" for ending in endings):
            assert without == {CUT}
    brute = explored(program, DepthFirst(), time, brute_limit)
    if brute is None:
        return "sampled"
    assert brute[1] == endings
    assert set(brute[0]) == set(traces)
    return "all"


@st.composite
def programs(draw):
    loops = st.sampled_from(sorted({**spinning_programs.WAITS, **spinning_programs.ENDS}))
    acts = st.lists(st.sampled_from(sorted(spinning_programs.ACTS)), min_size=1, max_size=2)
    threads = [(draw(loops),), tuple(draw(acts))]
    return tuple(draw(st.permutations(threads)))


_ALL = {"reduced_limit": 300, "brute_limit": 400, "sample": 20}

ACT = {
    **dict.fromkeys(("until_set", "until_waited"), "set_event"),
    **dict.fromkeys(("until_got", "until_got_in_time"), "put"),
    "until_y_in_two_locks": "set_y",
    "until_taken": "hold_lock",
}


@pytest.mark.parametrize("form", sorted({**spinning_programs.WAITS, **spinning_programs.ENDS}))
def test_each_form_of_loop_loses_nothing(form):
    threads = ((form,), (ACT.get(form, "set_x"),))
    assert agree(threads, "free", reduced_limit=300, brute_limit=0, sample=40) == "sampled"


SMALL = (
    *(("until_x", act) for act in ("set_x", "read_y", "put")),
    *((form, "set_x") for form in ("until_ready", "until_waited", "until_x_sleeping")),
    *((form, "set_x") for form in ("thrice_counted", "attribute_counted", "until_got")),
    ("until_got_in_time", "set_event"),
    ("until_x_that_is_looked_at_twice", "set_x"),
)
"""Programs with a few hundred schedules."""


@pytest.mark.parametrize(("form", "act"), SMALL)
def test_the_reduction_of_loops_that_wait_equals_brute_force(form, act):
    assert agree(((form,), (act,)), "free", **_ALL) == "all"


def test_the_round_in_which_a_livelock_is_told_does_not_depend_on_the_order():
    assert agree((("until_set",), ("add_x",)), "idle", **_ALL) == "all"
    assert agree((("until_x_sleeping",), ("read_y",)), "idle", **_ALL) == "all"


def test_in_which_order_threads_meet_their_objects_makes_no_difference_to_the_reduction():
    # Each of two threads has a list of its own; which one is met first differs by execution.
    threads = (("until_y_in_two_locks",), ("read_y",), ("try_lock_in_time",))
    assert agree(threads, "free", reduced_limit=300, brute_limit=0, sample=20) == "sampled"


LARGER = (
    ("until_x_locked", "set_x"),
    ("until_set", "set_event"),
    ("until_got", "put"),
    ("for_around_while", "set_x"),
)


@pytest.mark.slow
@pytest.mark.parametrize(("form", "act"), LARGER)
def test_the_reduction_of_more_loops_equals_brute_force(form, act):
    limits = {"reduced_limit": 300, "brute_limit": 4_000, "sample": 0}
    assert agree(((form,), (act,)), "free", **limits) == "all"


@pytest.mark.parametrize("time", ["free", "idle"])
@settings(max_examples=3, deadline=None, derandomize=True)
@given(threads=programs())
def test_loops_that_wait_lose_nothing_and_are_reduced_rightly(time, threads):
    agree(threads, time, reduced_limit=300, brute_limit=300, sample=60)


@pytest.mark.slow
@pytest.mark.parametrize("time", ["free", "idle"])
def test_loops_that_wait_lose_nothing_over_many_programs(time):
    chance = random.Random(f"loops {time}")
    names = sorted(spinning_programs.FUNCTIONS)
    made = Counter()
    while made.total() < 40:
        threads = tuple(
            tuple(chance.choice(names) for _ in range(chance.choice([1, 1, 2])))
            for _ in range(chance.choice([2, 2, 3]))
        )
        if starves(threads):
            continue
        try:
            made[agree(threads, time, reduced_limit=150, brute_limit=100, sample=40)] += 1
        except AssertionError as error:
            error.add_note(f"threads: {threads}")
            raise
    assert made["none"] < 20


def starves(threads):
    """Whether one thread tries in a loop a lock that another one takes in a loop to look."""
    called = {name for names in threads for name in names}
    return "until_taken" in called and bool(called & {"until_x_locked", "until_y_in_two_locks"})
