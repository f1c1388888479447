"""Classes of the standard library, written in Python, that hold what a program puts in.

Each expectation follows from the class's own code: what it reads and writes of the container that
it keeps, one access at a time.
"""

import collections
import functools
import sys
import threading
import weakref

import pytest

import interleave

CACHED = {1} if sys.version_info < (3, 12) else {1, 2}
"""Up to 3.11 a cached property computes under a lock."""


class Item:
    """Something that can be referred to weakly."""


ITEM = Item()


def beside(one, other):
    threads = [threading.Thread(target=body) for body in (one, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def seen(change, look):
    """Return what one thread sees while another changes something."""
    found = []
    beside(change, lambda: found.append(look()))
    return found[0]


def user_dict():
    items = collections.UserDict()
    return seen(lambda: items.update(key=1), lambda: "key" in items)


def user_dict_item():
    items = collections.UserDict(count=0)

    def add():
        items["count"] += 1

    beside(add, add)
    return items["count"]


class Cache(collections.UserDict):
    def put(self, key):
        self.data[key] = 1


def user_dict_subclass():
    items = Cache()
    return seen(lambda: items.put("key"), lambda: len(items))


def user_list():
    items = collections.UserList()
    return seen(lambda: items.append(1), lambda: len(items))


def chain_map():
    items = collections.ChainMap({"key": 0}, {"key": 1})
    return seen(lambda: items.pop("key"), lambda: items["key"])


def counter():
    count = collections.Counter()

    def add():
        count["key"] += 1

    beside(add, add)
    return count["key"]


def counter_update():
    count = collections.Counter({"key": 0})
    beside(lambda: count.update({"key": 1}), lambda: count.update({"key": 1}))
    return count["key"]


def weak_set():
    items = weakref.WeakSet()
    return seen(lambda: items.add(ITEM), lambda: len(items))


def weak_values():
    items = weakref.WeakValueDictionary()
    return seen(lambda: items.update(key=ITEM), lambda: "key" in items)


def weak_keys():
    items = weakref.WeakKeyDictionary()
    return seen(lambda: items.setdefault(ITEM, 1), lambda: items.get(ITEM))


class Lazy:
    computed = 0

    @functools.cached_property
    def value(self):
        self.computed += 1
        return self.computed


def cached_property():
    lazy = Lazy()
    beside(lambda: lazy.value, lambda: lazy.value)
    return lazy.computed


@pytest.mark.parametrize(
    ("program", "outcomes"),
    [
        (user_dict, {False, True}),
        (user_dict_item, {1, 2}),
        (user_dict_subclass, {0, 1}),
        (user_list, {0, 1}),
        (chain_map, {0, 1}),
        (counter, {1, 2}),
        (counter_update, {1, 2}),
        (weak_set, {0, 1}),
        (weak_values, {False, True}),
        (weak_keys, {None, 1}),
        (cached_property, CACHED),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_other_threads_do_to_it_is_seen(program, outcomes):
    report = interleave.check(program)
    assert report.exhaustive
    assert set(report.outcomes) == outcomes
    assert report.redundant == 0
    sample = interleave.check(program, strategy="random", seed=1, executions=150)
    assert set(sample.outcomes) == outcomes


def test_a_dictionary_that_grows_below_an_iteration_is_found():
    def program():
        items = collections.UserDict(a=1)
        beside(lambda: list(items.items()), lambda: items.update(b=2))

    report = interleave.check(program, keep_going=True)
    assert {failure.message for failure in report.failures} == {
        "RuntimeError: dictionary changed size during iteration in main.0"
    }
    assert set(report.outcomes) == {None}


def test_it_is_the_program_s_own_code_again_after_the_check():
    before = collections.UserDict.__setitem__.__code__
    interleave.check(user_dict_item)
    assert collections.UserDict.__setitem__.__code__ is before


def test_who_leaves_the_class_out_has_it_in_one_step():
    report = interleave.check(user_dict_item, exclude=["collections"])
    assert set(report.outcomes) == {2}


def test_a_script_that_imports_one_is_seen(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import threading\n"
        "from collections import UserList\n"
        "items = UserList()\n"
        "thread = threading.Thread(target=items.append, args=(1,))\n"
        "thread.start()\n"
        "print(len(items))\n"
        "thread.join()\n"
    )
    report = interleave.check(str(script))
    assert {tuple(lines) for lines in map(eval, map(repr, report.outcomes))} == {("0",), ("1",)}
