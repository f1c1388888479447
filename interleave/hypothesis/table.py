"""The counterexample of a history: a table of its calls, and why no order explains it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

from interleave.core.outcomes import without_addresses
from interleave.hypothesis.histories import PENDING, Threw, returned
from interleave.hypothesis.orders import BLOCKED
from interleave.report.columns import clipped, padded, printable, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from interleave.hypothesis.calls import Calls, Step
    from interleave.hypothesis.histories import History
    from interleave.hypothesis.orders import DeadEnd

_WIDTH = 100
_GAP = "   "
_MARGIN = "  "
_NARROWEST = 16
_MANY_ORDERS = 8
_LEGEND = "(calls that share a line overlap; else the upper was over before the lower began)"

_Slot = tuple[int, int]
"""The first and the last line of a call in the table."""


def table(calls: Calls, history: History, dead_ends: Sequence[DeadEnd]) -> str:
    """Return what is wrong with a history, as text of several lines."""
    lines = [
        "deadlock: these calls wait for ever, and one after the other they do not"
        if history.stuck
        else "not linearizable: no order of these calls, one after the other, gives these results",
        "",
    ]
    for at in range(min(len(calls.before), len(history.before) + 1)):
        result = history.before[at] if at < len(history.before) else PENDING
        lead = "before the threads:  " if at == 0 else " " * 21
        lines.append(
            clipped(f"{_MARGIN}{lead}{_cell(_call(calls, history, (-1, at)), result)}", _WIDTH)
        )
    if calls.before:
        lines.append("")
    if history.threads:
        lines.extend(_columns(calls, history))
        lines.append("")
    if history.last is not PENDING:
        lines.append(clipped(f"{_MARGIN}at the end:  {_bare(history.last)}", _WIDTH))
        lines.append("")
    lines.append(f"{_MARGIN}one after the other:")
    orders = list(dict.fromkeys(_said(calls, history, dead_end) for dead_end in dead_ends))
    for order in orders[:_MANY_ORDERS]:
        lines.extend(wrapped(order, _WIDTH, "      "))
    if len(orders) > _MANY_ORDERS:
        lines.append(f"    ... and {len(orders) - _MANY_ORDERS} more")
    return "\n".join(lines)


def _bare(result: object) -> str:
    return returned(result).removeprefix("-> ")


def _cell(call: str, result: object) -> str:
    return printable(f"{call} {'waits for ever' if result is PENDING else returned(result)}")


def _said(calls: Calls, history: History, dead_end: DeadEnd) -> str:
    """Say what an order gives, up to where that is not what was there."""
    parts = [
        f"{_call(calls, history, step)} {returned(_result(history, step))}"
        for step in dead_end.order
    ]
    expected, blocks = dead_end.expected, dead_end.expected is BLOCKED
    if dead_end.step is None:
        actual, what = history.last, "at the end"
        gives = repr(BLOCKED) if blocks else _bare(expected)
    else:
        actual, what = _result(history, dead_end.step), _call(calls, history, dead_end.step)
        gives = repr(BLOCKED) if blocks else returned(expected)
    but = "" if actual is PENDING else f", not {_bare(actual)}"
    return f"    {printable('; '.join([*parts, f'{what} {gives}{but}']))}"


def _call(calls: Calls, history: History, step: Step) -> str:
    """Return a call as text, with the values that it took of bundles."""
    return without_addresses(str(history.made.get(step) or calls.at(step)))


def _result(history: History, step: Step) -> object:
    thread, at = step
    results = history.before if thread < 0 else history.threads[thread]
    return results[at] if at < len(results) else PENDING


# -- the columns ----------------------------------------------------------------------------------


def _columns(calls: Calls, history: History) -> Iterator[str]:
    """Yield a column for each thread; calls that have a line in common overlap, and no others."""
    slots = _slots(history)
    height = 1 + max((last for column in slots for _, last in column), default=0)
    cells = [[""] * height for _ in slots]
    for thread, column in enumerate(slots):
        for at, (first, last) in enumerate(column):
            call = _call(calls, history, (thread, at))
            result = _result(history, (thread, at))
            if first == last:
                cells[thread][first] = _cell(call, result)
                continue
            cells[thread][first] = printable(call)
            for line in range(first + 1, last):
                cells[thread][line] = ":"
            cells[thread][last] = printable(_ending(result))
    names = [f"main.{thread}" for thread in range(len(slots))]
    room = (_WIDTH - len(_MARGIN) - len(_GAP) * (len(cells) - 1)) // len(cells)
    widths = [
        min(max(map(cell_len, (name, *column))), max(room, _NARROWEST))
        for name, column in zip(names, cells, strict=True)
    ]
    yield _line(names, widths)
    yield _line(["-" * width for width in widths], widths)
    for row in zip(*cells, strict=True):
        yield _line(row, widths)
    if height > 1:
        yield f"{_MARGIN}{_LEGEND}"


def _ending(result: object) -> str:
    if result is PENDING:
        return ": waits for ever"
    return returned(result) if isinstance(result, Threw) else f": {returned(result)}"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    shown_cells = [
        padded(clipped(cell, width), width) for cell, width in zip(cells, widths, strict=True)
    ]
    return f"{_MARGIN}{_GAP.join(shown_cells)}".rstrip()


def _slots(history: History) -> list[list[_Slot]]:
    """Return the lines of each call: as few as show which calls were over before others began."""
    calls = [(thread, at) for thread, seen in enumerate(history.seen) for at in range(len(seen))]
    over = {(thread, at): history.seen[thread][at] for thread, at in calls}
    known = sorted({sum(counts) for counts in over.values()})
    first = {call: known.index(sum(counts)) for call, counts in over.items()}
    last = {
        (thread, at): min(
            (first[other] - 1 for other in calls if over[other][thread] > at),
            default=len(known) - 1,
        )
        for thread, at in calls
    }
    return [
        [(first[thread, at], last[thread, at]) for at in range(len(seen))]
        for thread, seen in enumerate(history.seen)
    ]
