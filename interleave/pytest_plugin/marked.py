"""A marked test as a program: its body, with fixtures of its own in each execution."""

from __future__ import annotations

import functools
import inspect
import shutil
import unittest
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from interleave.pytest_plugin.checks import Checks
from interleave.pytest_plugin.options import MARK
from interleave.pytest_plugin.watched import Watched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_ONCE = {"tmp_path": "_pytest.tmpdir", "tmpdir": "_pytest.legacypath"}
"""The function-scoped fixtures of pytest that a test gets once: a folder, emptied each time."""


def prepare(item: pytest.Item) -> None:
    """Refuse what cannot be checked; leave function-scoped fixtures to the executions."""
    _refuse(item)
    assert isinstance(item, pytest.Function)
    for name in _fresh(item):
        item.funcargs[name] = None


def check(item: pytest.Function) -> None:
    """Check a marked test, and let it pass or fail by what comes out."""
    __tracebackhide__ = True
    checks = Checks(item)
    with _Marked(item).around_check() as watched:
        checks.run(watched, item.nodeid, _given(item))


def _given(item: pytest.Item) -> dict[str, Any]:
    """Return the options of the marks; one that is nearer to the test counts more."""
    given: dict[str, Any] = {}
    for mark in reversed(list(item.iter_markers(MARK))):
        if mark.args:
            pytest.fail(
                f"@pytest.mark.{MARK} takes its options by name, and was given {mark.args!r}",
                pytrace=False,
            )
        given.update(mark.kwargs)
    return given


def _refuse(item: pytest.Item) -> None:
    problem = None
    if not isinstance(item, pytest.Function):
        problem = "only a test function can be checked"
    elif isinstance(item.cls, type) and issubclass(item.cls, unittest.TestCase):
        problem = (
            "a method of unittest.TestCase is run by unittest, which cannot run it anew in each "
            "execution: use a plain class, or call interleave.check(program).raise_for_failure()"
        )
    elif inspect.iscoroutinefunction(item.function):
        problem = "it is a coroutine, and interleave checks threads"
    elif inspect.isgeneratorfunction(item.function):
        problem = "it is a generator"
    elif getattr(item.function, "is_hypothesis_test", False):
        problem = (
            "Hypothesis draws other data in each execution; leave out the mark, and call "
            "interleave.hypothesis.check_all(program) in the test"
        )
    if problem is not None:
        pytest.fail(f"@pytest.mark.{MARK} cannot be used here: {problem}", pytrace=False)


def _definitions(item: pytest.Function) -> dict[str, pytest.FixtureDef[Any]]:
    """Return the definition that counts of each fixture that a test needs."""
    found = item._fixtureinfo.name2fixturedefs
    return {name: found[name][-1] for name in item.fixturenames if found.get(name)}


def _fresh(item: pytest.Function) -> list[str]:
    return [
        name
        for name, definition in _definitions(item).items()
        if definition.scope == "function" and not _is_once(name, definition)
    ]


def _is_once(name: str, definition: pytest.FixtureDef[Any]) -> bool:
    return getattr(definition.func, "__module__", None) == _ONCE.get(name, "")


class _Marked(Watched):
    """Runs the body of a marked test, with fresh function-scoped fixtures and a fresh instance."""

    item: pytest.Function

    def __init__(self, item: pytest.Function) -> None:
        super().__init__(item, item.function)
        definitions = _definitions(item)
        fresh = set(_fresh(item))
        self._shared = {name: one for name, one in definitions.items() if name not in fresh}
        values = {
            name: one.cached_result[0]
            for name, one in self._shared.items()
            if one.cached_result is not None
        }
        functions = [definition.func for definition in definitions.values()]
        parameters = item.callspec.params if hasattr(item, "callspec") else {}
        self._folder: Path | None = values.get("tmp_path") if "tmp_path" in self._shared else None
        # The names show in reports, as those of objects that were made before the check.
        self.call = functools.partial(
            self._run, item.function, functions, parameters, **_safe(values)
        )
        self.call.__name__ = item.name  # type: ignore[attr-defined]  # a partial has a __dict__

    @contextmanager
    def around_check(self) -> Iterator[_Marked]:
        """Put back, after a check, the values of the fixtures that all executions share."""
        results = {name: one.cached_result for name, one in self._shared.items()}
        try:
            yield self
        finally:
            for name, one in self._shared.items():
                one.cached_result = results[name]

    def _execute(self, body: Any, values: dict[str, Any]) -> Any:
        __tracebackhide__ = True
        item = self.item
        self._empty_folder()
        for name, value in values.items():  # a lock has a simulated twin while a check runs
            cached = self._shared[name].cached_result
            if cached is not None and cached[0] is not value:
                self._shared[name].cached_result = (value, *cached[1:])
        _renew(item)
        finalizers = item.session._setupstate.stack[item][0]
        before = len(finalizers)
        try:
            item._request._fillfixtures()
            arguments = {name: item.funcargs[name] for name in item._fixtureinfo.argnames}
            value = item.obj(**arguments)
        except BaseException as error:
            if self.failing is not None:  # before the fixtures are torn down
                self.failing(error)
            try:
                self._finish(finalizers, before)
            except Exception as later:  # noqa: BLE001 - the first failure stands
                error.add_note(f"afterwards a fixture failed too: {later!r}")
            raise
        self._finish(finalizers, before)
        return value

    def _finish(self, finalizers: list[Callable[[], object]], before: int) -> None:
        """Tear down the fixtures of an execution, the last first; the first error stands."""
        failed: BaseException | None = None
        while len(finalizers) > before:
            finalizer = finalizers.pop()
            if self._ends_shared(finalizer):
                continue
            try:
                finalizer()
            except Exception as error:  # noqa: BLE001 - the others are torn down all the same
                failed = failed or error
        if failed is not None:
            raise failed

    def _ends_shared(self, finalizer: Any) -> bool:
        """Whether a finalizer ends what other executions need too: pytest 8 adds it each time."""
        owner = getattr(getattr(finalizer, "func", None), "__self__", None)
        return any(owner is definition for definition in self._shared.values())

    def _empty_folder(self) -> None:
        if self._folder is None:
            return
        for path in self._folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def _safe(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name.isidentifier()}


def _renew(item: pytest.Function) -> None:
    """Give the test a new instance of its class, and a new request without values."""
    if isinstance(item.parent, pytest.Class):
        item.__dict__.pop("_instance", None)
        item.__dict__.pop("_obj", None)
    item._initrequest()
