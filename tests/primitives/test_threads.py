"""`threading.Thread`, `Timer`, and the functions that tell of threads (Lib/threading.py)."""

from __future__ import annotations

import _thread
import sys
import threading
import time
from threading import Timer

import pytest

import interleave
from interleave import run_threads


def warnings_of(program, **options):
    report = interleave.check(program, keep_going=True, **options)
    return {item.kind for item in report.warnings}


# -- what a thread runs ------------------------------------------------------------------------


def test_a_thread_calls_its_target_with_its_arguments(endings):
    def program():
        got = []
        thread = threading.Thread(
            target=lambda *args, **kwargs: got.append((args, kwargs["key"])),
            args=(1, 2),
            kwargs={"key": 3},
        )
        thread.start()
        thread.join()
        return got[0]

    assert endings(program) == {((1, 2), 3)}


@pytest.mark.parametrize("make", [threading.Thread, lambda target, args: Timer(1, target, args)])
def test_the_arguments_of_a_thread_may_be_an_iterator(endings, make):
    def program():
        got = []
        thread = make(target=lambda one, other: got.append((one, other)), args=iter([1, 2]))
        thread.start()
        thread.join()
        return tuple(got)

    assert endings(program) == {((1, 2),)}


def test_a_thread_without_a_target_ends_at_once(endings):
    def program():
        thread = threading.Thread()
        thread.start()
        thread.join()
        return thread.is_alive()

    assert endings(program) == {False}


class Worker(threading.Thread):
    """Defined when this file was imported, as programs do."""

    def __init__(self, number):
        super().__init__(name=f"worker {number}")
        self.number = number
        self.result = None

    def run(self):
        self.result = self.number * 2, self.name, threading.current_thread() is self


def test_a_subclass_may_override_run(endings):
    def program():
        worker = Worker(4)
        worker.start()
        worker.join()
        return worker.result

    assert endings(program) == {(8, "worker 4", True)}


