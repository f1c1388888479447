"""Rows of the dependency relation: what a kind of operation touches, and how to leave one out.

A row is the class of an operation and what it touches of which kind: its own object, a part of a
queue, the list of threads, and so on.
"""

from contextlib import contextmanager

from interleave.core.dependence import CLOCK, MAIN, POOLS, STREAM, THREADS, WORLD

_NAMES = {
    CLOCK: "clock",
    WORLD: "world",
    THREADS: "threads",
    MAIN: "main",
    POOLS: "pools",
    STREAM: "output",
}
_PARTS = {1: "tail", 2: "head", 3: "undone", 4: "item", 5: "room"}


def role_of(op, key):
    """Return what a location is to an operation that touches it."""
    if isinstance(key, tuple) and op.plain:
        return "item" if len(key) > 1 else "items"
    if isinstance(key, tuple):
        return _PARTS[key[1]]
    if key in _NAMES:
        return _NAMES[key]
    target = op.target
    if target is not None and key == target.key:
        return "object"
    for name in ("condition", "waiter", "thread"):
        item = getattr(op, name, None)
        if item is not None and getattr(item, "key", None) == key:
            return name
    if target is not None and getattr(target, "idle_key", None) == key:
        return "idle"
    return "other"


def rows_of(execution):
    """Yield the rows that an execution shows."""
    for event in execution.events:
        for key, _ in event.footprint():
            yield type(event), role_of(event, key)


@contextmanager
def without(row):
    """Leave out one row of the dependency relation while the block runs.

    The list that the block gets holds what was left out.
    """
    cls, role = row
    gone = []
    saved = {name: cls.__dict__.get(name) for name in ("footprint", "footprint_in")}
    footprint, footprint_in = cls.footprint, cls.footprint_in

    def left(op, touches):
        if type(op) is not cls:
            return touches
        kept = tuple(touch for touch in touches if role_of(op, touch[0]) != role)
        if len(kept) < len(touches):
            gone.append(touches)
        return kept

    cls.footprint = lambda self: left(self, footprint(self))
    cls.footprint_in = lambda self, past: left(self, footprint_in(self, past))
    try:
        yield gone
    finally:
        for name, before in saved.items():
            if before is None:
                delattr(cls, name)
            else:
                setattr(cls, name, before)
