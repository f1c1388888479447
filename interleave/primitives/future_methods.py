"""Simulated `concurrent.futures.Future`: its methods."""

from __future__ import annotations

from concurrent.futures import _base
from typing import TYPE_CHECKING, Any

from interleave.core.context import about_to_call, in_task, perform, running
from interleave.core.trace import user_place_of
from interleave.primitives.futures import (
    CANCELLED,
    DONE,
    ENDINGS,
    FINISHED,
    NOTIFIED,
    RUNNING,
    AddCallback,
    Ask,
    Await,
    Cancel,
    Finish,
    Future,
    FutureState,
    Notice,
    TimedAwait,
    adopt_future,
    call_back,
)
from interleave.primitives.installation import ATTRIBUTE, attach, original, refreshed, state_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from interleave.core.runtime import Runtime


def _future_init(self: Any) -> None:
    if not in_task():
        original(Future, "__init__")(self)
        return
    state = FutureState(running()[1])
    attach(self, state)
    _watch(state)


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
