"""Simulated `threading.Condition` (Lib/threading.py): its state, and the operations on it.

A wait is two operations: giving the lock back and lining up (`wait`), and, once notified and the
lock is free, taking it again (`wake`). A timed wait that expires takes the lock again in an
operation of its own, because CPython leaves the waiter in line until it has the lock: a
notification in between is spent on it.

Three objects take part: the lock, the line, and the place of each waiter in it. A wake-up depends
on the notification that it got, and on no other.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from interleave.core.dependence import READ, WRITE
from interleave.core.operation import Operation, SimObject
from interleave.core.runtime import misuse
from interleave.primitives.installation import refreshed, type_label
from interleave.primitives.locks import SimLock
from interleave.primitives.reentrant_locks import SimRLock

if TYPE_CHECKING:
    from collections.abc import Iterable

    from interleave.core.dependence import Footprint
    from interleave.core.operation import Past
    from interleave.core.task import Task

EXPIRED = object()


class Waiter(SimObject):
    """One task's place in the line of a condition."""

    __slots__ = ("depth", "notified")
    label = "Waiter"

    def __init__(self, creator: Task) -> None:
        super().__init__(creator)
        self.notified = False
        self.depth = 1

    def snapshot(self) -> bool:
        return self.notified


class ConditionState(SimObject):
    """The line of waiters, the longest waiting first, and the lock."""

    __slots__ = ("_label", "lock", "waiters")
    label = "Condition"

    def __init__(
        self, creator: Task | None, item: Any, lock: Any, title: str | None = None
    ) -> None:
        self._label = type_label(item, self.label)
        super().__init__(creator, title)
        self.lock = lock
        self.waiters: deque[Waiter] = deque()

    def reset(self) -> None:
        self.waiters.clear()

    def snapshot(self) -> bool:
        return bool(self.waiters)

    def notify(self, count: float) -> list[Waiter]:
        """Wake the longest waiting; return their places."""
        woken = []
        while self.waiters and count > 0:
            waiter = self.waiters.popleft()
            waiter.notified = True
            woken.append(waiter)
            count -= 1
        return woken

    @property
    def lock_name(self) -> str:
        """The name of the lock; one of the program's own making has none."""
        lock = self.lock
        return lock.name if isinstance(lock, SimObject) else "the lock"

    @property
    def owned(self) -> bool:
        """What CPython asks: of a plain lock whether anyone holds it, of an RLock who does."""
        lock = self.lock
        if type(lock) is SimLock:  # no `isinstance`, which takes its time to say no
            return lock.held
        return bool(lock._is_owned())


class _ConditionOperation(Operation):
    """Acts on a condition under its lock; the lock is the object that orders it."""

    __slots__ = ("condition", "seen")
    noted = True

    def __init__(self, condition: ConditionState) -> None:
        self.condition = condition
        lock = condition.lock
        self.target = lock if isinstance(lock, SimObject) else condition

    def note(self) -> None:
        condition = refreshed(self.condition)
        lock = condition.lock
        self.seen = (
            lock.snapshot() if isinstance(lock, SimObject) else None,
            condition.snapshot(),
        )

    def before(self, item: SimObject) -> Any:
        return self.seen[item is self.condition]

    def footprint(self) -> Footprint:
        return ((self.condition.key, WRITE), *self._lock(WRITE))

    def _lock(self, mode: int) -> Footprint:
        lock = self.condition.lock
        return ((lock.key, mode),) if isinstance(lock, SimObject) else ()

    def _lock_free(self, past: Past) -> bool:
        # A lock of the program's own making is taken again by its own method, after the wake-up.
        lock = self.condition.lock
        return not isinstance(lock, SimObject) or not lock.held_in(past.of(lock))  # type: ignore[attr-defined]  # a simulated lock, as was just asked

    def describe(self) -> str:
        return f"{self.kind} {self.condition.name}"


class Wait(_ConditionOperation):
    """Line up and give the lock back."""

    __slots__ = ("waiter",)
    kind = "wait"
    tells = False

    def __init__(self, condition: ConditionState) -> None:
        super().__init__(condition)
        self.waiter: Waiter | None = None

    def execute(self) -> Waiter:
        condition = refreshed(self.condition)
        if not condition.owned:
            raise misuse(RuntimeError("cannot wait on un-acquired lock"))
        waiter = self.waiter = Waiter(self.task)
        condition.waiters.append(waiter)
        lock = condition.lock
        if type(lock) is SimRLock:
            waiter.depth, lock.depth = lock.depth, 0
        if isinstance(lock, SimObject):
            lock.held = False  # type: ignore[attr-defined]  # a simulated lock, as was just asked
            lock.owner = None  # type: ignore[attr-defined]  # a simulated lock, as was just asked
        return waiter

    def footprint(self) -> Footprint:
        waiter = self.waiter
        if waiter is None:  # it was refused
            return self._lock(READ)
        return ((self.condition.key, WRITE), (waiter.key, WRITE), *self._lock(WRITE))

    def footprint_in(self, past: Past) -> Footprint:
        return ((self.condition.key, WRITE), *self._lock(WRITE))

    def before(self, item: SimObject) -> Any:
        return False if item is self.waiter else super().before(item)

    def unwind(self) -> Waiter:
        return Waiter(self.task)


