"""Complete outcome sets of programs whose threads meet in plain memory."""

import sys
import threading
from collections import deque
from itertools import islice

import pytest
from side_by_side import in_few_threads as run

import interleave


def outcomes(program, **options):
    options.setdefault("keep_going", True)
    report = interleave.check(program, granularity="memory", seconds=120, **options)
    assert report.exhaustive, report.reasons
    assert not [warning for warning in report.warnings if "instrumented" in warning.kind]
    return set(report.outcomes)


class Counter:
    def __init__(self, value=0):
        self.value = value

    def add(self):
        self.value = self.value + 1

    def add_in_place(self):
        self.value += 1

    def add_twice(self):
        self.value = self.value + 1
        self.value = self.value + 1


class Slotted:
    __slots__ = ("value",)
    add = Counter.add

    def __init__(self):
        self.value = 0


class Default:
    value = 0
    add = Counter.add


class Property:
    def __init__(self):
        self._value = 0

    @property
    def value(self):
        return self._value

    @value.setter
    def value(self, new):
        self._value = new

    add = Counter.add


class Loose:
    """Keeps its attributes by `__getattr__` and `__setattr__` in a dictionary."""

    def __init__(self):
        object.__setattr__(self, "kept", {"value": 0})

    def __getattr__(self, name):
        return self.kept[name]

    def __setattr__(self, name, value):
        self.kept[name] = value

    add = Counter.add


@pytest.mark.parametrize("cls", [Counter, Slotted, Default, Property, Loose])
def test_a_read_and_a_write_by_two_threads_lose_an_update(cls):
    def program():
        counter = cls()
        run(counter.add, counter.add)
        return counter.value

    assert outcomes(program) == {1, 2}


def test_an_augmented_assignment_is_a_read_and_a_write():
    def program():
        counter = Counter()
        run(counter.add_in_place, counter.add_in_place)
        return counter.value

    assert outcomes(program) == {1, 2}


def test_two_increments_each_end_at_two_at_least():
    # Whoever writes last has read after its own first write, so what it read was 1 at least and
    # what it writes is 2 at least. 2 comes out: A reads 0; B writes 1; A writes 1; B reads 1; A
    # writes 2; B writes 2.
    def program():
        counter = Counter()
        run(counter.add_twice, counter.add_twice)
        return counter.value

    assert outcomes(program) == {2, 3, 4}


def test_three_threads_lose_up_to_two_updates():
    def program():
        counter = Counter()
        run(counter.add, counter.add, counter.add)
        return counter.value

    # Sampled: plain depth first would need hours for three threads.
    report = interleave.check(
        program, granularity="memory", strategy="random", executions=2_000, keep_going=True
    )
    assert set(report.outcomes) == {1, 2, 3}


def test_an_update_under_a_lock_is_never_lost():
    def program():
        counter, lock = Counter(), threading.Lock()

        def add():
            with lock:
                counter.value += 1

        run(add, add)
        return counter.value

    assert outcomes(program) == {2}


def test_a_variable_of_the_enclosing_function_is_shared():
    def program():
        count = 0

        def add():
            nonlocal count
            count += 1

        run(add, add)
        return count

    assert outcomes(program) == {1, 2}


total = 0


def test_a_global_variable_is_shared():
    def add():
        global total
        total += 1

    def program():
        global total
        total = 0
        run(add, add)
        return total

    assert outcomes(program) == {1, 2}


def test_a_class_attribute_is_shared():
    class Shared:
        value = 0

    def add():
        Shared.value += 1

    def program():
        Shared.value = 0
        run(add, add)
        return Shared.value

    assert outcomes(program) == {1, 2}


def test_getattr_and_setattr_are_accesses():
    def program():
        counter = Counter()

        def add():
            value = getattr(counter, "value")  # noqa: B009 - the call is the point
            setattr(counter, "value", value + 1)  # noqa: B010 - likewise

        run(add, add)
        return counter.value

    assert outcomes(program) == {1, 2}


def test_the_dictionary_of_an_object_is_the_same_place_as_its_attributes():
    def program():
        counter = Counter()

        def add():
            vars(counter)["value"] = vars(counter)["value"] + 1

        run(add, counter.add)
        return counter.value

    assert outcomes(program) == {1, 2}


