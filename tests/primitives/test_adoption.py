"""Unmodified programs: names bound, classes defined and objects made before the check."""

from __future__ import annotations

import functools
import importlib
import queue
import re
import threading
import weakref
from threading import Lock, Thread

import pytest

import interleave
from interleave import run_threads
from interleave.primitives import adoption
from interleave.primitives.installation import undo_all

HEAD = """
import threading, queue, time, functools, dataclasses, collections, types
from threading import Lock, Thread
from queue import Queue as Q
from time import sleep
import interleave
from interleave import run_threads

def excluded(lock):
    "How many of two threads are ever inside at once."
    inside = most = 0
    def enter():
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
            sleep(0)
            inside -= 1
    run_threads(enter, enter)
    return most
"""


# -- names and classes -------------------------------------------------------------------------


def test_names_imported_before_the_check_are_simulated(endings, module_of):
    module = module_of(
        HEAD
        + """
def program():
    lock, line, got = Lock(), Q(1), []
    def work():
        with lock:
            sleep(100_000)
            line.put("done")
    thread = Thread(target=work)
    thread.start()
    got.append(line.get())
    thread.join()
    return got[0], excluded(lock)
"""
    )
    assert endings(module.program) == {("done", 1)}


def test_a_queue_subclass_defined_before_the_check_works(endings, module_of):
    module = module_of(
        HEAD
        + """
class Pipeline(queue.Queue):
    def __init__(self):
        super().__init__(maxsize=1)
        self.guard = threading.Lock()
        self.moved = 0
    def set_message(self, message):
        self.put(message)
        with self.guard:
            self.moved += 1
    def get_message(self):
        value = self.get()
        with self.guard:
            self.moved += 1
        return value

def program():
    pipeline = Pipeline()
    got = []
    def produce():
        for n in range(2):
            pipeline.set_message(n)
    run_threads(produce, lambda: got.extend(pipeline.get_message() for _ in range(2)))
    return tuple(got), pipeline.moved, pipeline.qsize()
"""
    )
    assert endings(module.program) == {((0, 1), 4, 0)}


def test_a_thread_subclass_defined_before_the_check_works(endings, module_of):
    module = module_of(
        HEAD
        + """
class Worker(threading.Thread):
    def __init__(self, value):
        super().__init__(daemon=True)
        self.value = value
    def run(self):
        sleep(1)
        self.value += 1

def program():
    workers = [Worker(n) for n in range(2)]
    for worker in workers: worker.start()
    for worker in workers: worker.join()
    return tuple(worker.value for worker in workers)
"""
    )
    assert endings(module.program) == {(1, 2)}


def test_a_class_that_makes_its_lock_in_init_works(endings, module_of):
    module = module_of(
        HEAD
        + """
class SafeDict:
    def __init__(self):
        self._lock = threading.Lock()
        self._data = {}
    def increment(self, key):
        with self._lock:
            value = self._data.get(key, 0)
            sleep(0.1)
            self._data[key] = value + 1

def program():
    data = SafeDict()
    run_threads(lambda: data.increment("k"), lambda: data.increment("k"))
    return data._data["k"]
"""
    )
    assert endings(module.program) == {2}


# -- where a lock may hide ---------------------------------------------------------------------

