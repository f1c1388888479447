"""Finds the loops in bytecode that a `while` has made: where each begins, and what it stores.

A loop is what lies between the jumps back to a head and that head, where there is no way to those
jumps but through it (a natural loop). The loop of a `for` takes a step of an iterator in each
round, and so never comes round to where it was; it is left out, and so is a loop that hands over
to somebody else on its way (`yield`, `await`).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bytecode import Instr, Label
from bytecode.instr import TryBegin, TryEnd

from interleave.core.spinning import Loop

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import CodeType

    from bytecode import Bytecode

_HANDS_OVER = frozenset({"YIELD_VALUE", "SEND", "END_ASYNC_FOR"})
_STEPS = frozenset({"FOR_ITER", "SEND"})
_SNAPSHOTS = frozenset({"dir", "eval", "exec", "f_locals", "locals", "vars"})
_OPTIMIZED = 0x1


@dataclass(frozen=True, slots=True)
class Found:
    """A loop: the indexes of its head (a label) and of the jumps back to it."""

    head: int
    jumps: frozenset[int]
    loop: Loop


def loops_of(source: Bytecode, code: CodeType) -> list[Found]:
    """Return the loops of a code object that may be gone round without any progress."""
    items = list(source)
    labels = {id(item): index for index, item in enumerate(items) if isinstance(item, Label)}
    backward: dict[int, set[int]] = defaultdict(set)
    for index, item in enumerate(items):
        if isinstance(item, Instr) and item.has_jump():
            head = labels[id(item.arg)]
            if head < index and _first(items, head).name not in _STEPS:
                backward[head].add(index)
    if not backward:
        return []
    after = _successors(items, labels)
    before: dict[int, list[int]] = defaultdict(list)
    for index, following in enumerate(after):
        for other in following:
            before[other].append(index)
    found = []
    for head, jumps in sorted(backward.items()):
        around = _reachable([0], after, without=head)
        back = frozenset(jumps - around)
        if not back:
            continue
        inside = [items[index] for index in _reachable(back, before, without=head)]
        names = sorted({name for item in inside for name in _stored(item)})
        if any(isinstance(item, Instr) and item.name in _HANDS_OVER for item in inside):
            continue
        if names and code.co_flags & _OPTIMIZED and not _SNAPSHOTS.isdisjoint(code.co_names):
            continue  # to ask for its variables would change what it sees itself
        found.append(Found(head, back, Loop(tuple(names))))
    return found


def _first(items: Sequence[object], index: int) -> Instr:
    """Return the first instruction from an index on."""
    return next(item for item in items[index:] if isinstance(item, Instr))


def _successors(items: Sequence[object], labels: dict[int, int]) -> list[list[int]]:
    """Tell for each item which may come after it, by their indexes."""
    after: list[list[int]] = []
    handlers: list[int] = []
    for index, item in enumerate(items):
        following = [*handlers]
        goes_on = True
        if isinstance(item, TryBegin):
            handlers.append(labels[id(item.target)])
        elif isinstance(item, TryEnd):
            target = labels[id(item.entry.target)]
            if target in handlers:
                handlers.remove(target)
        elif isinstance(item, Instr):
            if item.has_jump():
                following.append(labels[id(item.arg)])
            goes_on = not (item.is_final() or item.is_uncond_jump())
        if goes_on and index + 1 < len(items):
            following.append(index + 1)
        after.append(following)
    return after


def _reachable(
    starts: Iterable[int], edges: list[list[int]] | dict[int, list[int]], *, without: int
) -> set[int]:
    """Return what can be reached, the starts included, if one index cannot be passed."""
    waiting = [index for index in starts if index != without]
    seen = set(waiting)
    while waiting:
        index = waiting.pop()
        for other in edges[index]:
            if other not in seen and other != without:
                seen.add(other)
                waiting.append(other)
    return seen


def _stored(item: object) -> list[str]:
    """Return the variables that an instruction may store or delete, or more."""
    if not isinstance(item, Instr):
        return []
    name, arg = item.name, item.arg
    if not name.startswith(("STORE_FAST", "DELETE_FAST", "STORE_NAME", "DELETE_NAME")):
        return []
    return [str(each) for each in (arg if isinstance(arg, tuple) else (arg,))]
