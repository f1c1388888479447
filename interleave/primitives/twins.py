"""Twins: the simulated locks and queues that stand for real ones made before the check.

A real primitive has one twin for the length of a check, wherever it is met: the walk at the start
of the check puts twins where it finds real ones (`adoption`), and instrumented code is given the
twin of a real one that it is about to use (`instrument.substitution`). The twin begins each
execution in the state that the real one had; the real one is left as it is.
"""

from __future__ import annotations

import functools
import sys
from types import BuiltinMethodType
from typing import TYPE_CHECKING, Any, Final

from interleave.core.context import running
from interleave.primitives.installation import ATTRIBUTE, undo_later
from interleave.primitives.locks import RealLock, RealRLock, SimLock, SimRLock
from interleave.primitives.queues import RealSimpleQueue, SimSimpleQueue

if TYPE_CHECKING:
    from collections.abc import Callable

REAL: Final = (RealLock, RealRLock, RealSimpleQueue)
"""The types of C whose objects have twins; `RLock` and `SimpleQueue` may have subclasses."""

EXACTLY_REAL: Final = frozenset(REAL)

TWIN_TYPES: Final = frozenset((SimLock, SimRLock, SimSimpleQueue))

_SHORT: Final = {RealLock: "Lock", RealRLock: "RLock", RealSimpleQueue: "SimpleQueue"}


class _Pair:
    """A real one (kept alive) and its twin.

    One that has no place is named in each execution anew, by what the program calls it where it
    is met first: so a name depends on the schedule alone.
    """

    __slots__ = ("execution", "real", "twin")

    def __init__(self, real: Any, title: str, *, placed: bool) -> None:
        self.real = real
        self.twin = _make(real, title)
        self.execution = -1 if placed else 0  # in which it got its name; none for a place

    def name(self, title: str, execution: int) -> None:
        """Name the twin for an execution."""
        if self.execution == execution or self.execution < 0:
            return
        if _named[0] != execution:
            _named[0] = execution
            _titles.clear()
        self.execution = execution
        number = _titles[title] = _titles.get(title, 0) + 1
        state = self.twin.__dict__[ATTRIBUTE] if type(self.twin) is SimSimpleQueue else self.twin
        state.title = title if number == 1 else f"{title} ({number})"


_pairs: dict[int, _Pair] = {}
"""By the `id` of the real one."""

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
    _pairs.clear()
    _titles.clear()


def forget_unused() -> None:
    """Forget the twins of those that nobody else holds any more: an execution has made them."""
    for key, pair in list(_pairs.items()):
        if _is_unused(pair.real):
            del _pairs[key]


def placed_twin(real: Any, place: str) -> Any:
    """Return the one simulated object that stands for a real one, which is held at a place."""
    found = _pairs.get(id(real))
    if found is None:
        found = _pairs[id(real)] = _Pair(real, place, placed=True)
    return found.twin


def twin_of(real: Any, called: str = "") -> Any:
    """Return the one simulated object that stands for a real one that a task has met."""
    found = _pairs.get(id(real))
    if found is None:
        found = _pairs[id(real)] = _Pair(real, "", placed=False)
    if found.execution >= 0:
        found.name(called or _short(real), running()[0].count)
    return found.twin


def known_twin(real: Any) -> Any:
    """Return the twin of a real one if it has one."""
    found = _pairs.get(id(real))
    return None if found is None else found.twin


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
        args = tuple(map(stand_in, value.args))
        if function is not value.func or any(map(_differ, args, value.args)):
            return functools.partial(function, *args, **value.keywords)
    return value


def _differ(one: Any, other: Any) -> bool:
    return one is not other


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
    """Whether nobody but its pair (and its twin) refers to a real one."""
    return sys.getrefcount(real) <= _ALONE


def _count_alone(kind: Callable[[], Any]) -> int:
    """Count the references to one that only its pair and its twin hold, as `_is_unused` sees it."""
    counts: list[int] = []

    def count(real: Any) -> None:
        counts.append(sys.getrefcount(real))

    placed_twin(kind(), "")
    for pair in _pairs.values():
        count(pair.real)
    forget_all()
    return counts[0]


_ALONE: Final = max(_count_alone(RealRLock), _count_alone(RealSimpleQueue))
