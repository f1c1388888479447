"""How a failure of a checked program leaves a Hypothesis test."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from interleave.core.outcome import Ending, Raised
from interleave.report.text import counterexample, render
from interleave.strategies.replay import Replay

if TYPE_CHECKING:
    from interleave.core.execution import Execution
    from interleave.report.report import Report


class Following(Replay):
    """A replay that keeps how the execution ended."""

    ending: Ending | None = None

    def end(self, execution: Execution) -> bool:
        """Keep the ending."""
        self.ending = execution.ending
        return super().end(execution)


def raise_failure(report: Report, ending: Ending | None, *, whole: bool = False) -> NoReturn:
    """Raise what a report says: the program's own exception where there is one.

    Hypothesis tells failures apart by the type of the exception and the line that raised it, and
    shrinks each by itself: an exception of the program keeps its own line. The counterexample
    is added to it as a note; with `whole`, so is what else the report says.

    Raises:
        AssertionError: where the failure is no exception (a deadlock, say), or none was found.
    """
    text = render(report) if whole or not report.failures else _only(report)
    if report.verdict == "fail" and isinstance(ending, Raised):
        error = ending.error
        error.add_note(text)
        raise error
    raise AssertionError(text)


def _only(report: Report) -> str:
    return counterexample(report, report.failures[0])
