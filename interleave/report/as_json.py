"""The report as one JSON object, schema 1."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from interleave.report.report import Report

SCHEMA = 1


def as_object(report: Report) -> dict[str, Any]:
    """Return the report as the object that `--format json` prints."""
    return {
        "schema": SCHEMA,
        "target": report.target,
        "strategy": report.strategy,
        "granularity": report.granularity,
        "time": report.time,
        "observe": report.observe,
        "verdict": report.verdict,
        "exhaustive": report.exhaustive,
        "executions": report.executions,
        "redundant": report.redundant,
        "blocked": report.blocked,
        "steps": {
            "min": report.steps_min,
            "mean": round(report.steps_mean, 3),
            "max": report.steps_max,
        },
        "seconds": round(report.seconds, 6),
        "outcomes": [
            {
                "value": json.dumps(item.value, ensure_ascii=False)
                if report.observe == "output"
                else item.text,
                "count": item.count,
                "schedule": item.schedule.token,
            }
            for item in report.outcomes.values()
        ],
        "failures": [
            {
                "kind": failure.kind,
                "message": failure.message,
                "location": failure.location,
                "schedule": None if failure.schedule is None else failure.schedule.token,
                "preemptions": failure.preemptions,
            }
            for failure in report.failures
        ],
        "warnings": [
            *({"kind": item.kind, "message": item.message} for item in report.warnings),
            *({"kind": "incomplete", "message": reason} for reason in report.reasons),
        ],
    }


def render(value: Any) -> str:
    """Return an object as text."""
    return json.dumps(value, ensure_ascii=False, indent=2)
