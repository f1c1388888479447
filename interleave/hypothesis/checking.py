"""An exhaustive check of the program that one example of Hypothesis makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from interleave.checker import check, sample
from interleave.hypothesis.failing import Following, raise_failure
from interleave.hypothesis.measures import told, unmeasured

if TYPE_CHECKING:
    from collections.abc import Callable

    from interleave.core.outcome import Ending
    from interleave.core.program import Program
    from interleave.report.report import Report

_OF_ONE_EXECUTION = frozenset(
    {"granularity", "include", "exclude", "time", "observe", "expect", "seed", "max_steps"}
) | {"hang_seconds", "atomicity"}


def check_all(program: Callable[[], Any] | Program, **options: Any) -> Report:
    """Check a program inside a test that Hypothesis runs, and raise unless it passes.

    The options are those of `interleave.check`. A failure that is an exception of the program
    is raised as that exception, with the report as a note.

    Raises:
        AssertionError: for any other verdict than a pass, with the report.
        UsageError: for a program or option that cannot be used.
    """
    with unmeasured():
        # Hypothesis makes the program smaller first: only what is shown in the end is shrunk.
        report = check(program, **{"shrink": told(), **options})
        ending = None if report.verdict != "fail" else _ending(program, report, options)
    if report.verdict != "pass":
        raise_failure(report, ending, whole=True)
    return report


def _ending(
    program: Callable[[], Any] | Program, report: Report, options: dict[str, Any]
) -> Ending | None:
    """Run the failing execution again, for the exception itself."""
    schedule = report.failures[0].schedule
    if schedule is None:
        return None
    strategy = Following(schedule.choices)
    kept = {name: value for name, value in options.items() if name in _OF_ONE_EXECUTION}
    sample(program, strategy, **kept)
    return strategy.ending
