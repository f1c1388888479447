"""T13: a pipeline that is a `queue.Queue`, stopped by an `Event`.

`Pipeline` subclasses `Queue`. The producer sends while the event is not set; the
consumer takes messages while the event is not set *or* the queue is not empty; main
sleeps and sets the event. It looks right and has two faults, and the check must find
both.

* Deadlock: the consumer sees the event unset and goes into `get()`; the event is set,
  the producer leaves, the queue is empty. The consumer waits for ever, and main waits
  for it in the shutdown of the pool.
* Lost message: the producer has seen the event unset but has not put its message yet;
  the event is set; the consumer finds the queue empty and leaves; then comes the put.
  The assertion at the end fails.

The thread form is small enough for every schedule: a queue of one, one message, and a
producer that, having sent it, waits for the event instead of sending more. Its only
good endings are one message received and none sent.
"""

import queue
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from interleave import model


class Pipeline(queue.Queue):  # type: ignore[type-arg]  # the bare base, as most write it
    """A queue with the two names of the earlier pipelines."""

    def __init__(self, maxsize: int = 10) -> None:
        super().__init__(maxsize=maxsize)

    def get_message(self) -> int:
        """Wait for a message and take it."""
        message: int = self.get()
        return message

    def set_message(self, message: int) -> None:
        """Wait for room and put a message."""
        self.put(message)


def produce(pipeline: Pipeline, event: threading.Event, sent: list[int]) -> None:
    """Send random messages until the event is set."""
    while not event.is_set():
        message = random.randint(1, 101)
        sent.append(message)
        pipeline.set_message(message)


def produce_at_most(
    count: int, pipeline: Pipeline, event: threading.Event, sent: list[int]
) -> None:
    """Send messages until the event is set, and wait for it after `count` of them."""
    for message in range(count):
        if event.is_set():
            return
        sent.append(message)
        pipeline.set_message(message)
    event.wait()


def consume(pipeline: Pipeline, event: threading.Event, received: list[int]) -> None:
    """Take messages until the event is set and the queue is empty."""
    while not event.is_set() or not pipeline.empty():
        received.append(pipeline.get_message())


@model(
    strategy="random",
    seed=1,
    executions=3000,
    failures=["deadlock", "assertion"],
    reach=["outcome == 0", "outcome > 1"],
)
def queue_subclass() -> int:
    """Run both sides in a pool for a while; return how many messages came through."""
    pipeline = Pipeline()
    event = threading.Event()
    sent: list[int] = []
    received: list[int] = []
    with ThreadPoolExecutor(max_workers=2) as pool:
        pool.submit(produce, pipeline, event, sent)
        pool.submit(consume, pipeline, event, received)
        time.sleep(0.1)
        event.set()
    assert received == sent, f"sent {len(sent)} messages, received {len(received)}"
    return len(received)


@model(outcomes=[0, 1], failures=["deadlock", "assertion"])
def queue_subclass_bounded() -> int:
    """Run both sides in threads, with one message at most and a queue of one."""
    pipeline = Pipeline(maxsize=1)
    event = threading.Event()
    sent: list[int] = []
    received: list[int] = []
    producer = threading.Thread(target=produce_at_most, args=(1, pipeline, event, sent))
    consumer = threading.Thread(target=consume, args=(pipeline, event, received))
    producer.start()
    consumer.start()
    event.set()
    producer.join()
    consumer.join()
    assert received == sent, f"sent {len(sent)} messages, received {len(received)}"
    return len(received)


if __name__ == "__main__":
    print(queue_subclass())
