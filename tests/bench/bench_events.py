"""What an event costs in executions of 10 to 1,000 events: it should be the same.

Three programs, each with a number of steps: `apart`, where two threads count in objects of their
own (one trace, repeated); `meeting`, where both also count in one at the end, so that `dpor` goes
back to the end of a long execution again and again; `crowded`, where they count in one object all
the time, and every event is part of a race (of its traces the first few hundred are run). Times are
processor time, the least of three.

    python tests/bench/bench_events.py
"""

from __future__ import annotations

import functools
import sys
import threading
import time

from interleave.core.program import from_callable
from interleave.exploring import explore
from interleave.session import session
from interleave.settings import Settings
from interleave.strategies.dpor import OptimalReduction

SECONDS = 0.5
EXECUTIONS = 300
STEPS = (0, 12, 60, 120, 240)


class Counter:
    def __init__(self):
        self.value = 0


def count(own, shared, steps):
    for _ in range(steps):
        own.value += 1
    if shared is not None:
        shared.value += 1


def program(name, steps):
    shared = Counter() if name == "meeting" else None
    owns = (Counter(),) * 2 if name == "crowded" else (Counter(), Counter())
    threads = tuple(threading.Thread(target=count, args=(own, shared, steps)) for own in owns)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def measure(opened):
    """Return microseconds per event, and events per execution."""
    runs = events = 0
    start = time.process_time()
    while time.process_time() - start < SECONDS:
        found = explore(opened, OptimalReduction("free"), repeating=False)
        runs += found.runs
        events += found.steps_total
    return 1e6 * (time.process_time() - start) / events, events / runs


def main():
    print(f"Python {sys.version.split()[0]}")
    settings = Settings.of({"strategy": "dpor", "executions": EXECUTIONS})
    for name in ("apart", "meeting", "crowded"):
        for steps in STEPS:
            target = from_callable(functools.partial(program, name, steps))
            with session(target, settings) as opened:
                cost, events = min(measure(opened) for _ in range(3))
            print(f"{name:<8} {events:>6.0f} events an execution: {cost:6.2f} us each")


if __name__ == "__main__":
    main()
