"""Signals that a program sends to itself: handled at once in main; the handlers are simulated.

The real handlers belong to the tool, which must hear Ctrl-C. So a handler that the program sets is
remembered for the execution, and runs when main itself raises the signal. What comes from a timer,
or from a thread, comes at a moment that nobody chooses: it is refused.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from interleave.core.context import in_task, running
from interleave.primitives.installation import original
from interleave.primitives.processes import refuse

if TYPE_CHECKING:
    from types import FrameType

_AT_NO_MOMENT = (
    "when the signal comes cannot be scheduled; call what its handler does, in a thread if it may "
    "come at any time"
)
_FROM_THREAD = f"it is sent from a thread, and handled in main: {_AT_NO_MOMENT}"
_ENDS_THE_TOOL = (
    "no handler of the program takes the signal, so it would end the checking tool together with "
    "the program; set a handler first, or call sys.exit() instead"
)
_NOT_MAIN = "signal only works in main thread of the main interpreter"
_HARMLESS = frozenset(
    number
    for number in (
        getattr(signal, name, None) for name in ("SIGCHLD", "SIGCONT", "SIGURG", "SIGWINCH")
    )
    if number is not None
)
"""What the system ignores where nobody handles it."""


def _handlers() -> dict[int, Any]:
    """Return the handlers that this execution has set."""
    return running()[0].state.setdefault("signals", {})  # type: ignore[no-any-return]  # kept without a type


def _signal(signalnum: int, handler: Any) -> Any:
    if not in_task():
        return _original("signal")(signalnum, handler)
    if running()[1].path:
        raise ValueError(_NOT_MAIN)
    if not callable(handler) and handler not in (signal.SIG_DFL, signal.SIG_IGN):
        message = "signal handler must be signal.SIG_IGN, signal.SIG_DFL, or a callable object"
        raise TypeError(message)
    if signalnum in (getattr(signal, "SIGKILL", None), getattr(signal, "SIGSTOP", None)):
        raise OSError(22, "Invalid argument")
    before = _getsignal(signalnum)
    _handlers()[signalnum] = handler
    return before


def _getsignal(signalnum: int) -> Any:
    if not in_task():
        return _original("getsignal")(signalnum)
    found = _handlers().get(signalnum)
    if found is not None:
        return found
    if signalnum == signal.SIGINT and running()[0].hears_interrupts:
        return signal.default_int_handler  # ours stands in its place
    return _original("getsignal")(signalnum)


def _deliver(signalnum: int, what: str) -> None:
    """Do what a signal does that the program sends to itself."""
    handler = _getsignal(signalnum)
    if handler == signal.SIG_IGN or (handler == signal.SIG_DFL and signalnum in _HARMLESS):
        return
    if not callable(handler):
        refuse(what, _ENDS_THE_TOOL)
    if running()[1].path:
        refuse(what, _FROM_THREAD)
    frame: FrameType | None = sys._getframe(2)
    handler(signalnum, frame)


def _raise_signal(signalnum: int) -> None:
    if not in_task():
        _original("raise_signal")(signalnum)
    else:
        _deliver(signalnum, "signal.raise_signal()")


def _kill(pid: int, sig: int) -> None:
    if not in_task() or sig == 0:
        original(os, "kill")(pid, sig)
    elif pid == os.getpid():
        _deliver(sig, "os.kill()")
    elif pid <= 0:
        refuse("os.kill()", _ENDS_THE_TOOL)
    else:
        original(os, "kill")(pid, sig)


def _pthread_kill(thread_id: int, signalnum: int) -> None:
    if not in_task():
        _original("pthread_kill")(thread_id, signalnum)
    else:
        _deliver(signalnum, "signal.pthread_kill()")


def _refusing(name: str) -> Any:
    def function(*args: Any) -> Any:
        if not in_task():
            return _original(name)(*args)
        refuse(f"signal.{name}()", _AT_NO_MOMENT)
        return None

    function.__name__ = name
    return function


def _original(name: str) -> Any:
    return original(signal, name)


PATCHES: list[tuple[Any, str, Any]] = [
    (signal, "signal", _signal),
    (signal, "getsignal", _getsignal),
    (signal, "raise_signal", _raise_signal),
    (os, "kill", _kill),
]
if hasattr(signal, "pthread_kill"):
    PATCHES.append((signal, "pthread_kill", _pthread_kill))
PATCHES += [
    (signal, name, _refusing(name))
    for name in ("alarm", "setitimer", "pause", "sigwait", "sigwaitinfo", "sigtimedwait")
    if hasattr(signal, name)
]
