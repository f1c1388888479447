"""`print`, the standard streams and `logging`, captured per execution."""

import io
import logging
import os
import subprocess
import sys
import warnings
from contextlib import redirect_stdout

import pytest
from side_by_side import in_threads

import interleave


def lines(program, **options):
    """The complete set of outputs of a program."""
    report = interleave.check(program, observe="output", **options)
    assert report.verdict == "pass", str(report)
    assert report.exhaustive
    return {tuple(value) for value in report.outcomes}


# -- print ----------------------------------------------------------------------------------------


def test_print_joins_its_values():
    assert lines(lambda: print("a", 1, None)) == {("a 1 None",)}


@pytest.mark.parametrize(
    ("arguments", "options", "expected"),
    [
        ((), {}, ("",)),
        (("a", "b"), {"sep": "-"}, ("a-b",)),
        (("a", "b"), {"sep": None}, ("a b",)),
        (("a",), {"end": "!\n"}, ("a!",)),
        (("a",), {"end": None}, ("a",)),
        (("a\nb",), {}, ("a", "b")),
        (("a",), {"end": ""}, ("a",)),
        (("",), {"end": ""}, ()),
        (("a",), {"flush": True}, ("a",)),
    ],
)
def test_print_writes_what_cpython_writes(arguments, options, expected):
    assert lines(lambda: print(*arguments, **options)) == {expected}


def test_a_separator_that_is_no_text_is_refused_as_in_cpython():
    def program():
        with pytest.raises(TypeError, match="sep must be None or a string, not int"):
            print("a", "b", sep=1)
        with pytest.raises(TypeError, match="end must be None or a string, not int"):
            print("a", end=1)

    assert lines(program) == {()}


def test_partial_lines_are_put_together():
    def program():
        print("a", end="")
        sys.stdout.write("b")
        print("c")
        print("d", end="")

    assert lines(program) == {("abc", "d")}


def test_partial_lines_of_two_threads_run_together():
    def program():
        in_threads(lambda: print("a", end=""), lambda: print("b", end=""))

    assert lines(program) == {("ab",), ("ba",)}


def test_the_standard_streams_are_one():
    def program():
        print("out")
        print("err", file=sys.stderr)
        sys.stdout.write("written\n")
        sys.stderr.writelines(["one\n", "two\n"])

    assert lines(program) == {("out", "err", "written", "one", "two")}


def test_write_says_how_much_and_takes_text_alone():
    def program():
        print(sys.stdout.write("abc\n"))
        with pytest.raises(TypeError):
            sys.stdout.write(b"abc")

    assert lines(program) == {("abc", "4")}


def test_print_into_a_file_of_the_programs_own_is_no_output():
    def program():
        file = io.StringIO()
        print("a", file=file)
        with redirect_stdout(file):
            print("b")
        print(repr(file.getvalue()))

    assert lines(program) == {(r"'a\nb\n'",)}


def test_each_print_is_an_operation_where_output_is_observed():
    program = lambda: in_threads(lambda: print("a"), lambda: print("b"))

    assert lines(program) == {("a", "b"), ("b", "a")}


def test_a_print_in_one_thread_may_come_between_two_of_another():
    def program():
        in_threads(lambda: (print("a"), print("b")), lambda: print("x"))

    assert lines(program) == {("x", "a", "b"), ("a", "x", "b"), ("a", "b", "x")}


def test_print_is_no_schedule_point_where_the_outcome_is_observed():
    def program():
        log = []

        def work(name):
            log.append(name)
            print(name)
            log.append(name)

        in_threads(lambda: work("a"), lambda: work("b"))
        return "".join(log)

    assert set(interleave.check(program, granularity="sync").outcomes) == {"aabb", "bbaa"}


def test_output_goes_to_the_report_and_not_to_the_terminal(capsys):
    def program():
        print("hidden")
        logging.getLogger("loud").error("hidden")

    interleave.check(program, observe="output")
    interleave.check(program)
    print("shown")

    captured = capsys.readouterr()
    assert captured.out == "shown\n"
    assert captured.err == ""


def test_the_streams_are_the_same_objects_after_the_check():
    before = sys.stdout, sys.stderr, print

    interleave.check(lambda: print("x"))

    assert (sys.stdout, sys.stderr, print) == before


def test_each_execution_begins_with_no_output():
    report = interleave.check(
        lambda: in_threads(lambda: print("a"), lambda: print("a")), observe="output"
    )

    assert report.executions > 1
    assert [list(value) for value in report.outcomes] == [["a", "a"]]


def test_a_warning_is_shown_in_every_execution_with_its_line():
    def program():
        warnings.warn("careful", UserWarning, stacklevel=1)
        in_threads(lambda: None)
        return "shown"

    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.showwarning = lambda message, category, file, line, *_: print(
            f"{category.__name__}: {message}", line - program.__code__.co_firstlineno
        )

        assert lines(program) == {("UserWarning: careful 1",)}


# -- logging --------------------------------------------------------------------------------------


def test_a_log_call_counts_as_its_message():
    def program():
        logging.basicConfig(format="%(asctime)s %(name)s %(message)s", level=logging.INFO)
        logging.info("hello %s", "you")

    assert lines(program) == {("hello you",)}


def test_each_execution_is_configured_anew():
    def program():
        logging.debug("before")
        logging.basicConfig(level=logging.DEBUG)
        in_threads(lambda: logging.debug("a"), lambda: logging.debug("b"))

    assert lines(program) == {("a", "b"), ("b", "a")}


