"""The end of main is a point of its own only for who looks: else going on past it loses nothing.

What comes of an execution depends on when main has ended only if another task asks for it, by
`is_alive` or `join` of main's thread, or by a call submitted to a pool of threads; or if main
dismisses the threads of one; or if a task fails, which cuts everything off; or if one may move the
clock that all share, for somebody might wait until main has ended, and be next in the order of
deadlines. As long as no execution that goes on past the end shows any of it, the same ones with the
end put off would show nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from interleave.core.dependence import dependent
from interleave.core.outcome import Raised
from interleave.core.steps import Over, Return

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interleave.core.dependence import Footprint
    from interleave.core.execution import Execution
    from interleave.core.operation import Operation

_ENDS = (Return, Over)


def is_about_to_end(events: Sequence[Operation], stays: int) -> bool:
    """Whether the current task is main, and comes to its end next."""
    return bool(stays) and type(events[-1].task.pending) in _ENDS


def end_matters(execution: Execution) -> bool:
    """Whether a task has seen that main had come to its end, or has failed then."""
    main = execution.events[0].task
    ends: Footprint = ()
    for event in execution.events:
        if event.task is main:
            if type(event) in _ENDS:
                ends = (*ends, *event.footprint())
                if isinstance(execution.ending, Raised):
                    return True
        elif ends and (dependent(ends, event.footprint()) or _may_move_clock(event)):
            return True
    return False


def _may_move_clock(event: Operation) -> bool:
    """Whether it writes the clock that all share, and all else reads it."""
    runtime = event.task.runtime
    if event.timeout is None or runtime.free_time:
        return False
    return not (runtime.idle_time and event.timeout)
