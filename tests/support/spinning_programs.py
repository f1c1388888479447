"""Programs whose threads wait in loops of many forms, for comparing the rule on such loops.

A thread is a tuple of names of the functions below; each gets the shared place and adds to the
thread's notes what it has seen. What a program returns is the notes of all and what is left.
"""

import itertools
import threading
import time
from queue import Empty, Queue


class Place:
    """What the threads share."""

    def __init__(self):
        self.x = self.y = 0
        self.tries = 0
        self.lock = threading.Lock()
        self.event = threading.Event()
        self.queue = Queue()
        self.again = threading.RLock()


# -- loops that only wait -------------------------------------------------------------------------


def until_x(place, notes):
    while not place.x:
        pass


def until_x_that_is_looked_at_twice(place, notes):
    while True:
        if place.x:
            break
        ready(place)


def until_x_sleeping(place, notes):
    while not place.x:
        time.sleep(0.01)


def until_y_of_two(place, notes):
    while place.x != 1 or place.y != 1:
        time.sleep(0)


def until_either(place, notes):
    while True:
        x, y = place.x, place.y
        if x or y:
            break
    notes.append((x, y))


def until_set(place, notes):
    while not place.event.is_set():
        time.sleep(0.01)


def until_waited(place, notes):
    while not place.event.wait(0.1):
        pass
    notes.append(place.x)


def until_taken(place, notes):
    while not place.lock.acquire(blocking=False):
        pass
    place.y += 1
    place.lock.release()


def until_got(place, notes):
    while True:
        try:
            got = place.queue.get_nowait()
            break
        except Empty:
            time.sleep(0.01)
    notes.append(got)


def until_got_in_time(place, notes):
    while True:
        try:
            notes.append(place.queue.get(timeout=0.1))
            return
        except Empty:
            continue


def until_any(place, notes):
    while not any(value for value in (place.x, place.y)):
        pass
    notes.append(place.y)


def until_listed(place, notes):
    while True:
        seen = 0
        for name in ("x", "y"):
            if getattr(place, name):
                seen += 1
        if seen:
            break
    notes.append(seen)


def until_x_locked(place, notes):
    while True:
        with place.lock:
            if place.x:
                break
    notes.append(place.y)


def until_y_in_two_locks(place, notes):
    while True:
        with place.lock, place.again:
            y = place.y
        if y:
            break
        time.sleep(0.1)


def ready(place):
    return place.x > 0


def until_ready(place, notes):
    while not ready(place):
        if place.y:
            notes.append("y")
            break


# -- loops that look like it, and end by themselves ----------------------------------------------


def thrice_in_for(place, notes):
    for _ in [None] * 2:
        if place.x:
            notes.append("found")
            return
    notes.append("gave up")


def thrice_counted(place, notes):
    left = 2
    while left and not place.x:
        left -= 1
    notes.append(left)


def thrice_listed(place, notes):
    tries = []
    while len(tries) < 2 and not place.x:
        tries.append(None)
    notes.append(len(tries))


def thrice_iterated(place, notes):
    steps = itertools.repeat(None, 2)
    while not place.x:
        for _ in steps:
            break
        else:
            notes.append("gave up")
            break


def thrice_next(place, notes):
    steps = iter([1, 1])
    while not place.x and next(steps, None):
        pass
    notes.append(place.y)


def _steps():
    yield 1
    yield 1


def thrice_generated(place, notes):
    steps = _steps()
    while not place.x and next(steps, None):
        pass
    notes.append(place.y)


def thrice_gone_through(place, notes):
    steps = _steps()
    while not place.x:
        for _ in steps:
            break
        else:
            notes.append("gave up")
            break


def thrice_any(place, notes):
    steps = (step for step in (1, 1))
    while not place.x and any(steps):
        pass
    notes.append(place.y)


def for_around_while(place, notes):
    for _ in [None] * 2:
        while not place.x:
            if not place.y:
                break
    notes.append("over")


def _tries(place):
    while not place.x:
        yield place.y


