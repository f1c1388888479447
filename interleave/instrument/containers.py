"""What the methods of containers and the built-in functions do to the containers they get."""

from __future__ import annotations

import array
import builtins
import collections
import enum
import functools
import gc
import itertools
import sys
from types import GeneratorType, MappingProxyType
from typing import Any

from interleave.primitives.twins import EXACTLY_REAL

EMPTY_DICT: dict[Any, Any] = {}


class Shape(enum.Enum):
    """How the contents of a type are divided into locations."""

    NONE = "no container"
    DICT = "by key"
    WHOLE = "as a whole"
    VIEW = "a view of a dictionary"
    ITERATOR = "an iterator written in C"
    GENERATOR = "a generator"


_WHOLE = (list, set, collections.deque, bytearray, array.array)
_VIEWS = (type(EMPTY_DICT.keys()), type(EMPTY_DICT.values()), type(EMPTY_DICT.items()))
_ODICT: collections.OrderedDict[Any, Any] = collections.OrderedDict()

LIST_ITERATOR: type = type(iter([]))

LEAF_ITERATORS: frozenset[type] = frozenset(
    {
        LIST_ITERATOR,
        type(reversed([])),
        type(iter(EMPTY_DICT)),
        type(iter(EMPTY_DICT.values())),
        type(iter(EMPTY_DICT.items())),
        type(reversed(EMPTY_DICT)),
        type(reversed(EMPTY_DICT.values())),
        type(reversed(EMPTY_DICT.items())),
        type(iter(_ODICT)),
        type(iter(set())),
        type(iter(collections.deque())),
        type(reversed(collections.deque())),
        type(iter(bytearray())),
        type(iter(array.array("b"))),
    }
)
"""Iterators over a container."""

OTHER_ITERATORS: frozenset[type] = frozenset(
    {
        enumerate,
        zip,
        map,
        filter,
        reversed,
        type(iter(())),
        type(iter("")),
        type(iter("é")),
        type(iter(b"")),
        type(iter(range(0))),
        type(iter(range(1 << 70))),
        type(iter(int, 1)),
        *(value for value in vars(itertools).values() if isinstance(value, type)),
    }
)
"""Iterators over values or other iterators: they have a state, which is shared if they are."""

SUSPECTS = frozenset({*EXACTLY_REAL, type([].append), functools.partial})
"""The types of what a twin may have to stand for, where it is an argument (`substitution`)."""

SHAPES: dict[type, Shape] = {}
"""What `shape_of` has found, for hooks that look here before they call it."""


def shape_of(cls: type) -> Shape:
    """Return how the contents of a type are divided."""
    found = SHAPES.get(cls)
    if found is None:
        if issubclass(cls, dict):
            found = Shape.DICT
        elif issubclass(cls, _WHOLE):
            found = Shape.WHOLE
        elif issubclass(cls, (*_VIEWS, MappingProxyType)):
            found = Shape.VIEW
        elif cls in LEAF_ITERATORS or cls in OTHER_ITERATORS:
            found = Shape.ITERATOR
        elif cls is GeneratorType:
            found = Shape.GENERATOR
        else:
            found = Shape.NONE
        if len(SHAPES) < 10_000 and cls not in SUSPECTS:
            SHAPES[cls] = found
    return found


_KEY_VIEWS = (
    type(EMPTY_DICT.keys()),
    type(iter(EMPTY_DICT)),
    type(reversed(EMPTY_DICT)),
)


_ITS_OWN = 4
"""References to an iterator that another one alone holds: by that, and by those that look here."""


def underlying(item: Any) -> tuple[tuple[Any, bool], ...]:
    """Return the containers and generators that an iterator or view goes through.

    Each comes with whether it is gone through by keys alone. With them come the iterators inside
    that others may hold too: a step of `islice(shared, 2)` is one of `shared`.
    """
    if type(item) is LIST_ITERATOR:  # the most frequent by far, and a third of the time
        lists = gc.get_referents(item)
        return ((lists[0], False),) if lists else ()  # it forgets its list once it is used up
    found: list[tuple[Any, bool]] = []
    waiting = [item]
    seen = 0
    while waiting and seen < 1_000:
        at = waiting.pop()
        seen += 1
        cls = type(at)
        leaf = cls in LEAF_ITERATORS or issubclass(cls, (*_VIEWS, MappingProxyType))
        for referent in gc.get_referents(at):
            shape = shape_of(type(referent))
            if shape in (Shape.DICT, Shape.WHOLE):
                if leaf:
                    found.append((referent, cls in _KEY_VIEWS))
            elif shape is Shape.GENERATOR:
                found.append((referent, False))
            elif shape is not Shape.NONE:
                if shape is Shape.ITERATOR and sys.getrefcount(referent) > _ITS_OWN:
                    found.append((referent, False))
                waiting.append(referent)
            elif type(referent) is tuple and cls is not enumerate:
                inside = [inner for inner in referent if shape_of(type(inner)) is Shape.ITERATOR]
                found.extend(
                    (inner, False) for inner in inside if sys.getrefcount(inner) > _ITS_OWN
                )
                waiting.extend(inside)
    return tuple(found)


# -- methods ------------------------------------------------------------------------------------

