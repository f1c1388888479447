"""Simulated `Lock` and `RLock` (Modules/_threadmodule.c).

One operation each: taking, trying, taking with a timeout, releasing, looking. An `RLock` that its
owner takes again is no operation at all: nobody else can tell.
"""

from __future__ import annotations

import _thread
import re
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any, Literal

from interleave import _real
from interleave.core.context import active, in_task, perform, running
from interleave.core.dependence import READ, WRITE
from interleave.core.operation import Noted, SimObject
from interleave.core.outcome import Uncontrolled
from interleave.core.runtime import RUNNING, TEARDOWN, misuse
from interleave.core.trace import user_place
from interleave.primitives.installation import refreshed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from interleave.core.dependence import Footprint
    from interleave.core.operation import Past
    from interleave.core.task import Task
    from interleave.primitives.queue_state import QueueState

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
        super().reset()
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
            _check_timeout(blocking, timeout)
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
        return f"<{state} _thread.lock object at {_address(self)}>"


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


class SimRLock(SimObject, metaclass=Standing):
    """A lock that its owner may take again. Used outside a check it behaves as a real one."""

    __slots__ = (
        "__weakref__",
        "_real",
        "depth",
        "depth_at_first",
        "held",
        "held_by_stranger",
        "owner",
    )
    label = "RLock"
    stands_for = RealRLock

    held: bool
    owner: Task | None
    depth: int
    depth_at_first: int  # how often main held it when the check began
    held_by_stranger: bool  # a real thread held it then

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make a simulated lock for a task, and a real one for a real thread."""
        if not in_task():
            return RealRLock(*args, **kwargs)
        return super().__new__(cls)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if (args or kwargs) and sys.version_info >= (3, 13):
            message = "Passing arguments to RLock is deprecated and will be removed in 3.15"
            warnings.warn(message, DeprecationWarning, stacklevel=2)
        super().__init__(running()[1])
        self.depth_at_first = 0
        self.held_by_stranger = False
        self._clear()
        self._real: Any = None

    @classmethod
    def adopt(cls, real: Any, title: str) -> SimRLock:
        """Return a simulated twin of a real lock: held as often by main as by this OS thread."""
        twin: SimRLock = SimObject.__new__(cls)
        SimObject.__init__(twin, None, title)
        owner, depth = _holder(real)
        own = owner == _real.get_ident()
        twin.depth_at_first = depth if own else 0
        twin.held_by_stranger = depth > 0 and not own
        twin._clear()
        twin._real = real
        return twin

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, RealRLock) and self._real is other)

    def __hash__(self) -> int:
        return hash(self._real) if self.creator is None else object.__hash__(self)

    def _clear(self) -> None:
        self.held = False
        self.owner = None
        self.depth = 0

    def reset(self) -> None:
        super().reset()
        self._clear()
        runtime = active()
        if self.depth_at_first and runtime is not None:
            self.held = True
            self.owner = runtime.main
            self.depth = self.depth_at_first

    def snapshot(self) -> bool:
        return self.held

    def held_in(self, snapshot: bool) -> bool:
        """Whether a snapshot says that it is held."""
        return snapshot

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take the lock, or take it once more; false if that failed.

        Raises:
            ValueError, OverflowError, TypeError: for timeouts as CPython does.
        """
        if timeout != -1:
            _check_timeout(blocking, timeout)
        if not in_task():
            return self.outside().acquire(blocking, timeout)  # type: ignore[no-any-return]  # CPython's own, which is not typed here
        if self.held_by_stranger:
            self._refuse()
        if self._again():
            return True
        if not blocking or timeout == 0:
            taken = perform(TryAcquire(self))
        elif timeout == -1:
            taken = perform(Acquire(self))
        else:
            taken = perform(TimedAcquire(self, timeout))
        if taken:
            self.depth = 1
        return taken  # type: ignore[no-any-return]  # what it returns is the operation's affair

    def release(self) -> None:
        """Give the lock back once.

        Raises:
            RuntimeError: when another task or nobody holds it.
        """
        if not in_task():
            self.outside().release()
            return
        runtime, task = running()
        self._begin()
        if self.owner is not task or self.epoch != runtime.count:
            if runtime.phase == TEARDOWN:
                return
            raise misuse(RuntimeError("cannot release un-acquired lock"))
        if self.depth > 1:
            self.depth -= 1
            task.unseen += 1
        else:
            self.depth = 0
            perform(Release(self))

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *args: object) -> None:
        self.release()

    def _begin(self) -> None:
        """Have it held by main, if main held it when the check began."""
        if self.depth_at_first:
            refreshed(self)

    def _refuse(self) -> None:
        """End the execution: nobody knows when the real thread that holds it lets go."""
        runtime = running()[0]
        if runtime.phase != RUNNING:
            return
        place = user_place(sys._getframe(1))
        where = f" at {place}" if place is not None else ""
        owner, _ = _holder(self._real)
        holder = threading._active.get(owner)  # type: ignore[attr-defined]  # no public part of the standard library
        name = f" ({holder.name})" if holder is not None else ""
        message = (
            f"the program takes {self.name}{where}, an RLock that a real thread{name} held when "
            "the check began: when that lets go cannot be scheduled; start the thread inside the "
            "program, or let go of the lock before the check"
        )
        runtime.stop(Uncontrolled(message, str(place) if place else None))

    def _again(self) -> bool:
        self._begin()
        if self.owner is running()[1]:
            self.depth += 1
            self.owner.unseen += 1
            return True
        return False

    # What threading.Condition asks of a lock of its own kind.

    def _is_owned(self) -> bool:
        if not in_task():
            return self.outside()._is_owned()  # type: ignore[no-any-return]  # CPython's own, which is not typed here
        self._begin()
        return self.owner is running()[1]

    def _release_save(self) -> tuple[int, Any]:
        if not in_task():
            return self.outside()._release_save()  # type: ignore[no-any-return]  # CPython's own, which is not typed here
        self._begin()
        depth, owner = self.depth, self.owner
        self.depth = 1
        self.release()
        return depth, owner

    def _acquire_restore(self, state: tuple[int, Any]) -> None:
        if not in_task():
            self.outside()._acquire_restore(state)
            return
        perform(Acquire(self))
        self.depth = state[0]

    def _recursion_count(self) -> int:
        return self.depth if self._is_owned() else 0

    if sys.version_info >= (3, 14):

        def locked(self) -> bool:
            """Whether somebody holds it."""
            return perform(Locked(self))  # type: ignore[no-any-return]  # what it returns is the operation's affair

    def _at_fork_reinit(self) -> None:
        self._clear()

    def outside(self) -> Any:
        """Return the real lock that stands in when no execution runs."""
        if self._real is None:
            self._real = RealRLock()
        return self._real

    def __repr__(self) -> str:
        state = "locked" if refreshed(self).held else "unlocked"
        owner = self.owner.ident if self.owner is not None else 0
        return (
            f"<{state} _thread.RLock object owner={owner} count={self.depth} at {_address(self)}>"
        )


