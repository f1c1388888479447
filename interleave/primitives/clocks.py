"""The module `time` on the virtual clock.

No execution sleeps. `time.time()` begins at a fixed date, so that a log stamp is the same in every
run; the clocks move only by sleeps and expired timeouts.
"""

from __future__ import annotations

import logging
import math
import operator
import sys
import time
from typing import TYPE_CHECKING, Any

from interleave import _real
from interleave.core.context import in_task, perform, running
from interleave.core.steps import Pause, Sleep

if TYPE_CHECKING:
    from collections.abc import Callable

EPOCH_NS = 1_767_225_600 * 10**9
"""Where `time.time` begins: 2026-01-01 00:00:00 UTC, in nanoseconds."""

UPTIME_NS = 1_000 * 10**9
"""Where `time.monotonic` and the other clocks begin."""

_NS = 10**9

_LONGEST = 2**63 / _NS
"""CPython counts nanoseconds in 64 bits: no sleep is longer, in seconds."""


def _sleep(seconds: float) -> None:
    if not in_task():
        _real.sleep(seconds)
        return
    if seconds == 0:
        perform(Pause(None))
        return
    length = seconds if isinstance(seconds, float) else float(operator.index(seconds))
    if math.isnan(length):
        message = "Invalid value NaN (not a number)"
        raise ValueError(message)
    if length < 0:
        message = "sleep length must be non-negative"
        raise ValueError(message)
    if length > _LONGEST:
        message = "timestamp too large to convert to C PyTime_t"
        raise OverflowError(message)
    perform(Sleep(length))


_RELATIVE = frozenset({"logging", "threading", "queue", "concurrent.futures._base"})
"""Modules to which it only matters how much time passes, or that stamp what is not observed."""


def _now() -> float:
    """What the virtual clock shows, in seconds; asked by a function that the program calls."""
    runtime = running()[0]
    if runtime.slept:
        caller = sys._getframe(2)
        if caller.f_globals.get("__name__") not in _RELATIVE:
            runtime.note_clock(caller)
    return runtime.clock()


def _nanoseconds(start: int, real: Callable[[], int]) -> Callable[[], int]:
    def clock() -> int:
        if not in_task():
            return real()
        return start + round(_now() * _NS)

    clock.__name__ = real.__name__
    return clock


def _seconds(start: int, real: Callable[[], float]) -> Callable[[], float]:
    def clock() -> float:
        if not in_task():
            return real()
        return start / _NS + _now()

    clock.__name__ = real.__name__
    return clock


def _at_default(real: Callable[..., Any], now: Callable[[], Any]) -> Callable[..., Any]:
    """Let a function that means *now* when its last argument is left out mean the virtual now."""

    def function(*args: Any) -> Any:
        if in_task() and (not args or args[-1] is None):
            return real(now())
        return real(*args)

    function.__name__ = real.__name__
    return function


def _strftime(form: str, *when: Any) -> str:
    if in_task() and not when:
        return _real_strftime(form, _real_localtime(_time()))
    return _real_strftime(form, *when)


def _of_system(
    real: Callable[[int], Any], now: Callable[[], Any], uptime: Callable[[], Any]
) -> Callable[[int], Any]:
    """Let `clock_gettime` say what `time` says, and of every other clock what `monotonic` does."""

    def function(clk_id: int, /) -> Any:
        if not in_task():
            return real(clk_id)
        return now() if clk_id == time.CLOCK_REALTIME else uptime()

    function.__name__ = real.__name__
    return function


_log_start: float = logging._startTime  # type: ignore[attr-defined]  # no public part of the standard library
_real_localtime = time.localtime
_real_strftime = time.strftime
_time = _seconds(EPOCH_NS, time.time)

PATCHES: list[tuple[Any, str, Any]] = [
    (time, "sleep", _sleep),
    (time, "time", _time),
    (time, "time_ns", _nanoseconds(EPOCH_NS, time.time_ns)),
    (time, "localtime", _at_default(time.localtime, _time)),
    (time, "gmtime", _at_default(time.gmtime, _time)),
    (time, "ctime", _at_default(time.ctime, _time)),
    (time, "asctime", _at_default(time.asctime, lambda: _real_localtime(_time()))),
    (time, "strftime", _strftime),
    # What `%(relativeCreated)d` counts from: seconds, and nanoseconds since Python 3.13.
    (logging, "_startTime", EPOCH_NS if isinstance(_log_start, int) else EPOCH_NS / _NS),
]
for _name in ("monotonic", "perf_counter", "process_time", "thread_time"):
    if hasattr(time, _name):
        PATCHES.append((time, _name, _seconds(UPTIME_NS, getattr(time, _name))))
        _name_ns = f"{_name}_ns"
        PATCHES.append((time, _name_ns, _nanoseconds(UPTIME_NS, getattr(time, _name_ns))))
if hasattr(time, "clock_gettime"):
    _uptime = _seconds(UPTIME_NS, time.monotonic)
    _uptime_ns = _nanoseconds(UPTIME_NS, time.monotonic_ns)
    _time_ns = _nanoseconds(EPOCH_NS, time.time_ns)
    PATCHES += [
        (time, "clock_gettime", _of_system(time.clock_gettime, _time, _uptime)),
        (time, "clock_gettime_ns", _of_system(time.clock_gettime_ns, _time_ns, _uptime_ns)),
    ]