_COMMON_READS = {
    *("__len__", "__iter__", "__contains__", "__getitem__", "__repr__", "__str__", "__format__"),
    *("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__reversed__", "__sizeof__"),
    *("__add__", "__radd__", "__mul__", "__rmul__", "__or__", "__ror__", "__and__", "__rand__"),
    *("__sub__", "__rsub__", "__xor__", "__rxor__", "__mod__", "__reduce__", "__reduce_ex__"),
    *("__copy__", "__deepcopy__", "__length_hint__", "__bool__", "copy", "count", "index"),
}
_SET_READS = {
    *("difference", "intersection", "union", "symmetric_difference"),
    *("isdisjoint", "issubset", "issuperset"),
}
_BYTES_READS = {name for name in vars(bytes) if not name.startswith("__")}
_ARRAY_READS = {"buffer_info", "tobytes", "tolist", "tounicode", "tofile"}
READS = frozenset(_COMMON_READS | _SET_READS | _BYTES_READS | _ARRAY_READS)
"""Methods that only look; every other method of a container that is taken as a whole writes."""

NO_TOUCH = frozenset(
    {
        *("__class__", "__init_subclass__", "__subclasshook__", "__hash__", "__dir__"),
        *("__class_getitem__", "__new__", "fromkeys", "maketrans", "fromhex"),
    }
)

STORING = frozenset(
    {
        *("append", "appendleft", "insert", "add", "discard", "setdefault", "get", "pop"),
        *("__setitem__", "__getitem__", "__delitem__", "fromkeys", "move_to_end", "rotate"),
    }
)
"""Methods that keep, or look up by, what they are given, and do not look into it."""

KEYED = frozenset(
    {
        *("get", "setdefault", "pop", "move_to_end", "__contains__"),
        *("__getitem__", "__setitem__", "__delitem__"),
    }
)
"""Methods of a dictionary that look at, or change, the item under the key that they are given."""

# -- built-in functions ---------------------------------------------------------------------------


class Use(enum.Enum):
    """What a function does to the containers that it gets."""

    NOTHING = "nothing"
    SIZE = "reads the number of items, or the keys"
    CONTENTS = "reads the contents"
    STEP = "goes one step"
    ITERATE = "makes an iterator"
    GET = "reads an attribute"
    SET = "writes an attribute"
    DELETE = "deletes an attribute"
    VARS = "gives out the dictionary of an object"
    UNKNOWN = "may do anything"


_USES: dict[Use, str] = {
    Use.NOTHING: "isinstance issubclass type id callable hash locals globals super object property "
    "classmethod staticmethod input open breakpoint range slice __build_class__ ord chr "
    "memoryview exit quit",
    Use.SIZE: "len bool",
    Use.CONTENTS: "list tuple set frozenset dict sorted sum min max any all repr str bytes "
    "bytearray ascii format print int float complex divmod abs round pow bin hex oct dir",
    Use.STEP: "next anext",
    Use.ITERATE: "iter reversed enumerate zip map filter aiter",
    Use.GET: "getattr hasattr",
    Use.SET: "setattr",
    Use.DELETE: "delattr",
    Use.VARS: "vars",
}

USES: dict[Any, Use] = {}
for _use, _names in _USES.items():
    for _name in _names.split():
        if hasattr(builtins, _name):
            USES[getattr(builtins, _name)] = _use
USES[collections.deque] = USES[array.array] = USES[collections.OrderedDict] = Use.CONTENTS
USES[collections.defaultdict] = USES[collections.Counter] = Use.CONTENTS
USES[functools.partial] = Use.NOTHING
for _value in vars(itertools).values():
    if isinstance(_value, type):
        USES[_value] = Use.ITERATE

QUIET = frozenset(
    {
        *("threading", "queue", "_queue", "concurrent.futures.thread", "concurrent.futures._base"),
        *(
            f"interleave.primitives.{name}"
            for name in (
                *("threads", "raw_threads", "locks", "reentrant_locks"),
                *("conditions", "condition_methods", "events", "semaphores", "barriers"),
                *("queues", "queue_state", "queue_methods", "simple_queues"),
                *("futures", "future_methods", "completion", "pools", "executors"),
                *("calls", "clocks", "processes"),
            )
        ),
    }
)
"""Modules whose functions hand containers on and do not look into them."""

TELLING = QUIET | frozenset(
    {
        *("interleave.primitives.output", "interleave.primitives.randomness"),
        *("interleave.primitives.memory", "interleave.primitives.accesses"),
        *("interleave.primitives.patching", "logging"),
    }
)
"""Modules that are not instrumented, and whose functions change nothing that a program could see
later but by operations. (What is logged while the output is not observed is seen by nobody.)"""

REACHING_OUT = frozenset({input, open, breakpoint})
"""Built-in functions that touch no container, and may give something else each time."""

CALCULATING = frozenset({"builtins", "math", "cmath", "_operator"})
"""Modules written in C whose functions have no state."""

PLAIN_TYPES: frozenset[type] = frozenset(
    {
        *(int, float, complex, str, bytes, bool, tuple, frozenset, range, slice, type(None)),
        *(type(Ellipsis), type(NotImplemented), type(len), type([].__len__)),
        *(type(list.append), type(list.__len__), super),
    }
)
"""Types without attributes that could change, and without contents that could."""
