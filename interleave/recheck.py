"""A check that replays the failures kept from earlier checks first, and keeps what it finds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interleave import checker
from interleave.errors import ScheduleError
from interleave.settings import Settings
from interleave.store import Kept

if TYPE_CHECKING:
    from collections.abc import Callable

    from interleave.core.program import Program
    from interleave.exploration import Exploration
    from interleave.report.report import Failure, Report
    from interleave.store import Store

_OF_REPLAY = ("expect", "fail_on", "include", "exclude", "hang_seconds")


def check(
    program: Program,
    store: Store,
    name: str,
    *,
    progress: Callable[[Exploration], None] | None = None,
    **options: Any,
) -> Report:
    """Check a program, and begin with the failures that the store keeps under its name.

    One that still fails is reported at once, without exploring, unless `keep_going` is set; if the
    program was edited meanwhile and its schedule was found again by names, a new one takes its
    place. One that no longer fails, or does not fit the program any more, is dropped. Those that
    were found under other conditions (another time mode, say, or expectation) are left alone. What
    fails now is kept. The options are those of `interleave.check`.

    Raises:
        UsageError: for a program or option that cannot be used.
    """
    if program.script:
        options.setdefault("observe", "output")
    settings = Settings.of(options)
    failing: list[tuple[Kept, Report]] = []
    over: list[Kept] = []
    anew: list[Kept] = []
    for kept in store.of(name):
        if not _applies(kept, settings):
            continue
        report = _replayed(program, kept, options)
        if report is None or report.verdict == "pass":
            over.append(kept)
        elif report.verdict == "fail":
            failing.append((kept, report))
            found = _worth_keeping(report, name, settings)
            if all(item.token != kept.token for item in found):
                over.append(kept)
                anew.extend(found)
            if not settings.keep_going:
                break
    store.update(name, add=anew, drop=over)
    if failing and not settings.keep_going:
        return _told(checker.with_hidden(program, settings, failing[0][1]), store)
    report = checker.check(program, progress=progress, **options)
    if report.verdict == "fail":
        store.update(name, add=_worth_keeping(report, name, settings))
    return _joined(report, [replayed for _, replayed in failing])


def name_of(program: Program, root: Path) -> str:
    """Return the name that the store knows a program of the command line by.

    It is the same from whatever folder below the root the program is checked.
    """
    place, colon, function = program.target.rpartition(":")
    if not place.endswith(".py"):
        place, colon, function = program.target, "", ""
    if place.endswith(".py"):
        path = Path(place).resolve()
        place = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
    return " ".join((f"{place}{colon}{function}", *program.arguments))


def _applies(kept: Kept, settings: Settings) -> bool:
    """Whether a check with these settings could have found the failure."""
    modes = ("time", "granularity", "atomicity", "observe", "include", "exclude")
    limit = settings.max_preemptions
    return (
        all(getattr(kept, mode) == getattr(settings, mode) for mode in modes)
        and kept.expect in (None, settings.expect)
        and set(kept.fail_on) <= set(settings.fail_on)
        and kept.max_steps <= settings.max_steps
        and (limit is None or kept.preemptions <= limit)
    )


def _replayed(program: Program, kept: Kept, options: dict[str, Any]) -> Report | None:
    """Replay a failure; none if its schedule does not fit the program any more."""
    given = {name: value for name, value in options.items() if name in _OF_REPLAY}
    try:
        return checker.replay(program, kept.token, **given)
    except ScheduleError:
        return None


def _told(report: Report, store: Store) -> Report:
    folder = store.folder.name
    return replace(
        report,
        covers=f"a failure that an earlier check has kept in {folder} and nothing else "
        "(it is explored again once this is repaired)",
    )


def _worth_keeping(report: Report, name: str, settings: Settings) -> list[Kept]:
    return [
        _kept(report, failure, name, settings)
        for failure in report.failures
        if failure.schedule is not None
    ]


def _kept(report: Report, failure: Failure, name: str, settings: Settings) -> Kept:
    schedule = failure.schedule
    assert schedule is not None
    return Kept(
        program=name,
        kind=failure.kind,
        message=failure.message,
        location=failure.location,
        token=schedule.token,
        preemptions=failure.preemptions,
        command=report.replay_command(failure),
        time=schedule.time,
        granularity=schedule.granularity,
        atomicity=schedule.atomicity,
        observe=schedule.observe,
        max_steps=schedule.max_steps,
        expect=settings.expect if failure.kind == "expectation" else None,
        fail_on=settings.fail_on if failure.kind == "expectation" else (),
        include=tuple(settings.include),
        exclude=tuple(settings.exclude),
    )


def _joined(report: Report, replayed: list[Report]) -> Report:
    """Add kept failures that still fail, and that the exploration has not come across again."""
    known = {
        (item.kind, message, item.location)
        for item in report.failures
        for message in (item.message, *item.others)
    }
    more = [
        failure
        for item in replayed
        for failure in item.failures
        if (failure.kind, failure.message, failure.location) not in known
    ]
    if not more:
        return report
    verdict = report.verdict if report.verdict == "nondeterministic" else "fail"
    return replace(report, verdict=verdict, failures=(*report.failures, *more))
