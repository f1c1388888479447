"""The pytest plugin: a marked test, or the fixture `interleave`, checks every interleaving.

pytest imports this module in every run. What a check needs is imported when there is one.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from interleave.pytest_plugin import options, summary
from interleave.pytest_plugin.options import MARK

if TYPE_CHECKING:
    from collections.abc import Generator

    from interleave.pytest_plugin.checks import Checks


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and settings."""
    options.add(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known, and count what is checked."""
    config.addinivalue_line(
        "markers",
        f"{MARK}(strategy=..., max_preemptions=..., ...): check every interleaving of the threads "
        "that this test starts; the options are those of interleave.check",
    )
    config.pluginmanager.register(summary.Summary(config), "interleave-summary")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave the function-scoped fixtures of a marked test to its executions."""
    if item.get_closest_marker(MARK) is not None:
        from interleave.pytest_plugin import marked

        marked.prepare(item)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Check a marked test instead of running it once."""
    __tracebackhide__ = True
    if pyfuncitem.get_closest_marker(MARK) is None:
        return None
    from interleave.pytest_plugin import marked

    marked.check(pyfuncitem)
    return True


@pytest.fixture(name=MARK)
def _interleave(request: pytest.FixtureRequest) -> Generator[Checks, None, None]:
    """Check programs inside a test: `interleave.check(program, **options)` returns the report."""
    from interleave.pytest_plugin.checks import Checks

    checks = Checks(request.node)
    yield checks
    checks.close()


def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> None:
    """Refuse to set up, inside an execution, what has to outlive it."""
    context = sys.modules.get("interleave.core.context")
    if context is None or not context.in_task():
        return
    fresh = fixturedef.scope == "function" and request.node.get_closest_marker(MARK) is not None
    if not fresh:
        fixturedef._finalizers.clear()  # it is not set up: the next who asks begins anew
        pytest.fail(
            f"the fixture {fixturedef.argname!r} (scope {fixturedef.scope}) was asked for inside "
            "an execution, which it would outlive: let the test take it as an argument",
            pytrace=False,
        )


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, Any, None]:
    """Add the counterexample to the report of a test, and what was counted."""
    outcome = yield
    if call.when == "call":
        summary.complete(item, call, outcome.get_result())


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Let pytest open the debugger again, where a test has opened it inside an execution."""
    debugger = sys.modules.get("interleave.pytest_plugin.debugger")
    if debugger is not None:
        debugger.resume(item)


def pytest_enter_pdb() -> None:
    """Let nobody hurry who looks at an execution in the debugger."""
    _pause(paused=True)


def pytest_leave_pdb() -> None:
    """Watch again for programs that hang."""
    _pause(paused=False)


def pytest_unconfigure() -> None:
    """Watch again, too, where the debugger was left by quitting it."""
    _pause(paused=False)


def _pause(*, paused: bool) -> None:
    watchdog = sys.modules.get("interleave.core.watchdog")
    if watchdog is not None:
        watchdog.pause(paused=paused)
