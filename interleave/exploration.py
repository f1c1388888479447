"""An exploration runs a program under a strategy until nothing is left or something ends it."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, assert_never

from interleave._real import perf_counter
from interleave.core.outcome import (
    Deadlocked,
    Diverged,
    FailureKind,
    Hung,
    Interrupted,
    Raised,
    Returned,
    StepBound,
    Uncontrolled,
    Waiting,
)
from interleave.core.outcomes import OutcomeTable, message_of, shown, without_addresses
from interleave.core.schedule import strip
from interleave.core.trace import user_place_of
from interleave.determinism import Account, Repetition
from interleave.errors import (
    HangDetected,
    InterleaveInternalError,
    NondeterministicError,
    UsageError,
)
from interleave.settings import (
    DEFAULT_RANDOM_EXECUTIONS,
    DEFAULT_SECONDS,
    UNFINISHED_LIMIT,
    Settings,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from interleave.core.execution import Execution, Warned
    from interleave.core.outcome import Ending
    from interleave.core.strategy import Strategy
    from interleave.session import Session

REPEATED = 3
"""Of so many outcomes the witness is run again at the end, to see that it still shows them."""

_COLLECT_EVERY = 500
"""The cyclic collector rests during executions, not between."""


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


@dataclass(slots=True)
class Found:
    """A failure, by its simplest witness seen: the fewest preemptions."""

    kind: FailureKind
    message: str
    location: str | None
    witness: Witness
    count: int = 1


@dataclass(slots=True)
class Exploration:
    """What many executions of one program showed.

    `runs` counts the executions that were judged; of those `executions` ended, `blocked` could not
    go on, and `cut` hit the step bound. `redundant` counts those that would repeat a trace.
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
    warnings: list[Warned] = field(default_factory=list)
    bounded: str | None = None
    detail: str | None = None
    causes: tuple[str, ...] = ()
    cut_witness: Witness | None = None
    last_choices: tuple[int, ...] = ()


def explore(
    session: Session,
    strategy: Strategy,
    *,
    progress: Callable[[Exploration], None] | None = None,
    repeating: bool = True,
    enough: Callable[[Exploration], bool] | None = None,
) -> Exploration:
    """Run the program until the strategy has nothing left, or a bound or failure ends it.

    Some executions are repeated, to see that nothing but the schedule decides; unless `repeating`
    is false, for who compares by other means. It ends early where `enough` says that what was seen
    is enough.
    """
    settings = session.settings
    runtime = session.runtime
    exploration = Exploration(settings)
    judge = _Judge(exploration)
    repetition = Repetition(session) if repeating else None
    limit = settings.executions
    if limit is None and not settings.exhaustive and settings.seconds is None:
        limit = DEFAULT_RANDOM_EXECUTIONS
    start = perf_counter()
    seconds = settings.seconds
    if seconds is None and settings.exhaustive and settings.executions is None:
        seconds = DEFAULT_SECONDS
    deadline = None if seconds is None else start + seconds
    next_progress = start + 0.2
    try:
        while strategy.begin():
            execution = session.execute(strategy)
            runtime.hosting = True
            before = exploration.runs
            stop = _learn(strategy, execution, judge)
            runtime.hosting = False
            judged = exploration.runs > before  # a redundant execution is not counted
            due = repetition is not None and judged and repetition.is_due(exploration.runs)
            if stop is None and repetition is not None and due:
                found = repetition.differs(execution, exploration.runs - 1)
                if found:
                    stop = Stop.DIVERGED
                    exploration.detail, *causes = found
                    exploration.causes = tuple(causes)
            if stop is None and enough is not None and enough(exploration):
                stop = Stop.FAILURE
            now = perf_counter()
            if runtime.interrupted:
                stop = stop or Stop.INTERRUPTED
            if stop is None and limit is not None and exploration.runs >= limit:
                stop = Stop.EXECUTIONS if settings.exhaustive else Stop.SAMPLED
            if stop is None and deadline is not None and now >= deadline:
                stop = _out_of_time(settings)
            if stop is not None:
                exploration.stop = stop
                exploration.last_choices = strip(execution.choices)
                break
            if exploration.runs % _COLLECT_EVERY == 0:
                session.collect()
            if progress is not None and now >= next_progress:
                next_progress = now + 0.2
                exploration.seconds = now - start
                progress(exploration)
    except KeyboardInterrupt:
        exploration.stop = Stop.INTERRUPTED
    except HangDetected as error:
        exploration.stop = Stop.HUNG
        place = user_place_of(error)
        exploration.detail = (
            "what looks at an outcome (its __eq__, __hash__ or __repr__, a finaliser, --expect) "
            f"ran for {settings.hang_seconds:g} s{f', at {place}' if place else ''}"
        )
    finally:
        runtime.hosting = False
    if exploration.stop is Stop.EXECUTIONS and not strategy.begin():
        exploration.stop = Stop.COMPLETE  # the budget was met exactly at the end
    if repetition is not None:
        if exploration.stop is Stop.DIVERGED and not exploration.causes:
            exploration.causes = repetition.causes(exploration.last_choices)
        exploration.warnings.extend(repetition.warnings)
    exploration.bounded = strategy.bounded
    exploration.seconds = perf_counter() - start
    return exploration


