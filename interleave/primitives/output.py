"""`print`, `logging` and the standard streams, captured per execution.

Where the output is observed, each print and each log call is one operation on one stream. A log
call counts as its message (without time stamps) if any handler would take it.
"""

from __future__ import annotations

import builtins
import logging
import sys
from typing import TYPE_CHECKING, Any

from interleave import _real
from interleave.core.context import in_task, perform, running
from interleave.core.operation import Operation, SimObject
from interleave.core.runtime import TEARDOWN
from interleave.primitives.installation import original

if TYPE_CHECKING:
    from interleave.core.runtime import Runtime

Logger = logging.Logger


class Stream(SimObject):
    """The one stream of output that a program has."""

    __slots__ = ()
    label = "output"


class Write(Operation):
    """Print or log something."""

    __slots__ = ("line", "text")
    kind = "print"

    def __init__(self, target: SimObject, text: str, *, line: bool) -> None:
        self.target = target
        self.text = text
        self.line = line

    def execute(self) -> None:
        _append(self.task.runtime, self.text, line=self.line)

    def describe(self) -> str:
        verb = "log" if self.line else "print"
        return f"{verb} {self.text.rstrip()!r}"


def emit(text: str, *, line: bool) -> None:
    """Write text to the stream of the execution; a `line` stands alone."""
    runtime = running()[0]
    if runtime.observing_output:
        stream = runtime.state.get("stream")
        if stream is None:
            stream = runtime.state["stream"] = Stream(None, "output")
            stream.epoch = runtime.count
        perform(Write(stream, text, line=line))
    elif runtime.phase != TEARDOWN:
        _append(runtime, text, line=line)


def _append(runtime: Runtime, text: str, *, line: bool) -> None:
    if line:
        runtime.output.extend(text.splitlines() or [""])
        return
    *lines, runtime.partial = (runtime.partial + text).split("\n")
    runtime.output.extend(lines)


class TaskStream:
    """Stands in for a standard stream: tasks write to the execution, everybody else through it."""

    def __init__(self, real: Any) -> None:
        self.real = real

    def write(self, text: str) -> int:
        """Write text, as one operation where output is observed."""
        if not in_task():
            return self.real.write(text)  # type: ignore[no-any-return]
        if not isinstance(text, str):
            message = f"write() argument must be str, not {type(text).__name__}"
            raise TypeError(message)
        if text:
            emit(text, line=False)
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write several pieces of text."""
        for text in lines:
            self.write(text)

    def flush(self) -> None:
        """Flush the real stream, for those who are no task."""
        if not in_task():
            self.real.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


def _print(
    *values: object,
    sep: str | None = " ",
    end: str | None = "\n",
    file: Any = None,
    flush: bool = False,
) -> None:
    target = sys.stdout if file is None else file
    if in_task() and isinstance(target, TaskStream):
        text = (" " if sep is None else sep).join(map(str, values)) + ("\n" if end is None else end)
        if text:
            emit(text, line=False)
    else:
        _real.print_(*values, sep=sep, end=end, file=file, flush=flush)


def _call_handlers(self: Any, record: logging.LogRecord) -> None:
    if not in_task():
        original(Logger, "callHandlers")(self, record)
        return
    printed = False
    for handler in _handlers(self):
        if record.levelno < handler.level:
            continue
        if _prints(handler):
            printed = printed or bool(handler.filter(record))
        else:
            handler.handle(record)
            # The program's own handlers keep what they get; it was logged all the same.
            printed = True
    if printed:
        emit(record.getMessage(), line=True)


def _handlers(logger: Any) -> list[logging.Handler]:
    found: list[logging.Handler] = []
    at: Any = logger
    while at is not None:
        found.extend(at.handlers)
        at = at.parent if at.propagate else None
    if not found and logging.lastResort is not None:
        found.append(logging.lastResort)
    return found


def _prints(handler: logging.Handler) -> bool:
    if type(handler).emit is not logging.StreamHandler.emit:
        return False
    stream = handler.stream  # type: ignore[attr-defined]
    return isinstance(stream, TaskStream) or stream in (
        sys.__stdout__,
        sys.__stderr__,
        getattr(sys.stdout, "real", None),
        getattr(sys.stderr, "real", None),
    )


def _remembering(name: str) -> Any:
    """Let a method that configures a logger first note how it was, to restore it afterwards."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        if in_task():
            runtime = running()[0]
            loggers = runtime.state.get("loggers")
            if loggers is None:
                loggers = runtime.state["loggers"] = {}
                runtime.end_hooks.append(lambda: _restore_loggers(loggers))
            if id(self) not in loggers:
                before = (self.level, list(self.handlers), self.propagate, self.disabled)
                loggers[id(self)] = (self, before)
        return original(Logger, name)(self, *args, **kwargs)

    method.__name__ = name
    return method


def _restore_loggers(loggers: dict[int, tuple[Any, tuple[Any, ...]]]) -> None:
    for logger, (level, handlers, propagate, disabled) in loggers.values():
        original(Logger, "setLevel")(logger, level)
        logger.handlers[:] = handlers
        logger.propagate = propagate
        logger.disabled = disabled


PATCHES: list[tuple[Any, str, Any]] = [
    (builtins, "print", _print),
    (Logger, "callHandlers", _call_handlers),
    (Logger, "setLevel", _remembering("setLevel")),
    (Logger, "addHandler", _remembering("addHandler")),
    (Logger, "removeHandler", _remembering("removeHandler")),
]
