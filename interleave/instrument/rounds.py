"""The hooks at the head of a loop: who goes round without any progress only waits."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from interleave._real import get_ident
from interleave.core import context
from interleave.core.spinning import came_round, entered

if TYPE_CHECKING:
    from interleave.core.spinning import Loop


def loop_entered(loop: Loop) -> None:
    """Before the first round of a loop."""
    runtime = context._runtime
    if runtime is None or runtime.begun == 1 or runtime.phase:
        return
    if context._thread == get_ident():
        entered(runtime, loop, sys._getframe(1))


def loop_turned(loop: Loop) -> None:
    """Before each other round of a loop."""
    runtime = context._runtime
    if runtime is None or runtime.begun == 1 or runtime.phase:
        return
    if context._thread == get_ident():
        came_round(runtime, loop, sys._getframe(1))
