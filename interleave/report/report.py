"""A report is what a check has to say; everything that is printed comes from it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from interleave.contrast import Contrast

if TYPE_CHECKING:
    from interleave.contrast import NoContrast
    from interleave.core.execution import Warned
    from interleave.core.outcome import FailureKind
    from interleave.core.schedule import Schedule
    from interleave.core.trace import Event
    from interleave.shrink import Shrunk

VerdictName = Literal["pass", "fail", "incomplete", "nondeterministic"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How often a value came out, and the schedule with the fewest preemptions that was seen."""

    value: Any
    text: str
    count: int
    schedule: Schedule


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, once, by its simplest witness.

    `count` executions showed it; `others` says how many of them had which other message.
    `detail` explains it (one line each), `events` are those of the witness, `output` what it
    printed and logged. `schedule` is none only where no single execution shows the failure.
    `sentence` says what went wrong, where the events prove it, and `rests_on` which of them do, by
    index; `waiting` holds what tasks wait for at the end of a deadlock; `contrast` is the nearest
    execution that passes, if it was looked for, and `passing` its schedule, if it was found.
    `shrunk` tells how the witness was found, if a simpler one than the first was looked for.
    `hidden_by_gil` says whether a failure of its kind needs a switch that the GIL of this CPython
    version does not allow; none if not known.
    """

    kind: FailureKind
    message: str
    location: str | None
    schedule: Schedule | None
    preemptions: int
    count: int = 1
    others: Mapping[str, int] = field(default_factory=dict)
    sample: str | None = None
    detail: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()
    output: tuple[str, ...] = ()
    sentence: str | None = None
    rests_on: tuple[int, ...] = ()
    waiting: tuple[Event, ...] = ()
    contrast: Contrast | NoContrast | None = None
    passing: Schedule | None = None
    shrunk: Shrunk | None = None
    hidden_by_gil: bool | None = None

    @property
    def needed(self) -> frozenset[int]:
        """The indices of the events that must be shown: the sentence or the contrast names them."""
        pair = self.contrast.at if isinstance(self.contrast, Contrast) else ()
        named = (at for at in (*self.rests_on, *pair) if at is not None)
        return frozenset(at for at in named if at < len(self.events))


class Outcomes(Mapping[Any, Outcome]):
    """Outcomes by value; a value that cannot be hashed is found all the same."""

    def __init__(self, items: tuple[Outcome, ...] = ()) -> None:
        self._items = items

    def __getitem__(self, value: Any) -> Outcome:
        for item in self._items:
            if item.value is value:  # whatever its __eq__ says or raises
                return item
        for item in self._items:
            if type(item.value) is type(value) and item.value == value:
                return item
        for item in self._items:
            if item.value == value:
                return item
        raise KeyError(value)

    def __iter__(self) -> Iterator[Any]:
        return (item.value for item in self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        inside = ", ".join(f"{item.text}: {item.count}" for item in self._items)
        return f"Outcomes({{{inside}}})"


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a check.

    `executions` counts the complete executions, `blocked` those that ended with tasks waiting for
    ever, `redundant` those cut because they would repeat a trace, `cut` those that hit the step
    bound; `seconds` is real time. `covers` says what the verdict rests on, `reasons` why it
    is neither `pass` nor `fail`. `events` are told when one execution was replayed. `sampled_by`
    is the strategy that a seed belongs to, with its depth, if that is not `random`. `left`
    estimates how many executions were left when a budget ended a search for all.
    """

    target: str
    strategy: str
    granularity: str
    time: str
    observe: str
    verdict: VerdictName
    exhaustive: bool
    executions: int
    redundant: int
    blocked: int
    cut: int
    steps_min: int
    steps_mean: float
    steps_max: int
    seconds: float
    threads: int
    covers: str
    outcomes: Outcomes = field(default_factory=Outcomes)
    atomicity: str = "free-threaded"
    failures: tuple[Failure, ...] = ()
    warnings: tuple[Warned, ...] = ()
    reasons: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()
    replay_options: tuple[str, ...] = ()
    replay_words: tuple[str, ...] = ()
    sampled_by: str | None = None
    interrupted: bool = False
    left: int | None = None

    def replay_command(self, failure: Failure) -> str:
        """Return what repeats the execution that shows a failure: a command, or a call."""
        assert failure.schedule is not None
        token = failure.schedule.token
        if self.replay_words:
            return shlex.join((*self.replay_words, token))
        if "<" in self.target:
            return f'interleave.replay(program, "{token}")'
        words = ("interleave", "replay", self.target, "--schedule", token, *self.replay_options)
        return shlex.join(words)

    def raise_for_failure(self) -> None:
        """Raise unless the verdict is `pass`.

        Raises:
            AssertionError: with the counterexample, or with why there is no verdict.
        """
        if self.verdict != "pass":
            from interleave.report.text import render

            raise AssertionError(render(self))

    def __str__(self) -> str:
        from interleave.report.text import render

        return render(self)
