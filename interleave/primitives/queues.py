"""Simulated `queue.Queue`, `LifoQueue`, `PriorityQueue` (Lib/queue.py) and `SimpleQueue`.

A `put` or a `get` is one operation, under the queue's mutex. In a queue that is first in, first
out, one of each depend on each other only if the item or the room of the one is the other's. A
program that takes `mutex`, or uses the conditions `not_empty`, `not_full`, `all_tasks_done`, gets
them when it asks for them.
"""

from __future__ import annotations

import _queue
import copy
import queue
from collections import deque
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from interleave.core.context import in_task, perform, running
from interleave.core.dependence import ADD, KEPT, READ, WRITE
from interleave.core.operation import Noted, SimObject, new_key
from interleave.core.runtime import misuse
from interleave.core.told import told
from interleave.primitives.installation import (
    ATTRIBUTE,
    attach,
    original,
    refreshed,
    state_of,
    type_label,
    undo_later,
)
from interleave.primitives.locks import SimLock, Standing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from interleave.core.dependence import Footprint
    from interleave.core.operation import Operation, Past
    from interleave.core.task import Task
    from interleave.primitives.conditions import ConditionState, Waiter

Queue = queue.Queue
RealSimpleQueue = _queue.SimpleQueue
HAS_SHUTDOWN = hasattr(queue, "ShutDown")

_PLAIN_SIZES = (Queue._qsize, queue.LifoQueue._qsize, queue.PriorityQueue._qsize)
_CONDITIONS = ("not_empty", "not_full", "all_tasks_done")


class QueueState(SimObject):
    """What a queue has beside its items: its mutex and conditions, if somebody asked for them."""

    __slots__ = (
        "_saved",
        "condition_keys",
        "conditions",
        "fifo",
        "gets",
        "head",
        "item",
        "label",
        "mutex",
        "plain_get",
        "plain_put",
        "plain_size",
        "puts",
        "tail",
        "undone",
    )

    label: str  # type: ignore[misc]  # of the instance, and not of the class, here

    def __init__(self, creator: Task | None, item: Any, title: str | None = None) -> None:
        cls = type(item)
        self.label = cls.__name__
        super().__init__(creator, title)
        self.item = item
        self.condition_keys = [new_key(creator) for _ in _CONDITIONS]
        self.mutex: SimLock | None = None
        self.conditions: dict[str, Any] = {}
        self.plain_size = cls._qsize in _PLAIN_SIZES
        self.plain_put = cls._put is Queue._put
        self.plain_get = cls._get is Queue._get
        self.fifo = self.plain_put and self.plain_get and self.plain_size
        self.tail, self.head, self.undone = _Part(self, 1), _Part(self, 2), _Part(self, 3)
        self._count()
        self._saved: dict[str, Any] | None = None

    def _count(self) -> None:
        """Number the items: the next to come in is `puts`, the next to go out `gets`."""
        self.gets = 0
        self.puts = len(self.item.queue) if self.fifo else 0

    def remember(self) -> None:
        """Keep what a queue from before the check holds, to give it back after each execution."""
        self._saved = {
            name: _copied(value) for name, value in vars(self.item).items() if name != ATTRIBUTE
        }

    def reset(self) -> None:
        super().reset()
        item = self.item
        if self._saved is None:
            item.unfinished_tasks = 0
            if HAS_SHUTDOWN:
                item.is_shutdown = False
            item._init(item.maxsize)
        else:
            state = item.__dict__.get(ATTRIBUTE)
            item.__dict__.clear()
            item.__dict__.update({name: _copied(value) for name, value in self._saved.items()})
            for name in ("mutex", *_CONDITIONS):
                item.__dict__.pop(name, None)
            item.__dict__.update(self.conditions)
            if self.mutex is not None:
                item.__dict__["mutex"] = self.mutex
            if state is not None:
                attach(item, state)
        self._count()
        if self.mutex is not None:
            self.mutex.reset()

    def keep(self) -> None:
        super().keep()
        if self.condition_keys[0] > KEPT:
            self.condition_keys = [new_key(None) for _ in _CONDITIONS]

    def size(self) -> int:
        """How many items there are, as the queue's own `_qsize` says."""
        if self.plain_size:
            return len(self.item.queue)
        return self.atomically(self.item._qsize)  # type: ignore[no-any-return]  # CPython's own, which is not typed here

    def atomically(self, method: Callable[..., Any], *args: Any) -> Any:
        """Call a method that CPython calls under the mutex; nobody else runs meanwhile."""
        with running()[0].atomic():
            return method(*args)

    def snapshot(self) -> tuple[bool, int, bool, int, int, int]:
        """The mutex is held, items, it is shut down, tasks undone, and the numbers of the items."""
        item = self.item
        return (
            self.mutex is not None and self.mutex.held,
            self.size(),
            HAS_SHUTDOWN and item.is_shutdown,
            item.unfinished_tasks,
            self.puts,
            self.gets,
        )

    @property
    def apart(self) -> bool:
        """Whether its two ends are locations of their own: nobody has asked for its mutex."""
        return self.fifo and self.mutex is None and not self.conditions

    def item_at(self, number: int) -> tuple[int, ...]:
        """The location of an item."""
        return self.key, 4, number

    def room_at(self, number: int) -> tuple[tuple[tuple[int, ...], int], ...]:
        """The location of the room for an item, if room is scarce, as something written."""
        return (((self.key, 5, number), WRITE),) if self.item.maxsize > 0 else ()

    def notify(self, condition: str, count: float = 1) -> list[tuple[ConditionState, list[Waiter]]]:
        """Wake those who wait on a condition of the queue themselves."""
        found = self.conditions.get(condition)
        if found is None:
            return []
        state: ConditionState = found.__dict__[ATTRIBUTE]
        if state.epoch != running()[0].count:
            return []  # nobody has used it in this execution
        return [(state, state.notify(count))]

    def provide(self, name: str) -> Any:
        """Make the mutex, or a condition on it, for a program that uses it.

        Who asks first must not show in the keys: they are there since the queue was made.
        """
        refreshed(self)
        if self.mutex is None:
            self.mutex = SimLock.adopt(_Free(), f"{self.name}.mutex")
            self.mutex.queue = self
            self.mutex.epoch = self.epoch
            self.mutex.key = self.key
            self.item.__dict__["mutex"] = self.mutex
        if name == "mutex":
            return self.mutex
        from interleave.primitives import conditions  # which look for what stands for a queue

        condition = conditions.on_lock(self.mutex, f"{self.name}.{name}")
        state: ConditionState = condition.__dict__[ATTRIBUTE]
        state.epoch = self.epoch
        state.key = self.condition_keys[_CONDITIONS.index(name)]
        self.conditions[name] = self.item.__dict__[name] = condition
        return condition


