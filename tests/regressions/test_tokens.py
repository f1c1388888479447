"""Tokens that Python 3.11 printed lead to the same failure on every supported Python.

The tokens of format 1 stay as they were printed. When operations are added or split, they stop
fitting, and are printed anew with `interleave check TARGET` on 3.11 (with the options beside each).
That the old ones no longer replay is then to be said in the changelog.
"""

from pathlib import Path

import pytest

import interleave
from interleave.core.program import from_target

MODELS = Path(__file__).parent.parent.parent / "models"

TOKENS = [
    # target, kind, beginning of the message, token
    (
        "t06_hidden_exception.py:exception_read",
        "exception",
        "TypeError: greet() takes 0 positional arguments but 1 was gi",
        "il1.EQCOqOIHAPiUqdcHkE4AAQEBr67eeg",
    ),
    (
        "t10_lock_twice.py:lock_twice",
        "deadlock",
        "main waits for main.0 to end (join); main.0 waits for Lock#1",
        "il1.DQDr2dMEAL6w3Z4KkE5pVnSu",
    ),
    (
        "t13_queue_subclass.py:queue_subclass",
        "assertion",
        "AssertionError: sent 1 messages, received 0",
        "il1.IADM8AgBp-im7w6QTgECAQIAAQACAAIAAQQBAAEBAQIBl8S6EA",
    ),
    (
        "t13_queue_subclass.py:queue_subclass",
        "deadlock",
        "main waits for main.0 to end, in the shutdown of ThreadPoolE",
        "il1.EgDM8AgJ6qLh5AyQTgECAQEAAVe0ybc",
    ),
    (
        "t13_queue_subclass.py:queue_subclass_bounded",
        "deadlock",
        "main waits for main.1 to end (join); main.1 waits for an ite",
        "il1.EADx164GANHTi0KQTgEBAgGukhtI",
    ),
    (
        "t13_queue_subclass.py:queue_subclass_bounded",
        "assertion",
        "AssertionError: sent 1 messages, received 0",
        "il1.EwDx164GAI3LvtENkE4BAQEBAAHYuFRm",
    ),
    (
        "t15_plain_queue.py:plain_queue",
        "assertion",
        "AssertionError: sent 2 messages, received 1",
        "il1.JQCJu5gHA-Sstf8PkE4AAQABAAECAgICAAIAAQIBAgEBAQIBBAGVniAb",
    ),
    (
        "t15_plain_queue.py:plain_queue",
        "deadlock",
        "main waits for main.1 to end, in the shutdown of ThreadPoolE",
        "il1.FwCJu5gHA56Z7P0MkE4BAQACAAIAAQACnpCzIw",
    ),
    (
        "t17_semaphore.py:bounded_released_too_often",
        "misuse",
        "ValueError: Semaphore released too many times",
        "il1.DQC-6PICAKbErN0PkE54tb0z",
    ),
    (
        "t19_barrier.py:missing_party",
        "deadlock",
        "main waits for 1 more of 3 to arrive at Barrier#1; main.0 wa",
        "il1.DAD-vfYHAJCc2EuQTqzAyRs",
    ),
    (
        "t19_barrier.py:reset_once",
        "deadlock",
        "main waits for main.0 to end (join); main.0 waits for 1 more",
        "il1.DQDJ5JQCAMKOp4gCkE6sZS-W",
    ),
]


NAMED = {  # by the token of format 1 of the same execution
    "il1.EQCOqOIHAPiUqdcHkE4AAQEBr67eeg": (
        "il2.QwCOqOIHAPiUqdcHkE4EAAEBAQIAEHBvbGwgVGhyZWFkUG9vLi4AEHNo"
        "dXRkb3duIFRocmVhLi4DAMF1AgEAARwmAQP1B-QS"
    ),
    "il1.DQDr2dMEAL6w3Z4KkE5pVnSu": "il2.DgDr2dMEAL6w3Z4KkE4A8nhdbw",
    "il1.EADx164GANHTi0KQTgEBAgGukhtI": "il2.IgDx164GANHTi0KQTgQBAQIBAhMAFAAAAMUrAQMAARyYAQSPVGSS",
    "il1.EwDx164GAI3LvtENkE4BAQEBAAHYuFRm": (
        "il2.OQDx164GAI3LvtENkE4GAQEBAQABAxMAAAxwdXQgUGlwZWxpbmUaAAAAxSsBAwABP2kBAQACFoIBBGYjzUQ"
    ),
}


@pytest.mark.parametrize(("target", "kind", "message", "token"), TOKENS)
def test_a_token_leads_to_the_failure_that_it_was_printed_for(target, kind, message, token):
    report = interleave.replay(from_target(str(MODELS / target)), token)
    (failure,) = report.failures
    assert (failure.kind, failure.message[: len(message)]) == (kind, message)


@pytest.mark.parametrize(
    ("target", "kind", "message", "token"), [case for case in TOKENS if case[3] in NAMED]
)
def test_names_are_the_same_on_every_python(target, kind, message, token):
    program = from_target(str(MODELS / target))
    for given in (token, NAMED[token]):
        (failure,) = interleave.replay(program, given).failures
        assert failure.schedule.token == NAMED[token]
        assert failure.message.startswith(message)


@pytest.mark.parametrize("times", [10, pytest.param(100, marks=pytest.mark.slow)])
def test_a_token_leads_to_it_every_time(times):
    target, kind, message, token = TOKENS[-1]
    program = from_target(str(MODELS / target))
    reports = [interleave.replay(program, token) for _ in range(times)]
    assert {
        (failure.kind, failure.message[: len(message)])
        for report in reports
        for failure in report.failures
    } == {(kind, message)}
    assert all(report.failures for report in reports)
