"""What is done to a queue: put, get, and the rest.

A `put` or a `get` is one operation, under the queue's mutex. In a queue that is first in, first
out, one of each depend on each other only if the item or the room of the one is the other's.
"""

from __future__ import annotations

import queue
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from interleave.core.context import in_task, running
from interleave.core.dependence import ADD, READ, WRITE
from interleave.core.operation import Noted
from interleave.core.runtime import misuse
from interleave.core.told import told
from interleave.primitives.queue_state import HAS_SHUTDOWN, QueueState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from interleave.core.dependence import Footprint
    from interleave.core.operation import Past
    from interleave.core.task import Task
    from interleave.primitives.conditions import ConditionState, Waiter


class QueueOperation(Noted):
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


class Put(QueueOperation):
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
        return QueueOperation.enabled(self)

    def enabled_in(self, past: Past) -> bool:
        return QueueOperation.enabled_in(self, past)

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
        return QueueOperation.enabled(self)

    def execute(self) -> None:
        self.done = True
        super().execute()

    def expire(self) -> None:
        self.let_go()
        raise queue.Full

    def wrote(self) -> bool:
        return self.done


class Get(QueueOperation):
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
        return QueueOperation.enabled(self)

    def enabled_in(self, past: Past) -> bool:
        return QueueOperation.enabled_in(self, past)

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
        return QueueOperation.enabled(self)

    def execute(self) -> Any:
        self.done = True
        return super().execute()

    def expire(self) -> None:
        raise queue.Empty

    def wrote(self) -> bool:
        return self.done


class TaskDone(QueueOperation):
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


class Join(QueueOperation):
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


class Measure(QueueOperation):
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


class Shutdown(QueueOperation):
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
