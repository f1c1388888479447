"""`random` draws each task with the same chance at each step: how often each end comes is exact.

The chances are worked out beside the package, as fractions, over the whole tree of choices of a
program that is written down step by step (`chances`). What is drawn from fixed seeds is as near to
them as it should be: within 4 standard deviations.
"""

from collections import Counter
from fractions import Fraction
from math import sqrt
from threading import Thread

import known_faults
import pytest
from chances import (
    DEADLOCK,
    FAILS,
    acquire,
    append,
    chances,
    in_threads,
    load,
    release,
    store,
)

from interleave import check

# -- the programs, step by step -------------------------------------------------------------------


def taking(first, second):
    return [acquire(first), acquire(second), release(second), release(first)]


EMBRACE = [taking("one", "other"), taking("other", "one")]

PHILOSOPHERS = [taking(number, (number + 1) % 4) for number in range(4)]

ADD = [load("value"), store("value", lambda own: own["value"] + 1)]

WRITE = [
    acquire("first"),
    store("data", lambda own: 1),
    release("first"),
    acquire("second"),
    load("data"),
    store("copy", lambda own: own["data"] + 1),
    release("second"),
]

READ = [
    acquire("first"),
    load("data", lambda own: 0 if own["data"] else 5),
    load("data"),
    release("first"),
    acquire("second"),
    load("copy", lambda own: FAILS if own["copy"] != own["data"] + 1 else 0),
    release("second", skips=1),
    release("first"),  # there was nothing yet
]

PUT = [store("a", lambda own: 1), store("b", lambda own: -1)]

LOOK = [
    load("a", lambda own: 1 if own["a"] else 0),
    load("b", lambda own: 2 if own["b"] == 0 else None),  # both as they were
    load("a", lambda own: FAILS if own["a"] != 1 else None),
    load("b", lambda own: FAILS if own["b"] != -1 else None),
]


@pytest.mark.parametrize(
    ("tasks", "end", "chance"),
    [
        (EMBRACE, DEADLOCK, "0.500"),
        (PHILOSOPHERS, DEADLOCK, "0.229"),
        ([WRITE, WRITE, READ], FAILS, "0.014"),
        ([PUT, PUT, PUT, LOOK], FAILS, "0.038"),
    ],
    ids=["embrace", "philosophers", "two_stage", "reorder"],
)
def test_what_is_known_of_threads_that_all_run_from_the_start(tasks, end, chance):
    # Known from another enumerator: they tell that the chances below are worked out properly.
    assert f"{float(chances(tasks)[end]):.3f}" == chance


# -- the same, as they are checked ----------------------------------------------------------------


def together(*bodies):
    """Start threads and wait for them, with no step in between: a tuple is no place in memory."""
    threads = tuple(Thread(target=body) for body in bodies)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def race():
    log = []
    together(lambda: log.append("a"), lambda: log.append("b"))
    return "".join(log)


def three_add():
    cell = known_faults.Cell()

    def add():
        cell.value += 1

    together(add, add, add)
    return cell.value


def main_adds_too():
    cell = known_faults.Cell()

    def add():
        cell.value += 1

    thread = Thread(target=add)
    thread.start()
    add()
    thread.join()
    return cell.value


def reorder():
    a, b = known_faults.Cell(), known_faults.Cell()

    def put():
        a.value = 1
        b.value = -1

    def look():
        assert (a.value == 0 and b.value == 0) or (a.value == 1 and b.value == -1)

    together(put, put, put, look)


MAIN_ADDS_TOO = in_threads(ADD)
MAIN_ADDS_TOO[0][1:1] = ADD


def letters(shared):
    return "".join(shared["log"])


def total(shared):
    return shared["value"]


def nothing(shared):
    return None


PROGRAMS = [
    (race, "memory", in_threads([append("log", "a")], [append("log", "b")]), letters, 750),
    (main_adds_too, "memory", MAIN_ADDS_TOO, total, 750),
    (three_add, "memory", in_threads(ADD, ADD, ADD), total, 750),
    (known_faults.embrace, "sync", in_threads(*EMBRACE), nothing, 750),
    (known_faults.philosophers, "sync", in_threads(*PHILOSOPHERS), nothing, 250),
    (known_faults.two_stage, "memory", in_threads(WRITE, WRITE, READ), nothing, 125),
    (reorder, "memory", in_threads(PUT, PUT, PUT, LOOK), nothing, 125),
]
SEEDS = [range(1, 3), pytest.param(range(3, 9), marks=pytest.mark.slow)]


def drawn(program, granularity, seed, executions):
    """Return how often each end came."""
    report = check(
        program,
        strategy="random",
        seed=seed,
        executions=executions,
        granularity=granularity,
        keep_going=True,
        shrink=False,
        include=("known_faults", "test_chances"),
    )
    ends = Counter({value: outcome.count for value, outcome in report.outcomes.items()})
    for failure in report.failures:
        ends[DEADLOCK if failure.kind == "deadlock" else FAILS] += failure.count
    return ends


@pytest.mark.parametrize("seeds", SEEDS)
@pytest.mark.parametrize(
    ("program", "granularity", "tasks", "outcome", "executions"),
    PROGRAMS,
    ids=[row[0].__name__ for row in PROGRAMS],
)
def test_each_end_comes_as_often_as_it_should(
    program, granularity, tasks, outcome, executions, seeds, monkeypatch
):
    monkeypatch.setattr(known_faults, "in_threads", together)
    expected = chances(tasks, outcome)
    assert sum(expected.values()) == 1

    found = sum((drawn(program, granularity, seed, executions) for seed in seeds), Counter())

    number = executions * len(seeds)
    assert found.total() == number
    assert set(found) <= set(expected)
    for end, chance in expected.items():
        deviation = sqrt(number * chance * (1 - chance))
        assert abs(found[end] - number * chance) <= 4 * deviation, end


def test_the_chances_of_a_race_of_two_threads():
    # By hand. Main starts both before the first begins (1/2): then each is as likely to be first.
    # Or the first begins, and logs before main starts the second (1/4). Or main starts it in
    # between (1/4): with one step to go against two, the first comes first with 3/4.
    assert chances(in_threads([append("log", "a")], [append("log", "b")]), letters)["ab"] == (
        Fraction(1, 2) * Fraction(1, 2) + Fraction(1, 4) + Fraction(1, 4) * Fraction(3, 4)
    )
