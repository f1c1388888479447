"""The report as text: the verdict, why, the counterexample, and last how to replay it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

from interleave.contrast import Contrast
from interleave.hidden import hidden
from interleave.report.columns import clipped, padded, printable, wrapped
from interleave.report.naming import Names
from interleave.report.races import DataRace
from interleave.report.timeline import briefly, sourced, timeline

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from interleave.core.trace import Event
    from interleave.report.report import Failure, Report
    from interleave.report.timeline import Line

WIDTH = 100
"""How many columns the text takes where no terminal says otherwise."""

_MANY_OUTCOMES = 12
_MANY_LINES = 40
_MANY_OBJECTS = 8
_MANY_MESSAGES = 3
_LONG_MESSAGE, _MANY_MESSAGE_LINES = 2_000, 12
_STYLES = {
    "pass": "bold green",
    "fail": "bold red",
    "incomplete": "bold yellow",
    "nondeterministic": "bold magenta",
}


def render(report: Report, width: int = WIDTH) -> str:
    """Return the report as plain text that fits so many columns (the commands apart)."""
    return "\n".join(text for _, text in lines(report, width))


def lines(report: Report, width: int = WIDTH) -> Iterator[Line]:
    """Yield the report line by line; tokens and commands, which are copied, are never broken."""
    yield _STYLES[report.verdict], f"{report.verdict.upper()}  {report.target}"
    yield from _set("", _numbers(report), width, "  ")
    yield from _set("dim", f"covers: {report.covers}", width, "  ")
    for reason in report.reasons:
        yield from _set("yellow", reason, width, "  ")
    yield from _outcomes(report, width)
    for warning in report.warnings:
        yield from _set("yellow", f"warning [{warning.kind}]: {warning.message}", width, "")
        if isinstance(warning, DataRace):
            yield from _race(warning, width)
    if report.events:
        yield "", ""
        yield from timeline(report.events, width=width, short=False)
    for failure in report.failures:
        yield "", ""
        yield from _failure(report, failure, width)


def counterexample(report: Report, failure: Failure) -> str:
    """Return one failure of a report as plain text: what went wrong, its events, the replay."""
    return "\n".join(text for _, text in _failure(report, failure, WIDTH))


def counted(number: int, thing: str) -> str:
    """Return `1 thing`, `2 things`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _set(style: str, text: str, width: int, margin: str) -> Iterator[Line]:
    """Yield text in lines that fit, indented by a margin and further from the second on."""
    found = wrapped(printable(text[:_LONG_MESSAGE]), width - len(margin), "    ")
    for line in found[:_MANY_MESSAGE_LINES]:
        yield style, f"{margin}{line}".rstrip()
    if len(text) > _LONG_MESSAGE or len(found) > _MANY_MESSAGE_LINES:
        yield "dim", f"{margin}    ... (--format json has all of it)"


def _numbers(report: Report) -> str:
    parts = [counted(report.executions, "execution")]
    if report.blocked:
        parts.append(f"{report.blocked:,} blocked")
    if report.cut:
        parts.append(f"{report.cut:,} cut at the step bound")
    if report.redundant:
        parts.append(f"{report.redundant:,} redundant")
    extent = "exhaustive" if report.exhaustive else "not exhaustive"
    steps = f"{report.steps_min} to {report.steps_max} events each"
    return f"{', '.join(parts)}; {extent}; {steps}; {report.seconds:.2f} s"


def _outcomes(report: Report, width: int) -> Iterator[Line]:
    total = len(report.outcomes)
    if not total:
        return
    yield "", f"outcomes: {total}"
    shown = sorted(report.outcomes.values(), key=lambda item: -item.count)
    for item in shown[:_MANY_OUTCOMES]:
        value = clipped(printable(item.text.replace("\n", "\\n")), 60)
        line = f"  {value}  x {item.count:,}"
        token = item.schedule.token
        if cell_len(line) + 3 + len(token) <= width:
            yield "", f"{line}   {token}"
        else:
            yield "", line
            yield "dim", f"      {token}"
    if total > _MANY_OUTCOMES:
        yield "dim", f"  ... and {total - _MANY_OUTCOMES} more (--format json shows all)"


def _race(race: DataRace, width: int) -> Iterator[Line]:
    """Say who called what made a race, and which schedule shows it."""
    for stack in race.stacks:
        yield from _set("", stack, width, "    ")
    yield "dim", f"    schedule: {race.schedule.token}"


