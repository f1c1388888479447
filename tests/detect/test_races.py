"""Data races are found where two accesses of a variable meet, and told once."""

import json
import random
import threading

import pytest
import random_programs
from racing import Box, names_of, races, write
from side_by_side import in_few_threads as run

import interleave
from interleave.core.program import from_callable
from interleave.detect.races import DataRaces, variables_of
from interleave.detect.synchronisation import row_of
from interleave.errors import UsageError
from interleave.hypothesis.plan import Plan
from interleave.primitives.accesses import Access
from interleave.session import session
from interleave.settings import Settings
from interleave.strategies.depth_first import DepthFirst
from interleave.strategies.dpor import OptimalReduction

# -- what races: variables, and items by key or index; not containers as a whole -------------------

total = 0
"""A global variable that functions store to."""


class Key:
    """A key that compares by Python code: nobody can tell which item it means."""

    def __hash__(self):
        return 1

    def __eq__(self, other):
        return other is self


def _store_global():
    global total
    total = 1


def test_a_global_variable_races():
    def program():
        run(_store_global, lambda: total)

    assert races(program) == {
        (f"{__name__}.total", "run(_store_global, lambda: total)", "total = 1")
    }


def test_a_class_attribute_races_once_whatever_instances_show():
    def program():
        item = Box()
        Box.setting = 0

        def writer():
            Box.setting = 1

        run(writer, lambda: item.setting)

    assert races(program) == {
        ("class Box#1.setting", "Box.setting = 1", "run(writer, lambda: item.setting)")
    }


def test_an_instance_attribute_of_its_own_does_not_race_with_a_store_to_the_class():
    def program():
        item = Box()

        def writer():
            Box.value = 1

        def other():
            item.value = 2

        run(writer, other)
        del Box.value

    assert races(program) == set()


def test_a_variable_of_an_enclosing_function_races():
    def program():
        count = 0

        def writer():
            nonlocal count
            count = 1

        def reader():
            return count

        run(writer, reader)

    assert races(program) == {("variable count", "count = 1", "return count")}


def raced(make, one, other):
    """Return the number of races between two accesses of one object, and their names."""

    def program():
        item = make()
        run(lambda: one(item), lambda: other(item))

    return [race[0].replace("main.0.", "").replace("main.1.", "") for race in races(program)]


def _set(item, key):
    item[key] = 1


def _get(item, key):
    return item[key]


def _delete(item, key):
    del item[key]


def _two():
    return {"a": 0, "b": 0}


RACING = {
    "an item that is stored twice": (_two, lambda d: _set(d, "a"), lambda d: _set(d, "a")),
    "an item that is stored and read": (_two, lambda d: _set(d, "a"), lambda d: _get(d, "a")),
    "an item that is deleted": (_two, lambda d: _delete(d, "a"), lambda d: d.get("a")),
    "a store and a method": (_two, lambda d: _set(d, "a"), lambda d: d.setdefault("a", 1)),
    "a store and a test": (_two, lambda d: _set(d, "a"), lambda d: "a" in d),
    "a read and a pop": (_two, lambda d: _get(d, "a"), lambda d: d.pop("a")),
}
QUIET = {
    "two items": (_two, lambda d: _set(d, "a"), lambda d: _set(d, "b")),
    "two reads": (_two, lambda d: _get(d, "a"), lambda d: _get(d, "a")),
    "two methods on one key": (dict, lambda d: d.setdefault("a", 1), lambda d: d.pop("a", None)),
    "a length": (_two, lambda d: _set(d, "c"), len),
    "a copy": (_two, lambda d: _set(d, "a"), dict),
    "all of it": (_two, lambda d: _set(d, "a"), lambda d: d.update({"b": 1})),
    "a function that nothing is known of": (_two, lambda d: _get(d, "a"), json.dumps),
    "a key that nobody can tell": (dict, lambda d: _set(d, Key()), lambda d: _set(d, Key())),
    "two appends": (list, lambda x: x.append(1), lambda x: x.append(2)),
    "an append and an item": (lambda: [0], lambda x: x.append(1), lambda x: _get(x, 0)),
    "items at two indexes": (lambda: [0, 0], lambda x: _set(x, 0), lambda x: _set(x, -1)),
    "a slice": (lambda: [0, 0], lambda x: _set(x, 0), lambda x: x[:]),
    "a generator": (lambda: iter(x for x in range(2)), next, lambda g: next(g, None)),
    "two members": (set, lambda s: s.add(1), lambda s: s.discard(1)),
}


