"""interleave checks every interleaving of the threads of an ordinary Python program.

What it offers is imported at its first use: pytest imports this package in every run, for its
plugin, and whoever has no test for it should not wait.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interleave.checker import check, replay
    from interleave.core.model import model
    from interleave.core.schedule import Schedule
    from interleave.errors import InterleaveError, InterleaveWarning, ScheduleError, UsageError
    from interleave.primitives.calls import choose, run_threads
    from interleave.report.comparison import Comparison
    from interleave.report.report import Failure, Outcome, Report
    from interleave.selfchecker import selfcheck

__version__ = "0.1.0"

__all__ = [
    "Comparison",
    "Failure",
    "InterleaveError",
    "InterleaveWarning",
    "Outcome",
    "Report",
    "Schedule",
    "ScheduleError",
    "UsageError",
    "check",
    "choose",
    "model",
    "replay",
    "run_threads",
    "selfcheck",
]

_HOMES = {
    "Comparison": "interleave.report.comparison",
    "Failure": "interleave.report.report",
    "InterleaveError": "interleave.errors",
    "InterleaveWarning": "interleave.errors",
    "Outcome": "interleave.report.report",
    "Report": "interleave.report.report",
    "Schedule": "interleave.core.schedule",
    "ScheduleError": "interleave.errors",
    "UsageError": "interleave.errors",
    "check": "interleave.checker",
    "choose": "interleave.primitives.calls",
    "model": "interleave.core.model",
    "replay": "interleave.checker",
    "run_threads": "interleave.primitives.calls",
    "selfcheck": "interleave.selfchecker",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    value = globals()[name] = getattr(import_module(home), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
