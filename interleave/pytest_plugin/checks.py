"""The checks of one test: what they are given, what is counted, and how they let it fail."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from interleave import checker, recheck
from interleave.core.program import Program, from_callable
from interleave.core.schedule import fingerprint, parse
from interleave.errors import InterleaveWarning, UsageError
from interleave.pytest_plugin import options, verdicts
from interleave.pytest_plugin.summary import COUNTEREXAMPLE, counts_of
from interleave.pytest_plugin.watched import Watched
from interleave.store import FOLDER, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from interleave.pytest_plugin.debugger import Debugger
    from interleave.report.report import Report

_STORE = pytest.StashKey[Store]()
_MESSAGES = pytest.StashKey[list[str]]()


class Checks:
    """What the fixture `interleave` gives to a test."""

    def __init__(self, item: pytest.Item) -> None:
        self._item = item
        self._names: list[str] = []
        self._counts = counts_of(item)

    def check(self, program: Callable[[], Any], *, raising: bool = True, **given: Any) -> Report:
        """Explore the interleavings of a program, and return the report.

        The options are those of `interleave.check`, and `incomplete` ("fail" or "warn"). Unless the
        check passes the test fails here, with the exception of the program if there is one; with
        `raising=False` the report is returned whatever it says.
        """
        __tracebackhide__ = True
        try:
            name = f"{self._item.nodeid} {from_callable(program).name.rpartition(':')[2]}"
        except UsageError as error:
            raise verdicts.failed(f"interleave: {error}") from None
        self._names.append(name)
        if (again := self._names.count(name)) > 1:
            name = f"{name} ({again})"
        watched = Watched(self._item, program)
        return self.run(watched, name, given, raising=raising)

    def run(
        self, watched: Watched, name: str, given: Mapping[str, Any], *, raising: bool = True
    ) -> Report:
        """Check or replay one program; let the test fail unless it passes."""
        __tracebackhide__ = verdicts.is_traced
        program = Program(watched.call, name, name, replay=_replay_words(self._item))
        try:
            found, lenient = options.of_check(self._item.config, given)
            observing = found.get("observe") == "output"
            with watched.captured.around_check(observing=observing):
                report = self._report(program, found)
                debugger = self._debugger(report) if raising else None
                error = verdicts.conclude(
                    report, program, watched, found, lenient=lenient, debugger=debugger
                )
        except UsageError as wrong:
            raise verdicts.failed(f"interleave: {wrong}") from None
        self._count(report)
        watched.captured.show_output()
        if error is not None and (raising or isinstance(error, verdicts.ABORTS)):
            self._item.stash[COUNTEREXAMPLE] = (error, _beside_pytest(report))
            raise error
        if raising:
            self._warn(verdicts.doubts(report, watched))
        return report

    def _debugger(self, report: Report) -> Debugger | None:
        if not self._item.config.getoption("usepdb"):
            return None
        from interleave.pytest_plugin.debugger import Debugger

        debugger = Debugger(self._item, verdicts.of_the_test)
        debugger.text = _beside_pytest(report)
        return debugger

    def _warn(self, messages: Iterable[str]) -> None:
        __tracebackhide__ = verdicts.is_traced
        for message in messages:
            try:
                self._item.warn(InterleaveWarning(message))
            except InterleaveWarning as error:  # where warnings are errors
                raise verdicts.failed(f"InterleaveWarning: {error}") from None

    def close(self) -> None:
        """Make sure, at the end of a test, that it has replayed what it was told to."""
        token = self._item.config.getoption("interleave_replay")
        if token is not None and not self._counts["replayed"]:
            pytest.fail(
                f"interleave: the schedule {token} belongs to no check of this test", pytrace=False
            )

    def _report(self, program: Program, found: dict[str, Any]) -> Report:
        config = self._item.config
        token = config.getoption("interleave_replay")
        if token is not None:
            schedule = parse(token)
            mine = schedule.fingerprint == fingerprint(program.name)
            if mine or not self._names:  # a marked test has one program, and can be meant alone
                report = checker.replay(program, schedule, **verdicts.of_replay(found))
                self._counts["replayed"] = True
                return report
        if not options.keeps_failures(config):
            return checker.check(program, **found)
        report = recheck.check(program, _store(config), program.name, **found)
        self._counts["messages"].extend(config.stash[_MESSAGES])
        config.stash[_MESSAGES].clear()
        return report

    def _count(self, report: Report) -> None:
        counts = self._counts
        counts["checks"] += 1
        counts["executions"] += report.executions + report.blocked + report.cut + report.redundant
        counts["exhaustive"] = counts["exhaustive"] and report.exhaustive


def _store(config: pytest.Config) -> Store:
    """Return the store of this run; what it has to say is said at the end of the run."""
    messages = config.stash.setdefault(_MESSAGES, [])
    if _STORE not in config.stash:
        config.stash[_STORE] = Store(config.rootpath / FOLDER, messages.append)
    return config.stash[_STORE]


def _replay_words(item: pytest.Item) -> tuple[str, ...]:
    """Return the command that replays an execution of a test, from where pytest was started."""
    path, colons, rest = item.nodeid.partition("::")
    here = item.config.invocation_params.dir
    relative = os.path.relpath(item.config.rootpath / path, here)
    return ("pytest", f"{relative}{colons}{rest}", "--interleave-replay")


def _beside_pytest(report: Report) -> str:
    """Return the text of a report without what pytest itself shows: output, and reasons."""
    silent = tuple(replace(failure, output=()) for failure in report.failures)
    return str(replace(report, failures=silent, reasons=()))
