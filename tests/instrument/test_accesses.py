"""Which locations an access touches: what partial order reduction is told."""

import threading
from collections import OrderedDict, defaultdict

import pytest

import interleave


class Box:
    def __init__(self):
        self.here = 1


def insert(d, box):
    d["new"] = 1


def overwrite(d, box):
    d["old"] = 1


def delete(d, box):
    del d["old"]


def look(d, box):
    return d["old"]


def go_through(d, box):
    return len(d)


def whole(d, box):
    return f"{d}"


def new_attribute(d, box):
    box.new = 1


def old_attribute(d, box):
    box.here = 2


def give_out_the_dictionary(box):
    return vars(box)


def overwrite_a(d):
    d["a"] = 1


def read_a(d):
    return d["a"]


def in_order(d):
    return sorted(d)


def as_text(d):
    return str(d)


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (insert, {("write", "['new']"), ("write", " (its keys)")}),
        (overwrite, {("write", "['old']")}),
        (delete, {("write", "['old']"), ("write", " (its keys)")}),
        (look, {("read", "['old']")}),
        (go_through, {("read", " (its keys)")}),
        (whole, {("read", "['old']"), ("read", " (its keys)")}),
        (new_attribute, {("write", ".new"), ("write", " (its keys)")}),
        (old_attribute, {("write", ".here")}),
    ],
)
def test_an_access_tells_every_location(act, expected, performed):
    def program():
        box = Box()
        give_out_the_dictionary(box)
        thread = threading.Thread(target=act, args=({"old": 1}, box))
        thread.start()
        thread.join()

    interleave.check(program, granularity="memory", strategy="random", executions=1)
    assert {pair for told in performed for pair in told.true} == expected


# -- what others change between the announcement and the moment that the access takes effect ------


KEYS = " (its keys)"


class Base:
    pass


class Derived(Base):
    pass


def clear_shown(d):
    for key in ("a", "b"):
        d.pop(key, None)


def read_attribute_of_class(obj):
    return getattr(obj, "shadow", None)


def store_to_base(obj):
    Base.shadow = 1


def delete_from_base(obj):
    del Base.shadow


def make_derived():
    if "shadow" in Base.__dict__:
        del Base.shadow
    return Derived()


def make_shadowed():
    Base.shadow = 1
    return Derived()


class Attribute:
    """An object whose attribute `x` can come and go."""


def make_attribute():
    it = Attribute()
    give_out_the_dictionary(it).update(x=1)
    return it


def delete_x(it):
    del it.x


def store_x(it):
    it.x = 2


def store_y(it):
    it.y = 2


def sort_vars(it):
    return sorted(vars(it))


