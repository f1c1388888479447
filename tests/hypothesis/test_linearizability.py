"""Calls side by side give what they give in some order, or the smallest that do not are shown."""

import os
import queue
import re
import threading

import pytest
from hypothesis import Phase, example, reproduce_failure, seed, settings
from hypothesis import strategies as st
from hypothesis.database import InMemoryExampleDatabase
from linearizable_subjects import (
    Accounts,
    CheckThenActMap,
    CountingQueue,
    LateRegister,
    LockedMap,
    UnlockedLru,
)

import interleave
from interleave.errors import UsageError
from interleave.hypothesis import Calls, call, check_linearizable, linearizable
from interleave.hypothesis.histories import Runner, program_of
from interleave.hypothesis.machines import subject_of
from interleave.session import session
from interleave.settings import Settings
from interleave.strategies.depth_first import DepthFirst
from interleave.strategies.dpor import OptimalReduction

KEYS, VALUES = st.integers(0, 2), st.integers()
MAP = {"put": (KEYS, VALUES), "get": KEYS, "setdefault": (KEYS, VALUES)}
FAULTS = [
    (CheckThenActMap, MAP),
    (UnlockedLru, {"put": (KEYS, VALUES), "get": KEYS}),
    (CountingQueue, {"put": VALUES, "size": ()}),
]
PHASES = [Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink]
QUIET = settings(database=None, derandomize=True, phases=PHASES)


def failing(calls, subject, **arguments):
    """Return the error of a test that is given these calls alone."""
    test = linearizable(subject, **arguments)
    test = example(calls)(settings(database=None, phases=[Phase.explicit])(test))
    with pytest.raises(AssertionError) as caught:
        test()
    return caught.value


def passes(calls, subject, **arguments):
    test = linearizable(subject, **arguments)
    example(calls)(settings(database=None, phases=[Phase.explicit])(test))()


def smallest(number, subject, phases, **arguments):
    """Return the calls that Hypothesis shows in the end."""
    test = seed(number)(settings(database=None, phases=phases)(linearizable(subject, **arguments)))
    with pytest.raises(AssertionError) as caught:
        test()
    (note,) = [note for note in caught.value.__notes__ if "calls=" in note]
    return eval(re.search(r"calls=(Calls\(.*\)),", note).group(1), {"Calls": Calls, "call": call})


def size(calls):
    return len(calls.before) + sum(map(len, calls.threads))


def lines(text):
    return [line.rstrip() for line in text.strip("\n").splitlines()]


# -- what passes, and what fails ------------------------------------------------------------------


test_a_map_with_a_lock_passes = settings(QUIET, max_examples=12)(linearizable(LockedMap, **MAP))


def test_a_queue_of_the_standard_library_passes_though_a_get_may_wait_for_ever():
    check_linearizable(
        queue.Queue, put=VALUES, get=(), qsize=(), settings=settings(QUIET, max_examples=12)
    )


@pytest.mark.parametrize(("subject", "methods"), FAULTS)
def test_a_fault_is_shown_with_three_calls_at_most_although_hypothesis_shrinks_nothing(
    subject, methods
):
    assert size(smallest(1, subject, [Phase.generate], max_threads=2, **methods)) <= 3


@pytest.mark.slow
@pytest.mark.parametrize("number", range(int(os.environ.get("INTERLEAVE_SEEDS", "1"))))
@pytest.mark.parametrize(("subject", "methods"), FAULTS)
def test_a_fault_shrinks_to_three_calls_at_most_whatever_the_seed(subject, methods, number):
    assert size(smallest(number, subject, PHASES, **methods)) <= 3


# -- the counterexample ---------------------------------------------------------------------------


def test_the_table_shows_what_no_order_gives():
    calls = Calls([call.setdefault(0, 1)], [call.setdefault(0, 2)])
    error = failing(calls, CheckThenActMap, **MAP)
    assert lines(str(error)) == lines("""
not linearizable: no order of these calls, one after the other, gives these results

  main.0                  main.1
  ---------------------   ---------------------
  setdefault(0, 1) -> 1   setdefault(0, 2) -> 2

  one after the other:
    setdefault(0, 1) -> 1; setdefault(0, 2) -> 1, not 2
    setdefault(0, 2) -> 2; setdefault(0, 1) -> 2, not 1
""")


