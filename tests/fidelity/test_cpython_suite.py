"""CPython's own tests of its synchronisation primitives, run on ours.

Each test method of CPython is one program, run under a few random schedules on the virtual
clock. What it asserts about blocking, timeouts, order and errors must hold as it stands.
"""

from __future__ import annotations

import _thread
import importlib
import importlib.util
import logging
import os
import queue
import sys
import threading
import time
import unittest
from fnmatch import fnmatchcase
from types import SimpleNamespace

import pytest

import interleave

if importlib.util.find_spec("test.lock_tests") is None:
    pytest.skip("CPython's test package is not installed", allow_module_level=True)

from test import support, test_queue

MODULES = (
    "test_threading",
    "test_thread",
    "test_threading_local",
    "test_queue",
    "test_concurrent_futures.test_as_completed",
    "test_concurrent_futures.test_future",
    "test_concurrent_futures.test_init",
    "test_concurrent_futures.test_shutdown",
    "test_concurrent_futures.test_thread_pool",
    "test_concurrent_futures.test_wait",
)

BOUND = {
    "test_thread.LockTests": ("locktype", _thread, "allocate_lock"),
    "test_threading.BarrierTests": ("barriertype", threading, "Barrier"),
    "test_threading.BoundedSemaphoreTests": ("semtype", threading, "BoundedSemaphore"),
    "test_threading.CRLockTests": ("locktype", threading, "RLock"),
    "test_threading.ConditionAsRLockTests": ("locktype", threading, "Condition"),
    "test_threading.ConditionTests": ("condtype", threading, "Condition"),
    "test_threading.EventTests": ("eventtype", threading, "Event"),
    "test_threading.LockTests": ("locktype", threading, "Lock"),
    "test_threading.PyRLockTests": ("locktype", threading, "_PyRLock"),
    "test_threading.SemaphoreTests": ("semtype", threading, "Semaphore"),
}
"""What these classes test, by name: CPython binds it while it imports them, when nothing is
simulated yet."""

EXCLUDED = {
    "starts another process": (
        "*.AtexitTests.*",
        "*.FailingInitializerResourcesTest.*",
        "*.MiscTestCase.test_gh112826_missing__thread__is_main_interpreter",
        "*.ProcessPool*",
        "*.TestForkInThread.*",
        "*.ThreadJoinOnShutdown.*",
        "*.ThreadPoolShutdownTest.test_cancel_futures_wait_false",
        "*.ThreadPoolShutdownTest.test_hang_gh83386",
        "*.ThreadPoolShutdownTest.test_interpreter_shutdown",
        "*.ThreadPoolShutdownTest.test_submit_after_interpreter_shutdown",
        "*.ThreadTests.test_*fork*",
        "*.ThreadTests.test_debug_deprecation",
        "*.ThreadTests.test_finaliz*",
        "*.ThreadTests.test_import_from_another_thread",
        "*.ThreadTests.test_join_nondaemon_on_shutdown",
        "*.ThreadTests.test_locals_at_exit",
        "*.ThreadTests.test_main_thread_during_shutdown",
        "*.ThreadTests.test_start_new_thread_at_*",
        "*.ThreadPoolExecutorTest.test_hang_global_shutdown_lock",
        "*.ThreadingExceptionTests.test_print_exception*",
        "*.ThreadingExceptionTests.test_recursion_limit",
    ),
    "needs another interpreter": ("*.SubinterpThreadingTests.*",),
    "is about signals": ("*.InterruptMainTests.*",),
    "raises an exception in a real thread from C": ("*.test_PyThreadState_SetAsyncExc",),
    "starts a real thread from C": (
        "*.ThreadTests.test_frame_tstate_tracing",
        "*.test_threading_local_clear_race",
    ),
    "waits for the cyclic collector, which rests during a check": (
        "*.CSimpleQueueTest.test_reentrancy",
    ),
    "expects that a result is gone at once: the trace keeps it until the execution has ended": (
        "*.test_free_reference",
        "*.test_free_reference_yielded_future",
    ),
    "an exception that leaves a thread is a failure of the program here": (
        "*.ExceptHookTests.test_custom_excepthook_fail",
        "*.ExceptHookTests.test_excepthook",
        "*.ExceptHookTests.test_original_excepthook",
        "*.ThreadRunningTests.test_unraisable_exception",
    ),
    "names, numbers and sizes are the same on every machine and in every execution here": (
        "*.ExceptHookTests.test_excepthook_thread_None",
        "*.FutureTests.test_multiple_set_*",
        "*.FutureTests.test_repr",
        "*.ThreadPoolExecutorTest.test_default_workers",
        "*.ThreadTests.test_name",
    ),
    "looks at private attributes of the standard library's own code": (
        "*.EventTests.test_at_fork_reinit",
        "*.FutureTests.test_exception_with_success",
        "*.MiscTestCase.test__all__",
        "*.ThreadTests.test_foreign_thread",
        "*.ThreadTests.test_limbo_cleanup",
        "*.ThreadTests.test_shutdown_locks",
        "*.ThreadTests.test_tstate_lock",
        *(("*.test_ident_of_no_threading_threads",) if sys.version_info < (3, 13) else ()),
    ),
    "the type of a lock is its factory here, as from CPython 3.13 on": (
        "*.ThreadTests.test_disallow_instantiation",
    ),
    "relies on the GIL, as CPython says itself (gh-117344)": (
        "*.ThreadPoolExecutorTest.test_idle_thread_reuse",
    ),
}
"""CPython's tests that say nothing about a simulated primitive, and why."""

