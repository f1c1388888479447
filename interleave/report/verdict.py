"""The verdict: the one place that may say `pass`, and that says what a pass covers."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interleave.core.execution import Warned
from interleave.exploration import Stop
from interleave.judging import evaluate
from interleave.report.estimate import roughly
from interleave.report.report import Failure
from interleave.settings import DEFAULT_SECONDS

if TYPE_CHECKING:
    from interleave.exploration import Exploration
    from interleave.instrument.scope import Instrumentation
    from interleave.report.report import VerdictName
    from interleave.settings import Settings


_ENDLESS = 86_400
"""Seconds: nobody waits so long for a check."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with its grounds."""

    verdict: VerdictName
    exhaustive: bool
    reasons: tuple[str, ...]
    covers: str
    unreached: tuple[Failure, ...]
    warnings: tuple[Warned, ...]
    left: int | None


def judge(
    exploration: Exploration,
    positions: tuple[str, ...] = (),
    instrumentation: Instrumentation | None = None,
) -> Judgement:
    """Say what an exploration proves.

    `positions` tell where the threads were at the step bound, `instrumentation` which code had its
    plain accesses looked at.
    """
    exhaustive = (
        exploration.stop is Stop.COMPLETE
        and (exploration.settings.exhaustive or exploration.settings.strategy == "auto")
        and exploration.bounded is None
        and not exploration.untried
        and not exploration.cut
        and _complete(exploration.settings)
    )
    reasons = [*_reasons(exploration), *(f"at the bound {line}" for line in positions)]
    missing = _unreached(exploration)
    unreached: tuple[Failure, ...] = ()
    if missing and exhaustive:
        unreached = tuple(
            Failure(
                "expectation", f"no outcome satisfies {text}", None, schedule=None, preemptions=0
            )
            for text in missing
        )
    elif missing and not exploration.failures:
        reasons.extend(
            f"no outcome seen satisfies {text}, and not every schedule was tried: explore more"
            for text in missing
        )
    verdict: VerdictName
    if exploration.stop is Stop.DIVERGED:
        verdict = "nondeterministic"
    elif exploration.failures or unreached or (exploration.races and exploration.settings.fail_on):
        verdict = "fail"
    elif reasons:
        verdict = "incomplete"
    else:
        verdict = "pass"
    return Judgement(
        verdict,
        exhaustive,
        tuple(reasons),
        _covers(exploration, instrumentation, exhaustive=exhaustive),
        unreached,
        (*exploration.warnings, *_doubts(exploration), *_gaps(instrumentation)),
        _left(exploration),
    )


def _complete(settings: Settings) -> bool:
    """Whether the strategy, run to its end, has tried all that matters.

    A reduction does not know what depends on what where plain accesses are not seen.
    """
    return settings.strategy != "dpor" or settings.granularity == "memory"


def _reasons(exploration: Exploration) -> list[str]:
    """Why the exploration does not prove what was asked for."""
    settings = exploration.settings
    reasons = []
    match exploration.stop:
        case Stop.EXECUTIONS:
            reasons.append(
                f"the budget of {settings.executions} executions ended the exploration: raise "
                "--executions"
            )
        case Stop.SECONDS:
            reasons.append(
                f"the budget of {settings.seconds or DEFAULT_SECONDS:g} seconds ended the "
                "exploration: raise --seconds, make the program smaller, or sample with "
                "--strategy random"
            )
        case Stop.UNFINISHED:
            reasons.append(
                f"no execution ended within the step bound of {settings.max_steps} events "
                f"({exploration.cut} were tried): raise --max-steps if it should end"
            )
        case Stop.HUNG:
            reasons.append(
                f"{exploration.detail}: it loops without a schedule point or blocks for real (a "
                "socket, input(), a process, a lock of a real thread); take that out of the "
                "program, or raise --hang-seconds if it only takes long"
            )
            reasons.extend(exploration.causes)
        case Stop.UNCONTROLLED | Stop.DIVERGED:
            reasons.append(str(exploration.detail))
            reasons.extend(exploration.causes)
        case Stop.INTERRUPTED:
            reasons.append("interrupted: this is what was found until then")
    left = _left(exploration)
    if left:
        what = "execution is" if left == 1 else "executions are"
        more = ", or far more: the estimate is not steady yet" if exploration.growing else ""
        reasons.append(f"about {roughly(left)} {what} left{more}{_time_for(left, exploration)}")
    if exploration.cut and exploration.stop is not Stop.UNFINISHED:
        total = exploration.runs
        reasons.append(
            f"{exploration.cut} of {total} executions were cut at the step bound of "
            f"{settings.max_steps} events: raise --max-steps, or bound the program's loops"
        )
    reasons.extend(exploration.untried)
    if exploration.bounded is not None:
        reasons.append(f"{exploration.bounded}: raise --max-preemptions")
    return reasons


