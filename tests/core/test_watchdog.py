"""The watchdog: a program that does not come back is ended, and its line is said."""

import inspect
import itertools
import operator
import os
import socket
import subprocess
import sys
import textwrap
import threading
from types import SimpleNamespace

import pytest

import interleave
from interleave import _real
from interleave.core import watchdog

QUICK = 0.5
HAS_SIGNAL = sys.platform != "win32"


def hangs(program, marked):
    """Check that the verdict names the line of `marked`, counted from that of its function."""
    report = interleave.check(program, hang_seconds=QUICK)
    assert report.verdict == "incomplete", str(report)
    function, offset = marked
    line = inspect.getsourcelines(function)[1] + offset
    (reason,) = report.reasons
    assert "without coming back to the scheduler" in reason
    assert f"test_watchdog.py:{line}:" in reason
    return report


def test_a_loop_without_schedule_points_is_ended():
    def program():
        while True:
            pass

    report = interleave.check(program, hang_seconds=QUICK)

    assert report.verdict == "incomplete"
    assert "main ran for 0.5 s without coming back to the scheduler" in report.reasons[0]
    assert "test_watchdog.py:" in report.reasons[0]


def test_a_loop_in_a_thread_is_ended_and_the_thread_named():
    def count():  # (one that changes nothing is a livelock)
        number = 0
        while True:
            number += 1

    def program():
        threading.Thread(target=count).start()

    report = interleave.check(program, hang_seconds=QUICK)

    assert report.verdict == "incomplete"
    assert "main.0 ran for 0.5 s" in report.reasons[0]


@pytest.mark.skipif(not HAS_SIGNAL, reason="no signal interrupts a system call here")
def test_a_blocking_socket_is_ended():
    left, right = socket.socketpair()

    def program():
        left.recv(1)

    with left, right:
        hangs(program, (program, 1))


@pytest.mark.skipif(not HAS_SIGNAL, reason="no signal interrupts a system call here")
def test_input_from_a_pipe_that_says_nothing_is_ended(monkeypatch):
    read, write = os.pipe()

    def program():
        sys.stdin.readline()

    with os.fdopen(read) as stream, os.fdopen(write, "w"):
        monkeypatch.setattr(sys, "stdin", stream)
        hangs(program, (program, 1))


@pytest.mark.skipif(not HAS_SIGNAL, reason="no signal interrupts a system call here")
def test_a_process_that_sleeps_is_ended():
    def program():
        subprocess.run([sys.executable, "-c", "import time; time.sleep(60)"], check=False)

    hangs(program, (program, 1))


@pytest.mark.skipif(not HAS_SIGNAL, reason="no signal interrupts a lock here")
def test_a_real_lock_that_a_real_thread_holds_is_ended():
    # C code takes it, which nothing simulates.
    lock = threading.Lock()
    taking = map(operator.methodcaller("acquire"), [lock])
    lock.acquire()

    def program():
        next(taking)

    hangs(program, (program, 1))
    lock.release()


def test_an_exception_handler_of_the_program_does_not_keep_it_going():
    def program():
        while True:
            try:
                while True:
                    pass
            except Exception:  # noqa: BLE001 - what is tested
                pass

    assert interleave.check(program, hang_seconds=QUICK).verdict == "incomplete"


def test_a_loop_is_ended_in_a_check_outside_the_main_thread():
    def program():
        while True:
            pass

    found = []
    thread = threading.Thread(
        target=lambda: found.append(interleave.check(program, hang_seconds=QUICK))
    )
    thread.start()
    thread.join(30)

    assert [report.verdict for report in found] == ["incomplete"]
    assert "test_watchdog.py:" in found[0].reasons[0]


def test_a_program_that_only_takes_long_is_left_alone():
    def program():
        return sum(range(100_000))

    assert interleave.check(program, hang_seconds=5).verdict == "pass"


@pytest.mark.parametrize(("pause", "looks", "strikes"), [(0.25, 11, 1), (0.25, 9, 0), (60, 4, 0)])
def test_a_machine_that_stands_still_makes_no_program_hang(monkeypatch, pause, looks, strikes):
    clock, left, struck = itertools.count(0, pause), [False] * looks, []
    monkeypatch.setattr(_real, "monotonic", lambda: next(clock))
    runtime = SimpleNamespace(count=1, events=[], phase=0, interrupted=False, hosting=True)
    watcher = watchdog._Watcher(runtime, 2.4)
    monkeypatch.setattr(watcher, "stop", SimpleNamespace(acquire=lambda *_: not left or left.pop()))
    monkeypatch.setattr(watcher, "_strike", lambda: struck.append(True))

    watcher._watch()

    assert len(struck) == strikes


def test_the_handler_of_the_signal_is_put_back():
    if not HAS_SIGNAL:
        pytest.skip("no such signal")
    import signal

    before = signal.getsignal(signal.SIGURG)

    interleave.check(lambda: 1)

    assert signal.getsignal(signal.SIGURG) is before


COMMAND = ("-m", "interleave")


def run_cli(tmp_path, text, *options, command=COMMAND):
    script = tmp_path / "hanging.py"
    script.write_text(textwrap.dedent(text))
    return subprocess.run(
        [sys.executable, *command, "check", str(script), *options],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
        timeout=60,
    )


def test_the_command_says_incomplete(tmp_path):
    done = run_cli(tmp_path, "while True:\n    pass\n", "--hang-seconds", "0.3")

    assert done.returncode == 3
    assert "hanging.py:" in done.stdout
    assert done.stderr == ""


SOON = (
    "-c",
    "import interleave.cli as cli, interleave.core.watchdog as dog; dog._TRIES = 2; cli.main()",
)
"""The command, which tries twice and not eight times, a second longer each time."""


@pytest.mark.parametrize("command", [SOON, pytest.param(COMMAND, marks=pytest.mark.slow)])
def test_a_loop_that_swallows_everything_ends_the_process_with_its_line(tmp_path, command):
    done = run_cli(
        tmp_path,
        """
        while True:
            try:
                while True:
                    pass
            except BaseException:
                pass
        """,
        "--hang-seconds",
        "0.2",
        command=command,
    )

    assert done.returncode == 3
    assert "the program hangs at" in done.stderr
    assert "hanging.py:" in done.stderr
    assert "cannot be interrupted; the process ends (status 3)" in done.stderr


def test_a_program_may_stand_still_while_the_watchdog_is_paused():
    def program():
        watchdog.pause(paused=True)
        end = _real.monotonic() + 0.6
        while _real.monotonic() < end:
            pass
        watchdog.pause(paused=False)

    report = interleave.check(program, hang_seconds=0.2)

    assert report.verdict == "pass", str(report)
