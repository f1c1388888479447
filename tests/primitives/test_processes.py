"""Other processes are refused; what waits for the end of this one runs at the program's."""

import asyncio
import atexit
import inspect
import multiprocessing
import os
import selectors
import socket
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


def test_a_process_is_one_step_and_that_is_said():
    def program():
        done = []
        other = threading.Thread(target=lambda: done.append("other"))
        other.start()
        subprocess.run([sys.executable, "-c", "pass"], check=True, timeout=60)
        other.join()
        return done

    report = interleave.check(program, executions=4, strategy="random")

    line = inspect.getsourcelines(program)[1] + 4
    outside = [warning.message for warning in report.warnings if warning.kind == "outside"]
    assert any(
        message.startswith("the program calls subprocess.Popen() at ")
        and f"test_processes.py:{line}: this is one step here" in message
        for message in outside
    )
    assert report.verdict == "pass", str(report)


@pytest.mark.parametrize(
    ("work", "timeout", "ended"), [("pass", 60, 0), ("time.sleep(60)", 0.1, None)]
)
def test_the_timeout_of_a_process_is_measured_on_the_real_clock(work, timeout, ended):
    def program():
        with subprocess.Popen([sys.executable, "-c", f"import time; {work}"]) as process:
            try:
                return process.wait(timeout)
            except subprocess.TimeoutExpired:
                process.kill()

    assert set(interleave.check(program).outcomes) == {ended}


REFUSED = {
    "os._exit": (0,),
    "os.abort": (),
    "os.execv": (sys.executable, [sys.executable]),
    "os.execve": (sys.executable, [sys.executable], {}),
    "_thread.interrupt_main": (),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("where", ["main", "thread"])
def test_what_would_end_the_tool_is_refused(name, where):
    module, _, function = name.partition(".")

    def call():
        getattr(sys.modules[module], function)(*REFUSED[name])

    report = interleave.check(call if where == "main" else lambda: interleave.run_threads(call))

    assert report.verdict == "incomplete"
    assert report.reasons[0].startswith(f"the program calls {name}() at ")
    assert list(report.outcomes) == []


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.filterwarnings("ignore")
def test_multiprocessing_is_refused_with_its_line(method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip("no such method here")

    def program():
        process = multiprocessing.get_context(method).Process(target=print)
        process.start()
        process.join()

    report = interleave.check(program)

    assert report.verdict == "incomplete"
    line = inspect.getsourcelines(program)[1] + 2
    assert f"test_processes.py:{line}: another process cannot be scheduled" in report.reasons[0]


def test_asyncio_is_refused_with_its_line():
    async def wait():
        await asyncio.sleep(1)

    def program():
        asyncio.run(wait())

    report = interleave.check(program)

    assert report.verdict == "incomplete"
    line = inspect.getsourcelines(program)[1] + 1
    assert report.reasons[0].startswith("the program calls asyncio at ")
    assert f"test_processes.py:{line}: its event loop waits for real" in report.reasons[0]


def test_a_socket_is_used_step_by_step_and_that_is_said():
    def program():
        left, right = socket.socketpair()
        with left, right:
            interleave.run_threads(lambda: left.sendall(b"hello"), lambda: None)
            return right.recv(5)

    report = interleave.check(program)

    assert set(report.outcomes) == {b"hello"}
    assert report.verdict == "pass"
    told = [warning.message for warning in report.warnings if warning.kind == "outside"]
    assert any("socket.sendall() at " in message for message in told)
    assert any("socket.recv() at " in message for message in told)


def test_a_thread_that_would_wait_for_another_one_at_a_socket_is_ended_with_its_line():
    def program():
        left, right = socket.socketpair()
        with left, right:
            other = threading.Thread(target=right.send, args=(b"hello",))
            other.start()
            left.recv(5)
            other.join()

    report = interleave.check(program, hang_seconds=0.3)

    line = inspect.getsourcelines(program)[1] + 5
    assert report.verdict == "incomplete"
    assert f"test_processes.py:{line}: it loops without a schedule point or" in report.reasons[0]


def test_waiting_for_input_and_output_is_one_step_and_that_is_said():
    def program():
        left, right = socket.socketpair()
        with left, right, selectors.DefaultSelector() as selector:
            selector.register(right, selectors.EVENT_READ)
            left.send(b"x")
            return len(selector.select(1))

    report = interleave.check(program)

    assert set(report.outcomes) == {1}
    assert any(".select() at " in warning.message for warning in report.warnings)


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
