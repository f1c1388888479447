"""What happened, told for people: events with their places in the source."""

from __future__ import annotations

import linecache
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

_PACKAGE = str(Path(__file__).parent.parent)
_STDLIB = str(Path(linecache.__file__).parent)
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
class Event:
    """An executed operation, as it is shown."""

    task: str
    what: str
    place: Place | None
    preempted: bool


def user_place(frame: FrameType | None) -> Place | None:
    """Return the innermost place outside this package and the standard library, if there is one."""
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith(_PACKAGE) and not in_stdlib(file):
            return Place(file, frame.f_lineno, frame.f_code.co_name)
        frame = frame.f_back
    return None


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


def in_stdlib(file: str) -> bool:
    """Whether a code file belongs to Python's own library (installed packages do not)."""
    if file.startswith(_FROZEN):
        return True
    return file.startswith(_STDLIB) and "site-packages" not in file[len(_STDLIB) :]
