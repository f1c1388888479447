"""Checks and replays programs: puts strategy, exploration and report together."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from interleave._real import perf_counter
from interleave.contrast import Contrast, contrast_to, told_of
from interleave.core.execution import Warned
from interleave.core.program import Program, from_callable, from_target
from interleave.core.schedule import Schedule, fingerprint, parse, strip
from interleave.determinism import Repetition, difference, run_again
from interleave.errors import ScheduleError, UsageError
from interleave.exploration import Exploration, Stop
from interleave.exploring import explore
from interleave.hidden import hidden_by_gil
from interleave.judging import REPEATED
from interleave.report import races
from interleave.report.explain import explain, location_of, positions
from interleave.report.patterns import sentence_on
from interleave.report.report import Failure, Outcome, Outcomes, Report
from interleave.report.verdict import judge
from interleave.retracing import retrace
from interleave.session import session
from interleave.settings import DEFAULT_DEPTH, DEFAULT_RANDOM_EXECUTIONS, DEFAULT_SECONDS, Settings
from interleave.shrink import shrink
from interleave.strategies.bounds import IterativeBound, PreemptionBound
from interleave.strategies.depth_first import DepthFirst
from interleave.strategies.dpor import OptimalReduction
from interleave.strategies.pct import Pct
from interleave.strategies.portfolio import Auto, Turns
from interleave.strategies.pos import Pos
from interleave.strategies.random_walk import RandomWalk
from interleave.strategies.replay import Replay
from interleave.strategies.surw import Surw

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from interleave.core.anchor import Anchor
    from interleave.core.execution import Execution
    from interleave.core.strategy import Strategy
    from interleave.exploration import Found, Identity, Witness
    from interleave.session import Session
    from interleave.shrink import Shrunk


_SHRUNK_IN_FULL = 8
"""So many failures get the whole budget each; more of them share it."""


_FAR = 4
"""Early estimates of `dpor` are too low: what seems to need so many budgets is given up."""

_NAMED = 10_000
"""So many events are recorded, after an exploration, to name the choices that lead to outcomes."""


def check(
    program: Callable[[], Any] | Program | str,
    *,
    progress: Callable[[Exploration], None] | None = None,
    **options: Any,
) -> Report:
    """Explore the interleavings of a program and judge them.

    `program` is a callable without arguments, or a target as on the command line. The options are
    those of `interleave.settings.Settings`: `strategy` ("dpor", "dfs", "auto", "random", "pct",
    "pos", "surw"), `seed` (a number, or "5:17" for execution 17 of seed 5), `depth`, `executions`,
    `max_steps`, `max_preemptions`, `seconds`, `granularity` ("memory", "sync"), `atomicity`
    ("free-threaded", "gil"), `include`, `exclude`, `time` ("free", "idle", "ordered"), `observe`
    ("outcome", "output"), `expect`, `reach`, `keep_going`, `hang_seconds`, `fresh` (import the
    modules of the program anew for each execution), `shrink` (look for the simplest execution that
    shows a failure; true unless given), `races` (warn of data races; the default),
    `fail_on` ("race": they are failures). Without `keep_going` the first failure ends the
    exploration.

    Raises:
        UsageError: for a program or option that cannot be used.
    """
    found = program_from(program)
    if found.script:
        options.setdefault("observe", "output")
    settings = Settings.of(options)
    return with_hidden(found, settings, _checked(found, settings, progress))


def outcome_of(
    program: Program, *, progress: Callable[[Exploration], None] | None = None, **options: Any
) -> Report:
    """Check a program for who asks what comes out, and not how a failure is best shown.

    No simpler schedules are looked for, nor what the GIL hides. The rest is as in `check`.

    Raises:
        UsageError: for an option that cannot be used.
    """
    return _checked(program, Settings.of({**options, "shrink": False}), progress)


def _checked(
    program: Program, settings: Settings, progress: Callable[[Exploration], None] | None
) -> Report:
    sampler = None if settings.exhaustive else _sampler(settings)
    strategy = _search(settings) if sampler is None else _sampling(sampler, settings)
    with session(program, settings) as opened:
        if sampler is not None:
            _start_at(opened, sampler, settings.first)
        exploration = explore(opened, strategy, progress=progress)
        opened.runtime.calm()
        _repeat(opened, exploration)
        shrunk = _shrink(opened, exploration) if settings.shrink else {}
        return _report(opened, exploration, shrunk=shrunk)


def judged(
    program: Program,
    judging: Callable[[Session], Callable[[Execution], None]],
    *,
    contrasted: bool = True,
    **options: Any,
) -> Report:
    """Check a program, with a judge of the caller's own beside the usual one.

    `judging` gets the session, in which it may run other executions, and returns a function that
    sees each execution that is judged and may change its ending. The rest is as in `check`.

    Raises:
        UsageError: for a program or option that cannot be used.
    """
    settings = Settings.of(options)
    with session(program, settings) as opened:
        opened.judging = judging(opened)
        exploration = explore(opened, _search(settings), repeating=False)
        opened.runtime.calm()
        _repeat(opened, exploration)
        return _report(opened, exploration, contrasted=contrasted)


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
    found = program_from(program)
    # Who draws many interleavings reads no warnings, and telling a race takes an execution.
    options.setdefault("races", bool(options.get("fail_on")))
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

    A `seed` of `"5:17"` means execution 17 of `--seed 5`, of the `strategy` that is given (and its
    `depth`), or else of `random`; `5` means `"5:0"`.
    A token brings the time mode and what is observed along.

    Raises:
        ScheduleError: when the token is damaged, belongs to another program, or leads elsewhere.
        UsageError: when neither or both of schedule and seed are given.
    """
    found = program_from(program)
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
    with session(found, settings) as opened:
        exploration, problem = _strictly(opened, wanted.choices, wanted.digest)
        if problem is None:
            return _report(opened, exploration, one=wanted.choices)
        execution = retrace(opened, wanted, problem)
        opened.runtime.calm()
        taken = strip(execution.choices)
        exploration, problem = _strictly(opened, taken, execution.digest())
        if problem is not None:
            raise ScheduleError(problem)
        exploration.warnings.append(
            Warned(
                "replayed-by-names",
                "the program has changed since the schedule was recorded: it was replayed by the "
                f"names of its operations (switches found again: all of {len(wanted.anchors)})",
            )
        )
        return _report(opened, exploration, one=taken)


