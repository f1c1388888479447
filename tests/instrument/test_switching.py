"""Where `--atomicity gil` lets another thread in: complete outcome sets of two threads."""

import threading
from collections import UserDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from fractions import Fraction
from functools import cached_property

import pytest
from bytecode import Bytecode

import interleave
from interleave.instrument import hooks
from interleave.instrument.rewrite import rewrite


class Color(Enum):
    RED = 1


class Tagged:
    """Compares and hashes by code that is instrumented."""

    def __eq__(self, other):
        return isinstance(other, Tagged)

    def __hash__(self):
        return 1


class Lookup:
    """Finds attributes by code that is instrumented."""

    def __getattr__(self, name):
        return 1


class Shared:
    def __init__(self):
        self.n = 0
        self.m = 0
        self.half = Fraction(1, 2)
        self.halves = [self.half]
        self.colors = {Color.RED: 1}
        self.tags = {Tagged(): 1}
        self.users = UserDict(a=1)
        self.lookup = Lookup()
        self.lock = threading.Lock()
        self.plain = {"a": 1, ("b", 2): 1}
        self.words = ["a", "b"]

    @cached_property
    def late(self):
        return 1


def nested(value):
    def inner():
        return value

    return inner()


def outcomes(step, other=None, **options):
    def program():
        shared = Shared()
        first = threading.Thread(target=step, args=(shared,))
        second = threading.Thread(target=other or step, args=(shared,))
        first.start()
        second.start()
        first.join()
        second.join()
        return shared.n

    options.setdefault("atomicity", "gil")
    report = interleave.check(program, keep_going=True, **options)
    assert report.exhaustive, report.reasons
    return set(report.outcomes)


# -- nobody can come in -------------------------------------------------------------------------


def f_string(s):
    x = s.n
    f"{x} {s.words}"
    s.n = x + 1


def exception(s):
    x = s.n
    try:
        s.plain["nothing"]
    except KeyError:
        s.n = x + 1


def unpacking(s):
    x = s.n
    _a, _b = s.words
    s.n = x + 1


def keys_of_c_types(s):
    x = s.n
    if ("b", 2) in s.plain and s.plain["a"] == 1:
        s.n = x + 1


def list_of_words(s):
    x = s.n
    if "b" in s.words:
        s.n = x + 1


def own_class_without_operators(s):
    x = s.n
    if s.lookup:
        s.n = x + 1


def branches(s):
    if s.n == 0:
        s.n = 1
    else:
        s.n = s.n + 1


def after_a_loop_that_ends(s):
    for _ in ():
        pass
    s.n = s.n + 1


@pytest.mark.parametrize(
    "step",
    [
        f_string,
        exception,
        unpacking,
        keys_of_c_types,
        list_of_words,
        own_class_without_operators,
        branches,
        after_a_loop_that_ends,
    ],
)
def test_what_is_between_two_switch_points_is_done_at_once(step):
    assert outcomes(step) == {2}
    assert outcomes(step, atomicity="free-threaded") == {1, 2}


# -- somebody can ---------------------------------------------------------------------------------


def foreign_operator(s):
    x = s.n
    s.half + s.half
    s.n = x + 1


def foreign_comparison(s):
    x = s.n
    s.half == s.half  # noqa: B015 - what runs there counts
    s.n = x + 1


def foreign_comparison_within(s):
    x = s.n
    [s.half] == [1]  # noqa: B015 - likewise
    s.n = x + 1


def foreign_hash(s):
    x = s.n
    s.colors[Color.RED]
    s.n = x + 1


def foreign_hash_in_a_tuple(s):
    x = s.n
    (Color.RED, 1) in s.plain  # noqa: B015 - likewise
    s.n = x + 1


def foreign_property(s):
    x = s.n
    s.half.numerator
    s.n = x + 1


def foreign_descriptor(s):
    x = s.n
    s.late
    s.n = x + 1


def foreign_container(s):
    x = s.n
    s.users["a"]
    s.n = x + 1


def own_hash(s):
    x = s.n
    s.tags[Tagged()]
    s.n = x + 1


def own_getattr(s):
    x = s.n
    s.lookup.anything
    s.n = x + 1


def callback(s):
    x = s.n
    sorted(s.words, key=lambda word: word)
    s.n = x + 1


def closure(s):
    x = s.n
    s.n = nested(x) + 1


def import_(s):
    x = s.n
    import json  # noqa: F401 - what runs there counts

    s.n = x + 1


def with_block(s):
    x = s.n
    with s.lock:
        s.m = 1
    s.n = x + 1


