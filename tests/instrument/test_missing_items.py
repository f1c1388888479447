"""A `defaultdict` whose function is the program's own can be interrupted before it stores."""

import threading
from collections import defaultdict
from functools import partial

import pytest

import interleave


class Box:
    n = 0


class Made:
    def __init__(self):
        self.n = 0


class Stored(defaultdict):
    def __setitem__(self, key, value):
        super().__setitem__(key, value)
        self.stored = key, *getattr(self, "stored", ())


def make():
    return Box()


def outcomes(program, **options):
    report = interleave.check(program, keep_going=True, **options)
    assert report.exhaustive, report.reasons
    assert not report.failures
    return set(report.outcomes)


def both(one, two):
    worker = threading.Thread(target=one)
    worker.start()
    two()
    worker.join()


@pytest.mark.parametrize("strategy", ["dpor", "dfs"])
@pytest.mark.parametrize(
    "factory",
    [make, Made, partial(make), Box, list],
    ids=["function", "class", "partial", "plain", "C"],
)
def test_two_tasks_make_the_same_item_only_where_python_code_makes_it(factory, strategy):
    def program():
        items = defaultdict(factory)
        got = [None, None]

        def look(place):
            got[place] = items["x"]

        both(partial(look, 0), partial(look, 1))
        first, second = got
        return first is second, items["x"] is first, items["x"] is second

    interrupted = {(True, True, True), (False, True, False), (False, False, True)}
    runs_python = factory is not list and factory is not Box
    expected = interrupted if runs_python else {(True, True, True)}
    assert outcomes(program, strategy=strategy) == expected


@pytest.mark.parametrize("strategy", ["dpor", "dfs"])
def test_an_item_that_is_there_is_read_and_no_more(strategy):
    def program():
        items = defaultdict(make, x=1)
        got = [None, None]

        def look(place):
            got[place] = items["x"]

        both(partial(look, 0), partial(look, 1))
        return tuple(got), dict(items) == {"x": 1}

    assert outcomes(program, strategy=strategy) == {((1, 1), True)}


@pytest.mark.parametrize(
    ("atomicity", "expected"),
    [
        ("free-threaded", {(0, None), (0, 0), (1, None), (1, 1)}),
        ("gil", {(0, 0), (1, None)}),
    ],
)
def test_with_the_gil_nobody_comes_in_between_the_return_of_the_function_and_the_store(
    atomicity, expected
):
    def program():
        box = Box()
        items = defaultdict(lambda: box.n)
        seen = []

        def change():
            box.n = 1
            seen.append(dict.get(items, "x"))

        both(lambda: items["x"], change)
        return items["x"], *seen

    assert outcomes(program, atomicity=atomicity) == expected


def test_what_the_function_raises_is_what_the_program_sees():
    def program():
        def fail():
            raise LookupError("nothing to be had")

        items = defaultdict(fail)
        seen = []

        def look():
            try:
                items["x"]
            except LookupError as error:
                seen.append(str(error))

        both(look, look)
        return (*seen, len(items))

    assert outcomes(program) == {("nothing to be had", "nothing to be had", 0)}


def test_a_class_that_stores_by_itself_stores_once():
    def program():
        items = Stored(make)
        both(lambda: items["x"], lambda: None)
        return items.stored, type(items["x"]) is Box

    assert outcomes(program) == {(("x",), True)}
