"""Checks and replays programs: puts strategy, exploration and report together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from interleave.contrast import Contrast, contrast_to, told_of
from interleave.core.program import Program, from_callable, from_target
from interleave.core.schedule import Schedule, fingerprint, parse
from interleave.determinism import Repetition, difference, run_again
from interleave.errors import ScheduleError, UsageError
from interleave.exploration import REPEATED, Exploration, Stop, explore
from interleave.hidden import hidden_by_gil
from interleave.report.explain import explain, location_of, positions
from interleave.report.patterns import sentence_on
from interleave.report.report import Failure, Outcome, Outcomes, Report
from interleave.report.verdict import judge
from interleave.session import session
from interleave.settings import Settings
from interleave.strategies.bounds import IterativeBound, PreemptionBound
from interleave.strategies.depth_first import DepthFirst
from interleave.strategies.dpor import OptimalReduction
from interleave.strategies.random_walk import RandomWalk
from interleave.strategies.replay import Replay

if TYPE_CHECKING:
    from collections.abc import Callable

    from interleave.core.strategy import Strategy
    from interleave.exploration import Found, Witness
    from interleave.session import Session


def check(
    program: Callable[[], Any] | Program | str,
    *,
    progress: Callable[[Exploration], None] | None = None,
    **options: Any,
) -> Report:
    """Explore the interleavings of a program and judge them.

    `program` is a callable without arguments, or a target as on the command line. The options are
    those of `interleave.settings.Settings`: `strategy` ("dfs", "random"), `seed`, `executions`,
    `max_steps`, `max_preemptions`, `seconds`, `granularity` ("memory", "sync"), `atomicity`
    ("free-threaded", "gil"), `include`, `exclude`, `time` ("free", "idle", "ordered"), `observe`
    ("outcome", "output"), `expect`, `reach`, `keep_going`, `hang_seconds`, `fresh` (import the
    modules of the program anew for each execution). Without `keep_going` the first failure ends
    the exploration.

    Raises:
        UsageError: for a program or option that cannot be used.
    """
    found = _program(program)
    if found.script:
        options.setdefault("observe", "output")
    settings = Settings.of(options)
    strategy = _strategy(settings)
    with session(found, settings) as opened:
        exploration = explore(opened, strategy, progress=progress)
        opened.runtime.calm()
        _repeat(opened, exploration)
        report = _report(opened, exploration)
    return with_hidden(found, settings, report)


def sample(
    program: Callable[[], Any] | Program | str,
    strategy: Strategy,
    *,
    contrasted: bool = True,
    **options: Any,
) -> Report:
    """Run the executions that a strategy of the caller's own asks for, and judge them.

    The options are those of `check`; the report never calls them exhaustive. Without `contrasted`
    it does not look for the nearest execution that passes.

    Raises:
        UsageError: for a program or option that cannot be used.
    """
    found = _program(program)
    settings = Settings.of({**options, "strategy": "random"})
    with session(found, settings) as opened:
        exploration = explore(opened, strategy, repeating=False)
        _repeat(opened, exploration)
        report = _report(opened, exploration, contrasted=contrasted)
    # The seed and number of `random` would lead elsewhere: what replays is the schedule.
    failures = tuple(replace(failure, sample=None) for failure in report.failures)
    return replace(report, failures=failures)


def replay(
    program: Callable[[], Any] | Program | str,
    schedule: Schedule | str | None = None,
    *,
    seed: int | str | None = None,
    **options: Any,
) -> Report:
    """Run one execution again: that of a schedule (or its token), or that of a seed.

    A `seed` of `"5:17"` means execution 17 of `--strategy random --seed 5`; `5` means `"5:0"`.
    A token brings the time mode and what is observed along.

    Raises:
        ScheduleError: when the token is damaged, belongs to another program, or leads elsewhere.
        UsageError: when neither or both of schedule and seed are given.
    """
    found = _program(program)
    if (schedule is None) == (seed is None):
        message = "replay needs a schedule or a seed, and not both"
        raise UsageError(message)
    if seed is not None:
        return _replay_seed(found, seed, options)
    assert schedule is not None
    wanted = parse(schedule) if isinstance(schedule, str) else schedule
    if wanted.fingerprint != fingerprint(found.name):
        message = (
            f"the schedule belongs to another program than {found.name!r}: replay it with the "
            "target that the failing check printed"
        )
        raise ScheduleError(message)
    for name in ("time", "granularity", "atomicity", "observe", "seed", "max_steps"):
        options[name] = getattr(wanted, name)
    settings = Settings.of(options)
    strategy = Replay(wanted.choices)
    with session(found, settings) as opened:
        exploration = explore(opened, strategy, repeating=False)
        opened.runtime.calm()
        _verify(wanted, strategy, exploration)
        return _report(opened, exploration, one=wanted.choices)


def _replay_seed(program: Program, seed: int | str, options: dict[str, Any]) -> Report:
    number, _, index = str(seed).partition(":")
    if not number.isdigit() or (index and not index.isdigit()):
        message = (
            f"seed is {seed!r}; it must be a number, or SEED:EXECUTION as a failure printed it"
        )
        raise UsageError(message)
    if program.script:
        options.setdefault("observe", "output")
    settings = Settings.of({**options, "strategy": "random", "seed": int(number), "executions": 1})
    strategy = _bounded(RandomWalk(int(number), int(index or 0)), settings)
    with session(program, settings) as opened:
        exploration = explore(opened, strategy, repeating=False)
        opened.runtime.calm()
        return _report(opened, exploration, one=exploration.last_choices, index=int(index or 0))


def _repeat(opened: Session, exploration: Exploration) -> None:
    """Run a witness again: if it leads elsewhere, the program is not deterministic."""
    if exploration.stop in (Stop.INTERRUPTED, Stop.DIVERGED):
        return
    witnesses = [entry.witness for entry in exploration.outcomes][:REPEATED]
    witnesses.extend(found.witness for found in exploration.failures[:1])
    for witness in witnesses:
        again = run_again(opened, witness.choices)
        if witness.account is not None:
            detail = difference(witness.account, again, f"execution {witness.index}")
        elif again.digest() != witness.digest:
            detail = (
                f"execution {witness.index} had {witness.steps} events, and with the same choices "
                f"it has {again.steps} others now"
            )
        else:
            detail = None
        if detail is not None:
            exploration.stop = Stop.DIVERGED
            exploration.detail = detail
            exploration.causes = Repetition(opened).causes(witness.choices)
            return


def with_hidden(program: Program, settings: Settings, report: Report) -> Report:
    """Say of each failure in a report whether the GIL of this CPython hides it."""
    kinds = {failure.kind for failure in report.failures if failure.schedule is not None}
    if report.verdict != "fail" or report.interrupted or not kinds:
        return report
    hidden = hidden_by_gil(program, settings, kinds, _strategy)
    failures = tuple(
        failure
        if failure.schedule is None
        else replace(failure, hidden_by_gil=hidden[failure.kind])
        for failure in report.failures
    )
    return replace(report, failures=failures)


def _program(program: Callable[[], Any] | Program | str) -> Program:
    if isinstance(program, Program):
        return program
    if isinstance(program, str):
        return from_target(program)
    return from_callable(program)


def _strategy(settings: Settings) -> Strategy:
    if settings.max_preemptions is not None and settings.exhaustive:
        return IterativeBound(settings.max_preemptions)
    inner: Strategy
    match settings.strategy:
        case "random":
            inner = RandomWalk(settings.seed)
        case "dfs":
            inner = DepthFirst()
        case _:
            inner = OptimalReduction(settings.time)
    return _bounded(inner, settings)


def _bounded(strategy: Strategy, settings: Settings) -> Strategy:
    if settings.max_preemptions is None:
        return strategy
    return PreemptionBound(strategy, settings.max_preemptions)


def _verify(wanted: Schedule, strategy: Replay, exploration: Exploration) -> None:
    """Make sure that a replay took the road that was recorded."""
    if exploration.stop is Stop.DIVERGED:
        raise ScheduleError(f"the schedule cannot be replayed: {exploration.detail}")
    if exploration.stop in (Stop.HUNG, Stop.UNCONTROLLED, Stop.INTERRUPTED):
        return
    if strategy.left:
        message = (
            f"the schedule cannot be replayed: {strategy.left} of {len(wanted.choices)} choices "
            "were left when the program ended: it belongs to another program, or the program "
            "has changed"
        )
        raise ScheduleError(message)
    if strategy.digest != wanted.digest:
        message = (
            "the schedule leads to other events than when it was recorded: it belongs to another "
            "program, or the program has changed since; run check again"
        )
        raise ScheduleError(message)


# -- from exploration to report -----------------------------------------------------------------


def _report(
    opened: Session,
    exploration: Exploration,
    *,
    one: tuple[int, ...] | None = None,
    index: int = 0,
    contrasted: bool = True,
) -> Report:
    """Make the report; `one` holds the choices if a single execution was replayed."""
    program, settings = opened.program, opened.settings

    def schedule(witness: Witness) -> Schedule:
        return Schedule(
            choices=witness.choices,
            fingerprint=fingerprint(program.name),
            digest=witness.digest,
            seed=settings.seed,
            time=settings.time,
            granularity=settings.granularity,
            atomicity=settings.atomicity,
            observe=settings.observe,
            max_steps=settings.max_steps,
        )

    cut = exploration.cut_witness
    judgement = judge(
        exploration,
        () if cut is None else positions(opened.record(cut.choices)),
        opened.instrumentation,
    )
    failures = [
        _explained(opened, found, schedule, index, exploration.stop, contrasted=contrasted)
        for found in exploration.failures
    ]
    runs = exploration.runs
    return Report(
        target=program.target,
        strategy=settings.strategy if one is None else "replay",
        granularity=settings.granularity,
        atomicity=settings.atomicity,
        time=settings.time,
        observe=settings.observe,
        verdict=judgement.verdict,
        exhaustive=judgement.exhaustive and one is None,
        executions=exploration.executions,
        redundant=exploration.redundant,
        blocked=exploration.blocked,
        cut=exploration.cut,
        steps_min=exploration.steps_min,
        steps_mean=exploration.steps_total / runs if runs else 0.0,
        steps_max=exploration.steps_max,
        seconds=exploration.seconds,
        threads=exploration.threads,
        covers=judgement.covers if one is None else "this one execution, and no other",
        outcomes=Outcomes(
            tuple(
                Outcome(entry.value, entry.text, entry.count, schedule(entry.witness))
                for entry in exploration.outcomes
            )
        ),
        failures=(*failures, *judgement.unreached),
        warnings=judgement.warnings,
        reasons=judgement.reasons,
        events=() if one is None or failures else tuple(opened.record(one).history),
        replay_options=_replay_options(program, settings),
        replay_words=program.replay,
        interrupted=exploration.stop is Stop.INTERRUPTED,
    )


def _explained(
    opened: Session,
    found: Found,
    schedule: Callable[[Witness], Schedule],
    index: int,
    stop: Stop,
    *,
    contrasted: bool,
) -> Failure:
    """Run a failure's witness once more, recording, and tell what happened."""
    execution = opened.record(found.witness.choices)
    # Of a program that is not deterministic another execution would say nothing.
    contrast = (
        None
        if not contrasted or stop in (Stop.DIVERGED, Stop.INTERRUPTED)
        else contrast_to(opened, found.witness.choices)
    )
    settings = opened.settings
    sample = None
    if settings.strategy == "random":
        sample = f"{settings.seed}:{index + found.witness.index}"
    return Failure(
        kind=found.kind,
        message=found.message,
        location=found.location or location_of(execution),
        schedule=schedule(found.witness),
        preemptions=found.witness.preemptions,
        count=found.count,
        sample=sample,
        detail=explain(execution),
        events=tuple(execution.history),
        output=tuple(execution.output),
        sentence=sentence_on(execution, contrast),
        waiting=told_of(execution)[len(execution.history) :],
        contrast=contrast,
        passing=schedule(contrast.witness) if isinstance(contrast, Contrast) else None,
    )


def _replay_options(program: Program, settings: Settings) -> tuple[str, ...]:
    """Return what a replay must be given beside the token to judge as this check did."""
    expect = () if settings.expect is None else ("--expect", settings.expect)
    scope = (
        *(word for pattern in settings.include for word in ("--include", pattern)),
        *(word for pattern in settings.exclude for word in ("--exclude", pattern)),
    )
    anew = ("--fresh",) if settings.fresh else ()
    return (*scope, *anew, *expect, *(("--", *program.arguments) if program.arguments else ()))
