"""An anchor names a choice by what its task was about to do, so that it survives an edit.

The usual way of an execution is to go on with the current task, and where that cannot go on, with
the first one that can; of values the first is taken. A schedule says where its execution leaves
the usual way. Counted in choices, that place moves with every operation that an edit adds before
it; an anchor says which operation of which task it is, and so holds until that one changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interleave.core.operation import Operation

Path = tuple[int, ...]
"""The creation path of a task."""

_WORDS = 16
_MARK = 0xFFFF


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place where an execution leaves the usual way, and who goes on there.

    The task at `path` is about to do an operation for the `nth` time, from 1, since the anchor
    before. `mark` stands for the kind of the operation and for its object, `words` tell people
    both in short. The task at `then` goes on; or, where that is none, the operation is a choice
    among values, and yields the one with the index `value`.
    """

    path: Path
    words: str
    mark: int
    nth: int
    then: Path | None
    value: int = 0


class Leg:
    """The way since the last anchor: which operations were done since, and how often."""

    def __init__(self) -> None:
        self.start = 0
        self._seen = 0
        self._counts: dict[tuple[Path, int], int] = {}

    def restart(self, at: int) -> None:
        """Begin at the event of this index."""
        self.start = self._seen = at
        self._counts.clear()

    def follow(self, events: Sequence[Operation], upto: int) -> None:
        """Count the events that are new, up to this index and without it."""
        counts = self._counts
        for at in range(self._seen, upto):
            event = events[at]
            sign = event.task.path, mark_of(event)
            counts[sign] = counts.get(sign, 0) + 1
        self._seen = upto

    def count(self, path: Path, mark: int) -> int:
        """Return how often the task has done the operation."""
        return self._counts.get((path, mark), 0)


def mark_of(op: Operation | None) -> int:
    """Return 16 bits that stand for the kind and the object of an operation; none: a task's end."""
    if op is None:
        return 0
    target = op.target
    what = op.kind if target is None else f"{op.kind} {target.lasting_name}"
    return crc32(what.encode(errors="backslashreplace")) & _MARK


def words_of(op: Operation | None) -> str:
    """Tell an operation in a few letters; none: a task's end."""
    if op is None:
        return "go on"
    words = op.kind if op.target is None else f"{op.kind} {op.target.short_name}"
    words = words.encode("ascii", "backslashreplace").decode()
    return words if len(words) <= _WORDS else f"{words[: _WORDS - 2]}.."


def in_words(path: Path) -> str:
    """Return the id of a task."""
    return ".".join(("main", *map(str, path)))
