"""T4: three threads are started in order and joined in order.

Main logs *create and start i* before each start, and *before joining i* and *i done*
around each join; each thread logs *starting*, sleeps, logs *finishing*.

There are exactly 10,349 log orders (the orders of these fifteen lines in which each
task's own lines keep their order, a thread's lines come behind its *create and start*,
and before its *done*). To visit each of them once takes the reduction; without it
the schedules are too many, and so this model samples. Every sample must have all
lines, *2 done* last, and each *i done* behind *finishing i*. Main joins in the order
0, 1, 2, yet the threads may finish in the order 2, 1, 0: joining in order does not
order what is joined.
"""

import logging
import threading
import time

from interleave import model


def work(number: int) -> None:
    """Log the start, sleep, log the end."""
    logging.info("Thread %d: starting", number)
    time.sleep(2)
    logging.info("Thread %d: finishing", number)


@model(
    strategy="random",
    seed=1,
    executions=600,
    observe="output",
    expect=(
        "len(outcome) == 15 and outcome[-1] == 'Main: 2 done'"
        " and outcome.index('Thread 0: finishing') < outcome.index('Main: 0 done')"
        " and outcome.index('Thread 1: finishing') < outcome.index('Main: 1 done')"
    ),
    reach=[
        (
            "outcome.index('Thread 2: finishing') < outcome.index('Thread 1: finishing')"
            " < outcome.index('Thread 0: finishing')"
        ),
        (
            "outcome.index('Thread 0: finishing') < outcome.index('Thread 1: finishing')"
            " < outcome.index('Thread 2: finishing')"
        ),
        "outcome.index('Thread 2: finishing') < outcome.index('Main: 0 done')",
    ],
)
def three_threads() -> None:
    """Start threads 0, 1, 2 and join them in that order."""
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
    threads = []
    for number in range(3):
        logging.info("Main: create and start %d", number)
        thread = threading.Thread(target=work, args=(number,))
        threads.append(thread)
        thread.start()
    for number, thread in enumerate(threads):
        logging.info("Main: before joining %d", number)
        thread.join()
        logging.info("Main: %d done", number)


if __name__ == "__main__":
    three_threads()
