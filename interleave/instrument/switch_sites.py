"""Where the hooks of `--atomicity gil` stand in rewritten code.

They stand beside those of the accesses, and before them: at the places where CPython looks whether
another thread wants to go on, and at the bytecodes that may run code which has no hooks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bytecode import Instr, Label

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bytecode.instr import InstrLocation

    Emit = Callable[[str, tuple[int, ...], tuple[Any, ...], InstrLocation | None], Iterator[Any]]
    """Yields the call of a hook with copies of operands (1 is the top) and constants."""

_OPERATORS: dict[str, tuple[str, tuple[int, ...]]] = {
    "BINARY_OP": ("comparing", (2, 1)),
    "COMPARE_OP": ("comparing", (2, 1)),
    "CONTAINS_OP": ("seeking", (1, 2)),
    "BINARY_SUBSCR": ("operating", (2, 1)),
    "STORE_SUBSCR": ("operating", (2, 1)),
    "DELETE_SUBSCR": ("operating", (2, 1)),
    "BINARY_SLICE": ("operating", (3, 2, 1)),
    "STORE_SLICE": ("operating", (4, 3, 2, 1)),
    "UNPACK_SEQUENCE": ("operating", (1,)),
    "UNPACK_EX": ("operating", (1,)),
    "LIST_EXTEND": ("operating", (1,)),
    "SET_UPDATE": ("operating", (1,)),
    "SET_ADD": ("operating", (1,)),
    "MAP_ADD": ("operating", (2,)),
    "DICT_UPDATE": ("operating", (1,)),
    "DICT_MERGE": ("operating", (1,)),
    "GET_LEN": ("operating", (1,)),
    "GET_ITER": ("operating", (1,)),
    "GET_YIELD_FROM_ITER": ("operating", (1,)),
    "FOR_ITER": ("operating", (1,)),
    "SEND": ("operating", (2,)),
    "FORMAT_SIMPLE": ("comparing", (1,)),
    "FORMAT_WITH_SPEC": ("comparing", (2, 1)),
    "CONVERT_VALUE": ("comparing", (1,)),
    "UNARY_NEGATIVE": ("operating", (1,)),
    "UNARY_POSITIVE": ("operating", (1,)),
    "UNARY_INVERT": ("operating", (1,)),
    "BEFORE_WITH": ("operating", (1,)),
    "MATCH_KEYS": ("operating", (2, 1)),
    "MATCH_CLASS": ("operating", (3,)),
}

_ATTRIBUTES = {
    "LOAD_ATTR": "reaching",
    "LOAD_METHOD": "reaching",
    "STORE_ATTR": "keeping",
    "DELETE_ATTR": "keeping",
}

_MAKING = frozenset({"BUILD_LIST", "BUILD_SET", "BUILD_MAP", "BUILD_CONST_KEY_MAP"})

_FOREIGN = frozenset(
    {
        *("IMPORT_NAME", "IMPORT_FROM", "IMPORT_STAR", "RAISE_VARARGS", "WITH_EXCEPT_START"),
        *("GET_AWAITABLE", "GET_AITER", "GET_ANEXT", "BEFORE_ASYNC_WITH", "END_ASYNC_FOR"),
        *("CALL_INTRINSIC_1", "CALL_INTRINSIC_2", "LOAD_SUPER_ATTR", "PRINT_EXPR"),
    }
)
"""What may run code without hooks, and is seldom enough to be taken to."""

_HASHING = frozenset({"BUILD_SET", "BUILD_MAP"})
"""Likewise, if there are items."""

_RETURNS = frozenset({"RETURN_VALUE", "RETURN_CONST", "YIELD_VALUE"})

_LOOKING = 2
"""`RESUME` looks where a function begins (0) and behind a `yield` (1); not in `yield from` (2) nor
`await` (3)."""

_OTHERWISE = {
    "POP_JUMP_BACKWARD_IF_TRUE": "POP_JUMP_FORWARD_IF_FALSE",
    "POP_JUMP_BACKWARD_IF_FALSE": "POP_JUMP_FORWARD_IF_TRUE",
    "POP_JUMP_BACKWARD_IF_NONE": "POP_JUMP_FORWARD_IF_NOT_NONE",
    "POP_JUMP_BACKWARD_IF_NOT_NONE": "POP_JUMP_FORWARD_IF_NONE",
}
"""Of 3.11: they look where they jump, and not where they do not."""


def looks(item: Instr) -> bool:
    """Whether a `RESUME` looks if another thread wants to go on.

    Its hook belongs to the line of the instruction behind it: that of the `def` is no line to run.
    """
    arg: Any = item.arg
    return item.name == "RESUME" and (arg & 3) < _LOOKING


def before(item: Instr, emit: Emit, *, tests_truth: bool) -> Iterator[Any]:
    """Yield the hooks that stand before an instruction that is no call."""
    name, place = item.name, item.location
    arg: Any = item.arg
    operator = _OPERATORS.get(name)
    if operator is not None:
        yield from emit(operator[0], operator[1], (), place)
    elif name == "FORMAT_VALUE":
        yield from emit("comparing", (2, 1) if arg & 4 else (1,), (), place)
    elif name in _ATTRIBUTES:
        text = arg[-1] if isinstance(arg, tuple) else arg
        yield from emit(_ATTRIBUTES[name], (1,), (text,), place)
    elif tests_truth:
        yield from emit("operating", (1,), (), place)
    elif name in _FOREIGN or (name in _HASHING and arg):
        yield from emit("foreign_code", (), (), place)
    elif name in _RETURNS:
        yield from emit("returning", (), (), place)
    elif name == "JUMP_BACKWARD":
        yield from emit("switch_point", (), (), place)


def instead(item: Instr, emit: Emit) -> Iterator[Any]:
    """Yield an instruction with the hooks behind it, or what it has become."""
    name, place = item.name, item.location
    arg: Any = item.arg
    if name in _OTHERWISE:
        stays = Label()
        yield Instr(_OTHERWISE[name], stays, location=place)
        yield from emit("switch_point", (), (), place)
        yield Instr("JUMP_BACKWARD", arg, location=place)
        yield stays
        return
    yield item
    if name in _MAKING:
        yield from emit("made", (1,), (), place)


def called(call: list[Any], hook: list[Any], unseen: Label, emit: Emit) -> Iterator[Any]:
    """Yield a call that is followed by a hook, or not, as its own hook says.

    `call` ends with the instruction that calls; `hook` jumps to `unseen` where nothing follows.
    """
    place = call[-1].location
    together = Label()
    yield from hook
    yield from (item.copy() for item in call)
    yield from emit("called", (1,), (), place)
    yield Instr("JUMP_FORWARD", together, location=place)
    yield unseen
    yield from call
    yield together
