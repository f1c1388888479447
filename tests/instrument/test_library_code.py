"""Library code as the subject: the Python code of the standard library, and an installed package.

Each expectation was worked out from the source of the running Python, which is told beside it.
"""

import functools
import importlib.util
import itertools
import linecache
import math
import random
import sys
import threading
import weakref

import pytest

import interleave
from interleave import run_threads


def found(program, *include, strategy="dpor"):
    """Return the complete set of outcomes."""
    report = interleave.check(program, include=include, strategy=strategy, keep_going=True)
    assert report.exhaustive, report.reasons
    assert not report.failures, report.failures
    return set(report.outcomes)


# -- random ---------------------------------------------------------------------------------------


def numbers_of_gauss(first, second):
    """The two numbers that `gauss` makes of two uniform ones: one is kept for the next call."""
    angle, radius = first * math.tau, math.sqrt(-2 * math.log(1 - second))
    return math.cos(angle) * radius, math.sin(angle) * radius


@pytest.mark.parametrize("strategy", ["dpor", "dfs"])
def test_two_threads_get_the_same_number_from_gauss(strategy):
    def program():
        generator = random.Random(1)
        generator.gauss()  # it keeps the other number for whoever comes next
        return tuple(run_threads(generator.gauss, generator.gauss))

    alone = random.Random(1)
    _, kept, fresh = alone.gauss(), alone.gauss(), alone.gauss()
    # Both read `gauss_next` before either sets it to None; or one comes after the other has.
    assert found(program, "random", strategy=strategy) == {
        (kept, kept),
        (kept, fresh),
        (fresh, kept),
    }


def test_two_threads_that_find_no_number_kept_share_the_uniform_ones_between_them():
    def program():
        generator = random.Random(1)
        return tuple(run_threads(generator.gauss, generator.gauss))

    alone = random.Random(1)
    uniform = [alone.random() for _ in range(4)]
    ones = {}
    for mine in itertools.combinations(range(4), 2):
        theirs = [index for index in range(4) if index not in mine]
        first, second = (
            numbers_of_gauss(*(uniform[index] for index in whose))[0] for whose in (mine, theirs)
        )
        ones[mine] = first, second
    # Each draws two uniform numbers, in any order; or the second finds what the first has kept.
    made, kept = numbers_of_gauss(*uniform[:2])
    assert found(program, "random") == {*ones.values(), (made, kept), (kept, made)}


# -- functools ------------------------------------------------------------------------------------


class Page:
    def __init__(self):
        self.made = 0

    @functools.cached_property
    def text(self):
        self.made += 1
        return self.made


