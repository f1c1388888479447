"""Simulated `Lock`, and what is done to it or to an `RLock` (Modules/_threadmodule.c).

One operation each: taking, trying, taking with a timeout, releasing, looking. An `RLock` that its
owner takes again is no operation at all: nobody else can tell.
"""

from __future__ import annotations

import _thread
import sys
import threading
from typing import TYPE_CHECKING, Any, Literal

from interleave import _real
from interleave.core.context import in_task, perform, running
from interleave.core.dependence import READ, WRITE
from interleave.core.operation import Noted, SimObject
from interleave.core.runtime import misuse
from interleave.primitives.installation import refreshed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from interleave.core.dependence import Footprint
    from interleave.core.operation import Past
    from interleave.core.task import Task
    from interleave.primitives.queue_state import QueueState
    from interleave.primitives.reentrant_locks import SimRLock

RealLock = _thread.LockType
RealRLock = _thread.RLock


class Standing(type):
    """The type of classes that stand for a type of C: its objects count as their instances."""

    stands_for: type

    def __instancecheck__(cls, instance: object) -> bool:
        if type.__instancecheck__(cls, instance):
            return True
        real = cls.__dict__.get("stands_for")
        return real is not None and isinstance(instance, real)


class SimLock(SimObject, metaclass=Standing):
    """A lock that any task may release. Used outside a check it behaves as a real one."""

    __slots__ = ("__weakref__", "_real", "held", "held_at_first", "owner", "queue")
    label = "Lock"
    stands_for = RealLock

    held: bool
    owner: Task | None
    queue: QueueState | None  # whose mutex it is; both are one object to those who wait

    def __new__(cls, *args: Any) -> Any:
        """Make a simulated lock for a task, and a real one for a real thread."""
        if not in_task():
            return _real.allocate_lock(*args)
        return super().__new__(cls)

    def __init_subclass__(cls) -> None:
        """Refuse a subclass, as CPython does.

        Raises:
            TypeError: always.
        """
        message = "type '_thread.lock' is not an acceptable base type"
        raise TypeError(message)

    def __init__(self) -> None:
        super().__init__(running()[1])
        self.held = self.held_at_first = False
        self.owner = self.queue = None
        self._real: Any = None

    @classmethod
    def adopt(cls, real: Any, title: str) -> SimLock:
        """Return a simulated twin of a real lock, in the same state."""
        twin: SimLock = SimObject.__new__(cls)
        SimObject.__init__(twin, None, title)
        twin.held = twin.held_at_first = real.locked()
        twin.owner = twin.queue = None
        twin._real = real
        return twin

    def __eq__(self, other: object) -> bool:
        return self is other or (type(other) is RealLock and self._real is other)

    def __hash__(self) -> int:
        return hash(self._real) if self.creator is None else object.__hash__(self)

    def reset(self) -> None:
        self.held = self.held_at_first
        self.owner = None

    def keep(self) -> None:
        if self.queue is None:
            super().keep()
        else:
            self.key = refreshed(self.queue).key

    def snapshot(self) -> Any:
        return self.held if self.queue is None else self.queue.snapshot()

    def held_in(self, snapshot: Any) -> bool:
        """Whether a snapshot says that it is held."""
        return snapshot if self.queue is None else snapshot[0]  # type: ignore[no-any-return]  # a snapshot of its object

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take the lock; false if that failed.

        Raises:
            ValueError, OverflowError, TypeError: for timeouts as CPython does.
        """
        if blocking is True and timeout == -1:
            return perform(Acquire(self))  # type: ignore[no-any-return]  # what it returns is the operation's affair
        if timeout != -1:
            check_timeout(blocking, timeout)
        if not blocking or timeout == 0:
            return perform(TryAcquire(self))  # type: ignore[no-any-return]  # what it returns is the operation's affair
        if timeout == -1:
            return perform(Acquire(self))  # type: ignore[no-any-return]  # what it returns is the operation's affair
        return perform(TimedAcquire(self, timeout))  # type: ignore[no-any-return]  # what it returns is the operation's affair

    def release(self) -> None:
        """Give the lock back, whoever took it.

        Raises:
            RuntimeError: when it is not held.
        """
        perform(Release(self))

    def locked(self) -> bool:
        """Whether somebody holds it."""
        return perform(Locked(self))  # type: ignore[no-any-return]  # what it returns is the operation's affair

    def __enter__(self) -> bool:
        return perform(Acquire(self))  # type: ignore[no-any-return]  # what it returns is the operation's affair

    def __exit__(self, *args: object) -> None:
        perform(Release(self))

    acquire_lock = acquire
    release_lock = release
    locked_lock = locked

    def outside(self) -> Any:
        """Return the real lock that stands in when no execution runs."""
        if self._real is None:
            self._real = _real.allocate_lock()
        return self._real

    def _at_fork_reinit(self) -> None:
        self.held = False

    def __repr__(self) -> str:
        state = "locked" if refreshed(self).held else "unlocked"
        return f"<{state} _thread.lock object at {address_of(self)}>"


class _LockOperation(Noted):
    __slots__ = ()
    target: SimLock | SimRLock

    def __init__(self, target: SimLock | SimRLock) -> None:
        self.target = target

    def take(self) -> Literal[True]:
        self.target.held = True
        self.target.owner = self.task
        return True


class Acquire(_LockOperation):
    """Block until the lock is free, then take it."""

    __slots__ = ()
    kind = "acquire"
    guarded = True
    takes = True

    def enabled(self) -> bool:
        return not self.target.held

    def enabled_in(self, past: Past) -> bool:
        return not self.target.held_in(past.of(self.target))

    def execute(self) -> bool:
        return self.take()

    def unwind(self) -> bool:
        return True

    def outside(self) -> Any:
        target = self.target
        if target.creator is None:
            return target.outside().acquire()
        # Its program is over, and nobody is left to give it back: a finaliser that comes late
        # must not wait for ever.
        return target.outside().acquire(blocking=False) or super().outside()

    def holders(self) -> Iterable[Task]:
        owner = self.target.owner
        return () if owner is None else (owner,)

    def waits_for(self) -> str:
        target = self.target
        if type(target) is SimLock and target.held_at_first and target.owner is None:
            return f"{target.name} (held when the check began)"  # and so by nobody who is known
        return target.name


class TimedAcquire(Acquire):
    """Block until the lock is free or the timeout passes."""

    __slots__ = ("timeout",)
    takes = False  # it may fail

    def __init__(self, target: SimLock | SimRLock, timeout: float) -> None:
        self.target = target
        self.timeout: float | None = timeout

    def wrote(self) -> bool:
        return not self.expired

    def footprint_in(self, past: Past) -> Footprint:
        return ((self.target.key, WRITE if self.enabled_in(past) else READ),)

    def outside(self) -> Any:
        return self.target.outside().acquire(True, self.timeout)

    def describe(self) -> str:
        return f"acquire {self.target.name} (timeout {self.timeout:g} s)"


class TryAcquire(_LockOperation):
    """Take the lock if it is free; a try that fails only looks."""

    __slots__ = ("taken",)
    kind = "try-acquire"

    def execute(self) -> bool:
        self.taken = not self.target.held
        return self.take() if self.taken else False

    def wrote(self) -> bool:
        return self.taken

    def footprint_in(self, past: Past) -> Footprint:
        target = self.target
        return ((target.key, READ if target.held_in(past.of(target)) else WRITE),)

    def unwind(self) -> bool:
        return True

    def outside(self) -> Any:
        return self.target.outside().acquire(False)


class Release(_LockOperation):
    """Give the lock back."""

    __slots__ = ()
    kind = "release"
    gives = True

    def execute(self) -> None:
        target = self.target
        if not target.held:
            raise misuse(RuntimeError("release unlocked lock"))
        target.held = False
        target.owner = None

    def outside(self) -> Any:
        target = self.target
        if target.held and target._real is None and target.creator is not None:
            # Left held by an execution that is over: a generator, say, that is freed only now.
            target.held = False
            return None
        return target.outside().release()


class Locked(_LockOperation):
    """Look whether the lock is held."""

    __slots__ = ()
    kind = "locked"

    def execute(self) -> bool:
        return self.target.held

    def wrote(self) -> bool:
        return False

    def unwind(self) -> bool:
        return False

    def outside(self) -> Any:
        return self.target.outside().locked()


def address_of(lock: SimLock | SimRLock) -> str:
    """What is shown for an address: that of the real lock, if this one stands for a real one.

    The name of one that was met late tells who met it first, which is nothing to be observed.
    """
    real = lock._real if lock.creator is None else None
    return f"{id(real):#x}" if isinstance(real, RealLock | RealRLock) else lock.name


def check_timeout(blocking: bool, timeout: float) -> None:
    """Let a real lock, free and thrown away, judge the arguments."""
    _real.allocate_lock().acquire(blocking, timeout)


def _raw_allocate_lock() -> Any:
    """`_thread.allocate_lock`: the import system calls it too and must keep real locks."""
    caller = sys._getframe(1).f_globals.get("__name__", "")
    if caller.startswith("importlib") or not in_task():
        return _real.allocate_lock()
    return SimLock()


PATCHES: list[tuple[Any, str, Any]] = [
    (threading, "Lock", SimLock),
    (threading, "_allocate_lock", SimLock),
    (_thread, "allocate_lock", _raw_allocate_lock),
    (_thread, "LockType", SimLock),
    (_thread, "lock", SimLock),
]
