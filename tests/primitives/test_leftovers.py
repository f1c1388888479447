"""What is told of values that were not as they had been."""

import functools
import itertools
import sys
from types import ModuleType, SimpleNamespace

import pytest

from interleave.primitives.leftovers import left_over, look

NAME = "interleave_tests_leftovers"


@pytest.fixture
def module(monkeypatch):
    made = ModuleType(NAME)
    made.__file__ = f"/nowhere/{NAME}.py"
    monkeypatch.setitem(sys.modules, NAME, made)
    return made


def told(module, change):
    before = look(None)
    change(module)
    return [str(item) for item in left_over(before, look(None)) if NAME in item.name]


@pytest.mark.parametrize(
    ("old", "new", "before", "after"),
    [
        (1, 2, "1", "2"),
        (1, True, "1", "True"),
        (1, 1.0, "1", "1.0"),
        (0.0, -0.0, "0.0", "-0.0"),
        (0j, -0j, "0j", "(-0-0j)"),
        ("a", b"a", "'a'", "b'a'"),
        (None, 0, "None", "0"),
        (len, 3, "another builtin_function_or_method", "3"),
        (3, [], "3", "a list of 0 items"),
        ((1,), (2,), "one object", "another tuple"),
        (len, max, "one object", "another builtin_function_or_method"),
    ],
    ids=repr,
)
def test_another_value_is_told(module, old, new, before, after):
    module.value = old

    said = told(module, lambda module: setattr(module, "value", new))

    assert said == [f"{NAME}.value was {before} before an execution and is {after} after it"]


@pytest.mark.parametrize(
    ("one", "same"),
    [
        (float("nan"), float("nan")),
        (int("9" * 30), int("9" * 30)),
        ("".join("ab"), "".join("ab")),
        (float("0.5"), float("0.5")),
    ],
    ids=["nan", "number", "text", "half"],
)
def test_an_equal_plain_value_is_not_told(module, one, same):
    assert one is not same
    module.value = one

    assert told(module, lambda module: setattr(module, "value", same)) == []


@pytest.mark.parametrize(
    ("value", "change", "after"),
    [
        ([], lambda it: it.append(1), "a list of 1 item"),
        ({}, lambda it: it.update(a=1), "a dict of 1 item"),
        (set(), lambda it: it.add(1), "a set of 1 item"),
        (itertools.count(5), next, "count(6)"),
        (functools.cache(abs), lambda it: it(1), "a cache of 1 entries"),
    ],
    ids=["list", "dict", "set", "count", "cache"],
)
def test_the_same_object_with_something_else_in_it_is_told(module, value, change, after):
    module.value = value

    (said,) = told(module, lambda _: change(value))

    assert said.endswith(f"is {after} after it")


def test_attributes_of_what_a_module_names_are_told(module):
    made = type("Made", (), {"__module__": NAME, "shared": 1})
    module.Made, module.held = made, SimpleNamespace(number=1)
    module.alias = module.held

    def change(module):
        module.Made.shared = 2
        module.held.number = 2

    assert [item.split(" ")[0] for item in told(module, change)] == [
        f"{NAME}.Made.shared",
        f"{NAME}.held.number",
        f"{NAME}.alias.number",
    ]


def test_what_comes_and_what_goes_is_told(module):
    module.old = 1

    def change(module):
        del module.old
        module.new = None

    assert told(module, change) == [
        f"{NAME}.old was 1 before an execution and is gone after it",
        f"{NAME}.new was not there before an execution and is None after it",
    ]
