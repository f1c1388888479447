"""Threads of `_thread`: every ending that a program can have, worked out from CPython's own."""

from __future__ import annotations

import _thread
import threading

import pytest


def test_a_raw_thread_runs_beside_the_others(endings):
    def program():
        got, done = [], threading.Lock()
        done.acquire()

        def work(*args, **kwargs):
            got.append((args, kwargs, threading.get_ident()))
            done.release()

        ident = _thread.start_new_thread(work, (1,), {"key": 2})
        done.acquire()
        (args, kwargs, seen) = got[0]
        return args, kwargs["key"], seen == ident

    assert endings(program) == {((1,), 2, True)}


def test_the_program_does_not_wait_for_raw_threads(endings):
    def program():
        _thread.start_new_thread(threading.Event().wait, ())
        return "over"

    assert endings(program) == {"over"}


def test_a_raw_thread_may_exit(endings):
    def program():
        done = threading.Lock()
        done.acquire()

        def work():
            done.release()
            _thread.exit()

        _thread.start_new_thread(work, ())
        done.acquire()
        return "over"

    assert endings(program) == {"over"}


def test_a_raw_thread_is_listed_only_once_it_asks_who_it_is(endings):
    def program():
        steps = [threading.Event() for _ in range(3)]

        def work():
            steps[0].wait()
            threading.current_thread()
            steps[1].set()
            steps[2].wait()

        _thread.start_new_thread(work, ())
        counts = [threading.active_count()]
        steps[0].set()
        steps[1].wait()
        counts.append(threading.active_count())
        return tuple(counts)

    assert endings(program) == {(1, 2)}


def test_a_raw_thread_s_thread_object_is_a_daemon_that_nobody_joins(endings):
    def program():
        got, done = [], threading.Event()

        def work():
            me = threading.current_thread()
            try:
                me.join()
            except (AssertionError, RuntimeError) as error:
                got.append((me.daemon, me.is_alive(), me.name[:6], str(error)))
            done.set()

        _thread.start_new_thread(work, ())
        done.wait()
        return got[0]

    assert endings(program) == {(True, True, "Dummy-", "cannot join a dummy thread")}


@pytest.mark.parametrize(("function", "args"), [(None, ()), (print, [])])
def test_a_raw_thread_s_arguments_are_checked_as_by_python(endings, function, args):
    def error():
        try:
            _thread.start_new_thread(function, args)
        except TypeError as error:
            return str(error)

    expected = error()
    assert expected is not None
    assert endings(error) == {expected}