def _left(exploration: Exploration) -> int | None:
    """About how many executions were left when a budget ended a search for all; else none."""
    if exploration.stop in (Stop.EXECUTIONS, Stop.SECONDS, Stop.INTERRUPTED):
        return exploration.left
    return None


def _time_for(left: int, exploration: Exploration) -> str:
    """Say how long an exploration would have to run on, if that was what ended it."""
    if exploration.stop is not Stop.SECONDS:
        return ""
    seconds = exploration.seconds * (1 + left / exploration.runs)
    if seconds > _ENDLESS:
        return ", more than a day at this rate"
    needed = f"--seconds {roughly(2 * seconds).replace(',', '')}"
    return f"; {needed} may not be enough" if exploration.growing else f": {needed} may do"


def _unreached(exploration: Exploration) -> list[str]:
    missing = []
    for text in exploration.settings.reach:
        code = compile(text, "<reach>", "eval")
        if not any(evaluate(code, entry.value, "reach") for entry in exploration.outcomes):
            missing.append(text)
    return missing


def _covers(
    exploration: Exploration, instrumentation: Instrumentation | None, *, exhaustive: bool
) -> str:
    settings = exploration.settings
    search = settings.search if settings.strategy == "auto" else settings.strategy
    sampling = exploration.sampling or settings.strategy
    under_gil = settings.atomicity == "gil" and settings.granularity == "memory"
    if exhaustive:
        # Under the GIL a trace may be run again: the keys of some locations are not lasting there.
        # And where an execution was redundant, places may have been taken for others.
        again = under_gil or exploration.redundant
        each = "every trace" if again else "one execution for each trace"
        one = each if search == "dpor" else "every schedule"
        extent = f"{one} ({search})"
    elif settings.exhaustive or (sampling == "auto"):
        extent = f"a part of the schedules ({search})"
    else:
        extent = (
            f"a sample of the schedules ({sampling}, seed {settings.seed}{_before(exploration)})"
        )
    points = (
        "synchronisation alone is a schedule point (plain memory accesses are not)"
        if settings.granularity == "sync"
        else "every shared access is a schedule point"
    )
    if instrumentation is not None and instrumentation.modules:
        points += f" in {', '.join(instrumentation.modules)}"
    if under_gil:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        points += f", if CPython {version} with the GIL can let another thread in before it"
    if settings.observe == "output":
        points += ", and so is every print and log call"
    if settings.fail_on:
        points += ", and a data race is a failure"
    threads = exploration.threads
    return (
        f"{extent} of {threads} thread{'s' if threads != 1 else ''}; {points}; "
        f"time {settings.time}; at most {settings.max_steps} events each"
    )


def _before(exploration: Exploration) -> str:
    """Say what `auto` has tried before it sampled."""
    tried = exploration.sampled_from
    if exploration.settings.strategy != "auto" or not tried:
        return ""
    search = exploration.settings.search
    return f"; {search} had not come to its end after {tried} execution{'s' if tried > 1 else ''}"


def _doubts(exploration: Exploration) -> list[Warned]:
    """What makes a verdict say less than it seems to."""
    if exploration.runs == 0:
        return []
    if not _complete(exploration.settings) and exploration.stop is Stop.COMPLETE:
        return [
            Warned(
                "not-exhaustive",
                "dpor came to its end, but it tries everything only at granularity memory and with "
                "time free or idle: use --strategy dfs",
            )
        ]
    if exploration.threads == 1:
        return [
            Warned(
                "single-thread",
                "the program started no thread: nothing was interleaved",
            )
        ]
    if not exploration.switched:
        return [Warned("never-switched", "no execution ever switched from one thread to another")]
    return []


def _gaps(instrumentation: Instrumentation | None) -> list[Warned]:
    """What could not be looked at."""
    if instrumentation is None:
        return []
    gaps = [
        Warned("not-instrumented", f"{name} could not be rewritten: its accesses are not seen")
        for name in instrumentation.failed
    ]
    gaps.extend(
        Warned(
            "nothing-included",
            f"--include {pattern} fits no module: give a name as Python imports it, such as "
            f"package.module, or a pattern for such names{_of_a_path(pattern)}",
        )
        for pattern in instrumentation.scope.unmet()
    )
    if not instrumentation.modules:
        gaps.append(
            Warned(
                "nothing-instrumented",
                "no code of the program could be instrumented, so no plain memory access was a "
                "schedule point: name its modules with --include",
            )
        )
    return gaps


def _of_a_path(pattern: str) -> str:
    is_path = "/" in pattern or "\\" in pattern or pattern.endswith(".py")
    return " (this one looks like the path of a file)" if is_path else ""
