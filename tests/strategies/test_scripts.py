"""An execution begins as the last one did, by a script: it is the one that its choices make."""

import threading
import time

import pytest
from asking import Asked
from side_by_side import in_threads
from unlocked_counters import Place, counter

import interleave
from interleave.core.program import from_callable
from interleave.determinism import run_again
from interleave.exploration import Stop
from interleave.exploring import explore
from interleave.session import session
from interleave.settings import Settings
from interleave.strategies.dpor import OptimalReduction

ASKING = {"strategy": "dpor", "exclude": ("asking",)}


def flagged():
    place = Place()
    place.flag = False

    def wait():
        while not place.flag:
            time.sleep(0.01)

    in_threads(wait, lambda: setattr(place, "flag", True))


def after_a_sleep():
    place = Place()

    def work():
        time.sleep(1)
        place.x = 1

    in_threads(work, work)


def chosen_and_timed():
    lock, place = threading.Lock(), Place()
    place.x = interleave.choose([1, 2])

    def take():
        if lock.acquire(timeout=1):
            place.x += interleave.choose([1, 2])
            lock.release()
        else:
            time.sleep(2)

    in_threads(take, take)
    return place.x


@pytest.mark.parametrize(
    ("program", "mode"),
    [
        (counter(2, 1), "free"),
        (flagged, "free"),
        (flagged, "idle"),
        (after_a_sleep, "free"),
        (after_a_sleep, "idle"),
        (chosen_and_timed, "free"),
        (chosen_and_timed, "idle"),
        (chosen_and_timed, "ordered"),
    ],
)
def test_an_execution_that_begins_by_a_script_is_the_one_that_its_choices_lead_to(program, mode):
    seen = []
    with session(from_callable(program), Settings.of({**ASKING, "time": mode})) as opened:
        strategy = Asked(mode)
        while strategy.begin() and len(seen) < 60:
            execution = opened.execute(strategy)
            strategy.end(execution)
            again = run_again(opened, execution.choices)
            told = [(each.told(), each.preemptions, each.switches) for each in (execution, again)]
            seen.append(told)
            assert again.choices == execution.choices
            assert told[0] == told[1]
    assert len(seen) > 1
    assert max(strategy.lengths) > 0


def test_nobody_is_asked_who_goes_on_as_in_the_last_execution():
    strategy = Asked()
    with session(from_callable(counter(2, 2)), Settings.of(ASKING)) as opened:
        assert explore(opened, strategy, repeating=False).executions == 34
    early = [
        event
        for asked, length in zip(strategy.asked, strategy.lengths, strict=True)
        for event in asked
        if event < length
    ]
    assert early == []
    assert sum(strategy.lengths) > 34 * 10


def going_on(change):
    """Explore a program that is another one in its second execution."""
    runs = []

    def program():
        runs.append(1)
        change(len(runs) == 1)

    settings = Settings.of({"strategy": "dpor", "keep_going": True})
    with session(from_callable(program), settings) as opened:
        return explore(opened, OptimalReduction("free"), repeating=False)


def test_a_script_that_cannot_go_on_ends_the_search_and_says_where():
    def waits(first):
        place = Place()
        threading.Semaphore(int(first)).acquire()
        in_threads(*[lambda: setattr(place, "x", 1)] * 2)

    found = going_on(waits)
    assert found.stop is Stop.DIVERGED
    assert "main cannot acquire Semaphore#1; something else" in found.detail


def test_a_script_whose_thread_is_over_ends_the_search_and_says_so():
    def is_over(first):
        place = Place()

        def work():
            for _ in range(2 if first else 0):
                place.x = 1

        in_threads(work, lambda: setattr(place, "y", 1), lambda: setattr(place, "y", 2))

    found = going_on(is_over)
    assert found.stop is Stop.DIVERGED
    assert "its thread has ended, or was never started; something else" in found.detail
