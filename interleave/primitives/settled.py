"""What a check found nothing in, and the next one of the same test need not look through again.

A test may make hundreds of checks, one soon after the other. Most modules of a process belong to
Python or to installed packages, and hold nothing that a check exchanges; between two checks of one
test they are taken to stay so. Modules of the project are looked through each time: what runs
between the checks may have put a lock there.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from interleave.core.trace import is_installed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType


class Settled:
    """Modules by what was not found in them; kept, so that an `id` stands for one alone."""

    def __init__(self) -> None:
        self.unbound: dict[int, ModuleType] = {}
        """Those of whose names none is bound to anything that a check exchanges, by their `id`."""

        self._empty: dict[int, ModuleType] = {}
        self._installed: dict[int, tuple[ModuleType, bool]] = {}

    def found_unbound(self, module: ModuleType) -> None:
        """Remember that of a module that the project does not own."""
        if self.is_installed(module):
            self.unbound[id(module)] = module

    def is_empty(self, module: ModuleType) -> bool:
        """Whether a walk from a module meets nothing that is adopted."""
        return id(module) in self._empty

    def found_empty(self, module: ModuleType) -> None:
        """Remember that of a module that the project does not own, or that is out of scope."""
        self._empty[id(module)] = module

    def is_installed(self, module: ModuleType) -> bool:
        """Whether a module belongs to Python or to an installed package."""
        known = self._installed.get(id(module))
        if known is None:
            file = getattr(module, "__file__", None)
            found = (
                is_installed(file)
                if isinstance(file, str)
                else module.__name__ in sys.builtin_module_names
            )
            known = self._installed[id(module)] = module, found
        return known[1]


_current: Settled | None = None
_last: tuple[object, Settled] | None = None


def settled() -> Settled | None:
    """Return what checks of the test that runs know by now; none where each stands alone."""
    return _current


@contextmanager
def checks_of(test: object) -> Iterator[None]:
    """Let the checks in the block know what those of the same test before have found."""
    global _current, _last
    before = _current
    if _last is None or _last[0] is not test:
        _last = test, Settled()
    _current = _last[1]
    try:
        yield
    finally:
        _current = before
