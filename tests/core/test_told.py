"""Values as text: as `repr` says where that is safe, and never by code of the program."""

import collections
import enum
import threading
import typing

import pytest

from interleave.core.told import attributes, told


class Colour(enum.Enum):
    RED = 1


class Point(typing.NamedTuple):
    x: int
    y: str


class Hostile:
    """Every way to run code that a look at an object has."""

    def __getattribute__(self, name):
        raise AssertionError(f"asked for {name}")

    def __repr__(self):
        raise AssertionError

    def __hash__(self):
        raise AssertionError

    def __eq__(self, other):
        raise AssertionError


class HostileList(list):
    def __iter__(self):
        raise AssertionError

    def __len__(self):
        raise AssertionError

    def __repr__(self):
        raise AssertionError


class HostileDict(dict):
    def items(self):
        raise AssertionError

    __len__ = __iter__ = __repr__ = items


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        -3,
        1.5,
        2j,
        "text",
        "quo'te",
        b"raw",
        [],
        [1],
        (),
        (1,),
        (1, 2),
        {},
        {"a": [1]},
    ],
)
def test_a_plain_value_is_told_as_its_repr(value):
    assert told(value) == repr(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Colour.RED, "Colour.RED"),
        (Point(1, "a"), "Point(1, 'a')"),
        (Colour, "Colour"),
        (told, "<function told>"),
        ([].append, "<function append>"),
        (threading, "<module threading>"),
        (object(), "<object>"),
        (set(), "set()"),
        ({"b", "a"}, "{'a', 'b'}"),
        (frozenset({2, 1}), "{1, 2}"),
        (collections.deque([1]), "deque([1])"),
        (collections.OrderedDict(a=1), "{'a': 1}"),
        (range(3), "<range>"),
        ([[[["deep"]]]], "[[[...]]]"),
        (list(range(9)), "[0, 1, 2, 3, 4, 5, ... 3 more]"),
        ("x" * 61, f"'{'x' * 60}'..."),
        (10**400, "<int of 1329 bits>"),
    ],
)
def test_what_is_long_or_no_plain_value_is_told_in_short(value, text):
    assert told(value) == text


def test_no_code_of_the_program_is_run():
    assert told(Hostile()) == "<Hostile>"
    assert told([Hostile()]) == "[<Hostile>]"
    assert told(HostileList([1, 2])) == "[1, 2]"
    assert told(HostileDict(a=1)) == "{'a': 1}"


def test_what_holds_itself_comes_to_an_end():
    ring = []
    ring.append(ring)

    assert told(ring) == "[[[...]]]"


def test_attributes_are_those_of_the_ordinary_dictionary():
    class Plain:
        def __init__(self):
            self.x = 1

    class Slotted:
        __slots__ = ("x",)

    class Pretending:
        @property
        def __dict__(self):
            raise AssertionError

    assert attributes(Plain()) == {"x": 1}
    assert attributes(Slotted()) is None
    assert attributes(Pretending()) is None
    assert attributes(1) is None