def test_locals_are_no_schedule_points():
    def program(extra):
        counter = Counter()

        def alone():
            total = 0
            if extra:
                for step in range(100):
                    total += step * 2
            return total

        run(counter.add, alone)
        return counter.value

    fewer = interleave.check(lambda: program(False), granularity="memory", keep_going=True)
    more = interleave.check(lambda: program(True), granularity="memory", keep_going=True)
    assert fewer.exhaustive
    assert (more.executions, more.exhaustive) == (fewer.executions, True)


# -- containers -----------------------------------------------------------------------------------


def test_check_then_act_on_a_dictionary_makes_the_value_twice():
    def program():
        cache, made = {}, []

        def get():
            if "key" not in cache:
                made.append(1)
                cache["key"] = 1

        run(get, get)
        return len(made)

    assert outcomes(program) == {1, 2}


def test_items_of_a_dictionary_under_one_key_lose_an_update():
    def program():
        counts = {"a": 0}

        def add():
            counts["a"] += 1

        run(add, add)
        return counts["a"]

    assert outcomes(program) == {1, 2}


@pytest.mark.parametrize("kind", [list, deque])
def test_two_pops_of_the_last_item_behind_a_look_fail(kind):
    def program():
        items, seen = kind([7]), []

        def take():
            if items:
                try:
                    seen.append(items.pop())
                except IndexError:
                    seen.append("empty")

        run(take, take)
        return tuple(sorted(seen, key=str))

    assert outcomes(program) == {(7,), (7, "empty")}


@pytest.mark.parametrize("make", [lambda: {7}, lambda: {7: 7}], ids=["set", "dict"])
def test_two_threads_that_take_the_last_item_of_a_set_or_dictionary_fail(make):
    def program():
        items, seen = make(), []

        def take():
            if len(items) > 0:
                try:
                    seen.append(items.pop() if isinstance(items, set) else items.popitem()[0])
                except KeyError:
                    seen.append("empty")

        run(take, take)
        return tuple(sorted(seen, key=str))

    assert outcomes(program) == {(7,), (7, "empty")}


def test_a_set_that_is_looked_at_and_then_added_to_lets_two_in():
    def program():
        taken, winners = set(), []

        def claim(me):
            if "seat" not in taken:
                taken.add("seat")
                winners.append(me)

        run(lambda: claim("a"), lambda: claim("b"))
        return tuple(winners)

    assert outcomes(program) == {("a",), ("b",), ("a", "b"), ("b", "a")}


@pytest.mark.parametrize(
    ("make", "insert"),
    [
        (lambda: {1: 1, 2: 2}, lambda items: items.__setitem__(3, 3)),
        (lambda: {1, 2}, lambda items: items.add(3)),
        (lambda: deque([1, 2]), lambda items: items.append(3)),
    ],
    ids=["dict", "set", "deque"],
)
def test_an_insertion_breaks_an_iteration(make, insert):
    def program():
        items, seen = make(), []

        def go_through():
            try:
                count = 0
                for _ in items:
                    count += 1
                seen.append(count)
            except RuntimeError:
                seen.append("changed")

        run(go_through, lambda: insert(items))
        return seen[0]

    assert outcomes(program) == {2, 3, "changed"}


def test_an_insertion_does_not_break_an_iteration_over_a_list():
    def program():
        items, seen = [1, 2], []

        def go_through():
            count = 0
            for _ in items:
                count += 1
            seen.append(count)

        run(go_through, lambda: items.append(3))
        return seen[0]

    assert outcomes(program) == {2, 3}


def test_overwriting_does_not_break_an_iteration():
    def program():
        items, seen = {1: 1, 2: 2}, []

        def go_through():
            count = 0
            for _ in items:
                count += 1
            seen.append(count)

        def overwrite():
            items[1] = 3

        run(go_through, overwrite)
        return seen[0]

    assert outcomes(program) == {2}


def test_an_appended_item_is_never_lost():
    def program():
        items = []
        run(lambda: items.append(1), lambda: items.append(2))
        return tuple(items)

    assert outcomes(program) == {(1, 2), (2, 1)}


