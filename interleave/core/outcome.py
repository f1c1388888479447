"""How an execution ended: a closed sum of plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from interleave.core.operation import Operation

FailureKind = Literal[
    "assertion", "exception", "thread-exception", "deadlock", "livelock", "expectation", "misuse"
]


@dataclass(frozen=True, slots=True)
class Returned:
    """The program returned, and so did its threads that are not daemons."""

    value: Any


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception left the program (`task` is `main`) or one of its threads."""

    error: BaseException
    task: str
    kind: FailureKind


@dataclass(frozen=True, slots=True)
class Waiting:
    """A task that waits: for what, and who could let it go on, as it was at the end.

    `holders` are pairs of a task's name and whether it had ended; `able` says that the task was
    not waiting at all, but about to go on. The operation is kept to find its place by.
    """

    task: str
    operation: Operation
    what: str
    holders: tuple[tuple[str, bool], ...]
    able: bool


@dataclass(frozen=True, slots=True)
class Deadlocked:
    """No task can go on, and main has not ended."""

    waiting: tuple[Waiting, ...]


@dataclass(frozen=True, slots=True)
class Livelocked(Deadlocked):
    """No task can go on but those that go round in a loop, in which nothing changes any more."""


@dataclass(frozen=True, slots=True)
class StepBound:
    """The step bound cut the execution."""

    steps: int
    waiting: tuple[Waiting, ...]


@dataclass(frozen=True, slots=True)
class Hung:
    """The program did not come back to the scheduler within the hang limit."""

    task: str
    location: str | None
    seconds: float
    call: str = ""  # the method whose call it stands in, or `with`; nothing where that is unknown


@dataclass(frozen=True, slots=True)
class Uncontrolled:
    """The program did something that cannot be controlled; the message says what and where."""

    message: str
    location: str | None


@dataclass(frozen=True, slots=True)
class Diverged:
    """The execution left the road that its schedule, or an earlier execution, had taken."""

    message: str


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The user pressed Ctrl-C."""


Ending = Returned | Raised | Deadlocked | StepBound | Hung | Uncontrolled | Diverged | Interrupted
