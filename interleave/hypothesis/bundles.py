"""Bundles of a state machine: a call says which value it takes, each run has values of its own.

A thread can take what the calls before the threads have made, and what it has made itself: no value
passes from one thread to another while both run, so that which ones there are does not depend on
the interleaving.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

Taken = Mapping[str, tuple[str, bool]]
"""Which arguments of a rule come from a bundle: its name, and whether they are consumed."""

Precondition = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Held:
    """A value of a bundle, in the place of an argument: `held("keys")` is the newest.

    `back` counts from it to the older ones, and begins again after the oldest.
    """

    bundle: str
    back: int = 0

    def __repr__(self) -> str:
        return f"held({self.bundle!r}{f', {self.back}' if self.back else ''})"


def held(bundle: str, back: int = 0) -> Any:
    """Return what stands for a value of a bundle in a `call`: the newest, or an older one."""
    return Held(bundle, back)


@dataclass(frozen=True, slots=True)
class Rule:
    """What a rule needs, besides its arguments, and where its result goes."""

    taken: Taken
    targets: tuple[str, ...] = ()
    preconditions: tuple[Precondition, ...] = ()

    @property
    def conditional(self) -> bool:
        """Whether it depends on what came before that the rule can be called."""
        return bool(self.taken or self.preconditions)

    def is_possible(self, filled: AbstractSet[str]) -> bool:
        """Whether there may be values to take, where rules with these targets came before."""
        return all(bundle in filled for bundle, _ in self.taken.values())


class _Item:
    __slots__ = ("consumed", "value")

    def __init__(self, value: Any) -> None:
        self.value = value
        self.consumed = False


class Shelves:
    """The values that one thread can take, those of each bundle in the order they were made."""

    def __init__(self, items: Mapping[str, list[_Item]] | None = None) -> None:
        self._items = {name: list(kept) for name, kept in (items or {}).items()}

    def copy(self) -> Shelves:
        """Return the same values for a thread of its own."""
        return Shelves(self._items)

    def add(self, rule: Rule, values: tuple[Any, ...]) -> None:
        """Keep the results of a rule."""
        for target in rule.targets:
            self._items.setdefault(target, []).extend(map(_Item, values))

    def take(self, rule: Rule, wanted: Mapping[str, Held]) -> dict[str, Any] | None:
        """Return the arguments; none if one is missing, or was consumed by another thread."""
        found = {}
        for name, which in sorted(wanted.items()):
            items = self._items.get(which.bundle)
            if not items:
                return None
            at = -1 - which.back % len(items)
            item = items[at]
            if item.consumed:
                return None
            if rule.taken[name][1]:
                item.consumed = True
                del items[at]
            found[name] = item.value
        return found