def test_without_configuration_warnings_are_printed_and_infos_are_not():
    def program():
        logging.getLogger("some.name").info("info")
        logging.getLogger("some.name").warning("warning")

    assert lines(program) == {("warning",)}


def test_without_configuration_nothing_below_a_warning_is_printed_whatever_the_logger_says():
    def program():
        logger = logging.getLogger("some.name")
        logger.setLevel(logging.DEBUG)
        logger.info("info")

    assert lines(program) == {()}


def test_a_level_of_a_handler_holds_back():
    def program():
        handler = logging.StreamHandler()
        handler.setLevel(logging.ERROR)
        logger = logging.getLogger("levels")
        logger.addHandler(handler)
        logger.propagate = False
        logger.warning("warning")
        logger.error("error")

    assert lines(program) == {("error",)}


def test_a_message_for_two_handlers_is_one_line():
    def program():
        logger = logging.getLogger("twice")
        logger.addHandler(logging.StreamHandler(sys.stdout))
        logger.addHandler(logging.StreamHandler(sys.stderr))
        logger.error("once")

    assert lines(program) == {("once",)}


def test_a_handler_that_does_nothing_prints_nothing():
    def program():
        logger = logging.getLogger("library")
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
        logger.error("silent")

    assert lines(program) == {()}


def test_a_filter_of_a_handler_drops():
    def program():
        handler = logging.StreamHandler()
        handler.addFilter(lambda record: "no" not in record.getMessage())
        logger = logging.getLogger("filtered")
        logger.addHandler(handler)
        logger.error("no")
        logger.error("yes")

    assert lines(program) == {("yes",)}


def test_a_handler_of_the_programs_own_gets_the_records_and_they_count_as_logged():
    kept = []

    def program():
        kept.clear()

        class Keep(logging.Handler):
            def emit(self, record):
                kept.append(record.getMessage())

        logger = logging.getLogger("own")
        logger.addHandler(Keep())
        logger.error("kept")

    assert lines(program) == {("kept",)}
    assert kept == ["kept"]


def test_a_handler_into_a_file_of_the_programs_own_writes_there():
    def program():
        file = io.StringIO()
        logger = logging.getLogger("file")
        logger.addHandler(logging.StreamHandler(file))
        logger.error("written")
        print(repr(file.getvalue()))

    assert lines(program) == {("written", r"'written\n'")}


def test_a_record_with_an_exception_counts_as_its_message():
    def program():
        try:
            raise ValueError
        except ValueError:
            logging.getLogger("trouble").exception("went wrong")

    assert lines(program) == {("went wrong",)}


LOGGER = logging.getLogger("test_output.configured")


def everything_about(logger):
    return (
        logger.level,
        list(logger.handlers),
        list(logger.filters),
        logger.propagate,
        logger.disabled,
        logging.root.manager.disable,
        logging.root.level,
        list(logging.root.handlers),
    )


@pytest.mark.parametrize(
    "configure",
    [
        lambda: LOGGER.setLevel(logging.DEBUG),
        lambda: LOGGER.addHandler(logging.StreamHandler()),
        lambda: LOGGER.addFilter(lambda _: True),
        lambda: setattr(LOGGER, "propagate", False),
        lambda: setattr(LOGGER, "disabled", True),
        lambda: logging.disable(),  # noqa: PLW0108 - looked up when it runs
        lambda: logging.basicConfig(level=logging.DEBUG, force=True),
        lambda: logging.getLogger("test_output.configured").handlers.append(logging.NullHandler()),
        lambda: logging.getLogger().handlers.clear(),  # noqa: PLW0108 - looked up when it runs
    ],
)
def test_logging_is_configured_as_before_after_the_check(configure):
    before = everything_about(LOGGER)

    report = interleave.check(configure)

    assert report.verdict == "pass"
    assert everything_about(LOGGER) == before


def test_what_a_failing_program_configured_is_undone():
    before = everything_about(LOGGER)

    def program():
        LOGGER.setLevel(logging.DEBUG)
        raise ValueError

    interleave.check(program)

    assert everything_about(LOGGER) == before


def test_a_level_set_in_one_execution_is_not_there_in_the_next():
    def program():
        seen = LOGGER.getEffectiveLevel(), LOGGER.isEnabledFor(logging.DEBUG)
        LOGGER.setLevel(logging.DEBUG)
        assert LOGGER.isEnabledFor(logging.DEBUG)  # a logger remembers what it was asked
        return seen

    report = interleave.check(program, strategy="random", executions=5)

    assert set(report.outcomes) == {(logging.WARNING, False)}


def test_the_tests_own_view_of_the_log_still_works(caplog):
    interleave.check(lambda: logging.getLogger("inside").warning("inside"))
    logging.getLogger("outside").warning("outside")

    assert "outside" in [record.getMessage() for record in caplog.records]
    assert "inside" in [record.getMessage() for record in caplog.records]


def test_a_script_whose_log_is_configured_prints_nothing_of_it_itself(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import logging, threading\n"
        "logging.basicConfig(level=logging.INFO)\n"
        "thread = threading.Thread(target=logging.info, args=('thread',))\n"
        "thread.start()\n"
        "logging.info('main')\n"
        "thread.join()\n"
    )

    done = subprocess.run(
        [sys.executable, "-m", "interleave", "check", str(script), "--format", "json"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert r'"value": "[\"thread\", \"main\"]"' in done.stdout
    assert r'"value": "[\"main\", \"thread\"]"' in done.stdout
