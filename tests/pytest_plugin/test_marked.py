"""Marked tests: what runs anew in each execution, and what pytest says in the end."""

import pathlib
import re
import shlex
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


def replay_command(result):
    """Return the command in the line that a failing test ends with, as its words."""
    [line] = [line for line in result.outlines if line.strip().startswith("replay: ")]
    return shlex.split(line.partition("replay: ")[2])


def test_an_unlocked_update_fails_with_assertion_counterexample_and_command(run_tests):
    result = run_tests(UNLOCKED)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*def test_two_updates():*",
            ">*assert counter.value == 2*",
            "E*assert 1 == 2*",
            "E*where 1 = *Counter*.value*",
            "test_shop.py:*: AssertionError",
            "*- interleave -*",
            "FAIL  test_shop.py::test_two_updates",
            "*time.sleep(0)*",
            "*replay: pytest test_shop.py::test_two_updates --interleave-replay il2.*",
            "interleave: 1 test, * executions; not exhaustive",
        ]
    )


def test_the_same_update_with_the_lock_passes_and_is_exhaustive(run_tests):
    result = run_tests(UNLOCKED.replace("counter.add", "counter.add_locked"))

    result.assert_outcomes(passed=1)
    result.stdout.re_match_lines([r"interleave: 1 test, [\d,]+ executions; exhaustive"])


def test_the_replay_command_works_when_it_is_copied(run_tests, pytester):
    command = replay_command(run_tests(UNLOCKED))

    assert command[0] == "pytest"
    copied = pytester.run(sys.executable, "-m", *command)

    copied.assert_outcomes(failed=1)
    copied.stdout.fnmatch_lines(["E*assert 1 == 2", "interleave: 1 test, 1 execution; replayed"])
    assert replay_command(copied) == command


def test_a_token_of_another_test_or_a_damaged_one_is_refused(run_tests):
    token = replay_command(run_tests(UNLOCKED))[-1]
    other = UNLOCKED.replace("test_two_updates", "test_other")

    for given, message in [
        (token, "interleave: the schedule belongs to another program than 'test_shop.py::test_o*"),
        (token[:-5], "interleave: schedule 'il2.*was cut short*"),
    ]:
        result = run_tests(other, "--interleave-replay", given)
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(
            [message, "interleave: --interleave-replay was given, and no selected test replayed it"]
        )


def test_function_fixtures_and_instances_are_new_in_each_execution(run_tests):
    result = run_tests("""
        EVENTS = []

        @pytest.fixture(autouse=True)
        def around():
            EVENTS.append("up")
            yield
            EVENTS.append("down")

        @pytest.fixture
        def counter():
            return Counter()

        @pytest.fixture
        def adder(counter):
            return counter.add_locked

        class TestCounter:
            made = 0

            def setup_method(self):
                type(self).made += 1
                assert not hasattr(self, "calls")
                self.calls = 0

            @pytest.mark.filterwarnings("ignore::interleave.errors.InterleaveWarning")
            @pytest.mark.interleave(strategy="dfs", granularity="sync")
            def test_adds(self, counter, adder):
                self.calls += 1
                run_threads(adder, adder)
                assert (self.calls, counter.value) == (1, 2)

            def test_afterwards(self):
                assert self.made > 5
                assert len(EVENTS) == 2 * (self.made - 1) + 1
                assert EVENTS == ["up", "down"] * (self.made - 1) + ["up"]
        """)

    result.assert_outcomes(passed=2)


def test_wider_fixtures_are_shared_and_their_locks_are_simulated(run_tests):
    result = run_tests("""
        MADE = []

        @pytest.fixture(scope="session")
        def lock():
            MADE.append("lock")
            return threading.Lock()

        @pytest.fixture(scope="module")
        def counter(lock):
            MADE.append("counter")
            return Counter()

        @pytest.fixture
        def held(lock):
            return lock

        @pytest.mark.interleave
        def test_excludes(lock, held):
            counter = Counter()
            def add():
                with lock:
                    counter.add()
            run_threads(add, add)
            assert held is lock
            assert counter.value == 2

        @pytest.mark.interleave
        def test_deadlocks(counter):
            counter.lock.acquire()
            counter.lock.acquire()

        def test_afterwards(lock, counter):
            assert MADE == ["lock", "counter"]
            assert type(lock) is type(counter.lock) is type(threading.Lock())
            assert not lock.locked()
        """)

    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "    def test_deadlocks(counter):",
            "        counter.lock.acquire()",
            ">       counter.lock.acquire()",
            "E       Failed: deadlock: main waits for *",
        ]
    )


