"""The dependency relation is truthful: two independent neighbours can be swapped unnoticed.

Real executions of many programs are taken; two neighbours of different tasks that it calls
independent change places, and the execution is run again in that order. It must be possible, end
alike and have the same trace. Neighbours that depend on each other must do so in the other order
too, where that is possible.
"""

import importlib.util
import os
import random
from pathlib import Path

import pytest
import random_programs
from endings import ending_of as told

from interleave.core.dependence import dependent
from interleave.core.model import model_of
from interleave.core.outcome import Returned, StepBound
from interleave.core.program import from_callable, import_file, programs_in
from interleave.core.steps import Choose
from interleave.folder import programs
from interleave.oracle import footprints_of, trace_of
from interleave.session import session
from interleave.settings import Settings
from interleave.strategies.random_walk import RandomWalk

HERE = Path(__file__).parent
MODELS = HERE.parent.parent / "models"
STEPS = 400


class Follow:
    """Lets those tasks go on that a list names, event by event; beyond it the first option."""

    bounded = None
    noting = True
    events = ()

    def __init__(self, order):
        self.order = order  # for each event the path of its task, and the value that it chose
        self.strayed = False

    def begin(self):
        return True

    def choose(self, options, stays):
        at = len(self.events)
        paths = [option.path for option in options]
        wanted = self.order[at][0] if at < len(self.order) else paths[0]
        if wanted not in paths:
            self.strayed = True
            return 0
        index = paths.index(wanted)
        if not stays:
            return index
        current = options.index(self.events[-1].task)
        return 0 if index == current else index + (index < current)

    def choose_value(self, count):
        at = len(self.events) - 1
        return self.order[at][1] if at < len(self.order) else 0

    def end(self, execution):
        return False


def order_of(execution):
    return [
        (event.task.path, event.value if isinstance(event, Choose) else 0)
        for event in execution.events
    ]


def ending_of(execution):
    match execution.ending:
        case Returned():
            return *told(execution), tuple(execution.output)
        case StepBound():
            return ("cut",)
    return told(execution)


def neighbours(execution, footprints):
    """Yield (begin, middle, end) of two units next to each other, and whether they depend.

    A unit is an event with those that belong to it. Left out are a start with the beginning of what
    it started, and what the clock's move lies between: there is an order, but nothing to swap.
    """
    events = execution.events
    starts = [at for at, event in enumerate(events) if not event.glued] + [len(events)]
    moves = {at for at, _ in execution.moves}
    for begin, middle, end in zip(starts, starts[1:], starts[2:], strict=False):
        one, other = events[begin].task, events[middle].task
        if one is other or begin <= other.born < middle or middle in moves:
            continue
        depend = any(
            dependent(footprints[left], footprints[right])
            for left in range(begin, middle)
            for right in range(middle, end)
        )
        yield begin, middle, end, depend


def check_swaps(program, settings, source, *, executions, swaps):
    """Swap neighbours of some executions; return how many were independent, and how many not."""
    independent = depending = 0
    walk = RandomWalk(source.randrange(1000))
    with session(program, settings) as opened:
        for _ in range(executions):
            walk.begin()
            execution = opened.execute(walk)
            walk.end(execution)
            ending = ending_of(execution)
            if ending[0] in ("other", "cut"):
                continue
            order = order_of(execution)
            footprints = footprints_of(execution, settings.time)
            trace = trace_of(execution, settings.time)
            kinds = [event.kind for event in execution.events]
            described = [event.describe() for event in execution.events]
            pairs = list(neighbours(execution, footprints))
            source.shuffle(pairs)
            free = [pair for pair in pairs if not pair[3]]
            bound = [pair for pair in pairs if pair[3]]
            for begin, middle, end, depend in (*free[:swaps], *bound[:swaps]):
                swapped = [
                    *range(begin),
                    *range(middle, end),
                    *range(begin, middle),
                    *range(end, len(order)),
                ]
                strategy = Follow([order[at] for at in swapped])
                again = opened.execute(strategy)
                what = (
                    f"{described[begin]} {footprints[begin]} by {order[begin][0]} and "
                    f"{described[middle]} {footprints[middle]} by {order[middle][0]}, "
                    f"events {begin} and {middle} of {described}"
                )
                if not depend:
                    independent += 1
                    assert not strategy.strayed, f"cannot be swapped: {what}"
                    assert [event.kind for event in again.events] == [
                        kinds[at] for at in swapped
                    ], f"go on otherwise: {what}"
                    assert ending_of(again) == ending, f"end otherwise: {what}"
                    assert trace_of(again, settings.time) == trace, f"other trace: {what}"
                    continue
                length = end - begin
                ran = [event.task.path for event in again.events[begin:end]]
                if strategy.strayed or ran != [order[at][0] for at in swapped[begin:end]]:
                    continue  # the one lets the other go: there is no other order
                depending += 1
                footing = footprints_of(again, settings.time)
                assert any(
                    dependent(footing[left], footing[right])
                    for left in range(begin, begin + length)
                    for right in range(left + 1, begin + length)
                    if again.events[left].task is not again.events[right].task
                ), f"depend in one order alone: {what}"
    return independent, depending