def _address(lock: SimLock | SimRLock) -> str:
    """What is shown for an address: that of the real lock, if this one stands for a real one.

    The name of one that was met late tells who met it first, which is nothing to be observed.
    """
    real = lock._real if lock.creator is None else None
    return f"{id(real):#x}" if isinstance(real, RealLock | RealRLock) else lock.name


def _holder(real: Any) -> tuple[int, int]:
    """Return which OS thread holds a real RLock, and how often, without taking it."""
    found = re.search(r"owner=(-?\d+) count=(\d+)", RealRLock.__repr__(real))
    return (int(found[1]), int(found[2])) if found is not None else (0, 0)


def _check_timeout(blocking: bool, timeout: float) -> None:
    """Let a real lock, free and thrown away, judge the arguments."""
    _real.allocate_lock().acquire(blocking, timeout)


def _raw_allocate_lock() -> Any:
    """`_thread.allocate_lock`: the import system calls it too and must keep real locks."""
    caller = sys._getframe(1).f_globals.get("__name__", "")
    if caller.startswith("importlib") or not in_task():
        return _real.allocate_lock()
    return SimLock()


def _raw_rlock() -> Any:
    caller = sys._getframe(1).f_globals.get("__name__", "")
    if caller.startswith("importlib") or not in_task():
        return RealRLock()
    return SimRLock()


PATCHES: list[tuple[Any, str, Any]] = [
    (threading, "Lock", SimLock),
    (threading, "_allocate_lock", SimLock),
    (threading, "RLock", SimRLock),
    (threading, "_CRLock", SimRLock),
    (_thread, "allocate_lock", _raw_allocate_lock),
    (_thread, "RLock", _raw_rlock),
    (_thread, "LockType", SimLock),
    (_thread, "lock", SimLock),
]
