"""The rules of a state machine are called side by side."""

import functools
import re
import threading

import pytest
from hypothesis import Phase, example, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from interleave.errors import UsageError
from interleave.hypothesis import Calls, call, check_linearizable, held, linearizable
from interleave.hypothesis.linearizability import _Check
from interleave.hypothesis.machines import subject_of

QUIET = settings(
    database=None,
    derandomize=True,
    max_examples=8,
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
    with pytest.raises(AssertionError, match="is_small does not hold at the end, also where"):
        calls(only(linearizable(Emptied)))()
    with pytest.raises(AssertionError, match=re.escape("at the end:  {'is_even': AssertionError(")):
        calls(only(linearizable(Lost)))()


class Keys(RuleBasedStateMachine):
    """A map with a lock; the keys that were made are taken from a bundle."""

    keys = Bundle("keys")

    def __init__(self):
        super().__init__()
        self.items = {}
        self.lock = threading.Lock()

    @initialize(target=keys, count=st.integers(1, 2))
    def begin(self, count):
        return multiple(*(self.new() for _ in range(count)))

    @rule(target=keys)
    def new(self):
        with self.lock:
            key = f"key{len(self.items)}"
            self.items[key] = 0
            return key

    @rule(key=keys)
    def add(self, key):
        with self.lock:
            self.items[key] += 1
            return self.items[key]

    @precondition(lambda self: len(self.items) < 3)
    @rule()
    def size(self):
        return len(self.items)

    @rule(key=consumes(keys))
    def close(self, key):
        with self.lock:
            return self.items.pop(key)

    @invariant()
    def none_is_negative(self):
        assert all(value >= 0 for value in self.items.values())


class CheckedKeys(Keys):
    @rule(key=Keys.keys)
    def add(self, key):
        with self.lock:
            value = self.items[key]
        with self.lock:
            self.items[key] = value + 1
        return value + 1


ONLY = settings(database=None, phases=[Phase.explicit])


def run(subject, calls):
    example(calls)(ONLY(linearizable(subject)))()


def made(subject, calls):
    """Return which calls are left, of those given."""
    machine = subject_of(subject, None)
    return _Check(machine, machine, {"executions": 1000})._possible(calls)


def test_a_machine_with_a_bundle_and_a_lock_passes():
    check_linearizable(Keys, settings=settings(QUIET, max_examples=6), max_calls=3, max_threads=2)


def test_a_check_and_an_act_on_a_value_of_a_bundle_fail_with_three_calls_at_most():
    quick = settings(QUIET, max_examples=40)
    with pytest.raises(AssertionError, match="not linearizable") as caught:
        check_linearizable(CheckedKeys, settings=quick, max_calls=3, max_threads=2)
    (note,) = [note for note in caught.value.__notes__ if "calls=" in note]
    assert note.count("call.") <= 3
    assert "add(key='key0') -> 1" in str(caught.value)  # the value itself, and not its place


def test_each_thread_takes_what_came_before_the_threads_and_what_it_made_itself():
    before = [call.begin(count=2)]
    run(Keys, Calls([call.add(key=held("keys"))], [call.add(key=held("keys", 1))], before=before))
    calls = Calls([call.new(), call.add(key=held("keys"))], [call.new()], before=before)
    assert made(Keys, calls) == calls


def test_a_call_that_is_not_possible_in_some_order_of_the_threads_is_left_out():
    before = [call.begin(count=1)]
    consumed = Calls([call.close(key=held("keys"))], [call.add(key=held("keys"))], before=before)
    assert made(Keys, consumed) == Calls([call.close(key=held("keys"))], before=before)
    twice = Calls([call.close(key=held("keys"))], [call.close(key=held("keys"))], before=before)
    assert made(Keys, twice) == Calls([call.close(key=held("keys"))], before=before)
    conditional = Calls([call.new()], [call.new(), call.size()], before=before)
    assert made(Keys, conditional) == Calls([call.new()], [call.new()], before=before)


def test_an_invariant_must_hold_after_the_calls_before_the_threads():
    class Passing(CountingLocked):
        @invariant()
        def is_zero(self):
            assert self.count == 0, "not zero"

    # At the end it holds again.
    calls = Calls([call.add(by=-1)], [call.read()], before=[call.add(by=1)])
    with pytest.raises(AssertionError, match="not zero"):
        run(Passing, calls)


def test_to_look_at_a_bundle_is_refused_wherever_that_is_done():
    class Conditional(Keys):
        @precondition(lambda self: len(self.bundle("keys")) > 1)
        @rule()
        def size(self):
            return len(self.items)

    class Ruling(Keys):
        @rule()
        def size(self):
            return len(self.bundle("keys"))

    class Holding(Keys):
        @invariant()
        def some_are_there(self):
            assert self.bundle("keys")

    calls = Calls([call.size()], [call.new()], before=[call.begin(count=1)])
    for subject in (Conditional, Ruling, Holding):
        with pytest.raises(
            UsageError, match=rf"{subject.__name__} asks for self\.bundle\('keys'\)"
        ):
            run(subject, calls)
    for look in (
        lambda self: self.bundles["keys"],
        lambda self: list(self.bundles),
        lambda self: len(self.bundles),
        lambda self: self.bundles.get("keys"),
        lambda self: bool(self.bundles),
        lambda self: self.bundles == {},
        lambda self: "keys" in self.bundles,
        lambda self: self.bundles.setdefault("keys", []),
    ):
        looking = type("Looking", (Keys,), {"size": rule()(look)})
        with pytest.raises(UsageError, match=r"Looking asks for self\.bundles"):
            run(looking, calls)
    with pytest.raises(UsageError, match="keep what was made in an attribute"):
        check_linearizable(Holding, settings=settings(QUIET, max_examples=2), max_threads=2)


def test_a_bundle_that_a_machine_keeps_itself_can_be_looked_at():
    class Own(Keys):
        def bundle(self, name):
            return list(self.items)

        @precondition(lambda self: len(self.bundle("keys")) > 1)
        @rule()
        def size(self):
            return len(self.items)

    alone = Calls([call.size()], [call.add(key=held("keys"))], before=[call.begin(count=1)])
    assert made(Own, alone) == Calls([call.add(key=held("keys"))], before=[call.begin(count=1)])
    both = Calls([call.size()], [call.add(key=held("keys"))], before=[call.begin(count=2)])
    assert made(Own, both) == both


def machine(**members):
    return type("Bad", (RuleBasedStateMachine,), members)


def test_bundles_that_cannot_be_told_before_the_calls_are_refused():
    keys, go = Bundle("keys"), rule()(lambda self: 1)
    fill = rule(target=keys)(lambda self: 1)
    for strategy in (st.lists(keys), keys | st.none(), keys.map(str), keys.filter(bool)):
        with pytest.raises(UsageError, match=r"Bad\.used draws 'key' from"):
            linearizable(machine(fill=fill, used=rule(key=strategy)(lambda self, key: 1)))
    used = rule(key=keys)(lambda self, key: 1)
    with pytest.raises(UsageError, match="which no rule fills"):
        linearizable(machine(go=go, used=used))
    with pytest.raises(UsageError, match="no rule that can be called first"):
        linearizable(machine(used=rule(target=keys, key=keys)(lambda self, key: key)))
    with pytest.raises(UsageError, match="initialize rule that takes from a bundle"):
        first = initialize(key=keys)(lambda self, key: 1)
        linearizable(machine(first=first, fill=fill))


def test_calls_that_do_not_fit_the_machine_are_refused():
    with pytest.raises(UsageError, match="must begin with the initialize rules of Keys"):
        run(Keys, Calls([call.new()], [call.new()]))
    with pytest.raises(UsageError, match="stands for a value of a bundle"):
        run(Counting, Calls([call.add(by=held("keys"))], [call.read()]))
    with pytest.raises(UsageError, match="differ in their bundles"):
        linearizable(Keys, specification=Counting)
    with pytest.raises(UsageError, match="give a state machine with the same rules"):
        linearizable(Keys, specification=functools.partial(dict))


def test_a_machine_that_cannot_be_used_is_refused():
    with pytest.raises(UsageError, match="no rules"):
        linearizable(machine())
    with pytest.raises(UsageError, match="give neither methods nor final"):
        linearizable(Counting, read=())
