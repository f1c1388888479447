"""Targets: what each form means, and what is said about one that cannot be used."""

import sys

import pytest

import interleave
from interleave.core.program import from_callable, from_target


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to write programs in, as the current one; what they import is forgotten after."""
    monkeypatch.chdir(tmp_path)
    before, path = set(sys.modules), list(sys.path)
    yield tmp_path
    sys.path[:] = path
    for name in set(sys.modules) - before:
        if str(tmp_path) in (getattr(sys.modules[name], "__file__", None) or ""):
            del sys.modules[name]


def write(folder, **files):
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        (path if not name.endswith("_init") else path.parent / "__init__.py").write_text(text)


def outcome(target, *arguments, **options):
    report = interleave.check(from_target(target, arguments), **options)
    assert report.verdict == "pass", str(report)
    (value,) = report.outcomes
    return value


# -- functions ------------------------------------------------------------------------------------


def test_a_function_of_a_file(folder):
    write(folder, alpha="def program():\n    return __name__, 'value'\n")

    assert outcome("alpha.py:program") == ("alpha", "value")


def test_a_function_of_a_module(folder):
    write(folder, pack___init="", pack__inner="def program():\n    return __name__\n")

    assert outcome("pack.inner:program") == "pack.inner"


def test_a_file_in_a_package_may_import_relatively(folder):
    write(
        folder,
        bundle___init="NAME = 'bundle'\n",
        bundle__part="VALUE = 3\n",
        bundle__main="from . import NAME\nfrom .part import VALUE\ndef program():\n"
        "    return __name__, NAME, VALUE\n",
    )

    assert outcome("bundle/main.py:program") == ("bundle.main", "bundle", 3)


def test_a_method_that_needs_nothing_may_be_named(folder):
    write(folder, beta="class Case:\n    @staticmethod\n    def run():\n        return 5\n")

    assert outcome("beta.py:Case.run") == 5


def test_two_files_of_one_name_in_two_folders_are_two_programs(folder):
    write(folder, left__same="def program():\n    return 'left'\n")
    write(folder, right__same="def program():\n    return 'right'\n")

    assert outcome("left/same.py:program") == "left"
    assert outcome("right/same.py:program") == "right"
    assert outcome("left/same.py:program") == "left"


def test_a_file_is_not_run_as_a_script_for_the_sake_of_a_function(folder):
    write(folder, gamma="def program():\n    return 1\nif __name__ == '__main__':\n    1 / 0\n")

    assert outcome("gamma.py:program") == 1


def test_arguments_that_have_defaults_are_left_to_them():
    assert interleave.check(lambda a=1, *more, b=2: (a, more, b)).outcomes[1, (), 2].count == 1


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("nothing.py", "there is no file 'nothing.py'"),
        ("nothing.py:program", "there is no file 'nothing.py'"),
        ("nothing:program", "no module named 'nothing'"),
        ("there.py:missing", "there has no 'missing'; programs: first, second"),
        ("there.py:first.missing", "there has no 'first.missing'"),
        ("there", "is no script and no folder"),
        ("", "target '' is no script and no folder"),
        ("broken.py", "broken.py cannot be compiled"),
        ("broken.py:program", "broken.py cannot be imported: SyntaxError"),
        ("raises.py:program", "raises.py cannot be imported: ZeroDivisionError: division by zero"),
        ("leaves.py:program", "leaves.py cannot be imported: SystemExit: 3"),
        ("needs:program", "no module named 'not_installed_anywhere'"),
        ("raises:program", "raises cannot be imported: ZeroDivisionError"),
        ("there.py:takes", r"takes needs arguments \(one, three\)"),
        ("there.py:coroutine", "coroutine is a coroutine"),
        ("there.py:generator", "generator is a generator: calling it runs nothing of it"),
        ("there.py:stream", "stream is a generator: calling it runs nothing of it"),
        ("there.py:", "target 'there.py:' names no function after its colon"),
        (":", "target ':' names no function after its colon"),
        ("there.py:NUMBER", "5 is not callable"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(folder, target, message):
    write(
        folder,
        there=(
            "NUMBER = 5\n"
            "def first(): pass\n"
            "def second(): pass\n"
            "def takes(one, two=2, *, three): pass\n"
            "async def coroutine(): pass\n"
            "def generator(): yield\n"
            "async def stream(): yield\n"
        ),
        broken="def (:\n",
        raises="1 / 0\n",
        leaves="import sys\nsys.exit(3)\n",
        needs="import not_installed_anywhere\n",
    )

    with pytest.raises(interleave.UsageError, match=message):
        from_target(target)


def test_arguments_for_a_function_are_refused(folder):
    write(folder, delta="def program(): pass\n")

    with pytest.raises(interleave.UsageError, match=r"arguments .* go to a script only"):
        from_target("delta.py:program", ["x"])


def test_what_is_not_callable_is_refused():
    with pytest.raises(interleave.UsageError, match="7 is not callable"):
        interleave.check(7)


def test_a_program_is_named_by_its_module_and_function():
    def program():
        pass

    named = from_callable(program)

    assert named.name.startswith("test_program:")
    assert named.name.endswith("program")


# -- scripts --------------------------------------------------------------------------------------


def test_a_script_runs_as_main_and_is_observed_by_its_output(folder):
    write(folder, script="print(__name__, __file__)\n")

    assert outcome("script.py") == ["__main__ script.py"]


def test_a_script_sees_its_arguments(folder):
    write(folder, script="import sys\nprint(sys.argv)\n")

    assert outcome("script.py", "a", "--b") == ["['script.py', 'a', '--b']"]


def test_each_execution_of_a_script_has_a_fresh_namespace(folder):
    write(
        folder,
        script=(
            "import threading\n"
            "print('seen' in globals())\n"
            "seen = 1\n"
            "threading.Thread(target=print, args=('x',)).start()\n"
            "print('y')\n"
        ),
    )

    report = interleave.check("script.py")

    assert {tuple(value) for value in report.outcomes} == {
        ("False", "x", "y"),
        ("False", "y", "x"),
    }


def test_functions_of_a_script_see_its_globals_in_threads(folder):
    write(
        folder,
        script=(
            "import threading\n"
            "def work():\n"
            "    import __main__\n"
            "    print(VALUE, __main__.VALUE)\n"
            "VALUE = 3\n"
            "thread = threading.Thread(target=work)\n"
            "thread.start()\n"
            "thread.join()\n"
        ),
    )

    assert outcome("script.py") == ["3 3"]


def test_modules_beside_a_script_are_imported_anew_in_each_execution(folder):
    write(
        folder,
        script=(
            "import threading, counting_beside\n"
            "counting_beside.COUNT += 1\n"
            "threading.Thread(target=print, args=('x',)).start()\n"
            "print(counting_beside.COUNT)\n"
        ),
        counting_beside="COUNT = 0\n",
    )

    report = interleave.check("script.py")

    assert {tuple(value) for value in report.outcomes} == {("1", "x"), ("x", "1")}


def test_locks_of_modules_beside_a_script_are_simulated(folder):
    write(
        folder,
        script=(
            "import threading, locked_beside\n"
            "def work():\n"
            "    with locked_beside.LOCK:\n"
            "        print('work')\n"
            "thread = threading.Thread(target=work)\n"
            "with locked_beside.LOCK:\n"
            "    thread.start()\n"
            "    print('main')\n"
            "thread.join()\n"
        ),
        locked_beside="import threading\nLOCK = threading.Lock()\n",
    )

    assert outcome("script.py") == ["main", "work"]


@pytest.mark.parametrize("code", ["", "0", "None"])
def test_a_script_that_exits_without_trouble_passes(folder, code):
    write(folder, script=f"import sys\nprint('x')\nsys.exit({code})\n")

    assert outcome("script.py") == ["x"]


@pytest.mark.parametrize("code", ["3", "'text'", "True"])
def test_a_script_that_exits_with_trouble_fails(folder, code):
    write(folder, script=f"import sys\nsys.exit({code})\n")

    report = interleave.check("script.py")

    assert report.verdict == "fail"
    assert [failure.kind for failure in report.failures] == ["exception"]
    assert report.failures[0].message == f"SystemExit: {code.strip(chr(39))}"
    assert report.failures[0].location.endswith("script.py:2")


def test_the_process_is_as_it_was_after_a_script(folder):
    write(folder, script="import sys\nsys.argv.append('x')\nsys.path.insert(0, 'y')\n")
    before = list(sys.argv), list(sys.path), sys.modules["__main__"]

    interleave.check("script.py")

    assert (sys.argv, sys.path, sys.modules["__main__"]) == before
