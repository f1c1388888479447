"""The end of main is a point of its own only for who looks: else going on past it loses nothing.

What comes of an execution depends on when main has ended only if another task asks for it, by
`is_alive` or `join` of main's thread, or if it fails, which cuts everything off. As long as no
execution that goes on past the end shows either, the same ones with the end put off would show
nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from interleave.core.dependence import MAIN
from interleave.core.operation import Return
from interleave.core.outcome import Raised

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interleave.core.execution import Execution
    from interleave.core.operation import Operation


def is_about_to_end(events: Sequence[Operation], stays: int) -> bool:
    """Whether the current task is main, and comes to its end next."""
    return bool(stays) and type(events[-1].task.pending) is Return


def end_matters(execution: Execution) -> bool:
    """Whether a task has looked at main's thread once that was over, or has failed then."""
    over = False
    for event in execution.events:
        if type(event) is Return:
            over = True
            if isinstance(execution.ending, Raised):
                return True
        elif over and event.target is not None and event.target.key == MAIN:
            return True
    return False