def test_the_table_shows_which_calls_were_over_before_others_began():
    calls = Calls([call.put(1), call.size()], [call.put(2)])
    error = failing(calls, CountingQueue, put=VALUES, size=())
    assert lines(str(error)) == lines("""
not linearizable: no order of these calls, one after the other, gives these results

  main.0           main.1
  --------------   --------------
  put(1) -> None   put(2) -> None
  size() -> 1
  (calls that share a line overlap; else the upper was over before the lower began)

  one after the other:
    put(1) -> None; put(2) -> None; size() -> 2, not 1
    put(2) -> None; put(1) -> None; size() -> 2, not 1
""")


class Pair:
    def __init__(self):
        self.one = self.other = 0

    def set(self, value):
        self.one = value
        self.other = value

    def get(self):
        return self.one, self.other


def test_a_call_that_goes_on_while_others_return_takes_several_lines():
    calls = Calls([call.get()], [call.set(1), call.set(2)])
    error = failing(calls, Pair, set=VALUES, get=())
    assert lines(str(error)) == lines("""
not linearizable: no order of these calls, one after the other, gives these results

  main.0        main.1
  -----------   --------------
  get()         set(1) -> None
  : -> (0, 2)   set(2) -> None
  (calls that share a line overlap; else the upper was over before the lower began)

  one after the other:
    get() -> (0, 0), not (0, 2)
    set(1) -> None; get() -> (1, 1), not (0, 2)
    set(1) -> None; set(2) -> None; get() -> (2, 2), not (0, 2)
""")


def test_the_end_is_compared_where_a_final_observation_is_given():
    calls = Calls([call.put(0)], [call.put(0)])
    passes(calls, CountingQueue, put=VALUES)
    error = failing(calls, CountingQueue, put=VALUES, final=lambda queue: queue.count)
    assert lines(str(error)) == lines("""
not linearizable: no order of these calls, one after the other, gives these results

  main.0           main.1
  --------------   --------------
  put(0) -> None   put(0) -> None

  at the end:  1

  one after the other:
    put(0) -> None; put(0) -> None; at the end 2, not 1
""")


class Members:
    def __init__(self):
        self.members = set()

    def add(self, key):
        self.members.add(key)

    def discard(self, key):
        if key in self.members:
            self.members.remove(key)


def test_an_exception_is_a_result():
    calls = Calls([call.pop(0)], [call.pop(0)], before=[call.put(0, 1)])
    passes(calls, LockedMap, pop=KEYS, put=(KEYS, VALUES))
    error = failing(
        Calls([call.discard(0)], [call.discard(0)], before=[call.add(0)]),
        Members,
        discard=KEYS,
        add=KEYS,
    )
    assert "discard(0) -> None, not raises KeyError(0)" in str(error)


def test_the_schedule_that_is_shown_has_the_fewest_preemptions():
    # The reduction comes upon one with two preemptions first.
    calls = Calls([call.put(2)], [call.put(1), call.size()])
    (note,) = failing(calls, CountingQueue, put=VALUES, size=()).__notes__[:1]
    assert note.count("! preempted") == 1


def test_the_token_replays_the_execution_that_is_shown():
    calls = Calls([call.setdefault(0, 1)], [call.setdefault(0, 2)])
    (note,) = failing(calls, CheckThenActMap, **MAP).__notes__[:1]
    command = note.rpartition("replay: ")[2]
    names = {
        "interleave": interleave,
        "Calls": Calls,
        "call": call,
        "CheckThenActMap": CheckThenActMap,
    }
    report = eval(command, names)
    assert (report.verdict, report.executions) == ("pass", 1)
    assert [repr(outcome) for outcome in report.outcomes] == ["main.0: 1; main.1: 2"]


# -- real time ----------------------------------------------------------------------------------


