"""T16: T15 repaired.

The consumer no longer guesses from an event and an empty queue whether more will come;
the producer tells it. As its last act the producer puts a sentinel, and the consumer
takes messages until the sentinel comes. The queue keeps the order, so what was put
before the sentinel has been taken before it.

No deadlock (the sentinel always comes, and the consumer always empties a full queue)
and no loss: what was received is what was sent, in every schedule of the thread form
and every sample of the pool form.
"""

import queue
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from interleave import model

SENTINEL = object()


def produce(messages: "queue.Queue[object]", event: threading.Event, sent: list[object]) -> None:
    """Send random messages until the event is set, then the sentinel."""
    while not event.is_set():
        message = random.randint(1, 101)
        sent.append(message)
        messages.put(message)
    messages.put(SENTINEL)


def produce_at_most(
    count: int, messages: "queue.Queue[object]", event: threading.Event, sent: list[object]
) -> None:
    """Send at most `count` messages while the event is not set, then the sentinel."""
    for message in range(count):
        if event.is_set():
            break
        sent.append(message)
        messages.put(message)
    messages.put(SENTINEL)


def consume(messages: "queue.Queue[object]", received: list[object]) -> None:
    """Take messages until the sentinel comes."""
    while (message := messages.get()) is not SENTINEL:
        received.append(message)


@model(strategy="random", seed=1, executions=500, outcomes=[True])
def sentinel() -> bool:
    """Run both sides in a pool for a while; say whether all came through in order."""
    messages: queue.Queue[object] = queue.Queue(maxsize=10)
    event = threading.Event()
    sent: list[object] = []
    received: list[object] = []
    with ThreadPoolExecutor(max_workers=2) as pool:
        pool.submit(produce, messages, event, sent)
        pool.submit(consume, messages, received)
        time.sleep(0.1)
        event.set()
    return received == sent


@model(outcomes=[[], [0], [0, 1]])
def sentinel_bounded() -> list[object]:
    """Run both sides in threads, with two messages at most and a queue of one.

    How many are sent depends on when the event is set; each number of them is reached.
    """
    messages: queue.Queue[object] = queue.Queue(maxsize=1)
    event = threading.Event()
    sent: list[object] = []
    received: list[object] = []
    producer = threading.Thread(target=produce_at_most, args=(2, messages, event, sent))
    consumer = threading.Thread(target=consume, args=(messages, received))
    producer.start()
    consumer.start()
    event.set()
    producer.join()
    consumer.join()
    assert received == sent, f"sent {sent}, received {received}"
    return received


if __name__ == "__main__":
    print(sentinel())
