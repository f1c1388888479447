"""With time `ordered` the reduction knows where each timed wait could have come earlier.

The places that the search finds are held against trying: every beginning of an execution is run,
and then the wait, to see whether it may end there. Its results are the largest ones where it may.
"""

import importlib.util
import itertools
import os
import random
from collections import Counter
from pathlib import Path

import pytest
import random_programs
from endings import ending_of

from interleave import oracle
from interleave.core.dependence import ADD, CLOCK, READ, WRITE, dependent
from interleave.core.program import from_callable
from interleave.oracle import footprints_of, trace_of
from interleave.session import session
from interleave.settings import Settings
from interleave.strategies import end_of_main
from interleave.strategies.deadlines import EarlierWaits
from interleave.strategies.depth_first import DepthFirst
from interleave.strategies.dpor import OptimalReduction
from interleave.strategies.happens_before import HappensBefore
from interleave.strategies.random_walk import RandomWalk

spec = importlib.util.spec_from_file_location(
    "truthful", Path(__file__).parent.parent / "properties" / "test_dependence_is_truthful.py"
)
truthful = importlib.util.module_from_spec(spec)
spec.loader.exec_module(truthful)

SETTINGS = Settings(granularity="sync", time="ordered")
MOST = 800
"""Waits that come after more beginnings than that are left out."""


# -- the search, against trying -------------------------------------------------------------------


def came_before(execution):
    """Return for each event those that happened before it, worked out in the plainest way."""
    events, footprints = execution.events, footprints_of(execution, "ordered")
    before = []
    for index, event in enumerate(events):
        direct = {
            other
            for other in range(index)
            if events[other].task is event.task or dependent(footprints[other], footprints[index])
        }
        first = all(events[other].task is not event.task for other in range(index))
        if first and event.task.born >= 0:
            direct.add(event.task.born)
        before.append(direct.union(*(before[other] for other in direct)))
    return before


def beginnings(execution, task, at):
    """Yield the beginnings behind which an event of a task may be next, but for that of all before.

    Each is a set of events that holds all that they come of, and that the event comes of.
    """
    events, before = execution.events, came_before(execution)
    mine = [index for index in range(at) if events[index].task is task]
    needed = {mine[-1], *before[mine[-1]]}
    of_task = {}
    for index in range(at):
        of_task.setdefault(events[index].task, []).append(index)
    ranges = [
        [upto for upto in range(len(done) + 1) if needed.intersection(done) <= set(done[:upto])]
        for done in of_task.values()
    ]
    number = 1
    for each in ranges:
        number *= len(each)
    if number > MOST:
        return
    for counts in itertools.product(*ranges):
        kept = {
            index
            for done, count in zip(of_task.values(), counts, strict=True)
            for index in done[:count]
        }
        closed = all(before[index] <= kept for index in kept)
        # What belongs to an event comes with it.
        whole = all(
            index in kept for index in range(at) if events[index].glued and index - 1 in kept
        )
        if closed and whole and len(kept) < at:
            yield frozenset(kept)


def is_able(opened, execution, task, kept):
    """Run a beginning and then the task, to see whether it may go on there."""
    order = truthful.order_of(execution)
    wanted = [*(order[index] for index in sorted(kept)), (task.path, 0)]
    follow = truthful.Follow(wanted)
    again = opened.execute(follow)
    ran = [event.task.path for event in again.events[: len(wanted)]]
    return not follow.strayed and ran == [path for path, _ in wanted]


def largest(found):
    return {one for one in found if not any(one < other for other in found)}


def found_by(execution):
    """Return for each timed wait the beginnings that the search has found, as sets of events."""
    order = HappensBefore("ordered")
    order.extend(execution)
    search = EarlierWaits(order)
    timed = list(order.timed)
    found = {}
    for one in timed:
        order.timed = [one]
        found[one[1], one[0].task] = [
            frozenset(range(first)) | following(execution, first, sequence[:-1])
            for first, sequence in search.sequences()
        ]
    return found


