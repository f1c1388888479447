"""Ctrl-C ends an exploration at once, whatever the program does about it.

Python would raise `KeyboardInterrupt` wherever it is: in code of ours that must not stop halfway,
or in a program that swallows it and goes on. So the handler only notes the wish, and raises where
the code of the program runs; the next operation ends the execution. What neither reaches (a loop
of the program that catches everything) the watchdog tells again.
"""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from interleave.core.runtime import Runtime

_PACKAGE = str(Path(__file__).parent.parent)


def is_ours(frame: FrameType | None) -> bool:
    """Whether a frame runs code of this package."""
    return frame is not None and frame.f_code.co_filename.startswith(_PACKAGE)


@contextmanager
def interruptible(runtime: Runtime) -> Iterator[None]:
    """Take Ctrl-C while the block runs, where Python itself would.

    A handler that somebody else has set stays; so does everything outside the main thread, where
    no signal is handled.
    """
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield
        return

    def on_signal(_number: int, frame: FrameType | None) -> None:
        again = runtime.interrupted
        runtime.interrupt()
        if again or not is_ours(frame):
            raise KeyboardInterrupt

    runtime.hears_interrupts = True
    signal.signal(signal.SIGINT, on_signal)
    try:
        yield
    finally:
        runtime.hears_interrupts = False
        signal.signal(signal.SIGINT, signal.default_int_handler)
