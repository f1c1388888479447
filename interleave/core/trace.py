"""What happened, told for people: events with their places in the source."""

from __future__ import annotations

import dis
import linecache
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from types import FrameType

_PACKAGE = str(Path(__file__).parent.parent)
_STDLIB = str(Path(linecache.__file__).parent)
_THREADING = threading.__file__
_FROZEN = "<frozen "


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the program: file, line number from 1, and the function it is in.

    As text it is `file:line`, the file relative to the current folder where it is inside.
    """

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        path = Path(self.file)
        here = Path.cwd()
        shown = path.relative_to(here) if path.is_relative_to(here) else path
        return f"{shown}:{self.line}"

    @property
    def source(self) -> str:
        """The text of the line, stripped; empty where it cannot be read."""
        return linecache.getline(self.file, self.line).strip()


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an object comes from, as far as it is known.

    `made` says that it was made at this place; if not, it was first used there. `alias` is what
    the program calls it there.
    """

    place: Place | None
    made: bool
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class Touch:
    """An object, or a place in memory, that an event reads or writes.

    `value` is what was read, or what is there once it was written; none where that cannot be told.
    `owner` is the name of the object that a place in memory belongs to.
    """

    name: str
    writes: bool
    value: str | None = None
    owner: str | None = None
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class Switch:
    """Why another task went on: who was left, and what it was about to do or waits for.

    `reason` is `waits` too where a timeout could have ended the wait. `holds` names the locks that
    the task keeps meanwhile.
    """

    task: str
    reason: Literal["preempted", "waits", "ended"]
    detail: str
    holds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """An executed operation, as it is shown.

    `preempted` says that the task before could have gone on, a passing timeout included; `switch`
    is none where the same task went on. `holds` names the locks that the task has after it.
    `inside` tells the plain accesses that belong to it, since nobody could come in between; what
    they touch is among its `touches`, behind what it touches itself.
    """

    task: str
    what: str
    place: Place | None
    preempted: bool
    kind: str = ""
    touches: tuple[Touch, ...] = ()
    switch: Switch | None = None
    holds: tuple[str, ...] = ()
    inside: tuple[Event, ...] = ()

    @property
    def is_access(self) -> bool:
        """Whether it is a plain memory access."""
        return bool(self.touches) and self.touches[0].owner is not None


def user_frame(frame: FrameType | None) -> FrameType | None:
    """Return the innermost frame outside this package and the standard library, if there is one."""
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith(_PACKAGE) and not in_stdlib(file):
            return frame
        frame = frame.f_back
    return None


def place_of(frame: FrameType | None) -> Place | None:
    """Return the place where a frame stands."""
    if frame is None:
        return None
    return Place(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)


def stack_of(frame: FrameType | None) -> tuple[Place, ...]:
    """Return where a frame and its callers stand, the innermost first.

    Of this package and of the threads' own machinery nothing is shown.
    """
    found = []
    while frame is not None:
        code = frame.f_code
        if not code.co_filename.startswith(_PACKAGE) and code.co_filename != _THREADING:
            found.append(Place(code.co_filename, frame.f_lineno, code.co_name))
        frame = frame.f_back
    return tuple(found)


def user_place(frame: FrameType | None) -> Place | None:
    """Return the innermost place outside this package and the standard library, if there is one."""
    return place_of(user_frame(frame))


def user_place_of(error: BaseException) -> Place | None:
    """Return the innermost place of the program in an exception's traceback.

    Frames that hide from pytest's tracebacks, such as that of `pytest.fail`, are passed over.
    """
    found: Place | None = None
    fallback: Place | None = None
    step = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        hidden = step.tb_frame.f_locals.get("__tracebackhide__")
        if not hidden and not code.co_filename.startswith(_PACKAGE):
            place = Place(code.co_filename, step.tb_lineno, code.co_name)
            if in_stdlib(code.co_filename):
                fallback = place
            else:
                found = place
        step = step.tb_next
    return found or fallback


def call_of(error: BaseException) -> str:
    """Return the method whose call an exception came out of, `with` for an `__enter__` of C.

    Nothing where the code outside this package does not stand in the call of a method.
    """
    step = error.__traceback__
    code, at = None, -1
    while step is not None:
        if not step.tb_frame.f_code.co_filename.startswith(_PACKAGE):
            code, at = step.tb_frame.f_code, step.tb_lasti
        step = step.tb_next
    if code is None:
        return ""
    methods: dict[tuple[int | None, int | None], str] = {}  # by where the whole expression begins
    for instruction in dis.get_instructions(code):
        positions = instruction.positions
        if positions is None:
            continue
        begins = positions.lineno, positions.col_offset
        if instruction.offset == at:
            if instruction.opname == "BEFORE_WITH":
                return "with"
            return methods.get(begins, "") if instruction.opname.startswith("CALL") else ""
        if instruction.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            methods[begins] = str(instruction.argval)
    return ""


def in_stdlib(file: str) -> bool:
    """Whether a code file belongs to Python's own library (installed packages do not)."""
    if file.startswith(_FROZEN):
        return True
    return file.startswith(_STDLIB) and "site-packages" not in file[len(_STDLIB) :]


def is_installed(file: str) -> bool:
    """Whether a file or folder belongs to Python's own library or to an installed package."""
    return "site-packages" in file or in_stdlib(file)
