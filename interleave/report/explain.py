"""Explains a failure from its witness, run once more with recording on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from interleave.core.outcome import Deadlocked, StepBound
from interleave.core.spinning import Spin

if TYPE_CHECKING:
    from interleave.core.execution import Execution
    from interleave.core.operation import Operation
    from interleave.core.outcome import Waiting
    from interleave.core.trace import Place

TAKING = ("acquire", "try-acquire", "wake", "acquire again")
"""Kinds of events that take a lock."""


def explain(execution: Execution) -> tuple[str, ...]:
    """Return lines that say more about how an execution ended than its message does."""
    match execution.ending:
        case Deadlocked(waiting):
            return (*_waits(execution, waiting), *_verdict_on(waiting))
        case _:
            return ()


def positions(execution: Execution) -> tuple[str, ...]:
    """Return where each thread was when the step bound cut an execution."""
    if not isinstance(execution.ending, StepBound):
        return ()
    lines = []
    for item in execution.ending.waiting:
        operation = item.operation
        place = execution.places.get(id(operation))
        where = "" if place is None else f", at {_cited(place)}"
        doing = f"was about to {operation.describe()}" if item.able else f"waited for {item.what}"
        lines.append(f"{item.task} {doing}{where}")
    return tuple(lines)


def location_of(execution: Execution) -> str | None:
    """Return where a deadlock shows: the line on which the first of the circle waits.

    That of a livelock is the line on which the first who goes round in a loop looks.
    """
    if not isinstance(execution.ending, Deadlocked):
        return None
    waiting = execution.ending.waiting
    for item in waiting:
        if isinstance(item.operation, Spin):
            place = next(iter(_looks(execution, item.operation).values()), None)
            return None if place is None else str(place)
    circle = circle_of(waiting)
    for item in sorted(waiting, key=lambda item: item.task not in circle):
        place = execution.places.get(id(item.operation))
        if place is not None:
            return str(place)
    return None


def _waits(execution: Execution, waiting: tuple[Waiting, ...]) -> list[str]:
    lines = []
    for item in waiting:
        operation = item.operation
        lines.append(f"{item.task} waits for {item.what}")
        if isinstance(operation, Spin):
            lines.extend(
                f"    {what} at {_cited(place)}"
                for what, place in _looks(execution, operation).items()
            )
            continue
        wanted = execution.places.get(id(operation))
        if wanted is not None:
            lines.append(f"    wanted at {_cited(wanted)}")
        for holder, over in item.holders:
            taken = _taken(execution, operation, holder)
            ended = ", which has ended" if over else ""
            if taken is not None:
                lines.append(f"    held by {holder}{ended}, taken at {_cited(taken)}")
        lines.extend(
            f"    {wanted_object.name} was made at {_cited(wanted_object.site)}"
            for wanted_object in _wanted(item)
            if wanted_object.site is not None
        )
    return lines


def _wanted(item: Waiting) -> list[Any]:
    """Return the objects that a task waits for: a condition comes before its lock.

    The lock is told of where it is what keeps the task, and its condition is not alone to blame.
    """
    target: Any = item.operation.target
    condition: Any = getattr(item.operation, "condition", None)
    if condition is None:
        return [] if target is None else [target]
    return [condition, *([target] if target is not condition and item.holders else [])]


def _looks(execution: Execution, spin: Spin) -> dict[str, Place]:
    """Return what a round of a loop does, and where: what it reads comes first."""
    found: dict[str, Place] = {}
    for op in sorted(spin.round, key=lambda op: not op.footprint()):
        place = execution.places.get(id(op))
        if place is not None:
            found.setdefault(op.describe(), place)
    own = execution.places.get(id(spin))
    return found or ({} if own is None else {spin.describe(): own})


def _taken(execution: Execution, wanted: Operation, holder: str) -> Place | None:
    """Return where the holder last took what is wanted."""
    locks = {id(wanted.target), id(getattr(wanted.target, "mutex", None))}
    for event in reversed(execution.events):
        if event.task.id == holder and event.kind in TAKING and id(event.target) in locks:
            return execution.places.get(id(event))
    return None


def _cited(place: Place) -> str:
    return f"{place}  {place.source}".rstrip()


def circle_of(waiting: tuple[Waiting, ...]) -> list[str]:
    """Return the tasks of a circle of waiting, or nothing."""
    edges = {item.task: [holder for holder, over in item.holders if not over] for item in waiting}
    for start in edges:
        path = [start]
        seen = {start}
        while True:
            nexts = edges.get(path[-1], [])
            if not nexts:
                break
            # Where several could let a task go on, the first stands for all.
            following = nexts[0]
            if following in seen:
                return path[path.index(following) :]
            seen.add(following)
            path.append(following)
    return []


def _verdict_on(waiting: tuple[Waiting, ...]) -> list[str]:
    circle = circle_of(waiting)
    lines = []
    if circle:
        lines.append("circle: " + " -> ".join([*circle, circle[0]]))
    for item in waiting:
        if isinstance(item.operation, Spin):
            lines.append(f"nobody is left who could change what {item.task} looks at")
        elif not item.holders:
            lines.append(
                f"nobody can ever wake {item.task}: no thread is left that could give it what it "
                "waits for"
            )
        elif all(over for _, over in item.holders):
            lines.append(f"nobody can ever wake {item.task}: who holds it has ended")
    return lines
