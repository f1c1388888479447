"""Real locks and queues from before the check that instrumented code meets only when it runs.

Each is kept where the walk at the start of a check does not look: in a closure of C, as the item of
a running generator, in the cache of an `lru_cache`.
"""

import collections
import contextlib
import functools
import itertools
import operator
import queue
import threading
import types

import pytest

import interleave
from interleave import run_threads
from interleave.primitives import twins


def hidden(*things):
    """Return a function that returns things (or the one), which nothing but C code holds."""
    kept = things if len(things) != 1 else things[0]
    return functools.partial(next, itertools.repeat(kept))


def kept_by_generator(thing):
    """Return a function that gets a thing out of a generator, which holds it in a local."""

    def endless():
        kept = thing
        while True:
            yield kept

    return functools.partial(next, endless())


def kept_by_cache(thing):
    @functools.lru_cache
    def cached(key):
        return made.pop()

    made = [thing]
    assert cached(0) is thing
    assert not made
    return functools.partial(cached, 0)


def explored(program, strategy, **options):
    """Return the complete set of outcomes, and of failures by their kinds."""
    report = interleave.check(
        program, strategy=strategy, keep_going=True, hang_seconds=5, **options
    )
    assert report.exhaustive, report.reasons
    return {*report.outcomes, *(failure.kind for failure in report.failures)}


def found(program):
    """Return what comes out, the same by `dpor` and by `dfs`."""
    results = [explored(program, strategy) for strategy in ("dpor", "dfs")]
    assert results[0] == results[1]
    return results[0]


class Counter:
    def __init__(self):
        self.value = 0

    def add(self):
        self.value = self.value + 1


def added(enter, leave):
    """Two threads add one each, in the brackets of two functions."""
    counter = Counter()

    def work():
        enter()
        counter.add()
        leave()

    run_threads(work, work)
    return counter.value


@pytest.mark.parametrize("hide", [hidden, kept_by_generator, kept_by_cache])
@pytest.mark.parametrize("make", [threading.Lock, threading.RLock, threading.Condition])
def test_a_with_statement_excludes(make, hide):
    get = hide(make())

    def program():
        counter = Counter()

        def work():
            with get():
                counter.add()

        run_threads(work, work)
        return counter.value

    assert explored(program, "dpor") == {2}
    if make is threading.Lock and hide is hidden:
        assert explored(program, "dfs") == {2}


def test_without_the_lock_the_same_program_loses_an_update():
    def program():
        counter = Counter()
        run_threads(counter.add, counter.add)
        return counter.value

    assert found(program) == {1, 2}


@pytest.mark.parametrize("make", [threading.Lock, threading.RLock])
def test_acquire_and_release_exclude(make):
    get = hidden(make())
    program = lambda: added(lambda: get().acquire(), lambda: get().release())
    assert explored(program, "dpor") == {2}


def test_methods_bound_before_the_check_exclude():
    lock = threading.Lock()
    get = hidden(lock.acquire, lock.release)
    del lock

    def program():
        acquire, release = get()
        return added(lambda: acquire(True), lambda: release())  # noqa: PLW0108 - called there

    assert found(program) == {2}


def test_partial_functions_of_methods_bound_before_the_check_exclude():
    lock = threading.Lock()
    get = hidden(functools.partial(lock.acquire, blocking=True), functools.partial(lock.release))
    del lock

    def program():
        acquire, release = get()
        return added(lambda: acquire(timeout=-1), lambda: release())  # noqa: PLW0108 - called there

    assert found(program) == {2}


def test_methods_called_through_the_type_exclude():
    lock = threading.Lock()
    get = hidden(type(lock).acquire, type(lock).release, lock)
    del lock

    def program():
        acquire, release, it = get()
        return added(lambda: acquire(it), lambda: release(it))

    assert found(program) == {2}


def test_methods_with_expanded_arguments_exclude():
    get = hidden(threading.Lock())

    def program():
        args, keywords = (), {"blocking": True}
        return added(lambda: get().acquire(*args, **keywords), lambda: get().release(*args))

    assert explored(program, "dpor") == {2}


