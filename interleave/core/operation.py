"""An operation is what a task is about to do: its kind, its object, and whether it may go now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from interleave.errors import UncontrolledError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from interleave.core.task import Task


class SimObject:
    """Something that operations act on: a lock, a queue, a thread.

    Its name comes from the task that made it and a count of that task's own, so that it is the
    same in every execution (`Lock#1`, or `Lock#main.0.1` when a worker made it).
    """

    __slots__ = ("creator", "epoch", "read_at", "serial", "site", "title", "wrote_at")

    label: ClassVar[str] = "object"

    creator: Task | None
    epoch: int  # the number of the execution that it was made in, or was last reset for
    serial: int
    site: Any
    title: str | None
    wrote_at: float
    read_at: float

    def __init__(self, creator: Task | None, title: str | None = None) -> None:
        self.creator = creator
        self.title = title
        self.wrote_at = self.read_at = 0.0
        self.site = None
        if creator is not None:
            label = self.label
            tallies = creator.tallies
            self.serial = tallies[label] = tallies.get(label, 0) + 1
            runtime = creator.runtime
            self.epoch = runtime.count
            if runtime.recording:
                runtime.note_site(self)
        else:
            self.serial = self.epoch = 0

    @property
    def name(self) -> str:
        """A stable human name."""
        if self.title is not None:
            return self.title
        if self.creator is None:
            return self.label
        maker = "" if not self.creator.path else f"{self.creator.id}."
        return f"{self.label}#{maker}{self.serial}"

    def reset(self) -> None:
        """Go back to how it was made: a program may keep it in a global from one execution on."""
        self.wrote_at = self.read_at = 0.0


class Operation:
    """What a task is about to do.

    The runtime asks `enabled` only of a `guarded` operation. A `timeout` (seconds of virtual
    time) makes it a timed wait: where it cannot go, it may `expire`.
    """

    __slots__ = ("deadline", "target", "task")

    kind: ClassVar[str] = "operation"
    guarded: ClassVar[bool] = False
    neutral: ClassVar[bool] = False  # whether it can never change which operations are enabled
    tells: ClassVar[bool] = True  # whether what it returns means something to a reader
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


class Pause(Operation):
    """A schedule point without any effect, such as `sleep(0)`."""

    __slots__ = ()
    kind = "sleep"
    neutral = True

    def wrote(self) -> bool:
        return False


class Sleep(Operation):
    """A sleep of some virtual seconds: it ends only by its timeout."""

    __slots__ = ("timeout",)
    kind = "sleep"
    guarded = True

    def __init__(self, seconds: float) -> None:
        self.target = None
        self.timeout: float | None = seconds

    def enabled(self) -> bool:
        return False

    def expire(self) -> None:
        return None

    def describe(self) -> str:
        return f"sleep {self.timeout:g} s"


class Begin(Operation):
    """The first event of a task: its thread begins to run."""

    __slots__ = ()
    kind = "begin"
    neutral = True


class End(Operation):
    """The last event of a task: its thread is over."""

    __slots__ = ()
    kind = "end"

    def execute(self) -> None:
        self.task.done = True


class Exit(Operation):
    """The end of the program: main is done and waits for the threads that are not daemons."""

    __slots__ = ()
    kind = "exit"
    guarded = True

    def enabled(self) -> bool:
        task = self.task
        for other in task.runtime.live:  # noqa: SIM110 - all() takes three times as long
            if not other.daemon and other is not task:
                return False
        return True

    def holders(self) -> Iterable[Task]:
        return [
            task for task in self.task.runtime.live if task is not self.task and not task.daemon
        ]

    def waits_for(self) -> str:
        names = ", ".join(task.id for task in self.holders())
        return f"the threads that are not daemons to end before the program does: {names}"
