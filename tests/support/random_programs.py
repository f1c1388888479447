"""Random programs over every operation of every primitive, as data that can be run and shrunk.

A program is a tuple of threads; a thread is a flag (daemon) and a tuple of steps; a step is the
name of an operation below and an argument. Each thread keeps what it saw to itself; the program
returns it all.
"""

import queue
import threading
import time
from concurrent.futures import (
    FIRST_COMPLETED,
    FIRST_EXCEPTION,
    CancelledError,
    Future,
    InvalidStateError,
    ThreadPoolExecutor,
    as_completed,
    wait,
)

import cells

import interleave


class World:
    """The objects that a program shares: made by main before any thread, at most two of a kind."""

    def __init__(self, family):
        make = FAMILIES[family][0]
        self.items = make()
        self.threads = []


class Boom(Exception):
    """What the step `fail` raises."""


def _locks():
    return {"lock": [threading.Lock(), threading.Lock()], "rlock": [threading.RLock()]}


def _conditions():
    return {
        "condition": [threading.Condition(), threading.Condition(threading.Lock())],
        "flag": [cells.Cell()],
    }


def _events():
    return {"event": [threading.Event(), threading.Event()]}


def _semaphores():
    return {
        "semaphore": [threading.Semaphore(1), threading.Semaphore(0)],
        "bounded": [threading.BoundedSemaphore(1)],
    }


def _barriers():
    return {"barrier": [threading.Barrier(2), threading.Barrier(1)]}


def _queues():
    return {
        "queue": [queue.Queue(1), queue.Queue()],
        "other": [queue.LifoQueue(2), queue.PriorityQueue(), queue.SimpleQueue()],
    }


def _futures():
    return {"future": [Future(), Future()], "pool": []}


def _memory():
    cells.write_shared(0)  # it lives on from one execution to the next
    return {"cell": [cells.Cell(), cells.Cell()], "mapping": [{}], "list": [[]]}


def _lists():
    return {"items": [[0, 0]]}


def _times():
    return {
        **_events(),
        "lock": [threading.Lock()],
        "condition": [threading.Condition()],
        "semaphore": [threading.Semaphore(0)],
        "queue": [queue.Queue(1)],
        "future": [Future()],
        "barrier": [threading.Barrier(2)],
        "cell": [cells.Cell()],
    }


def _threads():
    return {}


def _pick(world, kind, index):
    items = world.items[kind]
    return items[index % len(items)]


def _with_condition(world, index, act):
    condition = _pick(world, "condition", index)
    with condition:
        return act(condition)


def _pool(world):
    if not world.items["pool"]:
        world.items["pool"].append(ThreadPoolExecutor(1))
    return world.items["pool"][0]


def _fail(_world, _index):
    raise Boom


def _spawn(world, index):
    thread = threading.Thread(target=_perform, args=(world, (("touch", index),), []))
    thread.start()
    return world


