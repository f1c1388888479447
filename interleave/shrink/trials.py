"""Trials run the program again, within a budget, and tell whether it fails in the same way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interleave.core.outcome import Hung, Interrupted, Uncontrolled
from interleave.core.schedule import strip
from interleave.core.steps import Choose
from interleave.errors import HangDetected, UsageError
from interleave.judging import failure_of
from interleave.strategies.replay import Replay

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from interleave.core.execution import Execution
    from interleave.core.strategy import Strategy
    from interleave.exploration import Identity
    from interleave.session import Session

Key = tuple[int, int, int, tuple[int, ...]]
"""How simple an execution is, the simplest first: its preemptions, its switches, its events, and of
equal ones its choices."""


class SpentError(Exception):
    """The budget has ended."""


class BrokenOffError(Exception):
    """The program cannot be run any more: it was interrupted, or hangs."""


class Budget:
    """How many executions, and how many events in all, may be run."""

    def __init__(self, executions: int, events: int) -> None:
        self.executions = executions
        self.events = events


@dataclass(frozen=True, slots=True)
class Attempt:
    """An execution that fails in the wanted way.

    `turns` tells for each event that is a schedule point the number of its task, `values` what each
    task chose.
    """

    key: Key
    digest: int
    turns: tuple[int, ...]
    values: Mapping[int, tuple[int, ...]]

    @classmethod
    def of(cls, execution: Execution) -> Attempt:
        """Keep of an execution what can be repeated and changed."""
        values: dict[int, tuple[int, ...]] = {}
        for event in execution.events:
            if isinstance(event, Choose) and event.count > 1:
                task = event.task.number
                values[task] = (*values.get(task, ()), event.value)
        return cls(
            (
                execution.preemptions,
                execution.switches,
                execution.steps,
                strip(execution.choices),
            ),
            execution.digest(),
            tuple(event.task.number for event in execution.events if not event.glued),
            values,
        )

    @property
    def choices(self) -> tuple[int, ...]:
        """Its schedule."""
        return self.key[3]


class Trials:
    """Runs executions, counts them, and knows which failure is meant."""

    def __init__(self, session: Session, wanted: Identity) -> None:
        self.session = session
        self.wanted = wanted
        self.count = 0

    def start(self, choices: Sequence[int]) -> Attempt | None:
        """Run a schedule, whatever the budget; none unless it fails in the way that is meant."""
        try:
            return self.attempt(Replay(choices), Budget(1, 1))
        except BrokenOffError:
            return None

    def run(self, strategy: Strategy, budget: Budget) -> Execution:
        """Run the program once.

        Raises:
            SpentError: instead, when the budget has ended.
            BrokenOffError: when the program did not come back, or is to be left alone.
        """
        if budget.executions <= 0 or budget.events <= 0:
            raise SpentError
        execution = self.session.execute(strategy)
        self.count += 1
        budget.executions -= 1
        budget.events -= execution.steps
        runtime = self.session.runtime
        if runtime.interrupted or isinstance(execution.ending, Hung | Interrupted | Uncontrolled):
            raise BrokenOffError
        return execution

    def fails(self, execution: Execution) -> bool:
        """Whether an execution ends in the failure that is meant.

        Raises:
            BrokenOffError: when what looks at its outcome does not come back.
        """
        runtime = self.session.runtime
        runtime.hosting = True
        try:
            return failure_of(execution, self.session.settings) == self.wanted
        except UsageError:  # --expect itself fails on this outcome
            return False
        except HangDetected:
            raise BrokenOffError from None
        finally:
            runtime.hosting = False

    def attempt(self, strategy: Strategy, budget: Budget) -> Attempt | None:
        """Run the program once; none unless it fails in the way that is meant.

        Raises:
            SpentError: when the budget has ended.
            BrokenOffError: when the program cannot be run any more.
        """
        execution = self.run(strategy, budget)
        return Attempt.of(execution) if self.fails(execution) else None
