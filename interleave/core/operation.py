"""An operation is what a task is about to do: its kind, its object, and whether it may go now."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from interleave.core.dependence import KEPT, READ, WRITE
from interleave.errors import UncontrolledError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import CodeType

    from interleave.core.dependence import Footprint, Key
    from interleave.core.task import Task


class Place(Protocol):
    """An object, or a part of one, that has a location."""

    @property
    def key(self) -> Key:
        """What stands for it in footprints."""


class Past(Protocol):
    """A state that an execution passed through, or could have passed through."""

    def of(self, item: Place) -> Any:
        """Return the snapshot of an object as it was then."""

    def all_ended(self, living: Sequence[int]) -> bool:
        """Whether no thread that is no daemon ran then: had been started, and had not ended.

        `living` are the events that have started those which have not ended by now.
        """

    def changed(self, key: Key, since: int) -> bool:
        """Whether a location had been changed by then, after the event at an index."""


_kept = count(KEPT, -1)  # of the process: an object of an earlier check is no object of this one

NEW, RUNNING, OVER = range(3)
"""The states of a thread, as a snapshot."""


class SimObject:
    """Something that operations act on: a lock, a queue, a thread.

    Its name comes from the task that made it and a count of that task's own, so that it is the
    same in every execution (`Lock#1`, or `Lock#main.0.1` when a worker made it).
    """

    __slots__ = (
        "creator",
        "epoch",
        "key",
        "lasting",
        "serial",
        "site",
        "title",
    )

    label: ClassVar[str] = "object"

    key: int  # stands for it in footprints

    creator: Task | None
    epoch: int  # the number of the execution that it was made in, or was last reset for
    serial: int
    site: Any
    lasting: str  # its name by the line that made it; set only where the execution is recorded
    title: str | None

    def __init__(self, creator: Task | None, title: str | None = None) -> None:
        self.creator = creator
        self.title = title
        self.site = None
        if creator is not None:
            label = self.label
            tallies = creator.tallies
            self.serial = tallies[label] = tallies.get(label, 0) + 1
            runtime = creator.runtime
            self.epoch = runtime.count
            self.key = creator.keys = creator.keys + 1
            if runtime.recording:
                runtime.note_site(self)
        else:
            self.serial = self.epoch = 0
            self.key = next(_kept)

    @property
    def name(self) -> str:
        """A stable human name."""
        if self.title is not None:
            return self.title
        if self.creator is None:
            return self.label
        maker = "" if not self.creator.path else f"{self.creator.id}."
        return f"{self.label}#{maker}{self.serial}"

    @property
    def lasting_name(self) -> str:
        """A name that survives most edits of the program, where the execution is recorded."""
        return getattr(self, "lasting", None) or self.name

    @property
    def short_name(self) -> str:
        """A few letters for people."""
        return self.title or self.label

    @property
    def family(self) -> str:
        """A name that no interleaving changes; like objects may share it."""
        return self.name

    def reset(self) -> None:
        """Go back to how it was made: a program may keep it in a global from one execution on."""

    def keep(self) -> None:
        """Take a key for good: whoever has made it, in an earlier execution, makes others now."""
        if self.key > KEPT:
            self.key = next(_kept)

    def snapshot(self) -> Any:
        """What guards and effects of operations on it depend on, as a small value."""
        return None


def new_key(creator: Task | None) -> int:
    """Return a key for a part of an object that a task makes, or that was there before."""
    return next(_kept) if creator is None else creator.more_keys()


class Operation:
    """What a task is about to do.

    The runtime asks `enabled` only of a `guarded` operation. A `timeout` (seconds of virtual
    time) makes it a timed wait: where it cannot go, it may `expire`.

    For a reduction it also tells what it touched (`footprint`), and what would have come of it in
    another state of the same execution (`enabled_in`, `can_expire_in`, `footprint_in`).
    """

    __slots__ = ("deadline", "expired", "target", "task")

    expired: bool  # set only for one that has a timeout

    kind: ClassVar[str] = "operation"
    guarded: ClassVar[bool] = False
    neutral: ClassVar[bool] = False  # whether it can never change which operations are enabled
    noted: ClassVar[bool] = False  # whether the state before it matters to other operations
    glued: ClassVar[bool] = (
        False  # whether it belongs to its task's event before: no schedule point
    )
    blind: ClassVar[bool] = False  # whether its task learns nothing by it, whatever the state is
    tells: ClassVar[bool] = True  # whether what it returns means something to a reader
    takes: ClassVar[bool] = False  # whether it takes its object, waiting as long as needed,
    gives: ClassVar[bool] = False  # or gives it back, and that is all it does
    plain: ClassVar[bool] = False  # whether it is a plain memory access
    timeout: float | None = None

    task: Task
    target: SimObject | None
    deadline: float

    def __init__(self, target: SimObject | None) -> None:
        self.target = target

    def enabled(self) -> bool:
        """Whether it can complete now, with success."""
        return True

    def can_expire(self) -> bool:
        """Whether, not being enabled, its timeout may end it now."""
        return True

    def execute(self) -> Any:
        """Take effect and return what the caller gets."""
        return None

    def expire(self) -> Any:
        """Take effect after the timeout passed."""
        return False

    def unwind(self) -> Any:
        """What the caller gets while its task is being torn down: nothing blocks any more."""
        return None

    def outside(self) -> Any:
        """Take effect for a real thread, or when no execution runs.

        Raises:
            UncontrolledError: for the operations that have no real counterpart.
        """
        message = (
            f"{self.describe()}: this object belongs to a checked program and was used from "
            "outside it (after the check, or by a real thread that was started before); "
            "make the object, or start the thread, inside the program"
        )
        raise UncontrolledError(message)

    def wrote(self) -> bool:
        """Whether, once executed, it changed its object; if not, it only looked."""
        return True

    def is_first_look(self, at: int) -> bool:
        """Whether it met an object just before the event that would be at this index."""
        return False

    def is_gone(self) -> bool:
        """Whether, once executed, nothing is left that it could have changed."""
        return False

    def footprint(self) -> Footprint:
        """What it touched, once executed."""
        target = self.target
        if target is None:
            return ()
        return ((target.key, WRITE if self.wrote() else READ),)

    def met(self) -> Iterable[tuple[Key, int | str, tuple[object, ...]]]:
        """Return the places in memory that it touched: the key of each, and that of its object.

        The key of an object is its name, if it has one. Third comes what the place is to this
        operation; the last of that is the part of the object that it is.
        """
        return ()

    def note(self) -> None:
        """Remember the state of its objects just before it takes effect (only if `noted`)."""

    def before(self, item: SimObject) -> Any:
        """Return the snapshot of an object that it touched, as it was just before."""
        return None

    def after_added(self, item: SimObject, state: Any) -> Any:
        """Return what an `ADD` to an object makes of a snapshot of it."""
        return state

    def enabled_in(self, past: Past) -> bool:
        """Whether it could have completed then, with success."""
        return True

    def can_expire_in(self, past: Past) -> bool:
        """Whether, not being enabled then, its timeout may have ended it."""
        return True

    def footprint_in(self, past: Past) -> Footprint:
        """What it would have touched then."""
        return self.footprint()

    def park(self) -> None:
        """The clock moves while this waits: it is now certain that the task has arrived."""

    def holders(self) -> Iterable[Task]:
        """Return the tasks whose next steps could let it go on, for deadlock reports."""
        return ()

    def waits_for(self) -> str:
        """What it needs, in words, for deadlock reports."""
        return f"{self.kind} {self.target.name}" if self.target is not None else self.kind

    def describe(self) -> str:
        """One short phrase: the kind and the object."""
        return f"{self.kind} {self.target.name}" if self.target is not None else self.kind


class Plain(Operation):
    """A plain access of memory: it waits for nothing, and changes nothing that others wait for.

    Once announced it knows where it stands in the program: at which instruction of which code. That
    costs 80 ns; a line number, which takes twice as long, is worked out for those who ask.
    """

    __slots__ = ("at", "code")
    neutral = True
    tells = False
    plain = True

    code: CodeType | None  # none for a method written in C that a thread begins with
    at: int


class Noted(Operation):
    """An operation on an object whose state other operations wait for or look at."""

    __slots__ = ("seen",)
    noted = True
    target: SimObject

    seen: Any

    def note(self) -> None:
        self.seen = self.target.snapshot()

    def before(self, item: SimObject) -> Any:
        return self.seen
