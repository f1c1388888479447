"""The hook before an `import` statement: which modules it is going to look for."""

from __future__ import annotations

import sys
from typing import Any

from interleave.core import context
from interleave.primitives.imports import look, look_from


def importing(level: Any, parts: Any, name: str) -> None:
    """Before `import name`, or `from name import parts`; `level` counts the dots."""
    runtime = context._runtime
    if runtime is None or runtime.begun == 1:
        return
    if level:
        look_from(sys._getframe(1).f_globals.get("__package__"), "." * level + name, parts or ())
    else:
        look(name, parts or ())
