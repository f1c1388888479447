"""Other processes are refused; what waits for the end of this one runs at the program's."""

import atexit
import inspect
import os
import subprocess
import sys
import threading

import pytest

import interleave


def lines(program):
    report = interleave.check(program, observe="output")
    assert report.verdict == "pass", str(report)
    assert report.exhaustive
    return {tuple(value) for value in report.outcomes}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("where", ["main", "thread"])
def test_fork_is_refused_with_its_line(where):
    pid = os.getpid()

    def fork():
        os.fork()

    def program():
        if where == "main":
            fork()
        else:
            thread = threading.Thread(target=fork)
            thread.start()
            thread.join()

    report = interleave.check(program)

    assert os.getpid() == pid
    assert report.verdict == "incomplete"
    line = inspect.getsourcelines(fork)[1] + 1
    assert report.reasons[0].startswith("the program calls os.fork() at ")
    assert f"test_processes.py:{line}: another process cannot be scheduled" in report.reasons[0]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_program_cannot_go_on_after_a_refused_fork():
    def program():
        try:
            os.fork()
        except BaseException:  # noqa: BLE001 - what is tested
            pass
        return "went on"

    report = interleave.check(program)

    assert report.verdict == "incomplete"
    assert list(report.outcomes) == []


def test_a_process_that_ends_is_let_through():
    program = lambda: subprocess.run([sys.executable, "-c", "pass"], check=True).returncode

    assert set(interleave.check(program).outcomes) == {0}


def test_what_is_registered_runs_when_the_program_has_ended_last_first():
    def program():
        atexit.register(print, "first")
        atexit.register(print, "second", end="!\n")
        print("end")

    assert lines(program) == {("end", "second!", "first")}


def test_what_is_registered_runs_after_the_threads():
    def program():
        atexit.register(print, "exit")
        threading.Thread(target=print, args=("thread",)).start()
        print("end")

    assert lines(program) == {("thread", "end", "exit"), ("end", "thread", "exit")}


def test_register_may_decorate():
    def program():
        @atexit.register
        def goodbye():
            print("bye")

        assert callable(goodbye)

    assert lines(program) == {("bye",)}


def test_what_is_unregistered_does_not_run():
    def program():
        def goodbye(text):
            print(text)

        atexit.register(goodbye, "a")
        atexit.register(print, "kept")
        atexit.register(goodbye, "b")
        atexit.unregister(goodbye)

    assert lines(program) == {("kept",)}


def test_a_program_that_calls_sys_exit_ends_in_the_same_way():
    def program():
        atexit.register(print, "exit")
        threading.Thread(target=print, args=("thread",)).start()
        sys.exit(0)

    assert lines(program) == {("thread", "exit")}


def test_nothing_of_it_runs_at_the_real_end():
    program = (
        "import atexit, interleave\n"
        "def program():\n"
        "    atexit.register(lambda: open('ran', 'a').write('x'))\n"
        "report = interleave.check(program, strategy='random', executions=3)\n"
        "ran = len(open('ran').read())\n"
        "print(report.verdict, ran >= 3)\n"
        "atexit.register(lambda: print('real'))\n"
        "atexit.register(lambda: print(len(open('ran').read()) - ran))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", f"import os, tempfile; os.chdir(tempfile.mkdtemp())\n{program}"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )

    assert done.stderr == ""
    assert done.stdout == "pass True\n0\nreal\n"