def _copied(value: Any) -> Any:
    """Return a copy of a container; what else a queue may have (a lock, say) is the program's."""
    return copy.copy(value) if type(value) in (deque, list, dict, set) else value


class _Free:
    """A lock that nobody holds, for a mutex that has no real counterpart."""

    def locked(self) -> bool:
        return False


class _Part:
    """A part of a queue: where items come in, where they go out, or the count of those undone."""

    __slots__ = ("part", "queue")

    def __init__(self, queue: QueueState, part: int) -> None:
        self.queue = queue
        self.part = part

    @property
    def key(self) -> tuple[int, int]:
        return self.queue.key, self.part


class _QueueOperation(Noted):
    """Needs the mutex, which only a program that asks for it ever holds."""

    __slots__ = ("apart", "woken")
    guarded = True
    target: QueueState
    apart: bool  # as it was when it took place
    woken: list[tuple[ConditionState, list[Waiter]]]  # by conditions of the queue, if it has any

    def __init__(self, target: QueueState) -> None:
        self.target = target

    def enabled(self) -> bool:
        mutex = self.target.mutex
        return mutex is None or not mutex.held

    def enabled_in(self, past: Past) -> bool:
        return not past.of(self.target)[0]

    def can_expire_in(self, past: Past) -> bool:
        return not past.of(self.target)[0]

    def note(self) -> None:
        self.apart = self.target.apart
        self.seen = self.target.snapshot()

    def ends_in(self, past: Past) -> tuple[int, int]:
        """The numbers of the next item to come in and to go out, as they were then."""
        queue = self.target
        if queue.fifo:
            return past.of(queue.tail), past.of(queue.head)
        return past.of(queue)[1], 0

    def footprint(self) -> Footprint:
        _, _, _, _, puts, gets = self.seen
        return self.touched(puts, gets, wrote=self.wrote())

    def touched(self, puts: int, gets: int, *, wrote: bool) -> Footprint:
        """What it touches where the items have these numbers: all of a queue that is not apart."""
        queue = self.target
        mode = WRITE if wrote else READ
        touched = ((queue.key, mode),)
        if not queue.fifo:
            return (*touched, *self._woken())
        if self.apart:
            touched = ((queue.key, READ),)
        ends = ((queue.tail.key, mode), (queue.head.key, mode), (queue.undone.key, mode))
        return (*touched, *ends, *self._woken())

    def _woken(self) -> Footprint:
        """The conditions of the queue that it notified, and the places of those it woke."""
        return tuple(
            (item.key, WRITE)
            for condition, waiters in getattr(self, "woken", ())
            for item in (condition, *waiters)
        )

    def before(self, item: Any) -> Any:
        queue = self.target
        if item is queue or item is queue.mutex:
            return self.seen
        if item is queue.tail:
            return self.seen[4]
        if item is queue.head:
            return self.seen[5]
        return self.seen[3] if item is queue.undone else False

    def holders(self) -> Iterable[Task]:
        mutex = self.target.mutex
        return () if mutex is None or mutex.owner is None else (mutex.owner,)