STEPS = {
    # locks
    "acquire": lambda w, a: _pick(w, "lock", a).acquire(),
    "release": lambda w, a: _pick(w, "lock", a).release(),
    "try": lambda w, a: _pick(w, "lock", a).acquire(blocking=False),
    "timed": lambda w, a: _pick(w, "lock", a).acquire(timeout=1 + a),
    "locked": lambda w, a: _pick(w, "lock", a).locked(),
    "renter": lambda w, a: _pick(w, "rlock", a).acquire(),
    "rtry": lambda w, a: _pick(w, "rlock", a).acquire(blocking=False),
    "rtimed": lambda w, a: _pick(w, "rlock", a).acquire(timeout=1),
    "rleave": lambda w, a: _pick(w, "rlock", a).release(),
    # conditions
    "wait": lambda w, a: _with_condition(w, a, lambda c: c.wait()),
    "wait_timed": lambda w, a: _with_condition(w, a, lambda c: c.wait(1)),
    "wait_for": lambda w, a: _with_condition(
        w, a, lambda c: c.wait_for(lambda: cells.read(w.items["flag"][0]), 2)
    ),
    "notify": lambda w, a: _with_condition(w, a, lambda c: c.notify()),
    "notify_all": lambda w, a: _with_condition(w, a, lambda c: c.notify_all()),
    "notify_bare": lambda w, a: _pick(w, "condition", a).notify(),
    "raise_flag": lambda w, a: cells.write(w.items["flag"][0], 1),
    # events
    "set": lambda w, a: _pick(w, "event", a).set(),
    "clear": lambda w, a: _pick(w, "event", a).clear(),
    "is_set": lambda w, a: _pick(w, "event", a).is_set(),
    "wait_event": lambda w, a: _pick(w, "event", a).wait(),
    "wait_event_timed": lambda w, a: _pick(w, "event", a).wait(1 + a),
    # semaphores
    "down": lambda w, a: _pick(w, "semaphore", a).acquire(),
    "down_try": lambda w, a: _pick(w, "semaphore", a).acquire(blocking=False),
    "down_timed": lambda w, a: _pick(w, "semaphore", a).acquire(timeout=1),
    "up": lambda w, a: _pick(w, "semaphore", a).release(1 + a),
    "bounded_down": lambda w, a: _pick(w, "bounded", a).acquire(timeout=1),
    "bounded_up": lambda w, a: _pick(w, "bounded", a).release(),
    # barriers
    "meet": lambda w, a: _pick(w, "barrier", a).wait(),
    "meet_timed": lambda w, a: _pick(w, "barrier", a).wait(1),
    "abort": lambda w, a: _pick(w, "barrier", a).abort(),
    "reset": lambda w, a: _pick(w, "barrier", a).reset(),
    "n_waiting": lambda w, a: _pick(w, "barrier", a).n_waiting,
    "broken": lambda w, a: _pick(w, "barrier", a).broken,
    # queues
    "put": lambda w, a: _pick(w, "queue", a).put(a),
    "put_try": lambda w, a: _pick(w, "queue", a).put_nowait(a),
    "put_timed": lambda w, a: _pick(w, "queue", a).put(a, timeout=1),
    "get": lambda w, a: _pick(w, "queue", a).get(),
    "get_try": lambda w, a: _pick(w, "queue", a).get_nowait(),
    "get_timed": lambda w, a: _pick(w, "queue", a).get(timeout=1),
    "size": lambda w, a: _pick(w, "queue", a).qsize(),
    "empty": lambda w, a: _pick(w, "queue", a).empty(),
    "full": lambda w, a: _pick(w, "queue", a).full(),
    "task_done": lambda w, a: _pick(w, "queue", a).task_done(),
    "join_queue": lambda w, a: _pick(w, "queue", a).join(),
    "other_put": lambda w, a: _pick(w, "other", a).put(a, block=False),
    "other_get": lambda w, a: _pick(w, "other", a).get(block=False),
    "other_size": lambda w, a: _pick(w, "other", a).qsize(),
    # futures
    "result": lambda w, a: _pick(w, "future", a).result(),
    "result_timed": lambda w, a: _pick(w, "future", a).result(timeout=1),
    "set_result": lambda w, a: _pick(w, "future", a).set_result(a),
    "set_exception": lambda w, a: _pick(w, "future", a).set_exception(Boom()),
    "cancel": lambda w, a: _pick(w, "future", a).cancel(),
    "done": lambda w, a: _pick(w, "future", a).done(),
    "running": lambda w, a: _pick(w, "future", a).running(),
    "run": lambda w, a: _pick(w, "future", a).set_running_or_notify_cancel(),
    "callback": lambda w, a: _pick(w, "future", a).add_done_callback(lambda f: None),
    "wait_all": lambda w, a: _told(w, wait(w.items["future"], timeout=1)),
    "wait_first": lambda w, a: _told(w, wait(w.items["future"], return_when=FIRST_COMPLETED)),
    "wait_error": lambda w, a: _told(
        w, wait(w.items["future"], timeout=1, return_when=FIRST_EXCEPTION)
    ),
    "next_done": lambda w, a: w.items["future"].index(next(as_completed(w.items["future"]))),
    "all_done": lambda w, a: [
        w.items["future"].index(f) for f in as_completed(w.items["future"], timeout=2)
    ],
    "submit": lambda w, a: _pool(w).submit(lambda: a).done(),
    # memory
    "read": lambda w, a: cells.read(_pick(w, "cell", a)),
    "write": lambda w, a: cells.write(_pick(w, "cell", a), a + 1),
    "add": lambda w, a: cells.add(_pick(w, "cell", a), 1),
    "read_shared": lambda w, a: cells.read_shared(),
    "write_shared": lambda w, a: cells.write_shared(a + 1),
    "put_key": lambda w, a: cells.put_key(w.items["mapping"][0], a, a),
    "pop_key": lambda w, a: cells.pop_key(w.items["mapping"][0], a),
    "get_key": lambda w, a: cells.get_key(w.items["mapping"][0], a),
    "count_keys": lambda w, a: cells.count_keys(w.items["mapping"][0]),
    "append": lambda w, a: cells.append(w.items["list"][0], a),
    "length": lambda w, a: cells.length(w.items["list"][0]),
    "get_item": lambda w, a: cells.get_item(w.items["items"][0], a),
    "put_item": lambda w, a: cells.put_item(w.items["items"][0], a, 1),
    "get_last": lambda w, a: cells.get_last(w.items["items"][0]),
    "put_last": lambda w, a: cells.put_last(w.items["items"][0], 2),
    "append_item": lambda w, a: cells.append(w.items["items"][0], 3),
    "pop_last": lambda w, a: cells.pop_last(w.items["items"][0]),
    "insert_first": lambda w, a: cells.insert_first(w.items["items"][0], 4),
    "delete_first": lambda w, a: cells.delete_first(w.items["items"][0]),
    "holds": lambda w, a: cells.holds(w.items["items"][0], a),
    "total": lambda w, a: cells.total(w.items["items"][0]),
    "spread": lambda w, a: cells.spread(w.items["items"][0]),
    "each": lambda w, a: cells.iterate(w.items["items"][0]),
    "size_of_items": lambda w, a: cells.length(w.items["items"][0]),
    # deadlines, some of them equal, and looks at the clock
    "nap": lambda w, a: time.sleep(1 + a),
    "rest": lambda w, a: time.sleep(3 - a),
    "now": lambda w, a: time.monotonic(),
    "await_soon": lambda w, a: _pick(w, "event", a).wait(1),
    "await_long": lambda w, a: _pick(w, "event", a).wait(2),
    "timed_long": lambda w, a: _pick(w, "lock", a).acquire(timeout=2),
    "wait_long": lambda w, a: _with_condition(w, a, lambda c: c.wait(2)),
    "notify_nap": lambda w, a: _with_condition(w, a, lambda c: (c.notify(), time.sleep(2))),
    "down_long": lambda w, a: _pick(w, "semaphore", a).acquire(timeout=1 + a),
    "up_one": lambda w, a: _pick(w, "semaphore", a).release(),
    "put_long": lambda w, a: _pick(w, "queue", a).put(a, timeout=2 - a),
    "get_long": lambda w, a: _pick(w, "queue", a).get(timeout=2 - a),
    "result_long": lambda w, a: _pick(w, "future", a).result(timeout=1 + a),
    "meet_long": lambda w, a: _pick(w, "barrier", a).wait(1 + a),
    "join_long": lambda w, a: w.threads[a % len(w.threads)].join(2),
    "join_main": lambda w, a: threading.main_thread().join(1 + a),
    # threads and the rest, for every program
    "alive": lambda w, a: w.threads[a % len(w.threads)].is_alive(),
    "join": lambda w, a: w.threads[a % len(w.threads)].join(),
    "join_timed": lambda w, a: w.threads[a % len(w.threads)].join(1),
    "main_alive": lambda w, a: threading.main_thread().is_alive(),
    "count": lambda w, a: threading.active_count(),
    "sleep": lambda w, a: time.sleep(a),
    "choose": lambda w, a: interleave.choose(range(1 + a)),
    "fail": _fail,
    "spawn": _spawn,
}