class Wake(_ConditionOperation):
    """Once notified, take the lock again."""

    __slots__ = ("notified", "waiter")
    kind = "wake"
    tells = False
    guarded = True

    def __init__(self, condition: ConditionState, waiter: Waiter) -> None:
        super().__init__(condition)
        self.waiter = waiter

    def enabled(self) -> bool:
        return self.waiter.notified and not _held(self.condition.lock)

    def enabled_in(self, past: Past) -> bool:
        return past.of(self.waiter) and self._lock_free(past)

    def can_expire(self) -> bool:
        return not self.waiter.notified

    def can_expire_in(self, past: Past) -> bool:
        return not past.of(self.waiter)

    def note(self) -> None:
        super().note()
        self.notified = self.waiter.notified

    def before(self, item: SimObject) -> Any:
        return self.notified if item is self.waiter else super().before(item)

    def footprint(self) -> Footprint:
        return ((self.waiter.key, READ), *self._lock(WRITE))

    def execute(self) -> bool:
        _retake(self.condition.lock, self.task, self.waiter)
        return True

    def expire(self) -> object:
        return EXPIRED

    def unwind(self) -> bool:
        return True

    def holders(self) -> Iterable[Task]:
        owner = getattr(self.condition.lock, "owner", None)
        return (owner,) if self.waiter.notified and owner is not None else ()

    def waits_for(self) -> str:
        condition = self.condition
        if self.waiter.notified:
            return f"acquire {condition.lock_name} again, after a notify on {condition.name}"
        return f"a notify on {condition.name}"


class TimedWake(Wake):
    """Once notified or the timeout passed."""

    __slots__ = ("timeout",)

    def __init__(self, condition: ConditionState, waiter: Waiter, timeout: float) -> None:
        super().__init__(condition, waiter)
        self.timeout: float | None = timeout

    def footprint(self) -> Footprint:
        return ((self.waiter.key, READ),) if self.expired else super().footprint()

    def footprint_in(self, past: Past) -> Footprint:
        return super().footprint() if self.enabled_in(past) else ((self.waiter.key, READ),)

    def describe(self) -> str:
        return f"wake {self.condition.name} (timeout {self.timeout:g} s)"


class Leave(_ConditionOperation):
    """After the timeout: take the lock again, then leave the line."""

    __slots__ = ("waiter",)
    kind = "acquire again"
    guarded = True

    def __init__(self, condition: ConditionState, waiter: Waiter) -> None:
        super().__init__(condition)
        self.waiter = waiter

    def enabled(self) -> bool:
        return not _held(self.condition.lock)

    def enabled_in(self, past: Past) -> bool:
        return self._lock_free(past)

    def execute(self) -> bool:
        _retake(self.condition.lock, self.task, self.waiter)
        if self.waiter in self.condition.waiters:
            self.condition.waiters.remove(self.waiter)
        return False

    def unwind(self) -> bool:
        return False

    def holders(self) -> Iterable[Task]:
        owner = getattr(self.condition.lock, "owner", None)
        return (owner,) if owner is not None else ()

    def waits_for(self) -> str:
        return f"acquire {self.condition.lock_name} again, after a timeout of {self.condition.name}"


class Notify(_ConditionOperation):
    """Wake some who wait."""

    __slots__ = ("count", "woken")
    kind = "notify"

    def __init__(self, condition: ConditionState, count: float) -> None:
        super().__init__(condition)
        self.count = count
        self.woken: list[Waiter] = []

    def execute(self) -> None:
        condition = refreshed(self.condition)
        if not condition.owned:
            raise misuse(RuntimeError("cannot notify on un-acquired lock"))
        self.woken = condition.notify(self.count)

    def footprint(self) -> Footprint:
        # A write even if it is refused or meets nobody: it must not touch more in another order.
        woken = ((waiter.key, WRITE) for waiter in self.woken)
        return ((self.condition.key, WRITE), *woken, *self._lock(READ))

    def footprint_in(self, past: Past) -> Footprint:
        return ((self.condition.key, WRITE), *self._lock(READ))

    def before(self, item: SimObject) -> Any:
        return False if item in self.woken else super().before(item)


class LineUp(_ConditionOperation):
    """Line up, while a lock of the program's own making is held: giving it back comes next."""

    __slots__ = ("waiter",)
    kind = "wait"
    tells = False

    def __init__(self, condition: ConditionState) -> None:
        super().__init__(condition)
        self.waiter: Waiter | None = None

    def execute(self) -> Waiter:
        condition = refreshed(self.condition)
        waiter = self.waiter = Waiter(self.task)
        condition.waiters.append(waiter)
        return waiter

    def footprint(self) -> Footprint:
        waiter = self.waiter
        mine = () if waiter is None else ((waiter.key, WRITE),)
        return ((self.condition.key, WRITE), *mine)

    def before(self, item: SimObject) -> Any:
        return False if item is self.waiter else super().before(item)

    def unwind(self) -> Waiter:
        return Waiter(self.task)


class NotifyOwn(Notify):
    """Wake some who wait on a condition whose lock, of the program's own making, is held."""

    __slots__ = ()

    def execute(self) -> None:
        self.woken = refreshed(self.condition).notify(self.count)


def _held(lock: Any) -> bool:
    # A lock of the program's own making is taken again by its own method, after the wake-up.
    return isinstance(lock, SimObject) and lock.held  # type: ignore[attr-defined]  # a simulated lock, as was just asked


def _retake(lock: Any, task: Task, waiter: Waiter) -> None:
    if isinstance(lock, SimObject):
        lock.held = True  # type: ignore[attr-defined]  # a simulated lock, as was just asked
        lock.owner = task  # type: ignore[attr-defined]  # a simulated lock, as was just asked
    if type(lock) is SimRLock:
        lock.depth = waiter.depth