def _learn(strategy: Strategy, execution: Execution, judge: _Judge) -> Stop | None:
    try:
        repeats = strategy.end(execution)
    except NondeterministicError as error:
        judge.exploration.detail = str(error)
        judge.exploration.runs += 1
        return Stop.DIVERGED
    if repeats:
        judge.exploration.redundant += 1
        return None
    return judge.take(execution)


def _out_of_time(settings: Settings) -> Stop:
    # Whoever asks for seconds of sampling, and for no number, has got what was asked for.
    sampling = not settings.exhaustive and settings.executions is None
    return Stop.SAMPLED if sampling else Stop.SECONDS


class _Judge:
    """Takes one execution after the other and keeps what they show."""

    def __init__(self, exploration: Exploration) -> None:
        self.exploration = exploration
        self.settings = exploration.settings
        expect = self.settings.expect
        self.output = self.settings.observe == "output"
        self.expect = None if expect is None else compile(expect, "<expect>", "eval")

    def take(self, execution: Execution) -> Stop | None:
        """Count an execution; return why the exploration must end, if it must."""
        exploration = self.exploration
        exploration.runs += 1
        steps = len(execution.events)
        exploration.steps_total += steps
        first = exploration.runs == 1
        exploration.steps_max = max(exploration.steps_max, steps)
        exploration.steps_min = steps if first else min(exploration.steps_min, steps)
        exploration.threads = max(exploration.threads, execution.tasks)
        if execution.switches:
            exploration.switched = True
        if execution.warnings:
            self._warned(execution.warnings)
        ending = execution.ending
        if type(ending) is Returned:  # by far the most frequent
            exploration.executions += 1
            return self._returned(execution, execution.output if self.output else ending.value)
        return self._judge(execution, ending)

    def _warned(self, warnings: list[Warned]) -> None:
        known = self.exploration.warnings
        known.extend(warned for warned in warnings if warned not in known)

    def _judge(self, execution: Execution, ending: Ending) -> Stop | None:
        exploration = self.exploration
        match ending:
            case Raised() as raised:
                exploration.executions += 1
                place = user_place_of(raised.error)
                return self._failed(
                    execution, raised.kind, describe_error(raised), str(place) if place else None
                )
            case Deadlocked(waiting):
                exploration.blocked += 1
                return self._failed(execution, "deadlock", describe_deadlock(waiting), None)
            case StepBound():
                exploration.cut += 1
                if exploration.cut_witness is None:
                    exploration.cut_witness = Witness.of(execution, exploration.runs - 1)
                never = exploration.executions + exploration.blocked == 0
                if never and exploration.cut >= UNFINISHED_LIMIT:
                    return Stop.UNFINISHED
                return None
            case Hung(task, location, seconds):
                exploration.detail = (
                    f"{task} ran for {seconds:g} s without coming back to the scheduler"
                    + (f", at {location}" if location else "")
                )
                return Stop.HUNG
            case Uncontrolled(message, _):
                exploration.detail = message
                return Stop.UNCONTROLLED
            case Diverged(message):
                exploration.detail = message
                return Stop.DIVERGED
            case Interrupted():
                return Stop.INTERRUPTED
            case Returned():
                message = "a program that returned is judged elsewhere"
                raise InterleaveInternalError(message)
            case _:
                assert_never(ending)

    def _returned(self, execution: Execution, value: Any) -> Stop | None:
        exploration = self.exploration
        outcome, is_new = exploration.outcomes.add(value)
        if is_new or execution.preemptions < outcome.witness.preemptions:
            outcome.witness = Witness.of(
                execution, exploration.runs - 1, telling=len(exploration.outcomes) <= REPEATED
            )
        if is_new and self.expect is not None:
            outcome.expected = bool(evaluate(self.expect, value, "expect"))
        if outcome.expected:
            return None
        message = f"outcome {shown(value)} does not satisfy {self.settings.expect}"
        return self._failed(execution, "expectation", message, None)

    def _failed(
        self, execution: Execution, kind: FailureKind, message: str, location: str | None
    ) -> Stop | None:
        exploration = self.exploration
        for found in exploration.failures:
            if (found.kind, found.message, found.location) == (kind, message, location):
                found.count += 1
                if execution.preemptions < found.witness.preemptions:
                    found.witness = Witness.of(
                        execution,
                        exploration.runs - 1,
                        telling=found is exploration.failures[0],
                    )
                break
        else:
            witness = Witness.of(execution, exploration.runs - 1, telling=not exploration.failures)
            exploration.failures.append(Found(kind, message, location, witness))
        return None if self.settings.keep_going else Stop.FAILURE


def evaluate(code: Any, value: Any, option: str) -> Any:
    """Evaluate an expression of the user's about an outcome.

    Raises:
        UsageError: when the expression itself fails.
    """
    try:
        return eval(code, {"outcome": value})
    except Exception as error:
        message = (
            f"--{option} failed on outcome {shown(value)}: {type(error).__name__}: {error}; "
            "the expression sees one name, outcome"
        )
        raise UsageError(message) from error


def describe_error(raised: Raised) -> str:
    """Say which exception it was; a bare assertion says nothing itself."""
    error = raised.error
    text = without_addresses(message_of(error))
    name = type(error).__name__
    who = "" if raised.task == "main" else f" in {raised.task}"
    return f"{name}: {text}{who}" if text else f"{name}{who}"


def describe_deadlock(waiting: tuple[Waiting, ...]) -> str:
    """Say who waits for what, in one line."""
    return "; ".join(f"{item.task} waits for {item.what}" for item in waiting)
