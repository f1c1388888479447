"""Of calls that fail as few are left as can be, also where one of them has to move for that."""

import pytest
from linearizable_subjects import UnlockedLru

import interleave
from interleave.hypothesis import Calls, call
from interleave.hypothesis.calls import steps_of
from interleave.hypothesis.fewer import Bounds, fewest
from interleave.hypothesis.linearizability import _Check, _checked
from interleave.hypothesis.machines import subject_of

BOUNDS = Bounds(first=(), max_before=2, max_threads=3, max_calls=4)


def named(calls):
    return sorted(item.method for _, item in steps_of(calls))


def left(calls, failing, bounds=BOUNDS, executions=10_000):
    """Return what is left of calls, and all that were tried on the way."""
    tried = []

    def fails(candidate, most):
        assert 0 < most <= executions
        tried.append(candidate)
        return failing(candidate), 1

    return fewest(calls, fails, bounds, executions), tried


def test_what_the_failure_does_not_need_is_left_out():
    calls = Calls([call.a(), call.b()], [call.c(), call.d()], before=[call.e()])
    found, _ = left(calls, lambda calls: {"b", "c"} <= set(named(calls)))
    assert found == Calls([call.b()], [call.c()])


def test_a_call_moves_where_another_one_can_be_left_out_for_that():
    # The three of them fail in threads of their own alone; with `d` before them, so do four.
    def failing(calls):
        alone = all(len(column) == 1 for column in calls.threads) and not calls.before
        return len(named(calls)) == 4 or (alone and named(calls) == ["b", "c", "d"])

    calls = Calls([call.a()], [call.b()], [call.c()], before=[call.d()])
    found, _ = left(calls, failing)
    assert (named(found), len(found.threads)) == (["b", "c", "d"], 3)


def test_nothing_is_tried_that_could_be_no_example():
    calls = Calls([call.a(), call.b()], [call.c(), call.d()], before=[call.first(), call.e()])
    bounds = Bounds(first=("first",), max_before=1, max_threads=2, max_calls=4)
    _, tried = left(calls, lambda calls: False, bounds)
    assert len(tried) == len(set(tried)) > 0
    for candidate in tried:
        assert candidate.before[0] == call.first()
        assert len(candidate.before) <= 2
        assert len(candidate.threads) == 2
        assert all(candidate.threads)
    found, _ = left(calls, lambda calls: True, bounds)
    assert (found.before, len(named(found))) == ((call.first(),), 3)


def test_it_ends_where_the_executions_are_used_up():
    calls = Calls([call.a(), call.b()], [call.c(), call.d()])
    found, tried = left(calls, lambda calls: False, executions=3)
    assert (found, len(tried)) == (calls, 3)


# -- as part of a test ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "calls",
    [
        Calls([call.put(0, 0)], [call.put(0, 0)], [call.put(0, 0)], before=[call.put(1, 0)]),
        Calls([call.get(1)], [call.put(1, 0)], [call.put(1, 0)], before=[call.put(0, 0)]),
        Calls([call.put(1, 0), call.get(1)], [call.put(1, 0)], before=[call.put(0, 0)]),
    ],
)
def test_calls_that_need_all_there_are_as_they_stand_become_fewer(calls):
    tested = subject_of(UnlockedLru, None)
    check = _Check(tested, tested, _checked({}))
    assert all(check._stuck(calls.without(step), 1000)[0] is None for step, _ in steps_of(calls))
    found = check.fewest(calls, BOUNDS)
    assert len(named(found)) == 3
    assert check._stuck(found, 1000)[0] is False
    assert check.fewest(found, BOUNDS) == found


def test_calls_that_do_not_fail_stay_as_they_are():
    tested = subject_of(UnlockedLru, None)
    calls = Calls([call.put(0, 0)], [call.put(0, 0)], [call.put(0, 0)])
    assert _Check(tested, tested, _checked({})).fewest(calls, BOUNDS) is calls


class Undecided:
    """Its results are not deterministic, unless something was decided before."""

    def __init__(self):
        self.count = self.decided = 0

    def decide(self):
        self.decided = 1

    def add(self):
        self.count += self.decided or interleave.choose([1, 2])
        return self.count


def test_calls_that_cannot_be_judged_are_no_failure_of_the_same_kind():
    tested = subject_of(Undecided, None)
    check = _Check(tested, tested, _checked({}))
    calls = Calls([call.add(), call.add()], [call.add()], before=[call.decide()])
    assert check._stuck(calls.without((-1, 0)), 1000) == (None, 0)
    assert check.fewest(calls, BOUNDS) == Calls([call.add()], [call.add()], before=[call.decide()])


def test_calls_that_wait_for_ever_stay_such_ones():
    tested = subject_of(UnlockedLru, None)
    check = _Check(tested, tested, _checked({}))
    check._stuck = lambda calls, most: (call.get(0) in calls.before, 1)
    calls = Calls([call.put(0, 0)], [call.put(1, 0), call.put(0, 0)], before=[call.get(0)])
    found = Calls([call.put(0, 0)], [call.put(0, 0)], before=[call.get(0)])
    assert check.fewest(calls, BOUNDS) == found
