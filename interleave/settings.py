"""The options of a check, validated in one place."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, get_args

from interleave.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

StrategyName = Literal["dpor", "dfs", "auto", "random", "pct", "pos", "surw"]
Granularity = Literal["sync", "memory"]
Atomicity = Literal["free-threaded", "gil"]
TimeMode = Literal["free", "idle", "ordered"]
Observe = Literal["outcome", "output"]

STRATEGIES: tuple[str, ...] = get_args(StrategyName)
SAMPLERS = tuple(name for name in STRATEGIES if name not in ("dpor", "dfs"))
GRANULARITIES: tuple[str, ...] = get_args(Granularity)
ATOMICITIES: tuple[str, ...] = get_args(Atomicity)
TIME_MODES: tuple[str, ...] = get_args(TimeMode)
WARNINGS_TO_FAIL_ON: tuple[str, ...] = ("race",)
OBSERVABLES: tuple[str, ...] = get_args(Observe)

DEFAULT_RANDOM_EXECUTIONS = 10_000
"""How many executions are sampled when nobody says; `auto` may search as many before."""

DEFAULT_DEPTH = 3
"""The depth of the faults that `pct` looks for when nobody says."""

DEFAULT_SECONDS = 60.0
"""How long an exhaustive search may take, in real seconds, when nobody says."""

UNFINISHED_LIMIT = 20
"""An exploration stops once so many executions hit the step bound and none ever ended."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to explore a program and what to look at.

    A `seed` of `"5:17"` means execution 17 of seed 5, and that one alone: `first` is 17 then.
    `depth` is that of `pct`. `seconds` and `hang_seconds` are real seconds; `max_steps` counts the
    events of one execution, `executions` the executions of the exploration.
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
    shrink: bool = True
    depth: int = DEFAULT_DEPTH
    first: int = 0
    races: bool = True
    fail_on: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Reject values that no exploration can use.

        Raises:
            UsageError: naming the option, its value and what it may be.
        """
        _one_of("granularity", self.granularity, GRANULARITIES)
        _one_of("atomicity", self.atomicity, ATOMICITIES)
        if not self.strategy or (self.strategy == "dpor" and self.max_preemptions is not None):
            # Where plain accesses are not seen, a reduction would not know what depends on what.
            object.__setattr__(self, "strategy", self.search)
        _one_of("strategy", self.strategy, STRATEGIES)
        _one_of("time", self.time, TIME_MODES)
        _one_of("observe", self.observe, OBSERVABLES)
        self._take_seed()
        _whole("seed", self.seed, least=0)
        _whole("depth", self.depth, least=1)
        _whole("max_steps", self.max_steps, least=1)
        if self.executions is not None:
            _whole("executions", self.executions, least=1)
        if self.max_preemptions is not None:
            _whole("max_preemptions", self.max_preemptions, least=0)
        _positive("seconds", self.seconds)
        _positive("hang_seconds", self.hang_seconds)
        for name in ("reach", "include", "exclude", "fail_on"):
            value = getattr(self, name)
            if isinstance(value, str):
                object.__setattr__(self, name, (value,))
        for name, text in (("expect", self.expect), *(("reach", item) for item in self.reach)):
            if text is not None:
                _expression(name, text)

        for what in self.fail_on:
            _one_of("fail_on", what, WARNINGS_TO_FAIL_ON)
        if self.fail_on and not self.looks_for_races:
            why = "granularity is sync"
            if self.granularity == "memory":
                why = "atomicity is gil" if self.races else "races is off"
            message = (
                f"fail_on is race, but {why}, so that no race could be found: look for races at "
                "granularity memory and atomicity free-threaded"
            )
            raise UsageError(message)

    @property
    def looks_for_races(self) -> bool:
        """Whether data races are looked for: where plain accesses are seen, unless told not to."""
        memory = self.granularity == "memory" and self.atomicity == "free-threaded"
        return self.races and memory

    @property
    def exhaustive(self) -> bool:
        """Whether the strategy sets out to try everything, and nothing else."""
        return self.strategy in ("dpor", "dfs")

    @property
    def search(self) -> str:
        """The strategy that tries everything with the fewest executions."""
        return "dpor" if self.granularity == "memory" else "dfs"

    def _take_seed(self) -> None:
        """Split a seed that names one execution."""
        given: object = self.seed
        if not isinstance(given, str):
            return
        number, colon, index = given.partition(":")
        if not (number.isascii() and number.isdigit()) or (
            colon and not (index.isascii() and index.isdigit())
        ):
            message = (
                f"seed is {given!r}; it must be a number, or SEED:EXECUTION as a failure printed it"
            )
            raise UsageError(message)
        object.__setattr__(self, "seed", int(number))
        if not colon:
            return
        if self.exhaustive:
            message = (
                f"seed is {number}:{index}, and {self.strategy} samples nothing: give the strategy "
                "that the execution was sampled by"
            )
            raise UsageError(message)
        object.__setattr__(self, "first", int(index))
        if self.executions is None and self.seconds is None:
            object.__setattr__(self, "executions", 1)

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
