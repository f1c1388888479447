"""Where null lies on the stack beside the function that is called, found by following the code."""

from __future__ import annotations

import sys
from typing import Any

from bytecode import Bytecode, Instr, Label
from bytecode.instr import TryBegin

PY313 = sys.version_info >= (3, 13)

CALLS = frozenset({"CALL", "CALL_KW", "CALL_FUNCTION_EX"})


_NULL, _VALUE = True, False


def nulls_of(code: Bytecode) -> dict[int, bool]:
    """Tell for each call that can be reached whether null lies beside its function.

    Follows the stack through the code. Null is pushed by few instructions and taken by calls
    alone, so of all others only how far they grow or shrink the stack matters.
    """
    labels = {id(item): index for index, item in enumerate(code) if isinstance(item, Label)}
    found: dict[int, bool] = {}
    seen: set[int] = set()
    waiting: list[tuple[int, list[bool]]] = [(0, [])]
    while waiting:
        index, stack = waiting.pop()
        while index < len(code) and index not in seen:
            seen.add(index)
            item = code[index]
            if isinstance(item, TryBegin):
                depth = item.stack_depth + item.push_lasti + 1
                waiting.append((labels[id(item.target)], [_VALUE] * depth))
            elif isinstance(item, Instr):
                if item.name in CALLS:
                    found[index] = stack[_beside(item)]
                if item.has_jump():
                    waiting.append((labels[id(item.arg)], _after(item, list(stack), jump=True)))
                if item.is_final() or item.is_uncond_jump():
                    break
                stack = _after(item, stack, jump=False)
            index += 1
    return found


def number_of(arg: Any) -> int:
    """The argument of an instruction that takes a number."""
    return int(arg)


def _beside(call: Instr) -> int:
    """Where the slot beside the function of a call is, from the top."""
    count = number_of(call.arg)
    if call.name == "CALL_FUNCTION_EX":
        count = 1 + (count & 1)
    elif call.name == "CALL_KW":
        count += 1
    return -(count + 1) if PY313 else -(count + 2)


def _after(item: Instr, stack: list[bool], *, jump: bool) -> list[bool]:
    """The stack after an instruction."""
    name, arg = item.name, item.arg
    pair = [_VALUE, _NULL] if PY313 else [_NULL, _VALUE]
    if name == "PUSH_NULL":
        stack.append(_NULL)
    elif name == "LOAD_METHOD" or (name == "LOAD_ATTR" and isinstance(arg, tuple) and arg[0]):
        stack[-1:] = pair
    elif name == "LOAD_SUPER_ATTR":
        stack[-3:] = pair if isinstance(arg, tuple) and arg[0] else [_VALUE]
    elif name == "LOAD_GLOBAL" and isinstance(arg, tuple) and arg[0]:
        stack.extend(pair)
    elif name in CALLS:
        kept = len(stack) + _beside(item) - (1 if PY313 else 0)
        del stack[max(kept, 0) :]
        stack.append(_VALUE)
    elif name in ("PRECALL", "KW_NAMES"):
        pass
    elif name == "SWAP":
        count = number_of(arg)
        stack[-1], stack[-count] = stack[-count], stack[-1]
    elif name == "COPY":
        stack.append(stack[-number_of(arg)])
    else:
        effect = item.stack_effect(jump=jump)
        if effect < 0:
            del stack[effect:]
        else:
            stack.extend([_VALUE] * effect)
    return stack
