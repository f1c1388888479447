"""How many executions are left, in words: an order of magnitude, and no more."""

from __future__ import annotations

from math import log10

_COUNTABLE = 1e9


def roughly(count: float) -> str:
    """Return a number with one digit that counts: `7`, `30`, `2,000`, `10^12`."""
    if count < 10:
        return str(round(count))
    if count > _COUNTABLE:
        return f"10^{round(log10(count))}"
    unit = 10 ** int(log10(count))
    return f"{round(count / unit) * unit:,}"


def left(count: int | None, *, growing: bool) -> str:
    """Return what is left of an exploration, as it is shown while it runs; nothing if unknown.

    `growing` says that the estimate has grown while the exploration went on.
    """
    if not count:
        return ""
    return f"about {roughly(count)} left{', or far more' if growing else ''}"
