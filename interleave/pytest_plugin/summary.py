"""What a run of pytest says about its checks: the counterexamples, and a line at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _pytest.terminal import TerminalReporter

Counts = dict[str, Any]
"""What is counted of one test, as it travels from a worker of xdist: only plain values."""

COUNTS = pytest.StashKey[Counts]()
COUNTEREXAMPLE = pytest.StashKey[tuple[BaseException, str]]()


def counts_of(item: pytest.Item) -> Counts:
    """Return what has been counted of a test, to be added to."""
    return item.stash.setdefault(
        COUNTS,
        {"checks": 0, "executions": 0, "exhaustive": True, "replayed": False, "messages": []},
    )


def complete(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """Add the counterexample to the report of a test, and what was counted."""
    counts = item.stash.get(COUNTS, None)
    if counts is not None:
        report.interleave = counts  # type: ignore[attr-defined]  # reports carry what plugins add
    error, text = item.stash.get(COUNTEREXAMPLE, (None, ""))
    add_section = getattr(report.longrepr, "addsection", None)
    if (
        error is not None
        and call.excinfo is not None
        and call.excinfo.value is error
        and add_section
    ):
        add_section("interleave", text)


class Summary:
    """Collects what was counted, in this process or by the workers of xdist."""

    def __init__(self, config: pytest.Config) -> None:
        self._replaying = config.getoption("interleave_replay") is not None
        self._counts: dict[str, Counts] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what a test has counted."""
        counts = getattr(report, "interleave", None)
        if counts is not None and counts["checks"]:
            self._counts[report.nodeid] = counts

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        """Say how much was checked, and how well."""
        if terminalreporter.verbosity > 0:
            for nodeid, counts in self._counts.items():
                terminalreporter.write_line(f"interleave: {nodeid}: {_told([counts])}")
        if self._counts:
            number = _counted(len(self._counts), "test")
            terminalreporter.write_line(f"interleave: {number}, {_told(self._counts.values())}")
        if self._replaying and not any(counts["replayed"] for counts in self._counts.values()):
            terminalreporter.write_line(
                "interleave: --interleave-replay was given, and no selected test replayed it"
            )
        messages = [text for counts in self._counts.values() for text in counts["messages"]]
        for message in dict.fromkeys(messages):
            terminalreporter.write_line(f"interleave: {message}")


def _told(counts: Iterable[Counts]) -> str:
    """Say how many executions there were, and how many tests were checked exhaustively."""
    counts = list(counts)
    executions = _counted(sum(item["executions"] for item in counts), "execution")
    full = sum(item["exhaustive"] for item in counts)
    if all(item["replayed"] for item in counts):
        extent = "replayed"
    elif full == len(counts):
        extent = "exhaustive" if full == 1 else "all exhaustive"
    elif not full:
        extent = "not exhaustive" if len(counts) == 1 else "none exhaustive"
    else:
        extent = f"{full} exhaustive, {len(counts) - full} not"
    return f"{executions}; {extent}"


def _counted(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