def _told(world, sets):
    return [[index for index, f in enumerate(world.items["future"]) if f in part] for part in sets]


EVERYWHERE = (
    "alive",
    "join",
    "join_timed",
    "main_alive",
    "count",
    "sleep",
    "choose",
    "fail",
    "spawn",
)

FAMILIES = {
    "locks": (
        _locks,
        ("acquire", "release", "try", "timed", "locked", "renter", "rtry", "rtimed", "rleave"),
    ),
    "conditions": (
        _conditions,
        ("wait", "wait_timed", "wait_for", "notify", "notify_all", "notify_bare", "raise_flag"),
    ),
    "events": (_events, ("set", "clear", "is_set", "wait_event", "wait_event_timed")),
    "semaphores": (
        _semaphores,
        ("down", "down_try", "down_timed", "up", "bounded_down", "bounded_up"),
    ),
    "barriers": (_barriers, ("meet", "meet_timed", "abort", "reset", "n_waiting", "broken")),
    "queues": (
        _queues,
        (
            *(
                "put",
                "put_try",
                "put_timed",
                "get",
                "get_try",
                "get_timed",
                "size",
                "empty",
                "full",
            ),
            *("task_done", "join_queue", "other_put", "other_get", "other_size"),
        ),
    ),
    "futures": (
        _futures,
        (
            *("result", "result_timed", "set_result", "set_exception", "cancel", "done", "running"),
            *("run", "callback", "wait_all", "wait_first", "wait_error", "next_done", "all_done"),
            "submit",
        ),
    ),
    "memory": (
        _memory,
        (
            *("read", "write", "add", "put_key", "pop_key", "get_key", "count_keys", "append"),
            *("length", "read_shared", "write_shared"),
        ),
    ),
    "lists": (
        _lists,
        (
            *("get_item", "get_item", "put_item", "put_item", "get_last", "put_last"),
            *("append_item", "pop_last", "insert_first", "delete_first", "holds", "total"),
            *("spread", "each", "size_of_items"),
        ),
    ),
    "threads": (_threads, ()),
    "times": (
        _times,
        (
            *("nap", "nap", "rest", "now", "now", "set", "clear", "await_soon", "await_long"),
            *("timed_long", "acquire", "release", "wait_long", "notify", "down_long", "up_one"),
            *("notify_nap", "put_long", "get_long", "result_long", "set_result", "meet_long"),
            *("join_long", "join_main", "write", "read"),
        ),
    ),
}

