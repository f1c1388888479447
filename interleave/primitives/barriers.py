"""Simulated `threading.Barrier` (Lib/threading.py).

Arriving and leaving are one operation each. While the action runs, the barrier's lock is held, as
in CPython: nobody arrives, leaves, aborts or resets meanwhile.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from interleave.core.context import in_task, perform, running
from interleave.core.dependence import ADD, WRITE
from interleave.core.operation import Noted, SimObject
from interleave.primitives.installation import (
    attach,
    original,
    refreshed,
    state_of,
    type_label,
    type_path,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from interleave.core.dependence import Footprint
    from interleave.core.operation import Past
    from interleave.core.task import Task

Barrier = threading.Barrier
BrokenBarrierError = threading.BrokenBarrierError

FILLING, DRAINING, RESETTING, BROKEN = 0, 1, -1, -2


class BarrierState(SimObject):
    """How many have arrived, and what the barrier is doing."""

    __slots__ = ("acting", "action", "count", "parties", "phase", "phase_at_first", "timeout")
    label = "Barrier"

    def __init__(
        self,
        creator: Task | None,
        parties: int,
        action: Callable[[], object] | None,
        timeout: float | None,
        title: str | None = None,
    ) -> None:
        super().__init__(creator, title)
        self.parties = parties
        self.action = action
        self.timeout = timeout
        self.phase_at_first = FILLING
        self._clear()

    def _clear(self) -> None:
        self.count = 0
        self.phase = self.phase_at_first
        self.acting: Task | None = None

    def reset(self) -> None:
        self._clear()

    def snapshot(self) -> tuple[bool, int]:
        return self.acting is not None, self.phase

    def leave(self) -> None:
        """One less inside; the last one out opens it again."""
        self.count -= 1
        if self.count == 0 and self.phase in (RESETTING, DRAINING):
            self.phase = FILLING


class _BarrierOperation(Noted):
    """Needs the barrier's lock; it is held while the action runs, and nobody takes it twice."""

    __slots__ = ()
    guarded = True
    target: BarrierState

    def __init__(self, target: BarrierState) -> None:
        self.target = target

    def enabled(self) -> bool:
        return self.target.acting is None

    def enabled_in(self, past: Past) -> bool:
        return not past.of(self.target)[0]

    def holders(self) -> Iterable[Task]:
        return () if self.target.acting is None else (self.target.acting,)


class Arrive(_BarrierOperation):
    """Enter the barrier; the last of the parties runs the action or opens it."""

    __slots__ = ("index",)
    kind = "arrive"

    index: int  # how many were inside already; -1 where it was refused

    def enabled(self) -> bool:
        state = self.target
        return state.acting is None and state.phase not in (RESETTING, DRAINING)

    def enabled_in(self, past: Past) -> bool:
        acting, phase = past.of(self.target)
        return not acting and phase not in (RESETTING, DRAINING)

    def execute(self) -> int:
        state = self.target
        self.index = -1
        if state.phase < 0:
            raise BrokenBarrierError
        index = self.index = state.count
        state.count += 1
        if index + 1 == state.parties:
            if state.action is not None:
                state.acting = self.task
            else:
                state.phase = DRAINING
                state.leave()
        return index

    def unwind(self) -> int:
        return self.target.parties


class Acted(_BarrierOperation):
    """The action is over: open the barrier, or break it if the action failed."""

    __slots__ = ("failed",)
    kind = "open"

    def __init__(self, target: BarrierState, *, failed: bool) -> None:
        self.target = target
        self.failed = failed

    def enabled(self) -> bool:
        return True

    def enabled_in(self, past: Past) -> bool:
        return True

    def execute(self) -> None:
        state = self.target
        state.acting = None
        state.phase = BROKEN if self.failed else DRAINING
        state.leave()


class Pass(_BarrierOperation):
    """Wait until the others are here, then leave."""

    __slots__ = ()
    kind = "pass"

    def enabled(self) -> bool:
        state = self.target
        return state.acting is None and state.phase != FILLING

    def enabled_in(self, past: Past) -> bool:
        acting, phase = past.of(self.target)
        return not acting and phase != FILLING

    def can_expire(self) -> bool:
        return self.target.acting is None

    def can_expire_in(self, past: Past) -> bool:
        return not past.of(self.target)[0]

    def footprint(self) -> Footprint:
        # Those who leave do not see each other, and the last one out opens the barrier again.
        return ((self.target.key, ADD),)

    def execute(self) -> None:
        state = self.target
        broken = state.phase < 0
        state.leave()
        if broken:
            raise BrokenBarrierError

    def expire(self) -> None:
        self.target.phase = BROKEN
        self.target.leave()
        raise BrokenBarrierError

    def waits_for(self) -> str:
        state = self.target
        return f"{state.parties - state.count} more of {state.parties} to arrive at {state.name}"


