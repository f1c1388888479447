"""T5: a pool of three maps the worker of T1 over `range(3)`.

Main logs nothing, and the three calls are independent of each other, so their six
lines may be shuffled in any way that keeps *starting i* before *finishing i*:
6! / (2! * 2! * 2!) = 90 log orders. That the pool hands the calls out in order does
not show: between taking a call and logging, a worker may be overtaken.

The sampled form collects all 90, and takes many samples for it: a late call logs first
only if every earlier one was overtaken. The bounded form visits every schedule of a
pool of two with at most two preemptions: it can judge what it sees, but says
*incomplete*, as schedules with more preemptions were left out.
"""

import logging
import time
from concurrent.futures import ThreadPoolExecutor

from interleave import model


def work(number: int) -> None:
    """Log the start, sleep, log the end."""
    logging.info("Thread %d: starting", number)
    time.sleep(2)
    logging.info("Thread %d: finishing", number)


def map_over(count: int) -> None:
    """Map `work` over `range(count)` with as many workers."""
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
    with ThreadPoolExecutor(max_workers=count) as pool:
        pool.map(work, range(count))


@model(
    strategy="random",
    seed=1,
    executions=10_000,
    observe="output",
    expect=(
        "len(outcome) == 6"
        " and outcome.index('Thread 0: starting') < outcome.index('Thread 0: finishing')"
        " and outcome.index('Thread 1: starting') < outcome.index('Thread 1: finishing')"
        " and outcome.index('Thread 2: starting') < outcome.index('Thread 2: finishing')"
    ),
    reach=[
        "outcome[1] == 'Thread 0: finishing' and outcome[3] == 'Thread 1: finishing'",
        "outcome[5] == 'Thread 0: finishing'",
        "outcome[0] == 'Thread 1: starting'",
    ],
)
def pool_map() -> None:
    """Map the worker over three numbers with three workers."""
    map_over(3)


@model(
    strategy="dfs",
    max_preemptions=2,
    observe="output",
    verdict="incomplete",
    expect=(
        "outcome.index('Thread 0: starting') < outcome.index('Thread 0: finishing')"
        " and outcome.index('Thread 1: starting') < outcome.index('Thread 1: finishing')"
    ),
    reach=[
        "outcome[1] == 'Thread 0: finishing'",
        "outcome[1] == 'Thread 1: starting' and outcome[3] == 'Thread 1: finishing'",
        "outcome[1] == 'Thread 1: starting' and outcome[3] == 'Thread 0: finishing'",
        "outcome[0] == 'Thread 1: starting'",
    ],
)
def pool_map_bounded() -> None:
    """Map the worker over two numbers with two workers."""
    map_over(2)


if __name__ == "__main__":
    pool_map()
