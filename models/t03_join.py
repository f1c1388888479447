"""T3: main joins the thread before it says *all done*.

The join puts both lines of the thread before *all done*, so only *wait* is free to
fall before, between or behind them: 3 log orders, *all done* always last.

A daemon that is joined has come to its end before main does. Nothing is left to be
cut off, and the daemon form has the same 3 orders.
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


def start_and_join(*, daemon: bool) -> None:
    """Start one thread, log, join it, log."""
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
    logging.info("Main: before creating")
    thread = threading.Thread(target=work, args=(1,), daemon=daemon)
    logging.info("Main: before running")
    thread.start()
    logging.info("Main: wait")
    thread.join()
    logging.info("Main: all done")


@model(observe="output", outcome_count=3, expect="outcome[-1] == 'Main: all done'")
def joined_thread() -> None:
    """Join an ordinary thread."""
    start_and_join(daemon=False)


@model(observe="output", outcome_count=3, expect="outcome[-1] == 'Main: all done'")
def joined_daemon() -> None:
    """Join a daemon thread: the same orders."""
    start_and_join(daemon=True)


if __name__ == "__main__":
    joined_thread()