def out_of_generator(place, notes):
    for _, y in zip(range(2), _tries(place), strict=False):
        if y:
            notes.append("y")
            break
    notes.append("over")


def attribute_counted(place, notes):
    mine = threading.local()
    mine.left = 2
    while mine.left and not place.x:
        mine.left -= 1
    notes.append(mine.left)


def attribute_set(place, notes):
    mine = threading.local()
    mine.left = 2
    while mine.left and not place.x:
        setattr(mine, "left", mine.left - 1)  # noqa: B010 - the function is what is tried
    notes.append(mine.left)


def attribute_deleted(place, notes):
    mine = threading.local()
    mine.one = mine.other = 1
    while not place.x and (hasattr(mine, "one") or hasattr(mine, "other")):
        if hasattr(mine, "one"):
            del mine.one
        else:
            del mine.other
    notes.append(sorted(vars(mine)))


def _fail():
    raise ValueError


def caught(place, notes):
    for _ in [None] * 2:
        try:
            _fail()
        except ValueError:
            pass
        if place.x:
            notes.append("found")
            return
    notes.append("gave up")


def deeper(place, notes, left=2):
    while not place.x:
        if left:
            deeper(place, notes, left - 1)
        break
    notes.append(place.y)


def depth_counted(place, notes):
    count = 0
    while (
        place.again.acquire(blocking=False) and not place.x and place.again._recursion_count() < 3
    ):
        pass
    while place.again._is_owned():
        place.again.release()
        count += 1
    notes.append(count)


WAITS = {
    function.__name__: function
    for function in (
        *(until_x, until_x_sleeping, until_y_of_two, until_either, until_set, until_waited),
        *(until_taken, until_got, until_got_in_time, until_any, until_listed, until_ready),
        *(until_x_locked, until_y_in_two_locks, until_x_that_is_looked_at_twice),
    )
}
ENDS = {
    function.__name__: function
    for function in (
        *(thrice_in_for, thrice_counted, thrice_listed, thrice_iterated, thrice_next, caught),
        *(thrice_generated, thrice_gone_through, thrice_any, for_around_while, deeper),
        *(out_of_generator, attribute_counted, attribute_set, attribute_deleted, depth_counted),
    )
}

# -- what others do -------------------------------------------------------------------------------


def set_x(place, notes):
    place.x = 1


def clear_x(place, notes):
    place.x = 0


def set_y(place, notes):
    place.y = 1


def add_x(place, notes):
    place.x += 1


def read_y(place, notes):
    notes.append(place.y)


def set_event(place, notes):
    place.event.set()


def clear_event(place, notes):
    place.event.clear()


def put(place, notes):
    place.queue.put(1)


def hold_lock(place, notes):
    with place.lock:
        place.x = 1


def try_lock(place, notes):
    taken = place.lock.acquire(blocking=False)
    notes.append(taken)
    if taken:
        place.lock.release()


def try_lock_in_time(place, notes):
    taken = place.lock.acquire(timeout=1)
    notes.append(taken)
    if taken:
        place.y = 1
        place.lock.release()


def look_at_lock(place, notes):
    notes.append(place.lock.locked())


ACTS = {
    function.__name__: function
    for function in (
        *(set_x, clear_x, set_y, add_x, read_y, set_event, clear_event, put, hold_lock),
        *(try_lock, try_lock_in_time, look_at_lock),
    )
}

FUNCTIONS = {**WAITS, **ENDS, **ACTS}


def program_of(threads):
    """Return the program whose threads call these functions, given by their names."""

    def program():
        place = Place()
        notes = [[] for _ in threads]

        def run(names, mine):
            for name in names:
                FUNCTIONS[name](place, mine)

        # Main is the first thread itself: that makes for fewer schedules.
        started = [
            threading.Thread(target=run, args=item)
            for item in zip(threads[1:], notes[1:], strict=True)
        ]
        for thread in started:
            thread.start()
        run(threads[0], notes[0])
        for thread in started:
            thread.join()
        return notes, place.x, place.y

    return program
