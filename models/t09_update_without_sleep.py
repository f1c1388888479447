"""T9: `self.value += 1` by two threads, with no sleep to widen the gap.

The statement looks like one step and is two: it reads the attribute, then writes it.
A switch between the two loses an update, so the program can end at 1.

There is no synchronisation inside the update, so only the granularity `memory`, in
which every shared access is an operation, can see it. The second program is the same
update at the granularity `sync`: there it runs in one piece, and the check says 2
alone. That pass covers what its granularity covers, and the report says so.
"""

import threading

from interleave import model


class FakeDatabase:
    """One value, counted up by a plain statement."""

    def __init__(self) -> None:
        self.value = 0

    def update(self) -> None:
        """Add one: a read and a write."""
        self.value += 1


def update_in_threads() -> int:
    """Update once in each of two threads; return the value."""
    database = FakeDatabase()
    workers = [threading.Thread(target=database.update) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return database.value


@model(outcomes=[1, 2], granularity="memory")
def update_without_sleep() -> int:
    """Count up in two threads, switching at every shared access."""
    return update_in_threads()


@model(outcomes=[2], granularity="sync")
def update_without_sleep_coarse() -> int:
    """Count up in two threads, switching at synchronisation only."""
    return update_in_threads()


if __name__ == "__main__":
    print(update_without_sleep())
