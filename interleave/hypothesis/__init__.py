"""Hypothesis draws the data, and interleave the interleavings: what a test imports."""

from interleave.hypothesis.checking import check_all
from interleave.hypothesis.plan import Plan, schedule_of
from interleave.hypothesis.schedules import schedules

__all__ = ["Plan", "check_all", "schedule_of", "schedules"]
