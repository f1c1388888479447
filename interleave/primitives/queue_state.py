"""What a queue has for a check beside its items: numbers for them, and a mutex that is asked for.

A program that takes `mutex`, or uses the conditions `not_empty`, `not_full`, `all_tasks_done`, gets
them when it asks for them.
"""

from __future__ import annotations

import copy
import queue
from collections import deque
from typing import TYPE_CHECKING, Any

from interleave.core.context import running
from interleave.core.dependence import KEPT, WRITE
from interleave.core.operation import SimObject, new_key
from interleave.primitives.installation import ATTRIBUTE, attach, refreshed, type_label, undo_later
from interleave.primitives.locks import SimLock

if TYPE_CHECKING:
    from collections.abc import Callable

    from interleave.core.task import Task
    from interleave.primitives.conditions import ConditionState, Waiter

Queue = queue.Queue
HAS_SHUTDOWN = hasattr(queue, "ShutDown")

_PLAIN_SIZES = (Queue._qsize, queue.LifoQueue._qsize, queue.PriorityQueue._qsize)

CONDITIONS = ("not_empty", "not_full", "all_tasks_done")


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
        self.condition_keys = [new_key(creator) for _ in CONDITIONS]
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
            for name in ("mutex", *CONDITIONS):
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
            self.condition_keys = [new_key(None) for _ in CONDITIONS]

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
        from interleave.primitives import (
            condition_methods,  # which look for what stands for a queue
        )

        condition = condition_methods.on_lock(self.mutex, f"{self.name}.{name}")
        state: ConditionState = condition.__dict__[ATTRIBUTE]
        state.epoch = self.epoch
        state.key = self.condition_keys[CONDITIONS.index(name)]
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
    for name in ("mutex", *CONDITIONS):
        item.__dict__.pop(name, None)

    def undo() -> None:
        item.__dict__.clear()
        item.__dict__.update(saved)
        for container, before in contents:
            container.clear()
            getattr(container, "update" if isinstance(container, dict | set) else "extend")(before)

    undo_later(undo)
    return state
