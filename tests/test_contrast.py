"""The nearest passing execution: it is real, it passes, and the pair that decides is the other way.

What is claimed is looked at from outside: both schedules are replayed and their events compared.
"""

import random
import threading
import time

import pytest
from side_by_side import in_threads

import interleave
from interleave import contrast as contrasts
from interleave.contrast import BUDGET, Contrast, NoContrast, contrast_to
from interleave.core.outcome import StepBound
from interleave.core.program import from_callable
from interleave.session import Session, session
from interleave.settings import Settings


class Counter:
    def __init__(self):
        self.value = 0

    def add(self):
        self.value += 1


def lost_update():
    counter = Counter()
    in_threads(counter.add, counter.add)
    assert counter.value == 2


def embrace():
    one, two = threading.Lock(), threading.Lock()

    def forth():
        with one, two:
            pass

    def back():
        with two, one:
            pass

    in_threads(forth, back)


def too_early():
    counter = Counter()
    thread = threading.Thread(target=counter.add)
    thread.start()
    assert counter.value == 1
    thread.join()


def asleep():
    left = [1]

    def buy():
        if left[0]:
            time.sleep(1)
            left[0] -= 1

    in_threads(buy, buy)
    assert left[0] == 0


def failed(program, **options):
    """Return the first failure that a depth-first search finds."""
    options = {"granularity": "memory", "strategy": "dfs"} | options
    return interleave.check(program, **options).failures[0]


def occurrences(events, wanted):
    """Return where the events stand that are like one: the same task, kind and line."""
    return [
        at
        for at, event in enumerate(events)
        if (event.task, event.kind, event.place) == (wanted.task, wanted.kind, wanted.place)
    ]


@pytest.mark.parametrize(
    ("program", "granularity"), [(lost_update, "memory"), (asleep, "sync"), (asleep, "memory")]
)
def test_the_other_way_round_it_passes(program, granularity):
    failure = failed(program, granularity=granularity)
    contrast = failure.contrast
    again = interleave.replay(program, failure.passing)

    assert again.verdict == "pass"
    assert again.events == contrast.events
    assert contrast.happened
    assert contrast.first == failure.events[contrast.at[0]]
    assert contrast.second == failure.events[contrast.at[1]]
    assert contrast.at[0] < contrast.at[1]
    first, second = (dict(contrast.matched)[at] for at in contrast.at)
    assert second < first
    assert first in occurrences(again.events, contrast.first)
    assert second in occurrences(again.events, contrast.second)


def test_what_decides_a_lost_update_is_one_pair_and_no_other():
    failure = failed(lost_update)

    assert failure.contrast.changed == (failure.contrast.at,)
    assert [
        (event.task, event.kind) for event in (failure.contrast.first, failure.contrast.second)
    ] == [("main.0", "read"), ("main.1", "write")]


def test_in_a_deadlock_what_decides_may_never_have_happened():
    failure = failed(embrace, granularity="sync")
    contrast = failure.contrast

    assert not contrast.happened
    assert contrast.second in failure.waiting
    assert interleave.replay(embrace, failure.passing).verdict == "pass"
    assert {
        (contrast.first.task, contrast.first.what),
        (contrast.second.task, contrast.second.what),
    } in (
        {("main.0", "acquire Lock#1"), ("main.1", "acquire Lock#1")},
        {("main.0", "acquire Lock#2"), ("main.1", "acquire Lock#2")},
    )


def test_what_comes_too_late_to_happen_is_told_from_the_passing_execution():
    failure = failed(too_early)
    contrast = failure.contrast

    assert (contrast.happened, contrast.at[1]) == (False, None)
    assert (contrast.second.task, contrast.second.kind) == ("main.0", "write")
    assert contrast.second in contrast.events
    assert contrast.second not in failure.events


def test_where_nothing_passes_it_says_so():
    def program():
        lock = threading.Lock()
        thread = threading.Thread(target=lambda: [lock.acquire(), lock.acquire()])
        thread.start()
        thread.join()

    failure = failed(program, granularity="sync")

    assert isinstance(failure.contrast, NoContrast)
    assert failure.contrast.complete
    assert 0 < failure.contrast.tried < BUDGET
    assert failure.passing is None


def test_the_budget_ends_the_search(monkeypatch):
    monkeypatch.setattr(contrasts, "BUDGET", 1)

    def program():
        counter = Counter()
        in_threads(counter.add, counter.add)
        assert counter.value > 2

    assert failed(program).contrast == NoContrast(1, complete=False)


def test_a_long_failure_has_no_contrast(monkeypatch):
    monkeypatch.setattr(contrasts, "LONGEST", 5)

    assert failed(lost_update).contrast is None


def test_the_same_failure_has_the_same_contrast():
    one, other = failed(lost_update), failed(lost_update)

    assert one.contrast == other.contrast
    assert one.passing == other.passing


def test_a_replay_finds_the_same_contrast():
    failure = failed(lost_update)
    (again,) = interleave.replay(lost_update, failure.schedule).failures

    assert again.contrast == failure.contrast
    assert again.sentence == failure.sentence


