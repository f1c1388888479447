"""Several strategies at once: sampled in turns, or one that tries everything and then samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interleave.core.strategy import Measuring
from interleave.strategies.wrapping import Wrapping

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from interleave.core.strategy import Strategy
    from interleave.strategies.random_walk import RandomWalk


class Turns(Wrapping):
    """Sampling strategies that take turns: execution i is number i // n of the (i mod n)th."""

    def __init__(self, members: Sequence[RandomWalk], index: int = 0) -> None:
        super().__init__(members[0])
        self.members = members
        self.index = index - 1

    @property
    def sampling(self) -> str:
        """What it is called in a report."""
        names = [member.sampling for member in self.members]
        return f"{', '.join(names[:-1])} and {names[-1]} in turns"

    def teacher(self, index: int) -> RandomWalk | None:
        """Return who must have run its execution 0 before this one."""
        return self.members[index % len(self.members)].teacher(index // len(self.members))

    def begin(self) -> bool:
        """Begin the next execution, of the next member."""
        self.index += 1
        member = self.members[self.index % len(self.members)]
        member.index = self.index // len(self.members) - 1
        self.inner = member
        return member.begin()


_ESTIMATED = 128
"""After so many executions, and each time that they have doubled, it is estimated what is left."""


class Auto(Wrapping):
    """Tries everything as long as there is room for that, and then samples.

    `is_over` is asked whether the search must end, by how many executions it has begun, and which
    share of all that is, if that was estimated just now.
    """

    def __init__(
        self,
        search: Strategy,
        sample: Strategy,
        name: str,
        is_over: Callable[[int, float | None], bool],
    ) -> None:
        super().__init__(search)
        self._search = search
        self._sample = sample
        self._name = name
        self._is_over = is_over
        self._begun = 0

    @property
    def sampling(self) -> str | None:
        """What samples by now; none as long as everything is tried."""
        return None if self.inner is self._search else self._name

    def begin(self) -> bool:
        """Begin the next execution of the search; false once it has tried everything."""
        if self.inner is self._search:
            if not self._is_over(self._begun, self._share()):
                self._begun += 1
                return self._search.begin()
            self.inner = self._sample
            self.noting = self._sample.noting
        return self.inner.begin()

    def _share(self) -> float | None:
        begun, search = self._begun, self._search
        due = begun >= _ESTIMATED and not begun & (begun - 1)
        return search.share() if due and isinstance(search, Measuring) else None