def _strictly(
    opened: Session, choices: tuple[int, ...], digest: int
) -> tuple[Exploration, str | None]:
    """Replay choices by their numbers; say what is wrong if they lead to other events."""
    strategy = Replay(choices)
    exploration = explore(opened, strategy, repeating=False)
    opened.runtime.calm()
    return exploration, _problem(choices, digest, strategy, exploration)


def _replay_seed(program: Program, seed: int | str, options: dict[str, Any]) -> Report:
    if program.script:
        options.setdefault("observe", "output")
    settings = Settings.of(
        {"strategy": "random", **options, "seed": str(seed), "executions": 1},
    )
    if settings.exhaustive:
        message = f"{settings.strategy} samples nothing, so that no seed leads to an execution"
        raise UsageError(message)
    sampler = _sampler(settings)
    with session(program, settings) as opened:
        _start_at(opened, sampler, settings.first)
        exploration = explore(opened, _bounded(sampler, settings), repeating=False)
        opened.runtime.calm()
        return _report(opened, exploration, one=exploration.last_choices)


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
    """Say of each failure in a report whether the GIL of this CPython hides it.

    Where no task was left that could have gone on, the GIL has no say.
    """
    shown = [failure for failure in report.failures if failure.schedule is not None]
    kinds = {failure.kind for failure in shown}
    if report.verdict != "fail" or report.interrupted or not kinds:
        return report
    plain = {failure.kind for failure in shown if not failure.preemptions}
    hidden = hidden_by_gil(program, settings, kinds, plain, _search)
    failures = tuple(
        failure
        if failure.schedule is None
        else replace(failure, hidden_by_gil=hidden[failure.kind])
        for failure in report.failures
    )
    return replace(report, failures=failures)