@pytest.mark.parametrize("what", RACING)
def test_the_item_under_one_key_races(what):
    assert raced(*RACING[what]) == ["dict#1['a']"]


@pytest.mark.parametrize("what", QUIET)
def test_containers_as_a_whole_and_other_items_do_not_race(what):
    assert raced(*QUIET[what]) == []


def test_the_item_of_a_sequence_at_one_index_races_counted_from_either_end():
    make = lambda: [0, 0]
    assert raced(make, lambda x: _set(x, 1), lambda x: _get(x, -1)) == ["list#1[1]"]
    assert raced(make, lambda x: _set(x, 1), lambda x: _set(x, 1)) == ["list#1[1]"]


# -- what is told ---------------------------------------------------------------------------------


def update(box):
    box.value += 1


def work(box):
    update(box)


def counting():
    box = Box()
    run(lambda: work(box), lambda: work(box))
    return box.value


def only_race(report):
    (race,) = [warning for warning in report.warnings if warning.kind == "data-race"]
    return race


def test_a_race_is_told_with_both_stacks_and_a_schedule_that_shows_it():
    report = interleave.check(counting)

    race = only_race(report)
    assert report.verdict == "pass"
    assert race.name == "Box#1.value"
    assert [access.task for access in race.accesses] == ["main.0", "main.1"]
    assert [[place.source for place in access.stack] for access in race.accesses] == [
        ["box.value += 1", "update(box)", "run(lambda: work(box), lambda: work(box))"]
    ] * 2
    again = only_race(interleave.replay(counting, race.schedule))
    assert (again.message, again.accesses) == (race.message, race.accesses)


def test_a_race_is_found_in_one_execution_whatever_comes_of_it():
    report = interleave.check(counting, strategy="random", executions=1)

    assert set(report.outcomes) == {2}
    assert only_race(report).name == "Box#1.value"


def test_one_mistake_on_many_objects_is_one_race():
    def program():
        boxes = [Box() for _ in range(3)]
        body = lambda: [write(box) for box in boxes]
        run(body, body)

    assert races(program) == {("Box#1.value", "box.value = 1", "box.value = 1")}


def test_of_many_races_so_many_are_told_and_the_others_are_counted():
    names = [f"v{number}" for number in range(12)]
    lines = "".join(f"    box.{name} = 1\n" for name in names)
    space = {"__name__": __name__}
    exec(compile(f"def body(box):\n{lines}", __file__, "exec"), space)

    def program():
        box = Box()
        run(lambda: space["body"](box), lambda: space["body"](box))

    report = interleave.check(program, strategy="random", executions=1)
    told = [warning.message for warning in report.warnings if warning.kind == "data-race"]
    assert len(told) == 11
    assert told[-1] == "and 2 more, between other lines: check again once these are gone"


def test_the_same_line_is_looked_at_again_after_a_task_has_told_what_it_did():
    def program():
        count, event = 0, threading.Event()

        def writer():
            nonlocal count
            for step in range(2):  # only the first time is before what the reader waits for
                count = step
                event.set()

        def reader():
            event.wait()
            return count

        run(writer, reader)

    assert races(program) == {("variable count", "count = step", "return count")}


def test_an_execution_that_differs_in_a_chosen_value_alone_is_looked_at_anew():
    def program():
        box = Box()

        def first():
            box.value = 1
            box.other = 1

        def second():
            if interleave.choose([False, True]):
                box.other = 2
            else:
                box.value = 2

        one, other = threading.Thread(target=first), threading.Thread(target=second)
        one.start()
        other.start()
        other.join()
        one.join()

    report = interleave.check(program, strategy="dfs", executions=2)
    assert names_of(report) == {
        ("Box#1.value", "box.value = 1", "box.value = 2"),
        ("Box#1.other", "box.other = 1", "box.other = 2"),
    }


