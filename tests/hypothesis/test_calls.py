"""Calls are drawn within bounds, and shown as what makes them again."""

from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from interleave.hypothesis import Calls, call
from interleave.hypothesis.calls import calls_of

METHODS = {"put": (st.integers(), st.text(max_size=2)), "get": {"key": st.integers()}, "size": ()}
PHASES = [Phase.generate, Phase.shrink]
QUIET = settings(database=None, derandomize=True, phases=PHASES, max_examples=50)


@settings(QUIET)
@given(calls_of(METHODS, max_threads=3, max_calls=4, max_before=1))
def test_calls_keep_within_their_bounds_and_are_shown_as_they_are_made(calls):
    assert 2 <= len(calls.threads) <= 3
    assert all(calls.threads)
    assert sum(map(len, calls.threads)) <= 4
    assert len(calls.before) <= 1
    assert eval(repr(calls), {"Calls": Calls, "call": call}) == calls


def test_the_smallest_has_one_call_in_each_of_two_threads():
    strategy = calls_of(METHODS, max_threads=3, max_calls=4, max_before=2)
    found = find(strategy, lambda calls: True, settings=QUIET)
    assert repr(found) == "Calls([call.put(0, '')], [call.put(0, '')])"


def test_calls_are_equal_if_they_call_the_same():
    assert call.get(0) == call.get(0) != call.get(key=0)
    assert len({Calls([call.get(0)]), Calls([call.get(0)]), Calls([], before=[call.get(0)])}) == 2