def test_a_call_that_was_over_before_another_began_comes_first():
    error = failing(Calls([call.write(1)], [call.read()]), LateRegister, write=VALUES, read=())
    assert lines(str(error)) == lines("""
not linearizable: no order of these calls, one after the other, gives these results

  main.0             main.1
  ----------------   -----------
  write(1) -> None
                     read() -> 0
  (calls that share a line overlap; else the upper was over before the lower began)

  one after the other:
    write(1) -> None; read() -> 1, not 0
""")


def histories(calls, subject, strategy):
    """Return all that comes of some calls under a strategy."""
    tested = subject_of(subject, None)
    runner = Runner(tested, tested, calls)
    found = set()
    with session(program_of(runner), Settings.of({"strategy": "dfs"})) as opened:
        while strategy.begin():
            if not strategy.end(opened.execute(strategy)):
                found.add(runner.history.key())
    return found


@pytest.mark.parametrize(
    ("calls", "subject"),
    [
        (Calls([call.read()], [call.write(1)]), LateRegister),
        (Calls([call.write(1)], [call.read()]), LateRegister),
    ],
)
def test_the_reduction_leaves_out_no_history(calls, subject):
    reduced = histories(calls, subject, OptimalReduction("free"))
    assert reduced == histories(calls, subject, DepthFirst())
    assert len(reduced) > 1


# -- calls that wait ----------------------------------------------------------------------------


def test_a_deadlock_that_no_order_has_is_a_failure():
    calls = Calls([call.transfer(0, 1)], [call.transfer(1, 0)])
    error = failing(calls, Accounts, transfer=(KEYS, KEYS))
    assert lines(str(error)) == lines("""
deadlock: these calls wait for ever, and one after the other they do not

  main.0                          main.1
  -----------------------------   -----------------------------
  transfer(0, 1) waits for ever   transfer(1, 0) waits for ever

  one after the other:
    transfer(0, 1) -> None
""")


def test_a_call_that_waits_for_ever_in_every_order_is_none():
    passes(Calls([call.get()], [call.get()], before=[call.put(1)]), queue.Queue, put=VALUES, get=())
    passes(
        Calls([call.put(1)], [call.put(1)], before=[call.get()]), queue.Queue, put=VALUES, get=()
    )


# -- specifications -----------------------------------------------------------------------------


class Stack:
    def __init__(self):
        self.items = []

    def push(self, value):
        self.items.append(value)

    def pop(self):
        return self.items.pop()


class Fifo(Stack):
    def pop(self):
        return self.items.pop(0)


def test_a_specification_says_what_the_results_must_be():
    calls = Calls([call.push(1)], [call.push(2)], before=[call.push(0), call.pop()])
    methods = {"push": VALUES, "pop": ()}
    passes(calls, Stack, specification=Fifo, **methods)
    before = [call.push(0), call.push(1), call.pop()]
    error = failing(
        Calls([call.push(2)], [call.push(2)], before=before), Stack, specification=Fifo, **methods
    )
    assert lines(str(error))[-1] == "    push(0) -> None; push(1) -> None; pop() -> 0, not 1"
    calls = Calls([call.pop()], [call.push(2)], before=[call.push(0), call.push(1)])
    passes(calls, Stack, **methods)
    assert "pop() -> 0, not 1" in str(failing(calls, Stack, specification=Fifo, **methods))


class Dice:
    def roll(self):
        return interleave.choose([1, 2])


class Helped:
    def run(self):
        thread = threading.Thread(target=lambda: None)
        thread.start()


@pytest.mark.parametrize(("subject", "method"), [(Dice, "roll"), (Helped, "run")])
def test_a_specification_that_is_not_deterministic_is_refused(subject, method):
    test = linearizable(subject, methods={method: ()})
    test = example(Calls([Calls and getattr(call, method)()], [getattr(call, method)()]))(
        settings(database=None, phases=[Phase.explicit])(test)
    )
    with pytest.raises(UsageError, match="not deterministic"):
        test()


class Keeper:
    def __init__(self):
        self.kept = []

    def keep(self, items):
        items.append(0)
        self.kept.append(items)
        return len(items)


def test_arguments_are_made_anew_for_each_execution():
    passes(
        Calls([call.keep([])], [call.keep([1])]),
        Keeper,
        keep=st.lists(VALUES),
        final=lambda keeper: sorted(keeper.kept),
    )