PLACES = {
    "global": """
LOCK = Lock()
def lock(): return LOCK
""",
    "global RLock": """
LOCK = threading.RLock()
def lock(): return LOCK
""",
    "global condition": """
LOCK = threading.Condition()
def lock(): return LOCK
""",
    "global semaphore": """
LOCK = threading.Semaphore()
def lock(): return LOCK
""",
    "global bounded semaphore": """
LOCK = threading.BoundedSemaphore()
def lock(): return LOCK
""",
    "class attribute": """
class A:
    lock_ = Lock()
def lock(): return A.lock_
""",
    "inherited class attribute": """
class A:
    lock_ = Lock()
class B(A): pass
def lock(): return B().lock_
""",
    "instance attribute": """
class A:
    def __init__(self): self.lock_ = Lock()
HELD = A()
def lock(): return HELD.lock_
""",
    "slot": """
class A:
    __slots__ = ('lock_',)
    def __init__(self): self.lock_ = Lock()
HELD = A()
def lock(): return HELD.lock_
""",
    "private attribute": """
class A:
    def __init__(self): self.__lock = Lock()
    def lock(self): return self.__lock
HELD = A()
def lock(): return HELD.lock()
""",
    "instance in an instance": """
class A:
    def __init__(self): self.lock_ = Lock()
class B:
    def __init__(self): self.a = A()
HELD = B()
def lock(): return HELD.a.lock_
""",
    "closure": """
def make():
    held = Lock()
    return lambda: held
lock = make()
""",
    "decorated function": """
def locked(f):
    held = Lock()
    @functools.wraps(f)
    def inner(): return held
    return inner
@locked
def lock(): pass
""",
    "default argument": """
def lock(held=Lock()): return held
""",
    "keyword default": """
def lock(*, held=Lock()): return held
""",
    "default of a method": """
class A:
    def lock(self, held=Lock()): return held
def lock(): return A().lock()
""",
    "default of a constructor": """
class A:
    def __init__(self, held=Lock()): self.held = held
def lock(): return A().held
""",
    "static method's default": """
class A:
    @staticmethod
    def lock(held=Lock()): return held
lock = A.lock
""",
    "property's default": """
class A:
    @property
    def lock(self, held=Lock()): return held
def lock(): return A().lock
""",
    "list": """
LOCKS = [None, Lock()]
def lock(): return LOCKS[1]
""",
    "tuple": """
LOCKS = None, Lock()
def lock(): return LOCKS[1]
""",
    "tuple in a dict": """
LOCKS = {'a': (1, Lock())}
def lock(): return LOCKS['a'][1]
""",
    "tuple in a tuple": """
LOCKS = (1, (2, Lock()))
def lock(): return LOCKS[1][1]
""",
    "named tuple": """
Pair = collections.namedtuple('Pair', 'a b')
PAIR = Pair(1, Lock())
def lock(): return PAIR.b
""",
    "dict": """
LOCKS = {'a': Lock()}
def lock(): return LOCKS['a']
""",
    "nested dict": """
LOCKS = {'a': {'b': [Lock()]}}
def lock(): return LOCKS['a']['b'][0]
""",
    "deque": """
LOCKS = collections.deque([Lock()])
def lock(): return LOCKS[0]
""",
    "namespace": """
HELD = types.SimpleNamespace(lock=Lock())
def lock(): return HELD.lock
""",
    "default dict": """
LOCKS = collections.defaultdict(Lock)
def lock(): LOCKS.clear(); return LOCKS['a']
""",
    "dataclass field": """
@dataclasses.dataclass
class A:
    held: object = dataclasses.field(default_factory=Lock)
def lock(): return A().held
""",
    "dataclass instance": """
@dataclasses.dataclass
class A:
    held: object = dataclasses.field(default_factory=Lock)
HELD = A()
def lock(): return HELD.held
""",
    "partial": """
def pick(held, *, other=None): return held
lock = functools.partial(pick, Lock())
""",
    "keyword of a partial": """
def pick(*, held): return held
lock = functools.partial(pick, held=Lock())
""",
    "method bound before": """
class A:
    def __init__(self): self.held = Lock()
    def get(self): return self.held
lock = A().get
""",
    "method of the lock bound before": """
class Own:
    held = Lock()
    enter, leave = held.acquire, held.release
    def __enter__(self): Own.enter()
    def __exit__(self, *a): Own.leave()
def lock(): return Own()
""",
    "attribute of a queue subclass": """
class A(queue.Queue):
    def __init__(self):
        super().__init__()
        self.held = Lock()
HELD = A()
def lock(): HELD.put(1); return HELD.held
""",
    "attribute of an event subclass": """
class A(threading.Event):
    def __init__(self):
        super().__init__()
        self.held = Lock()
HELD = A()
def lock(): HELD.set(); return HELD.held
""",
    "attribute of a thread subclass": """
class A(Thread):
    def __init__(self):
        super().__init__()
        self.held = Lock()
HELD = A()
def lock(): return HELD.held
""",
    "condition on a lock that is held elsewhere": """
LOCK = Lock()
COND = threading.Condition(LOCK)
class Both:
    n = 0
    def __enter__(self):
        Both.n += 1
        self.it = COND if Both.n % 2 else LOCK
        self.it.acquire()
    def __exit__(self, *a): LOCK.release()
def lock(): return Both()
""",
    "lru_cache": """
@functools.lru_cache
def lock(held=Lock()): return held
""",
    "set of instances": """
class A:
    def __init__(self): self.held = Lock()
HELD = {A()}
def lock(): return next(iter(HELD)).held
""",
}


@pytest.mark.parametrize("place", PLACES)
def test_a_lock_made_before_the_check_excludes(endings, module_of, place):
    module = module_of(HEAD + PLACES[place] + "\ndef program(): return excluded(lock())\n")
    # One of these programs counts on from one execution to the next.
    assert endings(module.program, granularity="sync") == {1}


