"""Polling: a worker that looks at an event again and again, and sleeps in between.

As long as somebody sets the event, this is a slow way of waiting. If nobody does, no thread is
blocked and yet nothing goes on any more: a livelock. The check tells it with the line that looks.
"""

import threading
import time

from interleave import model


@model(outcomes=[2])
def polled_until_set() -> int:
    """Two workers poll; main sets the event."""
    stop = threading.Event()
    stopped: list[int] = []

    def work(number: int) -> None:
        while not stop.is_set():
            time.sleep(0.01)
        stopped.append(number)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for worker in workers:
        worker.start()
    stop.set()
    for worker in workers:
        worker.join()
    return len(stopped)


@model(outcomes=[1], failures=["livelock"])
def cleared_too_late() -> int:
    """The worker clears the event when it begins: if main was faster, it polls for ever."""
    stop = threading.Event()

    def work() -> None:
        stop.clear()
        while not stop.is_set():
            time.sleep(0.01)

    worker = threading.Thread(target=work)
    worker.start()
    stop.set()
    worker.join()
    return 1


@model(failures=["livelock"])
def after_you() -> None:
    """Each of two threads waits for the other to be ready first."""
    ready = [False, False]

    def work(me: int, other: int) -> None:
        while not ready[other]:
            time.sleep(0.01)
        ready[me] = True

    workers = [
        threading.Thread(target=work, args=(0, 1)),
        threading.Thread(target=work, args=(1, 0)),
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


if __name__ == "__main__":
    print(polled_until_set())
