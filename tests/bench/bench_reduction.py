"""Traces per second of `dpor`, beside what bare greenlets can do with the same program.

The programs: `n` threads, each `k` unlocked increments of one counter; main starts and joins them.
The floor does the same reads, writes and switches on pooled greenlets, with no threads, no choices
and no events. Times are processor time; what counts is the ratio, taken in one run. A session is
opened once and the search repeated in it, so that opening it does not count.

    python tests/bench/bench_reduction.py [rounds]
"""

from __future__ import annotations

import functools
import sys
import threading
import time

from greenlet import getcurrent, greenlet

from interleave.core.program import from_callable
from interleave.exploring import explore
from interleave.session import session
from interleave.settings import Settings
from interleave.strategies.dpor import OptimalReduction

SECONDS = 1.0
"""How long each figure is measured."""


class Counter:
    def __init__(self):
        self.value = 0

    def work(self, times):
        for _ in range(times):
            value = self.value
            self.value = value + 1


def counter(width, times):
    counted = Counter()
    threads = [threading.Thread(target=counted.work, args=(times,)) for _ in range(width)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counted.value


def floor(width, times):
    """Run the bare alternation; return executions per second."""
    hub = getcurrent()
    shared = [Counter()]
    workers = []

    def body(me):
        other = (me + 1) % width
        while True:
            counted = shared[0]
            for _ in range(times):
                value = counted.value
                workers[other].switch()
                counted.value = value + 1
                workers[other].switch()
            hub.switch()

    workers.extend(greenlet(functools.partial(body, me)) for me in range(width))
    executions = 0
    start = time.process_time()
    while time.process_time() - start < SECONDS:
        for _ in range(1000):
            shared[0] = Counter()
            for worker in workers:
                worker.switch()
        executions += 1000
    return executions / (time.process_time() - start)


def explored(width, times, **options):
    """Explore the program again and again; return traces per second and events per trace."""
    settings = Settings.of({"strategy": "dpor", **options})
    program = from_callable(functools.partial(counter, width, times))
    runs = steps = 0
    with session(program, settings) as opened:
        start = time.process_time()
        while time.process_time() - start < SECONDS:
            found = explore(opened, OptimalReduction(settings.time), repeating=False)
            runs += found.runs
            steps += found.steps_total
        spent = time.process_time() - start
    return runs / spent, steps / runs


def main(rounds):
    print(f"Python {sys.version.split()[0]}: traces/s, and the share of the floor")
    for width, times in ((2, 2), (3, 2)):
        for _ in range(rounds):
            bare = floor(width, times)
            plain, events = explored(width, times, races=False, executions=3000)
            usual, _ = explored(width, times, executions=3000)
            print(
                f"counter {width},{times}: floor {bare:>9,.0f}   dpor {usual:>7,.0f}"
                f" (1/{bare / usual:.1f})   without races {plain:>7,.0f} (1/{bare / plain:.1f})"
                f"   {events:.0f} events, {1e6 / usual / events:.2f} us each"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