class Put(_QueueOperation):
    """Wait for room, then put an item."""

    __slots__ = ("item",)
    kind = "put"

    def __init__(self, target: QueueState, item: Any) -> None:
        self.target = target
        self.item = item

    def enabled(self) -> bool:
        state = self.target
        if state.mutex is not None and state.mutex.held:
            return False
        room = state.item.maxsize
        return room <= 0 or state.size() < room or (HAS_SHUTDOWN and state.item.is_shutdown)

    def enabled_in(self, past: Past) -> bool:
        held, _, shut, *_ = past.of(self.target)
        puts, gets = self.ends_in(past)
        room = self.target.item.maxsize
        return not held and (room <= 0 or puts - gets < room or shut)

    def footprint_in(self, past: Past) -> Footprint:
        return self.touched(*self.ends_in(past), wrote=Put.enabled_in(self, past))

    def touched(self, puts: int, gets: int, *, wrote: bool) -> Footprint:
        queue = self.target
        if not (queue.fifo and self.apart):
            return super().touched(puts, gets, wrote=wrote)
        if not wrote:
            room = ((key, READ) for key, _ in queue.room_at(puts))
            return ((queue.key, READ), (queue.tail.key, READ), *room)
        return (
            (queue.key, READ),
            (queue.tail.key, WRITE),
            (queue.item_at(puts), WRITE),
            *queue.room_at(puts),
            (queue.undone.key, ADD),
        )

    def after_added(self, item: Any, state: Any) -> Any:
        return state + 1 if item is self.target.undone else state

    def execute(self) -> None:
        state = self.target
        item = state.item
        value = self.let_go()
        if HAS_SHUTDOWN and item.is_shutdown:
            raise queue.ShutDown  # type: ignore[attr-defined]  # from Python 3.13 on
        if state.plain_put:
            item.queue.append(value)
        else:
            state.atomically(item._put, value)
        state.puts += 1
        item.unfinished_tasks += 1
        if state.conditions:
            self.woken = state.notify("not_empty")

    def let_go(self) -> Any:
        """Return the item and forget it: the trace must not keep alive what leaves the queue."""
        item = self.item
        self.item = _Shown(_short(item)) if self.task.runtime.recording else None
        return item

    def describe(self) -> str:
        return f"put {_short(self.item)} into {self.target.name}"

    def waits_for(self) -> str:
        return f"room in {self.target.name} (full, maxsize {self.target.item.maxsize})"


class TryPut(Put):
    """Put an item, or fail where there is no room."""

    __slots__ = ("done",)

    def enabled(self) -> bool:
        return _QueueOperation.enabled(self)

    def enabled_in(self, past: Past) -> bool:
        return _QueueOperation.enabled_in(self, past)

    def execute(self) -> None:
        self.done = Put.enabled(self)
        if not self.done:
            self.let_go()
            raise queue.Full
        super().execute()

    def wrote(self) -> bool:
        return self.done


