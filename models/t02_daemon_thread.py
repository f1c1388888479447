"""T2: the thread of T1 is a daemon, so nobody waits for it.

The program ends when main does, and the daemon is cut off wherever it is. It may
have logged nothing (1 order), *starting* only (3 places for it around *wait* and
*all done*), or both lines (6 orders, as in T1): 10 log orders.

Two of them are easy to forget: after *all done* main has not ended yet, so the
daemon may still log behind it.
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
    outcome_count=10,
    expect="outcome.count('Main: all done') == 1",
    reach=[
        "outcome[2:] == ['Main: wait', 'Main: all done']",
        "outcome[-1] == 'Thread 1: starting'",
        "outcome[-1] == 'Thread 1: finishing'",
    ],
)
def daemon_thread() -> None:
    """Start one daemon thread and let the program end."""
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
    logging.info("Main: before creating")
    thread = threading.Thread(target=work, args=(1,), daemon=True)
    logging.info("Main: before running")
    thread.start()
    logging.info("Main: wait")
    logging.info("Main: all done")


if __name__ == "__main__":
    daemon_thread()
