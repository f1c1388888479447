"""What the tests of the primitives share: the complete set of a program's endings."""

from __future__ import annotations

import importlib.util
import re
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

import interleave

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def endings() -> Callable[..., set[Any]]:
    """Return how a program can end: its outcomes, and its failures as `kind: message`.

    Of a deadlock it tells who waits, not for what: `deadlock of main, main.0`.
    """

    def told(failure: interleave.Failure) -> str:
        if failure.kind == "deadlock":
            return "deadlock of " + ", ".join(re.findall(r"(main[.\d]*) waits", failure.message))
        return f"{failure.kind}: {failure.message}"

    def explore(program: Callable[[], Any], **options: Any) -> set[Any]:
        report = interleave.check(program, keep_going=True, hang_seconds=5, **options)
        assert report.exhaustive, report.reasons
        return {*report.outcomes, *map(told, report.failures)}

    return explore


@pytest.fixture
def module_of(tmp_path: Path) -> Iterator[Callable[..., ModuleType]]:
    """Return a function that writes a file and imports it, outside of any check."""
    before = set(sys.modules)

    def load(source: str, name: str = "program_under_test") -> ModuleType:
        path = tmp_path / f"{name}.py"
        path.write_text(source)
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        return module

    yield load
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]
