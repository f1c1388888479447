"""A program as pytest runs it: what it says to pytest by an exception is kept for pytest."""

from __future__ import annotations

import functools
import unittest
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from greenlet import GreenletExit

from interleave.pytest_plugin.captured import Captured

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

SKIPS = (pytest.skip.Exception, unittest.SkipTest)
XFAILS = (pytest.xfail.Exception,)


@dataclass(frozen=True)
class Left:
    """The outcome of an execution that was left by `pytest.skip` or `pytest.xfail`."""

    how: str
    reason: str


class Watched:
    """Runs the body of a program in each execution of a check.

    `call` is what a `Program` calls; it holds what the walk for objects made before the check has
    to find. `skips` and `xfails` count executions, those that were repeated too.
    """

    def __init__(self, item: pytest.Item, body: Callable[[], Any]) -> None:
        self.item = item
        self.captured = Captured(item)
        self.runs = 0
        self.skips: list[BaseException] = []
        self.xfails: list[BaseException] = []
        self.aborted: BaseException | None = None
        self.torn_at: TracebackType | None = None
        self.failing: Callable[[BaseException], None] | None = None  # who looks at a failure first
        self.call: Callable[[], Any] = functools.partial(self._run, body)

    def _run(self, body: Any, *held: Any, **values: Any) -> Any:
        __tracebackhide__ = True
        if self.aborted is not None:  # nobody who quits the debugger wants it once more
            raise self.aborted
        self.runs += 1
        self.captured.begin()
        try:
            return self._execute(body, values)
        except pytest.exit.Exception as error:
            self.aborted = error
            raise
        except SKIPS as error:
            self.skips.append(error)
            return Left("skip", str(error))
        except XFAILS as error:
            self.xfails.append(error)
            return Left("xfail", str(error))
        except GreenletExit as error:
            self.torn_at = error.__traceback__
            raise

    def _execute(self, body: Any, values: dict[str, Any]) -> Any:
        """Run the body once."""
        __tracebackhide__ = True
        return body()
