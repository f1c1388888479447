"""What came of a folder of models, as data, as text and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interleave.report import as_json, text

if TYPE_CHECKING:
    from pathlib import Path

    from interleave.report.report import Report
    from interleave.report.timeline import Line


@dataclass(frozen=True, slots=True)
class Checked:
    """A model that was checked: in which points it is not as declared (none: all is well).

    `report` is none if it was not run, and `differences` then says why.
    """

    target: str
    report: Report | None
    differences: tuple[str, ...]

    @property
    def as_declared(self) -> bool:
        """Whether it was run, and all came out as declared."""
        return self.report is not None and not self.differences


def line(result: Checked) -> Line:
    """Say in one line how a model came out, with its style."""
    report = result.report
    if report is None:
        return "yellow", f"-   {result.target}  {result.differences[0]}"
    extent = "exhaustive" if report.exhaustive else "not exhaustive"
    runs = report.executions + report.blocked + report.cut
    numbers = (
        f"{text.counted(runs, 'execution')}, {extent}, "
        f"{text.counted(len(report.outcomes), 'outcome')}, {report.seconds:.2f} s"
    )
    if result.as_declared:
        return "green", f"ok  {result.target}  {report.verdict}: {numbers}"
    return "bold red", f"NO  {result.target}  {report.verdict}: {numbers}"


def as_object(path: Path, results: list[Checked], *, passed: bool) -> dict[str, Any]:
    """Return what `--format json` prints for a folder."""
    return {
        "schema": as_json.SCHEMA,
        "target": str(path),
        "verdict": "pass" if passed else "fail",
        "models": [
            {
                "target": item.target,
                "as_declared": item.as_declared,
                "differences": list(item.differences),
                "report": None if item.report is None else as_json.as_object(item.report),
            }
            for item in results
        ],
    }
