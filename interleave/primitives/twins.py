"""Twins: the simulated locks and queues that stand for real ones made before the check.

A real primitive has one twin for the length of a check, wherever it is met: the walk at the start
of the check puts twins where it finds real ones (`adoption`), and instrumented code is given the
twin of a real one that it is about to use (`instrument.substitution`). The twin begins each
execution in the state that the real one had; the real one is left as it is.
"""

from __future__ import annotations

import functools
import operator
import sys
from types import BuiltinMethodType
from typing import TYPE_CHECKING, Any, Final

from interleave.core.context import running
from interleave.primitives.installation import ATTRIBUTE, undo_later
from interleave.primitives.locks import RealLock, RealRLock, SimLock
from interleave.primitives.reentrant_locks import SimRLock
from interleave.primitives.simple_queues import RealSimpleQueue, SimSimpleQueue

if TYPE_CHECKING:
    from collections.abc import Callable

REAL: Final = (RealLock, RealRLock, RealSimpleQueue)
"""The types of C whose objects have twins; `RLock` and `SimpleQueue` may have subclasses."""

EXACTLY_REAL: Final = frozenset(REAL)

TWIN_TYPES: Final = frozenset((SimLock, SimRLock, SimSimpleQueue))

_SHORT: Final = {RealLock: "Lock", RealRLock: "RLock", RealSimpleQueue: "SimpleQueue"}


class _Met:
    """A real one that no place was found for (kept alive), and its twin.

    It is named in each execution anew, by what the program calls it where it is met first: so a
    name depends on the schedule alone.
    """

    __slots__ = ("execution", "real", "twin")

    def __init__(self, real: Any) -> None:
        self.real = real
        self.twin = _make(real, "")
        self.execution = 0  # in which it got its name

    def name(self, title: str, execution: int) -> None:
        """Name the twin for an execution."""
        if self.execution == execution:
            return
        if _named[0] != execution:
            _named[0] = execution
            _titles.clear()
        self.execution = execution
        number = _titles[title] = _titles.get(title, 0) + 1
        state = self.twin.__dict__[ATTRIBUTE] if type(self.twin) is SimSimpleQueue else self.twin
        state.title = title if number == 1 else f"{title} ({number})"


_placed: dict[int, tuple[Any, Any]] = {}
"""Real ones (kept alive) whose place is known, each with its twin, by the `id` of the real one."""

_met: dict[int, _Met] = {}
"""The others, likewise."""

_titles: dict[str, int] = {}
"""How many are called so in this execution."""

_named = [0]
"""The execution that the titles were counted in."""


def begin_check() -> None:
    """Know of no twin, and forget those of this check when it ends."""
    forget_all()
    undo_later(forget_all)


def forget_all() -> None:
    """Forget all twins."""
    _placed.clear()
    _met.clear()
    _titles.clear()


def forget_unused() -> None:
    """Forget the twins of those that nobody else holds any more: an execution has made them."""
    for key, met in list(_met.items()):
        if _is_unused(met.real):
            del _met[key]


def placed_twin(real: Any, place: str) -> Any:
    """Return the one simulated object that stands for a real one, which is held at a place."""
    twin = known_twin(real)
    if twin is None:
        twin = _make(real, place)
        _placed[id(real)] = real, twin
    return twin


def twin_of(real: Any, called: str = "") -> Any:
    """Return the one simulated object that stands for a real one that a task has met."""
    placed = _placed.get(id(real))
    if placed is not None:
        return placed[1]
    met = _met.get(id(real))
    if met is None:
        met = _met[id(real)] = _Met(real)
    met.name(called or _short(real), running()[0].count)
    return met.twin


def known_twin(real: Any) -> Any:
    """Return the twin of a real one if it has one."""
    placed = _placed.get(id(real))
    if placed is not None:
        return placed[1]
    met = _met.get(id(real))
    return None if met is None else met.twin


def stand_in(value: Any) -> Any:
    """Return what stands for a value where code that is not instrumented gets it.

    That is the twin of a real primitive, the method of the twin for a bound method of a real one,
    and everything else itself.
    """
    kind = type(value)
    if kind is BuiltinMethodType:
        owner = value.__self__
        if issubclass(type(owner), REAL):
            return getattr(twin_of(owner), value.__name__, value)
    elif kind in EXACTLY_REAL:
        return twin_of(value)
    elif kind is functools.partial:
        function = stand_in(value.func)
        args = [stand_in(item) for item in value.args]
        keywords = {name: stand_in(item) for name, item in value.keywords.items()}
        before = (value.func, *value.args, *value.keywords.values())
        if any(map(operator.is_not, (function, *args, *keywords.values()), before)):
            return functools.partial(function, *args, **keywords)
    return value


def _make(real: Any, title: str) -> Any:
    if isinstance(real, RealLock):
        return SimLock.adopt(real, title)
    if isinstance(real, RealRLock):
        return SimRLock.adopt(real, title)
    return SimSimpleQueue.adopt(real, title)


def _short(real: Any) -> str:
    cls = type(real)
    return f"real {_SHORT.get(cls, cls.__name__)}"


def _is_unused(real: Any) -> bool:
    """Whether nobody but what is kept here refers to a real one that was met."""
    return sys.getrefcount(real) <= _ALONE


def _count_alone(kind: Callable[[], Any]) -> int:
    """Count the references to one that nothing but this module keeps, as `_is_unused` sees it."""
    counts: list[int] = []

    def count(real: Any) -> None:
        counts.append(sys.getrefcount(real))

    real = kind()
    _met[id(real)] = _Met(real)
    del real
    for met in _met.values():
        count(met.real)
    forget_all()
    return counts[0]


_ALONE: Final = max(_count_alone(RealRLock), _count_alone(RealSimpleQueue))
