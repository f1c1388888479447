"""Selectively uniform random walk: each order of the events of interest is as likely [SURW25].

In each execution the events on one lock, queue or the like, drawn anew, are of interest, or those
on one attribute of all objects of a class. Which task does the next of them is drawn by how many
each has left (its threads that have not begun counted in), and those that are about to do one wait
until it is their turn; all other events are drawn uniformly. How many there are was learned from
execution 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from interleave.strategies.sampling import Learning
from interleave.strategies.turns import in_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interleave.core.execution import Execution
    from interleave.core.operation import Operation
    from interleave.core.strategy import TaskView

_Path = tuple[int, ...]

_Counts = dict[_Path, int]
"""Of each task how many events. No `Counter`: that is written in Python, and instrumented while a
program is checked; a strategy runs in the midst of it."""


class Surw(Learning):
    """Selectively uniform random walk over the events on one object at a time."""

    def __init__(self, seed: int, index: int = 0) -> None:
        super().__init__(seed, index)
        self._counts: dict[str, _Counts] = {}  # by object: how many events each task did
        self._object: str | None = None
        self._left: _Counts = {}
        self._begun: set[_Path] = set()
        self._intended: _Path | None = None
        self._at = 0
        self._names: dict[int, str] = {}  # by the key of an object, of one execution

    def learn(self, execution: Execution) -> None:
        """Learn which objects several tasks use, and how often."""
        counts: dict[str, _Counts] = {}
        self._names = {}
        for event in execution.events:
            name = self._name(event)
            if name is not None:
                count = counts.setdefault(name, {})
                count[event.task.path] = count.get(event.task.path, 0) + 1
        self._counts = {name: count for name, count in counts.items() if len(count) > 1}

    def prepare(self) -> None:
        """Draw the object of interest."""
        names = list(self._counts)
        self._object = names[self.draw(len(names))] if names else None
        self._left = {} if self._object is None else dict(self._counts[self._object])
        self._begun = {()}
        self._intended = None
        self._at = 0
        self._names = {}

    def _name(self, op: Operation) -> str | None:
        target = op.target
        if target is None or op.kind in ("start", "join", "end"):
            return None
        name = self._names.get(target.key)
        if name is None:
            name = self._names[target.key] = target.family
        return name

    def pick(self, options: Sequence[TaskView], stays: int) -> int:
        """Return a task whose event is of no interest, or the one whose turn it is."""
        if self._object is None:
            return self.draw(len(options))
        self._follow(options)
        ordered = in_order(options, stays, self.events)
        waiting = [self._name(option.pending) == self._object for option in ordered]
        free = [
            at
            for at, option in enumerate(ordered)
            if not waiting[at] or option.path == self._intended
        ]
        if not free:  # whose turn it is cannot go on: somebody else must
            return self._draw([max(self._left.get(option.path, 0), 1) for option in ordered])
        return free[self.draw(len(free))]

    def _follow(self, options: Sequence[TaskView]) -> None:
        """Count what has happened since; draw whose turn is next if something was of interest."""
        for at in range(self._at, len(self.events)):
            event = self.events[at]
            path = event.task.path
            self._begin(path)
            if self._name(event) == self._object:
                self._left[path] = max(self._left.get(path, 0) - 1, 0)
                self._intended = None
        self._at = len(self.events)
        for option in options:
            self._begin(option.path)
        if self._intended is None:
            weights = self._weights()
            self._intended = self._one_of(weights, sorted(weights))

    def _begin(self, path: _Path) -> None:
        """Let a task begin: if it was the turn of who has started it, it may be the task's own."""
        if path in self._begun:
            return
        starter = self._starter(path)
        self._begun.add(path)
        if self._intended == starter:
            self._intended = self._one_of(self._weights(), [starter, path])

    def _starter(self, path: _Path) -> _Path:
        while path not in self._begun:
            path = path[:-1]
        return path

    def _one_of(self, weights: _Counts, paths: list[_Path]) -> _Path | None:
        of_each = [weights.get(path, 0) for path in paths]
        return paths[self._draw(of_each)] if sum(of_each) else None

    def _weights(self) -> _Counts:
        """Return how many events of interest are left to each task and those it will start."""
        weights: _Counts = {}
        for path, left in self._left.items():
            starter = self._starter(path)
            weights[starter] = weights.get(starter, 0) + left
        return weights

    def _draw(self, weights: list[int]) -> int:
        number = self.draw(sum(weights))
        for at, weight in enumerate(weights):
            number -= weight
            if number < 0:
                return at
        raise AssertionError(weights)
