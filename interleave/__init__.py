"""interleave checks every interleaving of the threads of an ordinary Python program."""

from interleave.checker import check, replay
from interleave.core.model import model
from interleave.core.schedule import Schedule
from interleave.errors import InterleaveError, ScheduleError, UsageError
from interleave.primitives.calls import choose, run_threads
from interleave.report.report import Failure, Outcome, Report

__version__ = "0.1.0"

__all__ = [
    "Failure",
    "InterleaveError",
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
]
