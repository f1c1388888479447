"""A store keeps the failures that checks have found, in the folder `.interleave` of a project.

Each program has a small file of its own, with one line of JSON for each failure. A line stands for
itself: one that is damaged or was written by another version takes nothing with it. A file is
written anew as a whole (a temporary file takes its place), under a lock that holds across
processes.
"""

from __future__ import annotations

import json
import os
import re
import sys
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from zlib import crc32

from interleave._real import monotonic, sleep

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from pathlib import Path

FOLDER = ".interleave"
SCHEMA = 1

_ENDING = ".jsonl"
_MOST = 20
"""So many failures of one program are kept at most, those with the fewest preemptions."""

_PATIENCE = 5.0
"""Seconds to wait for another process that writes: it takes milliseconds, if it is well."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A failure that a check has found, with the conditions that it was found under.

    `program` is the name that the store knows the program by, `token` the schedule that shows the
    failure, `command` what replays it. `expect` is none, and `fail_on` empty, unless an expectation
    failed.
    """

    program: str
    kind: str
    message: str
    location: str | None
    token: str
    preemptions: int
    command: str
    time: str
    granularity: str
    observe: str
    max_steps: int
    expect: str | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    fail_on: tuple[str, ...] = ()
    atomicity: str = "free-threaded"

    def is_like(self, other: Kept) -> bool:
        """Whether both are the same failure, perhaps by another schedule."""
        return self._identity == other._identity

    @property
    def _identity(self) -> tuple[object, ...]:
        return (
            *(self.program, self.kind, self.message, self.location),
            *(self.time, self.granularity, self.atomicity, self.observe, self.expect),
            *(self.include, self.exclude, self.fail_on),
        )


class Store:
    """The failures kept in one folder; what goes wrong is told once, and never breaks a check."""

    def __init__(self, folder: Path, tell: Callable[[str], None]) -> None:
        self.folder = folder
        self._tell = tell
        self._told: set[str] = set()

    def of(self, program: str) -> tuple[Kept, ...]:
        """Return the failures kept of a program, those with the fewest preemptions first."""
        return _Lines.read(self._file(program), self._say).kept

    def everything(self) -> tuple[Kept, ...]:
        """Return all failures that are kept, by program."""
        try:
            files = sorted(self.folder.glob(f"*{_ENDING}"))
        except OSError as error:
            self._say(f"{self.folder} cannot be read: {error}")
            return ()
        found = [kept for file in files for kept in _Lines.read(file, self._say).kept]
        return tuple(sorted(found, key=lambda kept: (kept.program, kept.preemptions)))

    def update(
        self, program: str, *, add: Collection[Kept] = (), drop: Collection[Kept] = ()
    ) -> None:
        """Add failures of a program, and drop those that are none any more."""
        if not add and not drop:
            return
        file = self._file(program)
        try:
            self._make_folder()
            with _locked(self.folder / "lock"):
                lines = _Lines.read(file, self._say)
                lines.write(file, _merged(lines.kept, add, drop))
        except OSError as error:
            self._say(
                f"failures cannot be kept in {self.folder}: {error.strerror or error}; the check "
                "itself is as good as ever"
            )

    def _make_folder(self) -> None:
        if not self.folder.is_dir():
            self.folder.mkdir(parents=True, exist_ok=True)
            # Each developer has failures of their own.
            (self.folder / ".gitignore").write_text("*\n", encoding="utf-8")

    def _file(self, program: str) -> Path:
        readable = re.sub(r"[^A-Za-z0-9_.-]+", "-", program)[-60:].lstrip(".-")
        return self.folder / f"{readable}-{crc32(program.encode()):08x}{_ENDING}"

    def _say(self, message: str) -> None:
        if message not in self._told:
            self._told.add(message)
            self._tell(message)


def project_root(start: Path) -> Path:
    """Return the nearest folder with a `pyproject.toml`, or else the one to start from."""
    for folder in (start, *start.parents):
        if (folder / "pyproject.toml").is_file():
            return folder
    return start


