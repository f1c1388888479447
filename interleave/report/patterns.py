"""Says in one sentence what went wrong, where the events prove it; where they do not, nothing.

A pattern is named only if it is there in the failing execution and the nearest passing execution
differs in the very events that make it: see `interleave.contrast`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interleave.contrast import Contrast, told_of
from interleave.core.outcome import Deadlocked
from interleave.report.explain import TAKING, circle_of

if TYPE_CHECKING:
    from interleave.contrast import NoContrast
    from interleave.core.execution import Execution
    from interleave.core.operation import Operation
    from interleave.core.trace import Event, Touch


@dataclass(frozen=True, slots=True)
class Sentence:
    """What went wrong; `rests_on` holds the indices of the events that prove it."""

    text: str
    rests_on: tuple[int, ...]


def sentence_on(execution: Execution, contrast: Contrast | NoContrast | None) -> Sentence | None:
    """Return what went wrong, if it can be told with certainty."""
    if isinstance(execution.ending, Deadlocked):
        return _deadlock(execution, execution.ending) or _lost_wake_up(execution, contrast)
    if not isinstance(contrast, Contrast):
        return None
    if not contrast.happened:
        return _read_before_it_was_there(contrast)
    events = tuple(execution.history)
    for first, second in _deciding(events, contrast):
        for pattern in (_lost_update, _overwritten, _check_then_act, _too_early):
            sentence = pattern(events, first, second, contrast)
            if sentence is not None:
                return sentence
    return None


def _deciding(events: tuple[Event, ...], contrast: Contrast) -> list[tuple[int, int]]:
    """Return the pairs that have changed, what decides first, if one place in memory decides."""
    first, second = contrast.at
    assert second is not None
    pair = first, second
    pairs = [pair, *(other for other in contrast.changed if other != pair)]
    shared = [_shared(events[first], events[second]) for first, second in pairs]
    names = {found[0].name for found in shared if found is not None}
    accesses = all(events[at].is_access for one in pairs for at in one)
    if not accesses or len(names) != 1 or None in shared:
        return []
    # What one event does to a place several times is no pattern of single accesses.
    tasks = {events[at].task for one in pairs for at in one}
    uses = _accesses(events, *names)
    return [] if any(event.inside and event.task in tasks for _, event, _ in uses) else pairs


def _shared(one: Event, other: Event) -> tuple[Touch, Touch] | None:
    """Return the place in memory that two events have in common, one of them writing."""
    for mine in one.touches:
        for theirs in other.touches:
            if mine.name == theirs.name and (mine.writes or theirs.writes):
                return mine, theirs
    return None


def _accesses(events: tuple[Event, ...], name: str) -> list[tuple[int, Event, Touch]]:
    """Return every access of a place in memory, in order."""
    return [
        (at, event, touch)
        for at, event in enumerate(events)
        if event.is_access
        for touch in event.touches
        if touch.name == name
    ]


def _is(touch: Touch) -> str:
    return touch.name if touch.value is None else f"{touch.name} = {touch.value}"


# -- accesses -----------------------------------------------------------------------------------


def _lost_update(
    events: tuple[Event, ...], first: int, second: int, contrast: Contrast
) -> Sentence | None:
    """Two tasks read a place and then both write it; the second write knows nothing of the first.

    The pair that decides is the read of one and the write of the other.
    """
    shared = _shared(events[first], events[second])
    if shared is None or shared[0].writes or not shared[1].writes:
        return None
    name = shared[0].name
    one, other = events[first].task, events[second].task
    uses = _accesses(events, name)
    mine = [at for at, event, touch in uses if event.task == one and touch.writes and at > first]
    reads = [at for at, event, touch in uses if event.task == other and not touch.writes]
    if not mine or not any(at < second for at in reads):
        return None
    write = mine[0]
    read = max(at for at in reads if at < second)
    begin, end = min(first, read), min(second, write)
    if max(first, read) > end:
        return None  # one of them had written before the other read
    between = [at for at, event, touch in uses if begin < at < max(second, write) and touch.writes]
    again = [at for at, event, _ in uses if event.task == one and first < at < write]
    # Nobody else wrote, and neither looked again: both really worked on the same value.
    if between != [end] or again or not _builds_on_what_it_read(events, write, contrast):
        return None
    return Sentence(
        f"lost update: {one} and {other} both read {_is(shared[0])} before either wrote it",
        (first, second, read, write),
    )


def _builds_on_what_it_read(events: tuple[Event, ...], write: int, contrast: Contrast) -> bool:
    """Whether the same write leaves another value where what was read before is another."""
    there = dict(contrast.matched).get(write)
    if there is None:
        return False
    here, other = events[write].touches[0].value, contrast.events[there].touches[0].value
    return None not in (here, other) and here != other


def _overwritten(
    events: tuple[Event, ...], first: int, second: int, _contrast: Contrast
) -> Sentence | None:
    """A value is overwritten before anyone has read it, and the reader gets the next one."""
    shared = _shared(events[first], events[second])
    if shared is None or not shared[0].writes or shared[1].writes:
        return None
    writer, reader = events[first].task, events[second].task
    uses = _accesses(events, shared[0].name)
    before = [(at, event, touch) for at, event, touch in uses if at < first]
    if not before or any(first < at < second and touch.writes for at, _, touch in uses):
        return None
    at, event, touch = before[-1]
    if not touch.writes or event.task == reader:
        return None  # somebody had read it, or the reader had put it there
    over = "over it" if shared[0].value is None else f"{shared[0].value} over it"
    who = "then" if event.task == writer else f"then {writer} wrote"
    return Sentence(
        f"overwritten before it was read: {event.task} wrote {_is(touch)}, {who} {over}, before "
        f"{reader} read it",
        (at, first, second),
    )


def _check_then_act(
    events: tuple[Event, ...], first: int, second: int, contrast: Contrast
) -> Sentence | None:
    """A task looks, another changes what it saw, and it does what it would not do otherwise.

    That it would not is seen in the passing execution, where it looks after the change.
    """
    shared = _shared(events[first], events[second])
    if shared is None or shared[0].writes or not shared[1].writes:
        return None
    one, other, name = events[first].task, events[second].task, shared[0].name
    acts = [
        (at, touch)
        for at, event, touch in _accesses(events, name)
        if event.task == one and touch.writes and at > second
    ]
    if not acts or not _acts_otherwise(acts[0][0], contrast):
        return None
    return Sentence(
        f"check, then act: {one} read {_is(shared[0])}, {other} then wrote {_is(shared[1])}, and "
        f"{one} still acted on what it had read: it wrote {_is(acts[0][1])}",
        (first, second, acts[0][0]),
    )


def _acts_otherwise(act: int, contrast: Contrast) -> bool:
    """Whether the passing execution has no such event."""
    return act not in dict(contrast.matched)


def _too_early(
    events: tuple[Event, ...], first: int, second: int, _contrast: Contrast
) -> Sentence | None:
    """A task reads a place that it never writes before another has written it."""
    shared = _shared(events[first], events[second])
    if shared is None or shared[0].writes or not shared[1].writes:
        return None
    one, other, name = events[first].task, events[second].task, shared[0].name
    if any(event.task == one and touch.writes for _, event, touch in _accesses(events, name)):
        return None
    return Sentence(
        f"read too early: {one} read {_is(shared[0])} before {other} wrote {_is(shared[1])}",
        (first, second),
    )


def _read_before_it_was_there(contrast: Contrast) -> Sentence | None:
    """Likewise, where the failure came before the write could."""
    shared = _shared(contrast.first, contrast.second)
    accesses = all(
        event.is_access and not event.inside for event in (contrast.first, contrast.second)
    )
    if not accesses or shared is None or shared[0].writes:
        return None
    one, other = contrast.first.task, contrast.second.task
    return Sentence(
        f"read too early: {one} read {_is(shared[0])} before {other} wrote {_is(shared[1])}",
        contrast.at[:1],
    )


# -- deadlocks ----------------------------------------------------------------------------------


def _deadlock(execution: Execution, ending: Deadlocked) -> Sentence | None:
    """Say who of a circle waits for whom."""
    circle = circle_of(ending.waiting)
    if not circle:
        return None
    waiting = {item.task: item for item in ending.waiting}
    parts, taken = [], []
    for at, task in enumerate(circle):
        item = waiting[task]
        holder = circle[(at + 1) % len(circle)]
        part = f"{task} waits for {item.what}"
        if hasattr(item.operation.target, "owner"):
            part += ", which it holds itself" if holder == task else f", which {holder} holds"
            taken.extend(_taken(execution, item.operation, holder))
        parts.append(part)
    return Sentence(f"deadlock: {', and '.join(parts)}", tuple(taken))


def _taken(execution: Execution, wanted: Operation, holder: str) -> list[int]:
    """Return where the holder last took what is wanted."""
    target: Any = wanted.target
    names = {item.name for item in (target, getattr(target, "mutex", None)) if item is not None}
    found = [
        at
        for at, event in enumerate(execution.history)
        if event.task == holder
        and event.kind in TAKING
        and any(touch.name in names for touch in event.touches)
    ]
    return found[-1:]


def _lost_wake_up(execution: Execution, contrast: Contrast | NoContrast | None) -> Sentence | None:
    """A task waits for a notification that came before it waited."""
    if not isinstance(contrast, Contrast):
        return None
    events = told_of(execution)
    for wake in events[len(execution.history) :]:
        if wake.kind != "wake":
            continue
        condition = wake.touches[-1].name
        uses = [
            (at, event)
            for at, event in enumerate(execution.history)
            if any(touch.name == condition for touch in event.touches)
            and event.kind in ("wait", "notify")
        ]
        waits = [at for at, event in uses if event.task == wake.task and event.kind == "wait"]
        notifies = [at for at, event in uses if event.kind == "notify"]
        if not waits or not notifies or notifies[-1] > waits[-1]:
            continue
        if not any(pair[0] == notifies[-1] or pair[1] == waits[-1] for pair in contrast.changed):
            continue
        told = execution.history[notifies[-1]]
        return Sentence(
            f"lost wake-up: {told.task} notified {condition} before {wake.task} waited for it, "
            "and nobody notifies it again",
            (notifies[-1], waits[-1]),
        )
    return None
