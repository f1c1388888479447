"""Which order of the calls, one after the other, explains a history: linearizability.

The search goes through the orders that keep to real time, and leaves one where a result differs
[WingGong93]. What an order gives is found by running the specification [LineUp10]; no order is
run twice. There are faster searches [Lowe17]; calls are few here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from interleave.core.outcome import Deadlocked, Raised, Returned
from interleave.core.outcomes import shown
from interleave.errors import UsageError
from interleave.hypothesis.calls import Step, steps_of
from interleave.hypothesis.histories import IMPOSSIBLE, PENDING, same
from interleave.judging import describe_error
from interleave.strategies.replay import Replay

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from interleave.hypothesis.histories import History, Runner
    from interleave.session import Session

Order = tuple[Step, ...]


class Blocked:
    """Instead of a result: the specification waits for ever."""

    def __repr__(self) -> str:
        return "waits for ever"


BLOCKED = Blocked()


class DeadEnd:
    """An order that does not explain a history: up to where, and what is different there.

    `step` is none where the final observation differs.
    """

    __slots__ = ("expected", "order", "step")

    def __init__(self, order: Order, step: Step | None, expected: Any) -> None:
        self.order = order
        self.step = step
        self.expected = expected


class Sequential:
    """What the specification returns when its calls come one after the other."""

    def __init__(self, session: Session, runner: Runner) -> None:
        self._session = session
        self._runner = runner
        self._results: dict[Order, Any] = {}  # of the last call of an order
        self._last: dict[Order, Any] = {}  # what is observed after a whole order
        self._before: Order = tuple((-1, at) for at in range(len(runner.calls.before)))
        self._explained: dict[Any, bool] = {}

    def explains(self, history: History) -> bool:
        """Whether some order gives what a history has."""
        key = history.key()
        known = self._explained.get(key)
        if known is None:
            known = self._explained[key] = next(self.dead_ends(history), None) is None
        return known

    def dead_ends(self, history: History) -> Iterator[DeadEnd]:
        """Yield for each order why it does not explain a history; nothing if one does."""
        found: list[DeadEnd] = []
        order: Order = ()
        for step in self._before:
            if not self._agrees(history, order, step):
                if not self._is_waiting(history, order):
                    yield DeadEnd(order, step, self._result((*order, step)))
                return
            order = (*order, step)
        if not self._search(history, order, found):
            yield from found

    def _search(self, history: History, order: Order, found: list[DeadEnd]) -> bool:
        """Whether an order that begins like this explains the history."""
        steps = list(_next_steps(history, order))
        if not steps:
            return self._ends(history, order, found)
        for step in steps:
            if not self._agrees(history, order, step):
                found.append(DeadEnd(order, step, self._result((*order, step))))
            elif self._search(history, (*order, step), found):
                return True
        return False

    def _agrees(self, history: History, order: Order, step: Step) -> bool:
        thread, at = step
        results = history.before if thread < 0 else history.threads[thread]
        return at < len(results) and same(results[at], self._result((*order, step)))

    def _ends(self, history: History, order: Order, found: list[DeadEnd]) -> bool:
        """Whether, all calls that returned being in order, what else is known fits too."""
        waiting = list(self._waiting(history))
        for step in waiting:
            expected = self._result((*order, step))
            if expected is not BLOCKED:
                found.append(DeadEnd(order, step, expected))
                return False
        if waiting:
            return True
        expected = self._observed(order)
        if same(history.last, expected) or (history.last is PENDING and expected is BLOCKED):
            return True
        found.append(DeadEnd(order, None, expected))
        return False

    def _is_waiting(self, history: History, order: Order) -> bool:
        """Whether main itself waits for ever before it comes to the threads, as here."""
        at = len(order)
        return at == len(history.before) and self._result(self._before[: at + 1]) is BLOCKED

    def _waiting(self, history: History) -> Iterator[Step]:
        """Yield the calls that have begun and never returned."""
        for thread, results in enumerate(history.threads):
            if len(history.seen[thread]) > len(results):
                yield thread, len(results)

    def impossible(self, order: Order = ()) -> Step | None:
        """Return a call that in some order of the threads cannot be made; none if there is none."""
        following = next((step for step in self._before if step not in order), None)
        steps = self._following(order) if following is None else [following]
        for step in steps:
            result = self._result((*order, step))
            if result is IMPOSSIBLE:
                return step
            if result is not BLOCKED:
                found = self.impossible((*order, step))
                if found is not None:
                    return found
        return None

    def _following(self, order: Order) -> Iterator[Step]:
        """Yield the next call of each thread, whatever is over before it begins."""
        for thread, calls in enumerate(self._runner.calls.threads):
            at = sum(placed == thread for placed, _ in order)
            if at < len(calls):
                yield thread, at

    # -- running the specification ------------------------------------------------------------

    def _result(self, order: Order) -> Any:
        """Return what the last call of an order returns."""
        if order not in self._results:
            self._run(self._completed(order))
        return self._results[order]

    def _observed(self, order: Order) -> Any:
        if order not in self._last:
            self._run(order)
        return self._last[order]

    def _completed(self, order: Order) -> Order:
        """Add the calls that are missing: one run tells of many orders."""
        taken = set(order)
        rest = [step for step, _ in steps_of(self._runner.calls) if step not in taken]
        return (*order, *rest)

    def _run(self, order: Order) -> None:
        history, blocked = self._history(order)
        for length, result in enumerate(history.before, 1):
            self._results[order[:length]] = result
        if history.before and history.before[-1] is IMPOSSIBLE:
            return
        if not blocked:
            self._last[order] = history.last
        elif len(history.before) == len(order):
            self._last[order] = BLOCKED
        else:
            self._results[order[: len(history.before) + 1]] = BLOCKED

    def _history(self, order: Order) -> tuple[History, bool]:
        """Run an order; return what came of it, and whether it waits for ever."""
        runner = self._runner
        kept = runner.history
        runner.order = order
        try:
            strategy = Replay(())
            strategy.begin()
            execution = self._session.execute(strategy, judged=False)
            history = runner.history
        finally:
            runner.order = None
            runner.history = kept
        match execution.ending:
            case Returned() | Deadlocked():
                pass
            case Raised(error) as raised if raised.kind != "misuse":
                raise error
            case ending:
                what = describe_error(ending) if isinstance(ending, Raised) else shown(ending)
                message = f"the specification cannot be run by itself: {what}"
                raise UsageError(message)
        if execution.choices:
            message = (
                "the specification is not deterministic: run by itself, one call after the other, "
                "it starts threads or draws from interleave.choose, so that its results could be "
                "others; give a specification without"
            )
            raise UsageError(message)
        return history, isinstance(execution.ending, Deadlocked)


def _next_steps(history: History, order: Order) -> Iterator[Step]:
    """Yield the calls that may come next: what was over before they began is in the order."""
    placed = [0] * len(history.threads)
    for thread, _ in order:
        if thread >= 0:
            placed[thread] += 1
    for thread, results in enumerate(history.threads):
        at = placed[thread]
        if at < len(results) and _fits(history.seen[thread][at], placed):
            yield thread, at


def _fits(seen: Sequence[int], placed: Sequence[int]) -> bool:
    return all(over <= there for over, there in zip(seen, placed, strict=True))
