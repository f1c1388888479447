"""What is said where two threads may both miss in a cache of `functools.lru_cache`."""

import functools

import pytest
from side_by_side import in_few_threads

import interleave

OPTIONS = {"include": ("test_caches",)}


def cached(calls):
    @functools.cache
    def square(number):
        calls.append(number)
        return number * number

    return square


def made_once():
    calls = []
    square = cached(calls)
    in_few_threads(lambda: square(3), lambda: square(3))
    return len(calls)


def made_before():
    calls = []
    square = cached(calls)
    square(3)
    in_few_threads(lambda: square(3), lambda: square(3))
    return len(calls)


def without_accesses():
    @functools.cache
    def square(number):
        return number * number

    in_few_threads(lambda: square(3), lambda: square(3))
    return square.cache_info().currsize


@pytest.mark.parametrize("bound", [{}, {"max_preemptions": 2}], ids=["dpor", "bounded"])
def test_a_reduction_says_that_it_may_leave_out_two_misses(bound):
    reduced = interleave.check(made_once, **OPTIONS, **bound)
    assert reduced.verdict == "incomplete"
    (reason, *_) = [text for text in reduced.reasons if "cached.<locals>.square" in text]
    assert "--strategy random" in reason


def test_a_sample_finds_two_misses():
    sampled = interleave.check(made_once, strategy="random", executions=200, seed=1, **OPTIONS)
    assert (sampled.verdict, set(sampled.outcomes)) == ("pass", {1, 2})


def test_nothing_is_said_where_no_miss_can_be_seen():
    for program in (made_before, without_accesses):
        report = interleave.check(program, **OPTIONS)
        assert (report.verdict, report.exhaustive, set(report.outcomes)) == ("pass", True, {1})
