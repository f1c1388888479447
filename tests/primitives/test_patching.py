"""What a check exchanges in the standard library is there while it runs, and gone afterwards."""

from __future__ import annotations

import _thread
import gc
import importlib
import logging
import os
import queue
import random
import signal
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest

import interleave
from interleave import run_threads
from interleave.primitives import patching


def everything():
    """Return each patched attribute, and each name in each module, as it is now."""
    found = {
        (owner, name): owner.__dict__.get(name)
        for family in patching._FAMILIES
        for owner, name, _ in family.PATCHES
    }
    # Hypothesis keeps the time that the collector takes in a module of its own, while it is loaded.
    changing = ("interleave", "hypothesis", "bytecode")  # which is imported when it is needed
    for module_name, module in list(sys.modules.items()):
        if isinstance(module, ModuleType) and not module_name.startswith(changing):
            found |= {(module_name, name): value for name, value in vars(module).items()}
    found |= {
        "sys.argv": tuple(sys.argv),
        "sys.path": tuple(sys.path),
        "collecting": gc.isenabled(),
        "signals": tuple(signal.getsignal(number) for number in (signal.SIGINT, signal.SIGURG)),
        "limits": (sys.getrecursionlimit(), sys.getswitchinterval(), gc.get_threshold()),
        "folder": Path.cwd(),
        "environment": dict(os.environ),
        "filters": list(warnings.filters),
        "closed": (sys.stdout.closed, sys.stderr.closed),
        "threads": tuple(threading.enumerate()),
        "main": threading.main_thread(),
        "current": threading.current_thread(),
        "handlers": tuple(logging.getLogger().handlers),
    }
    return found


def differences(before, after):
    return {
        key
        for key in before.keys() | after.keys()
        if before.get(key) is not after.get(key) and before.get(key) != after.get(key)
    }


def works():
    lock = threading.Lock()
    run_threads(lock.acquire, lambda: lock.release() if lock.locked() else None)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(time.sleep, 1).result()


def fails():
    raise ValueError("on purpose")


def fails_in_a_thread():
    threading.Thread(target=fails).start()


def asserts():
    raise AssertionError


def deadlocks():
    lock = threading.Lock()
    lock.acquire()
    run_threads(lock.acquire, threading.Event().wait)


def raises_keyboard_interrupt():
    threading.Thread(target=time.sleep, args=(1,)).start()
    raise KeyboardInterrupt


def raises_keyboard_interrupt_in_a_thread():
    def work():
        raise KeyboardInterrupt

    run_threads(work, works)


def exits():
    sys.exit(3)


def misuses():
    threading.Lock().release()


def livelocks():
    while True:
        time.sleep(0)


def hangs():
    while True:
        pass


def checks():
    interleave.check(works)


def swallows_its_end():
    def work():
        while True:
            try:
                threading.Event().wait()
            except BaseException:  # noqa: BLE001 - such programs exist
                pass

    threading.Thread(target=work, daemon=True).start()
    time.sleep(0)


def changes_hooks_and_streams():
    threading.excepthook = print
    sys.stdout = sys.stderr


def ends_the_process():
    os._exit(0)


