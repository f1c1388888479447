"""Signals that a program sends to itself."""

import inspect
import os
import signal
import sys
import threading
import time

import pytest

import interleave

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no signals here")

SENDERS = {
    "raise_signal": signal.raise_signal,
    "kill": lambda number: os.kill(os.getpid(), number),
    "pthread_kill": lambda number: signal.pthread_kill(threading.get_ident(), number),
}


@pytest.mark.parametrize("sender", SENDERS)
def test_a_handler_of_the_program_runs_where_main_raises_the_signal(sender):
    came = []

    def program():
        came.clear()
        before = signal.signal(signal.SIGUSR1, lambda number, frame: came.append(frame.f_code))
        SENDERS[sender](signal.SIGUSR1)
        return before is signal.SIG_DFL, len(came)

    assert set(interleave.check(program).outcomes) == {(True, 1)}
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL


def test_each_execution_begins_without_handlers():
    def program():
        before = signal.getsignal(signal.SIGTERM)
        signal.signal(signal.SIGTERM, lambda *_: None)
        interleave.run_threads(lambda: time.sleep(0), lambda: time.sleep(0))
        return before is signal.SIG_DFL

    assert set(interleave.check(program).outcomes) == {True}


def test_an_interrupt_that_the_program_sends_to_itself_is_an_exception_in_main():
    def program():
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            return "caught"

    assert set(interleave.check(program).outcomes) == {"caught"}


def test_the_programs_handler_of_ctrl_c_is_not_the_tools():
    def program():
        came = []
        before = signal.signal(signal.SIGINT, lambda *_: came.append(1))
        signal.raise_signal(signal.SIGINT)
        return before is signal.default_int_handler, came

    ((value),) = interleave.check(program).outcomes
    assert value == (True, [1])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_signal_that_is_ignored_does_nothing():
    def program():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGCHLD)
        return "went on"

    assert set(interleave.check(program).outcomes) == {"went on"}


def test_a_thread_cannot_set_a_handler():
    def program():
        interleave.run_threads(lambda: signal.signal(signal.SIGUSR1, signal.SIG_IGN))

    (failure,) = interleave.check(program).failures

    assert failure.message == "ValueError: signal only works in main thread of the main interpreter"


def refused(program, marked, offset):
    report = interleave.check(program)
    line = inspect.getsourcelines(marked)[1] + offset
    assert report.verdict == "incomplete", str(report)
    assert f"test_signals.py:{line}: " in report.reasons[0]
    return report.reasons[0]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGUSR1])
def test_a_signal_that_would_end_the_process_is_refused(number):
    def program():
        os.kill(os.getpid(), number)

    assert "would end the checking tool" in refused(program, program, 1)


def test_a_signal_to_all_the_group_is_refused():
    def program():
        os.kill(0, signal.SIGTERM)

    assert "would end the checking tool" in refused(program, program, 1)


def test_a_signal_from_a_thread_is_refused():
    def send():
        signal.raise_signal(signal.SIGUSR1)

    def program():
        signal.signal(signal.SIGUSR1, lambda *_: None)
        interleave.run_threads(send)

    assert "sent from a thread, and handled in main" in refused(program, send, 1)


@pytest.mark.parametrize(
    "call",
    [("alarm", 1), ("setitimer", signal.ITIMER_REAL, 1), ("pause",), ("sigwait", [signal.SIGUSR1])],
    ids=lambda call: call[0],
)
def test_a_signal_that_comes_by_itself_is_refused(call):
    def program():
        getattr(signal, call[0])(*call[1:])

    assert "when the signal comes cannot be scheduled" in refused(program, program, 1)


def test_asking_whether_a_process_is_there_is_let_through():
    assert set(interleave.check(lambda: os.kill(os.getpid(), 0)).outcomes) == {None}
