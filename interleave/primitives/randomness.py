"""The functions of the module `random`, drawn from a stream of each task's own.

The stream depends on the seed of the check and on the task's path, never on the interleaving: two
draws by different tasks are independent. A `random.Random()` without a seed is seeded from it.
"""

from __future__ import annotations

import random
from types import MethodType
from typing import TYPE_CHECKING, Any
from zlib import crc32

from interleave.core.context import in_task, running
from interleave.primitives.installation import original

if TYPE_CHECKING:
    from collections.abc import Callable

_hidden: Any = random._inst


def stream() -> random.Random:
    """Return the current task's stream."""
    runtime, task = running()
    task.unseen += 1
    if task.random is None:
        task.random = random.Random(crc32(f"{runtime.settings.seed} {task.id}".encode()))
    return task.random  # type: ignore[no-any-return]  # kept without a type


def _drawn(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
    def function(*args: Any, **kwargs: Any) -> Any:
        if not in_task():
            return real(*args, **kwargs)
        return getattr(stream(), name)(*args, **kwargs)

    function.__name__ = name
    return function


def _seed(self: Any, a: Any = None, version: int = 2) -> None:
    if a is None and in_task() and not isinstance(self, random.SystemRandom):
        a = stream().getrandbits(64)
    original(random.Random, "seed")(self, a, version)


PATCHES: list[tuple[Any, str, Any]] = [
    (random, name, _drawn(name, value))
    for name, value in vars(random).items()
    if getattr(value, "__self__", None) is _hidden
    and (isinstance(value, MethodType) or callable(value))
]
PATCHES.append((random.Random, "seed", _seed))
