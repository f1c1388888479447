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
    """A failure, by its simplest witness seen: the fewest preemptions."""

    kind: FailureKind
    message: str
    location: str | None
    witness: Witness
    count: int = 1

    @property
    def identity(self) -> Identity:
        """Which failure it is."""
        return self.kind, self.message, self.location


@dataclass(slots=True)
class Exploration:
    """What many executions of one program showed.

    `runs` counts the executions that were judged; of those `executions` ended, `blocked` could not
    go on, and `cut` hit the step bound. `redundant` counts those that would repeat a trace.
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

    @property
    def left(self) -> int | None:
        """About how many executions are left, if that can be estimated: an order of magnitude."""
        if not self.share or not self.runs:
            return None
        left = min(self.runs * (1 - self.share) / self.share, _UNCOUNTABLE)
        unit = 10 ** int(log10(left)) if left >= 1 else 1
        return round(left / unit) * unit  # one digit: more than that is not known