@pytest.fixture
def pure_functools(monkeypatch):
    """Return `functools` as it is where its C half is missing."""
    monkeypatch.setitem(sys.modules, "_functools", None)
    spec = importlib.util.spec_from_file_location("functools", functools.__file__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_cached_property_is_made_twice_since_its_lock_is_gone():
    def program():
        page = Page()
        run_threads(lambda: page.text, lambda: page.text)
        return page.made

    # 3.12 has taken out the lock under which 3.11 looks once more. Two updates can be one.
    expected = {1} if sys.version_info < (3, 12) else {1, 2}
    assert found(program, "functools") == expected


def used(cached, made):
    """Call a cached function in two threads; tell how often it ran, hits, misses and size."""
    run_threads(lambda: cached(1), lambda: cached(1))
    info = cached.cache_info()
    return len(made), info.hits, info.misses, info.currsize


def test_a_bounded_lru_cache_counts_right_though_its_function_runs_twice(pure_functools):
    def program():
        made = []
        return used(pure_functools.lru_cache(maxsize=1)(made.append), made)

    # The function runs without the lock; the counters change under it.
    assert found(program, "functools") == {(1, 1, 1, 1), (2, 0, 2, 1)}


def test_an_unbounded_lru_cache_loses_a_miss(pure_functools):
    def program():
        made = []
        return used(pure_functools.lru_cache(maxsize=None)(made.append), made)

    # It has no lock: `misses += 1` is a read and a write.
    assert found(program, "functools") == {(1, 1, 1, 1), (2, 0, 2, 1), (2, 0, 1, 1)}


def test_a_single_dispatch_keeps_a_function_that_was_replaced():
    def program():
        @functools.singledispatch
        def kind(_):
            return "object"

        def call():
            try:
                return kind(1)
            except RuntimeError as error:
                return str(error)

        during, _ = run_threads(call, lambda: kind.register(int, lambda _: "int"))
        return during, kind(1)

    # `dispatch` keeps what it has found after `register` has emptied the cache of that; and it
    # goes through the registry while `register` adds to it.
    assert found(program, "functools", "weakref") == {
        ("int", "int"),
        ("object", "int"),
        ("object", "object"),
        ("dictionary changed size during iteration", "int"),
    }


# -- linecache ------------------------------------------------------------------------------------


@pytest.fixture
def lines(monkeypatch):
    """Return what fills the cache of lines, which is not that of the process, with one file."""
    monkeypatch.setattr(linecache, "cache", {})

    def fill():
        linecache.cache.clear()
        linecache.cache["<made up>"] = 2, None, ["x\n"], "<made up>"

    return fill


@pytest.mark.parametrize("strategy", ["dpor", "dfs"])
def test_lines_are_gone_between_the_look_and_the_reading(lines, strategy):
    def program():
        lines()

        def read():
            try:
                return tuple(linecache.getlines("<made up>"))
            except KeyError:
                return "KeyError"

        return run_threads(read, linecache.clearcache)[0]

    # `if filename in cache: entry = cache[filename]`; and there is no file to read it from again.
    assert found(program, "linecache", strategy=strategy) == {("x\n",), (), "KeyError"}


@pytest.mark.parametrize("strategy", ["dpor", "dfs"])
def test_a_check_of_the_cache_meets_an_entry_that_is_gone(lines, strategy):
    def program():
        lines()

        def check():
            try:
                linecache.checkcache()
            except KeyError:
                return "KeyError"
            return "checked"

        return run_threads(check, linecache.clearcache)[0]

    # It makes a list of the names, and looks each up.
    assert found(program, "linecache", strategy=strategy) == {"checked", "KeyError"}


# -- weakref --------------------------------------------------------------------------------------


class Thing:
    pass


def test_two_threads_each_keep_their_own_default_of_a_weak_value_dictionary():
    def program():
        things = weakref.WeakValueDictionary()
        one, other = Thing(), Thing()
        first, second = run_threads(
            lambda: things.setdefault("key", one), lambda: things.setdefault("key", other)
        )
        kept = things["key"]
        return first is one, second is other, kept is one

    # `setdefault` of a dictionary is one step; here it looks, and then stores.
    assert found(program, "weakref") == {
        (True, False, True),
        (False, True, False),
        (True, True, True),
        (True, True, False),
    }


@pytest.mark.parametrize("strategy", ["dpor", "dfs"])
def test_a_finalizer_that_two_threads_call_runs_once(strategy, monkeypatch):
    monkeypatch.setattr(weakref.finalize, "_registry", {})
    monkeypatch.setattr(weakref.finalize, "_registered_with_atexit", False)

    def program():
        made, thing = [], Thing()
        finalizer = weakref.finalize(thing, made.append, 1)
        run_threads(finalizer, finalizer)
        return len(made), finalizer.alive

    # It takes itself out of the registry in one step.
    assert found(program, "weakref", strategy=strategy) == {(1, False)}
    # The end of the program was played: those that the process has must still run at its own.
    assert not weakref.finalize._registered_with_atexit
    assert not weakref.finalize._shutdown


def test_a_weak_set_loses_nothing_that_is_added():
    def program():
        things = weakref.WeakSet()
        one, other = Thing(), Thing()
        run_threads(lambda: things.add(one), lambda: things.add(other))
        return len(things)

    assert found(program, "_weakrefset") == {2}


def test_a_weak_set_that_grows_breaks_an_iteration():
    def program():
        one, other = Thing(), Thing()
        things = weakref.WeakSet([one])

        def count():
            try:
                return sum(1 for _ in things)
            except RuntimeError as error:
                return str(error)

        return run_threads(count, lambda: things.add(other))[0]

    # Its guard delays what is taken out, not what is put in.
    assert found(program, "_weakrefset") == {1, 2, "Set changed size during iteration"}


# -- an installed package -------------------------------------------------------------------------


def cached_by(lock):
    """Two threads put a key each into a cache with room for one."""
    cachetools = pytest.importorskip("cachetools")

    def program():
        cache, failed = cachetools.LRUCache(maxsize=1), []

        def put(key):
            try:
                if lock is None:
                    cache[key] = key
                else:
                    with lock:
                        cache[key] = key
            except KeyError:
                failed.append(key)

        run_threads(lambda: put("a"), lambda: put("b"))
        return len(cache) <= 1 and cache.currsize == len(cache) and not failed

    return program


def test_cachetools_without_a_lock_breaks():
    assert found(cached_by(None)) == {True, False}


def test_cachetools_with_a_lock_holds():
    assert found(cached_by(threading.Lock())) == {True}
