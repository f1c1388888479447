"""Simulated threads of `_thread`: those that are started without a `Thread` object."""

from __future__ import annotations

import _thread
import threading
from typing import TYPE_CHECKING, Any

from interleave import _real
from interleave.core.context import about_to_call, in_task, perform, running
from interleave.core.runtime import misuse
from interleave.primitives.installation import original
from interleave.primitives.threads import Census, IsAlive, Join, Start, ThreadState, TimedJoin

if TYPE_CHECKING:
    from collections.abc import Callable

    from interleave.core.task import Task


def _raw_count() -> int:
    """`_thread._count`: the threads that were started and run, without main."""
    if not in_task():
        return original(_thread, "_count")()  # type: ignore[no-any-return]  # CPython's own, which is not typed here
    return sum(1 for task in perform(Census(None)) if task.path)


running_for_real: list[None] = []
"""One entry for each real thread that another real thread has started, beside the program.

A list, because appending is one step for all real threads.
"""


def _start_new_thread(
    function: Callable[..., object], args: tuple[Any, ...], kwargs: dict[str, Any] | None = None
) -> int:
    if not in_task():
        running_for_real.append(None)
        return _real.start_new_thread(function, args, kwargs or {})
    if not callable(function):
        message = "first arg must be callable"
        raise TypeError(message)
    if not isinstance(args, tuple):
        message = "2nd arg must be a tuple"
        raise TypeError(message)

    def body() -> None:
        try:
            about_to_call(function, args, kwargs)
            function(*args, **(kwargs or {}))
        except SystemExit:
            pass

    task: Task = perform(Start(ThreadState(running()[1]), None, body))
    return task.ident


class ThreadHandle:
    """What `_thread.start_joinable_thread` returns (CPython 3.13)."""

    def __new__(cls) -> Any:
        """Make a simulated handle for a task, and a real one for a real thread."""
        if not in_task():
            return original(_thread, "_ThreadHandle")()
        return super().__new__(cls)

    def __init__(self) -> None:
        self._state = ThreadState(running()[1])

    @property
    def ident(self) -> int:
        return 0 if self._state.task is None else self._state.task.ident

    def join(self, timeout: float | None = None) -> None:
        state = self._state
        if not state.started:
            message = "thread not started"
            raise misuse(RuntimeError(message))
        if state.task is running()[1]:
            message = "Cannot join current thread"
            raise misuse(RuntimeError(message))
        if timeout is None or timeout < 0:
            perform(Join(state))
        else:
            perform(TimedJoin(state, timeout))

    def is_done(self) -> bool:
        return self._state.started and not perform(IsAlive(self._state))

    def _set_done(self) -> None:
        if not self._state.started:
            message = "thread not started"
            raise misuse(RuntimeError(message))


def _start_joinable_thread(
    function: Callable[[], object], handle: Any = None, daemon: bool = True
) -> Any:
    if not in_task():
        running_for_real.append(None)
        return original(_thread, "start_joinable_thread")(function, handle=handle, daemon=daemon)
    if not callable(function):
        message = "thread function must be callable"
        raise TypeError(message)
    if handle is None:
        handle = ThreadHandle()
    elif not isinstance(handle, ThreadHandle):
        message = "'handle' must be a _ThreadHandle"
        raise TypeError(message)
    if handle._state.started:
        message = "thread already started"
        raise misuse(RuntimeError(message))

    def body() -> None:
        try:
            about_to_call(function)
            function()
        except SystemExit:
            pass

    perform(Start(handle._state, None, body, daemon=daemon))
    return handle


PATCHES: list[tuple[Any, str, Any]] = [
    (threading, "_start_new_thread", _start_new_thread),
    (_thread, "start_new_thread", _start_new_thread),
    (_thread, "start_new", _start_new_thread),
    (_thread, "start_joinable_thread", _start_joinable_thread),
    (_thread, "_ThreadHandle", ThreadHandle),
    (_thread, "_count", _raw_count),
]
