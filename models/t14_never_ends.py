"""T14: T13 with the event set one indentation too late.

The sleep and `event.set()` come *after* the `with` block. Leaving the block waits for
both workers, the workers wait for the event, and the event is set by nobody. It is no
deadlock: the producer and the consumer are busy for ever.

A check cannot see "for ever"; it sees that no execution ended within its bound on
steps, and that is what the verdict `incomplete` must say, together with where main
waits: in the shutdown of the executor.
"""

import queue
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from interleave import model


class Pipeline(queue.Queue[int]):
    """A queue with the two names of the earlier pipelines."""

    def __init__(self) -> None:
        super().__init__(maxsize=10)

    def get_message(self) -> int:
        """Wait for a message and take it."""
        return self.get()

    def set_message(self, message: int) -> None:
        """Wait for room and put a message."""
        self.put(message)


def produce(pipeline: Pipeline, event: threading.Event) -> None:
    """Send random messages until the event is set."""
    while not event.is_set():
        pipeline.set_message(random.randint(1, 101))


def consume(pipeline: Pipeline, event: threading.Event) -> None:
    """Take messages until the event is set and the queue is empty."""
    while not event.is_set() or not pipeline.empty():
        pipeline.get_message()


@model(strategy="random", seed=1, executions=5, max_steps=300, verdict="incomplete")
def never_ends() -> None:
    """Wait for both sides before telling them to stop."""
    pipeline = Pipeline()
    event = threading.Event()
    with ThreadPoolExecutor(max_workers=2) as pool:
        pool.submit(produce, pipeline, event)
        pool.submit(consume, pipeline, event)
    time.sleep(0.1)
    event.set()


if __name__ == "__main__":
    print("this never ends, so it is not run: never_ends()")
