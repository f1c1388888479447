"""`SimpleQueue`: complete outcome sets, worked out from Modules/_queuemodule.c."""

import queue

import pytest
from outcome_sets import outcomes
from side_by_side import in_threads

import interleave

SIMPLE_EARLY = queue.SimpleQueue()
SIMPLE_EARLY.put("early")


def test_a_simple_queue_from_before_the_check_begins_each_execution_as_it_was():
    def program():
        in_threads(lambda: SIMPLE_EARLY.put("a"), lambda: SIMPLE_EARLY.put("b"))
        return tuple(SIMPLE_EARLY.get() for _ in range(3))

    assert outcomes(program) == {("early", "a", "b"), ("early", "b", "a")}
    assert SIMPLE_EARLY.qsize() == 1


def test_a_subclass_of_simple_queue_may_take_arguments():
    def program():
        class Named(queue.SimpleQueue):
            def __init__(self, name):
                super().__init__()
                self.name = name

        named = Named("x")
        named.put(1)
        return named.name, named.get()

    assert outcomes(program) == {("x", 1)}


def test_a_simple_queue_shows_as_itself():
    def program():
        return queue.SimpleQueue.__name__, type(queue.SimpleQueue()).__name__

    assert outcomes(program) == {("SimpleQueue", "SimpleQueue")}


def test_a_simple_queue_from_inside_the_check_used_afterwards_is_refused():
    kept = []

    def program():
        kept[:] = [queue.SimpleQueue()]

    interleave.check(program)

    with pytest.raises(interleave.InterleaveError, match="belongs to a checked program"):
        kept[0].put(1)
