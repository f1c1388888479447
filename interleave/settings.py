"""The options of a check, validated in one place."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, get_args

from interleave.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

StrategyName = Literal["dpor", "dfs", "random"]
Granularity = Literal["sync", "memory"]
Atomicity = Literal["free-threaded", "gil"]
TimeMode = Literal["free", "idle", "ordered"]
Observe = Literal["outcome", "output"]

STRATEGIES: tuple[str, ...] = get_args(StrategyName)
GRANULARITIES: tuple[str, ...] = get_args(Granularity)
ATOMICITIES: tuple[str, ...] = get_args(Atomicity)
TIME_MODES: tuple[str, ...] = get_args(TimeMode)
OBSERVABLES: tuple[str, ...] = get_args(Observe)

DEFAULT_RANDOM_EXECUTIONS = 10_000
"""How many executions `random` samples when nobody says."""

DEFAULT_SECONDS = 60.0
"""How long an exhaustive search may take, in real seconds, when nobody says."""

UNFINISHED_LIMIT = 20
"""An exploration stops once so many executions hit the step bound and none ever ended."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to explore a program and what to look at.

    `seconds` and `hang_seconds` are real seconds; `max_steps` counts the events of one
    execution, `executions` the executions of the exploration.
    """

    strategy: str = ""  # none given: dpor where it is complete, else dfs
    seed: int = 0
    executions: int | None = None
    max_steps: int = 10_000
    max_preemptions: int | None = None
    seconds: float | None = None  # none: DEFAULT_SECONDS for an exhaustive search, else no limit
    granularity: str = "memory"
    atomicity: str = "free-threaded"
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    time: str = "free"
    observe: str = "outcome"
    expect: str | None = None
    reach: tuple[str, ...] = ()
    keep_going: bool = False
    hang_seconds: float = 10.0
    fresh: bool = False

    def __post_init__(self) -> None:
        """Reject values that no exploration can use.

        Raises:
            UsageError: naming the option, its value and what it may be.
        """
        _one_of("granularity", self.granularity, GRANULARITIES)
        _one_of("atomicity", self.atomicity, ATOMICITIES)
        if self.max_preemptions is not None and self.strategy in ("", "dpor"):
            # A reduction knows of traces, not of preemptions: in a bound all schedules are tried.
            object.__setattr__(self, "strategy", "dfs")
        if not self.strategy:
            # Where plain accesses are not seen, a reduction would not know what depends on what;
            # and with the clock `ordered` it may miss a trace.
            reduced = self.granularity == "memory" and self.time != "ordered"
            usual = "dpor" if reduced else "dfs"
            object.__setattr__(self, "strategy", usual)
        _one_of("strategy", self.strategy, STRATEGIES)
        _one_of("time", self.time, TIME_MODES)
        _one_of("observe", self.observe, OBSERVABLES)
        _whole("seed", self.seed, least=0)
        _whole("max_steps", self.max_steps, least=1)
        if self.executions is not None:
            _whole("executions", self.executions, least=1)
        if self.max_preemptions is not None:
            _whole("max_preemptions", self.max_preemptions, least=0)
        _positive("seconds", self.seconds)
        _positive("hang_seconds", self.hang_seconds)
        for name in ("reach", "include", "exclude"):
            value = getattr(self, name)
            if isinstance(value, str):
                object.__setattr__(self, name, (value,))
        for name, text in (("expect", self.expect), *(("reach", item) for item in self.reach)):
            if text is not None:
                _expression(name, text)

    @property
    def exhaustive(self) -> bool:
        """Whether the strategy sets out to try everything."""
        return self.strategy != "random"

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Settings:
        """Build settings from keyword options.

        Raises:
            UsageError: for an option that does not exist or a value that it cannot have.
        """
        known = [field.name for field in fields(cls)]
        for name in options:
            if name not in known:
                message = f"there is no option {name!r}; the options are: {', '.join(known)}"
                raise UsageError(message)
        return cls(**options)


def _one_of(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        message = f"{name} is {value!r}; it must be one of: {', '.join(allowed)}"
        raise UsageError(message)


def _whole(name: str, value: object, *, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        message = f"{name} is {value!r}; it must be a whole number of at least {least}"
        raise UsageError(message)


def _positive(name: str, value: float | None) -> None:
    if value is not None and not (isinstance(value, int | float) and value > 0):
        message = f"{name} is {value!r}; it must be a number of seconds above 0"
        raise UsageError(message)


def _expression(name: str, text: object) -> None:
    try:
        compile(str(text), f"<{name}>", "eval")
    except (SyntaxError, ValueError) as error:
        message = f"{name} is {text!r}, which is no Python expression: {error}"
        raise UsageError(message) from None