@pytest.mark.parametrize(
    "step",
    [
        foreign_operator,
        foreign_comparison,
        foreign_comparison_within,
        foreign_hash,
        foreign_hash_in_a_tuple,
        foreign_property,
        foreign_descriptor,
        foreign_container,
        own_hash,
        own_getattr,
        callback,
        closure,
        import_,
        with_block,
    ],
)
def test_functions_that_run_somewhere_let_another_thread_in(step):
    assert outcomes(step) == {1, 2}


class Noticing(Mapping):
    """Looks at what is shared when the standard library asks for an item."""

    def __init__(self, shared):
        self.shared = shared
        self.seen = None

    def __getitem__(self, key):
        self.seen = self.shared.m

    def __iter__(self):
        return iter(())

    def __len__(self):
        return 0


def look_in_a_callback(s):
    noticing = Noticing(s)
    1 in noticing  # noqa: B015 - what runs there counts
    s.n = 10 * noticing.seen + s.m


def write(s):
    s.m = 1


def test_foreign_code_may_let_another_in_behind_what_it_calls():
    assert outcomes(look_in_a_callback, write) == {0, 1, 11}


def empty(s):
    s.halves[:] = []
    s.m = 1


def test_foreign_code_may_let_another_in_behind_what_its_operator_touches():
    assert outcomes(find, empty) == {10, 11, 1}


def find(s):
    found = Fraction(1, 2) in s.halves
    s.n = 10 * found + s.m


def spin_then_take(s):
    while s.m:
        pass
    s.m = 1
    s.n += 1


def test_a_loop_that_is_not_taken_again_does_not_look():
    def program():
        shared = Shared()
        threads = [threading.Thread(target=spin_then_take, args=(shared,)) for _ in range(2)]
        threads[0].start()
        threads[1].start()

    def ended(atomicity):
        report = interleave.check(program, atomicity=atomicity, keep_going=True)
        assert "livelock" in {failure.kind for failure in report.failures}
        return report.executions > 0

    # One of both spins for ever, unless it was let in between the other's last look and its store.
    assert not ended("gil")
    assert ended("free-threaded")


def read_twice(s):
    s.n = s.m
    s.n += s.m


def write_twice(s):
    s.m = 1
    s.m = 2


def test_what_is_done_at_once_is_seen_at_once():
    assert outcomes(read_twice, write_twice) == {0, 4}
    assert outcomes(read_twice, write_twice, atomicity="free-threaded") == {0, 1, 2, 3, 4}


def test_depth_first_search_finds_the_same():
    assert outcomes(branches, strategy="dfs") == {2}
    assert outcomes(read_twice, write_twice, strategy="dfs") == {0, 4}


def pool():
    futures = ThreadPoolExecutor(1)
    done = futures.submit(nested, 3)
    return done.result()


def test_a_pool_that_nobody_holds_ends_its_threads():
    report = interleave.check(pool, atomicity="gil")

    assert (report.verdict, set(report.outcomes)) == ("pass", {3})


# -- the code ---------------------------------------------------------------------------------


def loops(n):
    total = 0
    while n > 0:
        n -= 1
        total += sum(x for x in range(n))
    return total


@pytest.mark.parametrize("gate", [[], [True]], ids=["shut", "open"])
def test_code_that_tells_switch_points_does_what_it_did(gate):
    hooks.gate[:] = gate
    try:
        names = {}
        exec(
            rewrite(
                compile(
                    "def f(*a, k=0, **b): return (a, k, sorted(b))\n"
                    "def g(n):\n"
                    "  for i in range(n): yield i\n"
                    "r = [f(1, k=2), f(*(1,), **{'z': 1}), list(g(3)), [x for x in g(2)]]\n"
                    "while len(r) < 6: r.append(max(r[3], key=lambda x: -x))\n",
                    "<code>",
                    "exec",
                ),
                hooks,
                under_gil=True,
            ),
            names,
        )
    finally:
        hooks.gate.clear()
    assert names["r"] == [((1,), 2, []), ((1,), 0, ["z"]), [0, 1, 2], [0, 1], 0, 0]


def test_only_code_for_the_gil_tells_switch_points():
    plain = Bytecode.from_code(rewrite(loops.__code__, hooks))
    telling = Bytecode.from_code(rewrite(loops.__code__, hooks, under_gil=True))
    found = [
        {
            instruction.arg
            for instruction in code
            if getattr(instruction, "name", "") == "LOAD_CONST"
        }
        & {hooks.switch_point, hooks.calling}
        for code in (plain, telling)
    ]
    assert found == [set(), {hooks.switch_point, hooks.calling}]
