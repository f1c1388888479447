"""The counterexample as a Mermaid sequence diagram, to paste into an issue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interleave.report.columns import clipped, printable
from interleave.report.story import story_of
from interleave.report.timeline import briefly, interesting, reason_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interleave.core.trace import Event
    from interleave.report.report import Report
    from interleave.report.story import Story

_MANY_EVENTS = 200
_LONG = 200


def render(report: Report) -> str:
    """Return a sequence diagram; where the report holds no execution, a comment that says so."""
    return "\n".join(_lines(report))


def _lines(report: Report) -> Iterator[str]:
    story = story_of(report)
    yield "sequenceDiagram"
    if story is None:
        yield f"    %% {_comment(report.verdict.upper() + '  ' + report.target)}: no failure"
        return
    yield f"    %% {_comment(story.title)}"
    if story.more:
        yield f"    %% {story.more} more: --format json has all failures"
    named = {task: f"t{number}" for number, task in enumerate(story.tasks)}
    for task, name in named.items():
        yield f"    participant {name} as {task}"
    if story.sentence is not None:
        yield f"    Note over {_all(named)}: {_escaped(story.sentence)}"
    yield from _events(story, named)
    for event in story.waiting:
        text = f"waits for ever to {story.names.event(event)}"
        yield f"    Note over {named[event.task]}: {_escaped(text)}"


def _events(story: Story, named: dict[str, str]) -> Iterator[str]:
    found = interesting(story.events, story.waiting, story.needed)
    shown = [at for at in found[:-_MANY_EVENTS] if at in story.needed] + found[-_MANY_EVENTS:]
    if len(shown) < len(found):
        yield f"    %% {len(found) - len(shown)} of the earlier events are left out"
    before: str | None = None
    told = shown[0] - 1 if shown else 0
    for at in shown:
        event = story.events[at]
        if before is not None and event.task != before:
            reason = _left(before, story.events[told + 1 : at + 1])
            yield (
                f"    {named[before]}-->>{named[event.task]}: "
                f"{_escaped(story.names.readable(reason))}"
            )
        mark = " (decides)" if at in story.deciding else ""
        for part in (event, *event.inside):
            where = f" ({briefly(part.place)})" if part.place is not None else ""
            yield (
                f"    Note over {named[event.task]}: {_escaped(story.names.event(part))}"
                f"{_escaped(where)}{mark}"
            )
        before, told = event.task, at


def _left(task: str, between: tuple[Event, ...]) -> str:
    """Say why a task was left."""
    for event in between:
        if event.switch is not None and event.switch.task == task:
            return reason_of(event.switch)
    return "another goes on"


def _all(named: dict[str, str]) -> str:
    names = list(named.values())
    return names[0] if len(names) == 1 else f"{names[0]},{names[-1]}"


def _comment(text: str) -> str:
    return clipped(printable(text).replace("\n", " "), _LONG)


def _escaped(text: str) -> str:
    """Return text in which nothing means something to Mermaid (`#59;` is its semicolon)."""
    said = clipped(printable(text).replace("\n", " "), _LONG)
    return "".join(f"#{ord(letter)};" if letter in '#;<>"{}%*_`' else letter for letter in said)
