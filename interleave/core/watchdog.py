"""The watchdog ends an execution that does not come back to the scheduler.

A real thread looks a few times a second whether the runtime has moved. If it has not for the hang
limit, `HangDetected` is raised in the thread that runs the tasks: by a signal where that is the
main thread (a signal also interrupts a blocking system call), else as an asynchronous exception
(which waits for the next bytecode). A pause in which that real thread could not look either counts
as two looks at most: the machine stood still, and not the program.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from interleave import _real
from interleave.core import context
from interleave.core.trace import user_place
from interleave.errors import HangDetected

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from interleave.core.runtime import Runtime

_LOOK_EVERY = 0.25
_TRIES = 8
_EXIT_STATUS = 3
_may_exit = False
_paused = False
_SIGNAL = getattr(signal, "SIGURG", None)
"""Ignored by default, so one that comes too late does no harm."""


@contextmanager
def watching(runtime: Runtime, seconds: float) -> Iterator[None]:
    """Watch the executions of a runtime, which run in the calling thread, while the block runs."""
    watcher = _Watcher(runtime, seconds)
    before: Any = None
    if watcher.uses_signal:
        assert _SIGNAL is not None
        before = signal.signal(_SIGNAL, watcher.on_signal)
    _real.start_new_thread(watcher.watch, ())
    watcher.started.acquire()  # a thread is counted among the real ones once it runs
    try:
        yield
    finally:
        watcher.stop.release()
        watcher.stopped.acquire()
        if watcher.uses_signal:
            assert _SIGNAL is not None
            signal.signal(_SIGNAL, before if before is not None else signal.SIG_DFL)


class _Watcher:
    def __init__(self, runtime: Runtime, seconds: float) -> None:
        self.runtime = runtime
        self.seconds = seconds
        self.thread = _real.get_ident()
        self.uses_signal = _SIGNAL is not None and self.thread == _main_ident()
        self.stop = _real.allocate_lock()
        self.stop.acquire()
        self.started = _real.allocate_lock()
        self.started.acquire()
        self.stopped = _real.allocate_lock()
        self.stopped.acquire()
        self.striking = False

    def watch(self) -> None:
        """Look, and strike when nothing has moved for too long."""
        self.started.release()
        try:
            self._watch()
        finally:
            self.stopped.release()

    def _watch(self) -> None:
        runtime = self.runtime
        seen: tuple[object, ...] = ()
        looked = _real.monotonic()
        stood = 0.0
        strikes = 0
        every = min(_LOOK_EVERY, self.seconds / 4)
        while not self.stop.acquire(True, every):
            now = (runtime.count, len(runtime.events), runtime.phase, runtime.interrupted)
            since, looked = looked, _real.monotonic()
            if now != seen or _paused or not self._is_running():
                seen, stood, strikes = now, 0.0, 0
                continue
            stood += min(looked - since, 2 * every)
            # Who was told to end and goes on gets no patience.
            patience = every if runtime.interrupted else self.seconds
            if stood >= patience + strikes:
                strikes += 1
                if strikes == _TRIES:
                    self._give_up()
                self._strike()

    def _is_running(self) -> bool:
        """Whether code of the program runs."""
        return context.active() is self.runtime or self.runtime.hosting

    def _strike(self) -> None:
        self.striking = True
        if self.uses_signal:
            assert _SIGNAL is not None
            signal.pthread_kill(self.thread, _SIGNAL)
        else:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(self.thread), ctypes.py_object(HangDetected)
            )

    def on_signal(self, _number: int, _frame: FrameType | None) -> None:
        """Raise in the code that hangs."""
        if self.striking and self._is_running():
            self.striking = False
            raise HangDetected

    def _give_up(self) -> None:
        """The program swallows the exception, or blocks where nothing interrupts it.

        A command line ends the process then; elsewhere that is not ours to do, and the watchdog
        says so and goes on trying.
        """
        place = user_place(sys._current_frames().get(self.thread))
        _real.stderr.write(
            f"interleave: the program hangs at {place} and cannot be interrupted"
            f"{f'; the process ends (status {_EXIT_STATUS})' if _may_exit else ''}. "
            "Take the blocking call out of it.\n"
        )
        _real.stderr.flush()
        if _may_exit:
            os._exit(_EXIT_STATUS)


def allow_exit() -> None:
    """Let the watchdog end the process when a hanging program cannot be interrupted."""
    global _may_exit
    _may_exit = True


def pause(*, paused: bool) -> None:
    """Let the program stand still for as long as somebody looks at it in a debugger."""
    global _paused
    _paused = paused


def _main_ident() -> int | None:
    return threading.main_thread().ident
