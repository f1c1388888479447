"""T17: more workers than connections, and a semaphore between them.

Each worker enters, notes how many are inside, stays a while and leaves; the program
returns the highest number noted. The number is the length of a list, read just after
the worker has put itself into it. A worker is in the list only while it is inside, and
appending, removing and `len` are each one step in CPython, so a noted number is never
too high, and whoever enters last while others stay notes the true maximum.

Behind `Semaphore(2)`, four pool workers are never more than 2 inside; they may also
come one after the other, hence 1 or 2. Without the semaphore more than 2 are reached.
The thread forms have two or three workers (main is one of them) and see every schedule.

A plain `Semaphore` cannot tell one release too many: it then lets in one too many. A
`BoundedSemaphore` raises `ValueError`, and the report calls it misuse.
"""

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

from interleave import model


class ConnectionPool:
    """A place that counts who is inside, behind a gate of the caller's choice."""

    def __init__(self, gate: AbstractContextManager[object]) -> None:
        self._gate = gate
        self._inside: list[int] = []
        self._noted: list[int] = []

    def use(self, worker: int) -> None:
        """Enter, note how many are inside, stay a while, leave."""
        with self._gate:
            self._inside.append(worker)
            self._noted.append(len(self._inside))
            time.sleep(0.1)
            self._inside.remove(worker)

    def most_inside(self) -> int:
        """Return the highest number noted."""
        return max(self._noted)


def use_in_pool(connections: ConnectionPool) -> int:
    """Let four pool workers use the connections; return how many were inside at most."""
    with ThreadPoolExecutor(max_workers=4) as pool:
        for worker in range(4):
            pool.submit(connections.use, worker)
    return connections.most_inside()


def use_in_threads(connections: ConnectionPool, workers: int) -> int:
    """Let main be one of the workers; return how many were inside at most."""
    threads = [
        threading.Thread(target=connections.use, args=(worker,)) for worker in range(1, workers)
    ]
    for thread in threads:
        thread.start()
    connections.use(0)
    for thread in threads:
        thread.join()
    return connections.most_inside()


@model(strategy="random", seed=1, executions=1000, outcomes=[1, 2])
def semaphore_pool() -> int:
    """Use two connections from four workers, behind the semaphore."""
    return use_in_pool(ConnectionPool(threading.Semaphore(2)))


@model(
    strategy="random",
    seed=1,
    executions=5000,
    expect="1 <= outcome <= 4",
    reach=["outcome > 2"],
)
def no_semaphore_pool() -> int:
    """Use two connections from four workers, with nothing in between."""
    return use_in_pool(ConnectionPool(contextlib.nullcontext()))


@model(outcomes=[1])
def semaphore_of_one() -> int:
    """Use one connection from two threads, behind a semaphore of one."""
    return use_in_threads(ConnectionPool(threading.Semaphore(1)), workers=2)


@model(outcomes=[1, 2])
def semaphore_threads() -> int:
    """Use two connections from three threads, behind the semaphore."""
    return use_in_threads(ConnectionPool(threading.Semaphore(2)), workers=3)


@model(outcomes=[1, 2, 3])
def no_semaphore_threads() -> int:
    """Use two connections from three threads, with nothing in between."""
    return use_in_threads(ConnectionPool(contextlib.nullcontext()), workers=3)


@model(outcomes=[1, 2])
def released_too_often() -> int:
    """Release a plain semaphore of one once too often: two come in together."""
    gate = threading.Semaphore(1)
    connections = ConnectionPool(gate)
    gate.release()
    return use_in_threads(connections, workers=2)


@model(failures=["misuse"])
def bounded_released_too_often() -> int:
    """Release a bounded semaphore once too often: it raises `ValueError`."""
    gate = threading.BoundedSemaphore(1)
    connections = ConnectionPool(gate)
    thread = threading.Thread(target=connections.use, args=(1,))
    thread.start()
    thread.join()
    gate.release()
    return connections.most_inside()


if __name__ == "__main__":
    print(semaphore_pool())