CAUGHT = (
    RuntimeError,
    ValueError,
    queue.Empty,
    queue.Full,
    threading.BrokenBarrierError,
    CancelledError,
    InvalidStateError,
    TimeoutError,
    ZeroDivisionError,
    IndexError,
)


def _perform(world, steps, seen):
    for name, argument in steps:
        if name == "touch":
            continue
        try:
            value = STEPS[name](world, argument)
        except CAUGHT as error:
            value = type(error).__name__
        seen.append(None if isinstance(value, World) else value)


def program_of(family, threads):
    """Return the program that a description means."""

    def program():
        world = World(family)
        seen = [[] for _ in threads]
        for index, (daemon, steps) in enumerate(threads[1:], start=1):
            world.threads.append(
                threading.Thread(target=_perform, args=(world, steps, seen[index]), daemon=daemon)
            )
        if not world.threads:
            world.threads.append(threading.current_thread())
        for thread in world.threads:
            if thread is not threading.current_thread():
                thread.start()
        _perform(world, threads[0][1], seen[0])
        if not any(daemon for daemon, _ in threads):
            for thread in world.threads:
                if thread is not threading.current_thread():
                    thread.join()
            return repr(seen)
        return repr(seen[0])

    return program


def random_program(source, family):
    """Draw the threads of a program from a `random.Random`."""
    own = FAMILIES[family][1]
    count = source.choice([2, 2, 3])
    threads = []
    for index in range(count):
        steps = []
        for _ in range(source.randint(1, 4 if count == 2 else 3)):
            names = own if own and source.random() < 0.85 else EVERYWHERE
            steps.append((source.choice(names), source.randint(0, 1)))
        threads.append((index > 0 and source.random() < 0.15, tuple(steps)))
    return tuple(threads)
