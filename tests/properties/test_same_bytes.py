"""The same program under the same schedule does the same, byte for byte, wherever it runs."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from queue import Queue

import pytest

import interleave
from interleave.core.program import from_callable
from interleave.determinism import Account, run_again
from interleave.session import session
from interleave.settings import Settings


def many_kinds():
    """Locks, a queue, a condition, timeouts, random numbers, names: a bit of everything."""
    import random

    items, lock, told = Queue(2), threading.RLock(), []
    ready = threading.Condition(lock)

    def produce():
        for _ in range(2):
            items.put((threading.current_thread().name, random.random(), time.monotonic()))
        with ready:
            ready.notify_all()

    def consume():
        with ready:
            ready.wait(0.5)
        told.append(items.get(timeout=1)[:2])
        told.append({"a", "b", "c"} == set("abc"))

    threads = [threading.Thread(target=target) for target in (produce, consume)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


def accounts(program, choices, times, granularity="sync"):
    """Return the different ways in which an execution was told, of so many times."""
    with session(program, Settings(granularity=granularity)) as opened:
        return {
            repr((account.events, account.ended))
            for account in (Account.of(run_again(opened, choices)) for _ in range(times))
        }


@pytest.mark.parametrize("granularity", ["sync", "memory"])
def test_an_execution_is_told_the_same_a_hundred_times(granularity):
    report = interleave.check(
        many_kinds,
        strategy="random",
        executions=3,
        keep_going=True,
        granularity=granularity,
        max_steps=500,
    )
    shown = [*report.outcomes.values(), *report.failures]
    assert shown
    for item in shown[:2]:
        told = accounts(from_callable(many_kinds), item.schedule.choices, 100, granularity)
        assert len(told) == 1


@pytest.mark.slow
def test_an_execution_is_told_the_same_ten_thousand_times():
    report = interleave.check(
        many_kinds, strategy="random", granularity="sync", executions=1, keep_going=True
    )
    (item,) = [*report.outcomes.values(), *report.failures]
    assert len(accounts(from_callable(many_kinds), item.schedule.choices, 10_000)) == 1


@pytest.mark.slow
def test_an_execution_is_told_the_same_ten_thousand_times_in_four_processes(tmp_path):
    program = (
        "import test_same_bytes as here\n"
        "from interleave.core.program import from_callable\n"
        "program = from_callable(here.many_kinds)\n"
        "told = here.accounts(program, here.CHOICES, 2_500, 'memory')\n"
        "print(len(told), *told)\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            check=True,
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path]),
                "PYTHONHASHSEED": seed,
            },
        ).stdout
        for seed in ("0", "1", "4294967295", "random")
    }
    assert len(outputs) == 1
    assert outputs.pop().startswith(b"1 ")


def test_a_check_is_the_same_in_another_process_and_with_other_hashes(tmp_path):
    program = (
        "import sys, test_same_bytes as here, interleave\n"
        "from interleave.report import as_json\n"
        "report = interleave.check(here.many_kinds, strategy='random', executions=40, "
        "keep_going=True)\n"
        "said = as_json.as_object(report)\n"
        "del said['seconds']\n"
        "print(as_json.render(said))\n"
        "for failure in report.failures: print(failure.events, failure.detail)\n"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path]),
    }
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            check=True,
            cwd=tmp_path,
            env={**environment, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("0", "1", "12345", "random")
    }
    assert len(outputs) == 1
    assert len(outputs.pop()) > 1_000


def test_an_execution_is_told_the_same_on_every_python():
    with session(from_callable(many_kinds), Settings(granularity="sync")) as opened:
        account = Account.of(run_again(opened, CHOICES))
    assert [" ".join(event).rstrip() for event in account.events] == TOLD
    assert account.ended == ENDED


CHOICES = (0, 0, 0, 1, 1)
ENDED = "returned [('Thread-1 (produce)', 0.1177913047494401), True]"
TOLD = [
    "main begin",
    "main start main.0",
    "main start main.1",
    "main.0 begin main.0",
    "main.0 put Queue#1",
    "main.1 begin main.1",
    "main.0 put Queue#1",
    "main.0 acquire RLock#1",
    "main.0 notify RLock#1",
    "main.0 release RLock#1",
    "main.0 end main.0",
    "main join main.0",
    "main.1 acquire RLock#1",
    "main.1 wait RLock#1",
    "main.1 wake RLock#1",
    "main.1 acquire again RLock#1",
    "main.1 release RLock#1",
    "main.1 get Queue#1",
    "main.1 end main.1",
    "main join main.1",
    "main return",
    "main exit",
]