def following(execution, first, sequence):
    """Return the events from one on that a sequence means: the next ones of the tasks it names."""
    left = {}
    for index in range(first, len(execution.events)):
        left.setdefault(execution.events[index].task.number, []).append(index)
    return {left[number].pop(0) for number, _, _ in sequence}


def compare(program, seed, executions):
    """Compare the search with trying, for all timed waits of some executions of a program."""
    compared = 0
    walk = RandomWalk(seed)
    walk.noting = True
    with session(from_callable(program), SETTINGS) as opened:
        for _ in range(executions):
            walk.begin()
            execution = opened.execute(walk)
            walk.end(execution)
            for (at, task), found in found_by(execution).items():
                tried = list(beginnings(execution, task, at))
                if tried:
                    able = {kept for kept in tried if is_able(opened, execution, task, kept)}
                    assert len(found) == len(set(found))
                    assert set(found) == largest(able), [
                        event.describe() for event in execution.events
                    ]
                    compared += 1
    return compared


FEW = (
    *("nap", "rest", "set", "clear", "await_soon", "await_long", "timed_long", "release"),
    *("meet_long", "wait_long", "notify", "notify_nap", "choose", "up_one", "down_long"),
)
"""Steps of which one often has to do with another."""


SEEN = [name for name in random_programs.FAMILIES["times"][1] if name not in ("read", "write")]
"""Of all steps those that are operations at granularity `sync`."""


def drawn(source):
    own = source.choice([FEW[:5], FEW[:8], FEW, SEEN])
    count = source.choice([2, 3, 3, 4])
    return tuple(
        (
            source.random() < 0.25 and index > 0,
            tuple(
                (source.choice(own), source.randint(0, 1))
                for _ in range(source.randint(1, {2: 4, 3: 3, 4: 2}[count]))
            ),
        )
        for index in range(count)
    )


def compare_many(seed, number):
    source = random.Random(seed)
    compared = 0
    for _ in range(number):
        threads = drawn(source)
        try:
            compared += compare(
                random_programs.program_of("times", threads), source.randrange(1000), 2
            )
        except AssertionError as error:
            error.add_note(f"the program: {threads!r}")
            raise
    return compared


