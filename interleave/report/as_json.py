"""The report as one JSON object, schema 1."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from interleave.contrast import Contrast
from interleave.report.races import DataRace

if TYPE_CHECKING:
    from interleave.core.execution import Warned
    from interleave.core.trace import Event, Place, Touch
    from interleave.report.report import Failure, Report

SCHEMA = 1


def as_object(report: Report) -> dict[str, Any]:
    """Return the report as the object that `--format json` prints."""
    found = {
        "schema": SCHEMA,
        "target": report.target,
        "strategy": report.strategy,
        "granularity": report.granularity,
        "atomicity": report.atomicity,
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
                "count": failure.count,
                "others": [
                    {"message": message, "count": count}
                    for message, count in failure.others.items()
                ],
                "shrunk": _shrunk(failure),
                "hidden_by_gil": failure.hidden_by_gil,
                "counterexample": _counterexample(failure),
            }
            for failure in report.failures
        ],
        "warnings": [
            *(_warning(item) for item in report.warnings),
            *({"kind": "incomplete", "message": reason} for reason in report.reasons),
        ],
    }
    if report.left is not None:
        found["estimate"] = report.left
    if report.events:
        found["events"] = [_event(event) for event in report.events]
    return found


def _warning(warning: Warned) -> dict[str, Any]:
    found: dict[str, Any] = {"kind": warning.kind, "message": warning.message}
    if isinstance(warning, DataRace):
        found["name"] = warning.name
        found["accesses"] = [
            {
                "task": access.task,
                "writes": access.writes,
                **_place(access.stack[0] if access.stack else None),
                "stack": [f"{place} in {place.function}" for place in access.stack],
            }
            for access in warning.accesses
        ]
        found["schedule"] = warning.schedule.token
    return found


def _counterexample(failure: Failure) -> dict[str, Any] | None:
    """Return how a failure came about; none where no single execution shows it."""
    if not failure.events:
        return None
    contrast = failure.contrast
    passing = None
    if isinstance(contrast, Contrast):
        assert failure.passing is not None
        passing = {
            "schedule": failure.passing.token,
            "value": contrast.text,
            "first": _event(contrast.first),
            "second": _event(contrast.second),
            "happened": contrast.happened,
        }
    return {
        "sentence": failure.sentence,
        "events": [_event(event) for event in failure.events],
        "waiting": [_event(event) for event in failure.waiting],
        "passing": passing,
        "tried": 0 if contrast is None else contrast.tried,
    }


def _shrunk(failure: Failure) -> dict[str, Any] | None:
    """Return how simple the execution is that shows a failure; none where it was left as found."""
    shrunk = failure.shrunk
    if shrunk is None:
        return None
    names = ("preemptions", "switches", "events")
    return {
        "before": dict(zip(names, shrunk.before, strict=True)),
        "after": dict(zip(names, shrunk.after, strict=True)),
        "executions": shrunk.executions,
        "least": shrunk.least,
        "complete": shrunk.complete,
        "within": shrunk.within,
    }


def _event(event: Event) -> dict[str, Any]:
    switch = event.switch
    return {
        "task": event.task,
        "kind": event.kind,
        "what": event.what,
        **_place(event.place),
        "touches": [_touch(touch) for touch in event.touches],
        **({"inside": [_event(part) for part in event.inside]} if event.inside else {}),
        "holds": list(event.holds),
        "switch": None
        if switch is None
        else {
            "from": switch.task,
            "reason": switch.reason,
            "detail": switch.detail,
            "holds": list(switch.holds),
        },
    }


def _touch(touch: Touch) -> dict[str, Any]:
    origin = touch.origin
    return {
        "name": touch.name,
        "writes": touch.writes,
        "value": touch.value,
        "alias": None if origin is None else origin.alias,
        "made": str(origin.place) if origin is not None and origin.made else None,
    }


def _place(place: Place | None) -> dict[str, Any]:
    if place is None:
        return {"location": None, "source": None}
    return {"location": str(place), "source": place.source}


def render(value: Any) -> str:
    """Return an object as text."""
    return json.dumps(value, ensure_ascii=False, indent=2)