# -- options --------------------------------------------------------------------------------------


def test_a_race_can_be_made_a_failure():
    report = interleave.check(counting, fail_on="race")

    (failure,) = report.failures
    assert (report.verdict, report.exhaustive, report.executions) == ("fail", False, 1)
    assert failure.kind == "expectation"
    assert failure.message == (
        f"data race on Box#1.value: main.0 writes it at {failure.location}, and, not ordered with "
        "that, main.1 reads it"
    )
    again = interleave.replay(counting, failure.schedule, fail_on="race")
    assert [item.message for item in again.failures] == [failure.message]
    with pytest.raises(AssertionError, match=r"data race on Box#1\.value"):
        again.raise_for_failure()


def test_a_program_without_a_race_passes_where_races_are_failures():
    def program():
        box, lock = Box(), threading.Lock()

        def body():
            with lock:
                update(box)

        run(body, body)

    report = interleave.check(program, fail_on=("race",))
    assert report.verdict == "pass"
    assert "a data race is a failure" in report.covers


def test_a_race_ends_a_test_of_hypothesis_where_races_are_failures():
    assert Plan().run(counting) == 2
    with pytest.raises(AssertionError, match=r"data race on Box#1\.value"):
        Plan(fail_on="race").run(counting)


def test_races_are_not_looked_for_where_nobody_wants_to_know():
    assert races(counting, races=False) == set()
    assert races(counting, granularity="sync") == set()


def test_to_fail_on_races_that_are_not_looked_for_is_refused():
    with pytest.raises(UsageError, match="races is off"):
        interleave.check(counting, fail_on="race", races=False)
    with pytest.raises(UsageError, match="granularity is sync"):
        interleave.check(counting, fail_on="race", granularity="sync")
    with pytest.raises(UsageError, match="fail_on is 'deadlock'; it must be one of: race"):
        interleave.check(counting, fail_on="deadlock")


# -- against the definition ------------------------------------------------------------------------


def ordered(events):
    """Return for each event the set of those before it that it comes after, by the definition.

    It comes after those of its own task, and after those that gave to a channel that it takes from,
    unless the channel was emptied in between; and after what these come after.
    """
    gave, after = [], []
    emptied = {}
    for index, event in enumerate(events):
        row = row_of(type(event))
        clears, takes, gives = row(event) if row else ((), (), ())
        emptied.update(dict.fromkeys(clears, index))
        earlier = {
            other
            for other in range(index)
            if events[other].task is event.task
            or any(c in gave[other] and other >= emptied.get(c, 0) for c in takes)
        }
        gave.append(gives)
        after.append(earlier.union(*(after[other] for other in earlier)))
    return after