class TimedPass(Pass):
    """Wait until the others are here or the timeout passes, which breaks the barrier."""

    __slots__ = ("timeout",)

    def __init__(self, target: BarrierState, timeout: float) -> None:
        self.target = target
        self.timeout: float | None = timeout

    def footprint(self) -> Footprint:
        return ((self.target.key, WRITE if self.expired else ADD),)

    def footprint_in(self, past: Past) -> Footprint:
        return ((self.target.key, ADD if self.enabled_in(past) else WRITE),)


class Reset(_BarrierOperation):
    """Empty the barrier: those who wait get the error."""

    __slots__ = ()
    kind = "reset"

    def execute(self) -> None:
        state = self.target
        if state.count == 0:
            state.phase = FILLING
        elif state.phase in (FILLING, BROKEN):
            state.phase = RESETTING


class Abort(_BarrierOperation):
    """Break the barrier."""

    __slots__ = ()
    kind = "abort"

    def execute(self) -> None:
        self.target.phase = BROKEN


class Look(Noted):
    """Read the number of those who wait, or whether the barrier is broken, without its lock."""

    __slots__ = ("broken",)
    kind = "look at"
    target: BarrierState

    def __init__(self, target: BarrierState, *, broken: bool) -> None:
        self.target = target
        self.broken = broken

    def execute(self) -> int | bool:
        state = self.target
        if self.broken:
            return state.phase == BROKEN
        return state.count if state.phase == FILLING else 0

    def wrote(self) -> bool:
        return False

    def unwind(self) -> bool:
        return True


def _init(
    self: Any,
    parties: int,
    action: Callable[[], object] | None = None,
    timeout: float | None = None,
) -> None:
    if not in_task():
        original(Barrier, "__init__")(self, parties, action, timeout)
        return
    _check_parties(parties)
    attach(self, BarrierState(running()[1], parties, action, timeout))
    self._parties, self._action, self._timeout = parties, action, timeout


def _check_parties(parties: int) -> None:
    """Newer Pythons refuse a barrier without parties: let the real class judge."""
    if parties < 1:
        original(Barrier, "__init__")(object.__new__(Barrier), parties)


def adopt(barrier: Any, title: str | None = None) -> BarrierState:
    """Simulate a barrier that was made before the check."""
    state = BarrierState(
        None,
        barrier._parties,
        barrier._action,
        barrier._timeout,
        title or type_label(barrier, "Barrier"),
    )
    state.phase = state.phase_at_first = barrier._state
    return state


def _wait(self: Any, timeout: float | None = None) -> int:
    state = state_of(self, adopt)
    if state is None:
        return original(Barrier, "wait")(self, timeout)  # type: ignore[no-any-return]  # CPython's own, which is not typed here
    if timeout is None:
        timeout = state.timeout
    index: int = perform(Arrive(state))
    if index + 1 == state.parties:
        if state.action is not None:
            _act(state)
    elif timeout is None:
        perform(Pass(state))
    else:
        perform(TimedPass(state, max(timeout, 0)))
    return index


def _act(state: BarrierState) -> None:
    assert state.action is not None
    try:
        state.action()
    except BaseException:
        perform(Acted(state, failed=True))
        raise
    perform(Acted(state, failed=False))


def _reset(self: Any) -> None:
    state = state_of(self, adopt)
    if state is None:
        original(Barrier, "reset")(self)
    else:
        perform(Reset(state))


def _abort(self: Any) -> None:
    state = state_of(self, adopt)
    if state is None:
        original(Barrier, "abort")(self)
    else:
        perform(Abort(state))


def _n_waiting(self: Any) -> int:
    state = state_of(self, adopt)
    if state is None:
        return original(Barrier, "n_waiting").fget(self)  # type: ignore[no-any-return]  # CPython's own, which is not typed here
    return perform(Look(state, broken=False))  # type: ignore[no-any-return]  # what it returns is the operation's affair


def _broken(self: Any) -> bool:
    state = state_of(self, adopt)
    if state is None:
        return original(Barrier, "broken").fget(self)  # type: ignore[no-any-return]  # CPython's own, which is not typed here
    return perform(Look(state, broken=True))  # type: ignore[no-any-return]  # what it returns is the operation's affair


def _repr(self: Any) -> str:
    state = state_of(self, adopt)
    if state is None:
        return original(Barrier, "__repr__")(self)  # type: ignore[no-any-return]  # CPython's own, which is not typed here
    refreshed(state)
    if state.phase == BROKEN:
        return f"<{type_path(self)} at {state.name}: broken>"
    return f"<{type_path(self)} at {state.name}: waiters={state.count}/{state.parties}>"


PATCHES: list[tuple[Any, str, Any]] = [
    (Barrier, "__init__", _init),
    (Barrier, "wait", _wait),
    (Barrier, "reset", _reset),
    (Barrier, "abort", _abort),
    (Barrier, "n_waiting", property(_n_waiting)),
    (Barrier, "broken", property(_broken)),
    (Barrier, "__repr__", _repr),
]
