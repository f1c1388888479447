"""Whole runs of pytest: options and settings, the debugger, xdist, and what is never imported."""

import sys

import pytest

pytest_plugins = ["pytester"]

UNLOCKED = """
@pytest.mark.interleave
def test_two_updates():
    counter = Counter()
    run_threads(counter.add, counter.add)
    assert counter.value == 2
"""


def test_the_command_line_counts_more_than_the_mark_and_the_mark_more_than_settings(
    run_tests, pytester
):
    pytester.makeini("""
        [pytest]
        interleave_strategy = random
        interleave_executions = 7
        interleave_seed = 3
        """)
    source = """
        import interleave

        @pytest.mark.interleave
        def test_settings():
            run_threads(print, print)

        @pytest.mark.interleave(executions=5)
        def test_mark():
            run_threads(print, print)
        """

    assert "interleave: 2 tests, 12 executions; none exhaustive" in run_tests(source).outlines
    result = run_tests(source, "--interleave-executions", "4", "-v")
    result.stdout.fnmatch_lines(
        [
            "interleave: test_shop.py::test_settings: 4 executions; not exhaustive",
            "interleave: test_shop.py::test_mark: 4 executions; not exhaustive",
            "interleave: 2 tests, 8 executions; none exhaustive",
        ]
    )
    result = run_tests(source, "--interleave-strategy", "dfs", "--interleave-executions", "999")
    result.stdout.fnmatch_lines(["interleave: 2 tests, * executions; all exhaustive"])
    result = run_tests(source, "--interleave-seed", "-1")
    result.stdout.fnmatch_lines(
        ["interleave: seed is '-1'; it must be a number, or SEED:EXECUTION*"]
    )
    result = run_tests(source, "--interleave-seed", "3:2", "-v")
    result.stdout.fnmatch_lines(
        ["interleave: test_shop.py::test_settings: 7 executions; not exhaustive"]
    )


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            "interleave_seed = one",
            "interleave: the setting interleave_seed is 'one'; it must be a *",
        ),
        (
            "interleave_seconds = x",
            "interleave: the setting interleave_seconds is 'x'; it must be *",
        ),
        ("interleave_time = fast", "interleave: time is 'fast'; it must be one of: free, idle, *"),
        (
            "interleave_incomplete = no",
            "interleave: incomplete is 'no'; it must be one of: fail, w*",
        ),
        (
            "interleave_store = perhaps",
            "interleave: the setting interleave_store is 'perhaps'; it must be true or false",
        ),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(run_tests, pytester, setting, message):
    pytester.makeini(f"[pytest]\n{setting}\n")

    result = run_tests(UNLOCKED)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([message])


def test_incomplete_checks_pass_with_a_warning_where_the_project_says_so(run_tests, pytester):
    pytester.makeini("[pytest]\ninterleave_incomplete = warn\nfilterwarnings = default\n")

    result = run_tests("""
        @pytest.mark.interleave(strategy="dfs", executions=2)
        def test_bounded():
            run_threads(print, print)
        """)

    result.assert_outcomes(passed=1, warnings=2)  # what ended it, and about how many are left


def test_the_first_failure_ends_the_run_and_is_run_alone_next_time(run_tests, pytester):
    pytester.makepyfile(test_a_passes="def test_passes(): pass")
    source = UNLOCKED + UNLOCKED.replace("two", "both")

    run_tests(source, "-x", "-p", "cacheprovider").assert_outcomes(passed=1, failed=1)
    again = run_tests(None, "--lf", "-p", "cacheprovider")

    again.assert_outcomes(failed=1)


def test_workers_of_xdist_report_to_one_summary_and_share_the_store(run_tests, pytester):
    pytest.importorskip("xdist", reason="pytest-xdist comes with the extra dev")
    source = "".join(UNLOCKED.replace("two", f"two_{number}") for number in range(4))

    result = run_tests(source, "-n", "2")

    result.assert_outcomes(failed=4)
    result.stdout.re_match_lines([r"interleave: 4 tests, [\d,]+ executions; none exhaustive"])
    assert len(list((pytester.path / ".interleave").glob("*.jsonl"))) == 4
    again = run_tests(source)
    assert "interleave: 4 tests, 4 executions; none exhaustive" in again.outlines


def debugged(pytester, commands, *options):
    return pytester.run(
        sys.executable, "-m", "pytest", "--pdb", *options, stdin=f"{commands}\n".encode()
    )