def _shrink(opened: Session, exploration: Exploration) -> dict[Identity, Shrunk]:
    """Give each failure its simplest witness."""
    found_out: dict[Identity, Shrunk] = {}
    share = -(-len(exploration.failures) // _SHRUNK_IN_FULL)
    for found in exploration.failures:
        # What cannot be run again as it was had better be shown as it was seen.
        if exploration.stop in (Stop.DIVERGED, Stop.HUNG, Stop.UNCONTROLLED, Stop.INTERRUPTED):
            break
        shrunk = shrink(opened, found, share=share)
        if shrunk is None:
            continue
        found.witness = shrunk.witness
        found_out[found.identity] = shrunk
        if shrunk.interrupted:
            exploration.stop = Stop.INTERRUPTED
    return found_out


def program_from(program: Callable[[], Any] | Program | str) -> Program:
    """Return the program that a callable or a target means.

    Raises:
        UsageError: when it cannot be used.
    """
    if isinstance(program, Program):
        return program
    if isinstance(program, str):
        return from_target(program)
    return from_callable(program)


def _search(settings: Settings) -> Strategy:
    """Return the strategy that tries everything."""
    if settings.max_preemptions is not None:
        return IterativeBound(settings.max_preemptions)
    name = settings.search if settings.strategy == "auto" else settings.strategy
    return DepthFirst() if name == "dfs" else OptimalReduction(settings.time)


def _sampler(settings: Settings) -> RandomWalk | Turns:
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


def _sampling(sampler: RandomWalk | Turns, settings: Settings) -> Strategy:
    """Return the strategy that samples, and with `auto` tries everything before if there is room.

    The search has half of the budget, and ends before that if what is left is estimated to be far
    more.
    """
    sampling = _bounded(sampler, settings)
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

    return Auto(_search(settings), sampling, sampler.sampling, is_over)


def _start_at(opened: Session, sampler: RandomWalk | Turns, first: int) -> None:
    """Let an execution be the next, as if those before it had been run."""
    teacher = sampler.teacher(first)
    if teacher is not None:
        teacher.index = -1
        teacher.begin()
        teacher.end(opened.execute(teacher))
    sampler.index = first - 1


def _bounded(strategy: Strategy, settings: Settings) -> Strategy:
    if settings.max_preemptions is None:
        return strategy
    return PreemptionBound(strategy, settings.max_preemptions)


def _problem(
    choices: tuple[int, ...], digest: int, strategy: Replay, exploration: Exploration
) -> str | None:
    """Say why a replay did not take the road that was recorded; none if it did."""
    if exploration.stop is Stop.DIVERGED:
        return f"the schedule cannot be replayed: {exploration.detail}"
    if exploration.stop in (Stop.HUNG, Stop.UNCONTROLLED, Stop.INTERRUPTED):
        return None
    if strategy.left:
        return (
            f"the schedule cannot be replayed: {strategy.left} of {len(choices)} choices "
            "were left when the program ended: it belongs to another program, or the program "
            "has changed"
        )
    if strategy.digest != digest:
        return (
            "the schedule leads to other events than when it was recorded: it belongs to another "
            "program, or the program has changed since; run check again"
        )
    return None


# -- from exploration to report -----------------------------------------------------------------


def schedule_of(
    program: Program, settings: Settings, witness: Witness, anchors: tuple[Anchor, ...] = ()
) -> Schedule:
    """Return the schedule that runs a witness again; `anchors` are its choices by names."""
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
        anchors=anchors,
    )


def _report(
    opened: Session,
    exploration: Exploration,
    *,
    one: tuple[int, ...] | None = None,
    contrasted: bool = True,
    shrunk: Mapping[Identity, Shrunk] = MappingProxyType({}),
) -> Report:
    """Make the report; `one` holds the choices if a single execution was replayed."""
    program, settings = opened.program, opened.settings

    def schedule(witness: Witness, recorded: Execution | None = None) -> Schedule:
        # Of a program that is not deterministic another execution tells other names.
        same = recorded is not None and recorded.digest() == witness.digest
        anchors = recorded.anchors if recorded is not None and same else ()
        return schedule_of(program, settings, witness, anchors)

    cut = exploration.cut_witness
    judgement = judge(
        exploration,
        () if cut is None else positions(opened.record(cut.choices)),
        opened.instrumentation,
    )
    failures = [
        replace(
            _explained(opened, found, schedule, exploration, contrasted=contrasted),
            shrunk=shrunk.get(found.identity),
        )
        for found in exploration.failures
    ]
    warned, failed = _races(opened, exploration, schedule)
    failures.extend(failed)
    named = _named(opened, exploration) if contrasted else {}
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
                Outcome(
                    *(entry.value, entry.text, entry.count),
                    schedule(entry.witness, named.get(entry.witness.index)),
                )
                for entry in exploration.outcomes
            )
        ),
        failures=(*failures, *judgement.unreached),
        warnings=(*judgement.warnings, *warned),
        reasons=judgement.reasons,
        events=() if one is None or failures else tuple(opened.record(one).history),
        replay_options=_replay_options(program, settings),
        replay_words=program.replay,
        sampled_by=_sampled_by(settings),
        interrupted=exploration.stop is Stop.INTERRUPTED,
        left=judgement.left,
    )