class TimedPut(Put):
    """Wait for room until the timeout passes."""

    __slots__ = ("done", "timeout")

    def __init__(self, target: QueueState, item: Any, timeout: float) -> None:
        super().__init__(target, item)
        self.timeout: float | None = timeout
        self.done = False

    def can_expire(self) -> bool:
        return _QueueOperation.enabled(self)

    def execute(self) -> None:
        self.done = True
        super().execute()

    def expire(self) -> None:
        self.let_go()
        raise queue.Full

    def wrote(self) -> bool:
        return self.done


class Get(_QueueOperation):
    """Wait for an item, then take it."""

    __slots__ = ()
    kind = "get"

    def enabled(self) -> bool:
        state = self.target
        if state.mutex is not None and state.mutex.held:
            return False
        if state.plain_size:
            if state.item.queue:
                return True
        elif state.size() > 0:
            return True
        return HAS_SHUTDOWN and state.item.is_shutdown

    def enabled_in(self, past: Past) -> bool:
        held, _, shut, *_ = past.of(self.target)
        puts, gets = self.ends_in(past)
        return not held and (puts > gets or shut)

    def footprint_in(self, past: Past) -> Footprint:
        return self.touched(*self.ends_in(past), wrote=Get.enabled_in(self, past))

    def touched(self, puts: int, gets: int, *, wrote: bool) -> Footprint:
        queue = self.target
        if not (queue.fifo and self.apart):
            return super().touched(puts, gets, wrote=wrote)
        if not wrote:
            return ((queue.key, READ), (queue.head.key, READ), (queue.item_at(gets), READ))
        return (
            (queue.key, READ),
            (queue.head.key, WRITE),
            (queue.item_at(gets), WRITE),
            *queue.room_at(gets + queue.item.maxsize),
        )

    def execute(self) -> Any:
        state = self.target
        item = state.item
        if HAS_SHUTDOWN and item.is_shutdown and not state.size():
            raise queue.ShutDown  # type: ignore[attr-defined]  # from Python 3.13 on
        taken = item.queue.popleft() if state.plain_get else state.atomically(item._get)
        state.gets += 1
        if state.conditions:
            self.woken = state.notify("not_full")
        return taken

    def waits_for(self) -> str:
        return f"an item in {self.target.name} (empty)"


class TryGet(Get):
    """Take an item, or fail where there is none."""

    __slots__ = ("done",)

    def enabled(self) -> bool:
        return _QueueOperation.enabled(self)

    def enabled_in(self, past: Past) -> bool:
        return _QueueOperation.enabled_in(self, past)

    def execute(self) -> Any:
        self.done = Get.enabled(self)
        if not self.done:
            raise queue.Empty
        return super().execute()

    def wrote(self) -> bool:
        return self.done


class TimedGet(Get):
    """Wait for an item until the timeout passes."""

    __slots__ = ("done", "timeout")

    def __init__(self, target: QueueState, timeout: float) -> None:
        self.target = target
        self.timeout: float | None = timeout
        self.done = False

    def can_expire(self) -> bool:
        return _QueueOperation.enabled(self)

    def execute(self) -> Any:
        self.done = True
        return super().execute()

    def expire(self) -> None:
        raise queue.Empty

    def wrote(self) -> bool:
        return self.done


class TaskDone(_QueueOperation):
    """Say that an item has been dealt with."""

    __slots__ = ()
    kind = "task_done"

    def touched(self, puts: int, gets: int, *, wrote: bool) -> Footprint:
        queue = self.target
        if not (queue.fifo and self.apart):
            return super().touched(puts, gets, wrote=wrote)
        return ((queue.key, READ), (queue.undone.key, WRITE))

    def execute(self) -> None:
        item = self.target.item
        unfinished = item.unfinished_tasks - 1
        if unfinished < 0:
            raise misuse(ValueError("task_done() called too many times"))
        item.unfinished_tasks = unfinished
        if unfinished == 0:
            self.woken = self.target.notify("all_tasks_done", float("inf"))


