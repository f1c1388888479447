"""The search for an order that explains a history agrees with trying every order."""

import itertools
import random

import pytest

from interleave.hypothesis.calls import Calls, call
from interleave.hypothesis.histories import History, Runner, program_of
from interleave.hypothesis.machines import subject_of
from interleave.hypothesis.orders import Sequential
from interleave.session import session
from interleave.settings import Settings


class Register:
    def __init__(self):
        self.value = 0

    def write(self, value):
        self.value = value

    def read(self):
        return self.value

    def swap(self, value):
        before, self.value = self.value, value
        return before


def explained(history, calls, observing):
    """Try every permutation of the calls: nothing of the code that is tested."""
    steps = [
        (thread, at) for thread, column in enumerate(calls.threads) for at in range(len(column))
    ]
    for order in itertools.permutations(steps):
        place = {step: number for number, step in enumerate(order)}
        in_real_time = all(
            place[other, earlier] < place[thread, at]
            for thread, at in steps
            for other, over in enumerate(history.seen[thread][at])
            for earlier in range(over)
        )
        if not in_real_time:
            continue
        register = Register()
        before = [getattr(register, item.method)(*item.args) for item in calls.before]
        results = {
            (thread, at): getattr(register, calls.threads[thread][at].method)(
                *calls.threads[thread][at].args
            )
            for thread, at in order
        }
        if (
            before == history.before
            and all(results[thread, at] == history.threads[thread][at] for thread, at in steps)
            and (not observing or history.last == register.value)
        ):
            return True
    return False


def random_calls(generator):
    def some(most):
        return [
            generator.choice(
                [call.write(1), call.write(2), call.read(), call.swap(1), call.swap(2)]
            )
            for _ in range(generator.randint(1, most))
        ]

    before = some(2) if generator.random() < 0.5 else []
    return Calls(*[some(2) for _ in range(generator.randint(2, 3))], before=before)


def random_history(generator, calls, observing):
    """Draw when each call begins, takes effect and returns; now and then a result is wrong."""
    register = Register()
    history = History(
        [getattr(register, item.method)(*item.args) for item in calls.before],
        [[] for _ in calls.threads],
        [[] for _ in calls.threads],
    )
    moves = [thread for thread, column in enumerate(calls.threads) for _ in range(3 * len(column))]
    generator.shuffle(moves)
    done = [0] * len(calls.threads)
    results = {}
    for thread in moves:
        at, phase = divmod(done[thread], 3)
        done[thread] += 1
        if phase == 0:
            history.seen[thread].append(tuple(map(len, history.threads)))
        elif phase == 1:
            item = calls.threads[thread][at]
            results[thread] = getattr(register, item.method)(*item.args)
        else:
            history.threads[thread].append(results[thread])
    if observing:
        history.last = register.value
    if generator.random() < 0.7:
        thread = generator.randrange(len(calls.threads))
        at = generator.randrange(len(calls.threads[thread]))
        if calls.threads[thread][at].method != "write":
            history.threads[thread][at] = generator.randint(0, 2)
    return history


@pytest.mark.parametrize("number", [20, pytest.param(80, marks=pytest.mark.slow)])
def test_an_order_is_found_exactly_where_there_is_one(number):
    generator = random.Random(6)
    found = []
    for _ in range(number):
        observing = generator.random() < 0.5
        calls = random_calls(generator)
        subject = subject_of(Register, (lambda item: item.value) if observing else None)
        runner = Runner(subject, subject, calls)
        with session(program_of(runner), Settings.of({"granularity": "sync"})) as opened:
            sequential = Sequential(opened, runner)
            for _ in range(25):
                history = random_history(generator, calls, observing)
                said = sequential.explains(history)
                assert said == explained(history, calls, observing), (calls, history)
                assert bool(list(sequential.dead_ends(history))) is not said
                found.append(said)
    assert 0.1 < sum(found) / len(found) < 0.9  # both answers are given often
