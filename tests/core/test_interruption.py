"""Ctrl-C ends an exploration at once, whatever the program does about it."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

import interleave
from interleave import run_threads
from interleave.core.context import active
from interleave.core.outcome import Interrupted
from interleave.core.program import from_callable
from interleave.session import session
from interleave.settings import Settings
from interleave.strategies.dpor import OptimalReduction

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no signals here")

HIDDEN = iter(())
"""The real functions, where a check does not find them."""


@pytest.fixture(autouse=True)
def real_kill():
    global HIDDEN
    HIDDEN = iter([os.kill])


def press():
    """Do what Ctrl-C does, while a check runs: send the real signal."""
    next(HIDDEN)(os.getpid(), signal.SIGINT)


def test_in_a_tight_loop_of_the_program():
    def program():
        press()
        while True:
            pass

    report = interleave.check(program)

    assert report.interrupted
    assert (report.verdict, report.executions) == ("incomplete", 0)
    assert report.reasons == ("interrupted: this is what was found until then",)


def test_in_a_thread_of_the_program():
    def work():
        press()
        while True:
            time.sleep(0)

    report = interleave.check(lambda: threading.Thread(target=work).start(), max_steps=10**9)

    assert report.interrupted


@pytest.mark.parametrize("loop", ["with operations", "without operations"])
def test_a_program_that_catches_everything_is_ended_all_the_same(loop):
    def program():
        press()
        while True:
            try:
                while True:
                    if loop == "with operations":
                        time.sleep(0)
            except BaseException:  # noqa: BLE001 - what is tested
                pass

    report = interleave.check(program, max_steps=10**9, hang_seconds=60)

    assert report.interrupted
    assert report.failures == ()


def test_what_the_program_raises_because_of_it_is_no_failure():
    def program():
        try:
            press()
            while True:
                pass
        except KeyboardInterrupt:
            raise ValueError("interrupted") from None

    report = interleave.check(program)

    assert report.interrupted
    assert report.failures == ()


def test_what_was_found_until_then_is_told():
    runs = []

    def program():
        runs.append(1)
        if len(runs) == 30:
            press()
        value = []
        interleave.run_threads(lambda: value.append(1), lambda: value.append(2))
        if value == [2, 1]:
            raise ValueError("the wrong way round")
        return "well"

    report = interleave.check(program, strategy="random", executions=10_000, keep_going=True)

    assert report.interrupted
    assert report.executions < 40
    assert list(report.outcomes) == ["well"]
    (failure,) = report.failures
    assert failure.message == "ValueError: the wrong way round"
    assert failure.events


def test_a_handler_that_somebody_else_has_set_stays():
    came = []

    def program():
        press()
        return "went on"

    before = signal.signal(signal.SIGINT, lambda *_: came.append(1))
    try:
        report = interleave.check(program)
    finally:
        signal.signal(signal.SIGINT, before)

    assert came
    assert list(report.outcomes) == ["went on"]


def test_an_exception_of_that_name_that_the_program_raises_is_a_failure_of_its_own():
    def program():
        raise KeyboardInterrupt

    (failure,) = interleave.check(program).failures

    assert (failure.kind, failure.message) == ("exception", "KeyboardInterrupt")


def test_the_handler_of_before_is_put_back():
    before = signal.getsignal(signal.SIGINT)

    interleave.check(lambda: 1)

    assert signal.getsignal(signal.SIGINT) is before


PROGRAM = """
import threading, time, os, sys

def work():
    while True:
        try:
            while True:
                time.sleep(0)
                open("running", "w").close()
        except BaseException:
            pass

def program():
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
"""


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["INT", "TERM"]
)
@pytest.mark.parametrize("form", ["text", "json"])
def test_the_command_reports_and_says_which_signal_it_was(tmp_path, number, status, form):
    (tmp_path / "endless.py").write_text(textwrap.dedent(PROGRAM))
    options = ("--max-steps", "1000000000", "--format", form)
    with subprocess.Popen(
        [sys.executable, "-m", "interleave", "check", "endless.py:program", *options],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while not (tmp_path / "running").exists():
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(number)
        out, err = process.communicate(timeout=30)

    assert process.returncode == status
    assert "interrupted: this is what was found until then" in out
    assert err == ""


def test_an_interruption_need_not_wait_for_what_was_done_before():
    lock = threading.Lock()
    interrupting = []

    def work():
        with lock:
            pass

    def program():
        if interrupting:
            active().interrupt()
        run_threads(work, work)

    strategy = OptimalReduction("free")
    with session(from_callable(program), Settings.of({"granularity": "sync"})) as opened:
        strategy.begin()
        strategy.end(opened.execute(strategy))
        strategy.begin()
        interrupting.append(True)
        execution = opened.execute(strategy)

    assert strategy.script.upto > 2
    assert execution.ending == Interrupted()
    assert [event.kind for event in execution.events] == ["begin"]