class Join(_QueueOperation):
    """Wait until all items have been dealt with."""

    __slots__ = ()
    kind = "join"

    def enabled(self) -> bool:
        return super().enabled() and not self.target.item.unfinished_tasks

    def touched(self, puts: int, gets: int, *, wrote: bool) -> Footprint:
        queue = self.target
        if not (queue.fifo and self.apart):
            return super().touched(puts, gets, wrote=wrote)
        return ((queue.key, READ), (queue.undone.key, READ))

    def enabled_in(self, past: Past) -> bool:
        undone = past.of(self.target.undone) if self.target.fifo else past.of(self.target)[3]
        return not past.of(self.target)[0] and not undone

    def wrote(self) -> bool:
        return False

    def waits_for(self) -> str:
        state = self.target
        return f"task_done() for {state.item.unfinished_tasks} items of {state.name} (join)"


class Measure(_QueueOperation):
    """Look how many items there are."""

    __slots__ = ("ask",)
    kind = "look at"

    def __init__(self, target: QueueState, ask: str) -> None:
        self.target = target
        self.ask = ask

    def touched(self, puts: int, gets: int, *, wrote: bool) -> Footprint:
        queue = self.target
        if not (queue.fifo and self.apart):
            return super().touched(puts, gets, wrote=wrote)
        return ((queue.key, READ), (queue.tail.key, READ), (queue.head.key, READ))

    def execute(self) -> int | bool:
        state = self.target
        size = state.size()
        if self.ask == "empty":
            return not size
        if self.ask == "full":
            return bool(0 < state.item.maxsize <= size)
        return size

    def wrote(self) -> bool:
        return False

    def unwind(self) -> int:
        return 0

    def describe(self) -> str:
        return f"{self.ask} {self.target.name}"


class Shutdown(_QueueOperation):
    """Shut the queue down (Python 3.13)."""

    __slots__ = ("immediate",)
    kind = "shutdown"

    def __init__(self, target: QueueState, *, immediate: bool) -> None:
        self.target = target
        self.immediate = immediate

    def touched(self, puts: int, gets: int, *, wrote: bool) -> Footprint:
        queue = self.target
        touched = super().touched(puts, gets, wrote=True)
        return ((queue.key, WRITE), *(touch for touch in touched if touch[0] != queue.key))

    def execute(self) -> None:
        state = self.target
        item = state.item
        item.is_shutdown = True
        names = ["not_empty", "not_full"]
        if self.immediate:
            while state.size():
                state.atomically(item._get)
                state.gets += 1
                if item.unfinished_tasks > 0:
                    item.unfinished_tasks -= 1
            names.insert(0, "all_tasks_done")
        self.woken = [woken for name in names for woken in state.notify(name, float("inf"))]


class _Shown(str):
    """What an item looked like."""

    __slots__ = ()


def _short(item: object) -> str:
    with running()[0].atomic() if in_task() else nullcontext():
        text = str(item) if isinstance(item, _Shown) else told(item)
    limit = 30
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def _init(self: Any, maxsize: int = 0) -> None:
    if not in_task():
        original(Queue, "__init__")(self, maxsize)
        return
    self.maxsize = maxsize
    self._init(maxsize)
    self.unfinished_tasks = 0
    if HAS_SHUTDOWN:
        self.is_shutdown = False
    attach(self, QueueState(running()[1], self))


def adopt(item: Any, title: str | None = None) -> QueueState:
    """Simulate a queue that was made before the check, with the items that it holds."""
    state = QueueState(None, item, title or type_label(item, "Queue"))
    saved = dict(item.__dict__)
    contents = [
        (value, list(value) if not isinstance(value, dict) else dict(value))
        for value in saved.values()
        if type(value) in (deque, list, dict, set)
    ]
    state.remember()
    for name in ("mutex", *_CONDITIONS):
        item.__dict__.pop(name, None)

    def undo() -> None:
        item.__dict__.clear()
        item.__dict__.update(saved)
        for container, before in contents:
            container.clear()
            getattr(container, "update" if isinstance(container, dict | set) else "extend")(before)

    undo_later(undo)
    return state


def _getattr(self: Any, name: str) -> Any:
    if name == "mutex" or name in _CONDITIONS:
        state = state_of(self, adopt)
        if state is not None:
            return state.provide(name)
    message = f"{type(self).__name__!r} object has no attribute {name!r}"
    raise AttributeError(message)