def test_a_method_found_by_getattr_excludes():
    get = hidden(threading.Lock())

    def program():
        def enter():
            return getattr(get(), "acquire")()  # noqa: B009 - the call is the point

        return added(enter, lambda: operator.methodcaller("release")(get()))

    assert explored(program, "dpor") == {2}


def test_a_c_function_that_calls_a_method_of_a_hidden_lock_takes_it():
    lock = threading.Lock()
    get = hidden(lock.acquire, lock)
    del lock

    def program():
        acquire, lock = get()
        taken = run_threads(
            lambda: functools.reduce(acquire, (-1,), False),
            lambda: functools.reduce(acquire, (-1,), False),
        )
        return (*taken, lock.locked())

    assert found(program) == {(True, False, True), (False, True, True)}
    assert not get()[1].locked()


def test_an_exit_stack_which_is_not_instrumented_gets_what_excludes():
    get = hidden(threading.Lock())

    def program():
        counter = Counter()

        def work():
            with contextlib.ExitStack() as stack:
                stack.enter_context(get())
                counter.add()

        run_threads(work, work)
        return counter.value

    assert found(program) == {2}


def test_a_thread_whose_target_is_a_method_of_a_hidden_lock_takes_it():
    lock = threading.Lock()
    get = hidden(lock.acquire, lock)
    del lock

    def program():
        acquire, lock = get()
        thread = threading.Thread(target=acquire)
        thread.start()
        thread.join()
        return lock.acquire(False), lock.locked()

    assert found(program) == {(False, True)}


