"""An exploration runs a program under a strategy until nothing is left or something ends it."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from math import log10
from typing import TYPE_CHECKING, Any, assert_never

from interleave._real import perf_counter
from interleave.core.outcome import (
    Deadlocked,
    Diverged,
    FailureKind,
    Hung,
    Interrupted,
    Livelocked,
    Raised,
    Returned,
    StepBound,
    Uncontrolled,
    Waiting,
)
from interleave.core.outcomes import OutcomeTable, message_of, shown, without_addresses
from interleave.core.schedule import strip
from interleave.core.strategy import Measuring
from interleave.core.trace import user_place_of
from interleave.detect.races import DataRaces
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
    from interleave.detect.races import Race
    from interleave.session import Session

REPEATED = 3
"""Of so many outcomes the witness is run again at the end, to see that it still shows them."""

_WAITING = {
    "with": "a `with` statement waits there, perhaps",
    "acquire": "`acquire` waits there, perhaps",
    "__enter__": "`__enter__` waits there, perhaps",
    "get": "`get` waits there, perhaps",
    "wait": "`wait` waits there, perhaps",
}
"""What is said of a program that hangs in the call of a method, or of `with`."""

_UNCOUNTABLE = 1e100
"""There is no point in telling apart what is more than that."""

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
    usual = limit is None and not settings.exhaustive and settings.seconds is None
    if usual:
        limit = DEFAULT_RANDOM_EXECUTIONS
    start = perf_counter()
    seconds = settings.seconds
    if seconds is None and settings.exhaustive and settings.executions is None:
        seconds = DEFAULT_SECONDS
    deadline = None if seconds is None else start + seconds
    next_progress = start + 0.2
    try:
        while strategy.begin():
            if exploration.sampling is None:
                exploration.sampling = getattr(strategy, "sampling", None)
                if exploration.sampling is not None:
                    exploration.sampled_from = exploration.runs
            execution = session.execute(strategy, judged=False)
            runtime.hosting = True
            before = exploration.runs
            stop = _learn(session, strategy, execution, judge)
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
            counted = exploration.runs - (exploration.sampled_from or 0 if usual else 0)
            searching = usual and exploration.sampled_from is None
            if stop is None and limit is not None and counted >= limit and not searching:
                stop = Stop.EXECUTIONS if settings.exhaustive else Stop.SAMPLED
            if stop is None and deadline is not None and now >= deadline:
                stop = _out_of_time(exploration)
            if stop is not None:
                exploration.stop = stop
                exploration.share = _share(strategy)
                exploration.last_choices = strip(execution.choices)
                break
            if exploration.runs % _COLLECT_EVERY == 0:
                session.collect()
            if progress is not None and now >= next_progress:
                next_progress = now + 0.2
                exploration.seconds = now - start
                exploration.share = _share(strategy)
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


def _share(strategy: Strategy) -> float | None:
    """Return which share of all the executions was run, if the strategy can tell."""
    return strategy.share() if isinstance(strategy, Measuring) else None


def _learn(
    session: Session, strategy: Strategy, execution: Execution, judge: _Judge
) -> Stop | None:
    try:
        repeats = strategy.end(execution)
    except NondeterministicError as error:
        judge.exploration.detail = str(error)
        judge.exploration.runs += 1
        return Stop.DIVERGED
    if repeats:
        judge.exploration.redundant += 1
        return None
    session.judge(execution)  # after the strategy has learned how it ended
    return judge.take(execution)


def _out_of_time(exploration: Exploration) -> Stop:
    # Whoever asks for seconds of sampling, and for no number, has got what was asked for.
    settings = exploration.settings
    sampling = not settings.exhaustive and settings.executions is None
    if settings.strategy == "auto" and exploration.sampled_from is None:
        sampling = False
    return Stop.SAMPLED if sampling else Stop.SECONDS


class _Judge:
    """Takes one execution after the other and keeps what they show."""

    def __init__(self, exploration: Exploration) -> None:
        self.exploration = exploration
        self.settings = exploration.settings
        expect = self.settings.expect
        self.output = self.settings.observe == "output"
        self.expect = None if expect is None else compile(expect, "<expect>", "eval")
        self.races = DataRaces() if self.settings.looks_for_races else None

    def take(self, execution: Execution) -> Stop | None:
        """Count an execution; return why the exploration must end, if it must."""
        stop = self._take(execution)
        if self.races is not None:
            for race in self.races.take(execution):
                witness = Witness.of(execution, self.exploration.runs - 1)
                self.exploration.races.append((race, witness))
                if self.settings.fail_on and not self.settings.keep_going:
                    stop = stop or Stop.FAILURE
        return stop

    def _take(self, execution: Execution) -> Stop | None:
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
        if execution.untried:
            known = exploration.untried
            known.extend(item for item in execution.untried if item not in known)
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
            case Raised():
                exploration.executions += 1
                return self._failed(execution, _identity(ending))
            case Deadlocked():
                exploration.blocked += 1
                return self._failed(execution, _identity(ending))
            case StepBound():
                exploration.cut += 1
                if exploration.cut_witness is None:
                    exploration.cut_witness = Witness.of(execution, exploration.runs - 1)
                never = exploration.executions + exploration.blocked == 0
                if never and exploration.cut >= UNFINISHED_LIMIT:
                    return Stop.UNFINISHED
                return None
            case Hung(task, location, seconds, call):
                exploration.detail = (
                    f"{task} ran for {seconds:g} s without coming back to the scheduler"
                    + (f", at {location}" if location else "")
                )
                exploration.causes = self._causes_of_a_hang(call)
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

    def _causes_of_a_hang(self, call: str) -> tuple[str, ...]:
        """Say what a program may wait for that stands in the call of this method."""
        if call not in _WAITING:
            return ()
        way = (
            "check with --granularity memory, where instrumented code uses it"
            if self.settings.granularity == "sync"
            else "instrument the module that uses it (--include)"
        )
        cause = (
            f"{_WAITING[call]} on a real lock or queue, which only instrumented code has simulated "
            f"if it was made before the check: {way}, or make it inside the program"
        )
        return (cause,)

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
        return self._failed(execution, _unexpected(value, self.settings))

    def _failed(self, execution: Execution, identity: Identity) -> Stop | None:
        exploration = self.exploration
        for found in exploration.failures:
            if found.identity == identity:
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
            exploration.failures.append(Found(*identity, witness))
        return None if self.settings.keep_going else Stop.FAILURE


def failure_of(execution: Execution, settings: Settings) -> Identity | None:
    """Return which failure an execution shows; none where it shows none.

    Raises:
        UsageError: when the expression of `expect` itself fails.
    """
    match execution.ending:
        case Raised() | Deadlocked() as ending:
            return _identity(ending)
        case Returned(value) if settings.expect is not None:
            if settings.observe == "output":
                value = execution.output
            code = compile(settings.expect, "<expect>", "eval")
            return None if evaluate(code, value, "expect") else _unexpected(value, settings)
        case _:
            return None


def _identity(ending: Raised | Deadlocked) -> Identity:
    match ending:
        case Raised(error, _, kind):
            place = user_place_of(error)
            return kind, describe_error(ending), str(place) if place else None
        case Livelocked(waiting):
            return "livelock", describe_deadlock(waiting), None
        case Deadlocked(waiting):
            return "deadlock", describe_deadlock(waiting), None
        case _:
            assert_never(ending)


def _unexpected(value: Any, settings: Settings) -> Identity:
    return "expectation", f"outcome {shown(value)} does not satisfy {settings.expect}", None


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
