"""The rules of a state machine are called side by side."""

import re
import threading

import pytest
from hypothesis import Phase, example, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from interleave.errors import UsageError
from interleave.hypothesis import Calls, call, check_linearizable, linearizable

QUIET = settings(
    database=None,
    derandomize=True,
    max_examples=15,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)


class Counting(RuleBasedStateMachine):
    locked = False

    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()
        self.closed = False

    @initialize()
    def at_first(self):
        self.count = 0

    @rule(by=st.integers(1, 3))
    def add(self, by):
        if self.locked:
            with self.lock:
                self.count += by
        else:
            self.count += by

    @rule()
    def read(self):
        return self.count

    @invariant()
    def is_open(self):
        assert not self.closed

    def teardown(self):
        self.closed = True


class CountingLocked(Counting):
    locked = True


def test_rules_that_no_order_explains_fail_with_three_calls_at_most():
    with pytest.raises(AssertionError, match="not linearizable") as caught:
        check_linearizable(Counting, settings=QUIET)
    (note,) = [note for note in caught.value.__notes__ if "calls=" in note]
    assert "linearizable_Counting" in note
    assert note.count("call.") <= 3


def test_rules_that_some_order_explains_pass():
    check_linearizable(CountingLocked, settings=QUIET)


def test_an_invariant_is_looked_at_at_the_end():
    class Emptied(CountingLocked):
        @invariant()
        def is_small(self):
            assert self.count < 2, "too much"

    class Lost(Counting):
        @invariant()
        def is_even(self):
            assert self.count % 2 == 0, "odd"

    only = settings(database=None, phases=[Phase.explicit])
    calls = example(Calls([call.add(by=1)], [call.add(by=1)]))
    calls(only(linearizable(Emptied)))()  # it does not hold one after the other either
    with pytest.raises(AssertionError, match=re.escape("at the end:  {'is_even': AssertionError(")):
        calls(only(linearizable(Lost)))()


def machine(**members):
    return type("Bad", (RuleBasedStateMachine,), members)


def test_what_depends_on_the_order_of_the_calls_is_refused():
    bundle = Bundle("values")
    with pytest.raises(UsageError, match=r"Bad\.made uses a bundle"):
        linearizable(machine(made=rule(target=bundle)(lambda self: 1)))
    with pytest.raises(UsageError, match=r"Bad\.used uses a bundle"):
        linearizable(machine(used=rule(value=bundle)(lambda self, value: 1)))
    with pytest.raises(UsageError, match=r"Bad\.some has a precondition"):
        linearizable(machine(some=precondition(lambda self: True)(rule()(lambda self: 1))))


def test_a_machine_that_cannot_be_used_is_refused():
    with pytest.raises(UsageError, match="no rules"):
        linearizable(machine())
    with pytest.raises(UsageError, match="initialize rule with arguments"):
        linearizable(
            machine(first=initialize(n=st.integers())(lambda self, n: 1), go=rule()(lambda self: 1))
        )
    with pytest.raises(UsageError, match="give neither methods nor final"):
        linearizable(Counting, read=())
