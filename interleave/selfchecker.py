"""The tool checks itself on a program: brute force and the reduction must show the same."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from interleave.checker import program_from
from interleave.errors import UsageError
from interleave.exploration import Stop
from interleave.exploring import explore
from interleave.oracle import Side, Tracing, differences
from interleave.report.comparison import Comparison, Difference, Shown
from interleave.report.verdict import judge
from interleave.session import session
from interleave.settings import Settings
from interleave.strategies.depth_first import DepthFirst
from interleave.strategies.dpor import OptimalReduction
from interleave.telling import schedule_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from interleave.core.program import Program
    from interleave.core.strategy import Strategy
    from interleave.exploration import Exploration
    from interleave.report.comparison import ComparisonVerdict

_NOT_HERE = ("strategy", "max_preemptions", "expect", "reach")


def selfcheck(
    program: Callable[[], Any] | Program | str,
    *,
    progress: Callable[[Exploration], None] | None = None,
    **options: Any,
) -> Comparison:
    """Run all schedules of a program (`dfs`) and one for each trace (`dpor`), and compare them.

    Compared are the outcomes, the failures and the traces; those of `dfs` are worked out without
    the code of `dpor`. The options are those of `interleave.check`, for each of both: without
    others, `seconds` is 60. If anything differs it is a bug of interleave.

    Raises:
        UsageError: for a program or option that cannot be used.
    """
    for name in _NOT_HERE:
        if options.get(name):
            message = (
                f"selfcheck runs dfs and dpor to their ends and judges nothing: leave out --"
                f"{name.replace('_', '-')}"
            )
            raise UsageError(message)
    found = program_from(program)
    if found.script:
        options.setdefault("observe", "output")
    settings = Settings.of({**options, "keep_going": True})
    if settings.granularity != "memory":
        message = (
            "selfcheck compares at granularity memory, where dpor claims to run every trace: not "
            f"at granularity {settings.granularity}"
        )
        raise UsageError(message)
    brute = _explored(found, replace(settings, strategy="dfs"), DepthFirst(), progress)
    sides = [brute]
    if brute[0].exploration.stop not in (Stop.DIVERGED, Stop.INTERRUPTED):
        reduction = OptimalReduction(settings.time)
        sides.append(_explored(found, replace(settings, strategy="dpor"), reduction, progress))
    return _compared(found, settings, sides)


def _explored(
    program: Program,
    settings: Settings,
    strategy: Strategy,
    progress: Callable[[Exploration], None] | None,
) -> tuple[Side, tuple[str, ...]]:
    """Explore, and say why not to the end, if not."""
    tracing = Tracing(strategy, settings.time, settings.observe)
    with session(program, settings) as opened:
        exploration = explore(opened, tracing, progress=progress)
        judgement = judge(exploration, (), opened.instrumentation)
    return Side(settings.strategy, exploration, tracing, judgement.exhaustive), judgement.reasons


def _compared(
    program: Program, settings: Settings, sides: list[tuple[Side, tuple[str, ...]]]
) -> Comparison:
    explored = [side for side, _ in sides]
    stops = {side.exploration.stop for side in explored}
    found = list(differences(*explored)) if len(explored) == 2 else []
    if Stop.DIVERGED in stops:
        verdict: ComparisonVerdict = "nondeterministic"
        found = []
    elif found:
        verdict = "different"
    else:
        verdict = "equal" if all(side.complete for side in explored) else "incomplete"
    return Comparison(
        target=program.target,
        granularity=settings.granularity,
        time=settings.time,
        observe=settings.observe,
        verdict=verdict,
        sides=tuple(
            Shown(
                strategy=side.name,
                executions=side.exploration.executions,
                blocked=side.exploration.blocked,
                redundant=side.exploration.redundant,
                traces=len(side.tracing.traces),
                outcomes=tuple(entry.text for entry in side.exploration.outcomes),
                failures=tuple(
                    (kind, message)
                    for item in side.exploration.failures
                    for kind, message, _ in item.identities
                ),
                seconds=side.exploration.seconds,
                complete=side.complete,
                reasons=reasons,
            )
            for side, reasons in sides
        ),
        differences=tuple(
            Difference(
                item.message,
                None
                if item.witness is None
                else schedule_of(program, settings, item.witness).token,
            )
            for item in found
        ),
        interrupted=Stop.INTERRUPTED in stops,
    )
