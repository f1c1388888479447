"""Imports inside the program: a body runs once, and who comes meanwhile waits for its end."""

import pytest

import interleave

IMPORTERS = """
import importlib
import threading

def run(*functions):
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

def statement():
    import late
    seen.append(late.VALUE)

def function():
    seen.append(importlib.import_module("late").VALUE)

def program():
    seen.clear()
    run(statement, statement)
    return tuple(seen)

def by_function():
    seen.clear()
    run(function, statement)
    return tuple(seen)

seen = []
"""


@pytest.fixture
def project(tmp_path, monkeypatch, module_of):
    """Return a function that writes modules beside a program, and imports the program alone."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def written(program, **modules):
        for name, source in modules.items():
            path = tmp_path / f"{name}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(source)
        return module_of(program)

    return written


@pytest.mark.parametrize("name", ["program", "by_function"])
def test_two_threads_that_import_one_module_have_four_traces(name, project):
    """One after the other (2), or both look before either begins (2).

    Whoever looks while the other imports waits, which is the same as to look afterwards.
    """
    module = project(IMPORTERS, late="VALUE = 3")

    report = interleave.check(lambda: getattr(module, name)() and None)

    # `seen` is a list of both: appends come in two orders where the imports leave that open.
    assert report.exhaustive, report.reasons
    assert report.redundant == 0
    lonely = project(IMPORTERS.replace("seen.append(", "(").replace("seen.clear()", ""))
    assert interleave.check(getattr(lonely, name)).executions == 4


@pytest.mark.parametrize("strategy", ["dpor", "random"])
def test_nobody_sees_a_module_before_its_body_has_ended(strategy, project):
    module = project(IMPORTERS, late="import time\nVALUE = 1\ntime.sleep(0.1)\nVALUE = 3")

    report = interleave.check(module.program, strategy=strategy, executions=300)

    assert set(report.outcomes) == {(3, 3)}
    assert report.failures == ()


@pytest.mark.parametrize("name", ["program", "by_function"])
def test_either_thread_may_be_the_one_that_runs_the_body(name, project, endings):
    late = "import threading\nVALUE = threading.current_thread().name[:8]"
    module = project(IMPORTERS, late=late)

    assert endings(getattr(module, name)) == {("Thread-1",) * 2, ("Thread-2",) * 2}


def test_a_body_that_fails_is_run_again_by_the_other_thread(project, endings):
    module = project(
        IMPORTERS.replace("import late\n", "late = tried()\n")
        + """
class Nothing:
    VALUE = "failed"

def tried():
    try:
        import late
    except ValueError:
        return Nothing
    return late
""",
        late="import program_under_test as program\n"
        "program.seen.append('body')\n"
        "if len(program.seen) == 1: raise ValueError\n"
        "VALUE = 'done'",
    )

    assert endings(module.program) == {
        ("body", "failed", "body", "done"),
        ("body", "body", "failed", "done"),
        ("body", "body", "done", "failed"),
    }


def test_what_a_body_has_stored_is_no_race_with_who_reads_it_after_the_import(project):
    module = project(IMPORTERS, late="VALUE = 0\ndef step():\n  global VALUE\n  VALUE = 3\nstep()")

    report = interleave.check(module.program)

    assert report.exhaustive, report.reasons
    assert [str(warning) for warning in report.warnings if "late" in str(warning)] == []


def test_modules_of_a_package_are_found_by_relative_names(project, endings):
    module = project(
        """
import threading
import parts

def program():
    threads = [threading.Thread(target=parts.use) for _ in range(2)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    from parts import first
    return first.NAMES
""",
        **{
            "parts/__init__": "def use():\n    from . import first, second\n",
            "parts/first": "NAMES = []",
            "parts/second": "import threading\nfrom .first import NAMES\n"
            "NAMES.append(threading.current_thread().name[:8])",
        },
    )

    assert endings(lambda: tuple(module.program())) == {("Thread-1",), ("Thread-2",)}


def test_two_checks_in_one_process_find_the_same(project):
    module = project(IMPORTERS, late="import time\ntime.sleep(0.1)\nVALUE = 3")

    first, second = (interleave.check(module.program) for _ in range(2))

    assert (second.executions, second.outcomes) == (first.executions, first.outcomes)
    schedule = first.outcomes[3, 3].schedule
    assert set(interleave.replay(module.program, schedule).outcomes) == {(3, 3)}


def test_modules_that_import_each_other_from_two_threads_are_said_not_to_be_simulated(project):
    module = project(
        """
import threading

def one():
    import left

def other():
    import right

def program():
    threads = [threading.Thread(target=one), threading.Thread(target=other)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
""",
        left="import right",
        right="import left",
    )

    report = interleave.check(module.program)

    assert report.verdict == "incomplete"
    assert report.failures == ()
    (reason,) = [text for text in report.reasons if "import each other" in text]
    assert "import them before the threads start" in reason
