"""PCT and POS, step by step, on tasks that are nothing but lists of operations."""

from collections import Counter
from types import SimpleNamespace

from interleave.strategies.pct import Pct
from interleave.strategies.pos import Pos, races


class Op:
    """One read or write of an object."""

    def __init__(self, task, target, kind):
        self.task = task
        self.target = target
        self.kind = kind

    def footprint(self):
        return ((self.target.key, 1 if self.kind == "read" else 4),)


X, Y = SimpleNamespace(key=1), SimpleNamespace(key=2)


def orders(sampler, threads, count):
    """Run threads (of pairs: object, kind) to their end; count in which order they went."""
    found = Counter()
    for _ in range(count):
        sampler.begin()
        sampler.events = events = []
        tasks = []
        for number, steps in enumerate(threads):
            task = SimpleNamespace(number=number, path=(number,), left=[])
            task.left.extend(Op(task, *step) for step in steps)
            tasks.append(task)
        while ready := [task for task in tasks if task.left]:
            current = events[-1].task if events else None
            stays = current in ready
            for task in ready:
                task.pending = task.left[0]
            at = sampler.choose(ready, stays) if len(ready) > 1 else 0
            ordered = (
                [current, *(task for task in ready if task is not current)] if stays else ready
            )
            events.append(ordered[at].left.pop(0))
        sampler.end(SimpleNamespace(steps=len(events)))
        found["".join(str(event.task.number) for event in events)] += 1
    return found


def assert_shares(found, expected):
    """Compare with exact probabilities, within four standard deviations."""
    total = sum(found.values())
    assert set(found) == set(expected)
    for order, share in expected.items():
        assert abs(found[order] - share * total) < 4 * (share * (1 - share) * total) ** 0.5, order


def test_pos_draws_each_race_anew():
    write = (X, "write")

    found = orders(Pos(1), [[write], [write] * 3], 10_000)

    # Half of the rest each time. Were the priority of the one kept, the last would be 1 / 4.
    assert_shares(found, {"0111": 1 / 2, "1011": 1 / 4, "1101": 1 / 8, "1110": 1 / 8})


def test_pos_keeps_the_priority_of_what_races_with_nothing():
    found = orders(Pos(1), [[(X, "write")], [(Y, "write")] * 3], 10_000)

    # One priority against those of three events: it is the lowest of the four in a quarter.
    assert_shares(found, {"0111": 1 / 2, "1011": 1 / 6, "1101": 1 / 12, "1110": 1 / 4})


def test_two_reads_do_not_race_and_a_read_and_a_write_do():
    task = SimpleNamespace(number=0)
    read, write, other = Op(task, X, "read"), Op(task, X, "write"), Op(task, Y, "write")

    assert [races(read, read), races(read, write), races(write, read), races(write, write)] == [
        False,
        True,
        True,
        True,
    ]
    assert not races(write, other)
    assert not races(Op(task, None, "sleep"), write)


def test_pct_without_a_change_runs_one_task_after_the_other():
    write = (X, "write")

    found = orders(Pct(1, depth=1), [[write] * 2, [write] * 2, [write] * 2], 6_001)

    assert set(found) == {"001122", "002211", "110022", "112200", "220011", "221100"}
    assert all(850 < count < 1_150 for count in found.values())


def test_pct_of_depth_2_leaves_a_task_at_each_of_its_events_as_often():
    write = (X, "write")
    pct = Pct(1, depth=2)

    found = orders(pct, [[write] * 3, [write] * 3], 12_001)

    # Whoever is first is left before its first, second or third event, or else the change comes
    # while the other runs alone.
    assert pct.horizon == 6
    assert_shares(
        found,
        {
            "000111": 1 / 3,
            "001110": 1 / 12,
            "011100": 1 / 12,
            "100011": 1 / 12,
            "110001": 1 / 12,
            "111000": 1 / 3,
        },
    )


def test_a_task_that_ran_alone_at_a_change_has_fallen_when_others_come():
    first, second = SimpleNamespace(number=0), SimpleNamespace(number=1)
    first.pending = second.pending = None
    for seed in range(20):
        pct = Pct(seed, 1, depth=2)
        pct.begin()
        pct._changes = [(0, 0)]
        pct.events = [SimpleNamespace(task=first)]

        assert pct.choose([first, second], 1) == 1
