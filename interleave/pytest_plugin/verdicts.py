"""What a verdict means to pytest: the exception with which a test fails, is skipped or xfailed."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pytest

from interleave.core.outcome import Deadlocked, Raised
from interleave.core.trace import in_stdlib
from interleave.session import session
from interleave.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from interleave.core.execution import Execution
    from interleave.core.program import Program
    from interleave.core.schedule import Schedule
    from interleave.pytest_plugin.debugger import Debugger
    from interleave.pytest_plugin.watched import Watched
    from interleave.report.report import Report

ABORTS = (KeyboardInterrupt, pytest.exit.Exception)
"""What ends the whole run of pytest."""

_PACKAGE = str(Path(__file__).parent.parent)
_OF_REPLAY = ("expect", "fail_on", "include", "exclude", "hang_seconds")
_OF_TOKEN = ("time", "granularity", "atomicity", "observe", "seed", "max_steps")


def conclude(
    report: Report,
    program: Program,
    watched: Watched,
    options: Mapping[str, Any],
    *,
    lenient: bool,
    debugger: Debugger | None = None,
) -> BaseException | None:
    """Return what the test is to raise; none if it passes.

    A failing execution is run once more for its exception; there the debugger opens. `lenient` lets
    a check pass that a bound or budget has ended, if any execution ended at all.
    """
    if watched.aborted is not None:
        return watched.aborted
    if report.interrupted:
        return KeyboardInterrupt()
    if report.verdict == "fail":
        return _failure(report, program, watched, options, debugger)
    if report.verdict == "nondeterministic":
        return failed(f"not deterministic: {'; '.join(report.reasons)}")
    if watched.xfails:
        return _own(watched.xfails[0])
    if watched.skips and len(watched.skips) == watched.runs:
        return _own(watched.skips[0])
    if report.verdict == "incomplete" and not (lenient and report.executions + report.blocked):
        return failed(
            f"incomplete: {'; '.join(report.reasons)}",
            '(a bounded check passes, with a warning, given incomplete="warn" in the mark or call, '
            "or the setting interleave_incomplete = warn)",
        )
    return None


def doubts(report: Report, watched: Watched) -> Iterator[str]:
    """Yield what a test that passes should warn of."""
    for warned in report.warnings:
        yield f"{warned.kind}: {warned.message}"
    for reason in report.reasons:
        yield f"incomplete: {reason}"
    if watched.skips:
        yield f"skipped: some executions were left by pytest.skip: {watched.skips[0]}"


def failed(*lines: str) -> BaseException:
    """Return a failure that shows these lines, and no traceback."""
    return pytest.fail.Exception("\n  ".join(lines), pytrace=False)


def is_traced(excinfo: pytest.ExceptionInfo[BaseException]) -> bool:
    """Whether a failure shows a traceback, in which the frames of the plugin are to be hidden."""
    return bool(getattr(excinfo.value, "pytrace", True))


def of_replay(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return those options of a check that a replay takes beside the token."""
    return {name: value for name, value in options.items() if name in _OF_REPLAY}


def _failure(
    report: Report,
    program: Program,
    watched: Watched,
    options: Mapping[str, Any],
    debugger: Debugger | None,
) -> BaseException:
    """Return the exception that shows a failure: the program's own, where there is one."""
    failure = report.failures[0]
    told = f"{failure.kind}: {failure.message}"
    if failure.schedule is None:
        return failed(told)
    execution = _execution(program, failure.schedule, options, watched, debugger)
    if debugger is not None and debugger.quitting is not None:
        return debugger.quitting
    match execution.ending:
        case Raised(error):
            return _own(error)
        case Deadlocked() if watched.torn_at is not None:
            waits_at = of_the_test(watched.torn_at)
            return pytest.fail.Exception(told).with_traceback(waits_at)
        case _:
            return failed(told)


def _execution(
    program: Program,
    schedule: Schedule,
    options: Mapping[str, Any],
    watched: Watched,
    debugger: Debugger | None,
) -> Execution:
    modes = {name: getattr(schedule, name) for name in _OF_TOKEN}
    settings = Settings.of({**of_replay(options), **modes})
    with session(program, settings) as opened:
        if debugger is not None and debugger.wanted:
            opened.runtime.failing = watched.failing = debugger.stop
        return opened.record(schedule.choices)


def _own(error: BaseException) -> BaseException:
    return error.with_traceback(of_the_test(error.__traceback__))


def of_the_test(traceback: TracebackType | None) -> TracebackType | None:
    """Leave out of a traceback what is ours, and what of Python's comes before the program."""
    kept: list[TracebackType] = []
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if not file.startswith(_PACKAGE) and (kept or not in_stdlib(file)):
            kept.append(traceback)
        traceback = traceback.tb_next
    chain: TracebackType | None = None
    for entry in reversed(kept):
        chain = TracebackType(chain, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return chain