WRITTEN = {
    "two earlier deadlines, each after an event that may not have been": (
        (False, (("nap", 1),)),
        (False, (("write", 0), ("await_soon", 0))),
        (False, (("read", 0), ("await_soon", 1))),
    ),
    "a wait that may go on from the start, until it may not": (
        (False, (("down_long", 1), ("nap", 1))),
        (False, (("set", 0), ("up_one", 0), ("await_soon", 0))),
        (False, (("clear", 0),)),
    ),
    "a lock that was free before it was taken, while another one waits": (
        (False, (("acquire", 0), ("release", 0))),
        (False, (("up_one", 0), ("await_soon", 0))),
        (False, (("down_long", 1), ("timed_long", 0))),
    ),
    "a daemon that may go on at the end": (
        (False, (("set", 0),)),
        (True, (("await_soon", 0),)),
        (False, (("nap", 1),)),
    ),
    "a choice before a wait": (
        (False, (("nap", 1),)),
        (False, (("set", 0), ("choose", 1), ("await_soon", 1))),
    ),
    "a wake-up that needs the lock, and no longer the time": (
        (False, (("wait_long", 0),)),
        (False, (("notify_nap", 0),)),
        (False, (("nap", 1),)),
    ),
    "a wake-up between two notifications": (
        (False, (("notify", 0), ("notify", 0))),
        (False, (("wait_long", 0),)),
    ),
    "equal deadlines": (
        (False, (("nap", 0), ("nap", 0))),
        (False, (("nap", 1),)),
    ),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_the_places_in_written_programs_are_those_where_a_wait_can_end(name):
    assert compare(random_programs.program_of("times", WRITTEN[name]), 23, 40) >= 5


def test_the_places_where_a_wait_could_have_ended_are_those_where_it_can():
    assert compare_many(1, 20) > 20


@pytest.mark.slow
def test_the_places_where_a_wait_could_have_ended_are_those_where_it_can_in_many_programs():
    assert compare_many(2, 300) > 300


# -- the reduction, against brute force -----------------------------------------------------------


def explored(program, strategy, limit):
    """Return how often each trace was run, the endings, and how many executions were redundant."""
    traces, endings, redundant = Counter(), {}, 0
    with session(from_callable(program), SETTINGS) as opened:
        while strategy.begin():
            execution = opened.execute(strategy)
            trace, ending = trace_of(execution, "ordered"), ending_of(execution)
            assert ending[0] in ("returned", "deadlock")
            assert endings.setdefault(trace, ending) == ending
            if strategy.end(execution):
                redundant += 1
            else:
                traces[trace] += 1
            if sum(traces.values()) > limit:
                return None
    return traces, set(endings.values()), redundant


def agree(threads, limit):
    """Compare both strategies; none if there are too many schedules, else how many traces."""
    program = random_programs.program_of("times", threads)
    brute = explored(program, DepthFirst(), limit)
    if brute is None:
        return None
    traces, endings, redundant = explored(program, OptimalReduction("ordered"), limit)
    assert endings == brute[1]
    assert set(traces) == set(brute[0])
    assert set(traces.values()) == {1}
    assert redundant == 0
    return len(traces)


def agree_on_many(seed, number, limit):
    source = random.Random(seed)
    compared = 0
    for _ in range(number):
        threads = drawn(source)
        try:
            compared += agree(threads, limit) is not None
        except AssertionError as error:
            error.add_note(f"the program: {threads!r}")
            raise
    return compared


def test_each_trace_is_run_once_where_two_waits_hold_up_a_third():
    threads = (
        (False, (("get_long", 0),)),
        (False, (("put_long", 0), ("await_soon", 0))),
        (False, (("await_soon", 1),)),
    )
    assert agree(threads, 2_000) > 100


def test_each_trace_of_random_programs_is_run_once():
    assert agree_on_many(1, 15, 150) >= 5


@pytest.mark.slow
def test_each_trace_of_many_random_programs_is_run_once():
    number = int(os.environ.get("INTERLEAVE_PROGRAMS", "100"))
    assert agree_on_many(os.environ.get("INTERLEAVE_SEED", "2"), number, 600) >= number // 4


# -- what depends on the clock --------------------------------------------------------------------


def swap_neighbours():
    program = from_callable(random_programs.program_of("times", WRITTEN["equal deadlines"]))
    return truthful.check_swaps(program, SETTINGS, random.Random(1), executions=20, swaps=8)


@pytest.mark.parametrize("without", ["timed waits", "all else", "the order of timed waits"])
def test_neighbours_cannot_be_swapped_if_the_clock_is_left_out_of_what_they_touch(
    monkeypatch, without
):
    def left(event, touches):
        timed = event.timeout is not None
        for key, mode in touches:
            if key != CLOCK:
                yield key, mode
            elif without == "the order of timed waits":
                yield key, ADD if timed else WRITE
            elif timed != (without == "timed waits"):
                yield key, mode

    def footprints(execution, mode):
        told = footprints_of(execution, mode)
        return [tuple(left(event, one)) for event, one in zip(execution.events, told, strict=True)]

    assert sum(swap_neighbours()) > 20
    monkeypatch.setattr(truthful, "footprints_of", footprints)
    monkeypatch.setattr(oracle, "footprints_of", footprints)

    with pytest.raises(AssertionError, match=r"swapped|otherwise|other trace"):
        swap_neighbours()


@pytest.mark.parametrize(
    ("where", "name", "instead"),
    [
        (HappensBefore, "on_clock", lambda order, op: READ),
        (EarlierWaits, "sequences", lambda search: iter(())),
        (end_of_main, "_may_move_clock", lambda event: False),
    ],
)
def test_the_reduction_and_brute_force_differ_if_the_clock_is_left_out(
    monkeypatch, where, name, instead
):
    threads = (False, (("set", 0),)), (True, (("await_soon", 0),))
    assert agree(threads, 200)
    monkeypatch.setattr(where, name, instead)

    with pytest.raises(AssertionError):
        agree(threads, 200)
