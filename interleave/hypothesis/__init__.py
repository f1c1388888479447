"""Hypothesis draws the data, and interleave the interleavings: what a test imports."""

from interleave.hypothesis.bundles import held
from interleave.hypothesis.calls import Call, Calls, call
from interleave.hypothesis.checking import check_all
from interleave.hypothesis.linearizability import check_linearizable, linearizable
from interleave.hypothesis.plan import Plan, schedule_of
from interleave.hypothesis.schedules import schedules

__all__ = [
    "Call",
    "Calls",
    "Plan",
    "call",
    "check_all",
    "check_linearizable",
    "held",
    "linearizable",
    "schedule_of",
    "schedules",
]
