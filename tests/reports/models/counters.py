"""Models for the golden summary of a folder."""

import threading

from interleave import model


def count(*, locked):
    lock, log = threading.Lock(), []

    def work():
        if locked:
            lock.acquire()
        log.append(len(log))
        if locked:
            lock.release()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return log


@model(outcomes=[[0, 1]], strategy="dfs", granularity="sync")
def as_declared():
    """Come out as declared."""
    return count(locked=True)


@model(outcomes=[[0, 0]], failures=["deadlock"], strategy="dfs", granularity="sync")
def not_as_declared():
    """Declare what does not come out."""
    return count(locked=True)
