"""What came of holding the reduction against brute force, as data, as text and as JSON."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from interleave.report.columns import wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interleave.report.timeline import Line

ComparisonVerdict = Literal["equal", "different", "incomplete", "nondeterministic"]

_STYLES = {
    "equal": "bold green",
    "different": "bold red",
    "incomplete": "bold yellow",
    "nondeterministic": "bold magenta",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """What one strategy has shown; `reasons` say why it did not come to its end."""

    strategy: str
    executions: int
    blocked: int
    redundant: int
    traces: int
    outcomes: tuple[str, ...]
    failures: tuple[tuple[str, str], ...]
    seconds: float
    complete: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that the two do not agree on, and the token of an execution that shows it."""

    message: str
    schedule: str | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result of a self-check: first what `dfs` has shown, then `dpor`, if that was run."""

    target: str
    granularity: str
    time: str
    observe: str
    verdict: ComparisonVerdict
    sides: tuple[Shown, ...]
    differences: tuple[Difference, ...] = ()
    interrupted: bool = False


def lines(comparison: Comparison, width: int) -> Iterator[Line]:
    """Yield the comparison line by line; what is to be copied is never broken."""
    yield _STYLES[comparison.verdict], f"{comparison.verdict.upper()}  {comparison.target}"
    for side in comparison.sides:
        yield from _set("", f"{side.strategy}: {_numbers(side)}", width)
    yield from _set("dim", _covers(comparison), width)
    for side in comparison.sides:
        for reason in side.reasons:
            yield from _set("yellow", f"{side.strategy}: {reason}", width)
        if side.redundant:
            message = (
                f"{side.strategy}: {side.redundant} redundant executions change no result, but "
                "there should be none: please report the program"
            )
            yield from _set("yellow", message, width)
    if comparison.verdict == "incomplete":
        both = len(comparison.sides) == 2
        message = "as far as they went, nothing differs"
        yield from _set("", message if both else "dpor was not run: nothing was compared", width)
    if not comparison.differences:
        return
    for difference in comparison.differences:
        yield "", ""
        yield from _set("red", difference.message, width)
        if difference.schedule is not None:
            words = ("interleave", "replay", comparison.target, "--schedule", difference.schedule)
            yield "", f"  replay: {shlex.join(words)}"
    yield "", ""
    message = "this is a bug of interleave: please report it, with the program and these lines"
    yield from _set("bold red", message, width)


def _set(style: str, message: str, width: int) -> Iterator[Line]:
    for line in wrapped(f"  {message}", width, "    "):
        yield style, line


def _numbers(side: Shown) -> str:
    parts = [_counted(side.executions, "execution")]
    if side.blocked:
        parts.append(f"{side.blocked} blocked")
    parts.append(_counted(side.traces, "trace"))
    parts.append(_counted(len(side.outcomes), "outcome"))
    parts.append(_counted(len(side.failures), "failure"))
    extent = "" if side.complete else ", not to its end"
    return f"{', '.join(parts)}{extent}, {side.seconds:.2f} s"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _covers(comparison: Comparison) -> str:
    return (
        "compared: outcomes, failures (kind and message) and traces; granularity "
        f"{comparison.granularity}, time {comparison.time}"
    )


def as_object(comparison: Comparison) -> dict[str, Any]:
    """Return the comparison as the object that `--format json` prints."""
    return {
        "schema": 1,
        "target": comparison.target,
        "granularity": comparison.granularity,
        "time": comparison.time,
        "observe": comparison.observe,
        "selfcheck": comparison.verdict,
        "sides": [
            {
                "strategy": side.strategy,
                "complete": side.complete,
                "executions": side.executions,
                "blocked": side.blocked,
                "redundant": side.redundant,
                "traces": side.traces,
                "outcomes": list(side.outcomes),
                "failures": [{"kind": kind, "message": message} for kind, message in side.failures],
                "seconds": round(side.seconds, 6),
                "reasons": list(side.reasons),
            }
            for side in comparison.sides
        ],
        "differences": [
            {"message": item.message, "schedule": item.schedule} for item in comparison.differences
        ],
    }
