"""What an execution leaves behind in the modules of the program, for the next one to find.

Nothing is held on to, so that no finaliser runs later than it would: a value is known by its type,
its address and what can be seen of it (a number, a text, how many items).
"""

from __future__ import annotations

import functools
import itertools
import sys
from collections import deque
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from interleave.primitives.adoption import in_scope
from interleave.primitives.installation import ATTRIBUTE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PLAIN = (bool, int, float, complex, str, bytes, type(None))
_CONTAINERS = (list, dict, set, deque, bytearray)
_MANY = 200
"""How many items of a container are told apart."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A value as it was: what two looks are compared by, and how it is told."""

    key: object
    text: str
    is_counted: bool  # a plain value or a number of items: it cannot change by being made anew


@dataclass(frozen=True, slots=True)
class Leftover:
    """A name whose value an execution has changed."""

    name: str
    before: str
    after: str
    is_counted: bool

    @property
    def looks_changed(self) -> bool:
        """Whether it is not merely another object that looks the same."""
        return self.is_counted and self.before != self.after

    def __str__(self) -> str:
        return f"{self.name} was {self.before} before an execution and is {self.after} after it"


def look(program: Any) -> dict[str, Seen]:
    """Note what a program's modules and its closure name, and the attributes of that."""
    seen: dict[str, Seen] = {}
    if isinstance(program, FunctionType):
        for name, cell in zip(program.__code__.co_freevars, program.__closure__ or (), strict=True):
            try:
                seen[f"{name} (which {program.__name__} captures)"] = _seen(cell.cell_contents)
            except ValueError:  # not filled yet
                continue
    for module in list(sys.modules.values()):
        if isinstance(module, ModuleType) and in_scope(module):
            _note(seen, module.__name__, vars(module), module)
    return seen


def _note(seen: dict[str, Seen], title: str, names: Mapping[str, Any], module: ModuleType) -> None:
    for name, value in list(names.items()):
        if name.startswith("__") and name.endswith("__"):
            continue
        full = f"{title}.{name}"
        seen[full] = _seen(value)
        if isinstance(value, type):
            if value.__module__ == module.__name__ and title == module.__name__:
                _note(seen, full, vars(value), module)
        elif title == module.__name__ and not isinstance(value, ModuleType | FunctionType):
            attributes = getattr(value, "__dict__", None)
            if isinstance(attributes, dict) and ATTRIBUTE not in attributes:
                _note(seen, full, attributes, module)


def _seen(value: Any) -> Seen:
    kind = type(value)
    if kind in _PLAIN:
        text = repr(value)
        return Seen((kind, text), text if len(text) <= 60 else f"{text[:57]}...", is_counted=True)
    if kind is functools._lru_cache_wrapper:
        entries = value.cache_info().currsize
        return Seen((id(value), entries), f"a cache of {entries} entries", is_counted=True)
    if kind in _CONTAINERS:
        count = len(value)
        items = tuple(id(item) for item, _ in zip(value, range(_MANY), strict=False))
        text = f"a {kind.__name__} of {count} item{'' if count == 1 else 's'}"
        return Seen((id(value), count, items), text, is_counted=True)
    if kind is itertools.count:
        text = repr(value)
        return Seen((id(value), text), text, is_counted=True)
    return Seen(id(value), f"another {kind.__name__}", is_counted=False)


def left_over(before: dict[str, Seen], after: dict[str, Seen]) -> Iterator[Leftover]:
    """Yield what is not as it was, what can be counted first."""
    changed = [
        Leftover(
            name,
            _told(old, counted=now is None or now.is_counted),
            "gone" if now is None else now.text,
            is_counted=(old is None or old.is_counted) and (now is None or now.is_counted),
        )
        for name, old, now in (
            (name, before.get(name), after.get(name)) for name in {**before, **after}
        )
        if (None if old is None else old.key) != (None if now is None else now.key)
    ]
    yield from sorted(changed, key=lambda item: not item.is_counted)


def _told(old: Seen | None, *, counted: bool) -> str:
    if old is None:
        return "not there"
    return old.text if counted or old.is_counted else "one object"
