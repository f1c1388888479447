"""Judges executions: which outcome or failure one shows, and in which words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, assert_never

from interleave.core.outcome import (
    Deadlocked,
    Diverged,
    Hung,
    Interrupted,
    Livelocked,
    Raised,
    Returned,
    StepBound,
    Uncontrolled,
    Waiting,
)
from interleave.core.outcomes import message_of, shown, without_addresses
from interleave.core.trace import user_place_of
from interleave.detect.races import DataRaces
from interleave.errors import InterleaveInternalError, UsageError
from interleave.exploration import Exploration, Found, Identity, Stop, Witness
from interleave.settings import UNFINISHED_LIMIT, Settings

if TYPE_CHECKING:
    from interleave.core.execution import Execution, Warned
    from interleave.core.outcome import Ending

REPEATED = 3
"""Of so many outcomes the witness is run again at the end, to see that it still shows them."""

APART = 3
"""So many failures of one kind and type at one place are told apart by what they say."""

_NUMBER, _THREAD, _TYPE = re.compile(r"\d+"), re.compile(r" in main[.\d]*$"), re.compile(r"\w*")

_WAITING = {
    "with": "a `with` statement waits there, perhaps",
    "acquire": "`acquire` waits there, perhaps",
    "__enter__": "`__enter__` waits there, perhaps",
    "get": "`get` waits there, perhaps",
    "wait": "`wait` waits there, perhaps",
}
"""What is said of a program that hangs in the call of a method, or of `with`."""


class Judge:
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
        index = exploration.runs - 1
        found = _same(exploration.failures, identity)
        if found is None:
            witness = Witness.of(execution, index, telling=not exploration.failures)
            exploration.failures.append(Found(*identity, witness))
        else:
            simpler = None
            if execution.preemptions < found.witness.preemptions:
                is_first = found is exploration.failures[0]
                simpler = Witness.of(execution, index, telling=is_first)
            found.count_in(identity[1], simpler)
        return None if self.settings.keep_going else Stop.FAILURE


def _same(failures: list[Found], identity: Identity) -> Found | None:
    """Return the failure that another one counts as; none if it is one of its own.

    What says the same but for its numbers is the same, in whichever thread; and of what says
    something else, at the same place, no more than a few are told apart.
    """
    kind, message, location = identity
    for found in failures:
        if found.holds(identity):
            return found
    if location is None:
        return None  # nothing but what it says tells it from others
    there = [found for found in failures if (found.kind, found.location) == (kind, location)]
    for found in there:
        if _worded(found.message) == _worded(message):
            return found
    alike = [found for found in there if _type_in(found.message) == _type_in(message)]
    return alike[0] if len(alike) >= APART else None


def _worded(message: str) -> str:
    """Return what an exception says, without its numbers and the thread that it was in."""
    return _NUMBER.sub("#", _THREAD.sub("", message))


def _type_in(message: str) -> str:
    return _TYPE.match(message)[0]  # type: ignore[index]  # it matches whatever there is


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
