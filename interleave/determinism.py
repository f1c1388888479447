"""Repeats executions now and then: same program, same choices, same events, or it is said.

Where a repetition leads elsewhere, something else than the schedule decides. The report then shows
the first event that differs, and what is likely to be the cause: state that an execution has left
behind, or a call that asks the world.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interleave.core.execution import Warned
from interleave.core.outcome import Deadlocked, Livelocked, Raised, Returned, StepBound
from interleave.core.outcomes import are_equal, message_of, shown, without_addresses
from interleave.core.surroundings import Surroundings
from interleave.core.trace import in_stdlib, user_place
from interleave.primitives.leftovers import left_over, look
from interleave.strategies.replay import Replay

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

    from interleave.core.execution import Execution, Told
    from interleave.core.outcome import Ending
    from interleave.primitives.leftovers import Leftover, Seen
    from interleave.session import Session

_RARELY = 1_000
"""Among so many executions at least one is repeated: that costs a thousandth."""

_MANY = 4
"""How many causes are named."""

_NO_CAUSE = (
    "likely cause: none of those that can be seen (state left over in a module, the real clock, "
    "random numbers of the system); the order of a set of objects, id() or hash() of an object, "
    "a file, another process?"
)
_FRESH = "set it at the beginning of the program, or check with --fresh"


class Repetition:
    """Repeats some executions of an exploration, and compares."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.warnings: list[Warned] = []
        self._surroundings = Surroundings()
        self._before = self._look()
        self._due = 1

    def _look(self) -> dict[str, Seen]:
        return look(self.session.program.call)

    def is_due(self, runs: int) -> bool:
        """Whether the execution that was just run is to be repeated: 1, 10, 100, 1000, 2000, ..."""
        if runs < self._due:
            return False
        self._due = min(self._due * 10, self._due + _RARELY)
        return True

    def differs(self, execution: Execution, index: int) -> tuple[str, ...]:
        """Run an execution again; return what differs and why, or nothing."""
        account = Account.of(execution)
        between = self._look()
        again = run_again(self.session, execution.choices)
        first = list(left_over(self._before, between))
        found = difference(account, again, f"execution {index}")
        if found is not None:
            return found, *self.causes(execution.choices, first)
        if index or self.session.settings.fresh:
            return ()
        if any(item.looks_changed for item in first):
            # What is made anew in each execution is another object, and looks the same.
            after = {item.name for item in left_over(between, self._look()) if item.looks_changed}
            self.warnings.extend(
                Warned("leaked-state", f"{item}, and so on: {_FRESH}")
                for item in first
                if item.looks_changed and item.name in after
            )
        return ()

    def causes(self, choices: Sequence[int], leftovers: Sequence[Leftover] = ()) -> tuple[str, ...]:
        """Say what the likely causes are, by running an execution once more and watching it."""
        before = self._look()
        calls = list(_suspects(self.session, choices))
        leftovers = leftovers or list(left_over(before, self._look()))
        counted = [item for item in leftovers if item.is_counted]
        causes = [f"{item}: {_FRESH}" for item in counted or leftovers]
        causes += [
            f"{name} was {shown(old)} before and is {shown(now)} now"
            for name, old, now in self._surroundings.changed()
            if name not in ("the __main__ module", "sys.argv", "sys.path")
        ]
        causes = [*causes[:_MANY], *calls[:_MANY]]
        return tuple(f"likely cause: {cause}" for cause in causes) or (_NO_CAUSE,)


def run_again(session: Session, choices: Sequence[int]) -> Execution:
    """Run an execution again, exactly as it was run before: without recording."""
    strategy = Replay(choices)
    strategy.begin()
    return session.execute(strategy)


@dataclass(frozen=True, slots=True)
class Account:
    """An execution in words: its events, how it ended, and what it returned, if it did.

    `ended` is none where it ended from outside: interrupted, hung, or out of control.
    """

    events: Told
    ended: str | None
    value: Any

    @classmethod
    def of(cls, execution: Execution) -> Account:
        """Tell an execution, holding on to nothing but what it returned."""
        ending = execution.ending
        value = ending.value if isinstance(ending, Returned) else None
        return cls(execution.told(), ended_in_words(ending), value)


def difference(before: Account, again: Execution, what: str) -> str | None:
    """Say where a repetition parts from an execution; none where it does not."""
    now = Account.of(again)
    if before.ended is None:
        return None
    at = first_difference(before.events, now.events)
    if at is not None and (at < len(now.events) or now.ended is not None):
        return (
            f"{what} and its repetition, with the same choices, part at event {at + 1}: "
            f"before, {_event(before.events, at)}; now, {_event(now.events, at)}"
        )
    if at is not None or now.ended in (None, before.ended):
        return None
    if isinstance(again.ending, Returned) and are_equal(before.value, now.value):
        return None
    return (
        f"{what} and its repetition have the same {len(now.events)} events and end differently: "
        f"before, the program {before.ended}; now, it {now.ended}"
    )


def first_difference(one: Told, other: Told) -> int | None:
    """Return the number, from 0, of the first event that is not the same."""
    for index, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return index
    return None if len(one) == len(other) else min(len(one), len(other))


def _event(told: Told, at: int) -> str:
    if at >= len(told):
        return f"the execution was over after {len(told)} events"
    task, kind, target = told[at]
    return f"{task} did {kind} {target}".rstrip()


def ended_in_words(ending: Ending) -> str | None:
    """Say how an execution ended; none where it was ended from outside."""
    match ending:
        case Returned(value):
            return f"returned {_clipped(shown(value))}"
        case Raised(error, task, _):
            text = _clipped(without_addresses(message_of(error)))
            return f"raised {type(error).__name__} in {task}" + (f": {text}" if text else "")
        case Livelocked():
            return "ended in a livelock"
        case Deadlocked():
            return "ended in a deadlock"
        case StepBound():
            return "was cut at the step bound"
        case _:
            return None


def _clipped(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


# -- who asks the world ---------------------------------------------------------------------------

_CLOCK = "asks the real clock (simulated are time.time() and the other clocks of that module)"
_CHANCE = (
    "draws random numbers from the system, as uuid, secrets and SystemRandom do (the functions of "
    "the module random are repeatable)"
)
_ADDRESS = "depends on where an object lies in memory"
_SUSPECTS = {
    "datetime.now": _CLOCK,
    "datetime.utcnow": _CLOCK,
    "date.today": _CLOCK,
    "datetime.today": _CLOCK,
    "urandom": _CHANCE,
    "getrandom": _CHANCE,
    "id": _ADDRESS,
    "hash": _ADDRESS,
}


def _suspects(session: Session, choices: Sequence[int]) -> Iterator[str]:
    """Yield calls of an execution whose results no schedule decides, with their lines."""
    if sys.getprofile() is not None or sys.gettrace() is not None:
        return  # somebody else watches
    found: dict[str, None] = {}

    def watch(frame: FrameType, event: str, function: Any) -> None:
        if event != "c_call":
            return
        name = getattr(function, "__qualname__", None)
        why = _SUSPECTS.get(name) if isinstance(name, str) else None
        if why is None or (why is _ADDRESS and in_stdlib(frame.f_code.co_filename)):
            return
        place = user_place(frame)
        if place is not None and (why is not _ADDRESS or place.file == frame.f_code.co_filename):
            found.setdefault(f"{name}() at {place} {why}")

    sys.setprofile(watch)
    try:
        run_again(session, choices)
    finally:
        sys.setprofile(None)
    yield from found
