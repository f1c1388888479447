"""Simulated `threading.RLock` and `_thread.RLock`: a lock that its owner may take again."""

from __future__ import annotations

import _thread
import re
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any

from interleave import _real
from interleave.core.context import active, in_task, perform, running
from interleave.core.operation import SimObject
from interleave.core.outcome import Uncontrolled
from interleave.core.runtime import RUNNING, TEARDOWN, misuse
from interleave.core.trace import user_place
from interleave.primitives.installation import refreshed
from interleave.primitives.locks import (
    Acquire,
    Locked,
    RealRLock,
    Release,
    Standing,
    TimedAcquire,
    TryAcquire,
    address_of,
    check_timeout,
)

if TYPE_CHECKING:
    from interleave.core.task import Task


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
            check_timeout(blocking, timeout)
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
            f"<{state} _thread.RLock object owner={owner} count={self.depth} at {address_of(self)}>"
        )


def _holder(real: Any) -> tuple[int, int]:
    """Return which OS thread holds a real RLock, and how often, without taking it."""
    found = re.search(r"owner=(-?\d+) count=(\d+)", RealRLock.__repr__(real))
    return (int(found[1]), int(found[2])) if found is not None else (0, 0)


def _raw_rlock() -> Any:
    caller = sys._getframe(1).f_globals.get("__name__", "")
    if caller.startswith("importlib") or not in_task():
        return RealRLock()
    return SimRLock()


PATCHES: list[tuple[Any, str, Any]] = [
    (threading, "RLock", SimRLock),
    (threading, "_CRLock", SimRLock),
    (_thread, "RLock", _raw_rlock),
]
