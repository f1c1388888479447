"""What instrumented code costs outside any check, and what a hook costs with and without work.

Usage: python tests/bench/bench_instrumentation.py; prints ratios to plain code, and nanoseconds.
"""

from __future__ import annotations

import functools
import types

import interleave
from interleave import _real
from interleave.instrument import hooks
from interleave.instrument.rewrite import rewrite

SOURCE = """
class Point:
    def __init__(self):
        self.x = 0
        self.y = 1

    def move(self):
        self.x = self.x + self.y
        self.y = self.x - self.y
        self.x = self.x - self.y
        return self.x

def step(a, b):
    return a

def calls(count):
    value = 0
    for number in range(count):
        value = step(step(value, number), step(number, value))
    return value

def attributes(count):
    point = Point()
    for _ in range(count):
        point.move()
    return point.x

def containers(count):
    items, table = [], {}
    for number in range(count):
        items.append(number)
        table[number & 7] = items[-1] + len(items)
        if items and number in table:
            table.get(number)
    return len(items)
"""

COUNT = 20_000
ACCESSES = 100  # in one line, so that the loop around them does not count


def accesses(statement: str) -> types.FunctionType:
    """Return a program whose thread repeats a statement while main waits for it."""
    source = f"""
import threading
class Point:
    def move(self):
        return None
def program():
    point, items, table = Point(), [1], {{"a": 1}}
    point.x = 0
    def work():
        for _ in range(50):
            {"; ".join([statement] * ACCESSES)}
    thread = threading.Thread(target=work)
    start = clock()
    thread.start()
    thread.join()
    spent.append(clock() - start)
"""
    names = {"__name__": __name__, "clock": functools.partial(_real.perf_counter), "spent": []}
    exec(compile(source, __file__, "exec"), names)
    return names["program"]


def seconds(function: types.FunctionType) -> float:
    taken = []
    for _ in range(7):
        start = _real.perf_counter()
        function(COUNT)
        taken.append(_real.perf_counter() - start)
    return min(taken)  # the least disturbed by what else runs


def main() -> None:
    """Print one line a benchmark."""
    code = compile(SOURCE, "bench", "exec")
    plain: dict[str, types.FunctionType] = {}
    instrumented: dict[str, types.FunctionType] = {}
    exec(code, plain)
    exec(rewrite(code, hooks), instrumented)
    for name in ("calls", "attributes", "containers"):
        base = seconds(plain[name])
        shut = seconds(instrumented[name])
        hooks.gate[:] = [True]
        opened = seconds(instrumented[name])
        hooks.gate.clear()
        print(
            f"{name:<11} no check: x{shut / base:.2f}   hooks called, no task: x{opened / base:.2f}"
        )
    point = plain["Point"]()
    for name, args in (
        ("attribute_read", (point, "x")),
        ("item_read", ([1], 0)),
        ("call", (len, [])),
    ):
        hook = getattr(hooks, name)
        start = _real.perf_counter()
        for _ in range(100_000):
            hook(*args)
        print(f"{name:<15} {(_real.perf_counter() - start) * 1e4:.0f} ns, the call itself included")
    print("in a task, beside another; with the operation where there is one:")
    for statement in (
        "point.x",
        "point.x = 1",
        "items[0]",
        "table['a']",
        "table['a'] = 1",
        "items.append(1)",
        "len(items)",
        "point.move()",
        "len('')",
    ):
        program = accesses(statement)
        interleave.check(
            program, granularity="memory", strategy="random", executions=3, max_steps=10**6
        )
        best = min(program.__globals__["spent"])
        print(f"{statement:<15} {best / ACCESSES / 50 * 1e9:.0f} ns")


if __name__ == "__main__":
    main()
