"""Finds the execution of a schedule again, by names, in a program that has changed since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interleave.core.anchor import in_words
from interleave.core.outcome import Diverged
from interleave.determinism import ended_in_words
from interleave.errors import ScheduleError
from interleave.strategies.by_names import ByNames

if TYPE_CHECKING:
    from interleave.core.anchor import Anchor
    from interleave.core.execution import Execution
    from interleave.core.schedule import Schedule
    from interleave.session import Session

_SHOWN = 6
"""So many events are shown of the way that was taken in the place of the expected one."""


def retrace(opened: Session, wanted: Schedule, problem: str) -> Execution:
    """Run the execution in which every choice of a schedule is found again by its name.

    `problem` says why the schedule cannot be replayed by the numbers of its choices.

    Raises:
        ScheduleError: when the schedule has no names, or where the execution leaves the road:
            with what was expected there, and what happened.
    """
    if wanted.choices and not wanted.anchors:
        message = f"{problem}; it has no names to find them by"
        raise ScheduleError(message)
    strategy = ByNames(wanted.anchors)
    execution = opened.recorded(strategy)
    if not isinstance(execution.ending, Diverged):
        strategy.check_end()
    anchor = strategy.expected
    if anchor is not None:
        raise ScheduleError(_parted(strategy, anchor, execution, len(wanted.anchors)))
    return execution


def _parted(strategy: ByNames, anchor: Anchor, execution: Execution, count: int) -> str:
    """Say where the roads part, and show both sides."""
    number = strategy.passed + 1
    since = f"after switch {number - 1}" if number > 1 else "from the beginning"
    return (
        "the schedule cannot be replayed, not by names either: the program has changed since, "
        f"and leaves the road at switch {number} of {count}\n"
        f"  expected: {since}, {_expected(anchor)}\n"
        f"  actual: {since}, {_actual(strategy, anchor, execution)}"
    )


def _expected(anchor: Anchor) -> str:
    task = in_words(anchor.path)
    times = "" if anchor.nth == 1 else f" for the {_ordinal(anchor.nth)} time"
    if anchor.then is None:
        return f"{task} chooses a value{times}, and gets the one with index {anchor.value}"
    where = "has ended" if not anchor.mark else f"is about to {anchor.words!r}{times}"
    return f"{task} {where}, and {in_words(anchor.then)} goes on"


def _actual(strategy: ByNames, anchor: Anchor, execution: Execution) -> str:
    done = [
        _told(execution, at)
        for at in range(strategy.start, len(execution.events))
        if execution.events[at].task.path == anchor.path
    ]
    task = in_words(anchor.path)
    hidden = len(done) - _SHOWN
    shown = ["..."] * (hidden > 0) + done[-_SHOWN:]
    way = f"{task} did: {', '.join(shown)}" if done else f"{task} did nothing"
    if strategy.stray is not None:
        return f"{way}; {strategy.stray}"
    ended = ended_in_words(execution.ending)
    return f"{way}; the program {ended}" if ended else f"{way}; the execution was ended"


def _told(execution: Execution, at: int) -> str:
    op = execution.events[at]
    place = execution.places.get(id(op))
    what = op.kind if op.target is None else f"{op.kind} {op.target.name}"
    return what if place is None else f"{what} ({place})"


def _ordinal(number: int) -> str:
    ending = (
        "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    )
    return f"{number}{ending}"
