"""Small programs over all that is simulated, to be run on simulated and on real threads.

Each is a plain function that builds its state, starts its threads, waits for them, and returns
what they saw. None can deadlock or leaves a thread behind: on real threads that would stay.
"""

import collections
import itertools
import queue
import sys
import threading
import time
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor

PROGRAMS = []


def program(function):
    """Put a function into the corpus."""
    PROGRAMS.append(function)
    return function


def together(*targets):
    """Run functions in threads of their own; return what each returned or raised."""
    seen = [None] * len(targets)

    def run(index, target):
        seen[index] = attempt(target)

    threads = [
        threading.Thread(target=run, args=(index, target)) for index, target in enumerate(targets)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return tuple(seen)


def attempt(function, *args):
    """Return what a function returns, or the name of what it raises."""
    try:
        return function(*args)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is an outcome
        return type(error).__name__


class Box:
    """Something with an attribute."""

    def __init__(self):
        self.n = 0


class Slotted:
    """Something with a slot."""

    __slots__ = ("n",)


class Watched:
    """Something whose attribute is code."""

    def __init__(self):
        self._n = 0

    @property
    def n(self):
        return self._n

    @n.setter
    def n(self, value):
        self._n = value


TALLY = 0


# -- plain memory --------------------------------------------------------------------------------


@program
def attribute_update():
    box = Box()

    def add():
        box.n += 1

    together(add, add)
    return box.n


@program
def attribute_update_by_call():
    box = Box()

    def add():
        box.n = int(box.n) + 1

    together(add, add)
    return box.n


@program
def attribute_deleted():
    box = Box()

    def drop():
        del box.n

    return together(drop, drop, lambda: box.n)


@program
def attribute_by_name():
    box = Box()
    return together(
        lambda: setattr(box, "m", 1), lambda: hasattr(box, "m"), lambda: getattr(box, "m", 0)
    )


@program
def attributes_in_two_orders():
    box = Box()
    box.m = 0

    def write():
        box.n = 1
        box.m = 1

    return together(write, lambda: (box.m, box.n))


@program
def slot_of_an_object():
    box = Slotted()

    def write():
        box.n = 1

    return together(write, lambda: box.n)


@program
def property_update():
    box = Watched()

    def add():
        box.n += 1

    together(add, add)
    return box.n


@program
def attribute_of_a_class():
    class Shared:
        n = 0

    def add():
        Shared.n += 1

    together(add, add)
    return Shared.n


@program
def global_update():
    global TALLY
    TALLY = 0

    def add():
        global TALLY
        TALLY += 1

    together(add, add)
    return TALLY


@program
def captured_update():
    tally = 0

    def add():
        nonlocal tally
        tally += 1

    together(add, add)
    return tally


@program
def dict_item_update():
    counts = {"a": 0}

    def add():
        counts["a"] += 1

    together(add, add)
    return counts


@program
def dict_check_then_act():
    found, made = {}, []

    def load(who):
        if "key" not in found:
            made.append(who)
            found["key"] = who

    together(lambda: load(1), lambda: load(2))
    return found["key"], sorted(made)


@program
def dict_setdefault_and_pop():
    found = {}
    return (
        *together(
            lambda: found.setdefault("a", 1),
            lambda: found.setdefault("a", 2),
            lambda: found.pop("a"),
        ),
        found,
    )


@program
def dict_changed_while_read():
    found = {"a": 1}

    def read():
        return [key for key in found]  # noqa: C416 - a loop is what is meant

    return together(read, lambda: found.__setitem__("b", 2))


@program
def dict_views():
    found = {"a": 1}
    return together(
        lambda: found.update(b=2), lambda: (len(found), list(found), sorted(found.values()))
    )


@program
def dict_of_defaults():
    found = collections.defaultdict(list)
    together(lambda: found["a"].append(1), lambda: found["a"].append(2))
    return dict(found)


@program
def list_order():
    items = []
    together(lambda: items.append(1), lambda: items.append(2), lambda: items.append(3))
    return items


@program
def list_pop_and_length():
    items = [1]

    def take():
        return items.pop() if items else None

    return together(take, take)


@program
def list_grows_while_read():
    items = [1]

    def grow():
        items.append(2)
        items.append(3)

    return together(grow, lambda: [item for item in items])  # noqa: C416 - a loop


@program
def list_operations():
    items = [2, 1]
    return (*together(items.sort, lambda: items.extend([0]), lambda: sum(items)), items)


@program
def list_slices():
    items = [1, 2]

    def change():
        items[:] = [3]

    return (*together(change, lambda: items[-1], lambda: items.insert(0, 9)), items)


@program
def set_members():
    found = set()
    return together(lambda: found.add(1), lambda: 1 in found, lambda: len(found))


@program
def deque_ends():
    items = collections.deque([1, 2])
    return together(items.popleft, items.pop, lambda: len(items))


@program
def counter_of_itertools():
    numbers = itertools.count()
    return together(lambda: next(numbers), lambda: next(numbers))


@program
def shared_iterator():
    numbers = iter([1, 2, 3])

    def take():
        return list(itertools.islice(numbers, 2))

    return together(take, take)


@program
def shared_generator():
    box = Box()

    def numbers():
        for number in range(2):
            box.n = number
            yield number

    shared = numbers()
    return together(lambda: next(shared), lambda: next(shared))


@program
def shared_iterator_in_a_loop():
    numbers = iter([1, 2])
    return together(
        lambda: [number for number in itertools.islice(numbers, 1)],  # noqa: C416 - a loop
        lambda: next(numbers),
    )


@program
def shared_iterator_below_others():
    numbers = iter([1, 2])
    return together(
        lambda: list(map(str, zip(numbers, numbers, strict=False))), lambda: next(numbers)
    )


# -- locks ---------------------------------------------------------------------------------------


@program
def lock_protects():
    box, lock = Box(), threading.Lock()

    def add():
        with lock:
            box.n += 1

    together(add, add)
    return box.n


@program
def lock_between_read_and_write():
    box, lock = Box(), threading.Lock()

    def add():
        seen = box.n
        with lock:
            box.n = seen + 1

    together(add, add)
    return box.n


@program
def lock_tried():
    lock = threading.Lock()

    def take():
        if not lock.acquire(blocking=False):
            return False
        lock.release()
        return True

    return together(take, take)


@program
def lock_with_timeout():
    lock = threading.Lock()

    def take():
        if not lock.acquire(timeout=0.0002):
            return False
        lock.release()
        return True

    return together(take, take)


@program
def lock_looked_at():
    lock = threading.Lock()

    def take():
        with lock:
            return lock.locked()

    return together(take, lock.locked)


@program
def lock_given_back_by_another():
    lock = threading.Lock()
    lock.acquire()
    return (*together(lock.release, lock.release), lock.locked())


@program
def rlock_again():
    box, lock = Box(), threading.RLock()

    def add():
        with lock, lock:
            box.n += 1
            return box.n

    return together(add, add)


@program
def rlock_of_another():
    lock = threading.RLock()

    def hold():
        with lock:
            return True

    def take():
        if not lock.acquire(blocking=False):
            return False
        lock.release()
        return True

    return together(hold, lock.release, take)


# -- conditions ----------------------------------------------------------------------------------


@program
def condition_with_a_flag():
    box, ready = Box(), threading.Condition()

    def wait():
        with ready:
            while not box.n:
                ready.wait()
            return box.n

    def tell():
        with ready:
            box.n = 1
            ready.notify()

    return together(wait, tell)


@program
def condition_with_a_timeout():
    ready = threading.Condition()

    def wait():
        with ready:
            return ready.wait(0.0002)

    def tell():
        with ready:
            ready.notify()

    return together(wait, tell)


@program
def condition_of_two_waiters():
    ready = threading.Condition()

    def wait():
        with ready:
            return ready.wait(0.0005)

    def tell():
        with ready:
            ready.notify()

    return together(wait, wait, tell)


@program
def condition_for_all():
    box, ready = Box(), threading.Condition(threading.Lock())

    def wait():
        with ready:
            return ready.wait_for(lambda: box.n, timeout=0.0005)

    def tell():
        with ready:
            box.n = 1
            ready.notify_all()

    return together(wait, tell)


@program
def condition_without_its_lock():
    ready = threading.Condition()
    return together(ready.notify, lambda: ready.wait(0.0001), ready.acquire)


# -- semaphores, events, barriers ----------------------------------------------------------------


@program
def semaphore_tried():
    places = threading.Semaphore(1)

    def take():
        if places.acquire(blocking=False):
            places.release()
            return True
        return False

    return together(take, take)


@program
def semaphore_with_timeout():
    places = threading.Semaphore(0)
    return together(lambda: places.acquire(timeout=0.0002), lambda: places.release(1))


@program
def semaphore_of_two():
    places, inside = threading.Semaphore(2), []

    def enter(who):
        with places:
            inside.append(who)
            return len(inside)

    return together(lambda: enter(1), lambda: enter(2))


@program
def semaphore_bounded():
    places = threading.BoundedSemaphore(1)

    def use():
        places.acquire()
        places.release()

    return together(use, places.release)


@program
def event_with_timeout():
    told = threading.Event()
    return together(lambda: told.wait(0.0002), told.set, told.is_set)


@program
def event_cleared():
    told = threading.Event()

    def toggle():
        told.set()
        told.clear()

    return (*together(toggle, lambda: told.wait(0.0002)), told.is_set())


@program
def barrier_of_two():
    meeting = threading.Barrier(2)
    return together(meeting.wait, meeting.wait)


@program
def barrier_with_an_action():
    done = []
    meeting = threading.Barrier(2, action=lambda: done.append(1))

    def arrive():
        meeting.wait()
        return len(done)

    return together(arrive, arrive)


@program
def barrier_with_a_timeout():
    meeting = threading.Barrier(2)
    return (*together(lambda: meeting.wait(0.0003), lambda: meeting.wait(0.0003)), meeting.broken)


@program
def barrier_aborted():
    meeting = threading.Barrier(2)
    return (*together(meeting.wait, meeting.wait, meeting.abort), meeting.broken)


@program
def barrier_looked_at():
    meeting = threading.Barrier(2)

    def arrive():
        meeting.wait()

    # The last one to arrive is counted a moment before it lets the others go: see the table of
    # what is simulated. Here only whether anybody waits is told.
    return together(arrive, arrive, lambda: min(meeting.n_waiting, 1))


# -- threads -------------------------------------------------------------------------------------


@program
def thread_life():
    thread = threading.Thread(target=int)
    before = thread.is_alive()
    thread.start()
    seen = thread.is_alive()
    thread.join()
    return before, seen, thread.is_alive()


@program
def thread_joined_with_timeout():
    box = Box()

    def run():
        box.n = 1

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(0.0001)
    seen = box.n, thread.is_alive()
    thread.join()
    return seen


if sys.version_info >= (3, 13):  # before, the second one may meet an assertion of CPython's own

    @program
    def thread_joined_by_two():
        box = Box()

        def run():
            box.n += 1

        thread = threading.Thread(target=run)
        thread.start()

        def join():
            thread.join()
            return box.n, thread.is_alive()

        return together(join, join)


@program
def threads_counted():
    before = threading.active_count()
    return together(
        lambda: threading.active_count() - before, lambda: threading.active_count() - before
    )


@program
def thread_locals():
    local = threading.local()

    def use(value):
        local.value = value
        return local.value

    return (*together(lambda: use(1), lambda: use(2)), hasattr(local, "value"))


@program
def thread_starts_thread():
    box = Box()

    def child():
        box.n += 1

    def parent():
        thread = threading.Thread(target=child)
        thread.start()
        box.n += 2
        thread.join()

    together(parent, child)
    return box.n


@program
def timer_cancelled():
    fired = []
    timer = threading.Timer(0.0001, lambda: fired.append(1))
    timer.start()
    timer.cancel()
    seen = len(fired)
    timer.join()
    return seen, len(fired)


@program
def timer_and_thread():
    box = Box()
    timer = threading.Timer(0.0001, lambda: setattr(box, "n", 1))
    timer.start()
    seen = together(lambda: box.n)
    timer.join()
    return (*seen, box.n)


@program
def sleepers():
    items = []

    def nap(seconds, who):
        time.sleep(seconds)
        items.append(who)

    together(lambda: nap(0.0001, 1), lambda: nap(0.0002, 2))
    return items


@program
def clock_runs_forward():
    def look():
        first = time.monotonic()
        time.sleep(0.0001)
        return time.monotonic() >= first + 0.0001

    return together(look, look)


# -- queues --------------------------------------------------------------------------------------


def _queue_program(name, make):
    def order():
        items = make()
        together(lambda: items.put(2), lambda: items.put(1), lambda: items.put(3))
        return [items.get() for _ in range(3)]

    def nothing_there():
        items = make()
        return together(lambda: items.put(1), items.get_nowait, lambda: items.get(timeout=0.0002))

    def looked_at():
        items = make()
        return together(lambda: items.put(1), items.get, items.empty, items.qsize)

    for function in (order, nothing_there, looked_at):
        function.__name__ = f"{name}_{function.__name__}"
        program(function)


_queue_program("queue", queue.Queue)
_queue_program("last_in_first_out", queue.LifoQueue)
_queue_program("by_priority", queue.PriorityQueue)
_queue_program("simple_queue", queue.SimpleQueue)


@program
def queue_full():
    items = queue.Queue(1)
    return (
        *together(lambda: items.put_nowait(1), lambda: items.put_nowait(2), items.full),
        items.qsize(),
    )


@program
def queue_with_timeouts():
    items = queue.Queue(1)
    items.put(0)
    return together(lambda: items.put(1, timeout=0.0002), lambda: items.get(timeout=0.0002))


@program
def queue_handed_over():
    items = queue.Queue(1)

    def produce():
        for number in range(2):
            items.put(number)

    return together(produce, lambda: [items.get() for _ in range(2)])


@program
def queue_joined():
    items, box = queue.Queue(), Box()
    items.put(1)

    def work():
        items.get()
        box.n = 1
        items.task_done()

    def wait():
        items.join()
        return box.n

    return together(work, wait)


if sys.version_info >= (3, 13):

    @program
    def queue_shut_down():
        items = queue.Queue(1)
        return together(lambda: items.put(1), items.get, items.shutdown)

    @program
    def queue_shut_down_at_once():
        items = queue.Queue()
        return together(
            lambda: items.put(1), items.get_nowait, lambda: items.shutdown(immediate=True)
        )


# -- futures -------------------------------------------------------------------------------------


@program
def pool_order():
    done = []
    with ThreadPoolExecutor(2) as pool:
        pool.submit(done.append, 1)
        pool.submit(done.append, 2)
    return done


@program
def pool_map():
    box = Box()

    def add(number):
        box.n += number
        return box.n

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(add, [1, 2]))