def _put(self: Any, item: Any, block: bool = True, timeout: float | None = None) -> None:
    state = state_of(self, adopt)
    if state is None:
        original(Queue, "put")(self, item, block, timeout)
    elif not block:
        perform(TryPut(state, item))
    elif timeout is None or self.maxsize <= 0:
        perform(Put(state, item))  # without a bound CPython never looks at the timeout
    elif timeout < 0:
        message = "'timeout' must be a non-negative number"
        raise ValueError(message)
    else:
        perform(TimedPut(state, item, timeout))


def _get(self: Any, block: bool = True, timeout: float | None = None) -> Any:
    state = state_of(self, adopt)
    if state is None:
        return original(Queue, "get")(self, block, timeout)
    if not block:
        return perform(TryGet(state))
    if timeout is None:
        return perform(Get(state))
    if timeout < 0:
        message = "'timeout' must be a non-negative number"
        raise ValueError(message)
    return perform(TimedGet(state, timeout))


def _simply(name: str, operation: Callable[[QueueState], Operation]) -> Callable[[Any], Any]:
    def method(self: Any) -> Any:
        state = state_of(self, adopt)
        if state is None:
            return original(Queue, name)(self)
        return perform(operation(state))

    method.__name__ = name
    return method


def _shutdown(self: Any, immediate: bool = False) -> None:
    state = state_of(self, adopt)
    if state is None:
        original(Queue, "shutdown")(self, immediate)
    else:
        perform(Shutdown(state, immediate=immediate))


class SimSimpleQueue(Queue, metaclass=Standing):  # type: ignore[type-arg]  # its items have no type in common
    """The unbounded queue of `_queue` (Modules/_queuemodule.c), for tasks."""

    stands_for = RealSimpleQueue
    _real: Any = None  # the one from before the check that it stands for

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Any:
        """Make a simulated queue for a task, and a real one for a real thread."""
        if cls is SimSimpleQueue and not in_task():
            return RealSimpleQueue()
        made = super().__new__(cls)
        made._fill(())
        attach(made, QueueState(running()[1], made))
        return made

    def __init__(self) -> None:
        """Do nothing: as in C, all is made by `__new__`."""

    def _fill(self, items: Iterable[Any]) -> None:
        self.maxsize = 0
        self.queue = deque(items)
        self.unfinished_tasks = 0
        self.is_shutdown = False

    @classmethod
    def adopt(cls, real: Any, title: str) -> SimSimpleQueue:
        """Return a simulated twin of a real queue, holding the same items."""
        # Not by methods of `real`: a subclass may have its own, which are called on the twin.
        items = [RealSimpleQueue.get_nowait(real) for _ in range(RealSimpleQueue.qsize(real))]
        for item in items:
            RealSimpleQueue.put(real, item)
        twin: SimSimpleQueue = object.__new__(cls)
        twin._fill(items)
        twin._real = real
        state = QueueState(None, twin, title)
        state.remember()
        attach(twin, state)
        return twin

    def __eq__(self, other: object) -> bool:
        return self is other or (other is not None and self._real is other)

    def __hash__(self) -> int:
        return object.__hash__(self) if self._real is None else hash(self._real)

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Put an item; there is always room."""
        perform(Put(self.__dict__[ATTRIBUTE], item))

    def put_nowait(self, item: Any) -> None:
        """Put an item; there is always room."""
        perform(Put(self.__dict__[ATTRIBUTE], item))


SimSimpleQueue.__name__ = SimSimpleQueue.__qualname__ = "SimpleQueue"  # what a program sees

PATCHES: list[tuple[Any, str, Any]] = [
    (Queue, "__init__", _init),
    (Queue, "__getattr__", _getattr),
    (Queue, "put", _put),
    (Queue, "get", _get),
    (Queue, "task_done", _simply("task_done", TaskDone)),
    (Queue, "join", _simply("join", Join)),
    (Queue, "qsize", _simply("qsize", lambda state: Measure(state, "qsize"))),
    (Queue, "empty", _simply("empty", lambda state: Measure(state, "empty"))),
    (Queue, "full", _simply("full", lambda state: Measure(state, "full"))),
    (queue, "SimpleQueue", SimSimpleQueue),
    (_queue, "SimpleQueue", SimSimpleQueue),
]
if HAS_SHUTDOWN:
    PATCHES.append((Queue, "shutdown", _shutdown))
