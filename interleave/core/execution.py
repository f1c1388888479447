"""One run of a program under a schedule, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from interleave.core.anchor import Anchor
    from interleave.core.operation import Operation
    from interleave.core.outcome import Ending
    from interleave.core.task import Task
    from interleave.core.trace import Event, Place


Told = list[tuple[str, str, str]]
"""The events of an execution in order, each as task, kind of operation, and name of the object."""


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that is no failure and that the user should know."""

    kind: str
    message: str


@dataclass(slots=True)
class Execution:
    """How it ended, the choices that led there, and what was done on the way.

    `pending` is what the other tasks were about to do at the end, `moves` tells before which
    events the shared clock moved (and to what time), `inside` what code of the program did
    inside an event, or which plain accesses belong to it because it ran `under_gil`; of those
    that are `fresh` an object was met for the first time there, and its key may be another in
    another execution. `anchors` are the choices that are not 0 by names (if it was recorded to be
    told). `rests` tells before which events nobody could go on, but for who waits in a loop;
    `untried` says why not all that loops can do is tried, where they seem to only wait.

    `events` holds the executed operations themselves: a plain list, because one is appended in
    every step (25 ns; a record apiece costs ten times that).
    """

    ending: Ending
    choices: list[int]
    events: list[Operation]
    preemptions: int
    switches: int
    output: list[str]
    warnings: list[Warned]
    tasks: int
    history: list[Event] = field(default_factory=list)
    places: dict[int, Place | None] = field(default_factory=dict)
    stacks: dict[int, tuple[Place, ...]] = field(default_factory=dict)
    pending: list[tuple[Task, Operation]] = field(default_factory=list)
    moves: list[tuple[int, float]] = field(default_factory=list)
    inside: dict[int, list[Operation]] = field(default_factory=dict)
    under_gil: bool = False
    fresh: set[int] = field(default_factory=set)
    daemons: bool = False
    known_tasks: int = 0
    anchors: tuple[Anchor, ...] = ()
    untried: tuple[str, ...] = ()
    rests: tuple[int, ...] = ()

    @property
    def steps(self) -> int:
        """The number of events."""
        return len(self.events)

    def told(self) -> Told:
        """Tell the events by names that are the same in every execution with the same choices."""
        names: dict[int, str] = {}
        told = []
        for event in self.events:
            task, target = event.task, event.target
            who = names.get(id(task))
            if who is None:
                who = names[id(task)] = task.id
            what = ""
            if target is not None:
                what = names.get(id(target)) or names.setdefault(id(target), target.name)
            told.append((who, event.kind, what))
        return told

    def digest(self) -> int:
        """A check sum of who did what, in order: it tells whether a replay took the same road."""
        names: dict[int, str] = {}
        parts = []
        for event in self.events:
            if event.glued or event.kind in ("return", "over", "fail"):
                continue  # the tokens in use were made when these were no events of their own
            task = event.task
            name = names.get(id(task))
            if name is None:
                name = names[id(task)] = task.id
            parts.append(f"{name} {event.kind}")
        return crc32("\n".join(parts).encode())
