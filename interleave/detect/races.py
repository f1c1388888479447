"""Data races: two plain accesses of one variable that no synchronisation orders, one a write.

Vector clocks run over the events of each execution [FastTrack09]: synchronisation alone moves them
(`detect.synchronisation`), and an access is compared with those before it of the same variable. So
a race is found in whatever order the two accesses came, and whether or not anything went wrong. Of
an execution only those events are looked at that it does not share with the one before.

A variable is an attribute, a global, a variable of an enclosing function, or the item of a
container under one key or index. A container as a whole is none: `append`, `len` or a sort is one
step in CPython, with the GIL and without, and programs count on that. So is a method of a
dictionary that is given a key, such as `setdefault`: two of these on one key do not race with each
other, but each does with `d[key] = value`.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from interleave.core.steps import Choose
from interleave.core.trace import Place
from interleave.detect.synchronisation import row_of
from interleave.primitives.accesses import (
    Access,
    Compound,
    Keyed,
    KeyedCall,
    Read,
    ReadAt,
    Write,
    WriteAt,
)
from interleave.primitives.memory import STATE, VALUE, WHOLE, Part

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

    from interleave.core.dependence import Key
    from interleave.core.execution import Execution
    from interleave.core.operation import Operation
    from interleave.detect.synchronisation import Channel, Edges, Row
    from interleave.primitives.memory import Location

WRITES, BY_CALL = 1, 2
"""How a variable is accessed, as flags: it is changed; by a method that is one step in CPython."""

_Mine = tuple[int, int, int]
"""An access: the number of its task, that of its place in the source, and how."""

_Clock = list[int]
"""By task: how many times it had given to a channel, plus one, as far as is known."""

_task_number = attrgetter("task.number")  # of an event

_Undo = tuple[dict[Any, Any], Any, Any]
_NONE: Any = object()


@dataclass(frozen=True, slots=True)
class Race:
    """Two accesses of the variable with this name, and where an execution shows them.

    `what` is the name without what tells apart the objects of a class and the items of a container:
    that may depend on the interleaving, and a mistake in two lines is one race, on however many
    objects. `first` and `second` are the indexes of the two events, as they came, and `writes` says
    which of these two change the variable. The order of the `places` says nothing.
    """

    name: str
    what: str
    places: tuple[Place | None, Place | None]
    first: int
    second: int
    writes: tuple[bool, bool]

    @property
    def spots(self) -> tuple[str, str]:
        """The two places as text, the same in whatever order the race was found."""
        one, other = (f"{place.file}:{place.line:06}" if place else "" for place in self.places)
        return (one, other) if one <= other else (other, one)


class _Variable:
    """The accesses of one variable so far, each with the index of its last event."""

    __slots__ = ("accesses", "known", "what")

    def __init__(self) -> None:
        self.accesses: dict[_Mine, int] = {}
        self.what: str | None = None  # made up when somebody asks
        self.known: set[tuple[int, int]] = set()  # the places of the races that were found on it


class DataRaces:
    """Looks for races in one execution after the other, and tells each pair of places once."""

    def __init__(self) -> None:
        self._known: dict[str, set[tuple[int, int]]] = {}
        self._sites: dict[tuple[int, int], int] = {}
        self._codes: list[CodeType] = []  # kept alive, so that an `id` is never reused
        self._lines: dict[tuple[str, int], int] = {}
        self._places: list[Place | None] = [None, None]  # 1: unknown; 0 is no number of a place
        self._rows: dict[type[Operation], Row | None] = {}
        self._width = 0
        self._clear()

    def _clear(self) -> None:
        """Forget the events of the last execution."""
        self._tasks: list[int] = []
        self._segments: list[int] = []  # of each event: the own entry of its task's clock
        self._undo: list[Any] = []  # of each event: one step, several, or none
        self._chosen: list[tuple[int, int]] = []  # the events that chose a value, and which
        self._clocks: dict[int, _Clock] = {}
        self._channels: dict[Channel, _Clock] = {}
        self._variables: dict[Any, _Variable] = {}

    def take(self, execution: Execution) -> list[Race]:
        """Look at an execution; return the races that were in none before."""
        if execution.known_tasks > self._width:
            self._width = execution.known_tasks
            self._clear()
        events = execution.events
        tasks = list(map(_task_number, events))
        start = self._shared(tasks, events)
        if start < len(self._undo):
            self._cut(start)
        self._tasks = tasks
        self._found: list[Race] = []
        segments, undo, rows = self._segments, self._undo, self._rows
        clocks, variables = self._clocks, self._variables
        for index in range(start, len(events)):
            op: Any = events[index]
            kind = type(op)
            if kind is not Read and kind is not Write:
                try:
                    row = rows[kind]
                except KeyError:
                    row = rows[kind] = row_of(kind)
                if row is not None:
                    self._synchronise(row(op), index)
                elif isinstance(op, Access):
                    self._accesses(op, index)
                else:
                    if kind is Choose:
                        self._chosen.append((index, op.value))
                    segments.append(0)  # of accesses alone anybody asks
                    undo.append(None)
                continue
            # By far the most frequent; `_compare` in line, for speed.
            task = tasks[index]
            clock = clocks[task]
            segment = clock[task]
            segments.append(segment)
            location = op.target
            part = location.part
            if part is WHOLE or part is STATE:
                undo.append(None)
                continue
            variable = variables.get(location.key)
            if variable is None:
                undo.append(
                    self._compare(
                        op, index, location.key, location, WRITES if kind is Write else 0, []
                    )
                )
                continue
            site = self._sites.get((id(op.code), op.at)) or self._site(op)
            mine = task, site, 1 if kind is Write else 0
            accesses = variable.accesses
            before = accesses.get(mine, -1)
            if before >= 0 and segments[before] == segment:
                undo.append(None)
                continue
            how = mine[2]
            for (rival, place, other), event in accesses.items():
                if rival != task and (how | other) & WRITES and segments[event] > clock[rival]:
                    pair = (place, site) if place < site else (site, place)
                    if pair not in variable.known:
                        writes = other & WRITES > 0, how > 0
                        self._tell(variable, location, location.key, pair, event, index, writes)
            undo.append((accesses, mine, _NONE if before < 0 else before))
            accesses[mine] = index
        return self._found

    # -- what is shared with the execution before -------------------------------------------------

    def _shared(self, tasks: list[int], events: list[Operation]) -> int:
        """Return how many events are those of the last execution.

        The same tasks went on, and the same values were chosen: nothing else decides.
        """
        before = self._tasks
        least, most = 0, min(len(tasks), len(before))
        while least < most:
            middle = (least + most + 1) // 2
            if tasks[least:middle] == before[least:middle]:
                least = middle
            else:
                most = middle - 1
        for index, value in self._chosen:
            if index >= least:
                break
            chosen = events[index]
            if type(chosen) is not Choose or chosen.value != value:
                return index
        return least

    def _cut(self, at: int) -> None:
        """Forget the events from this one on."""
        undo = self._undo
        while len(undo) > at:
            steps = undo.pop()
            if steps is None:
                continue
            for table, key, old in reversed(steps) if type(steps) is list else (steps,):
                if old is _NONE:
                    del table[key]
                else:
                    table[key] = old
        del self._segments[at:]
        while self._chosen and self._chosen[-1][0] >= at:
            self._chosen.pop()

    # -- synchronisation --------------------------------------------------------------------------

    def _synchronise(self, edges: Edges, index: int) -> None:
        """Let a task know what it got to know, and tell what it let others know."""
        clears, takes, gives = edges
        task = self._tasks[index]
        clocks, channels = self._clocks, self._channels
        before: Any = clocks.get(task, _NONE)
        if before is _NONE:  # its first event
            clock = clocks[task] = [0] * self._width
            clock[task] = 1
        else:
            clock = before
        steps: list[_Undo] = []
        for channel in clears:
            given = channels.pop(channel, None)
            if given is not None:
                steps.append((channels, channel, given))
        for channel in takes:
            given = channels.get(channel)
            if given is not None:
                clock = list(map(max, clock, given))
        if gives:
            for channel in gives:
                given = channels.get(channel)
                if given is None:
                    steps.append((channels, channel, _NONE))
                    channels[channel] = clock
                else:
                    steps.append((channels, channel, given))
                    channels[channel] = list(map(max, clock, given))
            clock = clock.copy()
            clock[task] += 1
        if clock is not before:
            steps.append((clocks, task, before))
            clocks[task] = clock
        self._segments.append(0)
        self._undo.append(steps or None)

    # -- accesses ---------------------------------------------------------------------------------

    def _accesses(self, op: Access, index: int) -> None:
        """Take all variables that an event touches."""
        task = self._tasks[index]
        self._segments.append(self._clocks[task][task])
        steps: list[_Undo] = []
        for key, location, how in variables_of(op):
            self._compare(op, index, key, location, how, steps)
        self._undo.append(steps or None)

    def _compare(  # noqa: PLR0917 - what an access is
        self, op: Any, index: int, key: Any, location: Location, how: int, steps: list[_Undo]
    ) -> list[_Undo]:
        """Compare an access with those before it; return the steps that undo what this changes."""
        variable = self._variables.get(key)
        if variable is None:
            variable = self._variables[key] = _Variable()
            steps.append((self._variables, key, _NONE))
        site = self._sites.get((id(op.code), op.at)) or self._site(op)
        task = self._tasks[index]
        clock = self._clocks[task]
        accesses = variable.accesses
        mine = task, site, how
        segments = self._segments
        before = accesses.get(mine, -1)
        if before >= 0 and segments[before] == clock[task]:
            return steps  # nothing has come to be known since, and who came in between has looked
        for (rival, place, other), event in accesses.items():
            if (
                rival != task
                and (how | other) & WRITES
                and not how & other & BY_CALL
                and segments[event] > clock[rival]
            ):
                pair = (place, site) if place < site else (site, place)
                if pair not in variable.known:
                    writes = other & WRITES > 0, how & WRITES > 0
                    self._tell(variable, location, key, pair, event, index, writes)
        steps.append((accesses, mine, _NONE if before < 0 else before))
        accesses[mine] = index
        return steps

    def _tell(  # noqa: PLR0917 - what a race is
        self,
        variable: _Variable,
        location: Location,
        key: Any,
        pair: tuple[int, int],
        first: int,
        second: int,
        writes: tuple[bool, bool],
    ) -> None:
        """Tell a race, unless another execution had it."""
        if variable.what is None:
            variable.what = _what(location)
            variable.known = self._known.setdefault(variable.what, set())
            if pair in variable.known:
                return
        variable.known.add(pair)
        name = f"{location.name}[{key[1]}]" if type(key) is tuple else location.name
        places = self._places[pair[0]], self._places[pair[1]]
        self._found.append(Race(name, variable.what, places, first, second, writes))

    def _site(self, op: Any) -> int:
        """Return the number of the source line that an access stands in."""
        code: CodeType | None = op.code
        if code is None:  # a thread whose target is a method written in C
            return 1
        at: int = op.at
        line = next(
            (line for start, end, line in code.co_lines() if start <= at < end and line),
            code.co_firstlineno,
        )
        place = Place(code.co_filename, line, code.co_name)
        site = self._lines.setdefault((place.file, place.line), len(self._places))
        if site == len(self._places):
            self._places.append(place)
        if len(self._codes) >= _MANY_SITES:  # a program whose modules are imported anew each time
            self._codes.clear()
            self._sites.clear()
        self._codes.append(code)
        self._sites[id(code), at] = site
        return site


_MANY_SITES = 10_000


def _what(location: Location) -> str:
    """Such as `Counter.value`, `variable total`, `dict[...]`."""
    holder, part = location.holder, location.part
    if part is VALUE:
        return holder.label
    return f"{holder.label}.{part}" if holder.by_attribute else f"{holder.label}[...]"


def variables_of(op: Access) -> Iterator[tuple[Key | tuple[Key, int], Location, int]]:
    """Yield the variables that an access touches: what stands for each, its location, and how."""
    if isinstance(op, ReadAt | WriteAt):
        yield (op.target.key, op.index), op.target, WRITES if op.wrote() else 0
        return
    if not isinstance(op, Compound):
        if op.target.part is not WHOLE and op.target.part is not STATE:
            yield op.target.key, op.target, WRITES if op.wrote() else 0
        return
    by_call = BY_CALL if isinstance(op, KeyedCall) else 0
    keyed = isinstance(op, Keyed)
    touched = op.accesses()
    if touched and touched[0][1] and issubclass(type(touched[0][0].holder.item), type):
        # Storing to a class changes what its instances show, but nothing that is theirs.
        touched = touched[:1]
    for location, writes in touched:
        part, holder = location.part, location.holder
        if part is not VALUE and (isinstance(part, Part) or not (holder.by_attribute or keyed)):
            continue  # a set of keys, or all of a container
        yield (
            location.key,
            location,
            by_call * (not holder.by_attribute) | (WRITES if writes else 0),
        )
