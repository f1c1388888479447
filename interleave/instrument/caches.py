"""Calls of functions behind `functools.lru_cache`: two that miss, which `dpor` cannot place.

What the function returns is stored by C code, together with the last event of that function and no
event of its own. So the order of that and of another thread's look into the cache is not known to a
reduction, and it does not try both. Where that may matter it is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from interleave.core.runtime import Runtime
    from interleave.core.task import Task


class _Use:
    """Who has called a cached function in this execution, and whether a miss made events."""

    __slots__ = ("cache", "callers", "inside", "missed")

    def __init__(self, cache: Any) -> None:
        self.cache = cache  # kept, so that its `id` stands for it alone
        self.callers: set[Task] = set()
        self.inside: set[Task] = set()  # who has called and has not come back
        self.missed = False


_KEPT = "cached functions"
"""Under which name an execution keeps how they were used."""


def watched(cache: Any, runtime: Runtime) -> Callable[..., Any]:
    """Return what is called instead of a cached function: the same, and it is noted who missed."""
    reduces = runtime.noting or runtime.settings.strategy == "dpor"  # `auto` does so at first
    if not reduces:  # every schedule is run, or those of a sample: nothing is left out
        return cache  # type: ignore[no-any-return]  # a callable of C
    uses: dict[int, _Use] = runtime.state.setdefault(_KEPT, {})
    use = uses.setdefault(id(cache), _Use(cache))
    task = runtime.current
    use.callers.add(task)
    _tell(use, runtime)
    if task in use.inside:  # a recursion must not need more of the stack than it does
        return cache  # type: ignore[no-any-return]  # a callable of C

    def call(*args: Any, **keywords: Any) -> Any:
        begin, misses = len(runtime.events), cache.cache_info().misses
        use.inside.add(task)
        try:
            return cache(*args, **keywords)
        finally:
            use.inside.discard(task)
            own = (event for event in runtime.events[begin:] if event.task is task)
            if cache.cache_info().misses > misses and next(own, None) is not None:
                use.missed = True
                _tell(use, runtime)

    return call


def _tell(use: _Use, runtime: Runtime) -> None:
    if not use.missed or len(use.callers) < 2:
        return
    told = (
        f"several threads call {getattr(use.cache, '__qualname__', 'a function')}, which keeps "
        "what it returns in a cache of functools: that one looks there before another has stored "
        "what it works out, and both work it out, is not tried in all its orders: sample too, or "
        "try every schedule (--strategy random, --strategy dfs)"
    )
    if told not in runtime.untried:
        runtime.untried.append(told)
