"""Simulated `concurrent.futures.Future`: its state, and the operations on one future.

`finish` (or `cancel`, or a worker's notice of it) tells the lines of those who wait for whichever
of several futures is done next: see `interleave.primitives.completion`.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import _base
from typing import TYPE_CHECKING, Any

from greenlet import GreenletExit

from interleave.core.context import about_to_call
from interleave.core.dependence import READ, WRITE
from interleave.core.operation import Noted, SimObject
from interleave.errors import HangDetected, InterleaveError
from interleave.primitives.installation import type_label

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from interleave.core.dependence import Footprint
    from interleave.core.operation import Past
    from interleave.core.task import Task

Future = _base.Future

PENDING, RUNNING, CANCELLED, NOTIFIED, FINISHED = (
    _base.PENDING,
    _base.RUNNING,
    _base.CANCELLED,
    _base.CANCELLED_AND_NOTIFIED,
    _base.FINISHED,
)

DONE = frozenset((CANCELLED, NOTIFIED, FINISHED))

SETTLED = frozenset((NOTIFIED, FINISHED))
"""What `wait` and `as_completed` count: a cancelled future is done once a worker noticed."""

ENDINGS = (GreenletExit, HangDetected, InterleaveError, KeyboardInterrupt)


Snapshot = tuple[str, bool]
"""The state of a future, and whether it holds an exception."""


class FutureState(SimObject):
    """A future's state and result, and whether anybody ever looked."""

    __slots__ = ("at_first", "callbacks", "error", "lines", "read", "result", "state")
    label = "Future"

    state: str
    error: BaseException | None

    def __init__(self, creator: Task | None, title: str | None = None) -> None:
        self.at_first: tuple[Any, ...] = (PENDING, None, None)
        super().__init__(creator, title)
        self._clear()

    def _clear(self) -> None:
        self.state, self.result, self.error = self.at_first
        self.callbacks: list[Callable[[Any], object]] = []
        self.read = False
        self.lines: list[Line] = []

    def reset(self) -> None:
        self._clear()

    def snapshot(self) -> Snapshot:
        return self.state, self.error is not None

    def settle(self, state: str) -> Told:
        """Take a state; tell the lines of those who wait to see which future is done next."""
        tells = state in SETTLED and self.state not in SETTLED
        self.state = state
        if not tells:
            return ()
        told = tuple((line, line.snapshot()) for line in self.lines)
        for line in self.lines:
            line.done.append(self)
        return told

    @property
    def place(self) -> tuple[tuple[int, ...], int]:
        """Who made it, and the how manieth: an order that no interleaving decides."""
        return (self.creator.path if self.creator is not None else ()), self.serial


class Line(SimObject):
    """The futures that one `as_completed` waits for, in the order in which they were done."""

    __slots__ = ("done",)
    label = "as_completed"

    def __init__(self, creator: Task) -> None:
        super().__init__(creator)
        self.done: deque[FutureState] = deque()

    def snapshot(self) -> bool:
        return bool(self.done)


Told = tuple[tuple[Line, bool], ...]
"""Lines that got one more future, each with its snapshot before."""


def footprint_of(told: Told) -> Footprint:
    """Return how those who were told are touched."""
    return tuple((line.key, WRITE) for line, _ in told)


def _before(told: Told, item: SimObject) -> bool:
    return next(before for line, before in told if line is item)


class _FutureOperation(Noted):
    __slots__ = ()
    target: FutureState

    def __init__(self, target: FutureState) -> None:
        self.target = target


class Cancel(_FutureOperation):
    """Cancel a future that does not run yet."""

    __slots__ = ("fresh",)
    kind = "cancel"

    def footprint_in(self, past: Past) -> Footprint:
        state, _ = past.of(self.target)
        return ((self.target.key, WRITE if state == PENDING else READ),)

    def execute(self) -> bool:
        state = self.target
        self.fresh = state.state == PENDING
        if self.fresh:
            state.settle(CANCELLED)
        return state.state in (CANCELLED, NOTIFIED)

    def wrote(self) -> bool:
        return self.fresh

    def unwind(self) -> bool:
        self.fresh = False
        return False


