"""T12: T11 with one statement in the wrong place.

`get_message` saves itself a local variable: it releases `producer_lock` and *then*
returns `self.message`. From the release on the slot belongs to the producer, who may
fill it again before the consumer has read it. The message that was there is lost, and
its successor is read, and read once more when its own turn comes.

With messages 10, 20 and the sentinel, the overwriting may hit the first message or
the second. Received are then

* `[10, 20]` if no message was overwritten,
* `[20, 20]` if the producer put 20 over the 10 and came no further,
* `[10]` if the sentinel was put over the 20: the consumer stops there,
* `[20]` if both happened.

The release and the read are not separated by any synchronisation, so this takes the
granularity `memory`. The counterexample must show the producer's write between the
release and the read. The program asserts that nothing was lost, so three of the four
are assertions and one outcome is left.
"""

import threading

from interleave import model

SENTINEL = object()


class Pipeline:
    """A slot for one message, read a moment too late."""

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
        """Wait for a full slot, give it away, and only then look into it."""
        self.consumer_lock.acquire()
        self.producer_lock.release()
        return self.message


def produce(pipeline: Pipeline, messages: list[int]) -> None:
    """Send every message, then the sentinel."""
    for message in messages:
        pipeline.set_message(message)
    pipeline.set_message(SENTINEL)


def consume(pipeline: Pipeline, received: list[object]) -> None:
    """Store messages until the sentinel comes."""
    message = pipeline.get_message()
    while message is not SENTINEL:
        received.append(message)
        message = pipeline.get_message()


def send_two() -> list[object]:
    """Send two messages from one thread to another; return what was received."""
    pipeline = Pipeline()
    received: list[object] = []
    producer = threading.Thread(target=produce, args=(pipeline, [10, 20]))
    consumer = threading.Thread(target=consume, args=(pipeline, received))
    producer.start()
    consumer.start()
    producer.join()
    consumer.join()
    return received


@model(
    outcomes=[[10, 20], [20, 20], [10], [20]],
    granularity="memory",
    strategy="random",  # plain depth first does not get through it in a minute
    executions=5_000,
)
def what_is_received() -> list[object]:
    """Return what was received, whatever it is."""
    return send_two()


@model(
    outcomes=[[10, 20]],
    failures=["assertion"],
    granularity="memory",
    strategy="random",
    executions=5_000,
)
def return_after_release() -> list[object]:
    """Assert that all was received."""
    received = send_two()
    assert received == [10, 20], f"received {received}"
    return received


if __name__ == "__main__":
    print(what_is_received())
