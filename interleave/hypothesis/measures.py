"""What Hypothesis measures of a test, and should not measure of a check: its time, its lines."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hypothesis import currently_in_test_context
from hypothesis.control import current_build_context

from interleave._real import perf_counter

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def unmeasured() -> Iterator[None]:
    """Keep the block out of the deadline of the test, and of Hypothesis' trace of lines.

    A deadline is meant for the code under test. How long a check takes depends on how many
    executions it makes, and the first also rewrites code: a test would be slow once, and then not
    again, which Hypothesis reports as flaky.

    While Hypothesis shrinks a failure, up to Python 3.11 it traces every line that is run, to tell
    later which lines only failing examples reach. That takes thirty times as long here, and says
    nothing: what fails is the order of the lines.
    """
    tracer = sys.gettrace()
    suspended = type(getattr(tracer, "__self__", None)).__module__.startswith("hypothesis.")
    start = perf_counter()
    if suspended:
        sys.settrace(None)
    try:
        yield
    finally:
        if suspended:
            sys.settrace(tracer)
        if currently_in_test_context():
            # Beside the time of draws (which has a health check of its own), this is what
            # Hypothesis subtracts; it is meant for the steps of a state machine.
            spent = current_build_context().data._stateful_run_times
            spent["execute:interleave"] += perf_counter() - start


def told() -> bool:
    """Whether a failure is shown to somebody: not while Hypothesis looks for one and shrinks it."""
    return not currently_in_test_context() or current_build_context().is_final
