"""T18: a timer of 30 seconds, and main that cancels it.

`cancel()` and the end of the 30 s race. If `cancel()` comes first, the function never
runs; if the timer comes first, it has run, and `cancel()` does nothing to it. The programs
return what happened, in order. No check takes 30 s, or any time at all: the clock is
virtual.

That the function never runs after `cancel()` has returned is true of these programs
at granularity `sync` alone. A `Timer` waits, asks `finished.is_set()`, and calls the
function; `sync` has no schedule point between the last two. CPython has no lock
there: `cancel()` may come in between and return, and the function is called all the
same.

In the default time mode durations promise nothing, so both endings are reached even
if main cancels at once. With `time="idle"` durations hold: cancelled before 30 s it
never runs, cancelled after 30 s it always has. A timer that nobody cancels always
runs, and one that is cancelled before it is started never does.
"""

import threading
import time

from interleave import model


def start_and_cancel(patience: float) -> tuple[str, ...]:
    """Start the timer, wait `patience` seconds, cancel it; return what happened."""
    happened: list[str] = []
    timer = threading.Timer(30.0, happened.append, args=("ran",))
    timer.start()
    time.sleep(patience)
    timer.cancel()
    happened.append("cancelled")
    timer.join()
    return tuple(happened)


@model(outcomes=[("cancelled",), ("ran", "cancelled")], granularity="sync")
def timer_cancelled() -> tuple[str, ...]:
    """Cancel after a moment, durations promising nothing."""
    return start_and_cancel(0.1)


@model(outcomes=[("cancelled",)], time="idle")
def timer_cancelled_early() -> tuple[str, ...]:
    """Cancel before the 30 s are over, durations holding."""
    return start_and_cancel(0.1)


@model(outcomes=[("ran", "cancelled")], time="idle")
def timer_cancelled_late() -> tuple[str, ...]:
    """Cancel after the 30 s are over, durations holding."""
    return start_and_cancel(60.0)


@model(outcomes=[("ran", "cancelled")])
def timer_cancelled_after_it_fired() -> tuple[str, ...]:
    """Wait for the timer's thread, then cancel: nothing happens."""
    happened: list[str] = []
    timer = threading.Timer(30.0, happened.append, args=("ran",))
    timer.start()
    timer.join()
    timer.cancel()
    happened.append("cancelled")
    return tuple(happened)


@model(outcomes=[("cancelled",)])
def timer_cancelled_before_start() -> tuple[str, ...]:
    """Cancel a timer that has not been started yet."""
    happened: list[str] = []
    timer = threading.Timer(30.0, happened.append, args=("ran",))
    timer.cancel()
    happened.append("cancelled")
    timer.start()
    timer.join()
    return tuple(happened)


if __name__ == "__main__":
    print(timer_cancelled())
