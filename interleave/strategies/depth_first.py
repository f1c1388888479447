"""Every schedule, one after the other, without any reduction: the oracle for all reductions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interleave.errors import NondeterministicError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interleave.core.execution import Execution
    from interleave.core.strategy import TaskView


class DepthFirst:
    """Depth-first search: repeat the last execution, with its last open choice moved on by one."""

    bounded: str | None = None

    def __init__(self) -> None:
        self._path: list[int] = []
        self._widths: list[int] = []
        self._depth = 0
        self._started = False

    def begin(self) -> bool:
        """Move the last choice that has an alternative left on to it."""
        self._depth = 0
        if not self._started:
            self._started = True
            return True
        path, widths = self._path, self._widths
        while path and path[-1] + 1 == widths[-1]:
            path.pop()
            widths.pop()
        if not path:
            return False
        path[-1] += 1
        return True

    def choose(self, options: Sequence[TaskView], stays: int) -> int:
        """Follow the path, and beyond it go on with the first option."""
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
            return 0
        if self._widths[depth] != count:
            message = (
                f"choice {depth} had {self._widths[depth]} options before and has {count} now, "
                "after the same choices: something else than the schedule decides (state left "
                "over from the execution before, set order, id(), a real clock, os.urandom?)"
            )
            raise NondeterministicError(message)
        return self._path[depth]

    def end(self, execution: Execution) -> None:
        """Nothing to learn: the path says it all."""
        if len(self._path) > self._depth:
            # The execution was cut before the end of its path (hang, interruption).
            del self._path[self._depth :]
            del self._widths[self._depth :]
