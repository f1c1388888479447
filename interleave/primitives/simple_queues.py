"""Simulated `queue.SimpleQueue`: a class of its own, which has the operations of `Queue`."""

from __future__ import annotations

import _queue
import queue
from collections import deque
from typing import TYPE_CHECKING, Any

from interleave.core.context import in_task, perform, running
from interleave.primitives.installation import ATTRIBUTE, attach
from interleave.primitives.locks import Standing
from interleave.primitives.queue_state import Queue, QueueState
from interleave.primitives.queues import Put

if TYPE_CHECKING:
    from collections.abc import Iterable


RealSimpleQueue = _queue.SimpleQueue


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
    (queue, "SimpleQueue", SimSimpleQueue),
    (_queue, "SimpleQueue", SimSimpleQueue),
]
