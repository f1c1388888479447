"""The end of main against pools of threads: what a real Python does is among what ours can do."""

import subprocess
import sys
import textwrap

import pytest

import interleave

ENDED = "cannot schedule new futures after interpreter shutdown"
SHUT = "cannot schedule new futures after shutdown"

COMMON = """
    import threading
    import time
    from concurrent.futures import ThreadPoolExecutor, thread

    def submit(pool):
        try:
            pool.submit(int)
        except RuntimeError as error:
            print(error, threading.main_thread().is_alive())
        else:
            print("taken", threading.main_thread().is_alive())

    def main_has_ended():
        return thread._shutdown
"""

# On a real Python `until` makes sure that the case of interest comes about.
WAITING = """
    def until(condition):
        while not condition():
            time.sleep(0.001)
"""
NOT_WAITING = """
    def until(condition):
        time.sleep(0)
"""

NEW_POOL = """
    def program():
        def late():
            threading.main_thread().join()
            submit(ThreadPoolExecutor(1))

        threading.Thread(target=late).start()
"""
OWN_POOL = """
    def program():
        def late():
            until(main_has_ended)
            submit(pool)

        pool = ThreadPoolExecutor(1)
        pool.submit(late)
"""
POOL_WITHOUT_THREADS = """
    def program():
        def late():
            until(main_has_ended)
            submit(other)

        pool, other = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
        pool.submit(late)
"""
POOL_WHOSE_THREAD_HAS_ENDED = """
    def program():
        def late():
            until(lambda: pool._shutdown)
            submit(pool)

        pool = ThreadPoolExecutor(1)
        pool.submit(int).result()
        threading.Thread(target=late).start()
"""


@pytest.mark.parametrize(
    ("program", "real", "ours"),
    [
        pytest.param(NEW_POOL, {f"{ENDED} False"}, {f"{ENDED} False"}, id="a new pool"),
        pytest.param(
            OWN_POOL,
            {f"{ENDED} True"},
            {"taken True", f"{ENDED} True"},
            id="from a call of its own",
        ),
        pytest.param(
            POOL_WITHOUT_THREADS,
            {f"{ENDED} True"},
            {"taken True", f"{ENDED} True"},
            id="a pool that has no threads",
        ),
        pytest.param(
            POOL_WHOSE_THREAD_HAS_ENDED,
            {f"{SHUT} True", f"{SHUT} False"},
            {
                *("taken True", "taken False", f"{ENDED} True", f"{ENDED} False"),
                *(f"{SHUT} True", f"{SHUT} False"),
            },
            id="a pool whose thread has ended",
        ),
    ],
)
def test_a_call_submitted_after_the_end_of_main_is_refused_as_by_cpython(program, real, ours):
    script = textwrap.dedent(COMMON) + textwrap.dedent(WAITING) + textwrap.dedent(program)
    done = subprocess.run(
        [sys.executable, "-c", f"{script}\nprogram()"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip() in real
    assert not done.stderr

    names = {}
    exec(textwrap.dedent(COMMON) + textwrap.dedent(NOT_WAITING) + textwrap.dedent(program), names)
    report = interleave.check(names["program"], observe="output")
    assert report.verdict == "pass"
    assert {line for value in report.outcomes for line in value} == ours