def test_chosen_values_stay_what_they_were():
    def program():
        step = interleave.choose([5, 9])
        in_threads(lambda: log.append("a"), lambda: log.append("b"))
        assert step != 9 or log.pop() + log.pop() == "ba"
        log.clear()
        return step

    log = []
    failure = failed(program, granularity="sync")

    assert failure.contrast.text == "9"


def test_an_expectation_counts_too_and_may_fail_on_other_outcomes():
    def program():
        counter = Counter()
        in_threads(counter.add, counter.add)
        return [counter.value, "text"][counter.value == 1]

    wrong = failed(lambda: program(), expect="outcome == 2")  # noqa: PLW0108 - a program of its own
    assert (wrong.message, wrong.contrast.text) == (
        "outcome 'text' does not satisfy outcome == 2",
        "2",
    )


def test_an_expectation_that_breaks_on_another_outcome_is_no_pass():
    def program():
        counter = Counter()
        in_threads(counter.add, counter.add)
        return None if counter.value == 2 else 0

    # The failing execution is the first one that a seed leads to; all that is near it returns None.
    seed = next(
        number
        for number in range(50)
        if 0 in interleave.replay(program, seed=f"1:{number}", granularity="memory").outcomes
    )
    (failure,) = interleave.replay(
        program, seed=f"1:{seed}", granularity="memory", expect="outcome + 1 > 1"
    ).failures

    assert isinstance(failure.contrast, NoContrast)


def test_the_output_counts_where_it_is_observed():
    def program():
        in_threads(lambda: print("one"), lambda: print("two"))

    failure = failed(
        program, granularity="sync", observe="output", expect="outcome == ['one', 'two']"
    )

    assert failure.contrast.text == "['one', 'two']"


def test_a_program_that_hangs_elsewhere_ends_the_search():
    def program():
        log = []

        def work(name):
            log.append(name)
            while log[0] == "b":
                pass

        in_threads(lambda: work("a"), lambda: work("b"))
        assert log != ["a", "b"]

    failure = failed(program, granularity="sync", hang_seconds=0.5)

    assert isinstance(failure.contrast, NoContrast)
    assert not failure.contrast.complete


def test_what_goes_on_much_longer_than_the_failure_is_cut(monkeypatch):
    def program():
        counter = Counter()

        def count():
            for _ in range(1_000 * counter.value):
                counter.value += 1

        in_threads(count, counter.add)
        assert counter.value != 1

    tried = []

    def execute(self, strategy, *, recording=False, **options):
        execution = original(self, strategy, recording=recording, **options)
        tried.append((execution.steps, type(execution.ending)))
        return execution

    original = Session.execute
    failing = failed(program).schedule
    settings = Settings(strategy="dfs", include=("test_contrast",))
    with session(from_callable(program), settings) as opened:
        monkeypatch.setattr(Session, "execute", execute)
        contrast = contrast_to(opened, failing.choices)
        assert opened.runtime.max_steps == settings.max_steps

    (steps, _), *others = tried
    assert isinstance(contrast, NoContrast)
    assert StepBound in [ending for _, ending in others]
    assert max(length for length, _ in others) <= 4 * steps + 100


def test_looking_for_a_contrast_changes_no_number_of_the_report():
    report = interleave.check(lost_update, granularity="memory", strategy="dfs")
    (failure,) = report.failures

    assert failure.contrast.tried > 0
    # Executions 0 to n-1: the failing one is the last that the search ran.
    assert sum(item.count for item in report.outcomes.values()) + 1 == report.executions


@pytest.mark.parametrize(
    ("programs", "most"), [(5, 0), pytest.param(40, 10, marks=pytest.mark.slow)]
)
def test_every_contrast_of_random_programs_is_true(programs, most):
    """Small programs at random: whatever is found passes, with the pair the other way round."""
    found = 0
    for seed in range(programs):
        program = random_program(random.Random(seed))
        report = interleave.check(
            program, granularity="memory", strategy="random", seed=seed, executions=40
        )
        for failure in report.failures:
            contrast = failure.contrast
            if isinstance(contrast, Contrast):
                found += 1
                assert interleave.replay(program, failure.passing).verdict == "pass"
                if contrast.happened:
                    first, second = (dict(contrast.matched)[at] for at in contrast.at)
                    assert contrast.at[0] < contrast.at[1]
                    assert second < first
    assert found > most


def random_program(chance):
    """Two threads that read and write two places; right is what one after the other may give."""
    bodies = [
        [(chance.choice(["add", "copy", "set"]), chance.choice("xy")) for _ in range(2)]
        for _ in range(2)
    ]

    class Places:
        def __init__(self):
            self.x, self.y = 0, 1

        def do(self, steps, number):
            for step, name in steps:
                if step == "add":
                    setattr(self, name, getattr(self, name) + 1)
                elif step == "copy":
                    setattr(self, name, getattr(self, "y" if name == "x" else "x"))
                else:
                    setattr(self, name, 10 + number)

    def serial(order):
        places = Places()
        for number in order:
            places.do(bodies[number], number)
        return places.x, places.y

    right = {serial((0, 1)), serial((1, 0))}

    def program():
        places = Places()
        in_threads(
            *(lambda number=number: places.do(bodies[number], number) for number in range(2))
        )
        assert (places.x, places.y) in right

    return program
