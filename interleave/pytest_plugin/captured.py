"""What pytest captures while a test is checked: the records of one execution, not of all."""

from __future__ import annotations

import io
import logging
import sys
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from _pytest.logging import LogCaptureHandler

from interleave.core.context import running

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest


class Captured:
    """Lets logs, warnings and properties look, in each execution, as if it were the only one."""

    def __init__(self, item: pytest.Item) -> None:
        self._properties = item.user_properties
        self._known_properties = len(item.user_properties)
        self._handlers = [
            (handler, list(handler.records), handler.stream.getvalue())
            for handler in logging.getLogger().handlers
            if isinstance(handler, LogCaptureHandler)
        ]
        self._caught: list[warnings.WarningMessage] = []
        self._warned: dict[tuple[object, ...], warnings.WarningMessage] = {}
        self._runtime: Any = None  # of the last execution

    @contextmanager
    def around_check(self, *, observing: bool) -> Iterator[None]:
        """Hold back warnings while a check runs; afterwards give each once.

        Unless output is observed, what is logged goes to the handlers of pytest alone, as it does
        in any other test: they keep it from the handler of last resort.
        """
        last_resort = logging.lastResort
        with warnings.catch_warnings(record=True) as self._caught:
            if not observing:
                logging.lastResort = None
            try:
                yield
            finally:
                logging.lastResort = last_resort
            self._sort()
        for warned in self._warned.values():
            warnings.showwarning(
                warned.message, warned.category, warned.filename, warned.lineno, warned.file
            )

    def begin(self) -> None:
        """Forget the execution before; called in the task that begins a new one."""
        for handler, records, text in self._handlers:
            handler.records[:] = records
            handler.stream = io.StringIO()
            handler.stream.write(text)
        del self._properties[self._known_properties :]
        self._sort()
        self._runtime = running()[0]

    def _sort(self) -> None:
        for warned in self._caught:
            key = (warned.category, str(warned.message), warned.filename, warned.lineno)
            self._warned.setdefault(key, warned)
        self._caught.clear()

    def show_output(self) -> None:
        """Write what the last execution printed and logged, as if it had just been run."""
        if self._runtime is not None:
            sys.stdout.writelines(f"{line}\n" for line in self._runtime.output)
            sys.stdout.write(self._runtime.partial)
