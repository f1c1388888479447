"""The counterexample as JSON trace events, for ui.perfetto.dev and chrome://tracing.

There is no real time in an execution: one event takes one unit (10 microseconds on the screen).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from interleave.report.story import story_of
from interleave.report.timeline import reason_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interleave.report.report import Report
    from interleave.report.story import Story

_UNIT = 10
_PROCESS = 1


def render(report: Report) -> str:
    """Return one JSON object; its list of events is empty where the report holds no execution."""
    story = story_of(report)
    found = {
        "traceEvents": [] if story is None else list(_events(report, story)),
        "displayTimeUnit": "ms",
        "otherData": {
            "target": report.target,
            "verdict": report.verdict,
            "failure": None if story is None else story.title,
            "sentence": None if story is None else story.sentence,
        },
    }
    return json.dumps(found, ensure_ascii=False, indent=1)


def _events(report: Report, story: Story) -> Iterator[dict[str, Any]]:
    threads = {task: number for number, task in enumerate(story.tasks, 1)}
    yield _meta("process_name", 0, name=report.target)
    for task, number in threads.items():
        yield _meta("thread_name", number, name=task)
        yield _meta("thread_sort_index", number, sort_index=number)
    for at, event in enumerate(story.events):
        place = event.place
        switch = event.switch
        yield {
            "name": ", ".join(story.names.event(part) for part in (event, *event.inside)),
            "cat": event.kind,
            "ph": "X",
            "ts": at * _UNIT,
            "dur": _UNIT,
            "pid": _PROCESS,
            "tid": threads[event.task],
            "args": {
                "location": None if place is None else str(place),
                "source": None if place is None else place.source,
                "holds": list(event.holds),
                "before": None
                if switch is None
                else f"{switch.task}: {story.names.readable(reason_of(switch))}",
            },
        }
    if len(story.deciding) == 2:
        for phase, at in zip("sf", story.deciding, strict=True):
            yield {
                "name": "decides",
                "cat": "decides",
                "ph": phase,
                "bp": "e",
                "id": 1,
                "ts": at * _UNIT + _UNIT // 2,
                "pid": _PROCESS,
                "tid": threads[story.events[at].task],
            }
    end = len(story.events) * _UNIT
    for event in story.waiting:
        yield {
            "name": f"waits for ever to {story.names.event(event)}",
            "cat": "waiting",
            "ph": "X",
            "ts": end,
            "dur": _UNIT,
            "pid": _PROCESS,
            "tid": threads[event.task],
            "args": {"location": None if event.place is None else str(event.place)},
        }
    yield {"name": story.title, "ph": "i", "s": "g", "ts": end, "pid": _PROCESS, "tid": 1}


def _meta(what: str, thread: int, **args: Any) -> dict[str, Any]:
    return {"name": what, "ph": "M", "pid": _PROCESS, "tid": thread, "args": args}
