"""A plan is what Hypothesis draws of an interleaving: where to preempt, and whose turn it is.

It is plain data, drawn before the program runs; so Hypothesis never runs inside the simulated
program, can shrink it part by part, and shows it as text that makes it again. A plan fits any
program: what it says beyond the end of one is not asked for.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any
from zlib import crc32

from interleave.checker import replay, sample
from interleave.core.outcome import Ending, Returned
from interleave.core.schedule import parse
from interleave.hypothesis.failing import Following, raise_failure
from interleave.hypothesis.measures import told, unmeasured
from interleave.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from interleave.core.execution import Execution
    from interleave.core.operation import Operation
    from interleave.core.program import Program
    from interleave.core.schedule import Schedule
    from interleave.core.strategy import TaskView
    from interleave.report.report import Report

Preemption = tuple[int, int]
"""How many chances to preempt are passed up first, and which of the other tasks goes on."""

ATTEMPTS = 50


class Plan:
    """An interleaving as Hypothesis draws it; `run` runs a program under it.

    Each of `preemptions` passes up some chances (points where the current task could go on, and
    another one too) and takes the next: the other task with the given number goes on, the last
    one if there are not so many. `turns` says, one after the other, which task goes on where the
    current one cannot, and what `interleave.choose` yields; after them it is always the first.

    A program in which the plan finds nothing is run up to `attempts` times more, with the same
    number of preemptions in other places, which depend on the plan alone. Without them Hypothesis
    could hardly make the data smaller: the same preemption would be in another place then
    [PULSE09].
    """

    def __init__(
        self,
        preemptions: Sequence[Preemption] = (),
        turns: Sequence[int] = (),
        *,
        attempts: int = ATTEMPTS,
        **options: Any,
    ) -> None:
        Settings.of(options)
        self.preemptions = tuple(preemptions)
        self.turns = tuple(turns)
        self.attempts = attempts
        self.options = options

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Let Hypothesis show what can be given to `example`, not how it was built."""
        printer.text(repr(self))

    def __repr__(self) -> str:
        parts = []
        if self.preemptions or self.turns:
            parts.append(repr(list(self.preemptions)))
        if self.turns:
            parts.append(repr(list(self.turns)))
        if self.attempts != ATTEMPTS:
            parts.append(f"attempts={self.attempts!r}")
        parts.extend(f"{name}={value!r}" for name, value in self.options.items())
        return f"Plan({', '.join(parts)})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plan) and repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))

    def run(self, program: Callable[[], Any] | Program) -> Any:
        """Run a program under the plan; return what it returned.

        An exception of the program is raised as it is, with the counterexample as a note: its
        events, and the token that replays it. Other attempts than the first can only fail by what
        the program itself does: put the assertions into it.

        Raises:
            AssertionError: for a failure that is no exception, such as a deadlock, and for a
                program that did not end.
            UsageError: for a program that cannot be used.
        """
        strategy = _Attempts(self)
        with unmeasured():
            report = sample(program, strategy, contrasted=told(), **self.options)
        return _value(report, strategy.first, strategy.last)


class _Recorded:
    """The schedule of a token, with the methods of a plan."""

    def __init__(self, token: str, options: dict[str, Any]) -> None:
        self.schedule = parse(token)
        self.options = options

    def __repr__(self) -> str:
        options = "".join(f", {name}={value!r}" for name, value in self.options.items())
        return f"schedule_of({self.schedule.token!r}{options})"

    def run(self, program: Callable[[], Any] | Program) -> Any:
        """Replay the execution, and no other; return or raise as a plan does.

        Raises:
            ScheduleError: when the token leads elsewhere.
        """
        with unmeasured():
            report = replay(program, self.schedule, **self.options)
            strategy = Following(_taken(report, self.schedule).choices)
            kept = {
                name: getattr(self.schedule, name)
                for name in ("time", "granularity", "atomicity", "observe", "seed", "max_steps")
            }
            sample(program, strategy, **{**self.options, **kept})
        return _value(report, strategy.ending, strategy.ending)


def _taken(report: Report, schedule: Schedule) -> Schedule:
    """Return the schedule that a replay has followed: another one, if the program was edited."""
    shown = [failure.schedule for failure in report.failures]
    shown += [report.outcomes[value].schedule for value in report.outcomes]
    return next((found for found in shown if found is not None), schedule)


def schedule_of(token: str, **options: Any) -> _Recorded:
    """Return the schedule of a token, to be given to a test by `hypothesis.example`.

    Options are those of `interleave.replay`.

    Raises:
        ScheduleError: when the token is damaged or of another version.
    """
    return _Recorded(token, options)


def _value(report: Report, first: Ending | None, last: Ending | None) -> Any:
    if report.failures:
        raise_failure(report, last)
    if not isinstance(first, Returned):
        raise_failure(report, first)
    return first.value


class _Attempts:
    """The strategy that runs a plan, and then its neighbours."""

    bounded: str | None = None
    noting = False
    events: Sequence[Operation] = ()

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.first: Ending | None = None
        self.last: Ending | None = None
        self.due: Iterator[_Walk] = iter((_Walk(plan.preemptions, plan.turns),))
        self.walk = _Walk((), ())

    def begin(self) -> bool:
        """Go to the next attempt."""
        walk = next(self.due, None)
        if walk is None:
            return False
        self.walk = walk
        return True

    def choose(self, options: Sequence[TaskView], stays: int) -> int:
        """Do as the attempt says."""
        return self.walk.choose(options, stays)

    def choose_value(self, count: int) -> int:
        """Do as the attempt says."""
        return self.walk.choose_value(count)

    def end(self, execution: Execution) -> bool:
        """Keep how it ended; the first execution also shows where one could preempt."""
        self.last = execution.ending
        if self.first is None:
            self.first = execution.ending
            self.due = _neighbours(self.plan, self.walk.chances, self.walk.taken)
        return False


class _Walk:
    """One execution under a plan; counts the chances to preempt and the turns taken."""

    def __init__(self, preemptions: tuple[Preemption, ...], turns: tuple[int, ...]) -> None:
        self.left = list(reversed(preemptions))
        self.turns = turns
        self.chances = 0
        self.taken = 0
        self.skip = preemptions[0][0] if preemptions else -1

    def choose(self, options: Sequence[TaskView], stays: int) -> int:
        """Preempt where the plan says so, and else go on."""
        if not stays:
            return self.choose_value(len(options))
        self.chances += 1
        if self.skip:
            self.skip -= 1
            return 0
        _, to = self.left.pop()
        self.skip = self.left[-1][0] if self.left else -1
        return 1 + min(to, len(options) - 2)

    def choose_value(self, count: int) -> int:
        """Take the next turn of the plan."""
        at = self.taken
        self.taken = at + 1
        return min(self.turns[at], count - 1) if at < len(self.turns) else 0


def _neighbours(plan: Plan, chances: int, turns: int) -> Iterator[_Walk]:
    """Yield attempts with as many preemptions as the plan has, in other places."""
    count = min(len(plan.preemptions), chances)
    left = plan.attempts
    if count == 1 and chances <= left:
        left -= chances
        for at in range(chances):
            yield _Walk(((at, 0),), ())
    generator = random.Random(crc32(repr((plan.preemptions, plan.turns)).encode()))
    for _ in range(left):
        places = sorted(generator.sample(range(chances), count))
        gaps = [place - before - 1 for before, place in zip([-1, *places], places, strict=False)]
        yield _Walk(
            tuple((gap, generator.randrange(3)) for gap in gaps),
            tuple(generator.randrange(3) for _ in range(turns)),
        )