def test_two_threads_can_run_in_either_order(endings):
    def program():
        order = []
        threads = [threading.Thread(target=order.append, args=(i,)) for i in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return tuple(order)

    assert endings(program) == {(0, 1), (1, 0)}


def test_a_thread_may_start_another(endings):
    def program():
        log = []

        def outer():
            inner = threading.Thread(target=log.append, args=("inner",))
            inner.start()
            inner.join()
            log.append("outer")

        run_threads(outer)
        return tuple(log)

    assert endings(program) == {("inner", "outer")}


# -- start, join, is_alive ---------------------------------------------------------------------


def test_join_waits_until_the_thread_has_ended(endings):
    def program():
        log = []

        def work():
            time.sleep(0)
            log.append("worked")

        thread = threading.Thread(target=work)
        thread.start()
        value = thread.join()
        log.append("joined")
        return tuple(log), value

    assert endings(program) == {(("worked", "joined"), None)}


def test_without_join_main_may_be_first(endings):
    def program():
        log = []
        thread = threading.Thread(target=log.append, args=("worked",))
        thread.start()
        time.sleep(0)
        log.append("main")
        time.sleep(0)
        return tuple(log)

    assert endings(program) == {("main",), ("main", "worked"), ("worked", "main")}


def test_a_thread_may_be_joined_by_many_and_often(endings):
    def program():
        thread = threading.Thread(target=time.sleep, args=(0,))
        thread.start()
        run_threads(thread.join, thread.join)
        thread.join()
        thread.join(0)
        return thread.is_alive()

    assert endings(program) == {False}


def test_join_with_a_timeout_returns_none_in_time_or_not(endings):
    def program():
        thread = threading.Thread(target=time.sleep, args=(0,))
        thread.start()
        value = thread.join(1)
        return value, thread.is_alive()

    assert endings(program) == {(None, True), (None, False)}


def test_join_with_a_negative_timeout_is_a_look(endings):
    def program():
        thread = threading.Thread(target=time.sleep, args=(5,), daemon=True)
        thread.start()
        thread.join(-1)
        return thread.is_alive(), time.monotonic() == time.monotonic()

    assert endings(program, time="idle") == {(True, True)}


def test_is_alive_from_start_to_end(endings):
    def program():
        inside = []
        thread = threading.Thread(target=lambda: inside.append(thread.is_alive()))
        before = thread.is_alive()
        thread.start()
        thread.join()
        return before, inside[0], thread.is_alive()

    assert endings(program) == {(False, True, False)}


def test_a_started_thread_may_or_may_not_have_ended(endings):
    def program():
        thread = threading.Thread()
        thread.start()
        return thread.is_alive()

    assert endings(program) == {True, False}


def start_twice():
    thread = threading.Thread()
    thread.start()
    thread.start()


def start_after_the_end():
    thread = threading.Thread()
    thread.start()
    thread.join()
    thread.start()


def join_before_start():
    threading.Thread().join()


def join_itself():
    threading.current_thread().join()


def daemon_after_start():
    thread = threading.Thread()
    thread.start()
    thread.daemon = True


class Forgetful(threading.Thread):
    def __init__(self):
        pass


def start_without_init():
    Forgetful().start()


def join_without_init():
    Forgetful().join()


MISUSES = {
    start_twice: "threads can only be started once",
    start_after_the_end: "threads can only be started once",
    join_before_start: "cannot join thread before it is started",
    join_itself: "cannot join current thread",
    daemon_after_start: "cannot set daemon status of active thread",
    start_without_init: "thread.__init__() not called",
    join_without_init: "Thread.__init__() not called",
}


@pytest.mark.parametrize("program", MISUSES, ids=lambda program: program.__name__)
def test_using_a_thread_against_its_rules_is_misuse(endings, program):
    assert endings(program) == {f"misuse: RuntimeError: {MISUSES[program]}"}


def join_before_start_with_timeout():
    threading.Thread().join(1)


def test_a_timed_join_before_start_is_misuse(endings):
    assert endings(join_before_start_with_timeout) == {
        "misuse: RuntimeError: cannot join thread before it is started"
    }


def test_a_worker_that_joins_itself_is_told_so(endings):
    def program():
        said = []

        def work():
            try:
                threading.current_thread().join()
            except RuntimeError as error:
                said.append(str(error))

        run_threads(work)
        return said[0]

    assert endings(program) == {"cannot join current thread"}


@pytest.mark.parametrize("attribute", ["name", "ident", "native_id", "daemon"])
def test_a_thread_without_init_has_no_attributes(endings, attribute):
    def program():
        try:
            getattr(Forgetful(), attribute)
        except AssertionError as error:
            return str(error)

    assert endings(program) == {"Thread.__init__() not called"}


def test_a_group_is_refused(endings):
    def program():
        try:
            threading.Thread(group=1)
        except AssertionError as error:
            return str(error)

    assert endings(program) == {"group argument must be None for now"}


def test_two_threads_that_join_each_other_deadlock(endings):
    def program():
        gate = threading.Event()
        threads = []

        def join(other):
            gate.wait()
            threads[other].join()

        threads += [
            threading.Thread(target=join, args=(1,)),
            threading.Thread(target=join, args=(0,)),
        ]
        for thread in threads:
            thread.start()
        gate.set()

    assert endings(program) == {"deadlock of main, main.0, main.1"}


# -- names and numbers -------------------------------------------------------------------------


def test_a_default_name_counts_and_tells_the_target(endings):
    def work():
        pass

    def program():
        return tuple(
            thread.name
            for thread in (
                threading.Thread(),
                threading.Thread(target=work),
                threading.Thread(target=work, name="given"),
                threading.Thread(name=""),
                threading.Thread(name=7),
            )
        )

    assert endings(program) == {("Thread-1", "Thread-2 (work)", "given", "Thread-3", "7")}


def test_a_name_may_be_changed(endings):
    def program():
        thread = threading.Thread()
        thread.name = 5
        return thread.name

    assert endings(program) == {"5"}


def test_default_names_do_not_depend_on_the_interleaving(endings):
    def program():
        names = []

        def spawn(index):
            names.append((index, threading.Thread().name))

        run_threads(lambda: spawn(0), lambda: spawn(1))
        return frozenset(names)

    found = endings(program)
    assert len(found) == 1
    assert len({name for names in found for _, name in names}) == 2


def test_ident_and_native_id_are_there_from_start_on(endings):
    def program():
        inside = []
        thread = threading.Thread(
            target=lambda: inside.append((threading.get_ident(), threading.get_native_id()))
        )
        before = thread.ident, thread.native_id
        thread.start()
        started = thread.ident, thread.native_id
        thread.join()
        after = thread.ident, thread.native_id
        mine = threading.get_ident()
        return (
            before,
            started == inside[0] == after,
            mine == threading.main_thread().ident,
            mine != after[0],
            _thread.get_ident() == mine,
        )

    assert endings(program) == {((None, None), True, True, True, True)}


def test_no_two_threads_have_one_ident(endings):
    def program():
        return len({threading.get_ident(), *run_threads(*[threading.get_ident] * 2)})

    assert endings(program) == {3}


def test_repr_tells_the_state(endings):
    def program():
        gate = threading.Event()
        thread = threading.Thread(target=gate.wait, name="t", daemon=True)
        before = repr(thread)
        thread.start()
        during = repr(thread)
        gate.set()
        thread.join()
        return (
            before == "<Thread(t, initial daemon)>",
            during == f"<Thread(t, started daemon {thread.ident})>",
            repr(thread) == f"<Thread(t, stopped daemon {thread.ident})>",
        )

    assert endings(program) == {(True, True, True)}


# -- daemons -----------------------------------------------------------------------------------


def test_a_thread_is_a_daemon_if_its_maker_is_unless_told(endings):
    def program():
        seen = []

        def work():
            seen.append((threading.Thread().daemon, threading.Thread(daemon=False).daemon))

        for daemon in (None, False, True):
            thread = threading.Thread(target=work, daemon=daemon)
            thread.start()
            thread.join()
        late = threading.Thread(target=work)
        late.daemon = True
        late.start()
        late.join()
        return tuple(seen)

    assert endings(program) == {((False, False), (False, False), (True, False), (True, False))}


def test_main_is_no_daemon(endings):
    assert endings(lambda: threading.main_thread().daemon) == {False}


def test_the_program_waits_for_threads_that_are_no_daemons(endings):
    def program():
        def work():
            time.sleep(0)
            raise ValueError("reached")

        threading.Thread(target=work).start()

    assert endings(program) == {"thread-exception: ValueError: reached in main.0"}


def test_the_program_does_not_wait_for_daemons(endings):
    def program():
        def work():
            time.sleep(0)
            raise ValueError("reached")

        threading.Thread(target=work, daemon=True).start()
        return "over"

    assert endings(program) == {"over", "thread-exception: ValueError: reached in main.0"}


def test_a_daemon_that_waits_for_ever_is_no_deadlock(endings):
    def program():
        threading.Thread(target=threading.Event().wait, daemon=True).start()
        return "over"

    assert endings(program) == {"over"}


def test_a_thread_that_waits_for_ever_and_is_no_daemon_is_a_deadlock(endings):
    def program():
        threading.Thread(target=threading.Event().wait).start()

    assert endings(program) == {"deadlock of main, main.0"}


def test_finally_blocks_of_daemons_that_are_left_have_no_effect_on_the_outcome(endings):
    def program():
        log = []

        def work():
            try:
                threading.Event().wait()
            finally:
                log.append("cleaned up")

        threading.Thread(target=work, daemon=True).start()
        return len(log)

    assert endings(program) == {0}


# -- exceptions --------------------------------------------------------------------------------


def failing():
    raise ValueError("broken")


def test_an_exception_that_leaves_a_thread_is_a_failure(endings):
    def program():
        thread = threading.Thread(target=failing)
        thread.start()
        thread.join()

    assert endings(program) == {"thread-exception: ValueError: broken in main.0"}


def test_an_assertion_that_fails_in_a_thread_is_an_exception_of_the_thread(endings):
    def program():
        def work():
            raise AssertionError("wrong")

        threading.Thread(target=work).start()

    assert endings(program) == {"thread-exception: AssertionError: wrong in main.0"}


def test_system_exit_ends_a_thread_and_nothing_else(endings):
    def program():
        thread = threading.Thread(target=sys.exit, args=(3,))
        thread.start()
        thread.join()
        return thread.is_alive()

    assert endings(program) == {False}


def own_hook(effect):
    def program():
        taken = []

        def hook(args):
            taken.append((args.exc_type.__name__, str(args.exc_value), args.thread is thread))
            effect()

        threading.excepthook = hook
        thread = threading.Thread(target=failing)
        thread.start()
        thread.join()
        return tuple(taken)

    return program


def test_an_excepthook_of_the_program_takes_the_exception(endings):
    assert endings(own_hook(lambda: None)) == {(("ValueError", "broken", True),)}


def test_an_exception_that_a_hook_took_is_told_as_a_warning():
    assert warnings_of(own_hook(lambda: None)) == {"handled-exception"}


def test_a_hook_that_raises_fails_itself(endings):
    def effect():
        raise KeyError("hook")

    assert endings(own_hook(effect)) == {"thread-exception: KeyError: 'hook' in main.0"}


def test_a_hook_lasts_no_longer_than_its_execution(endings):
    def program():
        first = threading.excepthook
        interleave.choose([1, 2])
        threading.excepthook = print
        return first is before

    before = threading.excepthook
    assert endings(program) == {True}
    assert threading.excepthook is before


def test_the_original_hook_is_no_hook_of_the_program(endings):
    def program():
        threading.excepthook = threading.__excepthook__
        threading.Thread(target=failing).start()

    assert endings(program) == {"thread-exception: ValueError: broken in main.0"}


# -- main, current_thread, enumerate -----------------------------------------------------------


def test_main_is_the_current_thread_of_the_program(endings):
    def program():
        main = threading.main_thread()
        return main is threading.current_thread(), main.name, main.is_alive(), type(main).__name__

    assert endings(program) == {(True, "MainThread", True, "_MainThread")}


def test_a_thread_is_its_own_current_thread_and_main_is_another(endings):
    def program():
        seen = []

        def work():
            seen.append((threading.current_thread(), threading.main_thread()))

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        return seen[0][0] is thread, seen[0][1] is threading.current_thread()

    assert endings(program) == {(True, True)}


def test_enumerate_lists_main_and_the_threads_that_run(endings):
    def program():
        gate = threading.Event()
        one = threading.Thread(target=gate.wait, daemon=True)
        two = threading.Thread(target=gate.wait)
        counts = [threading.active_count()]
        one.start()
        two.start()
        listed = set(threading.enumerate()) == {threading.main_thread(), one, two}
        counts.append(threading.active_count())
        gate.set()
        one.join()
        two.join()
        return listed, *counts, len(threading.enumerate())

    assert endings(program) == {(True, 1, 3, 1)}


def test_a_thread_that_was_started_counts_until_it_ends(endings):
    def program():
        threading.Thread().start()
        return threading.active_count()

    assert endings(program) == {1, 2}


def test_a_worker_can_join_main(endings):
    def program():
        log = []

        def work():
            threading.main_thread().join()
            log.append("main has ended")
            if threading.main_thread().is_alive():
                raise ValueError("still alive")

        threading.Thread(target=work).start()
        time.sleep(0)
        return len(log)

    assert endings(program) == {0}


def test_a_worker_that_joins_main_while_main_joins_it_is_a_deadlock(endings):
    def program():
        run_threads(threading.main_thread().join)

    assert endings(program) == {"deadlock of main, main.0"}


def test_main_gets_back_its_own_name_in_every_execution(endings):
    def program():
        before = threading.current_thread().name
        interleave.choose([1, 2])
        threading.current_thread().name = "renamed"
        return before, threading.main_thread().name

    assert endings(program) == {("MainThread", "renamed")}
    assert threading.main_thread().name == "MainThread"


# -- Timer -------------------------------------------------------------------------------------


def test_a_timer_calls_its_function_after_its_interval(endings):
    def program():
        got = []
        timer = threading.Timer(3, lambda *a, **k: got.append((a, k["key"], time.monotonic())), [1])
        timer.kwargs["key"] = 2
        began = time.monotonic()
        timer.start()
        timer.join()
        ((args, key, at),) = got
        return args, key, round(at - began, 6)

    assert endings(program, time="idle") == {((1,), 2, 3.0)}


def cancelled(pause):
    log = []
    timer = threading.Timer(1, log.append, ["fired"])
    timer.start()
    if pause:
        time.sleep(pause)
    timer.cancel()
    timer.join()
    return tuple(log)


def test_in_free_time_a_timer_may_fire_before_it_is_cancelled(endings):
    assert endings(lambda: cancelled(0)) == {(), ("fired",)}


@pytest.mark.parametrize(("pause", "log"), [(0.5, ()), (2, ("fired",))])
def test_in_idle_time_a_timer_keeps_to_the_clock(endings, pause, log):
    assert endings(lambda: cancelled(pause), time="idle") == {log}


def test_the_program_waits_for_a_timer(endings):
    def program():
        threading.Timer(1, failing).start()

    assert endings(program) == {"thread-exception: ValueError: broken in main.0"}


# -- together ----------------------------------------------------------------------------------


def test_the_exit_functions_of_the_library_run_before_threads_are_waited_for(endings):
    def program():
        gate = threading.Event()
        threading._register_atexit(gate.set)
        threading.Thread(target=gate.wait).start()
        return "over"

    assert endings(program) == {"over"}
