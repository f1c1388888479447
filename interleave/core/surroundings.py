"""What a program may change around itself, beyond its own objects: noted, compared, put back."""

from __future__ import annotations

import gc
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Surroundings:
    """How the interpreter was when a check began."""

    def __init__(self) -> None:
        self._before = _look()

    def changed(self) -> Iterator[tuple[str, Any, Any]]:
        """Yield what is not as it was: what it is called, its value before, and its value now."""
        now = _look()
        for name, before in self._before.items():
            if now[name] != before:
                yield name, before, now[name]

    def restore(self) -> None:
        """Make everything as it was."""
        for name, before, _ in list(self.changed()):
            _RESTORED[name](before)


def _folder() -> str | None:
    try:
        return str(Path.cwd())
    except FileNotFoundError:  # it was deleted
        return None


def _look() -> dict[str, Any]:
    return {
        "the recursion limit": sys.getrecursionlimit(),
        "the switch interval": sys.getswitchinterval(),
        "the current folder": _folder(),
        "os.environ": dict(os.environ),
        "sys.argv": list(sys.argv),
        "sys.path": list(sys.path),
        "sys.stdin": sys.stdin,
        "sys.excepthook": sys.excepthook,
        "sys.unraisablehook": sys.unraisablehook,
        "sys.displayhook": sys.displayhook,
        "warnings.filters": list(warnings.filters),
        "warnings.showwarning": warnings.showwarning,
        "the garbage collector's thresholds": gc.get_threshold(),
        "the __main__ module": sys.modules.get("__main__"),
    }


def _set_folder(folder: str | None) -> None:
    if folder is not None and Path(folder).is_dir():
        os.chdir(folder)


def _set_environment(before: dict[str, str]) -> None:
    for name in set(os.environ) - set(before):
        del os.environ[name]
    for name, value in before.items():
        if os.environ.get(name) != value:
            os.environ[name] = value


def _set_filters(before: list[Any]) -> None:
    warnings.filters[:] = before  # type: ignore[index]  # a list, whatever typeshed says
    warnings._filters_mutated()  # type: ignore[attr-defined]  # no public part of the standard library


def _set_path(before: list[str]) -> None:
    sys.path[:] = before  # the same list: others may hold it


def _set_main(module: Any) -> None:
    if module is None:
        sys.modules.pop("__main__", None)
    else:
        sys.modules["__main__"] = module


def _set(owner: Any, name: str) -> Callable[[Any], None]:
    return lambda value: setattr(owner, name, value)


_RESTORED: dict[str, Callable[[Any], object]] = {
    "the recursion limit": sys.setrecursionlimit,
    "the switch interval": sys.setswitchinterval,
    "the current folder": _set_folder,
    "os.environ": _set_environment,
    "sys.argv": _set(sys, "argv"),
    "sys.path": _set_path,
    "sys.stdin": _set(sys, "stdin"),
    "sys.excepthook": _set(sys, "excepthook"),
    "sys.unraisablehook": _set(sys, "unraisablehook"),
    "sys.displayhook": _set(sys, "displayhook"),
    "warnings.filters": _set_filters,
    "warnings.showwarning": _set(warnings, "showwarning"),
    "the garbage collector's thresholds": lambda before: gc.set_threshold(*before),
    "the __main__ module": _set_main,
}
