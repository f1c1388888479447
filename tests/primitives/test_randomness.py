"""`random`: a stream of each task's own, from the seed of the check and the task's path alone."""

import random
import threading
import time
from random import randint, shuffle

import pytest
from outcome_sets import outcomes

import interleave


def two_threads(body):
    drawn = {}

    def work(name):
        drawn[name] = body()

    threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return drawn["a"], drawn["b"]


def test_each_execution_draws_the_same_whatever_the_interleaving():
    def body():
        first = random.random()
        time.sleep(0)
        return first, random.random()

    report = interleave.check(lambda: two_threads(body))

    assert report.executions > 1
    assert len(report.outcomes) == 1


def test_two_tasks_draw_from_different_streams():
    ((a, b),) = outcomes(lambda: two_threads(random.random))

    assert a != b


def test_what_one_task_draws_does_not_move_the_stream_of_another():
    def program(extra):
        def work():
            for _ in range(extra):
                random.random()

        thread = threading.Thread(target=work)
        thread.start()
        drawn = random.random()
        thread.join()
        return drawn

    assert outcomes(lambda: program(0)) == outcomes(lambda: program(5))


def test_a_name_bound_before_the_check_draws_from_the_stream():
    def program():
        items = list(range(10))
        shuffle(items)
        return randint(1, 10**9), tuple(items)

    assert len(outcomes(program)) == 1
    assert outcomes(program) == outcomes(program)


def test_the_seed_of_the_check_decides():
    draw = lambda: random.getrandbits(64)

    assert outcomes(draw, seed=1) == outcomes(draw, seed=1)
    assert outcomes(draw, seed=1) != outcomes(draw, seed=2)


def test_a_program_that_seeds_gets_the_sequence_of_cpython():
    def program():
        random.seed(42)
        return random.random(), random.randint(1, 100), random.choice("abc"), random.gauss(0, 1)

    other = random.Random(42)
    expected = other.random(), other.randint(1, 100), other.choice("abc"), other.gauss(0, 1)

    assert outcomes(program) == {expected}


def test_a_state_can_be_kept_and_given_back():
    def program():
        state = random.getstate()
        first = random.random()
        random.setstate(state)
        return first == random.random()

    assert outcomes(program) == {True}


def test_seeding_without_a_seed_is_no_chance_either():
    def program():
        random.seed()
        return random.random()

    assert outcomes(program) == outcomes(program)
    assert len(outcomes(program)) == 1


def test_an_unseeded_generator_is_seeded_from_the_stream():
    def program():
        return random.Random().random(), random.Random().random()

    ((first, second),) = outcomes(program)

    assert first != second
    assert outcomes(program) == {(first, second)}
    assert outcomes(program, seed=9) != {(first, second)}


def test_a_seeded_generator_is_that_of_cpython():
    assert outcomes(lambda: random.Random(7).random()) == {random.Random(7).random()}


def test_the_generator_of_the_system_is_left_alone():
    def program():
        return 0 <= random.SystemRandom().random() < 1

    assert outcomes(program) == {True}


@pytest.mark.parametrize(
    "draw",
    [
        lambda: random.random(),  # noqa: PLW0108 - looked up when it runs
        lambda: random.randint(0, 10**12),
        lambda: random.randrange(10**12),
        lambda: random.getrandbits(40),
        lambda: random.uniform(0, 1),
        lambda: random.choice(range(10**12)),
        lambda: random.choices(range(10**12), k=2),
        lambda: random.sample(range(10**12), 2),
        lambda: random.gauss(0, 1),
        lambda: random.normalvariate(0, 1),
        lambda: random.expovariate(1),
        lambda: random.betavariate(1, 1),
        lambda: random.triangular(0, 1, 0.5),
        lambda: random.randbytes(8),
    ],
)
def test_every_function_draws_from_the_stream(draw):
    program = lambda: repr(draw())

    assert outcomes(program) == outcomes(program)


def test_the_chance_of_the_process_is_as_it_was_after_the_check():
    before = random.getstate()

    interleave.check(lambda: (random.seed(3), random.random()))

    assert random.getstate() == before
    assert randint is random.randint
