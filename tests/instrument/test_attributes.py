"""The hooks on attributes, in a module in which nothing looks into the dictionary of an object."""

import threading
import time

import pytest

import interleave
from interleave import run_threads


class Box:
    pass


def test_a_new_attribute_is_one_location_where_nobody_looks_which_there_are(performed):
    def set_new(box):
        box.new = 1

    def program():
        thread = threading.Thread(target=set_new, args=(Box(),))
        thread.start()
        thread.join()

    report = interleave.check(program, granularity="memory", strategy="random", executions=1)
    assert report.verdict == "pass"
    assert {tuple(told.true) for told in performed} == {(("write", ".new"),)}


@pytest.mark.parametrize("items", [[0, 1], range(2)], ids=["list", "range"])
def test_a_step_of_an_iterator_that_others_hold_is_an_access(items):
    def program():
        shared = iter(items)

        def take():
            return [item for item in shared]  # noqa: C416 - a loop of its own, which list() is not

        return tuple(map(tuple, run_threads(take, take)))

    report = interleave.check(program)

    assert set(report.outcomes) == {((0, 1), ()), ((0,), (1,)), ((1,), (0,)), ((), (0, 1))}


def test_a_plain_read_takes_over_the_clock_of_what_was_written():
    def program():
        box = Box()
        box.value = 0
        start = time.monotonic()

        def sleeper():
            time.sleep(5)
            box.value = 1

        def reader():
            return box.value, time.monotonic() - start

        return run_threads(sleeper, reader)[1]

    assert set(interleave.check(program).outcomes) == {(0, 0.0), (1, 5.0)}
