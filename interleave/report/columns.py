"""Text measured in columns of a terminal, where a wide character takes two."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from rich.cells import cell_len, get_character_cell_size

if TYPE_CHECKING:
    from collections.abc import Iterable

_MORE, _INDENT = "...", "  "


def clipped(text: str, width: int) -> str:
    """Return text that takes at most so many columns; what was cut off is marked."""
    if cell_len(text) <= width:
        return text
    return _head(text, max(width - len(_MORE), 0)) + _MORE[:width]


def padded(text: str, width: int) -> str:
    """Return text with spaces behind it, up to so many columns."""
    return text + " " * (width - cell_len(text))


def wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """Return text in lines of at most so many columns; those after the first are indented.

    Lines break at spaces, and inside a word only where it fills a line alone.
    """
    found: list[str] = []
    for paragraph in text.splitlines() or [""]:
        line = indent if found else ""
        start = True
        for word in paragraph.split(" "):
            joined = line + word if start else f"{line} {word}"
            if cell_len(joined) <= width:
                line, start = joined, False
                continue
            if not start:
                found.append(line)
                line = indent
            rest = word
            while cell_len(line + rest) > width:
                head = _head(rest, max(width - cell_len(line), 1)) or rest[0]
                found.append(line + head)
                line, rest = indent, rest[len(head) :]
            line, start = line + rest, False
        found.append(line)
    return found


def packed(parts: Iterable[str], width: int) -> list[str]:
    """Return parts, joined by commas, in lines of at most so many columns.

    A part that is longer takes two lines, and is clipped there.
    """
    found: list[str] = []
    for part in parts:
        if found and cell_len(f"{found[-1]}, {part}") <= width:
            found[-1] += f", {part}"
            continue
        first, *rest = wrapped(part, width, _INDENT)
        found.append(first)
        if rest:
            whole = " ".join([rest[0], *(line.removeprefix(_INDENT) for line in rest[1:])])
            found.append(clipped(whole, width))
    return found


def printable(text: str) -> str:
    """Return text that leaves a terminal as it is: control characters are spelled out."""
    if text.isprintable():
        return text
    return "".join(
        letter
        if letter == "\n" or unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Co")
        else letter.encode("unicode_escape").decode("ascii")
        for letter in text.expandtabs(4)
    )


def _head(text: str, width: int) -> str:
    """Return as much of the beginning as fits."""
    used = 0
    for at, letter in enumerate(text):
        used += get_character_cell_size(letter)
        if used > width:
            return text[:at]
    return text
