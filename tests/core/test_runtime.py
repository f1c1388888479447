"""The runtime: how executions end, and what is left of them."""

import gc
import threading
import time
import tracemalloc

import greenlet
import pytest

import interleave


def in_threads(*bodies, **options):
    threads = [threading.Thread(target=body, **options) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def stuck():
    """Wait for ever."""
    threading.Event().wait()


# -- endings --------------------------------------------------------------------------------------


def test_waiting_for_ever_is_a_deadlock():
    report = interleave.check(stuck)

    assert [failure.kind for failure in report.failures] == ["deadlock"]
    assert (report.executions, report.blocked) == (0, 1)


def test_a_daemon_that_waits_for_ever_is_none():
    def program():
        threading.Thread(target=stuck, daemon=True).start()
        return "ended"

    report = interleave.check(program)

    assert report.verdict == "pass"
    assert set(report.outcomes) == {"ended"}


def test_a_thread_that_waits_for_ever_holds_up_the_end():
    report = interleave.check(lambda: threading.Thread(target=stuck).start())

    assert [failure.kind for failure in report.failures] == ["deadlock"]


def test_an_execution_that_never_ends_is_cut():
    def program():
        while True:
            time.sleep(0)

    report = interleave.check(program, max_steps=50)

    assert report.verdict == "incomplete"
    assert not report.exhaustive
    assert report.executions == 0
    assert report.steps_max == 50


def test_a_bound_that_no_execution_reaches_changes_nothing():
    def program():
        in_threads(lambda: time.sleep(0))
        return 1

    longest = interleave.check(program).steps_max

    exact = interleave.check(program, max_steps=longest)
    tight = interleave.check(program, max_steps=longest - 1)

    assert (exact.verdict, exact.exhaustive, exact.cut) == ("pass", True, 0)
    assert (tight.verdict, tight.exhaustive, tight.executions) == ("incomplete", False, 0)


@pytest.mark.parametrize("mode", ["free", "idle", "ordered"])
@pytest.mark.parametrize("strategy", ["dfs", "dpor"])
def test_a_sleep_at_the_step_bound_is_told_as_one(strategy, mode):
    def program():
        for _ in range(2):
            threading.Thread(target=time.sleep, args=(1,)).start()

    told = []
    for steps in range(4, 10):
        report = interleave.check(program, strategy=strategy, time=mode, max_steps=steps)
        told += [reason for reason in report.reasons if "at the bound" in reason]

    assert any("was about to sleep 1 s" in reason for reason in told)
    assert not any("Error" in reason for reason in told)


def test_where_some_executions_are_cut_the_verdict_says_how_many():
    def program():
        stop = threading.Event()

        def spin():
            while not stop.is_set():
                pass

        in_threads(spin, stop.set)
        return "ended"

    report = interleave.check(program, strategy="random", executions=300, max_steps=20)

    assert report.verdict == "incomplete"
    assert set(report.outcomes) == {"ended"}
    assert report.cut > 0
    assert f"{report.cut} of {report.executions + report.cut} executions were cut" in " ".join(
        report.reasons
    )


def test_an_exception_in_a_thread_is_a_failure_of_its_kind():
    def program():
        in_threads(lambda: 1 / 0)

    (failure,) = interleave.check(program).failures

    assert failure.kind == "thread-exception"
    assert failure.message == "ZeroDivisionError: division by zero in main.0"


def test_an_assertion_in_main_is_a_failure_of_its_own_kind():
    def program():
        assert not "sum", "wrong sum"

    (failure,) = interleave.check(program).failures

    assert (failure.kind, failure.message.splitlines()[0]) == (
        "assertion",
        "AssertionError: wrong sum",
    )


def test_an_exception_in_main_is_a_failure():
    (failure,) = interleave.check(lambda: {}["gone"]).failures

    assert (failure.kind, failure.message) == ("exception", "KeyError: 'gone'")


# -- teardown -------------------------------------------------------------------------------------


def test_the_first_failure_stands():
    def program():
        def waiting():
            try:
                stuck()
            finally:
                raise KeyError("while ending")

        threading.Thread(target=waiting).start()
        time.sleep(0)
        raise ValueError("first")

    report = interleave.check(program, keep_going=True)

    assert report.blocked == 0
    assert {(failure.kind, failure.message) for failure in report.failures} == {
        ("exception", "ValueError: first")
    }


def test_what_is_left_over_is_unwound_through_its_finally_blocks():
    unwound = []

    def program():
        unwound.clear()
        lock = threading.Lock()
        other = threading.Lock()

        def work():
            with lock:
                try:
                    stuck()
                finally:
                    with other, lock:  # taken, and held already: nothing blocks any more
                        unwound.append(threading.current_thread().name)
                    time.sleep(1)
                    unwound.append("slept")

        threading.Thread(target=work, name="worker").start()
        other.acquire()

    (failure,) = interleave.check(program).failures

    assert failure.kind == "deadlock"
    assert unwound == ["worker", "slept"]


def test_a_task_that_swallows_its_end_in_a_loop_is_told_again():
    def program():
        def work():
            for _ in range(5):
                try:
                    stuck()
                except BaseException:  # noqa: BLE001 - what is tested
                    pass

        threading.Thread(target=work).start()

    (failure,) = interleave.check(program).failures

    assert failure.kind == "deadlock"


def test_a_task_that_swallows_its_end_for_ever_is_left_and_told_of():
    def program():
        def work():
            while True:
                try:
                    stuck()
                except BaseException:  # noqa: BLE001 - what is tested
                    pass

        threading.Thread(target=work).start()

    report = interleave.check(program)

    assert [failure.kind for failure in report.failures] == ["deadlock"]


def test_a_daemon_that_swallows_its_end_for_ever_is_warned_of():
    def program():
        def work():
            while True:
                try:
                    stuck()
                except BaseException:  # noqa: BLE001 - what is tested
                    pass

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        time.sleep(0)
        return 1

    report = interleave.check(program, strategy="random", executions=20)

    assert report.verdict == "pass"
    assert "not-unwound" in {warning.kind for warning in report.warnings}


def test_a_generator_that_is_suspended_inside_a_lock_does_no_harm():
    def program():
        lock = threading.Lock()

        def holding():
            with lock:
                yield 1
                yield 2

        generator = holding()
        next(generator)
        in_threads(lambda: lock.acquire(blocking=False))
        return lock.locked()

    report = interleave.check(program)

    assert report.verdict == "pass", str(report)
    assert set(report.outcomes) == {True}


def test_a_thread_that_never_began_is_forgotten():
    def program():
        threading.Thread(target=stuck, daemon=True).start()

    report = interleave.check(program)

    assert report.verdict == "pass"
    assert report.steps_min < report.steps_max  # it began in some executions and not in others


# -- many executions ------------------------------------------------------------------------------


def test_hundreds_of_executions_leave_nothing_behind():
    def program():
        lock = threading.Lock()
        done = threading.Event()

        def work():
            with lock:
                done.wait(1)

        threading.Thread(target=stuck, daemon=True).start()
        in_threads(work, done.set)

    def run(executions):
        report = interleave.check(program, strategy="random", executions=executions)
        assert report.verdict == "pass", str(report)
        gc.collect()

    def living():
        return sum(isinstance(item, greenlet.greenlet) for item in gc.get_objects())

    run(50)
    before = living()
    tracemalloc.start()
    try:
        run(50)
        base = tracemalloc.get_traced_memory()[0]
        run(500)
        grown = tracemalloc.get_traced_memory()[0] - base
    finally:
        tracemalloc.stop()

    assert living() == before
    assert grown < 10_000  # bytes; an object kept in each execution would be twice as much


def test_a_check_inside_a_check_is_refused():
    report = interleave.check(lambda: interleave.check(stuck))

    assert report.verdict != "pass"
    assert "a check is running already" in f"{report.reasons} {report.failures}"


def test_a_check_can_be_run_after_one_that_failed():
    interleave.check(stuck)

    assert interleave.check(lambda: 1).verdict == "pass"


@pytest.mark.parametrize("where", ["main", "thread"])
def test_a_check_runs_in_any_thread_of_the_process(where):
    found = []

    def run():
        found.append(interleave.check(lambda: in_threads(lambda: time.sleep(1))).verdict)

    if where == "main":
        run()
    else:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()

    assert found == ["pass"]
