"""What leaves the controlled world: refused with its line, or done as one step, which is said.

Another process cannot be scheduled, and neither can what is at the other end of a socket. What
would take the tool itself along (`os.fork`, `os._exit`, ...) or could never work on the virtual
clock (an event loop of asyncio) ends the execution. What comes back by itself is let through as
one step, in which no other thread goes on, and a warning says so.
"""

from __future__ import annotations

import _socket
import _thread
import atexit
import os
import selectors
import socket
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn

from interleave import _real
from interleave.core.context import in_task, running
from interleave.core.outcome import Uncontrolled
from interleave.core.trace import user_place
from interleave.primitives.installation import original

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

OUTSIDE = "outside"
"""The kind of the warning about what was done outside the controlled world."""

_IN_ONE_PROCESS = (
    "another process cannot be scheduled; check the part of the program that runs in one process"
)
_ENDS_THE_TOOL = (
    "it would end the checking tool together with the program; call sys.exit() instead, or give "
    "the program a function that the check can replace"
)
_NO_ASYNCIO = (
    "its event loop waits for real while the clock of the check is a virtual one; interleave "
    "checks threads: call the functions that the coroutines call, from threads"
)
_FROM_OUTSIDE = (
    "when the system answers cannot be scheduled; take it out of the program, or replace it by a "
    "thread that does the same"
)


def refuse(what: str, why: str) -> NoReturn:
    """End the execution: the program is about to do what cannot be controlled."""
    place = user_place(sys._getframe(1))
    where = f" at {place}" if place is not None else ""
    message = f"the program calls {what}{where}: {why}"
    running()[0].stop(Uncontrolled(message, str(place) if place else None))
    raise AssertionError(message)  # nobody comes back from there


def let_through(what: str, why: str) -> None:
    """Warn that something is done as one step, outside of what is explored."""
    place = user_place(sys._getframe(1))
    where = f" at {place}" if place is not None else ""
    running()[0].warn(OUTSIDE, f"the program calls {what}{where}: {why}")


_STEP = "this is one step here, in which no thread goes on, and what the other side does is its own"


def _refusing(owner: Any, name: str, why: str, shown: str) -> tuple[Any, str, Any]:
    def function(*args: Any, **kwargs: Any) -> Any:
        if not in_task():
            return original(owner, name)(*args, **kwargs)
        refuse(f"{shown}()", why)

    function.__name__ = name
    return owner, name, function


def _stepping(owner: Any, name: str, shown: str, real: Any) -> tuple[Any, str, Any]:
    """Let a call through as one step, with a warning; real time passes in it."""

    def function(*args: Any, **kwargs: Any) -> Any:
        if not in_task():
            return real(*args, **kwargs)
        runtime = running()[0]
        if not runtime.phase:  # no part of another such step
            let_through(f"{shown}()", _STEP)
        with runtime.atomic():
            return real(*args, **kwargs)

    function.__name__ = name
    return owner, name, function


def _in_real_time(method: Callable[..., Any]) -> Callable[..., Any]:
    """Measure the timeouts of a process on the real clock: it takes real time."""

    def call(*args: Any, **kwargs: Any) -> Any:
        names = vars(subprocess)
        before = names["_time"], names["time"]
        names["_time"] = _real.monotonic
        names["time"] = SimpleNamespace(sleep=_real.sleep)
        try:
            return method(*args, **kwargs)
        finally:
            names["_time"], names["time"] = before

    return call


def _fork_exec(*args: Any) -> Any:
    if in_task() and _is_called_by("multiprocessing"):
        refuse("multiprocessing", _IN_ONE_PROCESS)
    return original(_STARTER, "fork_exec")(*args)


_STARTER = sys.modules.get("_posixsubprocess")
"""Where processes are started by `subprocess`, and by `multiprocessing` where it does not fork."""


def _is_called_by(package: str) -> bool:
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        name = frame.f_globals.get("__name__")
        if isinstance(name, str) and name.partition(".")[0] == package:
            return True
        frame = frame.f_back
    return False


def _selecting(owner: Any) -> tuple[Any, str, Any]:
    def select(self: Any, timeout: float | None = None) -> Any:
        if in_task():
            if _is_called_by("asyncio"):
                refuse("asyncio", _NO_ASYNCIO)
            if not running()[0].phase:
                let_through(f"{owner.__name__}.select()", _STEP)
        return original(owner, "select")(self, timeout)

    return owner, "select", select


def _register(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[..., Any]:
    if not in_task():
        return original(atexit, "register")(func, *args, **kwargs)  # type: ignore[no-any-return]  # CPython's own, which is not typed here
    running()[0].at_exit.append((func, args, kwargs))
    return func


def _unregister(func: Callable[..., Any]) -> None:
    if not in_task():
        original(atexit, "unregister")(func)
        return
    kept = running()[0].at_exit
    kept[:] = [item for item in kept if item[0] != func]


_REFUSED = [
    *((os, name, _IN_ONE_PROCESS) for name in ("fork", "forkpty")),
    *((os, name, _ENDS_THE_TOOL) for name in ("_exit", "abort", "execv", "execve")),
    (_thread, "interrupt_main", _FROM_OUTSIDE),
]
_SOCKET_CALLS = (
    *("accept", "connect", "connect_ex"),
    *("recv", "recv_into", "recvfrom", "recvfrom_into", "recvmsg"),
    *("send", "sendall", "sendto", "sendmsg"),
)

PATCHES: list[tuple[Any, str, Any]] = [
    _refusing(owner, name, why, f"{owner.__name__}.{name}")
    for owner, name, why in _REFUSED
    if hasattr(owner, name)
]
PATCHES += [
    _stepping(os, name, f"os.{name}", getattr(os, name))
    for name in ("system", "posix_spawn", "posix_spawnp", "waitpid", "wait")
    if hasattr(os, name)
]
PATCHES += [
    _stepping(subprocess.Popen, name, shown, _in_real_time(getattr(subprocess.Popen, name)))
    for name, shown in (
        ("__init__", "subprocess.Popen"),
        ("communicate", "Popen.communicate"),
        ("wait", "Popen.wait"),
    )
]
if _STARTER is not None:
    PATCHES.append((_STARTER, "fork_exec", _fork_exec))
PATCHES += [
    # `recv` and the like are inherited from the C class; `accept` is Python.
    _stepping(
        socket.socket,
        name,
        f"socket.{name}",
        vars(socket.socket).get(name) or getattr(_socket.socket, name),
    )
    for name in _SOCKET_CALLS
    if hasattr(socket.socket, name)
]
PATCHES += [
    _selecting(vars(selectors)[name])
    for name in ("SelectSelector", "_PollLikeSelector", "EpollSelector", "KqueueSelector")
    if hasattr(selectors, name)
]
PATCHES += [(atexit, "register", _register), (atexit, "unregister", _unregister)]
