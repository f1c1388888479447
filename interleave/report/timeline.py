"""The timeline: one column for each task, time goes down, each switch with its reason."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from rich.cells import cell_len

from interleave.report.columns import clipped, packed, padded, printable, wrapped
from interleave.report.folding import Rounds, folded
from interleave.report.naming import Names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interleave.core.trace import Event, Place, Switch

Line = tuple[str, str]
"""A line of the report: its style (as `rich` names it; empty for plain) and its text."""

_STRUCTURE = ("begin", "start", "join", "exit", "end")
_SHORT, _FULL = 40, 400
_NARROWEST, _READABLE = 12, 24
_WIDE_GUTTER, _NARROW_GUTTER = 0.36, 0.2
_MARGIN = "  "


@dataclass(frozen=True, slots=True)
class Row:
    """What a task did on one line of the program before anything else; and why it stopped then.

    A row without a task stands for rows that were folded or left out.
    """

    task: str
    place: Place | None
    parts: tuple[str, ...]
    note: str = ""
    preempted: bool = False
    needed: bool = field(default=False, compare=False)
    shapes: tuple[str, ...] = field(default=(), compare=False)
    """The parts without their values."""


def timeline(
    events: tuple[Event, ...],
    waiting: tuple[Event, ...] = (),
    *,
    needed: frozenset[int] = frozenset(),
    width: int,
    short: bool,
    names: Names | None = None,
) -> Iterator[Line]:
    """Yield the lines of a timeline that fits so many columns.

    `short` leaves out what one task alone can see and how the threads are started and joined;
    `waiting` tells what tasks wait for at the end. The events whose indices are `needed` are always
    shown.
    """
    if not events:
        return
    naming = names or Names((*events, *waiting))
    shown = interesting(events, waiting, needed) if short else list(range(len(events)))
    rows = list(_rows(events, shown, naming, needed))
    rows.extend(_at_the_end(waiting, naming))
    rows = _cut(_without_loops(rows), _SHORT if short else _FULL)
    yield from _laid_out(rows, width)
    if len(shown) < len(events):
        left_out = len(events) - len(shown)
        yield "dim", f"{_MARGIN}({left_out} of {len(events)} events left out; replay shows all)"


def interesting(
    events: tuple[Event, ...],
    waiting: tuple[Event, ...] = (),
    needed: frozenset[int] = frozenset(),
) -> list[int]:
    """Return the events that other tasks can notice, and the ends of tasks right behind them.

    `waiting` holds what tasks were about to do at the end; what is `needed` is kept in any case.
    """
    users: dict[str, set[str]] = {}
    written: set[str] = set()
    begun = False
    for event in (*events, *waiting):
        # Before a second task is started, nobody notices anything.
        begun = begun or event.kind == "start"
        if begun and event.kind not in _STRUCTURE:
            for touch in event.touches:
                users.setdefault(touch.name, set()).add(event.task)
                if touch.writes:
                    written.add(touch.name)
    shared = {name for name, tasks in users.items() if len(tasks) > 1 and name in written}
    found: list[int] = []
    begun, noticed = False, False
    # Where plain accesses are not told, a task that begins and is left at once has done something
    # in between.
    blind = not any(event.is_access for event in events)
    for at, event in enumerate(events):
        begun = begun or event.kind == "start"
        if event.kind == "end":
            keep = bool(found) and found[-1] == at - 1 and events[at - 1].task == event.task
        elif event.kind in _STRUCTURE or not begun:
            following = events[at + 1].task if at + 1 < len(events) else event.task
            keep = blind and event.kind == "begin" and following != event.task != "main"
        else:
            keep = not event.touches or any(touch.name in shared for touch in event.touches)
        noticed = noticed or (keep and event.kind != "end")
        if keep or at in needed:
            found.append(at)
    return found if noticed else list(range(len(events)))


# -- rows ---------------------------------------------------------------------------------------


def _rows(
    events: tuple[Event, ...], shown: list[int], names: Names, needed: frozenset[int]
) -> Iterator[Row]:
    row: Row | None = None
    end = 0
    for at in shown:
        for event in (events[at], *events[at].inside):
            part = printable(names.event(event))
            shape = names.readable(event.what)
            if event.kind in ("begin", "end"):
                shape = part
            if at in needed:
                shape = f"{shape} at {at}"  # like no other one, so that it is not folded
            if row is not None and row.task == event.task and event.place in (row.place, None):
                row = replace(
                    row,
                    parts=(*row.parts, part),
                    shapes=(*row.shapes, shape),
                    needed=row.needed or at in needed,
                )
            else:
                if row is not None:
                    yield _with_note(row, event.task, events[end + 1 : at + 1], names)
                row = Row(event.task, event.place, (part,), shapes=(shape,), needed=at in needed)
        end = at
    if row is not None:
        yield row


def _with_note(row: Row, following: str, between: tuple[Event, ...], names: Names) -> Row:
    """Say why the task of a row did not go on, if another one follows."""
    if row.task == following:
        return row
    for event in between:
        if event.switch is not None and event.switch.task == row.task:
            note = names.readable(reason_of(event.switch))
            if event.switch.reason == "ended" and row.parts[-1] == "ends":
                note = ""
            return replace(row, note=note, preempted=event.switch.reason == "preempted")
    return row


def reason_of(switch: Switch) -> str:
    """Say why a task was left, and which locks it keeps."""
    match switch.reason:
        case "preempted":
            said = f"! preempted before {switch.detail}"
        case "waits":
            doing = switch.detail
            said = f"~ {doing}" if doing.startswith("sleep") else f"~ waits for {doing}"
        case "ended":
            said = "~ ended"
    return f"{said} [holds {', '.join(switch.holds)}]" if switch.holds else said


def _at_the_end(waiting: tuple[Event, ...], names: Names) -> Iterator[Row]:
    for event in waiting:
        holds = f" [holds {', '.join(event.holds)}]" if event.holds else ""
        said = f"~ waits for ever to {names.readable(event.what)}{holds}"
        yield Row(event.task, event.place, (), said)


def _without_loops(rows: list[Row]) -> list[Row]:
    """Fold the loops in each row, and those of several rows."""
    inside = [replace(row, parts=tuple(_parts_without_loops(row))) for row in rows]
    return [
        row if isinstance(row, Row) else Row("", None, (_said(row, "line"),))
        for row in folded(inside, key=lambda row: (row.task, row.place, row.shapes, row.note))
    ]


def _parts_without_loops(row: Row) -> Iterator[str]:
    parts = list(zip(row.parts, row.shapes, strict=True))
    for part in folded(parts, key=itemgetter(1)):
        yield _said(part, "step") if isinstance(part, Rounds) else part[0]


def _said(rounds: Rounds, what: str) -> str:
    shown = f"this {what}" if rounds.length == 1 else f"these {rounds.length} {what}s"
    return f"({shown} {rounds.count} times more)"


def _cut(rows: list[Row], most: int) -> list[Row]:
    """Leave out the middle of what is too long, but nothing that is needed."""
    if len(rows) <= most:
        return rows
    head = most // 4
    tail = len(rows) - most + head
    found = rows[:head]
    left_out = 0
    for row in (*rows[head:tail], None):
        if row is not None and not row.needed:
            left_out += 1
            continue
        if left_out:
            text = f"... {left_out} lines left out (--format json has all events) ..."
            found.append(Row("", None, (text,)))
        left_out = 0
        if row is not None:
            found.append(row)
    return [*found, *rows[tail:]]


# -- layout -------------------------------------------------------------------------------------


def _laid_out(rows: list[Row], width: int) -> Iterator[Line]:
    tasks = in_order({row.task for row in rows if row.task})
    file = _only_file(rows)
    places = [_placed(row.place, file) for row in rows]
    natural = max((cell_len(text) for text in [*places, file or ""]), default=0)
    gutter = min(natural, int(width * _WIDE_GUTTER))
    room = width - len(_MARGIN) - gutter - 2
    needs = _needs(rows, tasks)
    least = max(_NARROWEST, *(len(task) + 2 for task in tasks))
    short = least * (len(tasks) - 1) + needs[-1] - room
    if short > 0:  # rather less of the source than less of what was done
        spare = max(gutter - int(width * _NARROW_GUTTER), 0)
        gutter -= min(short, spare)
        room += min(short, spare)
    offsets = _offsets(tasks, needs, least, room)
    if offsets is None:
        yield from _listed(rows, places, width)
        return
    heading = ""
    for task in tasks:
        heading = padded(heading, offsets[task]) + task
    yield "bold", f"{_MARGIN}{padded(clipped(file or '', gutter), gutter)}  {heading}".rstrip()
    for row, place in zip(rows, places, strict=True):
        if not row.task:
            yield "dim", f"{_MARGIN}{' '.join(row.parts)}".rstrip()
            continue
        lead = padded(clipped(place, gutter), gutter)
        yield from _told(row, lead, offsets[row.task], room)


def _told(row: Row, lead: str, offset: int, room: int) -> Iterator[Line]:
    """Yield the lines of one row, so many columns behind what leads the first of them."""
    for text in packed(row.parts, room - offset):
        yield "", f"{_MARGIN}{lead}  {' ' * offset}{text}"
        lead = " " * cell_len(lead)
    for text in wrapped(printable(row.note), room - offset, "  ") if row.note else ():
        style = "yellow" if row.preempted else "dim"
        yield style, f"{_MARGIN}{lead}  {' ' * offset}{text}"
        lead = " " * cell_len(lead)


def _needs(rows: list[Row], tasks: list[str]) -> list[int]:
    """Return how wide each task's column would have to be for all that is in it."""
    return [
        max(cell_len(text) for row in rows if row.task == task for text in (task, *row.parts))
        for task in tasks
    ]