def test_the_debugger_stops_inside_the_failing_execution(run_tests, pytester):
    run_tests(UNLOCKED)

    result = debugged(
        pytester,
        "p 'value', counter.value\nimport interleave.core.context as c\np 'inside', c.in_task()\nc",
    )

    result.stdout.fnmatch_lines(
        [
            "*replay: pytest test_shop.py::*",
            "-> assert counter.value == 2",
            "*('value', 1)*",
            "*('inside', True)*",
        ]
    )
    assert result.stdout.str().count("-> assert counter.value == 2") == 1
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_the_debugger_stops_before_fixtures_are_torn_down_and_for_each_test(run_tests, pytester):
    source = """
        @pytest.fixture
        def door():
            door = ["open"]
            yield door
            door[0] = "closed"

        @pytest.mark.interleave
        def test_one(door):
            run_threads(print)
            assert door == []

        def test_plain():
            assert 6 * 7 == 0

        @pytest.mark.interleave
        def test_two(door):
            run_threads(print)
            assert door == [1]
        """
    run_tests(source)

    result = debugged(pytester, "p 'the door', door\nc\np 'plain'\nc\np 'the door', door\nc")

    result.stdout.fnmatch_lines(
        [
            "-> assert door == ??",
            "*('the door', ??open??)*",
            "-> assert 6 * 7 == 0",
            "*'plain'*",
            "-> assert door == ?1?",
            "*('the door', ??open??)*",
        ]
    )
    result.assert_outcomes(failed=3)


def test_the_debugger_stops_in_the_thread_that_fails_while_others_hold_their_locks(
    run_tests, pytester
):
    source = """
        import threading

        @pytest.mark.interleave(max_preemptions=1)
        def test_thread():
            lock, other = threading.Lock(), threading.Lock()

            def hold():
                with lock:
                    with other:
                        pass

            def fail():
                with other:
                    assert not lock.locked()

            threads = [threading.Thread(target=function) for function in (hold, fail)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        """
    run_tests(source)

    result = debugged(pytester, "p 'locked', lock.locked()\nq")

    result.stdout.fnmatch_lines(["-> assert not lock.locked()", "*('locked', True)*"])
    result.stdout.fnmatch_lines(["*Exit: Quitting debugger*"])


def test_nobody_is_asked_where_a_report_is_wanted_and_no_failure(run_tests, pytester):
    run_tests("""
        def test_report(interleave):
            def program():
                run_threads(print)
                assert False
            assert interleave.check(program, raising=False).verdict == "fail"
        """)

    result = debugged(pytester, "q")

    result.assert_outcomes(passed=1)
    assert "PDB" not in result.stdout.str()


def test_a_breakpoint_stops_once_and_quitting_ends_the_run(run_tests, pytester):
    run_tests(UNLOCKED.replace("counter =", "breakpoint()\n    counter ="))

    result = pytester.run(sys.executable, "-m", "pytest", stdin=b"p 6 * 7\nq\n")

    assert result.stdout.str().count(" PDB set_trace ") == 1
    result.stdout.fnmatch_lines(["*42", "*Exit: Quitting debugger*"])


def test_exit_and_interruption_end_the_run(run_tests):
    result = run_tests("""
        @pytest.mark.interleave
        def test_exit():
            run_threads(print)
            pytest.exit("enough")

        def test_never(): pass
        """)
    result.stdout.fnmatch_lines(["*Exit: enough*"])
    result.assert_outcomes()

    result = run_tests(
        """
        @pytest.mark.interleave
        def test_interrupted():
            run_threads(print)
            raise KeyboardInterrupt

        def test_never(): pass
        """,
        no_reraise_ctrlc=True,
    )
    result.stdout.fnmatch_lines(["*KeyboardInterrupt*"])
    result.assert_outcomes()


def test_a_token_that_no_test_replays_is_said(run_tests):
    result = run_tests("def test_plain(): pass", "--interleave-replay", "il2.x")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["interleave: --interleave-replay was given, and no selected test replayed it"]
    )


def test_who_checks_nothing_imports_nothing_and_reads_nothing_of_it(pytester):
    pytester.makepyfile("""
        import sys

        def test_plain():
            loaded = {name for name in sys.modules if name.startswith("interleave")}
            assert loaded <= {
                "interleave",
                "interleave.errors",
                "interleave.pytest_plugin",
                "interleave.pytest_plugin.options",
                "interleave.pytest_plugin.summary",
            }
            assert "greenlet" not in sys.modules
        """)

    result = pytester.runpytest_subprocess()

    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("interleave:*")
    assert not (pytester.path / ".interleave").exists()