def _merged(
    kept: Iterable[Kept], add: Collection[Kept], drop: Collection[Kept]
) -> tuple[Kept, ...]:
    """Return what is to be kept from now on: of like failures the one with fewer preemptions."""
    tokens = {item.token for item in drop}
    merged = [item for item in kept if item.token not in tokens]
    for new in add:
        like = [item for item in merged if item.is_like(new)]
        if all(new.preemptions < item.preemptions for item in like):
            merged = [item for item in merged if item not in like] + [new]
    return tuple(sorted(merged, key=lambda item: item.preemptions)[:_MOST])


@dataclass(frozen=True, slots=True)
class _Lines:
    """The lines of a file: failures, and those of other versions, which are left as they are."""

    kept: tuple[Kept, ...] = ()
    foreign: tuple[str, ...] = ()

    @classmethod
    def read(cls, file: Path, say: Callable[[str], None]) -> _Lines:
        try:
            text = file.read_bytes().decode("utf-8", errors="replace")
        except FileNotFoundError:
            return cls()
        except OSError as error:
            say(f"{file} cannot be read: {error.strerror or error}")
            return cls()
        kept, foreign, damaged = [], [], 0
        for line in text.splitlines():
            match _parse(line):
                case Kept() as item:
                    kept.append(item)
                case int() as schema:
                    foreign.append(line)
                    say(
                        f"{file} holds failures that another version of interleave has written "
                        f"(format {schema}; this version reads {SCHEMA}): they are left as they are"
                    )
                case None:
                    damaged += 1
        if damaged:
            say(
                f"{file} is damaged: {damaged} of {damaged + len(kept) + len(foreign)} failures in "
                "it cannot be read; what is damaged goes when the file is next written"
            )
        return cls(tuple(sorted(kept, key=lambda item: item.preemptions)), tuple(foreign))

    def write(self, file: Path, kept: tuple[Kept, ...]) -> None:
        """Put these failures into the file, in the place of those that it held."""
        lines = [*self.foreign, *map(_render, kept)]
        if not lines:
            file.unlink(missing_ok=True)
            return
        # The lock is held: nobody else has this name, and what a crash left is overwritten.
        temporary = file.with_suffix(".tmp")
        try:
            with temporary.open("w", encoding="utf-8", newline="\n") as out:
                out.writelines(f"{line}\n" for line in lines)
                out.flush()
                os.fsync(out.fileno())
            temporary.replace(file)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise


def _render(kept: Kept) -> str:
    return json.dumps({"schema": SCHEMA, **asdict(kept)}, ensure_ascii=True)


def _parse(line: str) -> Kept | int | None:
    """Return the failure that a line holds, the number of another format, or none if damaged."""
    try:
        found = json.loads(line)
        schema = found.pop("schema")
        if schema != SCHEMA:
            return int(schema)
        found["fail_on"] = found.get("fail_on", ())  # older versions had no such thing
        for name in ("include", "exclude", "fail_on"):
            found[name] = tuple(found[name])
        kept = Kept(**found)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return kept if _is_sound(kept) else None


_KINDS: dict[str, Any] = {
    **dict.fromkeys(("program", "kind", "message", "token", "command"), str),
    **dict.fromkeys(("time", "granularity", "atomicity", "observe"), str),
    **dict.fromkeys(("location", "expect"), str | None),
    **dict.fromkeys(("preemptions", "max_steps"), int),
}


def _is_sound(kept: Kept) -> bool:
    patterns = (*kept.include, *kept.exclude, *kept.fail_on)
    return all(isinstance(getattr(kept, name), kind) for name, kind in _KINDS.items()) and all(
        isinstance(pattern, str) for pattern in patterns
    )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock against all other processes and threads that write into the folder.

    Raises:
        OSError: when the lock cannot be had, or not in time.
    """
    with path.open("ab") as file:
        deadline = monotonic() + _PATIENCE
        while not _try_lock(file.fileno()):
            if monotonic() > deadline:
                message = f"another process holds {path} for more than {_PATIENCE:g} seconds"
                raise OSError(message)
            sleep(0.01)
        yield  # closing the file gives the lock back


def _try_lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True
