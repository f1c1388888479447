"""Simulated `queue.Queue`, `LifoQueue`, `PriorityQueue` (Lib/queue.py): the methods they share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from interleave.core.context import in_task, perform, running
from interleave.primitives.installation import attach, original, state_of
from interleave.primitives.queue_state import CONDITIONS, HAS_SHUTDOWN, Queue, QueueState, adopt
from interleave.primitives.queues import (
    Get,
    Join,
    Measure,
    Put,
    Shutdown,
    TaskDone,
    TimedGet,
    TimedPut,
    TryGet,
    TryPut,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from interleave.core.operation import Operation


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


def _getattr(self: Any, name: str) -> Any:
    if name == "mutex" or name in CONDITIONS:
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
]
if HAS_SHUTDOWN:
    PATCHES.append((Queue, "shutdown", _shutdown))
