"""T7: read, sleep, write, without a lock.

`FakeDatabase.update` copies `value` into a local, adds one, sleeps 0.1 s and writes
the copy back. Two threads run it once each. If the second reads before the first has
written, both write 1 and an update is lost: the program can end at 1 and at 2.

With `time="idle"` sleeps last as long as they say and nothing else takes any time.
Then both threads always read before either wakes up: always 1.

The pool forms are the same two updates in a `ThreadPoolExecutor`. One worker may well
run both updates, one after the other, which is one more way to end at 2.
"""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from interleave import model


class FakeDatabase:
    """One value and a slow way to count it up."""

    def __init__(self) -> None:
        self.value = 0

    def update(self, _name: int = 0) -> None:
        """Read, compute slowly, write."""
        value = self.value
        value += 1
        time.sleep(0.1)
        self.value = value


def update_in_threads() -> int:
    """Update once in each of two threads; return the value."""
    database = FakeDatabase()
    workers = [threading.Thread(target=database.update) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return database.value


def update_in_pool() -> int:
    """Update once by each of two pool workers; return the value."""
    database = FakeDatabase()
    with ThreadPoolExecutor(max_workers=2) as pool:
        for number in range(2):
            pool.submit(database.update, number)
    return database.value


@model(outcomes=[1, 2])
def unlocked_update() -> int:
    """Count up in two threads, each as slow as it likes."""
    return update_in_threads()


@model(outcomes=[1], time="idle")
def unlocked_update_idle() -> int:
    """Count up in two threads whose sleeps last as long as they say."""
    return update_in_threads()


@model(strategy="random", seed=1, executions=300, outcomes=[1, 2])
def unlocked_update_pool() -> int:
    """Count up in a pool, sampled."""
    return update_in_pool()


@model(
    strategy="dfs",
    max_preemptions=2,
    verdict="incomplete",
    expect="outcome in (1, 2)",
    reach=["outcome == 1", "outcome == 2"],
)
def unlocked_update_pool_bounded() -> int:
    """Count up in a pool, every schedule with at most two preemptions."""
    return update_in_pool()


if __name__ == "__main__":
    print(unlocked_update())
