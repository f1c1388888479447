"""Rewritten code does what the code did."""

import dis
import inspect
import sys
import traceback
import types

import pytest
from bytecode import ConcreteBytecode
from hypothesis import given, settings
from hypothesis import strategies as st

from interleave.instrument import hooks
from interleave.instrument.rewrite import Gate, rewrite


@pytest.fixture(autouse=True)
def open_gate():
    hooks.gate[:] = [True]
    yield
    hooks.gate.clear()


class Recording:
    """Hooks that note their calls."""

    def __init__(self):
        self.gate = Gate([True])
        self.calls = []

    def __getattr__(self, name):
        def hook(*args):
            self.calls.append((name, *args))
            return args[0] if args else None  # where it is used, nothing else stands for it

        setattr(self, name, hook)
        return hook


def rewritten(function, with_hooks=hooks, **names):
    code = rewrite(function.__code__, with_hooks, **names)
    new = types.FunctionType(
        code,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    new.__kwdefaults__ = function.__kwdefaults__
    return new


def calls(function, *args, **names):
    recording = Recording()
    rewritten(function, recording, **names)(*args)
    return recording.calls


class Box:
    def __init__(self, **attributes):
        self.__dict__.update(attributes)


def test_hooks_stand_before_attributes_with_their_names():
    def function(box):
        box.a = box.b
        box.a += 1
        del box.a

    box = Box(b=1)
    assert calls(function, box) == [
        ("attribute_read", box, "b"),
        ("attribute_write", box, "a"),
        ("attribute_read", box, "a"),
        ("inplace", 1, 1),
        ("attribute_write", box, "a"),
        ("attribute_delete", box, "a"),
    ]


def test_hooks_stand_before_items():
    def function(items):
        items[0] = items[1]
        del items[2]

    items = [1, 2, 3]
    assert calls(function, items) == [
        ("item_read", items, 1),
        ("item_write", items, 0, 2),
        ("item_delete", items, 2),
    ]


def test_a_hook_sees_the_function_and_the_arguments_of_a_call():
    def function(items):
        items.append(len(items))
        return sorted(items, key=abs, reverse=True)

    items = [1]
    found = [call[:3] for call in calls(function, items) if call[0] == "call"]
    assert found == [("call", len, items), ("call", items.append, 1), ("call", sorted, items)]


def test_a_hook_sees_calls_without_a_null_beside_the_function():
    def deco(function):
        return function

    def function():
        @deco
        @deco
        def inner():
            return 1

        return inner

    found = [call[1] for call in calls(function) if call[0] == "call"]
    assert found == [deco, deco]


def test_expanded_calls_are_seen():
    def function(args, keywords):
        return dict(*args, **keywords)

    found = [call for call in calls(function, ({},), {"a": 1}) if call[0] == "call_expanded"]
    assert found == [("call_expanded", dict, ({},), {"a": 1})]


def test_steps_of_a_loop_and_its_iterator_are_seen():
    def function(items):
        for _ in items:
            pass

    found = [call[0] for call in calls(function, [1, 2])]
    assert found == ["iterating", "step", "step", "step"]


def test_truth_of_a_container_is_a_look_at_its_size():
    def function(items):
        if items:
            pass
        while not items:
            pass

    assert [call[0] for call in calls(function, [1])] == ["size_read", "size_read"]


def test_only_globals_that_change_are_looked_at():
    def function():
        return changing, fixed

    assert [call[1:] for call in calls(function, shared_globals={"changing"})] == [("changing",)]


changing = fixed = 0


def test_variables_that_never_change_have_no_hooks():
    def function(argument):
        once = 1
        often = 1
        often += 1

        def inner():
            return argument, once, often

        return inner()

    found = [call for call in calls(function, 0) if call[0].startswith("cell")]
    assert [(name, variable) for name, _, variable in found] == [
        ("cell_write", "often"),
        ("cell_read", "often"),
        ("cell_write", "often"),
        ("cell_read", "often"),
    ]


def test_a_closed_gate_calls_nothing():
    recording = Recording()
    recording.gate.clear()

    def function(box):
        return box.a

    assert rewritten(function, recording)(Box(a=1)) == 1
    assert recording.calls == []


def test_signature_names_and_flags_stay():
    def function(a, b=1, *args, c, d=2, **keywords):
        local = a
        return local, b, args, c, d, keywords

    new = rewritten(function)
    assert inspect.signature(new) == inspect.signature(function)
    for name in (
        *("co_name", "co_qualname", "co_filename", "co_firstlineno", "co_flags", "co_names"),
        *("co_varnames", "co_freevars", "co_cellvars", "co_argcount", "co_kwonlyargcount"),
    ):
        assert getattr(new.__code__, name) == getattr(function.__code__, name), name
    assert inspect.getsource(new) == inspect.getsource(function)
    assert hash(new.__code__) == hash(new.__code__)


def test_a_traceback_shows_the_lines_of_the_program_and_no_hook():
    def function(box):
        try:
            box.first.second
        finally:
            box.done = True

    def told(callee):
        try:
            callee(Box(first=Box()))
        except AttributeError as error:
            frames = traceback.extract_tb(error.__traceback__)[1:]
            return [(f.name, f.lineno, f.colno, f.end_colno) for f in frames], str(error)

    assert told(rewritten(function)) == told(function)


def test_every_line_is_traced_as_before():
    def function(items):
        total = 0
        for item in items:
            if item:
                total += item
        return total

    def lines(callee):
        seen = []

        def trace(frame, event, arg):
            if frame.f_code.co_name != "function":
                return None
            if event == "line":
                seen.append(frame.f_lineno)
            return trace

        sys.settrace(trace)
        try:
            callee([0, 1])
        finally:
            sys.settrace(None)
        return seen

    before = sys.gettrace()
    try:
        assert lines(rewritten(function)) == lines(function)
    finally:
        sys.settrace(before)


def test_locals_keep_their_order():
    def function(*args, **keywords):
        kept = [item for item in args if item]
        return kept

    assert rewritten(function).__code__.co_varnames == function.__code__.co_varnames


def test_generators_can_be_sent_to_and_closed():
    def function(box):
        try:
            box.got = yield box.start
            yield from box.rest
        finally:
            box.closed = True

    def drive(callee):
        box = Box(start=1, rest=[2, 3])
        generator = callee(box)
        found = [next(generator), generator.send("sent"), next(generator)]
        generator.close()
        return found, box.got, box.closed

    assert drive(rewritten(function)) == drive(function) == ([1, 2, 3], "sent", True)


def test_rewriting_is_remembered_per_code_object():
    def function(box):
        return box.a

    done = {}
    assert rewrite(function.__code__, hooks, done=done) is rewrite(
        function.__code__, hooks, done=done
    )


def test_only_known_instructions_take_null():
    # Null on the stack cannot be copied. Of the instructions that push it, all are followed.
    known = {"PUSH_NULL", "LOAD_GLOBAL", "LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR"}
    assert known & set(dis.opmap) >= {"PUSH_NULL", "LOAD_GLOBAL", "LOAD_ATTR"}


# -- random functions -----------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b"])
KEYS = st.sampled_from(["'k'", "'l'", "0", "-1"])


def expressions():
    atoms = st.one_of(
        st.integers(0, 3).map(str),
        NAMES.map("box.{}".format),
        st.sampled_from(["x", "y", "items", "table", "free", "len(items)", "len(table)"]),
        KEYS.map("table.get({})".format),
        KEYS.map("table[{}]".format),
        st.integers(-1, 2).map("items[{}]".format),
    )

    def grown(inner):
        return st.one_of(
            st.tuples(inner, st.sampled_from("+ - * == < and or in is".split()), inner).map(
                lambda parts: f"({' '.join(parts)})"
            ),
            st.tuples(inner, inner, inner).map(lambda p: f"({p[0]} if {p[1]} else {p[2]})"),
            inner.map("[item for item in items if item == {}]".format),
            inner.map("(lambda q=1: (q, {}))()".format),
            st.sampled_from(["x", "items", "box.a", "table"]).map("f'{{{}!r:>4}}'".format),
            inner.map("sorted([*items, {}], key=str)".format),
            inner.map("dict(table, z={})".format),
            inner.map("(not {})".format),
            inner.map("str({}).join(items)".format),
            inner.map("sum(n for n in [1, {}])".format),
        )

    return st.recursive(atoms, grown, max_leaves=6)


def simple():
    e = expressions()
    return st.one_of(
        st.tuples(NAMES, e).map("box.{0[0]} = {0[1]}".format),
        st.tuples(NAMES, e).map("box.{0[0]} += {0[1]}".format),
        NAMES.map("del box.{}".format),
        st.tuples(KEYS, e).map("table[{0[0]}] = {0[1]}".format),
        KEYS.map("del table[{}]".format),
        e.map("items.append({})".format),
        e.map("items[1:2] = [{}]".format),
        e.map("x = {}".format),
        e.map("free = {}".format),
        e.map("free += {}".format),
        e.map("y, *rest = [1, {}]".format),
        e.map("items.pop({})".format),
        e.map("raise ValueError({})".format),
        e.map("out.append({})".format),
        e.map("yield {}".format),
        e.map("assert {}, 'no'".format),
        st.just("box.grow()"),
        st.just("table.update(a=1)"),
        st.just("pass"),
    )


def indented(lines):
    return ["    " + line for line in lines]


def statements():
    base = simple().map(lambda line: [line])

    def grown(inner):
        e = expressions()
        block = st.lists(inner, min_size=1, max_size=3).map(
            lambda p: [x for part in p for x in part]
        )
        return st.one_of(
            st.tuples(e, block, block).map(
                lambda p: [f"if {p[0]}:", *indented(p[1]), "else:", *indented(p[2])]
            ),
            st.tuples(block, block).map(
                lambda p: ["for x in items[:3]:", *indented(p[0]), "else:", *indented(p[1])]
            ),
            st.tuples(block, block, block).map(
                lambda p: [
                    *("try:", *indented(p[0])),
                    *("except (ValueError, KeyError) as error:", *indented(p[1])),
                    *("finally:", *indented(p[2])),
                ]
            ),
            block.map(lambda p: ["with box as y:", *indented(p)]),
            st.tuples(block, block).map(
                lambda p: [
                    *("match table:", "    case {'k': y, **rest}:", *indented(indented(p[0]))),
                    *("    case _:", *indented(indented(p[1]))),
                ]
            ),
            block.map(lambda p: ["for key in table:", *indented([*p, "break"])]),
        )

    return st.recursive(base, grown, max_leaves=8)


PROGRAM = """
class Box:
    def __init__(self):
        self.a = 1
        self.b = [2]
    def grow(self):
        self.a, self.b = self.b, self.a
        return self
    def __enter__(self):
        self.entered = True
        return self.a
    def __exit__(self, *error):
        self.left = error[0]
        return error[0] is KeyError

def outer(box, items, table, out):
    free = 0
    x = y = 1
    def look():
        return free
    def body():
        nonlocal free
        x = y = 1
        yield look()
{body}
    try:
        for count, value in enumerate(body()):
            out.append(value)
            if count > 20:
                break
    except Exception as error:
        step, lines = error.__traceback__, []
        while step is not None:
            lines.append(step.tb_lineno)
            step = step.tb_next
        out.append((type(error).__name__, str(error), lines))
    return out, vars(box), items, table, free
"""


def run(code):
    names = {"__name__": "random_program"}
    exec(code, names)
    return repr(names["outer"](names["Box"](), [1, 2, 3], {"k": 1, 0: 2}, []))


@pytest.mark.filterwarnings("ignore::SyntaxWarning")  # `0 is 0` may be among the expressions
@pytest.mark.parametrize("number", [12, pytest.param(60, marks=pytest.mark.slow)])
def test_random_functions_do_the_same(number):
    settings(max_examples=number, deadline=None, derandomize=True)(does_the_same)()


@given(st.lists(statements(), min_size=1, max_size=5))
def does_the_same(blocks):
    body = "\n".join(" " * 8 + line for block in blocks for line in block)
    code = compile(PROGRAM.replace("{body}", body), "random", "exec")
    expected = run(code)
    assert run(rewrite(code, hooks)) == expected
    recording = Recording()
    assert run(rewrite(code, recording)) == expected
    assert recording.calls


def test_a_table_of_lines_that_does_not_fit_is_refused(monkeypatch):
    def short():
        return 1

    code = short.__code__
    longer = code.replace(co_linetable=code.co_linetable + bytes([0b1_1111_000]))
    monkeypatch.setattr(ConcreteBytecode, "to_code", lambda *_, **__: longer)
    with pytest.raises(ValueError, match="table of lines"):
        rewrite(code, hooks)


def test_columns_far_to_the_right_keep_their_positions():
    source = "def f(a):\n" + "".join(
        f"    {'+'.join(['a.x'] * 12)}\n    {' ' * width}a.long_name_{width} + a.b\n"
        if width == 0
        else f"    {'(' * 1}{' ' * width}a.long_name_{width} + a.b)\n"
        for width in (0, 60, 110, 118, 121, 125, 140, 200, 245, 250, 300)
    )
    plain: dict[str, object] = {}
    exec(source, plain)
    before = plain["f"].__code__
    after = rewrite(before, hooks)
    named = {
        code: {
            (item.opname, item.positions)
            for item in dis.get_instructions(code)
            if str(item.argval).startswith("long_name")
        }
        for code in (before, after)
    }
    assert len(named[before]) == 11
    assert {positions for _, positions in named[before]} <= {
        positions for _, positions in named[after]
    }