def _failure(report: Report, failure: Failure, width: int) -> Iterator[Line]:
    where = f" at {failure.location}" if failure.location else ""
    times = f" ({failure.count:,} executions)" if failure.count > 1 else ""
    yield from _set("bold red", f"{failure.kind}: {failure.message}{where}{times}", width, "")
    if failure.others:
        yield from _set("dim", _others(failure), width, "  ")
    names = Names((*failure.events, *failure.waiting))
    if failure.sentence is not None:
        yield from _set("bold", names.readable(failure.sentence), width, "  ")
    for text in failure.detail:
        depth = len(text) - len(text.lstrip())
        yield from _set("", text.lstrip(), width, "  " + " " * depth)
    if failure.events:
        yield "", ""
        short = report.strategy != "replay"
        yield from timeline(
            failure.events,
            failure.waiting,
            needed=failure.needed,
            width=width,
            short=short,
            names=names,
        )
        if not failure.detail:
            yield from _objects(failure.events, names, width)
    yield from _contrast(failure, names, width)
    if failure.hidden_by_gil:
        yield from _set("yellow", hidden(failure.kind), width, "  ")
    if failure.output:
        yield "", "  output:"
        if len(failure.output) > _MANY_LINES:
            yield "dim", f"    ... {len(failure.output) - _MANY_LINES} lines before"
        for text in failure.output[-_MANY_LINES:]:
            yield from _set("dim", text, width, "    ")
    if failure.shrunk is not None and not failure.shrunk.least:
        runs = counted(failure.shrunk.executions, "execution")
        yield "dim", f"  shrinking ended after {runs}: fewer preemptions may do"
    if failure.schedule is not None:
        if failure.sample is not None:
            how = "" if report.sampled_by is None else f" of --strategy {report.sampled_by}"
            yield "dim", f"  sampled by seed {failure.sample}{how}"
        yield "bold", f"  replay: {report.replay_command(failure)}"


def _others(failure: Failure) -> str:
    """Say what else was said in how many of the executions that count as one failure."""
    shown = [
        message if count == 1 else f"{message} (x {count:,})"
        for message, count in list(failure.others.items())[:_MANY_MESSAGES]
    ]
    more = len(failure.others) - len(shown)
    rest = f"; ... and {counted(more, 'more message')} (--format json has all)" if more else ""
    number = sum(failure.others.values())
    said = "another message" if len(failure.others) == 1 else "other messages"
    return f"{number:,} of them with {said}: {'; '.join(shown)}{rest}"


def _objects(events: Iterable[Event], names: Names, width: int) -> Iterator[Line]:
    """Say where the objects come from that more than one task has used."""
    users: dict[str, set[str]] = {}
    for event in events:
        if event.kind not in ("begin", "start", "join", "end", "exit"):
            for touch in event.touches[:1]:
                users.setdefault(touch.owner or touch.name, set()).add(event.task)
    known = [
        (name, names.origins[name])
        for name, tasks in users.items()
        if len(tasks) > 1 and name in names.origins
    ]
    for name, origin in known[:_MANY_OBJECTS]:
        if origin.place is not None:
            shown = names.readable(name)
            exact = "" if shown == name else f" ({name})"
            how = "made at" if origin.made else "first used at"
            text = f"{shown}{exact}: {how} {briefly(origin.place)}  {sourced(origin.place)}"
            yield "dim", f"  {clipped(text, width - 2)}".rstrip()


def _contrast(failure: Failure, names: Names, width: int) -> Iterator[Line]:
    """Say what would have been different."""
    contrast = failure.contrast
    if contrast is None:
        return
    if not isinstance(contrast, Contrast):
        if contrast.tried:
            orders = counted(contrast.tried, "other order")
            yield from _set("", f"{orders} of these events tried: none passes", width, "  ")
        return
    yield "", "  what decides is the order of these two:"
    said = names.event(contrast.second)
    late = "did not come to that" if contrast.at[1] is None else "waits for that"
    second = said if contrast.happened else f"{said} ({late})"
    rows = [
        (contrast.first, names.event(contrast.first)),
        (contrast.second, second),
    ]
    name = max(len(event.task) for event, _ in rows)
    places = [briefly(event.place) for event, _ in rows]
    room = width - 4 - name - 2
    text = min(max(cell_len(what) for _, what in rows), max(room - max(map(len, places)) - 2, 20))
    for (event, what), place in zip(rows, places, strict=True):
        cell = padded(clipped(printable(what), text), text)
        line = f"    {event.task:<{name}}  {cell}  {place}"
        yield "", clipped(line.rstrip(), width)
    outcome = "" if contrast.text == "None" else f", with outcome {clipped(contrast.text, 40)}"
    assert failure.passing is not None
    passes = f"  the other way round it passes{printable(outcome)}:"
    token = failure.passing.token
    if cell_len(passes) + 1 + len(token) <= width:
        yield "", f"{passes} {token}"
    else:
        yield "", passes
        yield "", f"    {token}"
