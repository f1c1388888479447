"""How a check is set up: settings of the project, then the mark or call, then the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from interleave.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MARK = "interleave"
"""The name of the mark and of the fixture."""

_SETTINGS: dict[str, tuple[Callable[[str], Any], str]] = {
    "strategy": (str, "the strategy of a check"),
    "seed": (int, "the seed of a check"),
    "depth": (int, "the depth of the faults that pct looks for"),
    "executions": (int, "end a check after so many executions"),
    "seconds": (float, "end a check after so many real seconds"),
    "max_steps": (int, "cut an execution after so many events"),
    "max_preemptions": (int, "leave out schedules with more preemptions"),
    "granularity": (str, "what is a schedule point: memory or sync"),
    "atomicity": (str, "where another thread can come in: free-threaded or gil"),
    "time": (str, "what durations promise: free, idle or ordered"),
    "fail_on": (str, "make a failure of what is a warning else: race"),
    "hang_seconds": (float, "give up on a program that does not come back for so many seconds"),
}
_INCOMPLETE = ("fail", "warn")


def add(parser: pytest.Parser) -> None:
    """Add the options of the command line, and the settings of the project."""
    group = parser.getgroup(MARK, "checking every interleaving (interleave)")
    group.addoption("--interleave-strategy", metavar="NAME", help="the strategy of every check")
    group.addoption(
        "--interleave-seed",
        metavar="N[:EXECUTION]",
        help="the seed of every check, or one execution of it",
    )
    group.addoption(
        "--interleave-executions",
        metavar="N",
        type=int,
        help="end every check after so many executions",
    )
    group.addoption(
        "--interleave-seconds",
        metavar="S",
        type=float,
        help="end every check after so many real seconds",
    )
    group.addoption(
        "--interleave-fail-on",
        metavar="WHAT",
        help="make a failure of what is a warning else: race",
    )
    group.addoption(
        "--interleave-replay",
        metavar="TOKEN",
        help="run the one execution that a failure's token stands for, instead of a check",
    )
    group.addoption(
        "--interleave-no-store",
        action="store_true",
        help="neither keep failures in .interleave nor replay those that are kept",
    )
    for name, (_, explanation) in _SETTINGS.items():
        parser.addini(f"interleave_{name}", f"{explanation}, unless the test says it")
    parser.addini(
        "interleave_incomplete",
        "whether a check that was ended by a bound or budget lets its test fail (the default) or "
        "warn",
    )
    parser.addini(
        "interleave_store",
        "keep failures in .interleave, and replay those that are kept first",
        type="bool",
        default=True,
    )


def of_check(config: pytest.Config, given: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """Return the options of a check, and whether it may be incomplete without a failure.

    `given` are those of the mark or call.

    Raises:
        UsageError: for a value that cannot be used.
    """
    found = {name: _setting(config, name) for name in _SETTINGS}
    found = {name: value for name, value in found.items() if value is not None}
    incomplete = config.getini("interleave_incomplete") or "fail"
    found.update(given)
    incomplete = found.pop("incomplete", incomplete)
    if incomplete not in _INCOMPLETE:
        message = f"incomplete is {incomplete!r}; it must be one of: {', '.join(_INCOMPLETE)}"
        raise UsageError(message)
    for name in ("strategy", "seed", "executions", "seconds", "fail_on"):
        value = config.getoption(f"interleave_{name}")
        if value is not None:
            found[name] = value
    return found, incomplete == "warn"


def _setting(config: pytest.Config, name: str) -> Any:
    text = config.getini(f"interleave_{name}")
    if not text:
        return None
    kind = _SETTINGS[name][0]
    try:
        return kind(text)
    except ValueError:
        what = "a whole number" if kind is int else "a number"
        message = f"the setting interleave_{name} is {text!r}; it must be {what}"
        raise UsageError(message) from None


def keeps_failures(config: pytest.Config) -> bool:
    """Whether failures are kept in the store.

    Raises:
        UsageError: for a setting that is neither true nor false.
    """
    try:
        keeps = bool(config.getini("interleave_store"))
    except (ValueError, pytest.UsageError):  # which one depends on the version of pytest
        given = config.inicfg.get("interleave_store")
        message = f"the setting interleave_store is {given!r}; it must be true or false"
        raise UsageError(message) from None
    return keeps and not config.getoption("interleave_no_store")
