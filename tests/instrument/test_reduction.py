"""Partial order reduction and plain depth first agree on random programs over shared memory.

The two share the footprints' vocabulary and nothing else: a location that an access does not tell
makes the reduction miss an outcome that depth first finds.
"""

import os
import threading
from collections import OrderedDict, defaultdict, deque, namedtuple

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

import interleave


class Base:
    pass


class Thing(Base):
    pass


Values = namedtuple("Values", "d dd od l s q o it")  # noqa: PYI024 - reading it is no access


def make():
    if "y" in Base.__dict__:
        del Base.y
    thing = Thing()
    thing.x = 0
    return Values(
        {"a": 0},
        defaultdict(list),
        OrderedDict(a=1, b=2),
        [1, 2],
        {1},
        deque([1]),
        thing,
        iter([1, 2]),
    )


def store_class(v):
    Base.y = 1


def set_new(v):
    v.o.z = 1


def delete_x(v):
    del v.o.x


def add_to_x(v):
    v.o.x += 1


def go_through(items):
    count = 0
    for _ in items:
        count += 1
    return count


def step(v):
    return next(v.it, None)


ACTIONS = [
    lambda v: v.d.update(b=1),
    lambda v: v.d.update({"c": 1}),
    lambda v: v.d.update([("b", 3)]),
    lambda v: v.d.get("c"),
    lambda v: vars(v.o).update(x=8, z=9),
    lambda v: v.d.pop("a", None),
    lambda v: v.d.__setitem__("a", 5),
    lambda v: v.d.setdefault("b", 7),
    lambda v: v.d.get("b"),
    lambda v: "b" in v.d,
    lambda v: len(v.d),
    lambda v: sorted(v.d.items()),
    lambda v: list(v.d),
    lambda v: v.d.clear(),
    lambda v: v.d.popitem() if v.d else None,
    lambda v: len(v.dd["k"]),
    lambda v: "k" in v.dd,
    lambda v: v.dd.pop("k", None),
    lambda v: len(v.dd),
    lambda v: v.od.move_to_end("a"),
    lambda v: list(v.od),
    lambda v: v.l.append(3),
    lambda v: v.l.pop(),
    lambda v: tuple(v.l),
    lambda v: len(v.l),
    lambda v: v.s.add(2),
    lambda v: 2 in v.s,
    lambda v: v.q.append(4),
    lambda v: v.q.popleft(),
    lambda v: len(v.q),
    lambda v: go_through(v.q),
    lambda v: go_through(v.d),
    lambda v: go_through(v.s),
    lambda v: go_through(v.l),
    lambda v: go_through(v.it),
    lambda v: getattr(v.o, "x", "gone"),
    lambda v: getattr(v.o, "y", "none"),
    lambda v: getattr(v.o, "z", "none"),
    lambda v: sorted(vars(v.o)),
    lambda v: hasattr(v.o, "x"),
    store_class,
    set_new,
    delete_x,
    add_to_x,
    step,
]


def attempt(action, values):
    try:
        return repr(action(values))
    except (AttributeError, IndexError, KeyError, RuntimeError) as error:
        return type(error).__name__


def run(one, two, values, seen):
    first = attempt(one, values)
    seen.append((first, None if two is None else attempt(two, values)))


def outcomes(one, two, strategy):
    first, second = ((ACTIONS[at[0]], ACTIONS[at[1]] if at[1:] else None) for at in (one, two))

    def program():
        values = make()
        seen_one, seen_two = [], []
        a = threading.Thread(target=run, args=(*first, values, seen_one))
        b = threading.Thread(target=run, args=(*second, values, seen_two))
        a.start()
        b.start()
        a.join()
        b.join()
        end = (
            *(repr(value) for value in values[:6]),
            repr(sorted(vars(values.o).items())),
            getattr(values.o, "y", None),
        )
        return (seen_one[0], seen_two[0], *end)

    report = interleave.check(program, strategy=strategy, granularity="memory", keep_going=True)
    assert report.exhaustive, report.reasons
    return set(report.outcomes)


PAIRS = [(one, two) for one in range(len(ACTIONS)) for two in range(one, len(ACTIONS))]


def same(one, two):
    assert outcomes(one, two, "dpor") == outcomes(one, two, "dfs")


@pytest.mark.parametrize(
    "share", [0, *(pytest.param(share, marks=pytest.mark.slow) for share in range(13, 234, 13))]
)
def test_reduction_finds_every_outcome_of_one_action_each(share):
    for one, two in PAIRS[share::234]:
        same([one], [two])


@pytest.mark.slow
@settings(
    max_examples=int(os.environ.get("INTERLEAVE_PROGRAMS", "12")), deadline=None, derandomize=True
)
@given(
    one=st.lists(st.integers(0, len(ACTIONS) - 1), min_size=2, max_size=2),
    two=st.integers(0, len(ACTIONS) - 1),
)
def test_reduction_finds_every_outcome_of_two_actions_beside_one(one, two):
    same(one, [two])
