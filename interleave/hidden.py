"""Whether the GIL hides a failure: the program is checked once more with `atomicity` "gil".

What was found where another thread can come in at any bytecode may need a switch at a place where
this CPython, as long as it has its GIL, lets nobody in. If an exhaustive check under the GIL
finds no failure of that kind, it does. The check is bounded; if it does not come to its end,
nothing is known.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from interleave.errors import UsageError
from interleave.exploration import Stop
from interleave.exploring import explore
from interleave.session import session

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from interleave.core.program import Program
    from interleave.core.strategy import Strategy
    from interleave.settings import Settings

EXECUTIONS = 1_000
SECONDS = 5.0
"""How many executions, and how many real seconds, the check under the GIL may take."""


def hidden_by_gil(
    program: Program,
    settings: Settings,
    kinds: Collection[str],
    plain: Collection[str],
    strategy_for: Callable[[Settings], Strategy],
) -> dict[str, bool | None]:
    """Tell of each kind of failure whether the GIL hides it; none where that is not known.

    `settings` are those of the check that found them. Failures of the kinds that are `plain` were
    seen without a preemption: so they are possible under the GIL, and need no check.
    """
    unknown: dict[str, bool | None] = dict.fromkeys(kinds)
    if settings.granularity != "memory" or settings.atomicity == "gil":
        return unknown
    unknown.update(dict.fromkeys(plain, False))
    kinds = set(kinds) - set(plain)
    if not kinds:
        return unknown
    under_gil = replace(
        settings,
        strategy="",
        first=0,
        atomicity="gil",
        races=False,
        fail_on=(),
        executions=min(settings.executions or EXECUTIONS, EXECUTIONS),
        seconds=min(settings.seconds or SECONDS, SECONDS),
        max_preemptions=None,
        reach=(),
        keep_going=True,
    )
    try:
        with session(program, under_gil) as opened:
            found = explore(
                opened,
                strategy_for(under_gil),
                repeating=False,
                enough=lambda so_far: {item.kind for item in so_far.failures}.issuperset(kinds),
            )
    except UsageError:  # an expression fails on an outcome that only comes out here
        return unknown
    if settings.fail_on:
        kinds = set(kinds) - {"expectation"}  # it may be a data race, which was not looked for
    seen = {item.kind for item in found.failures}
    complete = found.stop is Stop.COMPLETE and found.bounded is None and not found.cut
    return unknown | {kind: False if kind in seen else complete or None for kind in kinds}


def hidden(kind: str) -> str:
    """Say what it means that the GIL hides a failure of a kind."""
    none = f"no interleaving that it allows ends in a failure of this kind ({kind})"
    if _has_gil():
        return f"hidden by the GIL of this CPython: {none}; free-threaded builds can show it"
    return (
        f"hidden by the GIL of a CPython that has one: {none}; this build has none, and can show it"
    )


def _has_gil() -> bool:
    asked: Callable[[], bool] | None = getattr(sys, "_is_gil_enabled", None)
    return asked is None or asked()
