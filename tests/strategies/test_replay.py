"""Replay: that execution, and no other."""

import threading
import time

import pytest

import interleave
from interleave.core.schedule import Schedule


def program():
    log = []

    def body(name):
        log.append(name)
        time.sleep(0)
        log.append(name)

    threads = [threading.Thread(target=body, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return "".join(log)


def test_every_outcome_is_reproduced_by_its_schedule():
    report = interleave.check(program)

    assert set(report.outcomes) == {"aabb", "abab", "abba", "baab", "baba", "bbaa"}
    for value, outcome in report.outcomes.items():
        again = interleave.replay(program, outcome.schedule)
        assert list(again.outcomes) == [value]
        assert again.outcomes[value].schedule == outcome.schedule
        assert (again.verdict, again.exhaustive, again.executions) == ("pass", False, 1)


def test_a_replay_says_that_it_covers_one_execution_alone():
    report = interleave.check(program)
    again = interleave.replay(program, report.outcomes["bbaa"].schedule)

    assert again.covers == "this one execution, and no other"
    assert again.strategy == "replay"


def test_a_replay_tells_its_events():
    again = interleave.replay(program, interleave.check(program).outcomes["aabb"].schedule)

    assert [event.task for event in again.events][:2] == ["main", "main"]
    assert {event.task for event in again.events} == {"main", "main.0", "main.1"}


def deadlocking():
    first, second = threading.Lock(), threading.Lock()

    def work(one, other):
        with one, other:
            pass

    threads = [
        threading.Thread(target=work, args=(first, second)),
        threading.Thread(target=work, args=(second, first)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_failure_is_reproduced_with_the_same_events():
    (failure,) = interleave.check(deadlocking).failures

    (again,) = interleave.replay(deadlocking, failure.schedule.token).failures

    assert (again.kind, again.message, again.location) == (
        failure.kind,
        failure.message,
        failure.location,
    )
    assert again.events == failure.events
    assert again.detail == failure.detail
    assert again.schedule == failure.schedule


def forged(schedule, **changes):
    fields = {name: getattr(schedule, name) for name in Schedule.__slots__}
    return Schedule(**{**fields, **changes})


def test_a_schedule_with_a_choice_that_is_not_there_is_refused():
    schedule = interleave.check(program).outcomes["aabb"].schedule

    with pytest.raises(interleave.ScheduleError, match="takes option 10, and there are only"):
        interleave.replay(program, forged(schedule, choices=(9,), anchors=()))


def test_a_schedule_with_choices_left_over_is_refused():
    schedule = interleave.check(program).outcomes["aabb"].schedule

    with pytest.raises(interleave.ScheduleError, match="choices were left when the program ended"):
        interleave.replay(program, forged(schedule, choices=(0,) * 500 + (1,), anchors=()))


def test_a_schedule_without_names_that_leads_to_other_events_is_refused():
    schedule = interleave.check(program).outcomes["abab"].schedule

    with pytest.raises(interleave.ScheduleError, match="leads to other events"):
        interleave.replay(program, forged(schedule, digest=schedule.digest ^ 1, anchors=()))


def test_a_schedule_that_leads_to_other_events_is_followed_by_names_and_that_is_said():
    schedule = interleave.check(program).outcomes["abab"].schedule

    again = interleave.replay(program, forged(schedule, digest=schedule.digest ^ 1))

    assert list(again.outcomes) == ["abab"]
    assert [warning.kind for warning in again.warnings] == ["replayed-by-names"]
    assert again.outcomes["abab"].schedule == schedule


def test_a_program_that_has_changed_is_noticed():
    pauses = [1]

    def changing():
        def body():
            for _ in range(pauses[0]):
                time.sleep(0)

        threading.Thread(target=body).start()
        threading.Thread(target=body).start()
        return 1

    schedule = interleave.check(changing).outcomes[1].schedule
    pauses[0] = 2

    again = interleave.replay(changing, schedule)
    assert [warning.kind for warning in again.warnings] == ["replayed-by-names"]
    with pytest.raises(interleave.ScheduleError, match="the program has changed"):
        interleave.replay(changing, forged(schedule, choices=(1,)))


def test_a_token_brings_seed_and_time_mode_along():
    def drawing():
        import random

        time.sleep(random.random())
        return random.random()

    report = interleave.check(drawing, seed=77, time="idle")
    (value,) = report.outcomes

    again = interleave.replay(drawing, report.outcomes[value].schedule.token)

    assert list(again.outcomes) == [value]
    assert again.time == "idle"


def test_a_replay_needs_a_schedule_or_a_seed():
    token = interleave.check(program).outcomes["aabb"].schedule.token

    for given in ({}, {"schedule": token, "seed": 1}):
        with pytest.raises(interleave.UsageError, match="a schedule or a seed, and not both"):
            interleave.replay(program, **given)


@pytest.mark.parametrize("seed", ["x", "1:x", ":1", "-1", "1:2:3"])
def test_a_seed_that_is_none_is_refused(seed):
    with pytest.raises(interleave.UsageError, match="it must be a number, or SEED:EXECUTION"):
        interleave.replay(program, seed=seed)
