"""Loops that only wait: a task that came round a loop, and has changed nothing, waits for others.

If a round of a loop has only read, and has left the variables of the loop as they were, then the
next round does the same until somebody changes what it has read. Leaving out such rounds leaves
out no outcome, since nobody can tell them [SPIN21]. So a task waits after one for a
change. If nobody is left who could make it, that is a livelock.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from interleave.core.context import perform
from interleave.core.dependence import READ, WRITE
from interleave.core.operation import Operation
from interleave.core.steps import Choose

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType

    from interleave.core.dependence import Footprint, Key
    from interleave.core.operation import Past
    from interleave.core.runtime import Runtime
    from interleave.core.task import Task

_UNBOUND = object()
_NOTHING: list[Any] = []

_LONGEST_REST = 7
"""So many rounds are not looked at, at most: a loop that waits in the end is known soon after."""

_OPTIMIZED = 0x1  # of a code object's flags: a function, whose variables are no dictionary


class Loop:
    """A loop of the program, as its bytecode tells it.

    `stored` names the variables of its function that a round may store or delete: all others are
    the same in every round.
    """

    __slots__ = ("stored",)

    def __init__(self, stored: tuple[str, ...]) -> None:
        self.stored = stored


class Lap:
    """What is known of a task's last arrival at the head of a loop.

    `start` is the index of its next event, `unseen` its count of what makes no event. `frame`
    is an `id`: since each way into a loop sets it anew, it can only be that of a live frame.
    `values` are those of the variables that the loop stores; none if nobody has looked. Where a
    loop goes on by its variables (`i += 1`), some rounds are not looked at: `rest` so many.
    """

    __slots__ = ("frame", "moves", "passed", "rest", "start", "unseen", "values")

    frame: int
    start: int
    unseen: int
    values: list[Any] | None
    passed: bool  # whether it was let go although nothing had changed
    rest: int
    moves: int  # how often its variables had changed when it was looked at


class Spin(Operation):
    """Wait, after a round that has changed nothing, for a change of what it has read.

    `since` tells for each location which event read it first in that round.
    """

    __slots__ = ("_upto", "certain", "changed", "passed", "round", "since", "start", "unseen")
    kind = "spin"
    guarded = True
    neutral = True
    tells = False

    def __init__(self, task: Task, start: int, events: list[tuple[int, Operation]]) -> None:
        self.target = None
        self.task = task
        self.start = start
        self.unseen = task.unseen
        self.round = [op for _, op in events]
        self.since: dict[Key, int] = {}
        for index, op in events:
            for key, mode in _touched(task.runtime, index, op):
                if mode == READ:  # else it is gone
                    self.since.setdefault(key, index)
        self._upto = min(self.since.values(), default=start) + 1
        self.changed = False
        self.passed = False  # it may go once more, to see that it does come round again
        self.certain = False  # it has gone once more, and has come round again

    def enabled(self) -> bool:
        return self.passed or self.has_changed()

    def has_changed(self) -> bool:
        """Whether another task has changed, by now, what the round has read."""
        if self.changed:
            return True
        task, since = self.task, self.since
        runtime = task.runtime
        events = runtime.events
        count = len(events)
        for index in range(self._upto, count):
            op = events[index]
            if op.task is not task:
                for key, mode in _touched(runtime, index, op):
                    if mode != READ and since.get(key, count) < index:
                        self.changed = True
                        return True
        self._upto = count
        return False

    def enabled_in(self, past: Past) -> bool:
        return any(past.changed(key, index) for key, index in self.since.items())

    def footprint(self) -> Footprint:
        return tuple((key, READ) for key in self.since)

    def wrote(self) -> bool:
        return False

    def waits_for(self) -> str:
        names = ", ".join(dict.fromkeys(name for op in self.round for name in _names(op)))
        return f"a change of {names or 'nothing at all'}, going round in a loop"

    def describe(self) -> str:
        return "go on with its loop"


def _touched(runtime: Runtime, index: int, op: Operation) -> Iterable[tuple[Key, int]]:
    """What an event touched, with what code of the program did inside it."""
    inside = runtime.inside.get(index)
    if inside is None:
        return op.footprint()
    return [touch for each in (op, *inside) for touch in each.footprint()]


def _names(op: Operation) -> list[str]:
    accesses = getattr(op, "accesses", None)
    if accesses is not None:
        return [location.name for location, _ in accesses()]
    if op.target is None or not op.footprint():
        return []
    item = getattr(op, "condition", None) or op.target
    return [item.name]


def entered(runtime: Runtime, loop: Loop, frame: FrameType) -> None:
    """The current task has come to the head of a loop from before it."""
    task = runtime.current
    lap = task.laps.get(loop)
    if lap is None:
        lap = task.laps[loop] = Lap()
    lap.frame = id(frame)
    lap.start = len(runtime.events)
    lap.unseen = task.unseen
    # What the first round reads may join the event before the loop: then it is not judged.
    lap.values = None
    if not runtime.joinable:
        lap.values = values_of(loop, frame) if loop.stored else _NOTHING
    lap.passed = False
    lap.rest = lap.moves = 0


def came_round(runtime: Runtime, loop: Loop, frame: FrameType) -> None:
    """The current task has come back to the head of a loop: if nothing has changed, it waits."""
    task = runtime.current
    lap = task.laps.get(loop)
    if lap is None or lap.frame != id(frame):
        # The loop was entered before there were others, or by the same function further in.
        entered(runtime, loop, frame)
        return
    if lap.rest:
        lap.rest -= 1
        lap.values = None
        return
    events = runtime.events
    start, lap.start = lap.start, len(events)
    before, lap.values = lap.values, None
    passed, lap.passed = lap.passed, False
    if lap.unseen != task.unseen:
        lap.unseen = task.unseen
        return
    seen = _looks_since(runtime, task, start)
    if seen is None:
        return
    lap.values = values_of(loop, frame) if loop.stored else _NOTHING
    if before is None:
        return
    if not _same(before, lap.values):
        lap.rest = lap.moves = min(2 * lap.moves + 1, _LONGEST_REST)
        return
    spin = Spin(task, start, seen)
    moved = any(op.timeout is not None and op.expired for op in spin.round)
    if moved and not runtime.free_time:
        # Its sleeps move the clock of all: they are left out only if nothing else is going on.
        task.polling = spin
        return
    if passed and not spin.has_changed():
        spin.certain = True
        runtime.let_go.pop(task, None)
    runtime.following = True
    runtime.slept = runtime.slept or moved
    perform(spin)
    lap.start = len(events)
    lap.passed = not spin.has_changed()


def _looks_since(runtime: Runtime, task: Task, start: int) -> list[tuple[int, Operation]] | None:
    """Return the task's reads from an event on, if it has done nothing else; else none.

    To take a lock and give it back is nothing, if nobody has looked at the lock in between.
    """
    events = runtime.events
    found = []
    held: dict[Key, Operation] = {}  # from behind: the locks that are given back later
    for index in range(len(events) - 1, start - 1, -1):
        op = events[index]
        if op.task is not task:
            if held and any(key in held for key, _ in _touched(runtime, index, op)):
                return None
            continue
        if type(op) is Choose:
            return None
        touched = _touched(runtime, index, op)
        if all(mode == READ for _, mode in touched) or (
            op.is_gone() and index not in runtime.inside
        ):
            found.append((index, op))
            continue
        key = op.target.key if op.target is not None else None
        if op.gives and key not in held and tuple(touched) == ((key, WRITE),):
            held[key] = op  # type: ignore[index]  # what takes or gives has an object
        elif not op.takes or held.pop(key, None) is None:  # type: ignore[arg-type]  # likewise
            return None
    found.reverse()
    return None if held else found


def only_polling(runtime: Runtime) -> list[Spin]:
    """Return the loops of those who sleep, if nothing is left but to go round in them.

    To be asked where nobody can go on before the clock of all moves. It is so if the clock has
    moved before, and since then each of those whose time will pass has made a whole round that
    changed nothing, and nobody has done anything else. (What lies between two moves is the same
    in all equivalent executions; what lies within a round is not.)
    """
    sleepers = [task for task in runtime.live if task.pending.timeout is not None]
    polls = [task.polling for task in sleepers if task.polling is not None]
    known = sum(poll.unseen == poll.task.unseen for poll in polls)
    if not polls or known < len(sleepers):
        return []
    events = runtime.events
    first = min(_event_before(poll) for poll in polls)
    moved = max((index for index, _ in runtime.moves if index <= first), default=0)
    read: set[Key] = set()
    locks: set[Key] = set()
    for index in range(moved, len(events)):
        op = events[index]
        mine = type(op) is Spin or op.task in sleepers
        if not mine or type(op) is Choose:
            return []
        for key, mode in _touched(runtime, index, op):
            if mode == READ:
                read.add(key)
            elif op.takes or op.gives:
                locks.add(key)
            elif not op.is_gone():
                return []
    return [] if read & locks else polls


def _event_before(poll: Spin) -> int:
    """Return the task's last event before a round began."""
    events = poll.task.runtime.events
    index = poll.start - 1
    while index >= 0 and events[index].task is not poll.task:
        index -= 1
    return index


# -- variables ------------------------------------------------------------------------------------


def values_of(loop: Loop, frame: FrameType) -> list[Any]:
    """Return what the variables hold that a loop stores."""
    names = frame.f_locals
    values = [names.get(name, _UNBOUND) for name in loop.stored]
    if sys.version_info < (3, 13) and frame.f_code.co_flags & _OPTIMIZED:
        # The frame keeps the dictionary that was asked for: what is in it would live longer.
        names.clear()
    return values


def _same(one: list[Any], other: list[Any]) -> bool:
    return all(map(_equal, one, other))


def _equal(one: Any, other: Any) -> bool:
    """Whether two values are the same to everybody, without calling code of the program."""
    if one is other:
        return True
    cls = type(one)
    if cls is not type(other):
        return False
    if cls is int or cls is str or cls is bytes:
        return bool(one == other)
    if cls is float or cls is complex:
        return repr(one) == repr(other)  # 0.0 is not -0.0
    if cls is tuple:
        return len(one) == len(other) and all(map(_equal, one, other))
    return False