class Counter:
    def __init__(self):
        self.lock = Lock()
        self.inside = self.most = 0

    def enter(self):
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
            threading.Event().wait(1)
            self.inside -= 1

    def run(self):
        run_threads(self.enter, self.enter)
        return self.most

    __call__ = run


def test_a_program_may_be_a_method_of_an_object_made_before(endings):
    assert endings(Counter().run) == {1}


def test_a_program_may_be_an_object_made_before(endings):
    assert endings(Counter()) == {1}


def test_a_program_may_be_a_partial_of_an_object_made_before(endings):
    assert endings(functools.partial(Counter.run, Counter())) == {1}


def test_a_program_may_be_a_lambda_around_an_object_made_before(endings):
    counter = Counter()
    assert endings(lambda: [counter.run()][0]) == {1}


def test_a_package_with_relative_imports_shares_its_lock(endings, tmp_path, monkeypatch, module_of):
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").write_text("from .stock import sell, STOCK\n")
    (package / "locks.py").write_text("from threading import Lock\nGUARD = Lock()\n")
    (package / "stock.py").write_text(
        "from time import sleep\nfrom .locks import GUARD\nfrom . import locks\n"
        "STOCK = {}\n"
        "def sell():\n"
        "    with locks.GUARD:\n"
        "        left = STOCK['n']\n"
        "        sleep(1)\n"
        "        STOCK['n'] = left - 1\n"
        "def refill():\n"
        "    with GUARD:\n"
        "        STOCK['n'] += 10\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    shop = importlib.import_module("shop")

    def program():
        shop.STOCK["n"] = 5
        run_threads(shop.sell, shop.stock.refill)
        return shop.STOCK["n"]

    assert endings(program) == {14}
    assert shop.locks.GUARD is shop.stock.GUARD


# -- fresh in each execution, and untouched afterwards -----------------------------------------

STATE = (
    HEAD
    + """
LOCK = threading.Lock()
TAKEN = threading.Lock()
TAKEN.acquire()
RLOCK = threading.RLock()
CONDITION = threading.Condition()
EVENT = threading.Event()
SET = threading.Event()
SET.set()
SEMAPHORE = threading.Semaphore(2)
BOUNDED = threading.BoundedSemaphore(2)
BOUNDED.acquire()
BARRIER = threading.Barrier(1)
BROKEN = threading.Barrier(1)
BROKEN.abort()
QUEUE = queue.Queue(5)
QUEUE.put("a")
QUEUE.put("b")
STACK = queue.LifoQueue()
STACK.put(1)
HEAP = queue.PriorityQueue()
HEAP.put(2)
HEAP.put(1)
SIMPLE = queue.SimpleQueue()
SIMPLE.put("s")
LOCAL = threading.local()
LOCAL.value = "main"
THREAD = threading.Thread(target=print, args=(), name="made before")

def look():
    return (
        LOCK.locked(), TAKEN.locked(), RLOCK._is_owned(), CONDITION._is_owned(),
        len(CONDITION._waiters), EVENT.is_set(), SET.is_set(),
        repr(SEMAPHORE).partition("value=")[2], repr(BOUNDED).partition("value=")[2],
        BARRIER.broken, BROKEN.broken, BARRIER.n_waiting,
        QUEUE.qsize(), QUEUE.unfinished_tasks, tuple(QUEUE.queue), STACK.qsize(), HEAP.qsize(),
        SIMPLE.qsize(), LOCAL.value, THREAD.is_alive(), THREAD.ident, THREAD.name, THREAD.daemon,
    )

def change():
    LOCK.acquire()
    TAKEN.release()
    RLOCK.acquire()
    CONDITION.acquire()
    EVENT.set()
    SET.clear()
    SEMAPHORE.acquire()
    BOUNDED.release()
    BARRIER.abort()
    BROKEN.reset()
    QUEUE.get()
    QUEUE.task_done()
    QUEUE.put("c")
    STACK.get()
    HEAP.get()
    SIMPLE.get()
    LOCAL.value = "changed"
    THREAD.daemon = True
    THREAD.name = "renamed"
    THREAD.start()
    THREAD.join()
    def wait():
        with CONDITION:
            CONDITION.wait()
    CONDITION.release()
    threading.Thread(target=wait, daemon=True).start()

def program():
    seen = look()
    interleave.choose([1, 2, 3])
    change()
    return seen
"""
)

FRESH = (
    *(False, True, False, False),
    *(0, False, True),
    *("2>", "1/2>"),
    *(False, True, 0),
    *(2, 2, ("a", "b"), 1, 2),
    *(1, "main", False, None, "made before", False),
)


def test_every_execution_begins_with_the_state_from_before_the_check(endings, module_of):
    module = module_of(STATE)
    assert module.look() == FRESH
    assert endings(module.program) == {FRESH}


REPRS = """
import re
def shown():
    objects = LOCK, TAKEN, RLOCK, CONDITION, EVENT, SET, SEMAPHORE, BOUNDED, BARRIER, BROKEN
    words = r"unlocked|locked|unset|set|value=[0-9/]+|broken|waiters|, [0-9]+\\)>$"
    return tuple(" ".join(re.findall(words, repr(item))) for item in objects)

def program():
    seen = shown()
    interleave.choose([1, 2])
    change()
    return seen
"""


def test_repr_shows_the_state_of_this_execution_even_before_any_operation(endings, module_of):
    module = module_of(STATE + REPRS)
    assert endings(module.program) == {
        (
            *("unlocked", "locked", "unlocked", "unlocked , 0)>"),
            *("unset", "set", "value=2", "value=1/2", "waiters", "broken"),
        )
    }


def test_a_check_leaves_the_state_from_before_untouched(endings, module_of):
    module = module_of(STATE)
    names = dict(vars(module))
    endings(module.program)
    assert module.look() == FRESH
    changed = {name for name, value in vars(module).items() if value is not names.get(name)}
    assert changed == set()


def test_a_check_that_fails_leaves_the_state_from_before_untouched(module_of):
    module = module_of(
        STATE + "\ndef program():\n    change()\n    run_threads(change)\n    raise ValueError\n"
    )
    names = dict(vars(module))
    report = interleave.check(module.program)
    assert report.verdict == "fail"
    assert module.look() == FRESH
    assert {name for name, value in vars(module).items() if value is not names.get(name)} == set()


def test_what_was_made_before_works_for_real_after_a_check(endings, module_of):
    module = module_of(STATE)
    endings(module.program)

    def use():
        with module.LOCK, module.RLOCK, module.SEMAPHORE:
            module.EVENT.set()
            return module.QUEUE.get(timeout=5), module.SIMPLE.get(), module.BARRIER.wait(5)

    results = []
    thread = Thread(target=lambda: results.append(use()))
    thread.start()
    assert module.EVENT.wait(5)
    thread.join(5)
    assert results == [("a", "s", 0)]
    module.THREAD.start()
    module.THREAD.join(5)
    assert not module.THREAD.is_alive()


def test_a_waiter_that_one_execution_left_in_line_is_gone_in_the_next(endings, module_of):
    module = module_of(
        HEAD
        + """
CONDITION = threading.Condition()

def program():
    interleave.choose([1, 2])
    arrived = threading.Semaphore(0)
    def wait():
        with CONDITION:
            arrived.release()
            CONDITION.wait()
            woken.append(threading.current_thread())
    woken = []
    waiters = [Thread(target=wait, daemon=True) for _ in range(2)]
    for waiter in waiters:
        waiter.start()
        arrived.acquire()
        with CONDITION:
            pass
    with CONDITION:
        CONDITION.notify()
    waiters[0].join()
    return woken == waiters[:1]
"""
    )
    assert endings(module.program) == {True}


def test_a_condition_on_a_lock_of_the_program_s_own_made_before_works(endings, module_of):
    module = module_of(
        HEAD
        + """
class Own:
    def __init__(self): self.inner = Lock()
    def acquire(self, *args): return self.inner.acquire(*args)
    def release(self): self.inner.release()
    def __enter__(self): return self.acquire()
    def __exit__(self, *args): self.release()

CONDITION = threading.Condition(Own())

def program():
    interleave.choose([1, 2])
    ready = []
    def wait():
        with CONDITION:
            return CONDITION.wait_for(lambda: bool(ready))
    def tell():
        with CONDITION:
            ready.append(1)
            CONDITION.notify()
    return tuple(run_threads(wait, tell))
"""
    )
    assert endings(module.program) == {(True, None)}


def test_a_queue_made_before_keeps_its_order_and_blocks_when_empty(endings, module_of):
    module = module_of(
        HEAD
        + """
LINE = queue.Queue()
for n in range(2):
    LINE.put(n)
def program():
    return tuple(LINE.get() for _ in range(2)), run_threads(LINE.get)
"""
    )
    assert endings(module.program) == {"deadlock of main, main.0"}


def test_a_lock_that_was_held_before_the_check_stays_held(endings, module_of):
    module = module_of(HEAD + "LOCK = Lock()\nLOCK.acquire()\ndef program(): LOCK.acquire()\n")
    assert endings(module.program) == {"deadlock of main"}
    module.LOCK.release()
    assert module.LOCK.acquire(False)


def test_an_rlock_that_a_real_thread_holds_is_refused(endings, module_of):
    module = module_of(HEAD + "LOCK = threading.RLock()\ndef program(): return excluded(LOCK)\n")
    held, over = threading.Event(), threading.Event()

    def hold():
        with module.LOCK:
            held.set()
            over.wait(10)

    thread = Thread(target=hold)
    thread.start()
    held.wait(10)
    try:
        report = interleave.check(module.program)
    finally:
        over.set()
        thread.join()
    assert report.verdict == "incomplete"
    assert "LOCK at" in report.reasons[0]
    assert "an RLock that a real thread" in report.reasons[0]


def test_objects_made_before_are_named_after_where_they_are(module_of):
    module = module_of(
        HEAD
        + """
class A:
    lock_ = Lock()
def program():
    A.lock_.acquire()
    A.lock_.acquire()
"""
    )
    assert "A.lock_" in interleave.check(module.program).failures[0].message


def test_one_lock_under_two_names_is_one_lock(endings, module_of):
    module = module_of(
        HEAD
        + """
ONE = Lock()
class A:
    other = ONE
def program():
    return ONE is A.other, ONE.acquire(False), A.other.acquire(False)
"""
    )
    assert endings(module.program) == {(True, True, False)}
    assert module.ONE is module.A.other


def test_a_second_check_of_the_same_module_sees_the_same_state(endings, module_of):
    module = module_of(STATE)
    assert endings(module.program) == endings(module.program) == {FRESH}


def test_a_queue_in_a_closure_has_its_items_in_every_execution_and_afterwards(endings):
    line = queue.Queue()
    line.put(1)
    assert endings(lambda: (interleave.choose([1, 2]) > 0, line.get())) == {(True, 1)}
    assert line.get_nowait() == 1


MADE_SINCE = {
    "global": "holder.lock = lock",
    "attribute of a function": "plain.lock = lock",
    "default": "plain.__defaults__ = (lock,)",
    "keyword default": "plain.__kwdefaults__ = {'lock': lock}",
    "function that captures it": "plain = (lambda lock: lambda: lock)(lock)",
    "tuple": "pair = (1, (2, lock))",
    "list": "line.append(lock)",
    "attribute in a list": "line.append(Holder()); line[0].lock = lock",
    "class": "Holder.lock = lock",
    "method of it": "pair = (lock.acquire, lock.release)",
    "method of it after another method of C": "line.extend([[lock.acquire], [len]])",
    "proxy": "class Proxy:\n    __class__ = Holder\nline.append(Proxy()); line[0].lock = lock",
}


@pytest.mark.parametrize("where", MADE_SINCE)
def test_a_lock_that_was_made_since_the_last_check_is_simulated(where, endings, module_of):
    module = module_of(
        HEAD
        + """
class Holder:
    pass

def plain():
    pass

holder, pair, line = Holder(), (1, (2, 3)), []

def held():
    if plain.__closure__:
        yield plain.__closure__[0].cell_contents
    yield from vars(plain).values()
    yield from plain.__defaults__ or ()
    yield from (plain.__kwdefaults__ or {}).values()
    for item in (holder, Holder, *line):
        if hasattr(item, "lock"):
            yield item.lock
        elif hasattr(item, "acquire"):
            yield item
        elif isinstance(item, list) and item != [len]:
            yield item[0].__self__
    if pair[0] != 1:
        yield pair[0].__self__
    elif pair[1][1] != 3:
        yield pair[1][1]

def program():
    for lock in held():
        return type(lock).__module__, excluded(lock)
"""
    )
    # Where plain accesses are seen, a lock would be simulated as it is met, too.
    assert endings(module.program, granularity="sync") == {None}

    exec("lock = threading.Lock()\n" + MADE_SINCE[where], vars(module))
    del module.lock

    simulated = ("interleave.primitives.locks", 1)
    assert endings(module.program, granularity="sync") == {simulated}


def test_a_proxy_that_stands_for_nothing_does_not_hide_one_of_an_event():
    event, other = threading.Event(), re.compile("")
    walk = adoption._Walk({})

    # What comes last is looked at first.
    walk.visit([[weakref.proxy(event)], [weakref.proxy(other)]], "held", None)
    walk.run()

    try:
        assert [state.title for state in walk.found.states] == ["held[0][0]"]
    finally:
        undo_all()
