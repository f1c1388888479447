"""A deque from which idle threads steal work: whose is the last item?

The owner pushes and pops at the bottom, thieves steal from the top [ChaseLev05]. The two ends
are far apart while there is much to do, so that the owner needs no lock; at the last item
they meet. There both have to win the item by moving `top`, by a comparison and an assignment that
nobody can come between. Where they only assign, both take it.

The owner's first two steps matter as much: only once it has lowered `bottom` may it look at `top`.
The other way round the thieves empty the deque in between, and it takes an item that is long gone,
without a comparison, since by what it saw there was another one left.
"""

import threading

from interleave import model


class Deque:
    """A deque of work that leaves out the care which the last item needs."""

    def __init__(self, items: list[str]) -> None:
        self.items = items
        self.top, self.bottom = 0, len(items)

    def pop(self) -> str | None:
        """Take the youngest item, as the owner; none if there is none."""
        self.bottom -= 1
        return self.taken_at(self.bottom, self.top)

    def taken_at(self, bottom: int, top: int) -> str | None:
        """Take the item at the lowered `bottom`; if `top` is there too, win it first."""
        if top < bottom:
            return self.items[bottom]
        won = top == bottom and self.move_top(top)
        self.bottom = bottom + 1
        return self.items[bottom] if won else None

    def steal(self) -> str | None:
        """Take the oldest item, as a thief; none if there is none, or another one took it."""
        top = self.top
        if top >= self.bottom:
            return None
        return self.items[top] if self.move_top(top) else None

    def move_top(self, top: int) -> bool:
        """Move `top` on: the item that it was seen at is taken now, whoever else has seen it."""
        self.top = top + 1
        return True


class CarefulDeque(Deque):
    """The same, and an item is taken only by who finds `top` still where it was seen."""

    def __init__(self, items: list[str]) -> None:
        super().__init__(items)
        self.lock = threading.Lock()

    def move_top(self, top: int) -> bool:
        """Compare and set, as one step."""
        with self.lock:
            if self.top != top:
                return False
            self.top = top + 1
            return True


class HastyDeque(CarefulDeque):
    """The same, but the owner looks at `top` too early."""

    def pop(self) -> str | None:
        """Take the youngest item, as the owner; none if there is none."""
        top = self.top
        self.bottom -= 1
        return self.taken_at(self.bottom, top)


def taken_from(deque: Deque, pops: int, thieves: int) -> str:
    """Return who took what: the owner's items, and behind a bar those that thieves stole."""
    stolen: list[str | None] = [None] * thieves

    def steal(number: int) -> None:
        stolen[number] = deque.steal()

    threads = [threading.Thread(target=steal, args=(number,)) for number in range(thieves)]
    for thread in threads:
        thread.start()
    popped = [deque.pop() for _ in range(pops)]
    for thread in threads:
        thread.join()
    taken = [item for item in [*popped, *stolen] if item is not None]
    assert len(taken) == len(set(taken)), "an item was taken twice"
    return "".join(item or "-" for item in [*popped, "|", *stolen])


@model(outcomes=["a|-", "-|a"], failures=["assertion"])
def last_item_taken_twice() -> str:
    """One item, its owner, and a thief: both may get it."""
    return taken_from(Deque(["a"]), pops=1, thieves=1)


@model(outcomes=["a|-", "-|a"])
def last_item_taken_once() -> str:
    """One item, its owner, and a thief: one of them gets it."""
    return taken_from(CarefulDeque(["a"]), pops=1, thieves=1)


@model(outcomes=["ba|--", "b-|a-", "b-|-a", "--|ab", "--|ba"])
def each_item_taken_once() -> str:
    """Two items, their owner, and two thieves: nothing is lost, and nothing is taken twice."""
    return taken_from(CarefulDeque(["a", "b"]), pops=2, thieves=2)


@model(outcomes=["b|a-", "b|-a", "-|ab", "-|ba"], failures=["assertion"])
def owner_looks_too_early() -> str:
    """Two items, their owner, and two thieves: the second item may go to a thief and the owner."""
    return taken_from(HastyDeque(["a", "b"]), pops=1, thieves=2)


if __name__ == "__main__":
    for program in (last_item_taken_once, each_item_taken_once):
        print(program.__name__, program())
