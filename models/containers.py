"""Four containers and the race that each is known for.

One method call of a built-in container is one step in CPython: two threads that append
to a list, or add to a set, lose nothing. What goes wrong lies between two calls.

* `dict`: a cache that looks whether a key is there and then makes the value. Both
  threads look before either has stored, and it is made twice.
* `list`: two threads each look whether there is an item and then take it. There is one
  alone, and who comes second gets an `IndexError`.
* `set`: one thread goes through the items and another adds one. Where that falls
  between two steps of the loop, the next step raises `RuntimeError`. The loop is over
  before (2 items), begins after it (3), or is broken.
* `deque`: two threads append an item each. Both are always there, in either order.
"""

import threading
from collections import deque
from collections.abc import Callable

from interleave import model


def in_two_threads(first: Callable[[], None], second: Callable[[], None]) -> None:
    """Run two functions side by side, until both have ended."""
    threads = threading.Thread(target=first), threading.Thread(target=second)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@model(outcomes=[1, 2])
def dict_as_a_cache() -> int:
    """Make a value where there is none; return how often it was made."""
    cache: dict[str, int] = {}
    made = []

    def get() -> None:
        if "key" not in cache:
            made.append(1)
            cache["key"] = 42

    in_two_threads(get, get)
    return len(made)


@model(outcomes=[("job",), ("job", "nothing")])
def list_with_one_job() -> tuple[str, ...]:
    """Take the last job behind a look; return what was got, in alphabetical order."""
    jobs = ["job"]
    got = []

    def take() -> None:
        if jobs:
            try:
                got.append(jobs.pop())
            except IndexError:
                got.append("nothing")

    in_two_threads(take, take)
    return tuple(sorted(got))


@model(outcomes=["2", "3", "Set changed size during iteration"])
def set_that_grows() -> str:
    """Go through a set that another thread adds to; return how many items came, or the error."""
    names = {"a", "b"}
    said = []

    def go_through() -> None:
        count = 0
        try:
            for _ in names:
                count += 1
            said.append(str(count))
        except RuntimeError as error:
            said.append(str(error))

    in_two_threads(go_through, lambda: names.add("c"))
    return said[0]


@model(outcomes=[("a", "b"), ("b", "a")])
def deque_of_two() -> tuple[str, ...]:
    """Append in two threads; return what is there."""
    line: deque[str] = deque()
    in_two_threads(lambda: line.append("a"), lambda: line.append("b"))
    return tuple(line)


if __name__ == "__main__":
    print(dict_as_a_cache(), list_with_one_job(), set_that_grows(), deque_of_two())
