"""How much memory a process holds after 10,000, 100,000 and 1,000,000 executions of one check.

`dpor` explores a program with more traces than that, so its stack of events, its plans, the tables
of races and of outcomes are all in use. The resident set should stay where it is. A million
executions take some minutes.

    python tests/bench/bench_memory.py [executions]
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import interleave

MARKS = (1_000, 10_000, 100_000, 300_000, 1_000_000)


class Counter:
    def __init__(self):
        self.value = 0

    def work(self):
        for _ in range(4):
            value = self.value
            self.value = value + 1


def program():
    counter = Counter()
    threads = tuple(threading.Thread(target=counter.work) for _ in range(3))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counter.value


def resident():
    """Return the resident set in megabytes (of this moment: Linux tells it)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    message = "/proc/self/status tells no VmRSS"
    raise OSError(message)


def main(executions):
    marks = [mark for mark in MARKS if mark <= executions]
    start = time.process_time()

    def progress(exploration):
        while marks and exploration.runs >= marks[0]:
            mark = marks.pop(0)
            spent = time.process_time() - start
            print(f"{mark:>9,} executions: {resident():7.1f} MB   {spent:6.0f} s", flush=True)

    report = interleave.check(program, strategy="dpor", executions=executions, progress=progress)
    spent = time.process_time() - start
    print(f"{report.executions:>9,} at the end: {resident():7.1f} MB   {spent:6.0f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
