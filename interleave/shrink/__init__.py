"""Shrinking: the same failure with the fewest preemptions, then the fewest switches, then the
fewest events.

First independent neighbours are swapped, so that the trace stays the same; then pieces of the
execution are put into another order and run; then all executions with as few preemptions are run,
in rounds, as far as the budget goes. All of it is deterministic.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interleave.exploration import Witness
from interleave.shrink.descent import Descent
from interleave.shrink.search import Search
from interleave.shrink.trials import Attempt, BrokenOffError, Budget, SpentError, Trials

if TYPE_CHECKING:
    from interleave.exploration import Found
    from interleave.session import Session

EXECUTIONS = 1_000
"""How many executions the shrinking of one failure may run, about."""

EVENTS = 200_000
"""How many events these may have in all, so that long executions do not take long."""

_DESCENT, _SEARCH = 1, 3
"""Fifths of both: for each of two descents, and for the search between them."""

_LONGER, _ROOM = 4, 100
"""An execution that is tried may have so many times the events of the failing one, and more."""


@dataclass(frozen=True, slots=True)
class Shrunk:
    """What became of a failing execution.

    `witness` shows the same failure: of the same kind, with the same message, at the same place.
    `executions` were run to find it. `least` says that fewer preemptions cannot show the failure,
    `complete` that no simpler execution does: both of executions with at most `within` events.
    `before` and `after` tell how many preemptions, switches and events there were and are.
    `interrupted` says that the user wanted no more.
    """

    witness: Witness
    before: tuple[int, int, int]
    after: tuple[int, int, int]
    executions: int
    least: bool
    complete: bool
    within: int
    interrupted: bool = False


def shrink(session: Session, found: Found, *, share: int = 1) -> Shrunk | None:
    """Look for the simplest execution that shows a failure; none if it does not show it again.

    `share` is by how much the budget is divided, where several failures are shrunk. Shrinking what
    was shrunk changes nothing, unless the budget had ended it.
    """
    runtime = session.runtime
    trials = Trials(session, found.identity)
    old = found.witness
    start = trials.start(old.choices)
    if start is None:
        return None
    # A search for what is short need not follow a loop that has no end.
    within = runtime.max_steps = min(session.settings.max_steps, _LONGER * old.steps + _ROOM)
    shrinking = _Shrinking(trials, start, share)
    try:
        shrinking.run()
    except BrokenOffError:
        shrinking.least = shrinking.complete = False
    interrupted = runtime.interrupted
    runtime.calm()
    best = shrinking.best
    again = trials.start(best.choices)
    if again is None or (again.digest, again.key) != (best.digest, best.key):
        return None  # something else than the schedule decides, though nobody has noticed
    preemptions, switches, steps, choices = best.key
    return Shrunk(
        Witness(choices, best.digest, preemptions, steps, old.index),
        before=start.key[:3],
        after=(preemptions, switches, steps),
        executions=trials.count,
        least=shrinking.least,
        complete=shrinking.complete,
        within=within,
        interrupted=interrupted,
    )


class _Shrinking:
    """The steps of shrinking one failure, and what they have found."""

    def __init__(self, trials: Trials, start: Attempt, share: int) -> None:
        self.trials = trials
        self.best = start
        self.share = share
        self.least = self.complete = False

    def run(self) -> None:
        """Shrink, as far as the budget goes.

        Raises:
            BrokenOffError: when the program cannot be run any more.
        """
        self._descend()
        found = self.best
        self._search()
        if self.best is not found and not self.complete:
            self._descend()

    def _descend(self) -> None:
        descent = Descent(self.trials, self.best, self._budget(_DESCENT))
        try:
            descent.run()
        except SpentError:
            pass
        finally:
            self.best = descent.best

    def _search(self) -> None:
        search = Search(self.trials, self.best, self._budget(_SEARCH))
        try:
            search.run()
        finally:
            self.best = search.best
            self.least, self.complete = search.least, search.complete

    def _budget(self, fifths: int) -> Budget:
        parts = 5 * self.share
        return Budget(
            max(EXECUTIONS * fifths // parts, 1),
            max(EVENTS * fifths // parts, 1),
        )
