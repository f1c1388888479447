"""Simulated `threading.Condition` (Lib/threading.py): its methods."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING, Any

from interleave.core.context import in_task, perform, running
from interleave.core.operation import SimObject
from interleave.core.runtime import misuse
from interleave.primitives.conditions import (
    EXPIRED,
    ConditionState,
    Leave,
    LineUp,
    Notify,
    NotifyOwn,
    TimedWake,
    Wait,
    Wake,
)
from interleave.primitives.installation import (
    attach,
    original,
    state_of,
    type_label,
    undo_later,
)
from interleave.primitives.reentrant_locks import SimRLock
from interleave.primitives.twins import REAL, placed_twin, twin_of

if TYPE_CHECKING:
    from interleave.primitives.locks import SimLock

Condition = threading.Condition


def _init(self: Any, lock: Any = None) -> None:
    if not in_task():
        original(Condition, "__init__")(self, lock)
        return
    if lock is None:
        lock = SimRLock()
    elif isinstance(lock, REAL):
        lock = twin_of(lock)
    equip(self, lock)
    state = ConditionState(running()[1], self, lock)
    self._waiters = state.waiters
    attach(self, state)


def equip(condition: Any, lock: Any) -> None:
    """Give a condition its lock and the lock's methods, as CPython does."""
    condition._lock = lock
    condition.acquire = lock.acquire
    condition.release = lock.release
    for name in ("_release_save", "_acquire_restore", "_is_owned"):
        if hasattr(lock, name):
            setattr(condition, name, getattr(lock, name))


def on_lock(lock: SimLock, title: str) -> Any:
    """Return a condition that nobody has made, such as those of a queue."""
    condition = object.__new__(Condition)
    equip(condition, lock)
    state = ConditionState(None, condition, lock, title)
    condition._waiters = state.waiters  # type: ignore[attr-defined]  # no public part of the standard library
    attach(condition, state)
    return condition


def adopt(condition: Any, lock: Any = None, title: str | None = None) -> ConditionState:
    """Simulate a condition that was made before the check, with this simulated lock."""
    saved = dict(condition.__dict__)
    if lock is None:
        lock = condition._lock
        if isinstance(lock, REAL):
            lock = placed_twin(lock, f"lock of {title or type_label(condition, 'Condition')}")
    equip(condition, lock)

    def undo() -> None:
        condition.__dict__.clear()
        condition.__dict__.update(saved)

    undo_later(undo)
    state = ConditionState(None, condition, lock, title or type_label(condition, "Condition"))
    condition._waiters = state.waiters
    return state


def _wait(self: Any, timeout: float | None = None) -> bool:
    state = state_of(self, adopt)
    if state is None:
        return original(Condition, "wait")(self, timeout)  # type: ignore[no-any-return]  # CPython's own, which is not typed here
    if not isinstance(state.lock, SimObject):
        return _wait_with_own_lock(self, state, timeout)
    waiter = perform(Wait(state))
    if timeout is None:
        return perform(Wake(state, waiter))  # type: ignore[no-any-return]  # what it returns is the operation's affair
    if perform(TimedWake(state, waiter, max(timeout, 0))) is not EXPIRED:
        return True
    return perform(Leave(state, waiter))  # type: ignore[no-any-return]  # what it returns is the operation's affair


def _wait_with_own_lock(condition: Any, state: ConditionState, timeout: float | None) -> bool:
    """Wait on a condition whose lock is an object of the program's own making."""
    if not condition._is_owned():
        message = "cannot wait on un-acquired lock"
        raise misuse(RuntimeError(message))
    waiter = perform(LineUp(state))
    saved = condition._release_save()
    woken: object = EXPIRED
    try:
        if timeout is None:
            woken = perform(Wake(state, waiter))
        else:
            woken = perform(TimedWake(state, waiter, max(timeout, 0)))
    finally:
        condition._acquire_restore(saved)
        if woken is EXPIRED:
            perform(Leave(state, waiter))
    return woken is not EXPIRED


def _notify(self: Any, n: float = 1) -> None:
    state = state_of(self, adopt)
    if state is None:
        original(Condition, "notify")(self, n)
    elif isinstance(state.lock, SimObject):
        perform(Notify(state, n))
    else:
        if not self._is_owned():
            message = "cannot notify on un-acquired lock"
            raise misuse(RuntimeError(message))
        perform(NotifyOwn(state, n))


def _notify_all(self: Any) -> None:
    state = state_of(self, adopt)
    if state is None:
        original(Condition, "notify_all")(self)
    else:
        _notify(self, math.inf)


PATCHES: list[tuple[Any, str, Any]] = [
    (Condition, "__init__", _init),
    (Condition, "wait", _wait),
    (Condition, "notify", _notify),
    (Condition, "notify_all", _notify_all),
]
