"""The strategy that draws interleavings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from interleave.errors import UsageError
from interleave.hypothesis.plan import ATTEMPTS, Plan
from interleave.settings import Settings

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

_LONGEST = 8

_GAPS = st.one_of(st.integers(0, 9), st.integers(0, 50), st.integers(0, 1000))
_PREEMPTIONS = st.tuples(_GAPS, st.integers(0, 4))
_TURNS = st.lists(st.integers(0, 4), max_size=_LONGEST)


def schedules(
    *, max_preemptions: int = 3, attempts: int = ATTEMPTS, **options: Any
) -> SearchStrategy[Plan]:
    """Return a strategy that draws an interleaving; call `run(program)` on what it draws.

    Smaller means fewer preemptions, then earlier ones; the smallest lets each task go on as long as
    it can. `attempts` is how many interleavings more with as many preemptions are tried
    for each one drawn; with 0 there is no other. The options are those of `interleave.check` that
    concern one execution: `granularity`, `atomicity`, `include`, `exclude`, `time`, `observe`,
    `expect`, `seed`, `max_steps`, `hang_seconds`.

    Raises:
        UsageError: for an option that does not exist or a value that it cannot have.
    """
    for name, value in (("max_preemptions", max_preemptions), ("attempts", attempts)):
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            message = f"{name} is {value!r}; it must be a whole number of at least 0"
            raise UsageError(message)
    for name in ("strategy", "executions", "seconds", "reach", "keep_going", "shrink"):
        if name in options:
            message = (
                f"schedules() has no option {name!r}: Hypothesis decides which executions are "
                "made; for an exploration of each example's program use check_all()"
            )
            raise UsageError(message)
    Settings.of(options)
    return st.builds(
        lambda preemptions, turns: Plan(preemptions, turns, attempts=attempts, **options),
        st.lists(_PREEMPTIONS, max_size=max_preemptions),
        _TURNS,
    )
