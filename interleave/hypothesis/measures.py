"""What Hypothesis measures of a test, and should not measure of a check: its time, its lines."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hypothesis import currently_in_test_context
from hypothesis.control import current_build_context

from interleave._real import perf_counter
from interleave.primitives.settled import checks_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_WATCHER = "scrutineer"
"""What Hypothesis calls itself among the tools of `sys.monitoring`."""


@contextmanager
def unmeasured() -> Iterator[None]:
    """Keep the block out of the deadline of the test, and of Hypothesis' trace of lines.

    A deadline is meant for the code under test. How long a check takes depends on how many
    executions it makes, and the first also rewrites code: a test would be slow once, and then not
    again, which Hypothesis reports as flaky.

    While Hypothesis shrinks a failure it watches every line that is run (up to Python 3.11 by a
    trace function, from 3.12 on through `sys.monitoring`), to tell later which lines only failing
    examples reach. That takes many times as long here, and says nothing: what fails is the order
    of the lines.
    """
    start = perf_counter()
    try:
        with _unwatched(), _soon_again():
            yield
    finally:
        if currently_in_test_context():
            # Beside the time of draws (which has a health check of its own), this is what
            # Hypothesis subtracts; it is meant for the steps of a state machine.
            spent = current_build_context().data._stateful_run_times
            spent["execute:interleave"] += perf_counter() - start


@contextmanager
def _soon_again() -> Iterator[None]:
    """Let the checks of all examples of one test share what need not be looked for again."""
    test = (
        getattr(current_build_context(), "wrapped_test", None)
        if currently_in_test_context()
        else None
    )
    if test is None:
        yield
        return
    with checks_of(test):
        yield


@contextmanager
def _unwatched() -> Iterator[None]:
    """Let Hypothesis see no lines while the block runs."""
    if sys.version_info >= (3, 12):
        tool = next((number for number in range(6) if _is_watching(number)), None)
        if tool is None:
            yield
            return
        events = sys.monitoring.get_events(tool)
        sys.monitoring.set_events(tool, 0)
        try:
            yield
        finally:
            sys.monitoring.set_events(tool, events)
        return
    tracer = sys.gettrace()
    if not type(getattr(tracer, "__self__", None)).__module__.startswith("hypothesis."):
        yield
        return
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(tracer)


def _is_watching(tool: int) -> bool:
    return sys.version_info >= (3, 12) and sys.monitoring.get_tool(tool) == _WATCHER


def told() -> bool:
    """Whether a failure is shown to somebody: not while Hypothesis looks for one and shrinks it."""
    return not currently_in_test_context() or current_build_context().is_final
