"""T8: T7 with a lock around read, sleep and write.

Whoever holds the lock reads, sleeps and writes before the other can read. No update
is lost: always 2, in every schedule of the thread form, in every sample of the pool
form, and however long the sleeps last.
"""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from interleave import model


class FakeDatabase:
    """One value and a slow way to count it up, one caller at a time."""

    def __init__(self) -> None:
        self.value = 0
        self._lock = threading.Lock()

    def update(self, _name: int = 0) -> None:
        """Read, compute slowly, write, all under the lock."""
        with self._lock:
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


@model(outcomes=[2])
def locked_update() -> int:
    """Count up in two threads, each as slow as it likes."""
    return update_in_threads()


@model(outcomes=[2], time="idle")
def locked_update_idle() -> int:
    """Count up in two threads whose sleeps last as long as they say."""
    return update_in_threads()


@model(strategy="random", seed=1, executions=300, outcomes=[2])
def locked_update_pool() -> int:
    """Count up in a pool of two workers."""
    database = FakeDatabase()
    with ThreadPoolExecutor(max_workers=2) as pool:
        for number in range(2):
            pool.submit(database.update, number)
    return database.value


if __name__ == "__main__":
    print(locked_update())
