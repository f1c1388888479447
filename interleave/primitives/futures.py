"""Simulated `concurrent.futures.Future`: its state, and each thing that is done with one future.

`finish` (or `cancel`, or a worker's notice of it) tells the lines of those who wait for whichever
of several futures is done next: see `interleave.primitives.completion`.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import _base
from typing import TYPE_CHECKING, Any

from greenlet import GreenletExit

from interleave.core.context import about_to_call, in_task, perform, running
from interleave.core.dependence import READ, WRITE
from interleave.core.operation import Noted, SimObject
from interleave.core.trace import user_place_of
from interleave.errors import HangDetected, InterleaveError
from interleave.primitives.installation import (
    ATTRIBUTE,
    attach,
    original,
    refreshed,
    state_of,
    type_label,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from interleave.core.dependence import Footprint
    from interleave.core.operation import Past
    from interleave.core.runtime import Runtime
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
        super().reset()
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


# -- methods of Future --------------------------------------------------------------------------


def _future_init(self: Any) -> None:
    if not in_task():
        original(Future, "__init__")(self)
        return
    state = FutureState(running()[1])
    attach(self, state)
    _watch(state)


def adopt_future(future: Any) -> FutureState:
    """Simulate a future that was made before the check."""
    state = FutureState(None, type_label(future, "Future"))
    state.at_first = (future._state, future._result, future._exception)
    state.reset()
    return state


def _state_of(self: Any) -> str:
    """`Future._state`, which some programs look at: a plain attribute, so no operation."""
    state = self.__dict__.get(ATTRIBUTE)
    return self.__dict__["_state"] if state is None else refreshed(state).state  # type: ignore[no-any-return]  # kept without a type


def _set_state(self: Any, value: str) -> None:
    state = self.__dict__.get(ATTRIBUTE)
    if state is None:
        self.__dict__["_state"] = value
    else:
        refreshed(state).state = value


def _watch(state: FutureState) -> None:
    """Report, when the program has ended, an exception that nobody looked at."""
    runtime = running()[0]
    futures = runtime.state.get("futures")
    if futures is None:
        futures = runtime.state["futures"] = []
        runtime.end_hooks.append(lambda: _report_dropped(runtime, futures))
    futures.append(state)


def _report_dropped(runtime: Runtime, futures: list[FutureState]) -> None:
    for state in futures:
        if state.state == FINISHED and state.error is not None and not state.read:
            error = state.error
            place = user_place_of(error)
            where = f" at {place}" if place is not None else ""
            runtime.warn(
                "dropped-exception",
                f"a task of the pool raised {type(error).__name__}: {error}{where}, and its "
                "future was dropped unread: call result() or exception() on it",
            )


def _cancel(self: Any) -> bool:
    state = state_of(self, adopt_future)
    if state is None:
        return original(Future, "cancel")(self)  # type: ignore[no-any-return]  # CPython's own, which is not typed here
    cancel = Cancel(state)
    cancelled: bool = perform(cancel)
    if cancel.fresh:
        call_back(self, state)
    return cancelled


def _asks(name: str, *states: str) -> Callable[[Any], bool]:
    def method(self: Any) -> bool:
        state = state_of(self, adopt_future)
        if state is None:
            return original(Future, name)(self)  # type: ignore[no-any-return]  # CPython's own, which is not typed here
        return perform(Ask(state, states))  # type: ignore[no-any-return]  # what it returns is the operation's affair

    method.__name__ = name
    return method


def _add_done_callback(self: Any, fn: Callable[[Any], object]) -> None:
    state = state_of(self, adopt_future)
    if state is None:
        original(Future, "add_done_callback")(self, fn)
    elif perform(AddCallback(state, fn)):
        try:
            about_to_call(fn, (self,))
            fn(self)
        except ENDINGS:
            raise
        except Exception:  # noqa: BLE001 - as CPython does
            _base.LOGGER.exception("exception calling callback for %r", self)


def _wait_for(state: FutureState, timeout: float | None) -> None:
    if timeout is None:
        perform(Await(state))
    elif not perform(TimedAwait(state, max(timeout, 0))):
        raise _base.TimeoutError
    if state.state in (CANCELLED, NOTIFIED):
        raise _base.CancelledError


def _result(self: Any, timeout: float | None = None) -> Any:
    state = state_of(self, adopt_future)
    if state is None:
        return original(Future, "result")(self, timeout)
    try:
        _wait_for(state, timeout)
        if state.error is not None:
            raise state.error
        return state.result
    finally:
        self = None  # as CPython does: no cycle of the exception with this frame


def _exception(self: Any, timeout: float | None = None) -> BaseException | None:
    state = state_of(self, adopt_future)
    if state is None:
        return original(Future, "exception")(self, timeout)  # type: ignore[no-any-return]  # CPython's own, which is not typed here
    _wait_for(state, timeout)
    return state.error


def _set_running(self: Any) -> bool:
    state = state_of(self, adopt_future)
    if state is None:
        return original(Future, "set_running_or_notify_cancel")(self)  # type: ignore[no-any-return]  # CPython's own, which is not typed here
    return perform(Notice(state))  # type: ignore[no-any-return]  # what it returns is the operation's affair


def _set_result(self: Any, result: Any) -> None:
    state = state_of(self, adopt_future)
    if state is None:
        original(Future, "set_result")(self, result)
        return
    perform(Finish(state, result, None))
    call_back(self, state)


def _set_exception(self: Any, exception: BaseException | None) -> None:
    state = state_of(self, adopt_future)
    if state is None:
        original(Future, "set_exception")(self, exception)
        return
    perform(Finish(state, None, exception))
    call_back(self, state)


def _future_repr(self: Any) -> str:
    state = state_of(self, adopt_future)
    if state is None:
        return original(Future, "__repr__")(self)  # type: ignore[no-any-return]  # CPython's own, which is not typed here
    text = _base._STATE_TO_DESCRIPTION_MAP[state.state]
    if state.state == FINISHED:
        shown = state.error if state.error is not None else state.result
        verb = "raised" if state.error is not None else "returned"
        text += f" {verb} {type(shown).__name__}"
    return f"<{type(self).__name__} {state.name} state={text}>"


def _future_hash(self: Any) -> int:
    # Sets of futures come back from wait(): with a hash from the address their order, and so the
    # program, would differ from one execution to the next.
    state = self.__dict__.get(ATTRIBUTE)
    if state is None or state.creator is None:
        return object.__hash__(self)
    return hash((state.creator.path, state.serial))


PATCHES: list[tuple[Any, str, Any]] = [
    (Future, "__init__", _future_init),
    (Future, "_state", property(_state_of, _set_state)),
    (Future, "cancel", _cancel),
    (Future, "cancelled", _asks("cancelled", CANCELLED, NOTIFIED)),
    (Future, "running", _asks("running", RUNNING)),
    (Future, "done", _asks("done", *sorted(DONE))),
    (Future, "add_done_callback", _add_done_callback),
    (Future, "result", _result),
    (Future, "exception", _exception),
    (Future, "set_running_or_notify_cancel", _set_running),
    (Future, "set_result", _set_result),
    (Future, "set_exception", _set_exception),
    (Future, "__repr__", _future_repr),
    (Future, "__hash__", _future_hash),
]
