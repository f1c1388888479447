"""`interleave.choose` and `interleave.run_threads`, inside a check and outside."""

import random
import threading
import time

import pytest
from outcome_sets import outcomes

import interleave
from interleave import choose, run_threads


def test_every_value_is_chosen_in_a_check():
    report = interleave.check(lambda: choose(["a", "b", "c"]))

    assert set(report.outcomes) == {"a", "b", "c"}
    assert report.executions == 3


def test_choices_multiply():
    report = interleave.check(lambda: (choose((1, 2)), choose(range(3))))

    assert set(report.outcomes) == {(a, b) for a in (1, 2) for b in range(3)}
    assert report.executions == 6


def test_one_value_is_no_choice():
    report = interleave.check(lambda: choose([7]))

    assert (set(report.outcomes), report.executions) == ({7}, 1)


def test_there_must_be_something_to_choose_from():
    def program():
        with pytest.raises(ValueError, match="at least one value"):
            choose([])
        return "refused"

    assert outcomes(program) == {"refused"}
    with pytest.raises(ValueError, match="at least one value"):
        choose([])


def test_a_choice_is_replayed():
    report = interleave.check(lambda: choose("abc"))

    def program():
        return choose("abc")

    report = interleave.check(program)
    schedule = report.outcomes["c"].schedule

    assert list(interleave.replay(program, schedule).outcomes) == ["c"]


def test_a_choice_may_decide_what_the_threads_do():
    def program():
        log = []
        count = choose((1, 2))
        run_threads(*[lambda name=name: log.append(name) for name in "ab"[:count]])
        return "".join(log)

    assert outcomes(program) == {"a", "ab", "ba"}


def test_random_chooses_by_its_seed():
    program = lambda: tuple(choose((0, 1)) for _ in range(8))
    drawn = [
        set(interleave.check(program, strategy="random", executions=3, seed=seed).outcomes)
        for seed in (1, 1, 2)
    ]

    assert drawn[0] == drawn[1]
    assert drawn[0] != drawn[2]


def test_outside_a_check_one_value_is_drawn():
    state = random.getstate()
    try:
        random.seed(1)
        drawn = {choose("ab") for _ in range(50)}
    finally:
        random.setstate(state)

    assert drawn == {"a", "b"}


def test_the_results_of_threads_come_in_the_order_of_the_functions():
    def slow():
        time.sleep(1)
        return "slow"

    program = lambda: tuple(run_threads(slow, lambda: "quick"))

    assert outcomes(program) == {("slow", "quick")}


def test_threads_run_in_every_order_in_a_check():
    def program():
        log = []
        run_threads(lambda: log.append("a"), lambda: log.append("b"))
        return "".join(log)

    assert outcomes(program) == {"ab", "ba"}


def test_the_exception_of_the_first_function_that_raised_is_raised_again():
    def fail(name):
        raise ValueError(name)

    def program():
        done = []
        with pytest.raises(ValueError, match="first"):
            run_threads(lambda: done.append(1), lambda: fail("first"), lambda: fail("second"))
        return len(done)

    assert outcomes(program) == {1}
    assert program() == 1


def test_outside_a_check_the_threads_are_real():
    idents = run_threads(threading.get_ident, threading.get_ident)

    assert threading.get_ident() not in idents
    assert run_threads() == []


def test_threads_are_named_after_their_functions():
    def worker():
        return threading.current_thread().name

    assert outcomes(lambda: tuple(run_threads(worker))) == {("worker",)}
