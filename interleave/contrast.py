"""The contrast to a failure: the nearest execution that passes, and which pair of events decides.

The failing execution is run again with one pair of events the other way round: the first of the two
is held back until the other has happened, and all else keeps its order as far as it can. What runs
is always a real execution, so whatever is said of it was seen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interleave.core.outcome import Deadlocked, Hung, Interrupted, Returned
from interleave.core.outcomes import shown
from interleave.core.trace import Event, Origin, Touch
from interleave.errors import UsageError
from interleave.exploration import Witness
from interleave.judging import evaluate
from interleave.session import resting_collector
from interleave.strategies.replay import Replay

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from interleave.core.execution import Execution
    from interleave.core.operation import Operation
    from interleave.core.strategy import TaskView
    from interleave.session import Session

BUDGET = 64
"""How many executions the search may run."""

LONGEST = 400
"""A failing execution with more events than this has no contrast looked for."""

_LONGER, _ROOM = 4, 100
"""What is tried is near the failing execution: it has so many times its events, and more, or is
cut."""

_Relation = Callable[[tuple[Event, ...]], list[tuple[int, int]]]

_Change = tuple[int, int | None]
"""An event to hold back, and until which event; none: for as long as any other task can go on."""

_Plan = tuple[tuple[str, ...], str | None]

_STRUCTURE = ("begin", "start", "end", "join", "exit")
"""Kinds whose order the program itself fixes: nothing is held back for them."""


@dataclass(frozen=True, slots=True)
class Contrast:
    """A pair of events in the order of the failure, and an execution that passes without it.

    `at` are their indices in the failure, what its tasks wait for at the end counted behind its
    events. If not `happened`, the failure came before `second` could: its task waits for it for
    ever, or had not come to it (then it has no index, and is an event of the passing execution).
    `text` is the outcome that it has, `tried` counts the executions that were run to find it.
    `matched` says which of its events are events of the failure, by index; `changed` which pairs
    of the failure's events, that depend on each other, happen there the other way round.
    """

    first: Event
    second: Event
    at: tuple[int, int | None]
    happened: bool
    witness: Witness
    text: str
    events: tuple[Event, ...]
    tried: int
    changed: tuple[tuple[int, int], ...] = ()
    matched: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class NoContrast:
    """No execution that passes was found near the failure; `tried` were run.

    `complete` says that every pair of events was tried and the budget did not end the search.
    """

    tried: int
    complete: bool


def contrast_to(session: Session, choices: Sequence[int]) -> Contrast | NoContrast | None:
    """Find the nearest passing execution; none if the failure is too long to look for one.

    The search goes breadth first: the pairs of the failing execution, then those of what came
    out, until a round has found something that passes, or the budget is spent. It is deterministic.
    """
    noted = _Noting(Replay(choices), session)
    with resting_collector():
        failing = session.execute(noted, recording=True)
        if failing.steps > LONGEST:
            return None
        runtime = session.runtime
        most = runtime.max_steps
        if not runtime.interrupted:
            runtime.max_steps = min(most, _LONGER * failing.steps + _ROOM)
        try:
            return _Search(session, failing, noted.values).run()
        finally:
            if not runtime.interrupted:
                runtime.max_steps = most


class _Search:
    """Executions near a failing one, nearest first."""

    def __init__(self, session: Session, failing: Execution, values: dict[str, list[int]]) -> None:
        self.session = session
        self.events = told_of(failing)
        self.executed = len(failing.history)
        self.values = values
        self.seen = {_road(failing)}
        self.planned: set[_Plan] = set()
        self.tried = 0
        # What happens between two synchronisation operations was not looked at: should their order
        # not explain the failure, any two events of different tasks may hide what does.
        self.blind = session.settings.granularity == "sync"
        self.related: _Relation = _depending
        self._related_pairs: tuple[_Relation, list[tuple[int, int]]] | None = None

    def run(self) -> Contrast | NoContrast:
        """Search with the events that are known to depend on each other, then with any."""
        found = self._rounds()
        if self.blind and isinstance(found, NoContrast) and found.complete:
            self.related = _any_two
            found = self._rounds()
        return found

    def _rounds(self) -> Contrast | NoContrast:
        """Search round by round."""
        generation: list[_Plan | None] = [None]  # nothing changed: the failing execution itself
        while generation:
            found: list[Contrast] = []
            following: list[_Plan | None] = []
            for near in generation:
                events = self.events if near is None else told_of(self._run(near, recording=True))
                for change in self._changes(events):
                    if self.tried == BUDGET:
                        return self._nearest(found) or NoContrast(self.tried, complete=False)
                    plan = self._plan(events, change)
                    if plan in self.planned:
                        continue
                    self.planned.add(plan)
                    self.tried += 1
                    execution = self._run(plan)
                    if isinstance(execution.ending, Hung | Interrupted):
                        return self._nearest(found) or NoContrast(self.tried, complete=False)
                    road = _road(execution)
                    if road in self.seen:
                        continue
                    self.seen.add(road)
                    text = self._passes(execution)
                    if text is None:
                        following.append(plan)
                        continue
                    # To record what happens takes longer than to run it, and few are told of.
                    told = self._run(plan, recording=True)
                    contrast = self._contrast(told, text, events, change)
                    if contrast is not None:
                        found.append(contrast)
            if found:
                return self._nearest(found) or NoContrast(self.tried, complete=True)
            generation = following
        return NoContrast(self.tried, complete=True)

    def _nearest(self, found: list[Contrast]) -> Contrast | None:
        def distance(item: Contrast) -> tuple[bool, int, int, int]:
            first, second = item.at
            if second is None:
                return True, 0, -len(item.matched), 0
            return False, len(item.changed), -len(item.matched), second - first

        return min(found, key=distance, default=None)

    def _changes(self, events: tuple[Event, ...]) -> Iterator[_Change]:
        """Yield what to do otherwise: hold an event back until another one, or till last."""
        yield from self.related(events)
        if not self.blind or self.related is _any_two:
            for at in range(len(events) - 1, 0, -1):
                event = events[at]
                if event.touches and event.kind not in _STRUCTURE:
                    yield at, None

    def _plan(self, events: tuple[Event, ...], change: _Change) -> _Plan:
        """Say in which order the tasks are to take turns, and which one only if no other can."""
        first, second = change
        held = events[first].task
        if second is None:
            others = (event.task for event in events[first:] if event.task != held)
            return (*(event.task for event in events[:first]), *others), held
        until = events[second].task
        after = _after(events, first, second)
        early = [
            at
            for at in range(first + 1, second + 1)
            if events[at].task == until or (events[at].task != held and at not in after)
        ]
        rest = [at for at in range(first, len(events)) if at not in set(early)]
        return tuple(events[at].task for at in (*range(first), *early, *rest)), None

    def _run(self, plan: _Plan, *, recording: bool = False) -> Execution:
        road, last = plan
        following = _Following(road, self.values, self.session, last)
        return self.session.execute(following, recording=recording)

    def _passes(self, execution: Execution) -> str | None:
        """Return the outcome of an execution that passes, as text."""
        ending = execution.ending
        if not isinstance(ending, Returned):
            return None
        settings = self.session.settings
        value = execution.output if settings.observe == "output" else ending.value
        if settings.expect is not None:
            code = compile(settings.expect, "<expect>", "eval")
            try:
                if not evaluate(code, value, "expect"):
                    return None
            except UsageError:  # the expression itself fails here
                return None
        return shown(value)

    def _contrast(
        self, execution: Execution, text: str, events: tuple[Event, ...], change: _Change
    ) -> Contrast | None:
        now = tuple(execution.history)
        matched = _matched(self.events, now)
        changed = [
            (one, other)
            for one, other in self._own_pairs()
            if one in matched and other in matched and matched[one] > matched[other]
        ]
        found: tuple[Event, Event, tuple[int, int | None], bool] | None
        if changed:
            pair = change if events is self.events and change in changed else changed[0]
            first, second = pair[0], pair[1]
            assert second is not None
            happened = second < self.executed
            found = self.events[first], self.events[second], (first, second), happened
        else:
            found = self._new_before(now, matched)
        if found is None:
            return None
        return Contrast(
            *found,
            witness=Witness.of(execution, 0),
            text=text,
            events=now,
            tried=self.tried,
            changed=tuple(changed),
            matched=tuple(sorted(matched.items())),
        )

    def _own_pairs(self) -> list[tuple[int, int]]:
        """Return the related pairs of the failing execution, in order."""
        if self._related_pairs is None or self._related_pairs[0] is not self.related:
            self._related_pairs = self.related, sorted(self.related(self.events))
        return self._related_pairs[1]

    def _new_before(
        self, now: tuple[Event, ...], matched: dict[int, int]
    ) -> tuple[Event, Event, tuple[int, int | None], bool] | None:
        """Return an event of the failure, and one it depends on that only now comes before it."""
        known = set(matched.values())
        for at in sorted(matched, reverse=True):
            for other in range(matched[at] - 1, -1, -1):
                new = now[other]
                if (
                    other not in known
                    and new.kind not in _STRUCTURE
                    and new.task != self.events[at].task
                    and depend(new, now[matched[at]])
                ):
                    return self.events[at], new, (at, None), False
        return None


def told_of(execution: Execution) -> tuple[Event, ...]:
    """Return the events, and behind them what the tasks of a deadlock wait for."""
    waiting: list[Event] = []
    if isinstance(execution.ending, Deadlocked):
        for item in execution.ending.waiting:
            operation: Operation = item.operation
            place = execution.places.get(id(operation))
            touches = tuple(
                Touch(
                    target.name,
                    writes=True,
                    origin=Origin(target.site, made=True) if target.site else None,
                )
                for target in (operation.target, getattr(operation, "condition", None))
                if target is not None
            )
            waiting.append(
                Event(
                    item.task,
                    operation.describe(),
                    place,
                    preempted=False,
                    kind=operation.kind,
                    touches=touches,
                    holds=_held_by(item.task, execution.history),
                )
            )
    return (*execution.history, *waiting)


def _held_by(task: str, history: list[Event]) -> tuple[str, ...]:
    return next((event.holds for event in reversed(history) if event.task == task), ())


def _road(execution: Execution) -> tuple[int, tuple[int, ...]]:
    return execution.digest(), tuple(execution.choices)


# -- which events depend on each other ----------------------------------------------------------


def depend(one: Event, other: Event) -> bool:
    """Whether two events touch the same thing and one of them changes it."""
    return any(
        mine.name == theirs.name and (mine.writes or theirs.writes)
        for mine in one.touches
        for theirs in other.touches
    )


def _depending(events: tuple[Event, ...]) -> list[tuple[int, int]]:
    """Return the pairs of events of two tasks that depend on each other, nearest first."""
    by_name: dict[str, list[int]] = {}
    for at, event in enumerate(events):
        if event.kind not in _STRUCTURE:
            for name in {touch.name: None for touch in event.touches}:
                by_name.setdefault(name, []).append(at)
    found = {
        (first, second)
        for places in by_name.values()
        for at, second in enumerate(places)
        for first in places[:at]
        if events[first].task != events[second].task and depend(events[first], events[second])
    }
    return sorted(found, key=_nearness)


def _any_two(events: tuple[Event, ...]) -> list[tuple[int, int]]:
    """Return all pairs of events of two tasks that may have another order, nearest first."""
    free = [
        at
        for at, event in enumerate(events)
        if event.kind not in _STRUCTURE or (event.kind == "begin" and event.task != "main")
    ]
    found = [
        (first, second)
        for second in free
        for first in free
        if first < second and events[first].task != events[second].task
    ]
    return sorted(found, key=_nearness)


def _nearness(pair: tuple[int, int]) -> tuple[int, int]:
    """The less is between two events the less changes; and what is near the failure comes first."""
    return pair[1] - pair[0], -pair[1]


def _after(events: tuple[Event, ...], first: int, last: int) -> set[int]:
    """Return which events up to a last one happen because of the first, or may."""
    after = {first}
    tasks = {events[first].task}
    touched: dict[str, bool] = {}  # by name, whether it was written
    for at in range(first, last + 1):
        event = events[at]
        if (
            at == first
            or event.task in tasks
            or any(
                touch.name in touched and (touch.writes or touched[touch.name])
                for touch in event.touches
            )
        ):
            after.add(at)
            tasks.add(event.task)
            for touch in event.touches:
                touched[touch.name] = touched.get(touch.name, False) or touch.writes
    return after


def _matched(before: tuple[Event, ...], now: tuple[Event, ...]) -> dict[int, int]:
    """Return which event of one execution is which of another, by index.

    The events of a task are matched in order, as long as they are of the same kind on the same
    line. (Not by the name of what they touch: that may depend on who came first.)
    """
    theirs: dict[str, list[int]] = {}
    for at, event in enumerate(now):
        theirs.setdefault(event.task, []).append(at)
    matched: dict[int, int] = {}
    counts: dict[str, int] = {}
    for at, event in enumerate(before):
        nth = counts.get(event.task, 0)
        line = theirs.get(event.task, [])
        if nth < len(line):
            other = now[line[nth]]
            if (other.kind, other.place) == (event.kind, event.place):
                matched[at] = line[nth]
                counts[event.task] = nth + 1
                continue
        counts[event.task] = len(before)  # from here on the task does something else
    return matched


# -- strategies ---------------------------------------------------------------------------------


class _Noting:
    """Repeats an execution, and keeps the values that each task chose."""

    bounded: str | None = None
    noting = False
    events: Sequence[Operation] = ()

    def __init__(self, inner: Replay, session: Session) -> None:
        self.inner = inner
        self.runtime = session.runtime
        self.values: dict[str, list[int]] = {}
        inner.begin()

    def begin(self) -> bool:
        """Run once."""
        return True

    def choose(self, options: Sequence[TaskView], stays: int) -> int:
        """Do as the schedule says."""
        return self.inner.choose(options, stays)

    def choose_value(self, count: int) -> int:
        """Do as the schedule says, and note it."""
        value = self.inner.choose_value(count)
        self.values.setdefault(self.runtime.current.id, []).append(value)
        return value

    def end(self, execution: Execution) -> bool:
        """Nothing to learn."""
        return False


class _Following:
    """Lets the tasks take turns in a given order, as far as they can."""

    bounded: str | None = None
    noting = False
    events: Sequence[Operation] = ()

    def __init__(
        self,
        road: tuple[str, ...],
        values: dict[str, list[int]],
        session: Session,
        last: str | None = None,
    ) -> None:
        self._last = last
        self.runtime = session.runtime
        self._turns: dict[str, deque[int]] = {}
        for at, task in enumerate(road):
            self._turns.setdefault(task, deque()).append(at)
        self._never = len(road)
        self._values = {task: deque(chosen) for task, chosen in values.items()}
        self._at = 0

    def begin(self) -> bool:
        """Run once."""
        return True

    def choose(self, options: Sequence[TaskView], stays: int) -> int:
        """Return the task whose next turn is the earliest."""
        for event in self.events[self._at :]:
            turns = self._turns.get(event.task.id)
            if turns:
                turns.popleft()
        self._at = len(self.events)
        names = [option.id for option in options]
        if stays:
            current = self.runtime.current.id
            names.remove(current)
            names.insert(0, current)
        return min(range(len(names)), key=lambda index: self._turn(names[index]))

    def _turn(self, task: str) -> int:
        turns = self._turns.get(task)
        if turns:
            return turns[0]
        return self._never + (task == self._last)

    def choose_value(self, count: int) -> int:
        """Return the value that the task chose in the failure."""
        chosen = self._values.get(self.runtime.current.id)
        value = chosen.popleft() if chosen else 0
        return value if value < count else 0

    def end(self, execution: Execution) -> bool:
        """Nothing to learn."""
        return False
