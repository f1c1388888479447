"""Rewrites code objects so that a hook is called just before each access another thread could see.

A hook sees copies of what the access is about to take from the stack. Its result is thrown away,
so that apart from the time in between the code does what it did; or, where a real lock may be
used that was made before the check, it is what stands for that. Every hook stands behind a gate, a
list that is empty (false) while no check runs, so that instrumented code costs a few nanoseconds
an access then. Inserted instructions carry the position of the access that they stand before.

What differs from one CPython to the next (3.11 to 3.13) is in the tables below and in `_call`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from inspect import CO_GENERATOR
from types import CodeType
from typing import TYPE_CHECKING, Any, Protocol

from bytecode import Bytecode, ConcreteBytecode, Instr, Label

from interleave.core.spinning import Loop
from interleave.instrument import switch_sites
from interleave.instrument.loops import loops_of
from interleave.instrument.nulls import CALLS, PY313, nulls_of, number_of
from interleave.instrument.shared_names import NOTHING_KNOWN, cells_of, is_module_body

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from bytecode.instr import InstrLocation

    from interleave.instrument.shared_names import Cells

PY312 = sys.version_info >= (3, 12)


_EXTRA_STACK = 8
"""A hook call takes its function, a null, and copies of at most so many operands but for calls."""


Done = dict[int, tuple[CodeType, CodeType]]
"""Code objects by their `id`, each with its rewriting (and so kept alive)."""


class Gate(list[Any]):
    """What a hook stands behind: true while it holds something.

    A list, because its truth is looked at in C; with a hash, because code objects have one.
    """

    __slots__ = ()
    __hash__ = object.__hash__  # type: ignore[assignment]  # a list has none


class Hooks(Protocol):
    """What rewritten code calls: a gate, and beside it a function for every hook named below."""

    @property
    def gate(self) -> Gate:
        """What every hook stands behind."""
        ...


@dataclass(frozen=True, slots=True)
class _Site:
    """Which hook stands before an instruction, and which operands it gets (1 is the top)."""

    hook: str
    operands: tuple[int, ...]
    named: bool = False  # the name in the instruction is the last argument
    replaces: bool = False  # what the hook returns is used in place of its first operand
    called: bool = False  # then it gets what the program calls that operand, too


_SITES: dict[str, _Site] = {
    "LOAD_ATTR": _Site("attribute_read", (1,), named=True),
    "LOAD_METHOD": _Site("attribute_read", (1,), named=True),
    "STORE_ATTR": _Site("attribute_write", (1,), named=True),
    "DELETE_ATTR": _Site("attribute_delete", (1,), named=True),
    "BINARY_SUBSCR": _Site("item_read", (2, 1)),
    "STORE_SUBSCR": _Site("item_write", (2, 1, 3)),
    "DELETE_SUBSCR": _Site("item_delete", (2, 1)),
    "BINARY_SLICE": _Site("content_read", (3,)),
    "STORE_SLICE": _Site("slice_write", (3, 4)),
    "UNPACK_SEQUENCE": _Site("unpacking", (1,)),
    "UNPACK_EX": _Site("unpacking", (1,)),
    "LIST_EXTEND": _Site("unpacking", (1,)),
    "SET_UPDATE": _Site("unpacking", (1,)),
    "DICT_UPDATE": _Site("content_read", (1,)),
    "DICT_MERGE": _Site("content_read", (1,)),
    "GET_LEN": _Site("size_read", (1,)),
    "MATCH_KEYS": _Site("content_read", (2,)),
    "MATCH_CLASS": _Site("match_class", (3, 1)),
    "FORMAT_SIMPLE": _Site("content_read", (1,)),
    "FORMAT_WITH_SPEC": _Site("content_read", (2,)),
    "CONVERT_VALUE": _Site("content_read", (1,)),
    "CONTAINS_OP": _Site("contains", (1, 2)),
    "COMPARE_OP": _Site("binary", (2, 1)),
    "IS_OP": _Site("identity", (2, 1), replaces=True),
    "BEFORE_WITH": _Site("entering", (1,), replaces=True, called=True),
    "GET_ITER": _Site("iterating", (1,)),
    "GET_YIELD_FROM_ITER": _Site("iterating", (1,)),
    "FOR_ITER": _Site("step", (1,)),
    "SEND": _Site("step", (2,)),
    "IMPORT_NAME": _Site("importing", (2, 1), named=True),
}
"""Operands that are null at run time must never be copied: none of these can be."""

_USING = _Site("using", (1,), named=True, replaces=True, called=True)
"""Before an attribute is loaded that a lock or queue has."""

_USED = frozenset(
    {
        *("acquire", "release", "locked", "acquire_lock", "release_lock", "locked_lock"),
        *("__enter__", "__exit__", "_is_owned", "_release_save", "_acquire_restore"),
        *("_recursion_count", "put", "get", "put_nowait", "get_nowait", "qsize", "empty"),
        *("mutex", "not_empty", "not_full", "all_tasks_done"),
    }
)

_TRUTH = frozenset(
    {
        "TO_BOOL",
        *("POP_JUMP_IF_TRUE", "POP_JUMP_IF_FALSE"),
        *("POP_JUMP_FORWARD_IF_TRUE", "POP_JUMP_FORWARD_IF_FALSE"),
        *("POP_JUMP_BACKWARD_IF_TRUE", "POP_JUMP_BACKWARD_IF_FALSE"),
        *("JUMP_IF_TRUE_OR_POP", "JUMP_IF_FALSE_OR_POP", "UNARY_NOT"),
    }
)
"""A test of truth asks a container for its length."""

_BOOLEAN = frozenset(
    {
        *("COMPARE_OP", "IS_OP", "CONTAINS_OP", "UNARY_NOT", "TO_BOOL"),
        *("CHECK_EXC_MATCH", "CHECK_EG_MATCH", "MATCH_MAPPING", "MATCH_SEQUENCE"),
        *("MATCH_KEYS", "WITH_EXCEPT_START"),
    }
)
"""After these there is nothing shared to ask."""

_GLOBAL_READS = frozenset({"LOAD_GLOBAL"})

_GLOBAL_WRITES = {"STORE_GLOBAL": "global_write", "DELETE_GLOBAL": "global_delete"}

_NAMES = {
    "LOAD_NAME": "global_read",
    "STORE_NAME": "global_write",
    "DELETE_NAME": "global_delete",
}

_CELL_READS = frozenset({"LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF"})

_SUSPENDING = frozenset({"YIELD_VALUE", "RETURN_VALUE", "RETURN_CONST"})

_CELL_WRITES = frozenset({"STORE_DEREF", "DELETE_DEREF"})


def rewrite(
    code: CodeType,
    hooks: Hooks,
    *,
    shared_globals: Collection[str] = (),
    cells: Cells = NOTHING_KNOWN,
    done: Done | None = None,
    under_gil: bool = False,
) -> CodeType:
    """Return the code with its hooks, and so the code of all functions inside it.

    `shared_globals` are the global names that somebody stores to; `cells` tells which variables
    of enclosing functions never change. `done` takes what became of each code object, by its `id`
    (code objects of two files can be equal). Code for `under_gil` also says where CPython with the
    GIL lets another thread in.
    """
    if done is None:
        done = {}
    known = done.get(id(code))
    if known is not None:
        return known[1]
    result = _Rewriting(code, hooks, shared_globals, cells, done, under_gil=under_gil).result()
    done[id(code)] = (code, result)
    return result


class _Rewriting:
    """The rewriting of one code object."""

    def __init__(
        self,
        code: CodeType,
        hooks: Hooks,
        shared_globals: Collection[str],
        cells: Cells,
        done: Done,
        *,
        under_gil: bool,
    ) -> None:
        self.under_gil = under_gil
        self.code = code
        self.hooks = hooks
        self.shared_globals = shared_globals
        self.cells = cells_of(code, cells)
        self.done = done
        self.module_body = is_module_body(code)
        self.generator = bool(code.co_flags & CO_GENERATOR)
        self.widest = 0

    def result(self) -> CodeType:
        code = self.code
        source = Bytecode.from_code(code, conserve_exception_block_stackdepth=True)
        nulls = nulls_of(source)
        heads = {found.head: found for found in loops_of(source, code)}
        turns = {index: Label() for index in heads}  # where the jumps back to a head lead
        jumps = {index: turns[found.head] for found in heads.values() for index in found.jumps}
        items: list[Any] = []
        before: Instr | None = None
        resumed = False  # a function has begun, or goes on behind a `yield`
        hold = -1  # where a KW_NAMES was put: the hook of its call must stand before it
        for index, item in enumerate(source):
            if not isinstance(item, Instr):
                if isinstance(item, Label):
                    before = None
                items.append(item)
                if index in heads:
                    items.extend(self._head(heads[index].loop, turns[index], source, index))
                continue
            if index in jumps:
                item = Instr(item.name, jumps[index], location=item.location)  # noqa: PLW2901 - the same jump, to a place beside
            name = item.name
            hook: list[Any] = []
            if resumed:
                items.extend(self._hook("switch_point", (), (), item.location))
            resumed = self.under_gil and switch_sites.looks(item)
            if name in ("KW_NAMES", "PRECALL"):
                if hold < 0:
                    hold = len(items)
            elif name in CALLS:
                hook = list(self._at_call(item, nulls.get(index)))
            else:
                hook = list(self._at(item, before))
            if name in CALLS and self.under_gil and hook:
                call = [*items[hold:], item] if hold >= 0 else [item]
                del items[len(items) - len(call) + 1 :]
                items.extend(switch_sites.called(call, hook, self.unseen, self._hook))
                hold = -1
                before = item
                continue
            if name in CALLS:
                if hold >= 0:
                    items[hold:hold] = hook
                    hook = []
                hold = -1
            elif self.under_gil:
                tests_truth = name in _TRUTH and (before is None or before.name not in _BOOLEAN)
                items.extend(switch_sites.before(item, self._hook, tests_truth=tests_truth))
            if _loads_method(item):
                items.extend(_method_load(item, hook))
            else:
                items.extend(hook)
                items.extend(self._kept(item))
            before = item
        source[:] = items
        source.argnames = list(code.co_varnames)  # keeps the order of `locals()`
        concrete = source.to_concrete_bytecode(compute_exception_stack_depths=False)
        concrete.__class__ = _Assembler
        new = concrete.to_code(
            stacksize=code.co_stacksize + _EXTRA_STACK + self.widest,
            compute_exception_stack_depths=False,
        )
        if _units_with_lines(new) != len(new.co_code) // 2:
            # A tracer (a debugger, coverage) would make CPython write behind what it allocated.
            message = "its table of lines does not fit"
            raise ValueError(message)
        return new.replace(co_name=code.co_name, co_qualname=code.co_qualname)

    def _kept(self, item: Instr) -> Iterator[Instr]:
        """The instruction itself; the functions inside are rewritten."""
        name, arg, place = item.name, item.arg, item.location
        if name == "LOAD_CONST" and isinstance(arg, CodeType):
            inner = rewrite(
                arg,
                self.hooks,
                shared_globals=self.shared_globals,
                cells=self.cells,
                done=self.done,
                under_gil=self.under_gil,
            )
            yield Instr(name, inner, location=place)
        elif name == "LOAD_SUPER_ATTR" and isinstance(arg, tuple) and arg[0]:
            yield Instr("LOAD_SUPER_ATTR", (False, *arg[1:]), location=place)
            yield from _null_beside(place)
        elif self.under_gil:
            yield from switch_sites.instead(item, self._hook)
        else:
            yield item

    def _at(self, item: Instr, before: Instr | None) -> Iterator[Any]:
        """The hook before an instruction that is no call, if there is one."""
        name, arg, place = item.name, item.arg, item.location
        site = _SITES.get(name)
        if site is not None:
            yield from self._at_site(site, item, before)
        elif name == "BINARY_OP":
            inplace = number_of(arg) >= 13  # opcode.py: NB_INPLACE_ADD
            yield from self._hook("inplace" if inplace else "binary", (2, 1), (), place)
        elif name in _TRUTH:
            if before is None or before.name not in _BOOLEAN:
                yield from self._hook("size_read", (1,), (), place)
        elif name == "FORMAT_VALUE":
            has_spec = number_of(arg) & 4
            yield from self._hook("content_read", (2 if has_spec else 1,), (), place)
        elif name in _CELL_READS or name in _CELL_WRITES:
            variable = arg.name  # type: ignore[union-attr]  # a cell or free variable
            if variable not in self.cells.constant:
                hook = "cell_read" if name in _CELL_READS else "cell_write"
                yield from self._hook(hook, (), (arg, variable), place)
        elif name in _SUSPENDING:
            if self.generator:
                yield from self._hook("suspending", (), (), place)
        elif name in _GLOBAL_READS:
            text = arg[1] if isinstance(arg, tuple) else arg
            if text in self.shared_globals:
                yield from self._hook("global_read", (), (text,), place)
        elif name in _GLOBAL_WRITES:
            yield from self._hook(_GLOBAL_WRITES[name], (), (arg,), place)
        elif self.module_body and name in _NAMES and arg in self.shared_globals:
            yield from self._hook(_NAMES[name], (), (arg,), place)

    def _at_site(self, site: _Site, item: Instr, before: Instr | None) -> Iterator[Any]:
        """The hook of an instruction that has one wherever it stands."""
        arg = item.arg
        constants: list[Any] = []
        if site.named:
            text = arg[-1] if isinstance(arg, tuple) else arg
            if text == "__dict__" and site.hook == "attribute_read":
                yield from self._hook("dictionary_read", (1,), (), item.location)
                return
            if text in _USED and site.hook == "attribute_read":
                site = _USING
            constants.append(text)
        elif item.name == "IS_OP" and before is not None and before.name == "LOAD_CONST":
            return  # None, most often: it stands for nothing
        if site.called:
            constants.append(_called(before))
        replaced = site.operands[0] if site.replaces else 0
        yield from self._hook(site.hook, site.operands, constants, item.location, replaced=replaced)

    def _head(self, loop: Loop, turn: Label, source: Bytecode, at: int) -> Iterator[Any]:
        """The hooks at the head of a loop: one for who comes from before it, one for who is back.

        The second must not stand before the jumps, since they may depend on a condition.
        """
        place = next(item.location for item in source[at:] if isinstance(item, Instr))
        body = Label()
        yield from self._hook("loop_entered", (), (loop,), place)
        yield Instr("JUMP_FORWARD", body, location=place)
        yield turn
        yield from self._hook("loop_turned", (), (loop,), place)
        yield body

    def _at_call(self, item: Instr, null: bool | None) -> Iterator[Any]:
        """The hook before a call; `null` tells whether the slot beside its function holds null."""
        if null is None:
            return  # code that cannot be reached
        if item.name == "CALL_FUNCTION_EX":
            above = 1 + (number_of(item.arg) & 1)
            function = above + (2 if PY313 else 1)
            operands = (function, *range(above, 0, -1))
            yield from self._call_hook("call_expanded", operands, item.location)
            return
        count = number_of(item.arg)
        shift = 1 if item.name == "CALL_KW" else 0  # the names of the keywords are on top
        self.widest = max(self.widest, count + 2)
        first = count + shift
        if null:
            operands = (first + (2 if PY313 else 1), *range(first, shift, -1))
        else:
            operands = tuple(range(first + 2, shift, -1))
        yield from self._call_hook("call", operands, item.location)

    def _call_hook(
        self, hook: str, operands: tuple[int, ...], place: InstrLocation | None
    ) -> Iterator[Any]:
        """Call the hook before a call; under the GIL, also what tells whether to look behind it."""
        function = operands[0]
        if self.under_gil:
            yield from self._hook("calling", (function,), (), place)
        yield from self._hook(hook, operands, (), place, replaced=function)
        if self.under_gil:
            self.unseen = Label()
            behind = {"call": "looks_behind", "call_expanded": "looks_behind_expanded"}[hook]
            yield from self._hook(behind, (function,), (), place, otherwise=self.unseen)

    def _hook(
        self,
        hook: str,
        operands: tuple[int, ...],
        constants: Sequence[Any],
        place: InstrLocation | None,
        *,
        replaced: int = 0,
        otherwise: Label | None = None,
    ) -> Iterator[Any]:
        """Call a hook with copies of operands and with constants (or variables' cells).

        What it returns is put in the place of the operand `replaced`, or thrown away. Where there
        is an `otherwise`, go there if the hook says no, or the gate is shut.
        """
        skip = otherwise or Label()
        jump = "POP_JUMP_IF_FALSE" if PY312 else "POP_JUMP_FORWARD_IF_FALSE"
        yield Instr("LOAD_CONST", self.hooks.gate, location=place)
        if PY313:
            yield Instr("TO_BOOL", location=place)
        yield Instr(jump, skip, location=place)
        function = Instr("LOAD_CONST", getattr(self.hooks, hook), location=place)
        null = Instr("PUSH_NULL", location=place)
        yield from (function, null) if PY313 else (null, function)
        for done, operand in enumerate(operands):
            yield Instr("COPY", operand + 2 + done, location=place)
        for constant in constants:
            if isinstance(constant, str | Loop):
                yield Instr("LOAD_CONST", constant, location=place)
            else:
                yield Instr("LOAD_FAST" if PY313 else "LOAD_CLOSURE", constant, location=place)
        count = len(operands) + len(constants)
        if not PY312:
            yield Instr("PRECALL", count, location=place)
        yield Instr("CALL", count, location=place)
        if otherwise is not None:
            yield Instr(jump, skip, location=place)
            return
        if replaced:
            yield Instr("SWAP", replaced + 1, location=place)
        yield Instr("POP_TOP", location=place)
        yield skip


class _Assembler(ConcreteBytecode):
    """Writes columns from 128 on in the long form of the table of lines.

    `bytecode` 0.19 writes those below 256 as single bytes, but a byte of 128 or more begins a new
    entry (Objects/locations.md of CPython).
    """

    def _pack_location(
        self, buf: bytearray, size: int, lineno: int, location: InstrLocation | None
    ) -> None:
        if (
            location is None
            or location.lineno is None
            or location.col_offset is None
            or max(location.col_offset, location.end_col_offset or 0) < 128
        ):
            super()._pack_location(buf, size, lineno, location)
            return
        below = (location.end_lineno or location.lineno) - location.lineno
        buf.append(self._pack_location_header(14, size))
        buf += self._encode_location_svarint(location.lineno - lineno)
        for number in (below, location.col_offset + 1, (location.end_col_offset or 0) + 1):
            buf += self._encode_location_varint(number)


def _units_with_lines(code: CodeType) -> int:
    """How many units of two bytes the table of lines covers (Objects/locations.md of CPython)."""
    return sum((byte & 7) + 1 for byte in code.co_linetable if byte & 128)


def _called(before: Instr | None) -> str:
    """What the program calls the value that an instruction has just loaded, if it has a name."""
    if before is None or not before.name.startswith("LOAD_") or before.name == "LOAD_CONST":
        return ""
    arg: Any = before.arg
    if isinstance(arg, tuple):
        arg = arg[-1]
    name = getattr(arg, "name", arg)
    return name if isinstance(name, str) else ""


def _loads_method(item: Instr) -> bool:
    """Whether an instruction pushes a function and its object, or null and any other value."""
    arg = item.arg
    return item.name == "LOAD_METHOD" or (
        item.name == "LOAD_ATTR" and isinstance(arg, tuple) and bool(arg[0])
    )


def _method_load(item: Instr, hook: list[Any]) -> Iterator[Any]:
    """A load of a method, as it is behind a shut gate and as the hook of its call needs it.

    Which of its two pairs a load pushes is known at run time alone, and null cannot be copied. So
    where the gate is open, the bound method is loaded, and the null put where it belongs.
    """
    *before, shut = hook
    together = Label()
    arg, place = item.arg, item.location
    yield from before
    if item.name == "LOAD_METHOD":
        yield Instr("LOAD_ATTR", arg, location=place)
    else:
        yield Instr("LOAD_ATTR", (False, arg[1]), location=place)  # type: ignore[index]  # a pair, as the name says
    yield from _null_beside(place)
    yield Instr("JUMP_FORWARD", together, location=place)
    yield shut
    yield item
    yield together


def _null_beside(place: InstrLocation | None) -> Iterator[Instr]:
    """Put null where a call expects it, beside the function on the top of the stack."""
    yield Instr("PUSH_NULL", location=place)
    if not PY313:
        yield Instr("SWAP", 2, location=place)
