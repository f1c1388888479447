"""Main's end is a point of its own for who looks, and for nobody else."""

import threading
import time

import pytest

import interleave


def looking(times, *, late=False):
    """Return a program in which a thread asks so often whether main is alive."""

    def program():
        seen = []

        def look():
            if late:
                time.sleep(0)
            seen.extend(threading.main_thread().is_alive() for _ in range(times))

        threading.Thread(target=look).start()
        return seen

    return program


def check(program, **options):
    options = {"strategy": "dfs", "granularity": "sync", "keep_going": True, **options}
    return interleave.check(program, **options)


@pytest.mark.parametrize("time", ["free", "idle", "ordered"])
@pytest.mark.parametrize(("strategy", "granularity"), [("dfs", "sync"), ("dpor", "memory")])
@pytest.mark.parametrize("late", [False, True])
def test_main_ends_before_between_and_after_the_looks(strategy, granularity, time, late):
    program = looking(2, late=late)
    report = check(program, strategy=strategy, granularity=granularity, time=time)

    assert {tuple(seen) for seen in report.outcomes} == {
        (True, True),
        (True, False),
        (False, False),
    }
    for value, outcome in report.outcomes.items():
        assert list(interleave.replay(program, outcome.schedule).outcomes) == [value]


def test_a_thread_that_joins_main_goes_on_once_main_has_ended():
    def program():
        seen = []

        def look():
            main = threading.main_thread()
            seen.append(main.is_alive())
            main.join()
            seen.append(main.is_alive())

        threading.Thread(target=look).start()
        return seen

    assert {tuple(seen) for seen in check(program).outcomes} == {(True, False), (False, False)}


def test_a_daemon_that_looks_may_be_cut_off_before():
    def program():
        seen = []
        main = threading.main_thread()
        threading.Thread(target=lambda: seen.append(main.is_alive()), daemon=True).start()
        return seen

    assert {tuple(seen) for seen in check(program).outcomes} == {(), (True,), (False,)}


def test_where_nobody_looks_depth_first_search_has_no_more_executions():
    def program():
        for _ in range(2):
            threading.Thread(target=lambda: time.sleep(0)).start()

    # The second start among the three events of the first thread; then those that are left of it
    # and the three of the second thread, in every order; main has nothing to do with them.
    assert check(program).executions == 20 + 10 + 4 + 1


def test_a_bound_says_that_it_left_the_looks_before_the_end_out():
    report = check(looking(1), max_preemptions=0)
    assert {tuple(seen) for seen in report.outcomes} == {(False,)}
    assert report.verdict == "incomplete"
    assert check(looking(1), max_preemptions=3).verdict == "pass"


def test_a_bound_leaves_nothing_out_where_nobody_looks():
    def program():
        threading.Thread(target=int).start()

    report = check(program, max_preemptions=0)

    assert report.verdict == "pass"
    assert report.executions == 1
