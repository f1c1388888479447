"""Every schedule, one after the other, without any reduction: the oracle for all reductions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interleave.core.strategy import CAUSES
from interleave.errors import NondeterministicError
from interleave.strategies.end_of_main import end_matters, is_about_to_end

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interleave.core.execution import Execution
    from interleave.core.operation import Operation
    from interleave.core.strategy import TaskView


class DepthFirst:
    """Depth-first search: repeat the last execution, with its last open choice moved on by one."""

    bounded: str | None = None
    noting = False
    events: Sequence[Operation] = ()

    def __init__(self) -> None:
        self._path: list[int] = []
        self._widths: list[int] = []
        self._ends: set[int] = set()  # choices at which main ends at once: nobody has looked yet
        self._seen: list[list[tuple[tuple[int, ...], str]]] = []  # what could go on at each choice
        self._depth = 0
        self._started = False

    def begin(self) -> bool:
        """Move the last choice that has an alternative left on to it."""
        self._depth = 0
        if not self._started:
            self._started = True
            return True
        path, widths = self._path, self._widths
        while path and (path[-1] + 1 == widths[-1] or len(path) - 1 in self._ends):
            path.pop()
            widths.pop()
            self._ends.discard(len(path))
        if not path:
            return False
        path[-1] += 1
        return True

    def choose(self, options: Sequence[TaskView], stays: int) -> int:
        """Follow the path, and beyond it go on with the first option.

        Raises:
            NondeterministicError: when the options are not those of last time.
        """
        depth = self._depth
        seen = [(option.path, option.pending.kind) for option in options]
        if depth == len(self._path):
            self._seen[depth:] = [seen]
            if is_about_to_end(self.events, stays):
                self._ends.add(depth)
        elif self._seen[depth] != seen:
            message = (
                f"at choice {depth} the threads were about to {_told(self._seen[depth])} before, "
                f"and are about to {_told(seen)} now, after the same choices: {CAUSES}"
            )
            raise NondeterministicError(message)
        return self.choose_value(len(options))

    def choose_value(self, count: int) -> int:
        """Follow the path, and beyond it take the first value.

        Raises:
            NondeterministicError: when the path has another number of options than last time.
        """
        depth = self._depth
        self._depth = depth + 1
        if depth == len(self._path):
            self._path.append(0)
            self._widths.append(count)
            self._seen[depth + 1 :] = []
            if len(self._seen) == depth:
                self._seen.append([])
            return 0
        if self._widths[depth] != count:
            message = (
                f"choice {depth} had {self._widths[depth]} options before and has {count} now, "
                f"after the same choices: {CAUSES}"
            )
            raise NondeterministicError(message)
        return self._path[depth]

    def end(self, execution: Execution) -> bool:
        """Nothing to learn, the path says it all; unless somebody looks whether main has ended."""
        if self._ends and end_matters(execution):
            self._ends.clear()
        if len(self._path) > self._depth:
            # The execution was cut before the end of its path (hang, interruption).
            del self._path[self._depth :]
            del self._widths[self._depth :]
            self._ends = {depth for depth in self._ends if depth < self._depth}
        return False


def _told(seen: list[tuple[tuple[int, ...], str]]) -> str:
    """Say which operations stood at a choice, by task."""
    return ", ".join(f"{kind} ({'.'.join(('main', *map(str, path)))})" for path, kind in seen)