# -- Hypothesis ---------------------------------------------------------------------------------


def test_a_failure_is_kept_in_the_database_and_found_again_at_once():
    database = InMemoryExampleDatabase()
    runs = []

    class Watched(CountingQueue):
        def __init__(self):
            runs.append(1)
            super().__init__()

    def test(**options):
        return settings(database=database, **{"phases": PHASES, **options})(
            linearizable(Watched, put=VALUES, size=(), max_threads=2)
        )

    with pytest.raises(AssertionError, match="not linearizable"):
        test()()
    first = len(runs)
    runs.clear()
    with pytest.raises(AssertionError, match="not linearizable"):
        test(phases=[Phase.reuse])()
    # The one that was kept is run, and those that have one call less.
    assert 0 < len(runs) < first / 3


def test_a_failure_is_reproduced_by_what_hypothesis_prints():
    test = linearizable(CountingQueue, put=VALUES, size=(), max_threads=2)
    with pytest.raises(AssertionError) as caught:
        settings(QUIET, print_blob=True)(test)()
    (note,) = [note for note in caught.value.__notes__ if "reproduce_failure" in note]
    version, blob = re.search(r"reproduce_failure\('(.*)', (b'.*')\)", note).groups()
    again = linearizable(CountingQueue, put=VALUES, size=(), max_threads=2)
    with pytest.raises(AssertionError) as second:
        reproduce_failure(version, eval(blob))(again)()
    assert str(second.value) == str(caught.value)


def test_a_test_is_named_after_its_class():
    assert linearizable(LockedMap, get=KEYS).__name__ == "linearizable_LockedMap"


def test_a_bound_that_bites_is_said():
    error = failing(
        Calls([call.get(0)], [call.put(0, 0)]), LockedMap, options={"executions": 1}, **MAP
    )
    assert "INCOMPLETE" in str(error)
    assert "max_calls" in str(error)


def test_what_is_not_deterministic_is_said():
    made = []

    class Counted:
        def use(self):
            made.append(1)
            if len(made) > 3:
                self.used = True
            return 1

    error = failing(Calls([call.use()], [call.use()]), Counted, use=())
    assert "NONDETERMINISTIC" in str(error)
    assert "max_calls" not in str(error)


def test_what_making_the_object_raises_is_raised():
    class Broken:
        def __init__(self):
            raise ZeroDivisionError("no object")

        def use(self):
            pass

    with pytest.raises(ZeroDivisionError, match="no object"):
        check_linearizable(Broken, use=(), settings=QUIET)


# -- what cannot be used ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "no method of LockedMap was named"),
        ({"fly": ()}, "has no method 'fly'"),
        ({"get": 1}, "get=1: the arguments of a method are drawn from strategies"),
        ({"get": {"key": 1}}, "get=1"),
        ({"get": KEYS, "max_threads": 1}, "max_threads is 1"),
        ({"get": KEYS, "max_calls": True}, "max_calls is True"),
        ({"get": KEYS, "max_before": -1}, "max_before is -1"),
        ({"get": KEYS, "options": {"strategy": "dfs"}}, "no option 'strategy'"),
        ({"get": KEYS, "options": {"no_such": 1}}, "no option 'no_such'"),
        ({"get": KEYS, "specification": 3}, "3 is not callable"),
        ({"get": KEYS, "specification": Stack}, "Stack has no method 'get'"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused(arguments, says):
    with pytest.raises(UsageError, match=re.escape(says)):
        linearizable(LockedMap, **arguments)


def test_calls_that_are_none_are_refused():
    with pytest.raises(UsageError, match="list of calls for each thread"):
        Calls([1], [2])
    with pytest.raises(UsageError, match="list of calls for each thread"):
        Calls(call.get(0))


def test_an_example_that_is_no_calls_is_refused():
    test = example(1)(settings(database=None)(linearizable(LockedMap, get=KEYS)))
    with pytest.raises(UsageError, match="are no Calls"):
        test()


def test_methods_that_mean_something_else_here_are_given_as_a_mapping():
    class Odd:
        def final(self):
            return 1

    check_linearizable(Odd, methods={"final": ()}, settings=settings(QUIET, max_examples=2))
