"""The recorder tells one execution for people: events with places, values, locks and reasons.

It is asked in an execution that is run once more to be explained, and in no other.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from interleave.core.told import attributes, told
from interleave.core.trace import Event, Origin, Place, Switch, Touch, place_of, user_frame

if TYPE_CHECKING:
    from types import FrameType

    from interleave.core.operation import Operation, SimObject
    from interleave.core.task import Task

_OPTIMIZED = 0x1  # of a code object's flags: a function, whose variables are no dictionary
_COMPREHENSIONS = frozenset(("<dictcomp>", "<listcomp>", "<setcomp>"))  # functions until 3.11
_SNAPSHOTS = frozenset(("dir", "eval", "exec", "f_locals", "locals", "vars"))


class Recorder:
    """What was told of an execution so far."""

    def __init__(self) -> None:
        self.history: list[Event] = []
        self.places: dict[int, Place | None] = {}  # by the `id` of an operation, which is kept
        self.stacks: dict[int, tuple[Place, ...]] = {}  # likewise
        self._wants: dict[int, tuple[bool, str]] = {}  # likewise: whether it waits, and for what
        self._locks: dict[int, Any] = {}
        self._last: Task | None = None
        self._unsettled: Operation | None = None
        self._lasting: dict[str, int] = {}
        self._own = 0  # how many of the touches of the last event are its own

    def announced(self, op: Operation, frame: FrameType) -> None:
        """A task is about to do an operation."""
        self.settle()
        self.places[id(op)] = place_of(user_frame(frame))
        if op.guarded:
            # A timed wait counts as able to go on, since its time may pass; a reader calls it
            # waiting all the same.
            waiting = op.timeout is not None and not op.enabled()
            self._wants[id(op)] = waiting, op.waits_for()

    def executed(self, op: Operation, result: Any, *, preempting: bool) -> None:
        """An operation has taken effect."""
        task = op.task
        target: Any = op.target
        if hasattr(target, "owner"):
            self._locks[id(target)] = target
        self.history.append(
            Event(
                task.id,
                _described(op, result),
                self.places.get(id(op)),
                preempting,
                op.kind,
                _touches(op),
                self._switch(task, preempting=preempting),
                tuple(lock.name for lock in self._locks.values() if lock.owner is task),
            )
        )
        self._last = task
        self._own = len(self.history[-1].touches)
        if self.history[-1].is_access and op.wrote():
            self._unsettled = op

    def joined(self, op: Operation, frame: FrameType) -> None:
        """A plain access has taken effect together with the last event."""
        self.settle()
        place = place_of(user_frame(frame))
        task = op.task.id
        part = Event(
            task, op.describe(), place, preempted=False, kind=op.kind, touches=_touches(op)
        )
        last = self.history[-1]
        self.history[-1] = self._with_inside(last, (*last.inside, part))
        if op.wrote():
            self._unsettled = op

    def _with_inside(self, event: Event, inside: tuple[Event, ...]) -> Event:
        touched = (touch for part in inside for touch in part.touches)
        return replace(event, touches=(*event.touches[: self._own], *touched), inside=inside)

    def settle(self) -> None:
        """The last access was a write, and by now it has been done: see what is there."""
        op, self._unsettled = self._unsettled, None
        if op is None:
            return
        last = self.history[-1]
        touches = _touches(op)
        if last.inside:
            part = replace(last.inside[-1], touches=touches)
            self.history[-1] = self._with_inside(last, (*last.inside[:-1], part))
        else:
            self.history[-1] = replace(last, touches=touches)

    def _switch(self, task: Task, *, preempting: bool) -> Switch | None:
        left = self._last
        if left is None or left is task:
            return None
        holds = self.history[-1].holds
        pending: Operation | None = left.pending
        if pending is None:
            return Switch(left.id, "ended", "", ())
        waiting, what = self._wants.get(id(pending), (False, ""))
        if preempting and not waiting:
            return Switch(left.id, "preempted", pending.describe(), holds)
        if what == pending.kind == "sleep":
            what = pending.describe()
        return Switch(left.id, "waits", what, holds)

    # -- where objects come from ----------------------------------------------------------------

    def made(self, item: SimObject, frame: FrameType) -> None:
        """Remember where a simulated object was made."""
        found = user_frame(frame)
        item.site = place_of(found)
        if found is not None:
            assert item.creator is not None
            item.lasting = self._by_line(item.creator, item.label, found)

    def named_by_origin(self, item: Any, label: str, task: Task, frame: FrameType) -> str | None:
        """Return a name of an object that survives most edits; none if there is no better one.

        It tells an object by the line that made it. One that is seen first when it is used is told
        by what the program calls it: the line that uses it first may well be a new one.
        """
        found, made = _maker(item, frame)
        if found is None:
            return None
        if made:
            return self._by_line(task, label, found)
        alias = _alias(item, found)
        if alias is None and found.f_code.co_name in _COMPREHENSIONS and found.f_back is not None:
            alias = _alias(item, found.f_back)
        return None if alias is None else self._counted(task, f"{label} as {alias}")

    def _by_line(self, task: Task, label: str, frame: FrameType) -> str:
        """Name an object by the source of the line that makes it, not by its number."""
        lines = []
        found: FrameType | None = frame
        while found is not None:
            place = place_of(found)
            assert place is not None
            lines.append(place.source)
            # What a constructor makes belongs to the object that is made.
            found = user_frame(found.f_back) if place.function == "__init__" else None
        return self._counted(task, f"{label} by {' < '.join(lines)}")

    def _counted(self, task: Task, name: str) -> str:
        """Tell objects apart that a task has made, or met, under the same name."""
        name = f"{task.id} {name}"
        count = self._lasting[name] = self._lasting.get(name, 0) + 1
        return f"{name} ({count})"

    def origin(self, item: Any, frame: FrameType, *, named: bool) -> Origin:
        """Return where an object of the program comes from, that is seen for the first time.

        `named` asks for what the program calls it, too.
        """
        found, made = _maker(item, frame)
        if found is None:
            return Origin(None, made=False)
        return Origin(place_of(found), made=made, alias=_alias(item, found) if named else None)


def _described(op: Operation, result: Any) -> str:
    what = op.describe()
    if op.guarded and op.timeout is not None and result is False:
        return f"{what} (timed out)"
    if isinstance(result, type) and issubclass(result, BaseException):
        return f"{what} raises {result.__name__}"
    if op.tells and result is not None and not (result is True and op.wrote()):
        return f"{what} -> {told(result)}"
    return what


def _touches(op: Operation) -> tuple[Touch, ...]:
    accesses = getattr(op, "accesses", None)
    if accesses is not None:
        touches = tuple(location.touch(writes=writes) for location, writes in accesses())
        if not op.wrote() and touches[0].value is None:
            # An attribute that the object itself does not have is read from its class.
            value = next((touch.value for touch in touches if touch.value is not None), None)
            return (replace(touches[0], value=value), *touches[1:])
        return touches
    if op.target is None:
        return ()
    try:
        writes = op.wrote()
    except AttributeError:  # it raised before it knew
        writes = True
    touched = [op.target]
    condition = getattr(op, "condition", None)
    if condition is not None and condition is not op.target:
        touched.append(condition)
    return tuple(
        Touch(item.name, writes, origin=Origin(item.site, made=True) if item.site else None)
        for item in touched
    )


# -- what the program calls its objects ---------------------------------------------------------


def _maker(item: Any, frame: FrameType) -> tuple[FrameType | None, bool]:
    """Return the frame that makes an object, if it is in its constructor, or that uses it first."""
    found = user_frame(frame)
    made = False
    while (
        found is not None
        and found.f_code.co_name == "__init__"
        and _first_argument(found) is item
        and (outer := user_frame(found.f_back)) is not None
    ):
        found, made = outer, True
    return found, made


def _first_argument(frame: FrameType) -> Any:
    code = frame.f_code
    return _variables(frame).get(code.co_varnames[0]) if code.co_argcount else None


def _alias(item: Any, frame: FrameType) -> str | None:
    """Return a variable, or an attribute of one, that holds the object where it is used."""
    variables = _variables(frame)
    for name, value in variables.items():
        if value is item and name.isidentifier():
            return name
    for name, value in variables.items():
        for attribute, held in (attributes(value) or {}).items():
            if held is item:
                return f"{type(value).__name__ if name == 'self' else name}.{attribute}"
    for name, value in frame.f_globals.items():
        if value is item:
            return name
    return None


def _variables(frame: FrameType) -> dict[str, Any]:
    """Return the variables of a function that runs; none where asking would change anything."""
    if sys.version_info >= (3, 13):
        return dict(frame.f_locals)
    # Before 3.13 a frame keeps the dictionary that was asked for. The program gets the very same
    # one from `locals()`; and what is in it would live longer than in an execution that is not
    # recorded.
    code = frame.f_code
    if not code.co_flags & _OPTIMIZED or not _SNAPSHOTS.isdisjoint(code.co_names):
        return {}
    variables = dict(frame.f_locals)
    frame.f_locals.clear()
    return variables
