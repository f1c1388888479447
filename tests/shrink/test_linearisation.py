"""The order with the fewest preemptions of a trace, and whether a task could have gone on."""

import random
import threading

import pytest
import random_programs

from interleave.core.dependence import READ
from interleave.core.program import from_callable
from interleave.oracle import trace_of
from interleave.session import session
from interleave.settings import Settings
from interleave.shrink.descent import Noted
from interleave.shrink.linearisation import MOST_STATES, _Cut, _Trace, fewest_preemptions
from interleave.shrink.trials import Attempt
from interleave.strategies.random_walk import RandomWalk
from interleave.strategies.turns import Following

SCOPE = {"include": ("cells",), "exclude": ("random_programs",)}


class Walk(RandomWalk):
    noting = True


def preemptions_told(execution):
    """Count the switches of an execution at which the task that was left could have gone on."""
    trace = _Trace(execution, "free")
    done = [0] * len(trace.total)
    told, current = 0, 0
    for event in execution.events:
        if event.glued:
            continue
        task = event.task.number
        if task != current:
            told += trace.able(tuple(done), current)
        done[task] += 1
        current = task
    return told


@pytest.mark.parametrize("number", [4, pytest.param(16, marks=pytest.mark.slow)])
@pytest.mark.parametrize("family", sorted(random_programs.FAMILIES))
def test_who_could_go_on_is_worked_out_as_it_was(family, number):
    source = random.Random(family)
    own = random_programs.FAMILIES[family][1] or random_programs.EVERYWHERE
    for _ in range(number):
        threads = tuple(
            (False, tuple((source.choice(own), source.randint(0, 1)) for _ in range(3)))
            for _ in range(3)
        )
        walk = Walk(source.randint(0, 1_000))
        program = from_callable(random_programs.program_of(family, threads))
        with session(program, Settings(**SCOPE)) as world:
            for _ in range(5):
                walk.begin()
                execution = world.execute(walk)
                assert preemptions_told(execution) == execution.preemptions


def test_a_long_trace_gets_a_good_order_of_the_same_trace():
    def program():
        cells = [[] for _ in range(4)]

        def work(mine):
            for number in range(30):
                mine.append(number)

        threads = [threading.Thread(target=work, args=(cell,)) for cell in cells]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    walk = Walk(1)
    walk.begin()
    with session(from_callable(program), Settings()) as world:
        start = Attempt.of(world.execute(walk))
        execution = world.execute(Noted(start.choices))
        assert 30**4 > MOST_STATES
        found = world.execute(Following(fewest_preemptions(execution, "free"), start.values))

        assert trace_of(found, "free") == trace_of(execution, "free")
        assert start.key[0] > 30
        assert found.preemptions <= 4  # each thread runs through, in whatever order


class Plainly:
    """What is asked of a state, worked out by looking at every event."""

    def __init__(self, trace, done, op):
        self.events, self.order, self.op = trace.events, trace.order, op
        upto = [
            mine[count] if count < len(mine) else len(trace.events)
            for mine, count in zip(trace.of_task, done, strict=True)
        ]
        self.added = False
        self.done = [at < upto[task] for at, task in enumerate(trace.order.tasks)]

    def changes(self, index, key):
        return any(met == key and mode != READ for met, mode in self.order.footprints[index])

    def of(self, item):
        changes = [at for at in range(len(self.events)) if self.changes(at, item.key)]
        first = next((at for at in changes if not self.done[at]), None)
        if first is None:
            return self.op.before(item)
        state = self.events[first].before(item)
        for at in changes:
            if at > first and self.done[at]:
                self.added = True
                state = self.events[at].after_added(item, state)
        return state

    def changed(self, key, since):
        return any(
            self.done[at] and self.changes(at, key) for at in range(since + 1, len(self.events))
        )

    def all_ended(self, living):
        running = list(living)
        for at, event in enumerate(self.events):
            if event.kind == "end" and not event.task.daemon and not self.done[at]:
                running.append(event.task.born)
        return not any(self.done[born] for born in running)


def states_of(trace, source):
    """Take the events of a trace in an order that it allows; yield the states on the way."""
    done = tuple(1 if task == 0 else 0 for task in range(len(trace.total)))
    while done != trace.total:
        yield done
        able = [task for task in range(len(done)) if trace.next_of(done, task) is not None]
        task = source.choice(able)
        done = (*done[:task], done[task] + 1, *done[task + 1 :])


def test_a_state_is_told_as_if_every_event_had_been_looked_at():
    source = random.Random(7)
    seen = set()
    for family in ("semaphores", "queues", "events") * 4:
        # Releases of a semaphore add, in whatever order, and who waits asks what came of it.
        own = random_programs.FAMILIES[family][1]
        own = ("up", "up", "up", "down_timed") if family == "semaphores" else own
        threads = tuple(
            (at == 2, tuple((source.choice(own), source.randint(0, 1)) for _ in range(4)))
            for at in range(3)
        )
        program = from_callable(random_programs.program_of(family, threads))
        walk = Walk(source.randint(0, 1_000))
        walk.begin()
        with session(program, Settings(**SCOPE)) as world:
            trace = _Trace(world.execute(walk), "free")
        asking = [op for op in trace.events if op.guarded]
        for done in states_of(trace, source):
            for op in asking:
                plain = Plainly(trace, done, op)
                cut = _Cut(trace, done, op)
                assert op.enabled_in(cut) == op.enabled_in(plain)
                if op.kind == "acquire":
                    assert cut.of(op.target) == plain.of(op.target)
                ended = plain.all_ended(())
                assert cut.all_ended(()) == ended
                for key in trace.changing:
                    since = source.randrange(len(trace.events))
                    changed = plain.changed(key, since)
                    assert cut.changed(key, since) == changed
                    seen.update({("changed", changed), ("ended", ended), ("added", plain.added)})
    assert seen == {
        (what, told) for what in ("changed", "ended", "added") for told in (True, False)
    }


class Counting(list):
    """A list that counts how often it is looked into."""

    looks = 0

    def __getitem__(self, index):
        self.looks += 1
        return super().__getitem__(index)

    def __iter__(self):
        self.looks += len(self)
        return super().__iter__()


def test_to_know_who_can_go_on_takes_no_look_at_all_the_events():
    lock = threading.Lock()

    def work():
        for _ in range(100):
            with lock:
                pass

    def program():
        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    walk = Walk(1)
    walk.begin()
    with session(from_callable(program), Settings()) as world:
        trace = _Trace(world.execute(walk), "free")
    trace.events = Counting(trace.events)
    half = tuple(count // 2 for count in trace.total)

    assert len(trace.events) > 400
    for task in range(3):
        trace.able(half, task)
    assert 0 < trace.events.looks < 40
