"""Executions per second of `dfs` and `random`, beside what bare greenlets can do.

The program: two threads, each two unlocked increments, with a schedule point (`sleep(0)`) between
read and write. The floor does the same reads, writes and switches on two pooled greenlets, with
no threads, no choices and no events. Times are processor time; what counts is the ratio, taken in
one run.

    python tests/bench/bench_exploration.py [rounds]
"""

import sys
import threading
import time

from greenlet import getcurrent, greenlet

import interleave

INCREMENTS = 2
EXECUTIONS = 20_000


class Counter:
    def __init__(self):
        self.value = 0

    def work(self):
        for _ in range(INCREMENTS):
            value = self.value
            time.sleep(0)
            self.value = value + 1


def program():
    counter = Counter()
    threads = [threading.Thread(target=counter.work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counter.value


def floor(executions):
    """Run the bare alternation; return executions per second."""
    hub = getcurrent()
    shared = [Counter()]
    workers = []

    def body(me):
        while True:
            counter = shared[0]
            for _ in range(INCREMENTS):
                value = counter.value
                workers[1 - me].switch()
                counter.value = value + 1
                workers[1 - me].switch()
            hub.switch()

    workers.extend(greenlet(lambda me=me: body(me)) for me in (0, 1))
    start = time.process_time()
    for _ in range(executions):
        shared[0] = Counter()
        workers[0].switch()
        workers[1].switch()
    return executions / (time.process_time() - start)


def explored(**options):
    """Check the program; return executions per second."""
    start = time.process_time()
    report = interleave.check(program, **options)
    return report.executions / (time.process_time() - start)


def main(rounds):
    print(f"Python {sys.version.split()[0]}: executions/s, and the share of the floor")
    for _ in range(rounds):
        bare = floor(50_000)
        # One exhaustive search of this program is short: several, so that set-up counts as it does.
        dfs = max(explored(strategy="dfs") for _ in range(5))
        sampled = explored(strategy="random", executions=EXECUTIONS)
        print(
            f"floor {bare:>9,.0f}   dfs {dfs:>7,.0f} ({dfs / bare:.3f})   "
            f"random {sampled:>7,.0f} ({sampled / bare:.3f})"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