HOLDERS = {
    "dict": (lambda lock: {"held": lock}, lambda box: box["held"]),
    "list": (lambda lock: [None, lock], lambda box: box[1]),
    "proxy": (lambda lock: types.MappingProxyType({"held": lock}), lambda box: box["held"]),
    "UserDict": (lambda lock: collections.UserDict({"held": lock}), lambda box: box["held"]),
    "ChainMap": (lambda lock: collections.ChainMap({"held": lock}), lambda box: box["held"]),
    "frozenset": (lambda lock: frozenset({lock}), lambda box: next(iter(box))),
    "key of a dict": (lambda lock: {lock: 1}, lambda box: next(iter(box.keys()))),
    "attribute": (lambda lock: types.SimpleNamespace(held=lock), lambda box: box.held),
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_a_lock_in_a_hidden_container_excludes(holder):
    hold, look_up = HOLDERS[holder]
    get = hidden(hold(threading.Lock()))

    def program():
        counter = Counter()

        def work():
            with look_up(get()):
                counter.add()

        run_threads(work, work)
        return counter.value

    assert explored(program, "dpor") == {2}


def test_one_lock_is_one_wherever_it_is_met():
    lock = threading.Lock()
    get = hidden(lock)

    def program():
        counter = Counter()

        def by_walk():
            with lock:
                counter.add()

        def late():
            with get():
                counter.add()

        run_threads(by_walk, late)
        return counter.value

    assert found(program) == {2}


def test_a_condition_on_a_hidden_lock_shares_it():
    get = hidden(threading.Lock())

    def program():
        ready = []
        condition = threading.Condition(get())

        def wait():
            with condition:
                while not ready:
                    condition.wait()
            return len(ready)

        def tell():
            with get():
                ready.append(1)
                condition.notify()

        return run_threads(wait, tell)[0]

    assert explored(program, "dpor") == {1}


def test_a_condition_takes_a_real_lock_where_nothing_is_instrumented():
    get = hidden(threading.Lock())

    def program():
        ready = []
        condition = threading.Condition(get())

        def wait():
            with condition:
                while not ready:
                    condition.wait()

        def tell():
            with condition:
                ready.append(1)
                condition.notify()

        run_threads(wait, tell)
        return condition.acquire(blocking=False)

    assert explored(program, "dfs", granularity="sync") == {True}
    assert not get().locked()


def test_two_hidden_conditions_share_their_hidden_lock():
    lock = threading.Lock()
    get = hidden(threading.Condition(lock), threading.Condition(lock))
    del lock

    def program():
        one, other = get()
        counter = Counter()

        def work(condition):
            with condition:
                condition.notify()
                counter.add()

        run_threads(lambda: work(one), lambda: work(other))
        return counter.value

    assert explored(program, "dpor") == {2}


@pytest.mark.parametrize("hide", [hidden, lambda line: lambda: line], ids=["hidden", "found"])
def test_a_queue_and_its_mutex_are_one(hide):
    line = queue.Queue()
    line.put(1)
    get = hide(line)
    del line

    def program():
        def look():
            with get().mutex:
                first = len(get().queue)
                return first, len(get().queue)

        return run_threads(look, lambda: get().put(2))[0]

    assert explored(program, "dpor") == {(1, 1), (2, 2)}
    assert get().qsize() == 1


def test_a_queue_from_before_wakes_who_waits_on_its_condition_in_every_execution():
    line = queue.Queue()

    def program():
        def wait():
            with line.not_empty:
                while not line.queue:
                    line.not_empty.wait()
                return len(line.queue)

        return run_threads(wait, lambda: line.put(1))[0]

    assert found(program) == {1}


@pytest.mark.parametrize("made", ["before", "inside"])
def test_a_condition_of_a_queue_that_nobody_has_used_yet_needs_no_waking(made):
    line = queue.Queue()

    def program():
        own = line if made == "before" else queue.Queue()
        condition = own.not_empty
        own.put(1)
        with condition:
            return len(own.queue)

    assert found(program) == {1}


# -- the state --------------------------------------------------------------------------------


def test_a_lock_that_is_held_is_held_in_every_execution_and_afterwards():
    lock = threading.Lock()
    lock.acquire()
    get = hidden(lock)
    del lock

    def program():
        held = get().locked(), get().acquire(False)
        run_threads(lambda: get().release(), lambda: get().acquire())
        return held, get().locked()

    assert found(program) == {((True, False), True)}
    assert get().locked()


def test_who_waits_for_a_lock_that_nobody_gives_back_is_in_a_deadlock():
    lock = threading.Lock()
    lock.acquire()
    get = hidden(lock)
    del lock

    def program():
        guard = get()
        guard.acquire()

    assert found(program) == {"deadlock"}
    (failure,) = interleave.check(program).failures
    assert failure.message == "main waits for guard (held when the check began)"

    def given_back():
        guard = get()
        guard.release()
        guard.acquire()
        guard.acquire()

    (failure,) = interleave.check(given_back).failures
    assert failure.message == "main waits for guard"


@pytest.mark.parametrize("hide", [hidden, lambda lock: lambda: lock], ids=["hidden", "found"])
def test_main_has_an_rlock_as_often_as_before_the_check(hide):
    lock = threading.RLock()
    lock.acquire()
    lock.acquire()
    get = hide(lock)
    del lock

    def program():
        tries = []

        def attempt():
            tries.append(get().acquire(blocking=False))

        def tried_by_a_thread():
            thread = threading.Thread(target=attempt)
            thread.start()
            thread.join()

        tried_by_a_thread()
        get().release()
        tried_by_a_thread()
        get().release()
        tried_by_a_thread()
        return tuple(tries)

    assert found(program) == {(False, False, True)}
    assert "count=2" in repr(get())
    get().release()
    get().release()


@pytest.mark.parametrize("hide", [hidden, lambda lock: lambda: lock], ids=["hidden", "found"])
def test_main_may_begin_with_what_it_has_of_an_rlock(hide):
    lock = threading.RLock()
    lock.acquire()
    get = hide(lock)
    del lock

    def tried():
        return run_threads(lambda: get().acquire(blocking=False))[0]

    def released():
        get().release()
        return tried()

    def taken_again():
        get().acquire()
        get().release()
        return tried()

    assert found(released) == {True}
    assert found(taken_again) == {False}
    assert found(lambda: get()._is_owned()) == {True}
    get().release()


def test_a_condition_whose_rlock_main_has_can_be_waited_on():
    condition = threading.Condition()
    get = hidden(condition)
    del condition
    with get():

        def program():
            def tell():
                with get():
                    get().notify()

            thread = threading.Thread(target=tell)
            thread.start()
            get().wait()
            thread.join()
            return "woken"

        assert found(program) == {"woken"}
        assert get()._is_owned()


@pytest.mark.real_threads
@pytest.mark.parametrize("hide", [hidden, lambda lock: lambda: lock], ids=["hidden", "found"])
def test_an_rlock_that_a_real_thread_holds_is_refused(hide):
    get = hide(threading.RLock())
    held, over = threading.Event(), threading.Event()

    def hold():
        with get():
            held.set()
            over.wait(10)

    thread = threading.Thread(target=hold, name="its holder")
    thread.start()
    held.wait(10)

    def program():
        with get():
            return 1

    try:
        report = interleave.check(program)
    finally:
        over.set()
        thread.join()
    assert report.verdict == "incomplete"
    reason = report.reasons[0]
    assert "an RLock that a real thread (its holder) held when the check began" in reason
    assert "test_substitution.py:" in reason
    assert set(interleave.check(program).outcomes) == {1}  # now that it is free


def test_a_simple_queue_gives_its_items_in_every_execution_and_keeps_them():
    line = queue.SimpleQueue()
    line.put("a")
    line.put("b")
    get = hidden(line)
    del line

    def program():
        first, second = run_threads(lambda: get().get(), lambda: get().get())
        return first, second, get().empty()

    assert found(program) == {("a", "b", True), ("b", "a", True)}
    assert [get().get_nowait() for _ in range(2)] == ["a", "b"]


class Doubling(queue.SimpleQueue):
    def put(self, item):
        super().put(item * 2)


def test_a_subclass_of_simple_queue_keeps_its_own_methods():
    line = Doubling()
    line.put(1)
    get = hidden(line)
    del line

    def program():
        own = Doubling()
        got = run_threads(own.get, lambda: own.put(3), lambda: get().put(5))
        return got[0], get().get(), get().get(), type(own) is Doubling

    assert explored(program, "dpor") == {(6, 2, 10, True)}
    assert get().qsize() == 1


def test_an_object_of_such_a_subclass_keeps_a_method_of_its_own():
    line = Doubling()
    line.get = lambda: "its own"
    get = hidden(line)
    del line
    assert found(lambda: (get().get(), get().empty())) == {("its own", True)}


asked = []


class Secretive:
    """It is asked for nothing but what the program asks it for."""

    @property
    def __class__(self):
        asked.append("__class__")
        return Secretive

    def __enter__(self):
        return self

    def __exit__(self, *args):
        pass

    def get(self):
        return self


def test_no_object_of_the_program_is_asked_what_it_is():
    def program():
        asked.clear()
        item = Secretive()

        def use():
            with item as same:
                got = same.get()
                return got is item, [got].count(None)

        used = run_threads(use, use)
        return used[0], len(asked)

    assert explored(program, "dpor") == {((True, 0), 0)}


class Counting(type(threading.RLock())):
    """An RLock of the program's own that counts."""

    def acquire(self, *args):
        taken.append(args)
        return super().acquire(*args)


taken = []


def test_a_subclass_of_rlock_keeps_its_own_methods():
    get = hidden(Counting())

    def program():
        taken.clear()
        counted = added(lambda: get().acquire(), lambda: get().release())
        return counted, len(taken)

    assert explored(program, "dpor") == {(2, 2)}


def test_a_real_lock_that_an_execution_made_is_let_go_after_it():
    sizes = []

    def program():
        interleave.choose(range(30))
        Doubling().put(1)
        sizes.append(len(twins._met))

    assert len(found(program)) == 1
    assert sizes[-1] <= sizes[0]


# -- what it looks like -------------------------------------------------------------------------

LOCK_TYPE = type(threading.Lock())
LOCK = threading.Lock()
SAME = hidden(LOCK)
BY_LOCK = hidden({LOCK: "by lock"})


def test_a_lock_is_itself_whether_it_was_found_or_met():
    def program():
        met = SAME()
        return (
            met is LOCK,
            LOCK is met,
            met is not LOCK,
            met == LOCK,
            LOCK == met,
            hash(met) == hash(LOCK),
            BY_LOCK()[LOCK],
            LOCK in [None, met],
            met is threading.Lock(),
        )

    expected = (True, True, False, True, True, True, "by lock", True, False)
    assert program() == expected
    assert found(program) == {expected}
    assert found(lambda: run_threads(program)[0]) == {expected}


def test_an_item_under_a_lock_is_one_place_whether_the_lock_was_found_or_met():
    def program():
        table = {LOCK: 0}

        def found_one():
            table[LOCK] = table[LOCK] + 1

        def met():
            lock = SAME()
            table[lock] = table[lock] + 1

        run_threads(found_one, met)
        return table[LOCK]

    assert found(program) == {1, 2}


def test_a_lock_is_an_instance_of_the_type_of_locks():
    def program():
        kinds = LOCK_TYPE, type(threading.Lock())
        locks = LOCK, SAME(), threading.Lock()
        others = threading.RLock(), threading.Event(), 1
        return (
            all(isinstance(lock, kinds[0]) and isinstance(lock, kinds[1]) for lock in locks),
            any(isinstance(other, kinds) for other in others),
        )

    assert program() == (True, False)
    assert found(program) == {(True, False)}


def test_its_repr_shows_its_simulated_state():
    get = hidden(threading.Lock())

    def program():
        with get():
            return repr(get())[:17], get().locked()

    assert found(program) == {("<locked _thread.l", True)}
    assert not get().locked()


def test_it_is_named_by_what_the_program_calls_it():
    get = hidden(threading.Lock(), threading.Lock())

    def program():
        guard, other = get()
        with guard, other:
            guard.acquire()

    def by_one_name():
        for guard in get():
            guard.acquire()
        guard.acquire()

    for case, name in ((program, "guard"), (by_one_name, "guard (2)")):
        report = interleave.check(case)
        assert report.failures[0].message == f"main waits for {name}"


def test_its_name_depends_on_the_schedule_alone():
    get = hidden(threading.Lock(), threading.Lock())

    def program():
        first = interleave.choose([0, 1])
        for number in (first, 1 - first):
            guard = get()[number]
            guard.acquire()
        if first == 1:
            guard = get()[1]
            guard.acquire()

    (failure,) = interleave.check(program).failures
    assert failure.message == "main waits for guard"
    (again,) = interleave.replay(program, failure.schedule).failures
    assert again.message == failure.message


# -- what is not simulated ------------------------------------------------------------------------

NOT_INSTRUMENTED = """
import threading, time
def excluded(get):
    with get():
        time.sleep(1)
def acquired(get):
    get().acquire()
    time.sleep(1)
"""


@pytest.mark.parametrize(
    ("function", "told"), [("excluded", "a `with` statement"), ("acquired", "`acquire`")]
)
@pytest.mark.parametrize(
    ("options", "way"),
    [
        ({"granularity": "sync"}, "--granularity memory"),
        ({"exclude": ("not_instrumented",)}, "--include"),
    ],
    ids=["sync", "excluded"],
)
def test_code_that_is_not_instrumented_is_said_to_wait(function, told, options, way):
    names = {"__name__": "not_instrumented"}
    exec(compile(NOT_INSTRUMENTED, "/somewhere/not_instrumented.py", "exec"), names)
    work = functools.partial(names[function], hidden(threading.Lock()))
    report = interleave.check(
        lambda: run_threads(work, work), hang_seconds=0.3, strategy="dfs", **options
    )
    assert report.verdict == "incomplete"
    hang, cause = report.reasons
    assert "not_instrumented.py:" in hang
    assert cause.startswith(f"{told} waits there, perhaps on a real lock or queue")
    assert way in cause
