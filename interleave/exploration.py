"""An exploration is what many executions of one program showed, and why it ended."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from math import log10
from typing import TYPE_CHECKING

from interleave.core.outcome import FailureKind
from interleave.core.outcomes import OutcomeTable
from interleave.core.schedule import strip
from interleave.determinism import Account

if TYPE_CHECKING:
    from interleave.core.execution import Execution, Warned
    from interleave.detect.races import Race
    from interleave.settings import Settings

_UNCOUNTABLE = 1e100
"""There is no point in telling apart what is more than that."""

_GROWN, _KNOWN = 1.25, 4
"""By how much an estimate grows while the runs double if it cannot be relied on, and how many
estimates it takes to see that."""


class Stop(enum.Enum):
    """Why an exploration ended; the values are what is said about it."""

    COMPLETE = "every schedule was explored"
    SAMPLED = "as many executions as asked for were sampled"
    FAILURE = "the first failure ended the exploration"
    EXECUTIONS = "the budget of executions ended the exploration"
    SECONDS = "the budget of seconds ended the exploration"
    UNFINISHED = "no execution ended within the step bound"
    HUNG = "the program did not come back to the scheduler"
    UNCONTROLLED = "the program left what can be controlled"
    DIVERGED = "the program is not deterministic"
    INTERRUPTED = "it was interrupted"


@dataclass(slots=True)
class Witness:
    """One execution that shows something: enough to make a schedule of it and run it again."""

    choices: tuple[int, ...]
    digest: int
    preemptions: int
    steps: int
    index: int
    account: Account | None = None  # of a few, to compare with when they are run again

    @classmethod
    def of(cls, execution: Execution, index: int, *, telling: bool = False) -> Witness:
        """Keep of an execution what can be replayed."""
        return cls(
            strip(execution.choices),
            execution.digest(),
            execution.preemptions,
            execution.steps,
            index,
            Account.of(execution) if telling else None,
        )


Identity = tuple[FailureKind, str, str | None]
"""What makes two failures the same: kind, message and place."""


@dataclass(slots=True)
class Found:
    """A failure, by its simplest witness seen: the fewest preemptions.

    `count` tells in how many executions it was seen. `others` are the messages of those among them
    that say something else than the witness, each with how many say it.
    """

    kind: FailureKind
    message: str
    location: str | None
    witness: Witness
    count: int = 1
    others: dict[str, int] = field(default_factory=dict)

    @property
    def identity(self) -> Identity:
        """Which failure its witness shows."""
        return self.kind, self.message, self.location

    @property
    def identities(self) -> tuple[Identity, ...]:
        """All that are counted as this failure, that of the witness first."""
        messages = (self.message, *self.others)
        return tuple((self.kind, message, self.location) for message in messages)

    def holds(self, identity: Identity) -> bool:
        """Whether this very failure is counted here."""
        kind, message, location = identity
        if kind != self.kind or location != self.location:
            return False
        return message == self.message or message in self.others

    def count_in(self, message: str, simpler: Witness | None) -> None:
        """Count one more execution, which becomes the witness if it is simpler."""
        self.count += 1
        if message != self.message:
            self.others[message] = self.others.get(message, 0) + 1
            if simpler is not None:
                said = self.count - sum(self.others.values())  # as the witness so far
                del self.others[message]
                self.message, self.others = message, {self.message: said, **self.others}
        if simpler is not None:
            self.witness = simpler


@dataclass(slots=True)
class Exploration:
    """What many executions of one program showed.

    `runs` counts the executions that were judged; of those `executions` ended, `blocked` could not
    go on, and `cut` hit the step bound. `redundant` counts those that would repeat a trace.
    `totals` are estimates of how many executions there are, after 1, 2, 4, ... runs.
    `sampling` names what sampled, if anything did, and `sampled_from` tells how many runs came
    before.
    """

    settings: Settings
    stop: Stop = Stop.COMPLETE
    runs: int = 0
    executions: int = 0
    blocked: int = 0
    redundant: int = 0
    cut: int = 0
    steps_total: int = 0
    steps_min: int = 0
    steps_max: int = 0
    seconds: float = 0.0
    threads: int = 1
    switched: bool = False
    outcomes: OutcomeTable = field(default_factory=OutcomeTable)
    failures: list[Found] = field(default_factory=list)
    races: list[tuple[Race, Witness]] = field(default_factory=list)
    warnings: list[Warned] = field(default_factory=list)
    bounded: str | None = None
    detail: str | None = None
    causes: tuple[str, ...] = ()
    cut_witness: Witness | None = None
    last_choices: tuple[int, ...] = ()
    untried: list[str] = field(default_factory=list)
    share: float | None = None
    sampling: str | None = None
    sampled_from: int | None = None
    totals: list[float] = field(default_factory=list)

    def estimate(self, share: float | None) -> None:
        """Note how many executions there seem to be, each time that twice as many were run."""
        if share:
            self.totals.append(self.runs / share)

    @property
    def growing(self) -> bool:
        """Whether the estimate has grown since half of the runs, or it is too early to know that.

        Then it may be far too low: a reduction finds what there is to do as it goes on.
        """
        if not self.share or not self.runs:
            return False
        # The last total was noted at the last power of two, the one before at half of that.
        return len(self.totals) < _KNOWN or self.runs / self.share > _GROWN * self.totals[-2]

    @property
    def left(self) -> int | None:
        """About how many executions are left, if that can be estimated: an order of magnitude."""
        if not self.share or not self.runs:
            return None
        left = min(self.runs * (1 - self.share) / self.share, _UNCOUNTABLE)
        unit = 10 ** int(log10(left)) if left >= 1 else 1
        return round(left / unit) * unit  # one digit: more than that is not known