def changes_what_is_around_it():
    sys.setrecursionlimit(500)
    sys.setswitchinterval(0.5)
    os.chdir("/")
    os.environ["INTERLEAVE_TEST"] = "1"
    sys.path.append("nowhere")
    sys.argv = ["other"]
    sys.excepthook = print
    gc.enable()
    gc.set_threshold(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warnings.simplefilter("ignore")


def replaces_functions():
    time.sleep = print
    threading.Thread.start = print
    os.fork = print


def closes_its_output():
    sys.stdout.close()
    sys.stderr.close()


def recurses():
    recurses()


def locks_while_it_ends():
    lock = threading.Lock()

    def work():
        with lock:
            try:
                threading.Event().wait()
            finally:
                lock.acquire()

    threading.Thread(target=work).start()


ENDINGS = {
    works: "pass",
    fails: "fail",
    fails_in_a_thread: "fail",
    asserts: "fail",
    deadlocks: "fail",
    raises_keyboard_interrupt: "fail",
    raises_keyboard_interrupt_in_a_thread: "fail",
    exits: "fail",
    misuses: "fail",
    livelocks: "incomplete",
    hangs: "incomplete",
    checks: "fail",
    swallows_its_end: "pass",
    changes_hooks_and_streams: "pass",
    ends_the_process: "incomplete",
    changes_what_is_around_it: "pass",
    replaces_functions: "pass",
    closes_its_output: "pass",
    recurses: "fail",
    locks_while_it_ends: "fail",
}


@pytest.mark.parametrize("program", ENDINGS, ids=lambda program: program.__name__)
def test_nothing_is_left_patched_however_the_program_ended(program):
    before = everything()
    report = interleave.check(program, hang_seconds=0.5, max_steps=200)
    after = everything()
    assert (report.verdict, differences(before, after)) == (ENDINGS[program], set())


@pytest.mark.parametrize("mode", ["free", "idle", "ordered"])
def test_nothing_is_left_patched_after_a_replay(mode):
    token = interleave.check(works, time=mode).outcomes[None].schedule
    before = everything()
    interleave.replay(works, token)
    assert differences(before, everything()) == set()


def test_nothing_is_left_patched_when_the_check_cannot_begin():
    before = everything()
    with pytest.raises(interleave.UsageError):
        interleave.check(works, strategy="no such strategy")
    assert differences(before, everything()) == set()


def test_nothing_is_left_patched_when_an_expression_of_the_user_fails():
    before = everything()
    with pytest.raises(interleave.UsageError):
        interleave.check(works, expect="no_such_name")
    assert differences(before, everything()) == set()


def test_what_is_patched_differs_while_a_check_runs():
    def patched():
        return {
            (owner, name): id(owner.__dict__[name])
            for family in patching._FAMILIES
            for owner, name, _ in family.PATCHES
            if name in owner.__dict__
        }

    before = patched()  # addresses: the walk of a check would exchange what a program can reach
    same = []

    def program():
        during = patched()
        same.extend(key for key in before if during[key] == before[key])

    assert interleave.check(program).verdict == "pass"
    assert same == []


SOURCE = """
import threading, queue, time
from threading import Lock, RLock, Thread, Event, get_ident
from queue import Queue, SimpleQueue
from time import sleep, monotonic
from random import random

class Worker(Thread):
    pass
"""


def test_an_installed_module_imported_first_during_a_check_holds_the_real_names_afterwards(
    tmp_path, monkeypatch
):
    name = "imported_during_a_check"
    folder = tmp_path / "site-packages"  # what is the program's own is gone after the check
    folder.mkdir()
    (folder / f"{name}.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(folder))
    simulated = []

    def program():
        module = importlib.import_module(name)
        simulated.append(id(module.sleep) != real_sleep)
        worker = module.Worker(target=module.sleep, args=(1_000_000,))
        worker.start()
        worker.join()

    real_sleep = id(time.sleep)
    try:
        assert interleave.check(program).verdict == "pass"
        module = sys.modules[name]
    finally:
        sys.modules.pop(name, None)
    assert set(simulated) == {True}
    wanted = {
        "Lock": threading.Lock,
        "RLock": threading.RLock,
        "Thread": threading.Thread,
        "Event": threading.Event,
        "get_ident": threading.get_ident,
        "Queue": queue.Queue,
        "SimpleQueue": queue.SimpleQueue,
        "sleep": time.sleep,
        "monotonic": time.monotonic,
        "random": random.random,
    }
    assert {key: getattr(module, key) for key in wanted} == wanted
    assert type(module.Lock()) is type(_thread.allocate_lock())


def test_a_check_inside_a_program_is_refused():
    def program():
        with pytest.raises(interleave.UsageError, match="running already"):
            interleave.check(works)
        return "refused"

    assert set(interleave.check(program).outcomes) == {"refused"}


def test_checks_can_follow_each_other():
    assert [interleave.check(works).verdict for _ in range(3)] == ["pass"] * 3


# -- real threads ------------------------------------------------------------------------------


def test_real_primitives_work_after_a_check():
    interleave.check(deadlocks)
    results = queue.Queue()
    started = time.monotonic()

    def work():
        time.sleep(0.01)
        results.put(threading.current_thread().name)

    thread = threading.Thread(target=work, name="real")
    thread.start()
    assert results.get(timeout=5) == "real"
    thread.join(5)
    assert not thread.is_alive()
    assert time.monotonic() - started >= 0.01
    lock = threading.Lock()
    assert (lock.acquire(), lock.acquire(timeout=0.01), lock.locked()) == (True, False, True)


class Beside:
    """A real thread that uses real primitives, made before and during a check, all the time."""

    def __init__(self):
        self.rounds = 0
        self.errors = []
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.line = queue.Queue()
        self.back = queue.SimpleQueue()
        self.condition = threading.Condition()
        self.event = threading.Event()
        self.semaphore = threading.Semaphore(2)
        self.barrier = threading.Barrier(2)
        self.thread = threading.Thread(target=self.run)

    def run(self):
        try:
            while not self.over.is_set():
                self.round()
                self.rounds += 1
        except BaseException as error:  # noqa: BLE001 - shown by the test
            self.errors.append(error)

    def round(self):
        partner = threading.Thread(target=self.answer)
        partner.start()
        made_now, again = threading.Lock(), threading.RLock()
        with self.lock, made_now, again, self.semaphore:
            self.line.put("ping")
        assert self.back.get(timeout=5) == "pong"
        self.barrier.wait(5)
        with self.condition:
            assert self.condition.wait_for(self.event.is_set, timeout=5)
        partner.join(5)
        assert not partner.is_alive()
        self.event.clear()
        began = time.monotonic()
        time.sleep(0.001)
        assert time.monotonic() - began >= 0.001
        assert threading.current_thread() is self.thread

    def answer(self):
        assert self.line.get(timeout=5) == "ping"
        own = queue.Queue()
        own.put("pong")
        self.back.put(own.get(timeout=5))
        self.barrier.wait(5)
        with self.condition:
            self.event.set()
            self.condition.notify_all()


def busy():
    lock = threading.Lock()

    def work():
        for _ in range(3):
            with lock:
                pass

    run_threads(work, work)


@pytest.mark.real_threads
def test_real_threads_go_on_with_real_primitives_while_a_check_runs():
    beside = Beside()
    beside.thread.start()
    try:
        for _ in range(3):
            before = beside.rounds
            for _ in range(100):  # on a busy machine its turn may be long in coming
                report = interleave.check(busy, seconds=0.3)
                assert not report.failures
                if beside.rounds > before:
                    break
            assert beside.rounds > before
    finally:
        beside.over.set()
        beside.thread.join(10)
    assert beside.errors == []


@pytest.mark.real_threads
def test_a_real_thread_may_use_a_global_lock_of_the_program_meanwhile(module_of):
    module = module_of("from threading import Lock\nLOCK = Lock()\n")
    over, counts = threading.Event(), [0]

    def real():
        while not over.is_set():
            with module.LOCK:
                counts[0] += 1

    def program():
        with module.LOCK:
            run_threads(lambda: module.LOCK.acquire(False))

    thread = threading.Thread(target=real)
    thread.start()
    try:
        report = interleave.check(program)
    finally:
        over.set()
        thread.join(10)
    assert (report.verdict, counts[0] > 0) == ("pass", True)


@pytest.mark.real_threads
def test_a_real_thread_that_was_started_before_can_be_seen_and_joined(endings):
    gate = threading.Event()
    thread = threading.Thread(target=gate.wait, name="real")
    thread.start()
    try:
        assert endings(lambda: (thread.is_alive(), thread.name, thread.join(0.01))) == {
            (True, "real", None)
        }
    finally:
        gate.set()
        thread.join()
    assert endings(lambda: (thread.is_alive(), thread.join())) == {(False, None)}


@pytest.mark.parametrize("name", ["sleep", "monotonic"])
def test_a_name_that_a_program_binds_in_a_later_check_is_bound_back(name, module_of):
    module = module_of("kept = None")
    real = getattr(time, name)

    def program():
        module.kept = getattr(time, name)
        return type(module.kept).__name__

    for _ in range(3):
        module.kept = None
        assert set(interleave.check(program, granularity="sync").outcomes) == {"function"}
        assert module.kept is real


def test_a_name_that_was_bound_between_two_checks_is_simulated(module_of):
    module = module_of("import time\nbegan = time.time\nwait = print\n")

    def program():
        before = time.monotonic()
        module.wait(50)
        return time.monotonic() - before

    module.wait = int
    assert set(interleave.check(program, granularity="sync").outcomes) == {0.0}
    module.wait = time.sleep
    assert set(interleave.check(program, granularity="sync").outcomes) == {50.0}
    assert module.wait is time.sleep
