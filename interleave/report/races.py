"""Data races as the report tells them: two accesses with their stacks, and a schedule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interleave.core.execution import Warned
from interleave.report.naming import Names
from interleave.report.report import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from interleave.core.execution import Execution
    from interleave.core.schedule import Schedule
    from interleave.core.trace import Place
    from interleave.detect.races import Race
    from interleave.exploration import Witness

MANY = 10
"""So many races are told; each takes one more execution."""

KIND = "data-race"


@dataclass(frozen=True, slots=True)
class Racing:
    """One of the two accesses of a race; the innermost place of its stack comes first."""

    task: str
    writes: bool
    stack: tuple[Place, ...]

    @property
    def place(self) -> str:
        """The line it stands in, as text."""
        return str(self.stack[0]) if self.stack else "a place that is not known"

    @property
    def does(self) -> str:
        """Such as `main.0 writes it`."""
        return f"{self.task} {'writes' if self.writes else 'reads'} it"


@dataclass(frozen=True, slots=True)
class DataRace(Warned):
    """A race, by an execution that shows it: `name` is the exact one of what is accessed."""

    name: str
    accesses: tuple[Racing, Racing]
    schedule: Schedule

    @property
    def stacks(self) -> Iterator[str]:
        """One line for each access that was made in a function that others had called."""
        for access in self.accesses:
            if len(access.stack) > 1:
                first, *callers = (f"{place} in {place.function}" for place in access.stack)
                yield f"{access.task}: {first}, called at {', at '.join(callers)}"


def told(race: Race, execution: Execution, schedule: Schedule) -> DataRace:
    """Tell a race, given an execution that shows it, recorded."""
    one, other = (_access(race, index, execution) for index in (race.first, race.second))
    name = Names(execution.history).readable(race.name)
    exact = "" if name == race.name else f" ({race.name})"
    message = f"{name}{exact}: {one.does} at {one.place}, and, not ordered with that, {other.does}"
    message += f" at {other.place}"
    return DataRace(KIND, message, race.name, (one, other), schedule)


def as_failure(race: DataRace, witness: Witness, execution: Execution) -> Failure:
    """Return what a race is for those who asked for it to be a failure."""
    place = race.accesses[1].place
    return Failure(
        "expectation",
        f"data race on {race.message.removesuffix(f' at {place}')}",
        place,
        race.schedule,
        witness.preemptions,
        detail=tuple(race.stacks),
        events=tuple(execution.history),
        output=tuple(execution.output),
    )


def _access(race: Race, index: int, execution: Execution) -> Racing:
    op = execution.events[index]
    writes = race.writes[index == race.second]
    return Racing(op.task.id, writes, execution.stacks.get(id(op), ()))


def in_order(races: Iterable[tuple[Race, Witness]]) -> list[tuple[Race, Witness]]:
    """Return the races by their places, in whatever order they were found."""
    return sorted(races, key=lambda found: (found[0].spots, found[0].what))


def left_out(number: int) -> Warned:
    """Say that there are more races than are told."""
    return Warned(
        KIND, f"and {number:,} more, between other lines: check again once these are gone"
    )
