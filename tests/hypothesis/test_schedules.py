"""Data and interleaving are drawn, and shrunk, together."""

import os
import re
import threading

import pytest
from hypothesis import Phase, example, given, seed, settings
from hypothesis import strategies as st
from hypothesis.database import InMemoryExampleDatabase

import interleave
from interleave.errors import UsageError
from interleave.hypothesis import Plan, check_all, schedule_of, schedules


class Account:
    def __init__(self, locked):
        self.balance = 100
        self.lock = threading.Lock() if locked else None

    def withdraw(self, amount):
        if self.lock is None:
            self._withdraw(amount)
        else:
            with self.lock:
                self._withdraw(amount)

    def _withdraw(self, amount):
        if self.balance >= amount:
            self.balance -= amount


def withdrawing(amounts, *, locked=False):
    def program():
        account = Account(locked)
        interleave.run_threads(*[lambda n=amount: account.withdraw(n) for amount in amounts])
        assert account.balance >= 0, "overdraft"
        return account.balance

    return program


def test_the_falsifying_example_shows_a_plan_that_can_be_given_to_example():
    @seed(3)
    @settings(database=None, derandomize=False, max_examples=200)
    @given(st.sampled_from([60, 70]), schedules(max_preemptions=1))
    def test(amount, schedule):
        schedule.run(withdrawing([amount, amount]))

    with pytest.raises(AssertionError) as raised:
        test()
    told = "\n".join(raised.value.__notes__)
    assert "schedule=Plan([(0, 0)])," in told  # with the phase that explains, too
    assert "lambda" not in told.partition("Failing test case")[2].partition("Explanation")[0]


# From 0: an amount that moves to its neighbour leaves one that can be left out.
AMOUNTS = st.lists(st.integers(0, 100), max_size=4)


UNEXPLAINED = [phase for phase in Phase if phase is not Phase.explain]
"""What Hypothesis does to explain a failure is most of what it does, and shows nothing here."""


def smallest(number, phases):
    """Return the amounts and plan that fail and are shrunk, as Hypothesis last runs them."""
    last = []

    @seed(number)
    @settings(database=None, phases=phases)
    @given(AMOUNTS, schedules())
    def test(amounts, schedule):
        try:
            schedule.run(withdrawing(amounts))
        except AssertionError as error:
            last[:] = [amounts, schedule, error]
            raise

    with pytest.raises(AssertionError):
        test()
    return last


def assert_smallest(number, phases):
    amounts, plan, error = smallest(number, phases)
    (note,) = [note for note in error.__notes__ if "il2." in note]
    token = re.findall(r"il2\.[\w-]+", note)[-1]  # before it stands one that passes
    report = interleave.replay(withdrawing(amounts), token)
    assert len(amounts) == 2
    assert sum(amounts) == 101
    assert len(plan.preemptions) == 1
    assert (report.verdict, report.failures[0].preemptions) == ("fail", 1)


def test_an_overdraft_shrinks_to_two_operations_and_one_preemption():
    assert_smallest(0, UNEXPLAINED)


@pytest.mark.slow
def test_an_overdraft_shrinks_to_two_operations_and_one_preemption_under_every_default():
    assert_smallest(0, list(Phase))


@pytest.mark.slow
@pytest.mark.parametrize("number", range(1, 1 + int(os.environ.get("INTERLEAVE_SEEDS", "6"))))
def test_an_overdraft_shrinks_to_two_operations_and_one_preemption_whatever_the_seed(number):
    assert_smallest(number, UNEXPLAINED)


def test_a_correct_account_passes_under_every_default_of_hypothesis():
    seen = []

    @settings(database=None, max_examples=30)
    @given(AMOUNTS, schedules())
    def test(amounts, schedule):
        seen.append(schedule.run(withdrawing(amounts, locked=True)))

    test()
    assert min(seen) >= 0
    assert max(seen) == 100


def test_a_failure_is_kept_in_the_database_and_found_again_at_once():
    database = InMemoryExampleDatabase()
    runs = []

    def test(amounts, schedule):
        runs.append(1)
        schedule.run(withdrawing(amounts))

    first = settings(database=database, phases=[Phase.generate])(given(AMOUNTS, schedules())(test))
    with pytest.raises(AssertionError, match="overdraft"):
        first()
    runs.clear()
    again = settings(database=database, phases=[Phase.reuse])(given(AMOUNTS, schedules())(test))
    with pytest.raises(AssertionError, match="overdraft"):
        again()
    assert 0 < len(runs) <= 10


def test_an_explicit_example_runs_a_plan_as_it_was_shown():
    @example([1, 100], Plan([(0, 0)]))
    @settings(database=None, phases=[Phase.explicit])
    @given(AMOUNTS, schedules())
    def test(amounts, schedule):
        schedule.run(withdrawing(amounts))

    with pytest.raises(AssertionError, match="overdraft"):
        test()


def test_a_token_replays_the_execution_and_raises_what_it_raised():
    report = interleave.check(withdrawing([60, 60]))
    token = report.failures[0].schedule.token

    with pytest.raises(AssertionError, match="overdraft"):
        schedule_of(token).run(withdrawing([60, 60]))


def test_the_smallest_plan_never_preempts():
    assert Plan(attempts=0).run(withdrawing([60, 60])) == 40


def test_check_all_finds_the_least_data_that_can_fail():
    last = []

    @settings(database=None, derandomize=True, max_examples=20, phases=UNEXPLAINED)
    @given(st.lists(st.integers(45, 60), max_size=2))  # few, since each is checked to the end
    def test(amounts):
        last[:] = [amounts]
        check_all(withdrawing(amounts))

    with pytest.raises(AssertionError, match="overdraft"):
        test()
    assert len(last[0]) == 2
    assert sum(last[0]) == 101


def test_check_all_returns_an_exhaustive_report_where_nothing_fails():
    @settings(database=None, max_examples=10)
    @given(st.lists(st.integers(1, 100), min_size=1, max_size=2))
    def test(amounts):
        report = check_all(withdrawing(amounts, locked=True))
        assert (report.verdict, report.exhaustive) == ("pass", True)

    test()


def test_check_all_raises_where_a_bound_bites():
    with pytest.raises(AssertionError, match="INCOMPLETE"):
        check_all(withdrawing([1, 1]), executions=1)


def test_a_deadlock_is_raised_with_its_counterexample():
    def program():
        one, two = threading.Lock(), threading.Lock()

        def take(first, second):
            with first, second:
                pass

        interleave.run_threads(lambda: take(one, two), lambda: take(two, one))

    with pytest.raises(AssertionError, match="deadlock"):
        check_all(program)
    with pytest.raises(AssertionError, match="deadlock"):
        Plan([(0, 0)]).run(program)


@pytest.mark.parametrize(
    "options", [{"strategy": "dfs"}, {"max_preemptions": -1}, {"attempts": "many"}, {"no_such": 1}]
)
def test_an_option_that_cannot_be_used_is_refused(options):
    with pytest.raises(UsageError, match=next(iter(options))):
        schedules(**options)
