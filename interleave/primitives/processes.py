"""What leaves the controlled world is refused here, and what waits for its end is kept."""

from __future__ import annotations

import atexit
import os
import sys
from typing import TYPE_CHECKING, Any

from interleave.core.context import in_task, running
from interleave.core.outcome import Uncontrolled
from interleave.core.trace import user_place
from interleave.primitives.installation import original

if TYPE_CHECKING:
    from collections.abc import Callable


def _refusing(name: str) -> Callable[..., Any]:
    def function(*args: Any) -> Any:
        if not in_task():
            return original(os, name)(*args)  # type: ignore[arg-type]
        place = user_place(sys._getframe(1))
        where = f" at {place}" if place is not None else ""
        message = (
            f"the program calls os.{name}(){where}: another process cannot be scheduled; "
            "check the part of the program that runs in one process"
        )
        running()[0].stop(Uncontrolled(message, str(place) if place else None))
        return None

    function.__name__ = name
    return function


def _register(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[..., Any]:
    if not in_task():
        return original(atexit, "register")(func, *args, **kwargs)  # type: ignore[arg-type, no-any-return]
    running()[0].at_exit.append((func, args, kwargs))
    return func


def _unregister(func: Callable[..., Any]) -> None:
    if not in_task():
        original(atexit, "unregister")(func)  # type: ignore[arg-type]
        return
    kept = running()[0].at_exit
    kept[:] = [item for item in kept if item[0] != func]


PATCHES: list[tuple[Any, str, Any]] = [
    (os, name, _refusing(name)) for name in ("fork", "forkpty") if hasattr(os, name)
]
PATCHES += [(atexit, "register", _register), (atexit, "unregister", _unregister)]
