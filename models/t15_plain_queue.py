"""T15: T13 with a plain `queue.Queue` in place of the subclass.

It is the shortest form of this pipeline, and subclassing was not what was wrong with
it. The same two faults must be found: the consumer that waits in `get()` for a
producer that has left (deadlock), and the consumer that leaves just before the
producer's last `put` (a lost message, so the assertion fails).

The thread form is small enough for every schedule: a queue of one, one message, and a
producer that, having sent it, waits for the event instead of sending more.
"""

import queue
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from interleave import model


def produce(messages: "queue.Queue[int]", event: threading.Event, sent: list[int]) -> None:
    """Send random messages until the event is set."""
    while not event.is_set():
        message = random.randint(1, 101)
        sent.append(message)
        messages.put(message)


def produce_at_most(
    count: int, messages: "queue.Queue[int]", event: threading.Event, sent: list[int]
) -> None:
    """Send messages until the event is set, and wait for it after `count` of them."""
    for message in range(count):
        if event.is_set():
            return
        sent.append(message)
        messages.put(message)
    event.wait()


def consume(messages: "queue.Queue[int]", event: threading.Event, received: list[int]) -> None:
    """Take messages until the event is set and the queue is empty."""
    while not event.is_set() or not messages.empty():
        received.append(messages.get())


@model(
    strategy="random",
    seed=1,
    executions=3000,
    failures=["deadlock", "assertion"],
    reach=["outcome == 0", "outcome > 1"],
)
def plain_queue() -> int:
    """Run both sides in a pool for a while; return how many messages came through."""
    messages: queue.Queue[int] = queue.Queue(maxsize=10)
    event = threading.Event()
    sent: list[int] = []
    received: list[int] = []
    with ThreadPoolExecutor(max_workers=2) as pool:
        pool.submit(produce, messages, event, sent)
        pool.submit(consume, messages, event, received)
        time.sleep(0.1)
        event.set()
    assert received == sent, f"sent {len(sent)} messages, received {len(received)}"
    return len(received)


@model(outcomes=[0, 1], failures=["deadlock", "assertion"])
def plain_queue_bounded() -> int:
    """Run both sides in threads, with one message at most and a queue of one."""
    messages: queue.Queue[int] = queue.Queue(maxsize=1)
    event = threading.Event()
    sent: list[int] = []
    received: list[int] = []
    producer = threading.Thread(target=produce_at_most, args=(1, messages, event, sent))
    consumer = threading.Thread(target=consume, args=(messages, event, received))
    producer.start()
    consumer.start()
    event.set()
    producer.join()
    consumer.join()
    assert received == sent, f"sent {len(sent)} messages, received {len(received)}"
    return len(received)


if __name__ == "__main__":
    print(plain_queue())
