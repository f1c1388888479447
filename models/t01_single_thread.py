"""T1: one thread is started and nobody joins it.

Main logs *before creating* and *before running*, starts one thread, logs *wait* and
then *all done*. The thread logs *starting*, sleeps, logs *finishing*.

The log alone is observed. The first two lines are fixed, since the thread does not
exist yet. After the start, main's two lines and the thread's two lines may be
shuffled in any way that keeps each pair in order: 4! / (2! * 2!) = 6 orders, and so
*finishing* comes before *all done* in some of them and after it in others. No order
is short of a line: the program waits for a thread that is no daemon before it ends.
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
    observe="output",
    outcome_count=6,
    expect="len(outcome) == 6 and outcome.count('Thread 1: finishing') == 1",
    reach=[
        "outcome[-1] == 'Main: all done'",
        "outcome[-1] == 'Thread 1: finishing'",
        "outcome[-2] == 'Thread 1: starting'",
    ],
)
def single_thread() -> None:
    """Start one thread and do not join it."""
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
    logging.info("Main: before creating")
    thread = threading.Thread(target=work, args=(1,))
    logging.info("Main: before running")
    thread.start()
    logging.info("Main: wait")
    logging.info("Main: all done")


if __name__ == "__main__":
    single_thread()
