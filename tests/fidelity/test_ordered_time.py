"""Time `ordered` is what its definition says, no more and no less.

The definition: a deadline may pass at any point, but never before an earlier one. Here it is read
once more, in a model of its own that knows nothing of the runtime: states, and all that may happen
in each. What `dfs` finds, results and clocks, is exactly what the model says.
"""

import random
import threading
import time

import pytest

import interleave

EVENT, PLACES = "event", "places"


class Model:
    """All that can come of threads, each a list of steps: a name and a number of seconds."""

    def __init__(self, threads):
        self.threads = threads
        self.found = set()
        self.known = set()
        #                now, flag, places, threads started
        self.go_on_from((0, False, 0, 0), tuple((-1, None, ()) for _ in threads))

    def go_on_from(self, world, tasks):
        """Try all that may happen; a task is its next step, its deadline, and what it saw."""
        if (world, tasks) in self.known:
            return
        self.known.add((world, tasks))
        now, flag, places, started = world
        moved = False
        if started < len(tasks):  # main starts the next one
            self.go_on_from((now, flag, places, started + 1), tasks)
            moved = True
        waiting = [
            deadline
            for steps, (at, deadline, _) in zip(self.threads, tasks, strict=True)
            if deadline is not None and not self.can_go(steps[at][0], world)
        ]
        for index in range(started):
            steps, (at, deadline, _) = self.threads[index], tasks[index]
            if at == len(steps):
                continue
            if at < 0:
                self.arrive(world, tasks, index, None)
                moved = True
            elif self.can_go(steps[at][0], world):
                self.perform(world, tasks, index)
                moved = True
            elif deadline is not None and deadline == min(waiting):
                late = (max(now, deadline), flag, places, started)
                self.arrive(late, tasks, index, steps[at][0] == "sleep")
                moved = True
        if not moved:
            ended = all(
                at == len(steps) for steps, (at, _, _) in zip(self.threads, tasks, strict=True)
            )
            self.found.add(tuple(seen for _, _, seen in tasks) if ended else "deadlock")

    def can_go(self, step, world):
        _, flag, places, _ = world
        return {"sleep": False, "wait": flag, "acquire": places > 0}.get(step, True)

    def perform(self, world, tasks, index):
        now, flag, places, started = world
        match self.threads[index][tasks[index][0]][0]:
            case "set":
                flag = True
            case "clear":
                flag = False
            case "release":
                places += 1
            case "acquire":
                places -= 1
        self.arrive((now, flag, places, started), tasks, index, True)

    def arrive(self, world, tasks, index, result):
        """A step is over, and the task is at once about to do the next one."""
        at, _, seen = tasks[index]
        now = world[0]
        if at >= 0:
            seen = (*seen, (result, now))
        at += 1
        steps = self.threads[index]
        deadline = None
        if at < len(steps) and steps[at][1] is not None:
            deadline = now + steps[at][1]
        self.go_on_from(world, (*tasks[:index], (at, deadline, seen), *tasks[index + 1 :]))


def program_of(threads):
    """Return the same threads as a program."""

    def program():
        begin = time.monotonic()
        flag, places = threading.Event(), threading.Semaphore(0)

        def perform(step, seconds):
            match step:
                case "sleep":
                    time.sleep(seconds)
                case "wait":
                    return flag.wait(seconds)
                case "acquire":
                    return places.acquire(timeout=seconds)
                case "set":
                    flag.set()
                case "clear":
                    flag.clear()
                case "release":
                    places.release()
            return True

        def run(steps, seen):
            for step, seconds in steps:
                result = perform(step, seconds)
                seen.append((result, round(time.monotonic() - begin)))

        seen = [[] for _ in threads]
        running = [
            threading.Thread(target=run, args=pair) for pair in zip(threads, seen, strict=True)
        ]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
        return tuple(tuple(one) for one in seen)

    return program


def explored(threads, limit):
    """Return what `dfs` finds; none where there are too many schedules."""
    report = interleave.check(
        program_of(threads),
        strategy="dfs",
        granularity="sync",
        time="ordered",
        keep_going=True,
        executions=limit,
    )
    found = set(report.outcomes)
    found |= {failure.kind for failure in report.failures}
    return found if report.exhaustive else None


def random_threads(source):
    def step():
        name = source.choice(("sleep", "wait", "wait", "acquire", "set", "clear", "release"))
        timed = name in ("sleep", "wait", "acquire")
        return name, source.choice(
            (1, 2, 3) if name == "sleep" else (1, 2, 3, None)
        ) if timed else None

    return [[step() for _ in range(source.randint(1, 3))] for _ in range(source.choice((2, 2, 3)))]


def compare(seed, count, limit):
    source = random.Random(seed)
    compared = 0
    while compared < count:
        threads = random_threads(source)
        found = explored(threads, limit)
        if found is not None:
            assert found == Model(threads).found, threads
            compared += 1


WRITTEN = {
    "a set beside two timed waits": [[("wait", 1)], [("wait", 2)], [("set", None)]],
    "a sleep before a set": [[("wait", 2)], [("sleep", 1), ("set", None)]],
    "a sleep after the deadline": [[("wait", 1)], [("sleep", 2), ("set", None)]],
    "equal deadlines": [[("wait", 1)], [("sleep", 1), ("set", None)]],
    "one place for two": [[("acquire", 1)], [("acquire", 2)], [("release", None)]],
    "deadlines that grow": [[("sleep", 1), ("sleep", 1)], [("wait", 2), ("wait", 1)]],
    "set and clear": [[("wait", 2)], [("sleep", 1), ("set", None), ("clear", None)]],
}


HEAVY = ("a set beside two timed waits", "one place for two")  # of three threads


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] if name in HEAVY else []) for name in WRITTEN],
)
def test_the_orders_of_written_programs_are_those_of_the_definition(name):
    threads = WRITTEN[name]
    found = explored(threads, 100_000)

    assert found == Model(threads).found
    assert len(found) > 1


def test_the_orders_of_random_programs_are_those_of_the_definition():
    compare(1, 6, 300)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 4))
def test_the_orders_of_many_random_programs_are_those_of_the_definition(seed):
    compare(seed, 25, 1_000)
