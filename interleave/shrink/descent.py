"""The descent: what one task does is brought together, in large pieces first, as far as that helps.

Each piece of a failing execution is tried in two orders: its tasks one after the other, as they
first or as they last take their turn in it. What is run is a real execution; if it fails in the
same way and is simpler, it is gone on with.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from interleave.shrink.linearisation import fewest_preemptions
from interleave.strategies.replay import Replay
from interleave.strategies.turns import Following

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interleave.shrink.trials import Attempt, Budget, Trials

_SMALLEST = 3
"""A piece of two blocks has nothing to bring together."""

_Turns = tuple[int, ...]

_Block = tuple[int, ...]
"""The turns that a task takes one after the other."""


class Descent:
    """Goes from a failing execution to simpler ones; `best` is the simplest so far."""

    def __init__(self, trials: Trials, start: Attempt, budget: Budget) -> None:
        self.trials = trials
        self.best = start
        self.budget = budget
        self._tried: set[_Turns] = {start.turns}

    def run(self) -> None:
        """Go on until nothing that is tried is simpler.

        Raises:
            SpentError: when the budget has ended before.
            BrokenOffError: when the program cannot be run any more.
        """
        self._reorder()
        while self._bring_together():
            self._reorder()

    def _reorder(self) -> None:
        """Take the best order of the same trace."""
        noted = Noted(self.best.choices)
        execution = self.trials.run(noted, self.budget)
        time = self.trials.session.settings.time
        self._try(fewest_preemptions(execution, time))

    def _bring_together(self) -> bool:
        """Try all pieces, the largest first; true if something became simpler."""
        before = self.best.key
        size = len(_blocks(self.best.turns))
        while size >= _SMALLEST:
            at = 0
            while at + _SMALLEST <= len(blocks := _blocks(self.best.turns)):
                piece = blocks[at : at + size]
                if not any(
                    self._try(_joined(blocks[:at], order, blocks[at + size :]))
                    for order in _orders(piece)
                ):
                    at += max(size // 2, 1)
            size = size - 1 if size <= 2 * _SMALLEST else size // 2
        return self.best.key < before

    def _try(self, turns: _Turns) -> bool:
        if turns in self._tried:
            return False
        self._tried.add(turns)
        attempt = self.trials.attempt(Following(turns, self.best.values), self.budget)
        if attempt is None or attempt.key >= self.best.key:
            return False
        self.best = attempt
        self._tried.add(attempt.turns)
        return True


class Noted(Replay):
    """A replay that keeps what the others were about to do at the end."""

    noting = True


def _blocks(turns: _Turns) -> list[_Block]:
    return [tuple(block) for _, block in groupby(turns)]


def _joined(*pieces: list[_Block]) -> _Turns:
    return tuple(turn for piece in pieces for block in piece for turn in block)


def _orders(piece: list[_Block]) -> Iterator[list[_Block]]:
    """Yield the blocks of a piece with those of each task together."""
    tasks = [block[0] for block in piece]
    firsts = list(dict.fromkeys(tasks))
    lasts = list(dict.fromkeys(reversed(tasks)))[::-1]
    for order in (firsts, lasts):
        yield [block for task in order for block in piece if block[0] == task]