NO_ALARM = SimpleNamespace(SIGALRM=None, alarm=lambda _: 0, signal=lambda *_: None)
"""Stands for the module `signal` where CPython's tests use it against a hang."""

SLOW = ("*.test_many_threads*", "*.test_shutdown_*all_methods_in_many_threads")
"""A hundred threads, or a hundred thousand operations."""

ITEMS = int(os.environ.get("INTERLEAVE_ITEMS", "1000"))
"""So many of the 10,000 items go through a queue whose readers never wait: most find it empty."""


def _now():
    return time.monotonic()


def _matches(case, patterns):
    return any(fnmatchcase(case, pattern) for pattern in patterns)


def _cases():
    for name in MODULES:
        full = f"test.{name}"
        try:
            module = importlib.import_module(full)
        except ModuleNotFoundError:
            continue  # a distribution may leave some of the tests out
        for cls in vars(module).values():
            if (
                isinstance(cls, type)
                and issubclass(cls, unittest.TestCase)
                and cls.__module__ == full
            ):
                for method in unittest.TestLoader().getTestCaseNames(cls):
                    case = f"{name}.{cls.__name__}.{method}"
                    marks = []
                    for reason, patterns in EXCLUDED.items():
                        if _matches(case, patterns):
                            marks.append(pytest.mark.skip(reason=reason))
                    if _matches(case, SLOW):
                        marks.append(pytest.mark.slow)
                    yield pytest.param(cls, method, id=case, marks=marks)


@pytest.fixture(autouse=True)
def _helpers(monkeypatch):
    """Replace the helpers of CPython's tests that look at the process and not at the program."""
    # It would wait for child processes of pytest.
    monkeypatch.setattr(support, "reap_children", lambda: None)
    # A copy of the module `queue` that is in no table of modules: its clock cannot be found there.
    monkeypatch.setattr(test_queue.py_queue, "time", _now)


@pytest.mark.parametrize(("cls", "method"), list(_cases()))
def test_cpython(cls, method, monkeypatch, request):
    name = f"{cls.__module__.removeprefix('test.')}.{cls.__name__}"
    if name.startswith("test_queue.C"):
        # Likewise: let it test the module that is simulated. (The `Py` classes test CPython's own
        # queue on simulated locks and conditions.)
        monkeypatch.setattr(cls, "queue", queue)

    if name.startswith("test_concurrent_futures.test_shutdown."):
        # An alarm ends what hangs, on the real clock. Here a hang is a deadlock, and is told.
        monkeypatch.setattr(sys.modules[cls.__module__], "signal", NO_ALARM)

    if method == "test_many_threads_nonblock":
        run_all = cls.run_threads

        def run_fewer(case, threads, queue, inputs, *work):
            del inputs[ITEMS:]
            return run_all(case, threads, queue, inputs, *work)

        monkeypatch.setattr(cls, "run_threads", run_fewer)

    # With the handlers of pytest, the last resort of `logging` (standard error) is never asked.
    monkeypatch.setattr(logging.root, "handlers", [])

    slow = request.node.get_closest_marker("slow") is not None

    def program():
        if name in BOUND:
            attribute, owner, what = BOUND[name]
            monkeypatch.setattr(cls, attribute, staticmethod(getattr(owner, what)))
        result = unittest.TestResult()
        cls(method).run(result)
        problems = [text for _, text in (*result.errors, *result.failures)]
        return problems, [reason for _, reason in result.skipped]

    report = interleave.check(
        program,
        strategy="random",
        granularity="sync",  # the tests are the standard library's: nothing is instrumented
        executions=1 if slow else 2,
        seed=1,
        time="idle",
        max_steps=5_000_000 if slow else 200_000,
        keep_going=True,
    )
    problems = [f"{failure.kind}: {failure.message}" for failure in report.failures]
    problems += [text for found, _ in report.outcomes for text in found]
    assert not problems, "\n".join(problems)
    assert report.verdict == "pass", report.reasons
    for _, skipped in report.outcomes:
        if skipped:
            pytest.skip(f"CPython skips it: {skipped[0]}")
