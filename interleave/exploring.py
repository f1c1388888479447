"""Explores: runs a program under a strategy until nothing is left or something ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interleave._real import perf_counter
from interleave.core.schedule import strip
from interleave.core.strategy import Measuring
from interleave.core.trace import user_place_of
from interleave.determinism import Repetition
from interleave.errors import HangDetected, NondeterministicError
from interleave.exploration import Exploration, Stop
from interleave.judging import Judge
from interleave.settings import DEFAULT_RANDOM_EXECUTIONS, DEFAULT_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from interleave.core.execution import Execution
    from interleave.core.strategy import Strategy
    from interleave.session import Session
    from interleave.settings import Settings

_COLLECT_EVERY = 500
"""The cyclic collector rests during executions, not between."""


def explore(
    session: Session,
    strategy: Strategy,
    *,
    progress: Callable[[Exploration], None] | None = None,
    repeating: bool = True,
    enough: Callable[[Exploration], bool] | None = None,
) -> Exploration:
    """Run the program until the strategy has nothing left, or a bound or failure ends it.

    Some executions are repeated, to see that nothing but the schedule decides; unless `repeating`
    is false, for who compares by other means. It ends early where `enough` says that what was seen
    is enough.
    """
    settings = session.settings
    runtime = session.runtime
    exploration = Exploration(settings)
    judge = Judge(exploration)
    repetition = Repetition(session) if repeating else None
    start = perf_counter()
    budget = _Budget(settings, start)
    next_progress = start + 0.2
    try:
        while strategy.begin():
            if exploration.sampling is None:
                exploration.sampling = getattr(strategy, "sampling", None)
                if exploration.sampling is not None:
                    exploration.sampled_from = exploration.runs
            execution = session.execute(strategy, judged=False)
            runtime.hosting = True
            before = exploration.runs
            stop = _learn(session, strategy, execution, judge)
            runtime.hosting = False
            judged = exploration.runs > before  # a redundant execution is not counted
            if judged and not exploration.runs & (exploration.runs - 1):
                exploration.estimate(_share(strategy))
            due = repetition is not None and judged and repetition.is_due(exploration.runs)
            if stop is None and repetition is not None and due:
                found = repetition.differs(execution, exploration.runs - 1)
                if found:
                    stop = Stop.DIVERGED
                    exploration.detail, *causes = found
                    exploration.causes = tuple(causes)
            if stop is None and enough is not None and enough(exploration):
                stop = Stop.FAILURE
            now = perf_counter()
            if runtime.interrupted:
                stop = stop or Stop.INTERRUPTED
            if stop is None:
                stop = budget.ends(exploration, now)
            if stop is not None:
                exploration.stop = stop
                exploration.share = _share(strategy)
                exploration.last_choices = strip(execution.choices)
                break
            if exploration.runs % _COLLECT_EVERY == 0:
                session.collect()
            if progress is not None and now >= next_progress:
                next_progress = now + 0.2
                exploration.seconds = now - start
                exploration.share = _share(strategy)
                progress(exploration)
    except KeyboardInterrupt:
        exploration.stop = Stop.INTERRUPTED
    except HangDetected as error:
        exploration.stop = Stop.HUNG
        place = user_place_of(error)
        exploration.detail = (
            "what looks at an outcome (its __eq__, __hash__ or __repr__, a finaliser, --expect) "
            f"ran for {settings.hang_seconds:g} s{f', at {place}' if place else ''}"
        )
    finally:
        runtime.hosting = False
    if exploration.stop is Stop.EXECUTIONS and not strategy.begin():
        exploration.stop = Stop.COMPLETE  # the budget was met exactly at the end
    if repetition is not None:
        if exploration.stop is Stop.DIVERGED and not exploration.causes:
            exploration.causes = repetition.causes(exploration.last_choices)
        exploration.warnings.extend(repetition.warnings)
    exploration.bounded = strategy.bounded
    exploration.seconds = perf_counter() - start
    return exploration


def _share(strategy: Strategy) -> float | None:
    """Return which share of all the executions was run, if the strategy can tell."""
    return strategy.share() if isinstance(strategy, Measuring) else None


def _learn(session: Session, strategy: Strategy, execution: Execution, judge: Judge) -> Stop | None:
    try:
        repeats = strategy.end(execution)
    except NondeterministicError as error:
        judge.exploration.detail = str(error)
        judge.exploration.runs += 1
        return Stop.DIVERGED
    if repeats:
        judge.exploration.redundant += 1
        return None
    session.judge(execution)  # after the strategy has learned how it ended
    return judge.take(execution)


class _Budget:
    """How many executions, and how many real seconds, an exploration may take."""

    def __init__(self, settings: Settings, start: float) -> None:
        limit, seconds = settings.executions, settings.seconds
        # Nothing was asked for but a sample. What was run before, to try everything, is not of it.
        self.usual = limit is None and not settings.exhaustive and seconds is None
        if seconds is None and settings.exhaustive and limit is None:
            seconds = DEFAULT_SECONDS
        self.exhaustive = settings.exhaustive
        self.limit = DEFAULT_RANDOM_EXECUTIONS if self.usual else limit
        self.deadline = None if seconds is None else start + seconds

    def ends(self, exploration: Exploration, now: float) -> Stop | None:
        """Return why the exploration must end here, if it must."""
        counted = exploration.runs - (exploration.sampled_from or 0 if self.usual else 0)
        searching = self.usual and exploration.sampled_from is None
        if self.limit is not None and counted >= self.limit and not searching:
            return Stop.EXECUTIONS if self.exhaustive else Stop.SAMPLED
        if self.deadline is not None and now >= self.deadline:
            return _out_of_time(exploration)
        return None


def _out_of_time(exploration: Exploration) -> Stop:
    # Whoever asks for seconds of sampling, and for no number, has got what was asked for.
    settings = exploration.settings
    sampling = not settings.exhaustive and settings.executions is None
    if settings.strategy == "auto" and exploration.sampled_from is None:
        sampling = False
    return Stop.SAMPLED if sampling else Stop.SECONDS