@pytest.mark.parametrize(
    ("make", "act", "change", "stale", "true"),
    [
        pytest.param(
            lambda: {"a": 0},
            lambda d: d.__setitem__("a", 1),
            lambda d: d.pop("a"),
            {("write", "['a']")},
            {("write", "['a']"), ("write", KEYS)},
            id="a store whose key was deleted, by its method",
        ),
        pytest.param(
            lambda: {"a": 0},
            overwrite_a,
            lambda d: d.pop("a"),
            {("write", "['a']")},
            {("write", "['a']"), ("write", KEYS)},
            id="a store whose key was deleted",
        ),
        pytest.param(
            dict,
            overwrite_a,
            lambda d: d.update({"a": 2}),
            {("write", "['a']"), ("write", KEYS)},
            {("write", "['a']")},
            id="a store whose key was inserted",
        ),
        pytest.param(
            dict,
            lambda d: d.setdefault("a", 1),
            overwrite_a,
            {("write", "['a']"), ("write", KEYS)},
            {("write", "['a']")},
            id="setdefault",
        ),
        pytest.param(
            lambda: {"a": 0},
            in_order,
            lambda d: d.__setitem__("b", 1),
            {("read", "['a']"), ("read", KEYS)},
            {("read", "['a']"), ("read", "['b']"), ("read", KEYS)},
            id="going through a dictionary that has grown",
        ),
        pytest.param(
            lambda: {"a": 0, "b": 1},
            as_text,
            clear_shown,
            {("read", "['a']"), ("read", "['b']"), ("read", KEYS)},
            {("read", KEYS)},
            id="showing a dictionary that has shrunk",
        ),
        pytest.param(
            lambda: {"a": 0, "b": 1},
            lambda d: d.clear(),
            lambda d: d.pop("a"),
            {("write", "['a']"), ("write", "['b']"), ("write", KEYS)},
            {("write", "['b']"), ("write", KEYS)},
            id="clearing a dictionary that has shrunk",
        ),
        pytest.param(
            lambda: defaultdict(int),
            read_a,
            overwrite_a,
            {("write", "['a']"), ("write", KEYS)},
            {("read", "['a']")},
            id="a defaultdict whose key was inserted",
        ),
        pytest.param(
            lambda: defaultdict(int, a=1),
            read_a,
            lambda d: d.pop("a"),
            {("read", "['a']")},
            {("write", "['a']"), ("write", KEYS)},
            id="a defaultdict whose key was deleted",
        ),
        pytest.param(
            lambda: {"a": 0},
            lambda d: list(d.values()),
            lambda d: d.update({"b": 1}),
            {("read", "['a']"), ("read", KEYS)},
            {("read", "['a']"), ("read", "['b']"), ("read", KEYS)},
            id="a view",
        ),
        pytest.param(
            lambda: OrderedDict(a=0),
            lambda d: [*d.items()],
            lambda d: d.update({"b": 1}),
            {("read", "['a']"), ("read", KEYS)},
            {("read", "['a']"), ("read", "['b']"), ("read", KEYS)},
            id="the items of an OrderedDict",
        ),
        pytest.param(
            make_attribute,
            store_x,
            delete_x,
            {("write", ".x")},
            {("write", ".x"), ("write", KEYS)},
            id="an attribute that was deleted",
        ),
        pytest.param(
            make_attribute,
            store_y,
            lambda it: setattr(it, "y", 1),
            {("write", ".y"), ("write", KEYS)},
            {("write", ".y")},
            id="an attribute that was made",
        ),
        pytest.param(
            make_attribute,
            sort_vars,
            store_y,
            {("read", ".x"), ("read", KEYS)},
            {("read", ".x"), ("read", ".y"), ("read", KEYS)},
            id="the dictionary of an object",
        ),
        pytest.param(
            make_derived,
            read_attribute_of_class,
            store_to_base,
            {("read", ".shadow")},
            {("read", ".shadow"), ("read", "Base.shadow")},
            id="an attribute that a base class has got",
        ),
        pytest.param(
            make_shadowed,
            read_attribute_of_class,
            delete_from_base,
            {("read", ".shadow"), ("read", "Base.shadow")},
            {("read", ".shadow")},
            id="an attribute that a base class has lost",
        ),
    ],
)
def test_an_access_tells_the_locations_as_they_are_when_it_takes_effect(
    make, act, change, stale, true, performed
):
    def program():
        state = make()
        first = threading.Thread(target=act, args=(state,))
        second = threading.Thread(target=change, args=(state,))
        first.start()
        second.start()
        first.join()
        second.join()

    report = interleave.check(program, strategy="dfs", keep_going=True)
    assert report.exhaustive, report.reasons
    pairs = {
        (frozenset(told.announced), frozenset(told.true))
        for told in performed
        if told.task == "main.0"
    }
    assert (frozenset(stale), frozenset(stale)) in pairs
    assert (frozenset(stale), frozenset(true)) in pairs
    assert (frozenset(true), frozenset(true)) in pairs


def test_a_class_that_gets_an_attribute_touches_what_its_instances_show(performed):
    def program():
        state = make_derived()
        first = threading.Thread(target=read_attribute_of_class, args=(state,))
        second = threading.Thread(target=store_to_base, args=(state,))
        first.start()
        second.start()
        first.join()
        second.join()

    report = interleave.check(program, strategy="dfs", keep_going=True)
    assert report.exhaustive, report.reasons
    written = {
        frozenset(told.true) for told in performed if told.task == "main.1" and told.kind == "write"
    }
    assert written == {
        frozenset({("write", "Base.shadow")}),
        frozenset({("write", "Base.shadow"), ("write", ".shadow")}),
    }