def _offsets(tasks: list[str], needs: list[int], least: int, room: int) -> dict[str, int] | None:
    """Return where the column of each task begins; none if there are too many for columns.

    Only one task has something in a line, so a text may reach into the columns to its right, and
    a column need not be as wide as what is in it.
    """
    steps = [max(need + 2, least) for need in needs[:-1]]
    last = min(max(needs[-1], _READABLE), room - least * len(steps))
    if last < min(needs[-1], _READABLE):
        return None
    while sum(steps) + last > room:
        steps[steps.index(max(steps))] -= 1
    return {task: sum(steps[:at]) for at, task in enumerate(tasks)}


def _listed(rows: list[Row], places: list[str], width: int) -> Iterator[Line]:
    """Too many tasks for columns: say in each line who it is."""
    name = max(len(row.task) for row in rows)
    gutter = min(max(map(cell_len, places)), int(width * _WIDE_GUTTER))
    room = width - len(_MARGIN) - name - gutter - 4
    for row, place in zip(rows, places, strict=True):
        if not row.task:
            yield "dim", f"{_MARGIN}{' '.join(row.parts)}".rstrip()
            continue
        lead = f"{padded(clipped(place, gutter), gutter)}  {padded(row.task, name)}"
        yield from _told(row, lead, 0, room)


def in_order(tasks: set[str]) -> list[str]:
    """Return task names in the order of their creation."""
    return sorted(tasks, key=lambda task: [int(step) for step in task.split(".")[1:]])


def _only_file(rows: list[Row]) -> str | None:
    files = {row.place.file for row in rows if row.place is not None}
    return Path(files.pop()).name if len(files) == 1 else None


def _placed(place: Place | None, file: str | None) -> str:
    if place is None:
        return ""
    line = str(place.line) if file is not None else briefly(place)
    return f"{line} {sourced(place)}".rstrip()


def sourced(place: Place) -> str:
    """Return the source of a line, its blanks drawn together."""
    return printable(" ".join(place.source.split()))


def briefly(place: Place | None) -> str:
    """Return a place without its folder: the report names the whole path once."""
    return "" if place is None else f"{Path(place.file).name}:{place.line}"
