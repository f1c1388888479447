"""Races are looked for where there can be any, and not among the last events of who is alone."""

import threading

import pytest

import interleave


class Cell:
    def __init__(self):
        self.value = 0

    def add(self):
        value = self.value
        self.value = value + 1


def main_joins_another():
    """Main is alone in the end, but does not know what came of the thread that it did not join."""
    cell = Cell()
    writer = threading.Thread(target=setattr, args=(cell, "value", 1))
    joined = threading.Thread(target=int)
    writer.start()
    joined.start()
    joined.join()
    return cell.value


def main_knows_who_still_waits():
    """Main is alone, and has seen all that the other has done; that still wants the lock."""
    lock, seen = threading.Lock(), threading.Event()
    lock.acquire()

    def want():
        seen.set()
        lock.acquire()

    threading.Thread(target=want).start()
    seen.wait()
    lock.release()
    return lock.acquire(blocking=False)


def main_chooses_alone():
    """Main is alone, and yet there is more than one way to go on, and one starts a thread."""
    cell = Cell()
    early, late = threading.Thread(target=cell.add), threading.Thread(target=cell.add)
    early.start()
    cell.add()
    early.join()
    cell.add()
    if interleave.choose([False, True]):
        late.start()
        cell.add()
        late.join()
    return cell.value


@pytest.mark.parametrize(
    ("program", "outcomes", "failures"),
    [
        (main_joins_another, {0, 1}, []),
        (main_knows_who_still_waits, {False}, ["deadlock"]),
        (main_chooses_alone, {2, 3, 4, 5}, []),
    ],
)
def test_who_is_alone_in_the_end_has_nobody_left_to_race_with(program, outcomes, failures):
    for strategy in ("dpor", "dfs"):
        report = interleave.check(program, strategy=strategy, keep_going=True)

        assert set(report.outcomes) == outcomes
        assert [failure.kind for failure in report.failures] == failures
        assert report.exhaustive
        assert report.redundant == 0
