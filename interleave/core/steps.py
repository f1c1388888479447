"""Operations that belong to no primitive: a task's life, the program's end, pauses, choices."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, Protocol

from interleave.core.dependence import ADD, EVERYTHING, MAIN, POOLS, READ, THREADS, WRITE
from interleave.core.operation import RUNNING, Operation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from interleave.core.dependence import Footprint, Key
    from interleave.core.operation import Past, SimObject
    from interleave.core.task import Task

_key = attrgetter("key")

_ALONE: Footprint = ((POOLS, WRITE), (MAIN, WRITE))
"""What main touches by its end where no pool has threads."""


class Employer(Protocol):
    """Something with threads of its own that main dismisses at its end, and waits for: a pool.

    It has been one since its first thread was started, by an operation that reads `POOLS`; the last
    part of its snapshot tells whether it is.
    """

    key: int

    def snapshot(self) -> Any:
        """What guards and effects of operations on it depend on, as a small value."""

    def dismiss(self) -> Iterable[Operation]:
        """Take no more calls from now on, and tell what main waits for."""


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

    def enabled_in(self, past: Past) -> bool:
        return False

    def expire(self) -> None:
        return None

    def footprint(self) -> Footprint:
        return ()

    def describe(self) -> str:
        return f"sleep {self.timeout:g} s"


class Begin(Operation):
    """The first event of a task: its thread begins to run."""

    __slots__ = ()
    kind = "begin"
    neutral = True

    def footprint(self) -> Footprint:
        return ()


class End(Operation):
    """The last event of a task: its thread is over."""

    __slots__ = ()
    kind = "end"

    def execute(self) -> None:
        self.task.done = True

    def footprint(self) -> Footprint:
        target = self.target
        assert target is not None  # main has no such event
        return ((target.key, WRITE), (THREADS, ADD))

    def before(self, item: SimObject) -> Any:
        return RUNNING


class Return(Operation):
    """The last event of main's own code: no pool of threads takes calls from now on.

    If no pool has threads to be waited for, main's thread is over with it. Which have some is
    decided here, and by whoever starts the first thread of one, which reads `POOLS`.
    """

    __slots__ = ("seen",)
    kind = "return"
    noted = True

    seen: list[tuple[Employer, Any]]  # the pools that have threads, in the order of their keys

    def note(self) -> None:
        pools = self.task.runtime.employers
        self.seen = [(pool, pool.snapshot()) for pool in sorted(pools, key=_key)] if pools else []

    def execute(self) -> None:
        runtime = self.task.runtime
        runtime.leaving = True
        for pool, _ in self.seen:
            runtime.awaited.extend(pool.dismiss())
        if not self.seen:
            self.task.done = True

    def footprint(self) -> Footprint:
        return self._touching(pool.key for pool, _ in self.seen) if self.seen else _ALONE

    def footprint_in(self, past: Past) -> Footprint:
        return self._touching(pool.key for pool, _ in self.seen if past.of(pool)[-1])

    def _touching(self, pools: Iterable[Key]) -> Footprint:
        return ((POOLS, WRITE), *([(key, WRITE) for key in pools] or _ALONE[1:]))

    def is_over(self) -> bool:
        """Whether, once executed, main's thread was over with it."""
        return not self.seen

    def before(self, item: SimObject) -> Any:
        return next((state for pool, state in self.seen if pool.key == item.key), RUNNING)


class Over(Operation):
    """The threads of all pools have ended: whoever looks at main's thread sees that it is over."""

    __slots__ = ()
    kind = "over"

    def execute(self) -> None:
        self.task.done = True

    def footprint(self) -> Footprint:
        return ((MAIN, WRITE),)

    def before(self, item: SimObject) -> Any:
        return RUNNING


class Exit(Operation):
    """The end of the program: main is done and waits for the threads that are not daemons."""

    __slots__ = ("seen",)
    kind = "exit"
    guarded = True
    noted = True

    def enabled(self) -> bool:
        task = self.task
        for other in task.runtime.live:  # noqa: SIM110 - all() takes three times as long
            if not other.daemon and other is not task:
                return False
        return True

    def note(self) -> None:
        self.seen = [task.born for task in self.holders()]

    def enabled_in(self, past: Past) -> bool:
        return past.all_ended(self.seen)

    def footprint(self) -> Footprint:
        return ((THREADS, READ),)

    def holders(self) -> list[Task]:
        return [
            task for task in self.task.runtime.live if task is not self.task and not task.daemon
        ]

    def waits_for(self) -> str:
        names = ", ".join(task.id for task in self.holders())
        return f"the threads that are not daemons to end before the program does: {names}"


class Fail(Operation):
    """The end of the execution by an exception that has left a task: nothing comes after it.

    It is an event of its own, and not what the task did last: whether a task fails may depend on
    what it has read, and what a load touches must not depend on what it finds.
    """

    __slots__ = ("error",)
    kind = "fail"

    def __init__(self, error: BaseException) -> None:
        self.target = None
        self.error = error

    def footprint(self) -> Footprint:
        return EVERYTHING

    def describe(self) -> str:
        return f"end by {type(self.error).__name__}"


class Choose(Operation):
    """A choice among values: no schedule point, and an event so that a trace tells the value."""

    __slots__ = ("count", "value")
    kind = "choose"
    glued = True

    def __init__(self, count: int) -> None:
        self.target = None
        self.count = count
        self.value = 0

    def describe(self) -> str:
        return f"choose one of {self.count}"
