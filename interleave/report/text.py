"""The report as text: the verdict, why, the counterexample, and last how to replay it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interleave.core.trace import Event
    from interleave.report.report import Failure, Report

_MANY_OUTCOMES = 12
_MANY_EVENTS = 40
_STYLES = {
    "pass": "bold green",
    "fail": "bold red",
    "incomplete": "bold yellow",
    "nondeterministic": "bold magenta",
}

Line = tuple[str, str]
"""A line of the report: its style (as `rich` names it; empty for plain) and its text."""


def render(report: Report) -> str:
    """Return the report as plain text."""
    return "\n".join(text for _, text in lines(report))


def lines(report: Report) -> Iterator[Line]:
    """Yield the report line by line."""
    yield _STYLES[report.verdict], f"{report.verdict.upper()}  {report.target}"
    yield "", f"  {_numbers(report)}"
    yield "dim", f"  covers: {report.covers}"
    for reason in report.reasons:
        yield "yellow", f"  {reason}"
    yield from _outcomes(report)
    for warning in report.warnings:
        yield "yellow", f"warning [{warning.kind}]: {warning.message}"
    yield from _events(report.events)
    for failure in report.failures:
        yield "", ""
        yield from _failure(report, failure)


def counted(number: int, thing: str) -> str:
    """Return `1 thing`, `2 things`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


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


def _outcomes(report: Report) -> Iterator[Line]:
    total = len(report.outcomes)
    if not total:
        return
    yield "", f"outcomes: {total}"
    shown = sorted(report.outcomes.values(), key=lambda item: -item.count)
    for item in shown[:_MANY_OUTCOMES]:
        yield "", f"  {_clipped(item.text, 60)}  x {item.count:,}   {item.schedule.token}"
    if total > _MANY_OUTCOMES:
        yield "dim", f"  ... and {total - _MANY_OUTCOMES} more (--format json shows all)"


def _failure(report: Report, failure: Failure) -> Iterator[Line]:
    where = f" at {failure.location}" if failure.location else ""
    times = f" ({failure.count:,} executions)" if failure.count > 1 else ""
    yield "bold red", f"{failure.kind}: {failure.message}{where}{times}"
    for text in failure.detail:
        yield "", f"  {text}"
    yield from _events(failure.events)
    if failure.output:
        yield "", "  output:"
        for text in failure.output[-_MANY_EVENTS:]:
            yield "dim", f"    {text}"
    if failure.schedule is not None:
        if failure.sample is not None:
            yield "dim", f"  sampled by seed {failure.sample}"
        yield "bold", f"  replay: {report.replay_command(failure)}"


def _events(events: tuple[Event, ...]) -> Iterator[Line]:
    if not events:
        return
    width = max(len(event.task) for event in events)
    left_out = len(events) - _MANY_EVENTS
    if left_out > 0:
        yield "dim", f"  ... {left_out} events before"
        events = events[-_MANY_EVENTS:]
    what = min(max(len(event.what) for event in events), 44)
    previous = None
    for event in events:
        mark = "!" if event.preempted else " "
        name = event.task if event.task != previous or mark == "!" else ""
        previous = event.task
        done = f"{_clipped(event.what, what):<{what}}"
        yield "", f"  {mark} {name:<{width}}  {done}  {_where(event)}".rstrip()
    if any(event.preempted for event in events):
        yield "dim", "  (! the task before was preempted: it could have gone on)"


def _where(event: Event) -> str:
    if event.place is None:
        return ""
    return f"{event.place}  {_clipped(event.place.source, 50)}"


def _clipped(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 3]}..."