def test_a_wider_fixture_asked_for_inside_an_execution_is_refused(run_tests):
    result = run_tests("""
        @pytest.fixture(scope="module")
        def wide():
            return 1

        @pytest.fixture
        def narrow():
            return 2

        @pytest.mark.interleave
        def test_asks_wide(request):
            request.getfixturevalue("wide")

        def test_still_has_it(wide):
            assert wide == 1

        @pytest.mark.interleave
        def test_asks_narrow(request):
            assert request.getfixturevalue("narrow") == 2
            run_threads(print)
        """)

    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        ["the fixture 'wide' (scope module) was asked for inside an execution, which it would *"]
    )


def test_each_parameter_is_a_check_of_its_own(run_tests):
    result = run_tests("""
        @pytest.fixture(params=["add", "add_locked"])
        def name(request):
            return request.param

        @pytest.mark.parametrize("threads", [1, 2])
        @pytest.mark.interleave
        def test_adds(threads, name):
            counter = Counter()
            run_threads(*[getattr(counter, name)] * threads)
            assert counter.value == threads
        """)

    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*replay: pytest 'test_shop.py::test_adds?add-2?' --interleave-replay il2.*",
            "interleave: 4 tests, * executions; 3 exhaustive, 1 not",
        ]
    )


def test_the_folder_of_a_test_is_empty_when_an_execution_begins(run_tests):
    result = run_tests("""
        FOLDERS = set()

        @pytest.mark.interleave
        def test_writes(tmp_path):
            assert list(tmp_path.iterdir()) == []
            FOLDERS.add(tmp_path)
            (tmp_path / "file").write_text("")
            (tmp_path / "folder").mkdir()
            run_threads(print, print)

        def test_afterwards():
            assert len(FOLDERS) == 1
        """)

    result.assert_outcomes(passed=2)


def test_capsys_caplog_and_properties_see_one_execution_alone(run_tests):
    result = run_tests("""
        import logging

        @pytest.mark.interleave
        def test_sees(capsys, caplog, record_property):
            record_property("mine", 1)
            logging.warning("begun")
            run_threads(lambda: print("thread"), lambda: print("thread"))
            assert capsys.readouterr() == ("thread\\nthread\\n", "")
            assert caplog.messages == ["begun"]

        @pytest.mark.interleave
        def test_leaves():
            logging.warning("logged")
            print("printed")
            run_threads(lambda: print("in a thread", end=""), lambda: None)

        @pytest.fixture(autouse=True)
        def properties(request):
            yield
            assert request.node.user_properties in ([], [("mine", 1)])
        """)

    result.assert_outcomes(passed=2)
    shown = run_tests(None, "-rP", "-k", "leaves").stdout.str()
    assert shown.count("printed\n") == shown.count("in a thread\n") == 1
    assert len(re.findall(r"WARNING .* logged", shown)) == 1


def test_a_failing_test_shows_what_the_failing_execution_printed(run_tests):
    result = run_tests("""
        @pytest.mark.interleave
        def test_prints():
            counter = Counter()
            run_threads(counter.add, counter.add)
            print("the value is", counter.value)
            assert counter.value == 2
        """)

    result.assert_outcomes(failed=1)
    assert re.findall("the value is .*", result.stdout.str()) == ["the value is 1"]


def test_skip_xfail_and_fail_mean_what_they_mean_elsewhere(run_tests):
    result = run_tests("""
        import unittest

        @pytest.mark.interleave
        def test_skip():
            pytest.skip("not today")

        @pytest.mark.interleave
        def test_skip_of_unittest():
            raise unittest.SkipTest("nor today")

        @pytest.mark.skip
        @pytest.mark.interleave
        def test_skip_mark():
            assert False

        @pytest.mark.interleave
        def test_xfail():
            pytest.xfail("known")

        @pytest.mark.xfail(raises=AssertionError, strict=True)
        @pytest.mark.interleave
        def test_xfail_mark():
            counter = Counter()
            run_threads(counter.add, counter.add)
            assert counter.value == 2

        @pytest.mark.interleave
        def test_fail():
            pytest.fail("because")

        @pytest.mark.interleave
        def test_no_raise():
            with pytest.raises(ValueError):
                run_threads(print)

        @pytest.mark.interleave
        def test_raise():
            with pytest.raises(ValueError):
                run_threads(lambda: int("x"))
        """)

    result.assert_outcomes(skipped=3, xfailed=2, failed=2, passed=1)
    result.stdout.fnmatch_lines(
        ["E       Failed: because", "exception: Failed: because at test_s*"]
    )
    result.stdout.fnmatch_lines(["E       Failed: DID NOT RAISE *ValueError*"])


