"""Simulated `threading.Semaphore` and `BoundedSemaphore` (Lib/threading.py)."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from interleave.core.context import in_task, perform, running
from interleave.core.dependence import ADD, READ, WRITE
from interleave.core.operation import Noted, SimObject
from interleave.core.runtime import misuse
from interleave.primitives.installation import (
    attach,
    original,
    refreshed,
    state_of,
    type_label,
    type_path,
)

if TYPE_CHECKING:
    from interleave.core.dependence import Footprint
    from interleave.core.operation import Past
    from interleave.core.task import Task

Semaphore = threading.Semaphore
BoundedSemaphore = threading.BoundedSemaphore


class SemaphoreState(SimObject):
    """How many may still come in; `limit` is what a bounded one began with."""

    __slots__ = ("at_first", "limit", "value")
    label = "Semaphore"

    def __init__(
        self, creator: Task | None, value: int, limit: int | None, title: str | None = None
    ) -> None:
        super().__init__(creator, title)
        self.value = self.at_first = value
        self.limit = limit

    def reset(self) -> None:
        self.value = self.at_first

    def snapshot(self) -> int:
        return self.value


class _SemaphoreOperation(Noted):
    __slots__ = ()
    target: SemaphoreState

    def __init__(self, target: SemaphoreState) -> None:
        self.target = target


class Acquire(_SemaphoreOperation):
    """Block until there is room, then take it."""

    __slots__ = ()
    kind = "acquire"
    guarded = True

    def enabled(self) -> bool:
        return self.target.value > 0

    def enabled_in(self, past: Past) -> bool:
        return past.of(self.target) > 0  # type: ignore[no-any-return]  # a snapshot of its object

    def execute(self) -> bool:
        self.target.value -= 1
        return True

    def unwind(self) -> bool:
        return True

    def waits_for(self) -> str:
        return f"{self.target.name} (nothing left of it)"


class TimedAcquire(Acquire):
    """Block until there is room or the timeout passes."""

    __slots__ = ("timeout",)

    def __init__(self, target: SemaphoreState, timeout: float) -> None:
        self.target = target
        self.timeout: float | None = timeout

    def wrote(self) -> bool:
        return not self.expired

    def footprint_in(self, past: Past) -> Footprint:
        return ((self.target.key, WRITE if self.enabled_in(past) else READ),)

    def describe(self) -> str:
        return f"acquire {self.target.name} (timeout {self.timeout:g} s)"


class TryAcquire(_SemaphoreOperation):
    """Take room if there is any; a try that fails only looks."""

    __slots__ = ("taken",)
    kind = "try-acquire"

    def execute(self) -> bool:
        self.taken = self.target.value > 0
        if self.taken:
            self.target.value -= 1
        return self.taken

    def wrote(self) -> bool:
        return self.taken

    def footprint_in(self, past: Past) -> Footprint:
        return ((self.target.key, WRITE if past.of(self.target) > 0 else READ),)

    def unwind(self) -> bool:
        return True


class Release(_SemaphoreOperation):
    """Make room."""

    __slots__ = ("count",)
    kind = "release"

    def __init__(self, target: SemaphoreState, count: int) -> None:
        self.target = target
        self.count = count

    def execute(self) -> None:
        state = self.target
        if state.limit is not None and state.value + self.count > state.limit:
            raise misuse(ValueError("Semaphore released too many times"))
        state.value += self.count

    def footprint(self) -> Footprint:
        # Which of two releases of a bounded semaphore fails depends on their order.
        state = self.target
        return ((state.key, ADD if state.limit is None else WRITE),)

    def after_added(self, item: SimObject, state: int) -> int:
        return state + self.count


def _init(self: Any, value: int = 1) -> None:
    if not in_task():
        original(Semaphore, "__init__")(self, value)
        return
    _equip(self, value, None)


def _bounded_init(self: Any, value: int = 1) -> None:
    if not in_task():
        original(BoundedSemaphore, "__init__")(self, value)
        return
    _equip(self, value, value)


def _equip(semaphore: Any, value: int, limit: int | None) -> None:
    if value < 0:
        message = "semaphore initial value must be >= 0"
        raise ValueError(message)
    attach(semaphore, SemaphoreState(running()[1], value, limit))


def adopt(semaphore: Any, title: str | None = None) -> SemaphoreState:
    """Simulate a semaphore that was made before the check."""
    limit = getattr(semaphore, "_initial_value", None)
    return SemaphoreState(
        None, semaphore._value, limit, title or type_label(semaphore, "Semaphore")
    )


def _acquire(self: Any, blocking: bool = True, timeout: float | None = None) -> bool:
    state = state_of(self, adopt)
    if state is None:
        return original(Semaphore, "acquire")(self, blocking, timeout)  # type: ignore[no-any-return]  # CPython's own, which is not typed here
    if not blocking:
        if timeout is not None:
            message = "can't specify timeout for non-blocking acquire"
            raise ValueError(message)
        return perform(TryAcquire(state))  # type: ignore[no-any-return]  # what it returns is the operation's affair
    if timeout is None:
        return perform(Acquire(state))  # type: ignore[no-any-return]  # what it returns is the operation's affair
    return perform(TimedAcquire(state, max(timeout, 0)))  # type: ignore[no-any-return]  # what it returns is the operation's affair


def _release(self: Any, n: int = 1) -> None:
    state = state_of(self, adopt)
    if state is None:
        owner = BoundedSemaphore if isinstance(self, BoundedSemaphore) else Semaphore
        original(owner, "release")(self, n)
        return
    if n < 1:
        message = "n must be one or more"
        raise ValueError(message)
    perform(Release(state, n))


def _repr(self: Any) -> str:
    state = state_of(self, adopt)
    if state is None:
        owner = BoundedSemaphore if isinstance(self, BoundedSemaphore) else Semaphore
        return original(owner, "__repr__")(self)  # type: ignore[no-any-return]  # CPython's own, which is not typed here
    limit = "" if state.limit is None else f"/{state.limit}"
    return f"<{type_path(self)} at {state.name}: value={refreshed(state).value}{limit}>"


PATCHES: list[tuple[Any, str, Any]] = [
    (Semaphore, "__init__", _init),
    (Semaphore, "acquire", _acquire),
    (Semaphore, "__enter__", _acquire),
    (Semaphore, "release", _release),
    (Semaphore, "__repr__", _repr),
    (BoundedSemaphore, "__init__", _bounded_init),
    (BoundedSemaphore, "release", _release),
    (BoundedSemaphore, "__repr__", _repr),
]
