"""Programs whose faults are well known: how deep they are, and how many preemptions they need."""

import threading

from side_by_side import in_threads


class Cell:
    def __init__(self, value=0):
        self.value = value


def embrace():
    """Two locks, taken in two orders: a deadlock."""
    one, other = threading.Lock(), threading.Lock()

    def taking(first, second):
        def body():
            with first, second:
                pass

        return body

    in_threads(taking(one, other), taking(other, one))


def philosophers():
    """Four philosophers, each with a fork on the left and one on the right."""
    forks = [threading.Lock() for _ in range(4)]

    def philosopher(number):
        def dine():
            with forks[number], forks[(number + 1) % 4]:
                pass

        return dine

    in_threads(*(philosopher(number) for number in range(4)))


def lost_update():
    """Two threads count up."""
    cell = Cell()

    def update():
        cell.value += 1

    in_threads(update, update)
    assert cell.value == 2


def lost_updates():
    """Two threads count up twice, and half of it is lost."""
    cell = Cell()

    def update():
        cell.value += 1
        cell.value += 1

    in_threads(update, update)
    assert cell.value > 2


def two_stage():
    """Data under one lock, and a copy under another: a reader between the two is wrong."""
    first, second = threading.Lock(), threading.Lock()
    data, copy = Cell(), Cell()

    def write():
        with first:
            data.value = 1
        with second:
            copy.value = data.value + 1

    def read():
        with first:
            if data.value == 0:
                return
            seen = data.value
        with second:
            assert copy.value == seen + 1

    in_threads(write, write, read)


def reorder():
    """Three set a and then b, one looks at both: b must not be ahead of a."""
    a, b = Cell(), Cell()

    def put():
        a.value = 1
        b.value = -1

    def look():
        assert (a.value, b.value) in ((0, 0), (1, -1))

    in_threads(put, put, put, look)


def notified_too_early():
    """A signal that comes before anybody waits for it is lost: a deadlock."""
    condition = threading.Condition()
    ready = Cell(value=False)

    def wait():
        if not ready.value:
            with condition:
                condition.wait()

    def signal():
        ready.value = True
        with condition:
            condition.notify()

    in_threads(wait, signal)


def sold_out():
    """Three buyers look, then take: more is sold than there was."""
    stock, sold = Cell(1), []

    def buy():
        if stock.value > 0:
            stock.value -= 1
            sold.append(1)

    in_threads(buy, buy, buy)
    assert len(sold) == 1, len(sold)


FAULTS = (
    embrace,
    philosophers,
    lost_update,
    lost_updates,
    two_stage,
    reorder,
    notified_too_early,
    sold_out,
)


def philosophers_apart():
    """Five philosophers that all begin with the lower fork: no deadlock, and very many orders."""
    forks = [threading.Lock() for _ in range(5)]

    def philosopher(number):
        first, second = sorted((number, (number + 1) % 5))

        def dine():
            for _ in range(3):
                with forks[first], forks[second]:
                    pass

        return dine

    in_threads(*(philosopher(number) for number in range(5)))