def _named(opened: Session, exploration: Exploration) -> dict[int, Execution]:
    """Record the executions that show outcomes, by their index, for the names in their schedules.

    With very many outcomes, or long executions, those of the first ones alone are named.
    """
    found: dict[int, Execution] = {}
    if exploration.stop in (Stop.DIVERGED, Stop.INTERRUPTED):
        return found
    left = _NAMED
    for entry in exploration.outcomes:
        witness = entry.witness
        left -= witness.steps
        if left < 0:
            break
        if witness.choices:
            found[witness.index] = opened.record(witness.choices)
    return found


def _races(
    opened: Session, exploration: Exploration, schedule: Callable[..., Schedule]
) -> tuple[list[Warned], list[Failure]]:
    """Tell the data races, as warnings or as failures, each by a witness that is run once more."""
    found = exploration.races
    warnings: list[Warned] = []
    failures: list[Failure] = []
    if exploration.stop is Stop.DIVERGED:
        return warnings, failures  # what happens before what is not known
    for race, witness in races.in_order(found)[: races.MANY]:
        execution = opened.record(witness.choices, stacks=True)
        told = races.told(race, execution, schedule(witness, execution))
        if opened.settings.fail_on:
            failures.append(races.as_failure(told, witness, execution))
        else:
            warnings.append(told)
    if len(found) > races.MANY:
        warnings.append(races.left_out(len(found) - races.MANY))
    return warnings, failures


def _explained(
    opened: Session,
    found: Found,
    schedule: Callable[..., Schedule],
    exploration: Exploration,
    *,
    contrasted: bool,
) -> Failure:
    """Run a failure's witness once more, recording, and tell what happened."""
    execution = opened.record(found.witness.choices)
    # Of a program that is not deterministic another execution would say nothing.
    contrast = (
        None
        if not contrasted or exploration.stop in (Stop.DIVERGED, Stop.INTERRUPTED)
        else contrast_to(opened, found.witness.choices)
    )
    settings = opened.settings
    sample = None
    since = exploration.sampled_from
    if since is not None and found.witness.index >= since:
        sample = f"{settings.seed}:{settings.first + found.witness.index - since}"
    return Failure(
        kind=found.kind,
        message=found.message,
        location=found.location or location_of(execution),
        schedule=schedule(found.witness, execution),
        preemptions=found.witness.preemptions,
        count=found.count,
        sample=sample,
        detail=explain(execution),
        events=tuple(execution.history),
        output=tuple(execution.output),
        sentence=sentence_on(execution, contrast),
        waiting=told_of(execution)[len(execution.history) :],
        contrast=contrast,
        passing=(
            schedule(contrast.witness, opened.record(contrast.witness.choices))
            if isinstance(contrast, Contrast)
            else None
        ),
    )


def _sampled_by(settings: Settings) -> str | None:
    """Return the options that a seed belongs to, where those are not the default."""
    if settings.exhaustive or settings.strategy == "random":
        return None
    deep = settings.strategy in ("pct", "auto") and settings.depth != DEFAULT_DEPTH
    return f"{settings.strategy} --depth {settings.depth}" if deep else settings.strategy


def _replay_options(program: Program, settings: Settings) -> tuple[str, ...]:
    """Return what a replay must be given beside the token to judge as this check did."""
    expect = () if settings.expect is None else ("--expect", settings.expect)
    scope = (
        *(word for pattern in settings.include for word in ("--include", pattern)),
        *(word for pattern in settings.exclude for word in ("--exclude", pattern)),
    )
    anew = ("--fresh",) if settings.fresh else ()
    racing = tuple(word for what in settings.fail_on for word in ("--fail-on", what))
    return (
        *scope,
        *anew,
        *racing,
        *expect,
        *(("--", *program.arguments) if program.arguments else ()),
    )
