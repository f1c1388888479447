"""The fixture `interleave`: checks inside an ordinary test; and what is kept between runs."""

import shlex
import sys

pytest_plugins = ["pytester"]

FAILING = """
def lose():
    counter = Counter()
    run_threads(counter.add, counter.add)
    assert counter.value == 2, "lost"

def test_checks(interleave):
    interleave.check(lambda: run_threads(print))
    interleave.check(lose)
"""

STUCK = """
import pytest
import threading

@pytest.mark.interleave
def test_stuck():
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()
"""


def test_check_returns_the_report(run_tests):
    result = run_tests("""
        def values():
            counter = Counter()
            run_threads(counter.add, counter.add)
            return counter.value

        def test_report(interleave):
            report = interleave.check(values, races=False)
            assert (report.verdict, report.exhaustive) == ("pass", True)
            assert set(report.outcomes) == {1, 2}
            report = interleave.check(values, strategy="random", executions=30, seed=2, races=False)
            assert (report.strategy, report.executions) == ("random", 30)
            report = interleave.check(values, expect="outcome == 2", raising=False, races=False)
            assert (report.verdict, report.failures[0].kind) == ("fail", "expectation")
        """)

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["interleave: 1 test, * executions; not exhaustive"])


def test_a_failing_check_raises_where_it_stands_and_the_command_replays_it(run_tests, pytester):
    result = run_tests(FAILING)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            ">       interleave.check(lose)",
            "    def lose():",
            '>       assert counter.value == 2, "lost"',
            "E       AssertionError: lost",
            "*- interleave -*",
            "FAIL  test_shop.py::test_checks lose",
            "*replay: pytest test_shop.py::test_checks --interleave-replay il2.*",
        ]
    )
    [line] = [line for line in result.outlines if "replay: " in line]
    copied = pytester.run(sys.executable, "-m", *shlex.split(line.partition("replay: ")[2]))
    copied.assert_outcomes(failed=1)
    copied.stdout.fnmatch_lines(["E       AssertionError: lost", line])


def test_a_token_that_belongs_to_no_check_of_the_test_is_an_error(run_tests):
    token = run_tests(FAILING).stdout.str().partition("--interleave-replay ")[2].split()[0]

    result = run_tests(
        FAILING.replace("lose", "lose_all"), "--interleave-replay", token, "--interleave-no-store"
    )

    result.assert_outcomes(failed=1, errors=1)
    result.stdout.fnmatch_lines(["interleave: the schedule il2.* belongs to no check of this test"])


def test_checks_of_one_program_are_told_apart(run_tests):
    source = """
        def twice(interleave):
            def program():
                counter = Counter()
                run_threads(counter.add, counter.add)
                return counter.value
            interleave.check(program, expect="outcome in (1, 2)", races=False)
            interleave.check(program, expect="outcome == 2")

        def test_twice(interleave):
            twice(interleave)
        """
    result = run_tests(source)
    result.stdout.fnmatch_lines(["FAIL  test_shop.py::test_twice twice.<locals>.program (2)"])
    token = result.stdout.str().partition("--interleave-replay ")[2].split()[0]

    result = run_tests(source, "--interleave-replay", token)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["expectation: outcome 1 does not satisfy outcome == 2"])


def test_capsys_and_caplog_see_the_last_execution_of_a_check(run_tests):
    result = run_tests("""
        import logging

        def program():
            logging.getLogger("shop").error("logged")
            run_threads(lambda: print("one"), lambda: print("one"))

        def test_sees(interleave, capsys, caplog):
            print("before")
            logging.getLogger("shop").error("before")
            interleave.check(program)
            lines = capsys.readouterr().out.splitlines()
            assert [line for line in lines if line != "logged"] == ["before", "one", "one"]
            assert caplog.messages == ["before", "logged"]
        """)

    result.assert_outcomes(passed=1)


def test_what_is_no_program_is_refused(run_tests):
    result = run_tests("""
        def test_needs(interleave):
            interleave.check(lambda value: value)

        def test_fixture_inside(interleave, request):
            interleave.check(lambda: request.getfixturevalue("monkeypatch"))
        """)

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "interleave: *needs arguments (value)*",
            "*the fixture 'monkeypatch' (scope function) was asked for inside an execution*",
        ]
    )


def test_a_kept_failure_is_replayed_first_and_dropped_once_it_is_repaired(run_tests, pytester):
    first = run_tests(FAILING)
    again = run_tests(FAILING)
    repaired = run_tests(FAILING.replace("counter.add", "counter.add_locked"))

    assert "FAIL  test_shop.py::test_checks lose" in first.outlines
    again.assert_outcomes(failed=1)
    again.stdout.fnmatch_lines(
        ["*covers: a failure that an earlier check has kept in .interleave*"]
    )
    repaired.assert_outcomes(passed=1)
    assert list((pytester.path / ".interleave").glob("*.jsonl")) == []


def test_nothing_is_kept_where_the_run_or_the_project_says_so(run_tests, pytester):
    run_tests(FAILING, "--interleave-no-store").assert_outcomes(failed=1)
    assert not (pytester.path / ".interleave").exists()

    pytester.makeini("[pytest]\ninterleave_store = false\n")
    run_tests(FAILING).assert_outcomes(failed=1)
    assert not (pytester.path / ".interleave").exists()


def test_a_store_that_cannot_be_written_is_said_once_and_breaks_nothing(run_tests, pytester):
    (pytester.path / ".interleave").write_text("in the way")

    result = run_tests(FAILING + FAILING.replace("test_checks", "test_more"))

    result.assert_outcomes(failed=2)
    told = [line for line in result.outlines if "failures cannot be kept in" in line]
    assert len(told) == 1


def test_the_command_line_lists_what_pytest_has_kept(run_tests, pytester):
    pytester.makepyprojecttoml("")
    pytester.makepyfile(test_stuck=STUCK)
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(failed=1)

    result = pytester.run(sys.executable, "-m", "interleave", "failures")

    result.stdout.fnmatch_lines(
        [
            "test_stuck.py::test_stuck",
            "  deadlock: main waits for Lock#1 at test_stuck.py:*",
            "  replay: pytest test_stuck.py::test_stuck --interleave-replay il2.*",
        ]
    )