def line_of(event):
    """Return the line of an access, worked out from the positions of its code."""
    positions = list(event.code.co_positions())
    return event.code.co_filename, positions[event.at // 2][0]


def by_definition(execution):
    """Return the races of one execution: each pair of accesses is looked at."""
    events = execution.events
    after = ordered(events)
    touched = [
        (index, event, list(variables_of(event)))
        for index, event in enumerate(events)
        if isinstance(event, Access)
    ]
    return {
        frozenset((line_of(one), line_of(other)))
        for second, other, those in touched
        for first, one, these in touched
        if first < second and one.task is not other.task and first not in after[second]
        for key, _, how in these
        for met, _, so in those
        if key == met and (how | so) & 1 and not how & so & 2
    }


def explored(program, strategy, limit, *, defining=True):
    """Return the races of a program as the detector tells them, and by the definition.

    None if it has more executions than that.
    """
    found, expected = set(), set()
    detector = DataRaces()
    scope = Settings(include=("cells",), exclude=("random_programs",))
    with session(from_callable(program), scope) as opened:
        runs = 0
        while strategy.begin():
            execution = opened.execute(strategy)
            if not strategy.end(execution):
                found |= {
                    frozenset((place.file, place.line) for place in race.places)
                    for race in detector.take(execution)
                }
                if defining:
                    expected |= by_definition(execution)
                    anew = DataRaces()  # what is shared with the execution before changes nothing
                    anew.take(execution)
                    assert detector._segments == anew._segments
                    assert detector._clocks == anew._clocks
                    assert detector._channels == anew._channels
            runs += 1
            if runs > limit:
                return None
    return found, expected


SYNCHRONISING = {
    "locks": ("acquire", "release", "try", "timed"),
    "events": ("set", "clear", "is_set", "wait_event_timed"),
    "semaphores": ("down_timed", "down_try", "up", "bounded_down", "bounded_up"),
    "barriers": ("meet_timed", "abort"),
    "queues": ("put_timed", "get_timed", "put_try", "get_try", "task_done", "other_put"),
    "futures": ("set_result", "result_timed", "done", "cancel", "callback"),
    "conditions": ("wait_timed", "notify", "notify_all"),
}
ANYWHERE = ("join_timed", "alive", "choose", "spawn")
ACCESSES = ("read", "write", "write", "add", "put_key", "get_key", "append")


def test_a_channel_that_is_emptied_orders_nothing_from_before():
    def program():
        box, event = Box(), threading.Event()

        def first():
            write(box)
            event.set()

        def second():
            event.clear()
            event.set()

        def third():
            event.wait()
            write(box)

        run(first, second, third)

    found, expected = explored(program, OptimalReduction("free"), 1_000)
    assert found == expected
    assert len(found) == 1


def random_program(seed, longest):
    """Return threads of a few steps: accesses, and operations of one family of primitives."""
    chance = random.Random(seed)
    family = chance.choice(sorted(SYNCHRONISING))
    names = SYNCHRONISING[family] * 2 + ANYWHERE
    kinds = chance.choice([(ACCESSES, names), (names, ACCESSES), (ACCESSES, names, ACCESSES)])

    def steps(number):
        chosen = (chance.choice(kinds[at % len(kinds)]) for at in range(number))
        return tuple((name, chance.randrange(2)) for name in chosen)

    workers = [(False, steps(chance.randrange(longest - 1, longest + 1))) for _ in range(2)]
    threads = ((False, steps(longest - 2)), *workers)
    make_memory, make = (random_programs.FAMILIES[name][0] for name in ("memory", family))
    return lambda: {**make_memory(), **make()}, threads


def both(monkeypatch, seed, longest):
    """Return a random program, which uses plain memory and one family of primitives."""
    make, threads = random_program(seed, longest)
    monkeypatch.setitem(random_programs.FAMILIES, "both", (make, ()))
    return random_programs.program_of("both", threads)


def defined(monkeypatch, seeds, longest):
    """Compare the detector with the definition; return how many programs have a race or none."""
    counts = {True: 0, False: 0}
    for seed in seeds:
        found = explored(both(monkeypatch, seed, longest), OptimalReduction("free"), 100)
        if found is not None:
            assert found[0] == found[1], seed
            counts[bool(found[0])] += 1
    return counts


def reduced(monkeypatch, seeds, limit):
    """Compare `dpor` with `dfs` where that has few schedules; return how many programs race."""
    counts = {True: 0, False: 0}
    for seed in seeds:
        program = both(monkeypatch, seed, 2)
        brute = explored(program, DepthFirst(), limit, defining=False)
        if brute is not None:
            found = explored(program, OptimalReduction("free"), limit, defining=False)
            assert found == brute, seed
            counts[bool(found[0])] += 1
    return counts


def test_the_detector_equals_the_definition(monkeypatch):
    assert defined(monkeypatch, range(40), 3) == {True: 17, False: 23}


def test_dpor_finds_the_races_that_dfs_finds(monkeypatch):
    assert reduced(monkeypatch, range(8), 1_000) == {True: 1, False: 5}


@pytest.mark.slow
def test_the_detector_equals_the_definition_on_more_programs(monkeypatch):
    assert defined(monkeypatch, range(100, 300), 4) == {True: 141, False: 54}


@pytest.mark.slow
def test_dpor_finds_the_races_that_dfs_finds_in_more_programs(monkeypatch):
    assert reduced(monkeypatch, range(100, 150), 2_000) == {True: 6, False: 36}
