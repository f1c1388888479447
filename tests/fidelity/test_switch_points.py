"""Where CPython with the GIL really lets another thread in, and what `--atomicity gil` makes of it.

Two real threads increment one number, each in the same spelling. Updates are lost only where a
thread can be switched between reading and storing. A call of `len`, `isinstance` or `list.append`
is such a place until it has run a few times: only its specialised form does not look.
"""

import sys
import threading
from dataclasses import dataclass
from types import FunctionType

import pytest

import interleave

WITH_GIL = getattr(sys, "_is_gil_enabled", lambda: True)()


class Counter:
    def __init__(self):
        self.n = 0
        self.d = {"n": 0}
        self.items = [1]
        self.lock = threading.Lock()

    @property
    def p(self):
        return self.n

    @p.setter
    def p(self, value):
        self.n = value


def same(value):
    return value


def once():
    yield 1


def attribute(c):
    c.n += 1


def item(c):
    c.d["n"] += 1
    c.n = c.d["n"]  # what the last one leaves counts


def check_then_store(c):
    x = c.n
    if x >= 0:
        c.n = x + 1


def known_key(c):
    x = c.n
    if "n" in c.d:
        c.n = x + 1


def with_len(c):
    c.n = c.n + len(c.items)


def with_isinstance(c):
    c.n = c.n + isinstance(c, Counter)


def with_append(c, kept=[]):  # noqa: B006 - each thread appends to what nobody looks at
    x = c.n
    kept.append(x)
    c.n = x + 1


def c_function(c):
    c.n = int(c.n) + 1


def python_function(c):
    c.n = same(c.n) + 1


def keyword_argument(c):
    c.n = same(value=c.n) + 1


def expanded_arguments(c):
    c.n = same(*(c.n,)) + 1


def property_(c):
    c.p = c.p + 1


def lock_between(c):
    x = c.n
    with c.lock:
        pass
    c.n = x + 1


def for_loop(c):
    x = c.n
    for _ in (1,):
        pass
    c.n = x + 1


def while_loop(c):
    x = c.n
    i = 0
    while i < 2:
        i += 1
    c.n = x + 1


def generator(c):
    x = c.n
    for _ in once():
        break
    c.n = x + 1


@dataclass(frozen=True)
class Row:
    """Whether updates are lost once the code is hot, and while it is cold."""

    step: FunctionType
    hot: bool
    cold: bool

    def __str__(self):
        return self.step.__name__


TABLE = [
    Row(attribute, hot=False, cold=False),
    Row(item, hot=False, cold=False),
    Row(check_then_store, hot=False, cold=False),
    Row(known_key, hot=False, cold=False),
    Row(with_len, hot=False, cold=True),
    Row(with_isinstance, hot=False, cold=True),
    Row(with_append, hot=False, cold=True),
    Row(c_function, hot=True, cold=True),
    Row(python_function, hot=True, cold=True),
    Row(keyword_argument, hot=True, cold=True),
    Row(expanded_arguments, hot=True, cold=True),
    Row(property_, hot=True, cold=True),
    Row(lock_between, hot=True, cold=True),
    Row(for_loop, hot=True, cold=True),
    Row(while_loop, hot=True, cold=True),
    Row(generator, hot=True, cold=True),
]

LOSING, KEEPING = 2_000_000, 60_000
"""After how many increments a loss must have been seen, and for how many there must be none."""

EACH = 2_000

WARM = 100
"""After how many calls code is hot: the table speaks of that, so none is counted before."""


@pytest.fixture
def eager_switching():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def copied(function):
    """Return the function with code of its own, which nothing is specialised in yet."""
    code = function.__code__.replace()
    return FunctionType(code, function.__globals__, function.__name__, function.__defaults__)


def loses(step, most, *, cold):
    """Whether an update was lost in at most so many increments."""
    if not cold:
        for _ in range(WARM):
            step(Counter())
    for _ in range(0, most, 2 * EACH):
        counter = Counter()
        ready = threading.Barrier(2)

        def work(counter=counter, ready=ready):
            steps = [copied(step) if cold else step for _ in range(EACH)]
            ready.wait()
            for increment in steps:
                increment(counter)

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if counter.n != 2 * EACH:
            return True
    return False


@pytest.mark.real_threads
@pytest.mark.skipif(not WITH_GIL, reason="this build runs without the GIL: everything can be lost")
@pytest.mark.parametrize("cold", [False, True], ids=["hot", "cold"])
@pytest.mark.parametrize("row", TABLE, ids=str)
def test_real_threads_lose_updates_where_the_table_says(row, cold, eager_switching):
    expected = row.cold if cold else row.hot
    assert loses(row.step, LOSING if expected else KEEPING, cold=cold) is expected


def final_values(step, atomicity):
    def program():
        counter = Counter()
        threads = [threading.Thread(target=step, args=(counter,)) for _ in range(2)]
        threads[0].start()
        threads[1].start()
        threads[0].join()
        threads[1].join()
        return counter.n

    report = interleave.check(program, atomicity=atomicity)
    assert report.exhaustive, report.reasons
    return set(report.outcomes)


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_under_the_gil_comes_out_what_real_threads_can_show_and_nothing_else(row):
    assert final_values(row.step, "gil") == ({1, 2} if row.hot or row.cold else {2})


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_without_the_gil_every_spelling_loses_an_update(row):
    assert final_values(row.step, "free-threaded") == {1, 2}