class Ask(_FutureOperation):
    """Look at the state of a future."""

    __slots__ = ("states",)
    kind = "look at"

    def __init__(self, target: FutureState, states: Iterable[str]) -> None:
        self.target = target
        self.states = states

    def execute(self) -> bool:
        return self.target.state in self.states

    def wrote(self) -> bool:
        return False

    def unwind(self) -> bool:
        return True


class AddCallback(_FutureOperation):
    """Register a callback; true if the future is done already and the caller must call it."""

    __slots__ = ("function",)
    kind = "add_done_callback to"

    def __init__(self, target: FutureState, function: Callable[[Any], object]) -> None:
        self.target = target
        self.function = function

    def execute(self) -> bool:
        if self.target.state in DONE:
            return True
        self.target.callbacks.append(self.function)
        return False

    def unwind(self) -> bool:
        return False


class Await(_FutureOperation):
    """Wait until a future is done."""

    __slots__ = ()
    kind = "result of"
    guarded = True

    def enabled(self) -> bool:
        return self.target.state in DONE

    def enabled_in(self, past: Past) -> bool:
        return past.of(self.target)[0] in DONE

    def execute(self) -> bool:
        self.target.read = True
        return True

    def wrote(self) -> bool:
        return False

    def unwind(self) -> bool:
        return True

    def waits_for(self) -> str:
        return f"{self.target.name} to be done"


class TimedAwait(Await):
    """Wait until a future is done or the timeout passes."""

    __slots__ = ("timeout",)

    def __init__(self, target: FutureState, timeout: float) -> None:
        self.target = target
        self.timeout: float | None = timeout


class _Telling(_FutureOperation):
    """May settle a future, and so tell those who wait in line for the next one."""

    __slots__ = ("told",)

    def __init__(self, target: FutureState) -> None:
        self.target = target
        self.told: Told = ()

    def footprint(self) -> Footprint:
        return ((self.target.key, WRITE), *footprint_of(self.told))

    def footprint_in(self, past: Past) -> Footprint:
        return ((self.target.key, WRITE), *((line.key, WRITE) for line in self.target.lines))

    def before(self, item: SimObject) -> Any:
        return self.seen if item is self.target else _before(self.told, item)


class Notice(_Telling):
    """Mark a future as running, or as one whose cancellation was noticed."""

    __slots__ = ()
    kind = "run"

    def execute(self) -> bool:
        state = self.target
        if state.state == CANCELLED:
            self.told = state.settle(NOTIFIED)
            return False
        if state.state == PENDING:
            state.state = RUNNING
            return True
        message = "Future in unexpected state"
        raise RuntimeError(message)

    def unwind(self) -> bool:
        return False


class Finish(_Telling):
    """Give a future its result or its exception."""

    __slots__ = ("error", "result")
    kind = "finish"

    def __init__(self, target: FutureState, result: Any, error: BaseException | None) -> None:
        super().__init__(target)
        self.result = result
        self.error = error

    def execute(self) -> None:
        state = self.target
        if state.state in DONE:
            message = f"{state.state}: {state.name}"
            raise _base.InvalidStateError(message)
        state.result, state.error = self.result, self.error
        self.told = state.settle(FINISHED)


def call_back(future: Any, state: FutureState) -> None:
    """Call what was added to a future that is done now."""
    for function in state.callbacks:
        try:
            about_to_call(function, (future,))
            function(future)
        except ENDINGS:
            raise
        except Exception:  # noqa: BLE001 - as CPython does
            _base.LOGGER.exception("exception calling callback for %r", future)


def adopt_future(future: Any) -> FutureState:
    """Simulate a future that was made before the check."""
    state = FutureState(None, type_label(future, "Future"))
    state.at_first = (future._state, future._result, future._exception)
    state.reset()
    return state
