"""Whatever real threads do is among the outcomes that an exhaustive check has found.

Each program of the corpus is run as it is on real threads, again and again: with a switch interval
of a microsecond, and with pauses at random bytecodes, which let another thread in where it would
hardly ever come.
"""

import os
import random
import sys
import threading
import time
from contextlib import contextmanager

import pytest
import real_programs

import interleave

pytestmark = pytest.mark.real_threads

_QUICK = 6
_MANY = int(os.environ.get("INTERLEAVE_TIMES", "60"))


@contextmanager
def switching_often():
    """Let real threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@contextmanager
def pausing(seed):
    """Let each thread give way at random bytecodes, of the program and of the standard library."""
    source = random.Random(seed)
    share = source.choice([0.003, 0.01, 0.05])
    often = source.random

    def trace(frame, event, _argument):
        frame.f_trace_opcodes = True
        if often() < share:
            time.sleep(0)
            if often() < 0.5:
                time.sleep(1e-5)
        return trace

    before = sys.gettrace(), threading.gettrace()
    threading.settrace(trace)
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before[0])
        threading.settrace(before[1])


def seen_for_real(program, times):
    """Return the outcomes of so many executions on real threads, by their `repr`."""
    seen = set()
    with switching_often():
        for number in range(times):
            if number % 3:
                with pausing(number):
                    seen.add(repr(program()))
            else:
                seen.add(repr(program()))
    return seen


def outcomes_of(program):
    """Return every outcome that a program can have, by its `repr`."""
    report = interleave.check(program, keep_going=True)
    assert report.verdict == "pass", str(report)
    assert report.exhaustive
    return {repr(value) for value in report.outcomes}


def by_name(program):
    return program.__name__


@pytest.mark.parametrize("program", real_programs.PROGRAMS, ids=by_name)
def test_what_real_threads_do_is_among_the_outcomes(program):
    assert seen_for_real(program, _QUICK) <= outcomes_of(program)


@pytest.mark.slow
@pytest.mark.parametrize("program", real_programs.PROGRAMS, ids=by_name)
def test_what_real_threads_do_in_the_long_run_is_among_the_outcomes(program):
    assert seen_for_real(program, _MANY) <= outcomes_of(program)
