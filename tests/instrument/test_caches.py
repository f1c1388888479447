"""What is said where two threads may both miss in a cache of `functools.lru_cache`."""

import functools

from side_by_side import in_few_threads

import interleave

OPTIONS = {"include": ("test_caches",)}


def made_once():
    calls = []

    @functools.cache
    def square(number):
        calls.append(number)
        return number * number

    in_few_threads(lambda: square(3), lambda: square(3))
    return len(calls)


def made_before():
    calls = []

    @functools.cache
    def square(number):
        calls.append(number)
        return number * number

    square(3)
    in_few_threads(lambda: square(3), lambda: square(3))
    return len(calls)


def without_accesses():
    @functools.cache
    def square(number):
        return number * number

    in_few_threads(lambda: square(3), lambda: square(3))
    return square.cache_info().currsize


def test_that_both_threads_miss_is_found_by_every_schedule_and_said_to_be_left_out_by_dpor():
    reduced = interleave.check(made_once, **OPTIONS)
    assert reduced.verdict == "incomplete"
    (reason,) = reduced.reasons
    assert "made_once.<locals>.square" in reason
    assert "--strategy random" in reason

    sampled = interleave.check(made_once, strategy="random", executions=200, seed=1, **OPTIONS)
    assert (sampled.verdict, set(sampled.outcomes)) == ("pass", {1, 2})


def test_nothing_is_said_where_no_miss_can_be_seen():
    for program in (made_before, without_accesses):
        report = interleave.check(program, **OPTIONS)
        assert (report.verdict, report.exhaustive, set(report.outcomes)) == ("pass", True, {1})
