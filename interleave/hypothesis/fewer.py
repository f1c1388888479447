"""Fewer calls that fail in the same way: where Hypothesis' own shrinking comes to an end too early.

Hypothesis makes one change at a time, and each to something simpler. Where a call is needed only
because another one is in the wrong place, neither leaving it out nor moving the other helps alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interleave.hypothesis.calls import Call, Calls, steps_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


@dataclass(frozen=True, slots=True)
class Bounds:
    """What an example may be: `first` are the methods that must be called before all others."""

    first: tuple[str, ...]
    max_before: int
    max_threads: int
    max_calls: int

    def allow(self, calls: Calls) -> bool:
        """Whether calls could be an example."""
        begun = tuple(item.method for item in calls.before[: len(self.first)])
        return (
            begun == self.first
            and len(calls.before) <= len(self.first) + self.max_before
            and 2 <= len(calls.threads) <= self.max_threads
            and sum(map(len, calls.threads)) <= self.max_calls
        )


def fewest(
    calls: Calls,
    fails: Callable[[Calls, int], tuple[bool, int]],
    bounds: Bounds,
    executions: int,
) -> Calls:
    """Leave out calls that fail until it takes all that are left, wherever one of them is moved.

    `fails` gets the number of executions that are left, and says how many it took.
    """
    tried: set[Calls] = set()
    while True:
        for candidate in _one_fewer(calls):
            if candidate in tried or not bounds.allow(candidate):
                continue
            if executions <= 0:
                return calls
            tried.add(candidate)
            failed, taken = fails(candidate, executions)
            executions -= taken
            if failed:
                calls = candidate
                break
        else:
            return calls


def _one_fewer(calls: Calls) -> Iterator[Calls]:
    """Yield the calls without one; then the same, and another one in another place."""
    without = [calls.without(step) for step, _ in steps_of(calls)]
    yield from without
    for rest in without:
        yield from _with_one_moved(rest)


def _with_one_moved(calls: Calls) -> Iterator[Calls]:
    columns = (calls.before, *calls.threads, ())
    for (thread, at), moved in steps_of(calls):
        left = _replaced(columns, thread + 1, _without(columns[thread + 1], at))
        for column, there in enumerate(left):
            for place in range(len(there) + 1):
                now = (*there[:place], moved, *there[place:])
                before, *threads = _replaced(left, column, now)
                yield Calls(*filter(None, threads), before=before)


def _without(column: Sequence[Call], at: int) -> tuple[Call, ...]:
    return (*column[:at], *column[at + 1 :])


def _replaced(
    columns: Sequence[Sequence[Call]], at: int, column: Sequence[Call]
) -> list[Sequence[Call]]:
    return [*columns[:at], column, *columns[at + 1 :]]
