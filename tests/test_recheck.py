"""Checks with a store: what is replayed first, what is dropped, what is left alone."""

import threading
import time
from dataclasses import replace

import pytest

from interleave import recheck
from interleave.core.program import Program, from_callable, from_target
from interleave.store import Store

NAME = "shop.py:program"


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / ".interleave", pytest.fail)


class Shop:
    def __init__(self):
        self.sold = 0

    def sell(self):
        sold = self.sold
        time.sleep(1)
        self.sold = sold + 1


def twice(action):
    threads = [threading.Thread(target=action) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def losing():
    shop = Shop()
    twice(shop.sell)
    if shop.sold != 2:
        raise AssertionError("lost")


def repaired():
    shop = Shop()
    lock = threading.Lock()

    def sell():
        with lock:
            shop.sell()

    twice(sell)
    if shop.sold != 2:
        raise AssertionError("lost")


def selling():
    shop = Shop()
    twice(shop.sell)
    return shop.sold


def program(function):
    return Program(function, NAME, NAME)


def check(function, store, **options):
    return recheck.check(program(function), store, NAME, **options)


def messages(store):
    return [(item.kind, item.message) for item in store.of(NAME)]


def test_a_failure_is_kept_and_is_all_that_is_run_next_time(store):
    first = check(losing, store)
    assert messages(store) == [("assertion", "AssertionError: lost")]

    again = check(losing, store)

    assert first.executions > 1
    assert (again.verdict, again.executions, again.exhaustive) == ("fail", 1, False)
    (found,), (replayed,) = first.failures, again.failures
    assert replayed == replace(found, shrunk=None)
    assert again.covers.startswith("a failure that an earlier check has kept in .interleave")


def test_a_failure_that_no_longer_fits_is_dropped_and_the_program_explored(store):
    check(losing, store)

    report = check(repaired, store)

    assert (report.verdict, report.exhaustive) == ("pass", True)
    assert messages(store) == []


def test_a_failure_that_fits_and_no_longer_fails_is_dropped(store):
    def tolerant():
        shop = Shop()
        twice(shop.sell)
        if shop.sold not in (1, 2):
            raise AssertionError("lost")

    check(losing, store)
    [kept] = store.of(NAME)
    token = recheck.checker.check(program(tolerant), reach="outcome is None").outcomes[None]
    store.update(NAME, add=[], drop=[kept])
    changed = type(kept)(
        **{
            **{name: getattr(kept, name) for name in kept.__slots__},
            "token": token.schedule.token,
        }
    )
    store.update(NAME, add=[changed])

    assert check(tolerant, store).verdict == "pass"
    assert messages(store) == []


def test_keep_going_explores_all_the_same(store):
    first = check(losing, store, keep_going=True)

    again = check(losing, store, keep_going=True)

    assert again.executions == first.executions
    assert again.failures == first.failures


def test_a_kept_failure_counts_though_a_sample_does_not_come_across_it(store):
    check(losing, store)

    report = check(losing, store, strategy="random", executions=1, seed=0, keep_going=True)

    assert report.verdict == "fail"
    assert [failure.message for failure in report.failures] == ["AssertionError: lost"]
    passing = recheck.checker.check(program(losing), strategy="random", executions=1, seed=0)
    assert passing.verdict == "pass"


@pytest.mark.parametrize(
    "options",
    [
        {"time": "idle"},
        {"max_preemptions": 0},
        {"max_steps": 500},
        {"observe": "output"},
        {"atomicity": "gil"},
    ],
)
def test_what_was_found_under_other_conditions_is_left_alone(store, options):
    check(losing, store)
    before = store.of(NAME)

    report = check(losing, store, **options)

    assert report.strategy != "replay"
    assert set(before) <= set(store.of(NAME))


def test_an_expectation_is_replayed_under_the_same_expectation_alone(store):
    check(selling, store, expect="outcome == 2")
    assert messages(store) == [("expectation", "outcome 1 does not satisfy outcome == 2")]

    other = check(selling, store, expect="outcome >= 1")
    assert (other.verdict, other.exhaustive) == ("pass", True)
    assert len(messages(store)) == 1

    same = check(selling, store, expect="outcome == 2")
    assert (same.verdict, same.strategy) == ("fail", "replay")


def test_nothing_is_kept_of_a_pass_or_of_a_program_that_the_schedule_does_not_decide(store):
    seen = []

    def moody():
        seen.append(1)
        for _ in seen:
            twice(lambda: time.sleep(1))
        assert len(seen) < 3

    check(repaired, store)
    assert check(moody, store).verdict == "nondeterministic"

    assert not store.folder.exists()


def test_a_program_has_one_name_wherever_it_is_checked_from(tmp_path, monkeypatch):
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "till.py").write_text("def program(): pass\n")
    script = tmp_path / "run.py"
    script.write_text("print(1)\n")

    monkeypatch.chdir(tmp_path)
    assert recheck.name_of(from_target("shop/till.py:program"), tmp_path) == "shop/till.py:program"
    assert recheck.name_of(from_target("run.py", ["a", "b"]), tmp_path) == "run.py a b"
    monkeypatch.chdir(folder)
    assert recheck.name_of(from_target("till.py:program"), tmp_path) == "shop/till.py:program"
    assert recheck.name_of(from_target(f"{folder}/till.py:program"), folder) == "till.py:program"
    named = from_callable(losing, "test_recheck:losing")
    assert recheck.name_of(named, tmp_path) == "test_recheck:losing"


def test_a_failure_that_is_found_again_by_names_gets_a_token_of_the_program_as_it_is(store):
    def edited():
        shop = Shop()
        spare = Shop()

        def sell():
            spare.sell()
            shop.sell()

        twice(sell)
        if shop.sold != 2:
            raise AssertionError("lost")

    check(losing, store)
    [kept] = store.of(NAME)

    report = check(edited, store)

    assert (report.verdict, report.executions) == ("fail", 1)
    kinds = {warning.kind for warning in report.warnings}
    assert kinds == {"replayed-by-names", "data-race"}
    [anew] = store.of(NAME)
    assert anew.token != kept.token
    assert anew.message == kept.message
    again = check(edited, store)
    assert (again.verdict, again.executions) == ("fail", 1)
    assert {warning.kind for warning in again.warnings} == {"data-race"}
    assert store.of(NAME) == (anew,)
