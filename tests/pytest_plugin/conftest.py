"""What the tests of the pytest plugin share: a run of pytest over a file of tests."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

# A run in this process forgets, at its end, the modules that it was the first to import: those of
# the plugin, of which there must not be two, are imported before any.
import interleave.pytest_plugin.marked  # noqa: F401 - for what the comment says

if TYPE_CHECKING:
    from collections.abc import Callable

PRELUDE = """
import threading
import time

import pytest
from interleave import run_threads


class Counter:
    def __init__(self):
        self.value = 0
        self.lock = threading.Lock()

    def add(self):
        value = self.value
        time.sleep(0)
        self.value = value + 1

    def add_locked(self):
        with self.lock:
            self.add()
"""


@pytest.fixture
def run_tests(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., pytest.RunResult]:
    """Write a file of tests after the prelude, and run pytest over it in this process."""
    # The plugin of Hypothesis imports all of it at the end of each run, which takes a second.
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest")

    def run(source: str | None, *args: str, **options: bool) -> pytest.RunResult:
        if source is not None:
            path = pytester.path / "test_shop.py"
            path.write_text(PRELUDE + textwrap.dedent(source), encoding="utf-8")
        return pytester.runpytest_inprocess("-p", "no:cacheprovider", *args, **options)

    return run
