"""Simulated `concurrent.futures.wait` and `as_completed`: to wait for several futures at once."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable
from concurrent.futures import _base
from typing import TYPE_CHECKING, Any

from interleave.core.context import in_task, perform, running
from interleave.core.dependence import READ, WRITE
from interleave.core.operation import Noted, Operation, SimObject
from interleave.core.runtime import TEARDOWN
from interleave.primitives.futures import (
    CANCELLED,
    FINISHED,
    SETTLED,
    Ask,
    FutureState,
    Line,
    Snapshot,
    adopt_future,
)
from interleave.primitives.installation import ATTRIBUTE, refreshed, state_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from interleave.core.dependence import Footprint
    from interleave.core.operation import Past

Fulfilled = Callable[[list[Snapshot]], bool]
"""Tells of the snapshots of several futures whether enough of them are done."""


class AwaitMany(Operation):
    """Wait until enough of several futures are done."""

    __slots__ = ("fulfilled", "futures", "seen")
    kind = "wait for futures"
    guarded = True
    noted = True

    def __init__(self, futures: list[FutureState], fulfilled: Fulfilled) -> None:
        self.target = None
        self.futures = futures
        self.fulfilled = fulfilled

    def enabled(self) -> bool:
        return self.fulfilled([state.snapshot() for state in self.futures])

    def enabled_in(self, past: Past) -> bool:
        return self.fulfilled([past.of(state) for state in self.futures])

    def footprint(self) -> Footprint:
        return tuple((state.key, READ) for state in self.futures)

    def before(self, item: SimObject) -> Any:
        return self.seen[id(item)]

    def note(self) -> None:
        self.seen = {id(state): state.snapshot() for state in self.futures}

    def execute(self) -> bool:
        return True

    def wrote(self) -> bool:
        return False

    def unwind(self) -> bool:
        return True

    def waits_for(self) -> str:
        undone = [state for state in self.futures if state.state not in SETTLED]
        names = ", ".join(state.name for state in undone)
        if any(state.state == CANCELLED for state in undone):
            names += " (cancelled, which counts only once a worker notices)"
        return f"futures to be done: {names}"


class TimedAwaitMany(AwaitMany):
    """Wait until enough are done or the timeout passes."""

    __slots__ = ("timeout",)

    def __init__(self, futures: list[FutureState], fulfilled: Fulfilled, timeout: float) -> None:
        super().__init__(futures, fulfilled)
        self.timeout: float | None = timeout


def _states(futures: Iterable[Any]) -> list[FutureState] | None:
    """Return the states of futures; none where they are not ours to wait for."""
    found = []
    for future in futures:
        state = state_of(future, adopt_future)
        if state is None:
            return None
        found.append(refreshed(state))
    return found


def _wait(
    fs: Iterable[Any], timeout: float | None = None, return_when: str = _base.ALL_COMPLETED
) -> Any:
    futures = list(dict.fromkeys(fs))
    states = _states(futures)
    if states is None or not in_task():
        return _real_wait(futures, timeout, return_when)

    def fulfilled(snapshots: list[Snapshot]) -> bool:
        undone = sum(state not in SETTLED for state, _ in snapshots)
        if not undone:
            return True
        if return_when == _base.FIRST_COMPLETED:
            return undone < len(snapshots)
        return return_when == _base.FIRST_EXCEPTION and any(
            state == FINISHED and failed for state, failed in snapshots
        )

    seen = perform(_Settled(states))
    if not fulfilled([state.snapshot() for state in states]):
        if return_when not in (_base.FIRST_COMPLETED, _base.FIRST_EXCEPTION, _base.ALL_COMPLETED):
            message = f"Invalid return condition: {return_when!r}"
            raise ValueError(message)
        if timeout is None:
            perform(AwaitMany(states, fulfilled))
        else:
            perform(TimedAwaitMany(states, fulfilled, max(timeout, 0)))
        seen = [state for state in states if state.state in SETTLED]
        # CPython takes leave of one future after the other: more may be done meanwhile.
        seen += [state for state in states if state not in seen and perform(Ask(state, SETTLED))]
    done = {future for future, state in zip(futures, states, strict=True) if state in seen}
    return _base.DoneAndNotDoneFutures(done, set(futures) - done)


def _as_completed(fs: Iterable[Any], timeout: float | None = None) -> Iterator[Any]:
    futures = list(dict.fromkeys(fs))
    if not in_task() or _states(futures) is None:
        yield from _real_as_completed(futures, timeout)
        return
    runtime, _ = running()
    end = None if timeout is None else runtime.clock() + timeout
    pending = {future.__dict__[ATTRIBUTE]: future for future in futures}
    line = Line(running()[1])
    at_start = perform(_Settled(list(pending), line))
    while at_start:
        # CPython keeps what was done at the start in a set: its order is anyone's guess.
        state = at_start.pop(runtime.choose_value(len(at_start)) if len(at_start) > 1 else 0)
        yield pending.pop(state)
    while pending:
        # CPython looks at the clock first: once the time is over it matters not what is done.
        over = end is not None and end <= runtime.clock()
        if over:
            message = f"{len(pending)} (of {len(futures)}) futures unfinished"
            raise _base.TimeoutError(message)
        if end is None:
            batch = perform(Collect(line))
        else:
            batch = perform(TimedCollect(line, end - runtime.clock()))
            if batch is None:
                batch = perform(TryCollect(line))  # what was done since the time was over
        if runtime.phase == TEARDOWN:
            return
        for state in batch:
            yield pending.pop(state)


class _Settled(AwaitMany):
    """Look which of several futures are done, and stand in line for the others."""

    __slots__ = ("line",)
    kind = "look at futures"
    tells = False
    guarded = False

    def __init__(self, futures: list[FutureState], line: Line | None = None) -> None:
        super().__init__(futures, lambda _: True)
        self.line = line

    def execute(self) -> Any:
        settled = [state for state in self.futures if state.state in SETTLED]
        if self.line is not None:
            for state in self.futures:
                state.lines.append(self.line)
        return sorted(settled, key=lambda state: state.place)

    def unwind(self) -> Any:
        return []


class Collect(Noted):
    """Wait until one more future is done; take all that are, in the order in which they were."""

    __slots__ = ()
    kind = "next of"
    tells = False
    guarded = True
    target: Line

    def __init__(self, target: Line) -> None:
        self.target = target

    def enabled(self) -> bool:
        return bool(self.target.done)

    def enabled_in(self, past: Past) -> bool:
        return past.of(self.target)  # type: ignore[no-any-return]  # a snapshot of its object

    def execute(self) -> list[FutureState]:
        batch = list(self.target.done)
        self.target.done.clear()
        return batch

    def expire(self) -> None:
        return None

    def unwind(self) -> list[FutureState]:
        return []

    def waits_for(self) -> str:
        return "a future to be done (as_completed)"


class TimedCollect(Collect):
    """Wait until one more future is done or the timeout passes."""

    __slots__ = ("timeout",)

    def __init__(self, target: Line, timeout: float) -> None:
        self.target = target
        self.timeout: float | None = timeout

    def wrote(self) -> bool:
        return not self.expired

    def footprint_in(self, past: Past) -> Footprint:
        return ((self.target.key, WRITE if past.of(self.target) else READ),)


class TryCollect(Collect):
    """Take the futures that are done by now, if any."""

    __slots__ = ("took",)
    guarded = False

    def execute(self) -> list[FutureState]:
        batch = super().execute()
        self.took = bool(batch)
        return batch

    def enabled_in(self, past: Past) -> bool:
        return True

    def wrote(self) -> bool:
        return self.took

    def footprint_in(self, past: Past) -> Footprint:
        return ((self.target.key, WRITE if past.of(self.target) else READ),)


_real_wait = _base.wait

_real_as_completed = _base.as_completed

PATCHES: list[tuple[Any, str, Any]] = [
    (_base, "wait", _wait),
    (_base, "as_completed", _as_completed),
    (concurrent.futures, "wait", _wait),
    (concurrent.futures, "as_completed", _as_completed),
]