def test_a_skip_in_some_executions_is_a_pass_that_warns(run_tests):
    result = run_tests(
        """
        @pytest.mark.interleave(races=False)
        def test_sometimes():
            counter = Counter()
            run_threads(counter.add, counter.add)
            if counter.value == 1:
                pytest.skip("lost")

        @pytest.mark.interleave(races=False)
        def test_known():
            counter = Counter()
            run_threads(counter.add, counter.add)
            if counter.value == 1:
                pytest.xfail("known to be lost")
        """,
        "-W",
        "default",
    )

    result.assert_outcomes(passed=1, xfailed=1, warnings=1)
    result.stdout.fnmatch_lines(
        ["*InterleaveWarning: skipped: some executions * pytest.skip: lost"]
    )


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            """
            import unittest

            class TestIt(unittest.TestCase):
                @pytest.mark.interleave
                def test_it(self):
                    pass
            """,
            "*a method of unittest.TestCase is run by unittest, which cannot run it anew*",
        ),
        (
            """
            @pytest.mark.interleave
            async def test_it():
                pass
            """,
            "*it is a coroutine, and interleave checks threads",
        ),
        (
            """
            from hypothesis import given, strategies

            @pytest.mark.interleave
            @given(strategies.integers())
            def test_it(number):
                pass
            """,
            "*Hypothesis draws other data in each execution; leave out the mark, *check_all*",
        ),
    ],
)
def test_what_cannot_be_a_program_is_refused(run_tests, source, message):
    result = run_tests(source)

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([message])


@pytest.mark.parametrize(
    ("mark", "message"),
    [
        (
            '"random"',
            "@pytest.mark.interleave takes its options by name, and was given ('random',)",
        ),
        ("speed=3", "interleave: there is no option 'speed'; the options are: strategy, *"),
        ("max_steps=0", "interleave: max_steps is 0; it must be a whole number of at least 1"),
        ("incomplete='pass'", "interleave: incomplete is 'pass'; it must be one of: fail, warn"),
    ],
)
def test_an_option_that_cannot_be_used_is_named(run_tests, mark, message):
    result = run_tests(f"""
        @pytest.mark.interleave({mark})
        def test_it():
            pass
        """)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([message])


def test_the_mark_nearest_to_the_test_counts_most(run_tests):
    result = run_tests("""
        pytestmark = pytest.mark.interleave(granularity="sync", strategy="dfs")

        def add(counter):
            counter.value += 1

        @pytest.mark.interleave(granularity="memory")
        class TestCounter:
            def test_torn(self):
                counter = Counter()
                run_threads(lambda: add(counter), lambda: add(counter))
                assert counter.value == 2

            @pytest.mark.interleave(granularity="sync")
            def test_whole(self):
                self.test_torn()
        """)

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["FAILED test_shop.py::TestCounter::test_torn*"])


def test_fixtures_and_wider_values_are_instrumented_too(run_tests):
    result = run_tests("""
        @pytest.fixture
        def add():
            counter = Counter()

            def add():
                counter.value += 1
                return counter.value

            return add

        @pytest.mark.interleave(granularity="memory")
        def test_torn(add):
            run_threads(add, add)
            assert add() == 3
        """)

    result.assert_outcomes(failed=1)


def test_an_assertion_in_a_thread_is_shown_where_it_stands(run_tests, pytester):
    pytester.makepyfile(
        shop="""
        def look(values):
            assert values == [1], "looked"
        """
    )
    result = run_tests("""
        import sys
        sys.path.insert(0, ".")
        import shop

        @pytest.mark.interleave
        def test_thread():
            threading.Thread(target=shop.look, args=([2],)).start()
        """)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "    def look(values):",
            '>       assert values == [[]1], "looked"',
            "shop.py:2: AssertionError",
            "thread-exception: AssertionError: looked in main.0*",
        ]
    )
    result.stdout.no_fnmatch_line("*interleave/*.py*")
    result.stdout.no_fnmatch_line("*threading.py*")


def test_a_bounded_check_fails_unless_told_to_warn(run_tests):
    result = run_tests(
        """
        @pytest.mark.interleave(max_preemptions=0)
        def test_bounded():
            run_threads(lambda: time.sleep(0), lambda: time.sleep(0))

        @pytest.mark.interleave(max_preemptions=0, incomplete="warn")
        def test_lenient():
            run_threads(lambda: time.sleep(0), lambda: time.sleep(0))

        @pytest.mark.interleave(max_steps=20, incomplete="warn")
        def test_never_ends():
            while True:
                time.sleep(1)
        """,
        "-W",
        "default",
    )

    result.assert_outcomes(passed=1, failed=2, warnings=1)
    result.stdout.fnmatch_lines(
        [
            "incomplete: schedules with more than 0 preemptions were left out: *",
            "  (a bounded check passes, with a warning, given incomplete=*",
            "incomplete: 1 of 1 executions were cut at the step bound of 20 events: *",
            "*InterleaveWarning: incomplete: schedules with more than 0 preemptions were left out*",
        ]
    )


