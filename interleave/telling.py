"""Tells what an exploration showed: makes the report, and runs witnesses again to explain them."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from interleave.contrast import Contrast, contrast_to, told_of
from interleave.core.schedule import Schedule, fingerprint
from interleave.exploration import Exploration, Stop
from interleave.report import races
from interleave.report.explain import explain, location_of, positions
from interleave.report.patterns import sentence_on
from interleave.report.report import Failure, Outcome, Outcomes, Report
from interleave.report.verdict import judge
from interleave.settings import DEFAULT_DEPTH, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from interleave.core.anchor import Anchor
    from interleave.core.execution import Execution, Warned
    from interleave.core.program import Program
    from interleave.exploration import Found, Identity, Witness
    from interleave.session import Session
    from interleave.shrink import Shrunk

_NAMED = 10_000
"""So many events are recorded, after an exploration, to name the choices that lead to outcomes."""


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


def report_of(
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
    sentence = sentence_on(execution, contrast)
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
        others=dict(found.others),
        sample=sample,
        detail=explain(execution),
        events=tuple(execution.history),
        output=tuple(execution.output),
        sentence=None if sentence is None else sentence.text,
        rests_on=() if sentence is None else sentence.rests_on,
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