@program
def future_cancelled():
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(int)
        second = pool.submit(int)
        stopped = second.cancel(), first.cancel()
    return stopped, second.cancelled(), first.cancelled()


@program
def future_states():
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(int)
        seen = future.running(), future.done()
    return seen, future.done()


@program
def future_with_timeout():
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(int, 7)
        return attempt(future.result, 0.0001), future.result()


@program
def future_with_callbacks():
    told = []
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(told.append, "work")
        future.add_done_callback(lambda _: told.append("one"))
        told.append("main")
    return told


@program
def futures_first_completed():
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(int, number) for number in range(2)]
        done, _ = futures.wait(both, return_when=futures.FIRST_COMPLETED)
        return sorted(future.result() for future in done)


@program
def futures_as_completed():
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(int, number) for number in range(2)]
        return [future.result() for future in futures.as_completed(both)]


@program
def futures_that_fail():
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(int, "x"), pool.submit(int, 1)]
        done, rest = futures.wait(both, return_when=futures.FIRST_EXCEPTION)
        seen = len(done), len(rest)
    return seen, type(both[0].exception()).__name__, both[1].result()


@program
def future_set_by_two():
    future = futures.Future()
    return (
        *together(lambda: future.set_result(1), lambda: future.set_result(2), future.cancel),
        future.cancelled() or future.result(),
    )


@program
def pool_shut_down():
    pool = ThreadPoolExecutor(1)
    pool.submit(int)
    second = pool.submit(int)
    pool.shutdown(cancel_futures=True)
    return second.cancelled(), attempt(pool.submit, int)


@program
def pool_used_by_two():
    with ThreadPoolExecutor(1) as pool:
        order = []
        together(
            lambda: pool.submit(order.append, 1).result(),
            lambda: pool.submit(order.append, 2).result(),
        )
    return order
