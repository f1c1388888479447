"""What instrumented code costs outside any check, and what a hook costs that finds nothing to do.

Usage: python tests/bench/bench_instrumentation.py; prints ratios to plain code.
"""

from __future__ import annotations

import types
from time import perf_counter

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


def seconds(function: types.FunctionType) -> float:
    taken = []
    for _ in range(7):
        start = perf_counter()
        function(COUNT)
        taken.append(perf_counter() - start)
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
        start = perf_counter()
        for _ in range(100_000):
            hook(*args)
        print(f"{name:<15} {(perf_counter() - start) * 1e4:.0f} ns, the call itself included")


if __name__ == "__main__":
    main()
