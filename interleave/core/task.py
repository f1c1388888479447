"""A task is one thread of the program: a body that runs on a pooled greenlet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from interleave.core.dependence import OWN

if TYPE_CHECKING:
    from collections.abc import Callable

    from interleave.core.operation import Operation, SimObject
    from interleave.core.runtime import Runtime, Worker
    from interleave.core.spinning import Lap, Loop, Spin


class Task:
    """One thread of control: who made it, what it is about to do, and its own clock.

    `path` is the creation path: `()` is main, `(0,)` the first task that main made, `(0, 2)` the
    third one made by that. Nothing in it depends on the interleaving. `number` stands for it within
    an exploration; `born` is the index of the event that made the task (-1: main).
    """

    __slots__ = (
        "apart",
        "body",
        "born",
        "children",
        "clock",
        "daemon",
        "done",
        "handle",
        "keys",
        "laps",
        "locals",
        "number",
        "parent",
        "path",
        "pending",
        "polling",
        "random",
        "runtime",
        "tallies",
        "target",
        "unseen",
        "unwinding",
        "worker",
    )

    def __init__(
        self,
        runtime: Runtime,
        parent: Task | None,
        body: Callable[[], None],
        *,
        daemon: bool,
        target: SimObject | None,
    ) -> None:
        self.runtime = runtime
        self.parent = parent
        self.body = body
        self.daemon = daemon
        self.children = 0
        self.target = target
        self.born = len(runtime.events) - 1
        if parent is None:
            self.path: tuple[int, ...] = ()
            self.clock = 0.0
        else:
            self.path = (*parent.path, parent.children)
            parent.children += 1
            self.clock = parent.clock
        numbers = runtime.numbers
        self.number = numbers.setdefault(self.path, len(numbers))
        self.keys = OWN * (self.number + 1)  # the last one that was given to an object
        self.done = False
        self.worker: Worker | None = None
        self.pending: Operation
        self.handle: Any = None
        self.locals: Any = None  # its values of `threading.local` objects, while it does not run
        self.random: Any = None
        self.tallies: dict[str, int] = {}
        self.unwinding = 0
        self.laps: dict[Loop, Lap] = {}
        self.polling: Spin | None = None  # its last round of a loop that sleeps and only reads
        self.unseen = 0  # counts what makes no event and may have changed something of its own
        self.apart = False  # under the GIL: others can come in right behind its next access

    @property
    def id(self) -> str:
        """The stable name: `main`, `main.0`, `main.0.2`."""
        return ".".join(("main", *map(str, self.path)))

    @property
    def ident(self) -> int:
        """What `threading.get_ident` says: a number that depends on the path alone."""
        ident = 1
        for step in self.path:
            ident = ident * 10_000 + step + 1
        return ident

    @property
    def own_key(self) -> int:
        """The key of its own thread, where nobody has made an object for that."""
        return OWN * (self.number + 1)

    @property
    def met(self) -> int:
        """The last key that was given to a place in memory, by whatever task."""
        return self.runtime.keys

    def more_keys(self) -> int:
        """Return a key of its own, for a part of something that it makes."""
        self.keys += 1
        return self.keys

    def tally(self, what: str) -> int:
        """Count something that this task makes, from 1 (default thread names and the like)."""
        count = self.tallies[what] = self.tallies.get(what, 0) + 1
        return count

    def __repr__(self) -> str:
        return f"<Task {self.id}>"
