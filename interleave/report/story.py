"""The one execution that a diagram shows: that of the first failure, or the one replayed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interleave.contrast import Contrast
from interleave.report.naming import Names
from interleave.report.timeline import in_order

if TYPE_CHECKING:
    from interleave.core.trace import Event
    from interleave.report.report import Report


@dataclass(frozen=True, slots=True)
class Story:
    """Events with what is said about them; `deciding` holds the indices of the two that decide.

    `needed` holds those of the events that must not be left out.
    """

    title: str
    sentence: str | None
    events: tuple[Event, ...]
    waiting: tuple[Event, ...]
    deciding: tuple[int, ...]
    names: Names
    more: int
    needed: frozenset[int] = frozenset()

    @property
    def tasks(self) -> list[str]:
        """The tasks that did something, in the order of their creation."""
        return in_order({event.task for event in (*self.events, *self.waiting)})


def story_of(report: Report) -> Story | None:
    """Return what a report has to show as a diagram; none where it holds no execution."""
    verdict = f"{report.verdict.upper()}  {report.target}"
    for failure in report.failures:
        if failure.events:
            contrast = failure.contrast
            pair = contrast.at if isinstance(contrast, Contrast) else ()
            names = Names((*failure.events, *failure.waiting))
            sentence = failure.sentence
            return Story(
                f"{verdict}: {failure.kind}: {failure.message}",
                None if sentence is None else names.readable(sentence),
                failure.events,
                failure.waiting,
                tuple(at for at in pair if at is not None and at < len(failure.events)),
                names,
                len(report.failures) - 1,
                failure.needed,
            )
    if report.events:
        return Story(verdict, None, report.events, (), (), Names(report.events), 0)
    return None