def test_a_program_that_the_schedule_does_not_decide_fails(run_tests):
    result = run_tests("""
        SEEN = []

        @pytest.mark.interleave
        def test_moody():
            SEEN.append(1)
            run_threads(*[lambda: time.sleep(0)] * len(SEEN))
        """)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["not deterministic: execution 0 and its repetition*SEEN*"])


def test_warnings_of_report_and_program_are_given_once(run_tests):
    source = """
        import warnings

        @pytest.mark.interleave
        def test_alone():
            pass

        @pytest.mark.interleave
        def test_warns():
            warnings.warn("careful")
            run_threads(lambda: time.sleep(0), lambda: time.sleep(0))
        """
    result = run_tests(source, "-W", "default")

    result.assert_outcomes(passed=2, warnings=2)
    result.stdout.fnmatch_lines(
        [
            "*InterleaveWarning: single-thread: the program started no thread*",
            "*UserWarning: careful",
        ]
    )
    run_tests(source, "-W", "error").assert_outcomes(failed=2)


def test_a_fixture_that_fails_fails_the_test(run_tests):
    result = run_tests("""
        @pytest.fixture
        def never_up():
            raise RuntimeError("up")

        @pytest.fixture
        def never_down():
            yield
            raise RuntimeError("down")

        @pytest.mark.interleave
        def test_up(never_up):
            pass

        @pytest.mark.interleave
        def test_down(never_down):
            pass

        @pytest.mark.interleave
        def test_both(never_down):
            assert False
        """)

    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(
        [
            "E       RuntimeError: up",
            "E       RuntimeError: down",
            "E       assert False",
            "E       afterwards a fixture failed too: RuntimeError('down')",
        ]
    )


def test_an_expectation_of_what_the_test_returns_may_fail_it(run_tests):
    result = run_tests("""
        @pytest.mark.interleave(expect="outcome == 2", keep_going=True)
        def test_expected():
            counter = Counter()
            run_threads(counter.add, counter.add)
            return counter.value

        @pytest.mark.interleave(reach="outcome == 3")
        def test_reached():
            run_threads(print)
        """)

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "expectation: outcome 1 does not satisfy outcome == 2",
            "expectation: no outcome satisfies outcome == 3",
        ]
    )


def test_the_example_of_the_documentation_does_what_its_page_says(pytester):
    page = pathlib.Path(__file__).parents[2] / "docs" / "how-to" / "test-with-pytest.md"
    source = page.read_text(encoding="utf-8").partition("```python\n")[2].partition("```")[0]
    pytester.makepyfile(test_counter=source)
    result = pytester.runpytest_inprocess("-p", "no:hypothesispytest")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*  replay: pytest test_counter.py::test_no_update_is_lost --interleave-replay il2.*"]
    )

    locked = source.replace(
        "        self.value += 1", "        with self.lock:\n            self.value += 1"
    ).replace("self.value = 0", "self.value = 0\n        self.lock = threading.Lock()")
    pytester.makepyfile(test_counter=locked)
    result = pytester.runpytest_inprocess("-p", "no:hypothesispytest")

    result.assert_outcomes(passed=1)
    [line] = [line for line in result.outlines if line.startswith("interleave: ")]
    assert re.fullmatch(r"interleave: 1 test, [\d,]+ executions; exhaustive", line)


RACY = """
@pytest.mark.interleave{}
def test_who_was_last():
    counter = Counter()
    run_threads(*[lambda: setattr(counter, "value", 1)] * 2)
    assert counter.value == 1
"""


def test_a_race_is_a_warning_of_a_test_that_passes(run_tests, pytester):
    pytester.makeini("[pytest]\nfilterwarnings = default\n")

    result = run_tests(RACY.format(""))

    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines(
        ["*InterleaveWarning: data-race: Counter#1.value: main.0 writes it at test_shop.py:*"]
    )


@pytest.mark.parametrize(
    ("mark", "setting", "words"),
    [
        ('(fail_on="race")', "", ()),
        ("", "interleave_fail_on = race", ()),
        ("", "", ("--interleave-fail-on", "race")),
    ],
    ids=["mark", "setting", "command line"],
)
def test_a_race_lets_a_test_fail_where_that_is_asked_for(run_tests, pytester, mark, setting, words):
    pytester.makeini(f"[pytest]\n{setting}\n")

    result = run_tests(RACY.format(mark), *words)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*expectation: data race on Counter#1.value: main.0 writes it at *"]
    )
