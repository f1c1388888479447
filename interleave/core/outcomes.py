"""Outcomes: what programs returned, each value once, with how often and one witness."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from interleave.errors import HangDetected

if TYPE_CHECKING:
    from collections.abc import Iterator

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


_ENDS_US = (HangDetected, KeyboardInterrupt)
"""What is meant for the tool, wherever it comes up; anything else is the program's own."""


def without_addresses(text: str) -> str:
    """Leave out where objects lie in memory: it is another place each time."""
    return _ADDRESS.sub("", text)


def shown(value: Any) -> str:
    """Return `repr(value)` without addresses; a repr that fails says so."""
    try:
        return without_addresses(repr(value))
    except _ENDS_US:
        raise
    except BaseException as error:  # noqa: BLE001 - a __repr__ of the program may raise anything
        return f"<{type(value).__name__} whose repr raises {type(error).__name__}>"


def message_of(error: BaseException) -> str:
    """Return `str(error)`; an exception that cannot say what it is says that."""
    try:
        return str(error)
    except _ENDS_US:
        raise
    except BaseException as other:  # noqa: BLE001 - a __str__ of the program may raise anything
        return f"<its str raises {type(other).__name__}>"


def are_equal(one: Any, other: Any) -> bool:
    """Whether two values are equal; what cannot be compared is not."""
    try:
        return bool(one == other)
    except _ENDS_US:
        raise
    except BaseException:  # noqa: BLE001 - an __eq__ of the program may raise anything
        return False


class Entry:
    """One outcome."""

    __slots__ = ("count", "expected", "text", "value", "witness")

    def __init__(self, value: Any, text: str) -> None:
        self.value = value
        self.text = text
        self.count = 0
        self.expected = True
        self.witness: Any = None


class OutcomeTable:
    """Values that are the same outcome if they are equal and of one type, or have one `repr`."""

    def __init__(self) -> None:
        self._by_text: dict[str, Entry] = {}
        self._by_value: dict[Any, Entry] = {}

    def add(self, value: Any) -> tuple[Entry, bool]:
        """Count a value; return its entry and whether it is new."""
        kind: type | None = type(value)
        try:
            entry = self._by_value.get((kind, value))
        except _ENDS_US:
            raise
        except BaseException:  # noqa: BLE001 - a __hash__ of the program may raise anything
            kind = None
            entry = None
        if entry is not None:
            entry.count += 1
            return entry, False
        text = shown(value)
        entry = self._by_text.get(text)
        is_new = entry is None
        if entry is None:
            entry = self._equal(value) or self._by_text.setdefault(text, Entry(value, text))
            is_new = entry.count == 0
        if kind is not None and getattr(kind, "__hash__", None) is not object.__hash__:
            # Values that hash by identity would fill the table, one entry an execution.
            self._by_value[kind, value] = entry
        entry.count += 1
        return entry, is_new

    def _equal(self, value: Any) -> Entry | None:
        for entry in self._by_text.values():
            if type(entry.value) is type(value) and are_equal(entry.value, value):
                return entry
        return None

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._by_text.values())

    def __len__(self) -> int:
        return len(self._by_text)
