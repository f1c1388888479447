"""T11: a one-slot pipeline out of two locks that the *other* side releases.

The producer may write while it holds `producer_lock`, the consumer may read while it
holds `consumer_lock`; each, when done, releases the lock that the other waits for. So
the right to touch the slot goes to and fro, and `consumer_lock` is acquired in
`__init__` since at first there is nothing to read.

The locks leave no freedom: after every release only the other side can go on. Hence no
message is lost, duplicated or reordered, and it always ends, in every schedule. Few
schedules exist, so that ten messages in two threads can be checked exhaustively too;
the ten messages are random numbers, so that form returns whether what was received
is what was sent. The pool form is sampled.
"""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

from interleave import model

SENTINEL = object()


class Pipeline:
    """A slot for one message."""

    def __init__(self) -> None:
        self.message: object = None
        self.producer_lock = threading.Lock()
        self.consumer_lock = threading.Lock()
        self.consumer_lock.acquire()

    def set_message(self, message: object) -> None:
        """Wait for an empty slot and fill it."""
        self.producer_lock.acquire()
        self.message = message
        self.consumer_lock.release()

    def get_message(self) -> object:
        """Wait for a full slot and empty it."""
        self.consumer_lock.acquire()
        message = self.message
        self.producer_lock.release()
        return message


def produce(pipeline: Pipeline, messages: list[int]) -> None:
    """Send every message, then the sentinel."""
    for message in messages:
        pipeline.set_message(message)
    pipeline.set_message(SENTINEL)


def produce_random(pipeline: Pipeline, count: int, sent: list[int]) -> None:
    """Send random messages, noting each, then the sentinel."""
    for _ in range(count):
        message = random.randint(1, 101)
        sent.append(message)
        pipeline.set_message(message)
    pipeline.set_message(SENTINEL)


def consume(pipeline: Pipeline, received: list[object]) -> None:
    """Store messages until the sentinel comes."""
    message = pipeline.get_message()
    while message is not SENTINEL:
        received.append(message)
        message = pipeline.get_message()


@model(outcomes=[[10, 20, 30]])
def three_messages() -> list[object]:
    """Send three fixed messages; return what was received."""
    pipeline = Pipeline()
    received: list[object] = []
    producer = threading.Thread(target=produce, args=(pipeline, [10, 20, 30]))
    consumer = threading.Thread(target=consume, args=(pipeline, received))
    producer.start()
    consumer.start()
    producer.join()
    consumer.join()
    return received


def send_random_in_threads(count: int) -> bool:
    """Send random messages from one thread to another; say whether all came in order."""
    pipeline = Pipeline()
    sent: list[int] = []
    received: list[object] = []
    producer = threading.Thread(target=produce_random, args=(pipeline, count, sent))
    consumer = threading.Thread(target=consume, args=(pipeline, received))
    producer.start()
    consumer.start()
    producer.join()
    consumer.join()
    return len(sent) == count and received == sent


@model(outcomes=[True])
def ten_messages() -> bool:
    """Send ten random messages, every schedule."""
    return send_random_in_threads(10)


@model(strategy="random", seed=1, executions=500, outcomes=[True])
def ten_messages_sampled() -> bool:
    """Send ten random messages, sampled."""
    return send_random_in_threads(10)


@model(strategy="random", seed=1, executions=300, outcomes=[True])
def ten_messages_pool() -> bool:
    """Send ten random messages between the two workers of a pool."""
    count = 10
    pipeline = Pipeline()
    sent: list[int] = []
    received: list[object] = []
    with ThreadPoolExecutor(max_workers=2) as pool:
        pool.submit(produce_random, pipeline, count, sent)
        pool.submit(consume, pipeline, received)
    return len(sent) == count and received == sent


if __name__ == "__main__":
    print(three_messages())