# -- random programs over every primitive ---------------------------------------------------------


def random_program(source, family):
    own = random_programs.FAMILIES[family][1]
    threads = []
    for index in range(source.choice([2, 3, 3, 4])):
        steps = []
        for _ in range(source.randint(1, 5)):
            names = own if own and source.random() < 0.85 else random_programs.EVERYWHERE
            steps.append((source.choice(names), source.randint(0, 1)))
        threads.append((index > 0 and source.random() < 0.15, tuple(steps)))
    return random_programs.program_of(family, tuple(threads))


def swap_in(family, seed, number, times=("free", "idle")):
    source = random.Random(f"{family}{seed}")
    total = [0, 0]
    for _ in range(number):
        settings = Settings(
            include=("cells",),
            exclude=("random_programs", "test_dependence_is_truthful"),
            time=source.choice(times),
        )
        program = from_callable(random_program(source, family))
        found = check_swaps(program, settings, source, executions=2, swaps=5)
        total = [total[0] + found[0], total[1] + found[1]]
    return total


@pytest.mark.parametrize("family", sorted({*random_programs.FAMILIES} - {"times"}))
def test_neighbours_in_random_programs_can_be_swapped(family):
    independent, depending = swap_in(family, 0, 8)
    assert independent >= 20
    assert depending >= 1


@pytest.mark.parametrize("family", sorted(random_programs.FAMILIES))
def test_neighbours_in_random_programs_can_be_swapped_where_deadlines_pass_in_order(family):
    independent, depending = swap_in(family, 2, 6, ["ordered"])
    assert independent >= 20
    assert depending >= 3


@pytest.mark.slow
@pytest.mark.parametrize("family", sorted(random_programs.FAMILIES))
def test_neighbours_in_many_random_programs_can_be_swapped(family):
    number = int(os.environ.get("INTERLEAVE_PROGRAMS", "40"))
    independent, _ = swap_in(family, 1, number, ["free", "idle", "ordered"])
    assert independent >= 200


# -- the models, and the programs of known numbers of traces --------------------------------------


def models():
    for item in programs(MODELS):
        if item.is_model:
            file, _, name = item.target.rpartition(":")
            yield pytest.param(file, name, id=name)


@pytest.mark.parametrize(("file", "name"), list(models()))
def test_neighbours_in_the_models_can_be_swapped(file, name):
    function = programs_in(import_file(Path(file)))[name]
    options = model_of(function).options
    settings = Settings(
        time=options.get("time", "free"),
        observe=options.get("observe", "outcome"),
        max_steps=STEPS,
    )
    source = random.Random(name)
    check_swaps(from_callable(function), settings, source, executions=2, swaps=4)


def known_programs():
    spec = importlib.util.spec_from_file_location(
        "ground_truth", HERE.parent / "strategies" / "test_dpor.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (mark,) = (
        mark for mark in module.test_each_trace_is_run_once.pytestmark if mark.name == "parametrize"
    )
    return [pytest.param(item.values[0], id=item.id) for item in mark.args[1]]


@pytest.mark.parametrize("program", known_programs())
def test_neighbours_in_programs_of_known_numbers_of_traces_can_be_swapped(program):
    source = random.Random(1)
    found = check_swaps(from_callable(program), Settings(), source, executions=2, swaps=4)
    assert sum(found) > 0