@pytest.mark.parametrize(
    ("make", "add"),
    [
        (list, lambda items, item: items.append(item)),
        (list, lambda items, item: items.extend([item])),
        (list, lambda items, item: items.insert(0, item)),
        (deque, lambda items, item: items.append(item)),
        (deque, lambda items, item: items.appendleft(item)),
        (set, lambda items, item: items.add(item)),
        (set, lambda items, item: items.update([item])),
        (dict, lambda items, item: items.__setitem__(item, item)),
        (dict, lambda items, item: items.setdefault(item, item)),
        (dict, lambda items, item: items.update({item: item})),
    ],
    ids=[
        *("append", "extend", "insert", "deque append", "appendleft", "add", "set update"),
        *("store", "setdefault", "update"),
    ],
)
def test_no_item_that_two_threads_add_is_lost(make, add):
    def program():
        items = make()
        run(lambda: add(items, 1), lambda: add(items, 2))
        return tuple(sorted(items))

    assert outcomes(program) == {(1, 2)}


def test_appending_by_assignment_loses_an_item():
    def program():
        box = Counter([])

        def add(item):
            box.value = [*box.value, item]

        run(lambda: add(1), lambda: add(2))
        return tuple(box.value)

    assert outcomes(program) == {(1,), (2,), (1, 2), (2, 1)}


def test_a_c_function_can_be_interrupted_in_its_callback():
    def program():
        counter = Counter()

        def key(item):
            counter.value += 1
            return item

        run(lambda: sorted([1], key=key), lambda: max([1], key=key))
        return counter.value

    assert outcomes(program) == {1, 2}


def test_a_shared_iterator_gives_every_item_once():
    def program():
        numbers, seen = iter(range(5)), []
        run(lambda: seen.append(next(numbers)), lambda: seen.append(next(numbers)))
        return tuple(seen)

    assert outcomes(program) == {(0, 1), (1, 0)}


# -- what is told ---------------------------------------------------------------------------------


def test_a_failure_names_the_attribute_that_was_read():
    def program():
        counter = Counter()
        run(counter.add, counter.add)
        assert counter.value == 2

    report = interleave.check(program, granularity="memory")
    told = [event.what for event in report.failures[0].events]
    assert "read Counter#1.value" in told
    assert "write Counter#1.value" in told
    again = interleave.replay(program, report.failures[0].schedule)
    assert again.failures[0].kind == "assertion"


def test_a_report_names_the_modules_that_were_instrumented():
    report = interleave.check(Counter().add, granularity="memory")
    assert f"in {__name__}" in report.covers


def test_a_program_without_code_of_its_own_gets_a_warning():
    report = interleave.check(threading.Event, granularity="memory")
    assert "nothing-instrumented" in {warning.kind for warning in report.warnings}


@pytest.mark.parametrize(
    ("take", "found"),
    [
        (lambda items: list(islice(items, 2)), {((1, 2), 3), ((2, 3), 1)}),
        (lambda items: list(map(abs, islice(items, 2))), {((1, 2), 3), ((2, 3), 1)}),
        (lambda items: list(zip(items, items, strict=False)), {(((1, 2),), None), (((2, 3),), 1)}),
        (
            lambda items: [item + 0 for item in islice(items, 2)],
            {((1, 2), 3), ((1, 3), 2), ((2, 3), 1)},
        ),
    ],
)
def test_a_step_of_an_iterator_is_one_of_the_iterators_inside_it(take, found):
    def program():
        items = iter([1, 2, 3])
        seen = {}

        def take_some():
            seen["some"] = tuple(take(items))

        def take_one():
            seen["one"] = next(items, None)

        run(take_some, take_one)
        return seen["some"], seen["one"]

    assert outcomes(program) == found


@pytest.mark.parametrize(
    ("pattern", "unmet"),
    [
        ("no_such_module.*", True),
        ("tests/instrument/test_outcomes.py", True),
        ("sys", False),  # it is there, though it has no code of Python
        ("json", False),  # it is there, though nothing of it is used
        (__name__, False),
    ],
)
def test_a_pattern_that_fits_no_module_gets_a_warning_that_names_it(pattern, unmet):
    report = interleave.check(Counter().add, include=pattern)
    told = [item.message for item in report.warnings if item.kind == "nothing-included"]
    assert len(told) == unmet
    for message in told:
        assert message.startswith(f"--include {pattern} fits no module: give a name as Python ")
        assert message.endswith("path of a file)") == pattern.endswith(".py")


def test_a_module_that_is_imported_while_the_check_runs_fits_a_pattern(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "imported_late.py").write_text("value = 1\n")

    def program():
        import imported_late

        del sys.modules["imported_late"]
        return imported_late.value

    report = interleave.check(program, include="imported_late")
    assert "nothing-included" not in {warning.kind for warning in report.warnings}
