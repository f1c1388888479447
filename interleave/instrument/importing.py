"""The hook before an `import` statement: which modules it is going to look for."""

from __future__ import annotations

import sys
from typing import Any

from interleave.core import context
from interleave.primitives.imports import absolute, look


def importing(level: Any, parts: Any, name: str) -> None:
    """Before `import name`, or `from name import parts`; `level` counts the dots."""
    runtime = context._runtime
    if runtime is None or runtime.begun == 1:
        return
    if level:
        package = sys._getframe(1).f_globals.get("__package__")
        if not isinstance(package, str):
            return  # the program is told so by the import itself
        name = absolute(name, package, level)
    look(name, parts or ())
