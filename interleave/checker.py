"""Checks and replays programs: puts strategy, exploration and report together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from interleave.core.execution import Warned
from interleave.core.program import Program, from_callable, from_target
from interleave.core.schedule import Schedule, fingerprint, parse, strip
from interleave.determinism import Repetition, difference, run_again
from interleave.errors import ScheduleError, UsageError
from interleave.exploration import Exploration, Stop
from interleave.exploring import explore
from interleave.hidden import hidden_by_gil
from interleave.judging import REPEATED
from interleave.retracing import retrace
from interleave.session import session
from interleave.settings import Settings
from interleave.shrink import shrink
from interleave.strategies.asked_for import bounded, sampler_for, sampling_for, search_for
from interleave.strategies.replay import Replay
from interleave.telling import report_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from interleave.core.execution import Execution
    from interleave.core.strategy import Strategy
    from interleave.exploration import Identity
    from interleave.report.report import Report
    from interleave.session import Session
    from interleave.shrink import Shrunk
    from interleave.strategies.portfolio import Turns
    from interleave.strategies.random_walk import RandomWalk


_SHRUNK_IN_FULL = 8
"""So many failures get the whole budget each; more of them share it."""


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
    sampler = None if settings.exhaustive else sampler_for(settings)
    strategy = search_for(settings) if sampler is None else sampling_for(sampler, settings)
    with session(program, settings) as opened:
        if sampler is not None:
            _start_at(opened, sampler, settings.first)
        exploration = explore(opened, strategy, progress=progress)
        opened.runtime.calm()
        _repeat(opened, exploration)
        shrunk = _shrink(opened, exploration) if settings.shrink else {}
        return report_of(opened, exploration, shrunk=shrunk)


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
        exploration = explore(opened, search_for(settings), repeating=False)
        opened.runtime.calm()
        _repeat(opened, exploration)
        return report_of(opened, exploration, contrasted=contrasted)


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
        report = report_of(opened, exploration, contrasted=contrasted)
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
            return report_of(opened, exploration, one=wanted.choices)
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
        return report_of(opened, exploration, one=taken)


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
    sampler = sampler_for(settings)
    with session(program, settings) as opened:
        _start_at(opened, sampler, settings.first)
        exploration = explore(opened, bounded(sampler, settings), repeating=False)
        opened.runtime.calm()
        return report_of(opened, exploration, one=exploration.last_choices)


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
    hidden = hidden_by_gil(program, settings, kinds, plain, search_for)
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


def _start_at(opened: Session, sampler: RandomWalk | Turns, first: int) -> None:
    """Let an execution be the next, as if those before it had been run."""
    teacher = sampler.teacher(first)
    if teacher is not None:
        teacher.index = -1
        teacher.begin()
        teacher.end(opened.execute(teacher))
    sampler.index = first - 1


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
