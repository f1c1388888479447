"""Simulated `threading.Event` (Lib/threading.py).

A wait is one operation that needs the flag. Whoever is certain to have arrived at its `wait` (the
clock has moved since, in the time mode `idle`) is released by `set()` even if `clear()` follows.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from interleave.core.context import in_task, perform, running
from interleave.core.dependence import ADD
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
    from interleave.core.dependence import Footprint
    from interleave.core.operation import Past
    from interleave.core.task import Task

Event = threading.Event


class EventState(SimObject):
    """The flag, and how often it was set."""

    __slots__ = ("at_first", "flag", "sets")
    label = "Event"

    def __init__(
        self, creator: Task | None, *, flag: bool = False, title: str | None = None
    ) -> None:
        super().__init__(creator, title)
        self.flag = self.at_first = flag
        self.sets = 0

    def reset(self) -> None:
        self.flag = self.at_first
        self.sets = 0

    def snapshot(self) -> tuple[bool, int]:
        return self.flag, self.sets


class _EventOperation(Noted):
    __slots__ = ()
    target: EventState

    def __init__(self, target: EventState) -> None:
        self.target = target


class Wait(_EventOperation):
    """Block until the flag is set."""

    __slots__ = ("parked",)
    kind = "wait"
    guarded = True

    def __init__(self, target: EventState) -> None:
        self.target = target
        self.parked = -1  # how often the flag had been set when it had certainly arrived

    def enabled(self) -> bool:
        target = self.target
        return target.flag or 0 <= self.parked < target.sets

    def enabled_in(self, past: Past) -> bool:
        flag, sets = past.of(self.target)
        return bool(flag) or 0 <= self.parked < sets

    def execute(self) -> bool:
        return True

    def wrote(self) -> bool:
        return False

    def park(self) -> None:
        if self.parked < 0:
            self.parked = self.target.sets

    def unwind(self) -> bool:
        return True

    def waits_for(self) -> str:
        return f"{self.target.name} to be set"


class TimedWait(Wait):
    """Block until the flag is set or the timeout passes."""

    __slots__ = ("timeout",)

    def __init__(self, target: EventState, timeout: float) -> None:
        super().__init__(target)
        self.timeout: float | None = timeout

    def describe(self) -> str:
        return f"wait {self.target.name} (timeout {self.timeout:g} s)"


class Set(_EventOperation):
    """Set the flag."""

    __slots__ = ()
    kind = "set"

    def execute(self) -> None:
        state = self.target
        state.flag = True
        state.sets += 1

    def footprint(self) -> Footprint:
        return ((self.target.key, ADD),)

    def after_added(self, item: SimObject, state: tuple[bool, int]) -> tuple[bool, int]:
        return True, state[1] + 1


class Clear(_EventOperation):
    """Clear the flag."""

    __slots__ = ()
    kind = "clear"

    def execute(self) -> None:
        self.target.flag = False


class IsSet(_EventOperation):
    """Look at the flag."""

    __slots__ = ()
    kind = "is_set"

    def execute(self) -> bool:
        return self.target.flag

    def wrote(self) -> bool:
        return False

    def unwind(self) -> bool:
        return True


def _init(self: Any) -> None:
    if in_task():
        attach(self, EventState(running()[1]))
    else:
        original(Event, "__init__")(self)


def adopt(event: Any, title: str | None = None) -> EventState:
    """Simulate an event that was made before the check."""
    return EventState(None, flag=event._flag, title=title or type_label(event, "Event"))


def _wait(self: Any, timeout: float | None = None) -> bool:
    state = state_of(self, adopt)
    if state is None:
        return original(Event, "wait")(self, timeout)  # type: ignore[no-any-return]  # CPython's own, which is not typed here
    if timeout is None:
        return perform(Wait(state))  # type: ignore[no-any-return]  # what it returns is the operation's affair
    return perform(TimedWait(state, max(timeout, 0)))  # type: ignore[no-any-return]  # what it returns is the operation's affair


def _set(self: Any) -> None:
    state = state_of(self, adopt)
    if state is None:
        original(Event, "set")(self)
    else:
        perform(Set(state))


def _clear(self: Any) -> None:
    state = state_of(self, adopt)
    if state is None:
        original(Event, "clear")(self)
    else:
        perform(Clear(state))


def _is_set(self: Any) -> bool:
    state = state_of(self, adopt)
    if state is None:
        return original(Event, "is_set")(self)  # type: ignore[no-any-return]  # CPython's own, which is not typed here
    return perform(IsSet(state))  # type: ignore[no-any-return]  # what it returns is the operation's affair


def _repr(self: Any) -> str:
    state = state_of(self, adopt)
    if state is None:
        return original(Event, "__repr__")(self)  # type: ignore[no-any-return]  # CPython's own, which is not typed here
    return f"<{type_path(self)} at {state.name}: {'set' if refreshed(state).flag else 'unset'}>"


PATCHES: list[tuple[Any, str, Any]] = [
    (Event, "__init__", _init),
    (Event, "wait", _wait),
    (Event, "set", _set),
    (Event, "clear", _clear),
    (Event, "is_set", _is_set),
    (Event, "__repr__", _repr),
]
