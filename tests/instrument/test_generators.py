"""Generators that two threads use: who comes while one runs gets CPython's `ValueError`."""

import itertools
import threading

import pytest

import interleave

BUSY = "generator already executing"


def beside(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def attempt(function):
    """Call a function in two threads at once; return what each of them got."""
    found = [[], []]

    def work(mine):
        try:
            mine.append(function())
        except ValueError as error:
            mine.append(str(error))

    beside(lambda: work(found[0]), lambda: work(found[1]))
    return found[0][0], found[1][0]


def numbers():
    yield 0
    yield 1


def by_next():
    generator = numbers()
    return attempt(lambda: next(generator))


def by_method():
    generator = numbers()
    return attempt(lambda: generator.send(None))


def by_loop():
    generator = numbers()

    def first():
        for number in generator:
            return number

    return attempt(first)


def by_delegation():
    generator = numbers()

    def delegate():
        yield from generator

    delegates = [delegate(), delegate()]  # one that is let go closes what it delegates to
    turns = iter(range(2))
    return attempt(lambda: next(delegates[next(turns)]))


def by_unpacking():
    generator = numbers()

    def all_of_it():
        return (*generator,)

    return attempt(all_of_it)


def by_iterator():
    generator = numbers()
    return attempt(lambda: tuple(itertools.islice(generator, 1)))


TURNS = {(0, 1), (1, 0), (0, BUSY), (BUSY, 0)}


@pytest.mark.parametrize(
    ("program", "outcomes"),
    [
        (by_next, TURNS),
        (by_method, TURNS),
        (by_loop, TURNS),
        (by_delegation, TURNS),
        # While one goes through all of it the other can come at three places, or find it used up.
        (by_unpacking, {((0, 1), ()), ((), (0, 1)), ((0, 1), BUSY), (BUSY, (0, 1))}),
        (by_iterator, {((0,), (1,)), ((1,), (0,)), ((0,), BUSY), (BUSY, (0,))}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_every_turn_is_taken(program, outcomes):
    report = interleave.check(program)
    assert report.verdict == "pass", report.failures
    assert report.redundant == 0
    assert set(report.outcomes) == outcomes
    sample = interleave.check(program, strategy="random", seed=1, executions=300)
    assert set(sample.outcomes) == outcomes


def test_a_generator_that_reads_what_others_write_is_busy_all_the_while():
    class Box:
        value = 0

    def program():
        box = Box()

        def reading():
            while True:
                yield box.value

        def write():
            box.value = 1

        generator = reading()
        found = []

        def take():
            try:
                found.append(next(generator))
            except ValueError as error:
                found.append(str(error))

        beside(take, take, write)
        return tuple(sorted(map(str, found)))

    report = interleave.check(program)
    assert report.redundant == 0
    assert set(report.outcomes) == {("0", "0"), ("0", "1"), ("1", "1"), ("0", BUSY), ("1", BUSY)}


def test_a_generator_that_a_loop_alone_holds_makes_no_events():
    def through(items):
        def program():
            def loop():
                for _ in items():
                    pass

            beside(loop, loop)

        return interleave.check(program, strategy="random", executions=1).steps_max

    assert through(numbers) == through(lambda: (0, 1))


def test_what_a_generator_does_at_last_is_done_when_it_is_let_go():
    def program():
        done = []

        def generator():
            try:
                yield 0
            finally:
                done.append("closed")

        def work():
            held = generator()
            next(held)
            del held
            done.append("went on")

        beside(work, lambda: None)
        return tuple(done)

    assert set(interleave.check(program).outcomes) == {("closed", "went on")}
