"""What a strategy is: it makes the choices of an execution and sees data only."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interleave.core.execution import Execution
    from interleave.core.operation import Operation


CAUSES = "something else than the schedule decides"


class TaskView(Protocol):
    """What a strategy may see of a task."""

    @property
    def id(self) -> str:
        """Its stable name."""

    @property
    def path(self) -> tuple[int, ...]:
        """Its creation path."""

    @property
    def number(self) -> int:
        """What stands for it within an exploration."""

    @property
    def born(self) -> int:
        """The index of the event that made it; -1 for main."""

    @property
    def met(self) -> int:
        """The last key that was given to a place in memory so far, by whatever task."""

    @property
    def daemon(self) -> bool:
        """Whether the end of main cuts it off."""

    pending: Operation


class Script(NamedTuple):
    """How an execution is to begin, as another one did: nobody is asked until that is over.

    A strategy that knows it has an attribute `script`, which `begin` sets. `tasks` are the numbers
    of the tasks of the events, one by one; only the first ones count, `upto` an index. The
    `choices` are those that lead through these.
    """

    tasks: Sequence[int]
    upto: int
    choices: Sequence[int]


NO_SCRIPT = Script((), 0, ())


class Strategy(Protocol):
    """The policy that makes choices; one object lives for a whole exploration."""

    noting: bool
    """Whether it wants to know what the others were about to do at the end of an execution."""

    events: Sequence[Operation]
    """The events of the execution that runs, so far: the runtime sets and extends it."""

    def begin(self) -> bool:
        """Prepare the next execution; false when there is none left to run."""

    def choose(self, options: Sequence[TaskView], stays: int) -> int:
        """Return which task goes on.

        `options` are the enabled tasks, at least two, in the order of their creation paths. Where
        the current task is among them, `stays` is 1, and the answer counts it first: 0 is the
        current task (so that 0 always means *no preemption*), and the others follow in order.
        Where it is not, the answer is an index of `options`.
        """

    def choose_value(self, count: int) -> int:
        """Return which of `count` values (at least two) `interleave.choose` yields."""

    def end(self, execution: Execution) -> bool:
        """Learn how the execution ended; true if it repeats a trace that was explored before."""

    @property
    def bounded(self) -> str | None:
        """What was left out by a bound of the strategy's own, in words; none if nothing was."""


@runtime_checkable
class Measuring(Protocol):
    """A strategy that goes through a tree of choices, and knows how far it has come."""

    def share(self) -> float:
        """Estimate, between two executions, which share of the tree lies behind it.

        Each branch of a choice counts for the same share of what is below that choice; what is
        behind is so found by the last path alone (the weighted backtracking of [Kilby06]).
        """
