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


Seen = tuple[Any, ...]
"""A value as it was: the name of its type, and what two looks are compared by.

A plain tuple: each look makes one for every name that a program has.
"""


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
    if kind is FunctionType or kind is type:  # what most names stand for comes first, for speed
        return kind.__name__, id(value)
    if kind in _PLAIN:
        return _AS_TEXT, kind, repr(value)
    if kind is functools._lru_cache_wrapper:
        return _CACHE, id(value), value.cache_info().currsize
    if kind in _CONTAINERS:
        items = tuple(map(id, itertools.islice(value, _MANY)))
        return _CONTENTS, kind, len(value), id(value), items
    if kind is itertools.count:
        return _AS_TEXT, id(value), repr(value)
    return kind.__name__, id(value)


_AS_TEXT, _CACHE, _CONTENTS = object(), object(), object()


def _is_counted(seen: Seen) -> bool:
    """Whether it is a plain value or a number of items: that cannot change by being made anew."""
    return not isinstance(seen[0], str)


def _text(seen: Seen) -> str:
    if seen[0] is _AS_TEXT:
        text: str = seen[2]
        return text if len(text) <= 60 else f"{text[:57]}..."
    if seen[0] is _CACHE:
        return f"a cache of {seen[2]} entries"
    if seen[0] is _CONTENTS:
        return f"a {seen[1].__name__} of {seen[2]} item{'' if seen[2] == 1 else 's'}"
    return f"another {seen[0]}"


def left_over(before: dict[str, Seen], after: dict[str, Seen]) -> Iterator[Leftover]:
    """Yield what is not as it was, what can be counted first."""
    if before == after:  # nearly always
        return
    changed = [
        Leftover(
            name,
            _told(old, counted=now is None or _is_counted(now)),
            "gone" if now is None else _text(now),
            is_counted=(old is None or _is_counted(old)) and (now is None or _is_counted(now)),
        )
        for name, old, now in (
            (name, before.get(name), after.get(name)) for name in {**before, **after}
        )
        if old != now
    ]
    yield from sorted(changed, key=lambda item: not item.is_counted)


def _told(old: Seen | None, *, counted: bool) -> str:
    if old is None:
        return "not there"
    return _text(old) if counted or _is_counted(old) else "one object"
