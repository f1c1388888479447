"""Locks made of loops: a ticket lock, Peterson's algorithm, and a lock that is tried and tried.

Whoever goes round in a loop and finds everything as it was only waits for the others. The check
knows that, and so a loop without any bound is still explored to its end.

Peterson's algorithm shows why the order of two plain writes can be all that keeps two threads
apart: *I want to go in* must be said before *you go first*. The other way round both get in.
"""

import threading
import time
from collections.abc import Callable

from interleave import model


class Shared:
    """What the threads share: a count that needs protection, and what protects it."""

    def __init__(self) -> None:
        self.count = 0
        self.next_ticket = self.serving = 0
        self.wants = [False, False]
        self.turn = 0

    def add_one(self) -> None:
        """Add one in two steps, as `+=` does."""
        count = self.count
        self.count = count + 1


def in_threads(*functions: Callable[[], None]) -> None:
    """Run functions in a thread each, and wait for all."""
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@model(outcomes=[3])
def ticket_lock() -> int:
    """Draw a ticket, wait until it is served, add one, serve the next."""
    shared = Shared()
    desk = threading.Lock()

    def work() -> None:
        with desk:
            mine = shared.next_ticket
            shared.next_ticket += 1
        while shared.serving != mine:
            pass
        shared.add_one()
        shared.serving += 1

    in_threads(work, work, work)
    return shared.count


@model(outcomes=[2])
def peterson() -> int:
    """Say that you want to go in, let the other go first, and wait while it wants to."""
    shared = Shared()

    def work(me: int, other: int) -> None:
        shared.wants[me] = True
        shared.turn = other
        while shared.wants[other] and shared.turn == other:
            time.sleep(0.001)
        shared.add_one()
        shared.wants[me] = False

    in_threads(lambda: work(0, 1), lambda: work(1, 0))
    return shared.count


@model(outcomes=[1, 2], reach="outcome == 1")
def peterson_swapped() -> int:
    """The same with the first two lines swapped: both threads can be inside, and one is lost."""
    shared = Shared()

    def work(me: int, other: int) -> None:
        shared.turn = other
        shared.wants[me] = True
        while shared.wants[other] and shared.turn == other:
            time.sleep(0.001)
        shared.add_one()
        shared.wants[me] = False

    in_threads(lambda: work(0, 1), lambda: work(1, 0))
    return shared.count


@model(outcomes=[3])
def tried_until_taken() -> int:
    """Try a lock again and again, and sleep in between."""
    shared = Shared()
    lock = threading.Lock()

    def work() -> None:
        while not lock.acquire(blocking=False):
            time.sleep(0.01)
        shared.add_one()
        lock.release()

    in_threads(work, work, work)
    return shared.count


if __name__ == "__main__":
    for program in (ticket_lock, peterson, peterson_swapped, tried_until_taken):
        print(program.__name__, program())
