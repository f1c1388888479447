"""Simulated `concurrent.futures.ThreadPoolExecutor`: the methods that a program calls."""

from __future__ import annotations

from concurrent.futures import thread as pool_module
from typing import TYPE_CHECKING, Any

from interleave.core.context import in_task, perform, running
from interleave.core.runtime import misuse
from interleave.errors import UncontrolledError
from interleave.primitives.futures import (
    Future,
)
from interleave.primitives.installation import ATTRIBUTE, attach, original
from interleave.primitives.pools import AwaitWorker, Call, Close, PoolState, Submit, dropped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from interleave.core.task import Task

ThreadPoolExecutor = pool_module.ThreadPoolExecutor

DEFAULT_WORKERS = 8
"""CPython asks for the number of processors; a schedule must mean the same on every machine."""


def _pool_init(
    self: Any,
    max_workers: int | None = None,
    thread_name_prefix: str = "",
    initializer: Callable[..., object] | None = None,
    initargs: tuple[Any, ...] = (),
    **more: Any,
) -> None:
    if not in_task():
        original(ThreadPoolExecutor, "__init__")(
            self, max_workers, thread_name_prefix, initializer, initargs, **more
        )
        return
    if max_workers is None:
        max_workers = DEFAULT_WORKERS
    if max_workers <= 0:
        message = "max_workers must be greater than 0"
        raise ValueError(message)
    if initializer is not None and not callable(initializer):
        message = "initializer must be a callable"
        raise TypeError(message)
    task = running()[1]
    pool = PoolState(task, self)
    attach(self, pool)
    self._max_workers = max_workers
    self._thread_name_prefix = thread_name_prefix or _default_prefix(task)
    self._initializer, self._initargs = initializer, initargs
    self._broken = self._shutdown = False
    self._threads = _InOrder()


class _InOrder(set[Any]):
    """The threads of a pool, iterated in the order they were started: addresses decide nothing."""

    def __iter__(self) -> Iterator[Any]:
        return iter(
            sorted(super().__iter__(), key=lambda thread: thread.__dict__[ATTRIBUTE].task.path)
        )


def _default_prefix(task: Task) -> str:
    maker = "".join(f"{step}." for step in task.path)
    return f"ThreadPoolExecutor-{maker}{task.tally('pool name') - 1}"


def _await_workers(pool: PoolState) -> None:
    for thread in pool.threads:
        if thread.__dict__[ATTRIBUTE].task is running()[1]:
            message = "cannot join current thread"
            raise misuse(RuntimeError(message))
        perform(AwaitWorker(thread.__dict__[ATTRIBUTE], pool))


def _submit(self: Any, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    pool = _pool_of(self)
    if pool is None:
        return original(ThreadPoolExecutor, "submit")(self, fn, *args, **kwargs)
    future: Any = Future()
    perform(Submit(pool, Call(future, fn, args, kwargs), self))
    return future


def _pool_of(executor: Any) -> PoolState | None:
    state: PoolState | None = executor.__dict__.get(ATTRIBUTE)
    if state is None and in_task():
        message = (
            f"{executor!r} was made before the check: its threads are real and cannot be "
            "scheduled; make the executor inside the program"
        )
        raise UncontrolledError(message)
    return state


def _shutdown(self: Any, wait: bool = True, *, cancel_futures: bool = False) -> None:
    pool = _pool_of(self)
    if pool is None:
        original(ThreadPoolExecutor, "shutdown")(self, wait, cancel_futures=cancel_futures)
        return
    perform(Close(pool))
    if cancel_futures:
        for call in dropped(pool):
            call.future.cancel()
    if wait:
        _await_workers(pool)


PATCHES: list[tuple[Any, str, Any]] = [
    (ThreadPoolExecutor, "__init__", _pool_init),
    (ThreadPoolExecutor, "submit", _submit),
    (ThreadPoolExecutor, "shutdown", _shutdown),
]
