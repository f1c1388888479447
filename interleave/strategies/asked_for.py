"""The strategy that settings ask for: one that tries everything, one that samples, or both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interleave._real import perf_counter
from interleave.settings import DEFAULT_RANDOM_EXECUTIONS, DEFAULT_SECONDS, Settings
from interleave.strategies.bounds import PreemptionBound
from interleave.strategies.depth_first import DepthFirst
from interleave.strategies.dpor import OptimalReduction
from interleave.strategies.fewest_first import FewestFirst
from interleave.strategies.pct import Pct
from interleave.strategies.portfolio import Auto, Turns
from interleave.strategies.pos import Pos
from interleave.strategies.random_walk import RandomWalk
from interleave.strategies.surw import Surw

if TYPE_CHECKING:
    from interleave.core.strategy import Strategy


_FAR = 4
"""Early estimates of `dpor` are too low: what seems to need so many budgets is given up."""


def search_for(settings: Settings) -> Strategy:
    """Return the strategy that tries everything."""
    name = settings.search if settings.strategy == "auto" else settings.strategy
    if settings.max_preemptions is not None:
        return FewestFirst(
            settings.max_preemptions,
            settings.time,
            merging=name == "dpor",
            fair=settings.keep_going,
        )
    return DepthFirst() if name == "dfs" else OptimalReduction(settings.time)


def sampler_for(settings: Settings) -> RandomWalk | Turns:
    """Return the strategy that draws schedules by a seed."""
    seed = settings.seed
    match settings.strategy:
        case "pct":
            return Pct(seed, depth=settings.depth)
        case "pos":
            return Pos(seed)
        case "surw":
            return Surw(seed)
        case "auto":
            return Turns((Pct(seed, depth=settings.depth), Pos(seed), Surw(seed), RandomWalk(seed)))
        case _:
            return RandomWalk(seed)


def sampling_for(sampler: RandomWalk | Turns, settings: Settings) -> Strategy:
    """Return the strategy that samples, and with `auto` tries everything before if there is room.

    The search has half of the budget, and ends before that if what is left is estimated to be far
    more.
    """
    sampling = bounded(sampler, settings)
    if settings.strategy != "auto" or settings.first:
        return sampling
    executions, seconds = settings.executions, settings.seconds
    if executions is not None:
        executions //= 2
    elif seconds is None:
        executions, seconds = DEFAULT_RANDOM_EXECUTIONS, DEFAULT_SECONDS
    began: list[float] = []

    def is_over(begun: int, share: float | None) -> bool:
        began.append(perf_counter()) if not began else None
        spent = perf_counter() - began[0]
        share = share or 1.0
        for much, budget in ((begun, executions), (spent, seconds and seconds / 2)):
            if budget is not None and (much >= budget or much > _FAR * budget * share):
                return True
        return False

    return Auto(search_for(settings), sampling, sampler.sampling, is_over)


def bounded(strategy: Strategy, settings: Settings) -> Strategy:
    """Return the strategy with the bound on preemptions, if there is one."""
    if settings.max_preemptions is None:
        return strategy
    return PreemptionBound(strategy, settings.max_preemptions)
