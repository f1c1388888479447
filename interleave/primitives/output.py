"""`print`, `logging` and the standard streams, captured per execution.

Where the output is observed, each print and each log call is one operation on one stream. A log
call counts as its message (without time stamps) if any handler would take it.
"""

from __future__ import annotations

import builtins
import logging
import sys
import warnings
from typing import TYPE_CHECKING, Any

from interleave import _real
from interleave.core.context import in_task, perform, running
from interleave.core.dependence import STREAM
from interleave.core.operation import Operation, SimObject
from interleave.core.runtime import TEARDOWN
from interleave.primitives.installation import TOOLS, original

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
            stream.epoch, stream.key = runtime.count, STREAM
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
            return self.real.write(text)  # type: ignore[no-any-return]  # CPython's own, which is not typed here
        if not isinstance(text, str):
            message = f"write() argument must be str, not {type(text).__name__}"
            raise TypeError(message)
        if self.closed:
            message = "I/O operation on closed file."
            raise ValueError(message)
        if text:
            emit(text, line=False)
        return len(text)

    def close(self) -> None:
        """Close it for this execution: the real stream belongs to the tool as well."""
        if in_task():
            running()[0].state.setdefault("closed streams", []).append(self)
        else:
            self.real.close()

    @property
    def closed(self) -> bool:
        """Whether it was closed; by the program, in this execution."""
        if in_task():
            return self in running()[0].state.get("closed streams", ())
        return bool(self.real.closed)

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
    for name, text in (("sep", sep), ("end", end)):
        if text is not None and not isinstance(text, str):
            message = f"{name} must be None or a string, not {type(text).__name__}"
            raise TypeError(message)
    if in_task() and isinstance(target, TaskStream):
        target.write(
            (" " if sep is None else sep).join(map(str, values)) + ("\n" if end is None else end)
        )
    else:
        _real.print_(*values, sep=sep, end=end, file=file, flush=flush)


def _call_handlers(self: Any, record: logging.LogRecord) -> None:
    if not in_task():
        original(Logger, "callHandlers")(self, record)
        return
    printed = False
    found = False
    for handler in _handlers(self):
        watches = _watches(handler)
        found = found or not watches
        if record.levelno < handler.level:
            continue
        if _prints(handler):
            printed = bool(handler.filter(record)) or printed
        else:
            # The program's own handlers keep what they get; it was logged all the same.
            taken = bool(handler.handle(record))
            printed = (taken and not watches) or printed
    last = logging.lastResort
    if not found and last is not None and record.levelno >= last.level:
        # A program may have put a stream of its own in the place of standard error.
        judge = last.filter if _prints(last) else last.handle
        printed = bool(judge(record)) or printed
    if printed:
        emit(record.getMessage(), line=True)


def _handlers(logger: Any) -> list[logging.Handler]:
    found: list[logging.Handler] = []
    at: Any = logger
    while at is not None:
        found.extend(at.handlers)
        at = at.parent if at.propagate else None
    return found


def _watches(handler: logging.Handler) -> bool:
    """Whether a handler is a test tool's: it gets each record, unknown to the program."""
    return type(handler).__module__.split(".", 1)[0] in TOOLS


def _basic_config(**options: Any) -> None:
    """Configure the root logger as if no test tool had put a handler there already."""
    real = original(logging, "basicConfig")
    if not in_task():
        real(**options)
        return
    root = logging.getLogger()
    watching = [handler for handler in root.handlers if _watches(handler)]
    root.handlers[:] = [handler for handler in root.handlers if not _watches(handler)]
    try:
        real(**options)
    finally:
        root.handlers.extend(watching)


def _prints(handler: logging.Handler) -> bool:
    if type(handler).emit is not logging.StreamHandler.emit:
        return False
    stream = handler.stream  # type: ignore[attr-defined]  # it is a StreamHandler
    return isinstance(stream, TaskStream) or stream in (
        sys.__stdout__,
        sys.__stderr__,
        getattr(sys.stdout, "real", None),
        getattr(sys.stderr, "real", None),
    )


_CONFIGURED = ("level", "propagate", "disabled", "handlers", "filters")


def _remember(logger: Any) -> None:
    """Note how a logger is before the program changes it, to restore it after the execution."""
    runtime = running()[0]
    loggers = runtime.state.get("loggers")
    if loggers is None:
        loggers = runtime.state["loggers"] = {}
        disabled = logging.root.manager.disable
        runtime.end_hooks.append(lambda: _restore_logging(loggers, disabled))
    if id(logger) not in loggers:
        before = {name: getattr(logger, name) for name in _CONFIGURED}
        loggers[id(logger)] = (logger, before, list(logger.handlers), list(logger.filters))


def _remembering(name: str, owner: type = Logger) -> Any:
    """Let a method that changes a logger first note how it was."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        if in_task() and isinstance(self, Logger):
            _remember(self)
        return original(owner, name)(self, *args, **kwargs)

    method.__name__ = name
    return method


def _set_attribute(self: Any, name: str, value: Any) -> None:
    # `logger.propagate = False`, say; a logger that is being made has no `_cache` yet.
    if name in _CONFIGURED and "_cache" in self.__dict__ and in_task():
        _remember(self)
    object.__setattr__(self, name, value)


def _get_logger(name: str | None = None) -> Any:
    logger = original(logging, "getLogger")(name)
    if in_task():
        _remember(logger)
    return logger


def _disable(level: int = logging.CRITICAL) -> None:
    if in_task():
        _remember(logging.root)
    original(logging, "disable")(level)


def _restore_logging(loggers: dict[int, tuple[Any, ...]], disabled: int) -> None:
    for logger, before, handlers, filters in loggers.values():
        logger.__dict__.update(before)
        logger.handlers[:] = handlers
        logger.filters[:] = filters
    logging.root.manager.disable = disabled
    logging.root.manager._clear_cache()  # type: ignore[attr-defined]  # no public part of the standard library


def _warning(real: Any) -> Any:
    """Let `warnings` forget what it has shown before: each execution shows it once more."""

    def warn(
        message: Any,
        category: Any = None,
        stacklevel: int = 1,
        source: Any = None,
        **more: Any,
    ) -> None:
        if in_task():
            state = running()[0].state
            if "warned" not in state:
                state["warned"] = True
                warnings._filters_mutated()  # type: ignore[attr-defined]  # no public part of the standard library
        real(message, category, stacklevel + 1, source, **more)

    return warn


PATCHES: list[tuple[Any, str, Any]] = [
    (builtins, "print", _print),
    (Logger, "callHandlers", _call_handlers),
    (Logger, "setLevel", _remembering("setLevel")),
    (Logger, "addHandler", _remembering("addHandler")),
    (Logger, "removeHandler", _remembering("removeHandler")),
    (Logger, "__setattr__", _set_attribute),
    (logging.Filterer, "addFilter", _remembering("addFilter", logging.Filterer)),
    (logging.Filterer, "removeFilter", _remembering("removeFilter", logging.Filterer)),
    (logging, "getLogger", _get_logger),
    (logging, "basicConfig", _basic_config),
    (logging, "disable", _disable),
    (warnings, "warn", _warning(warnings.warn)),
]
