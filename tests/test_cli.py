"""The command line: exit statuses, what is printed where, and that the commands it prints work."""

import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from click.testing import CliRunner

from interleave.cli import main

FILES = {
    "many.py": """
        import threading

        def program():
            lock = threading.Lock()

            def work():
                for _ in range(9):
                    with lock:
                        pass

            threads = [threading.Thread(target=work) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        """,
    "good.py": """
        import threading

        def program():
            '''Append in two threads.'''
            log = []
            threads = [threading.Thread(target=log.append, args=(name,)) for name in "ab"]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            return "".join(log)
        """,
    "bad.py": """
        import threading, time

        class Account:
            def __init__(self):
                self.value = 0

            def add(self):
                value = self.value
                time.sleep(0.1)
                self.value = value + 1

        def program():
            account = Account()
            threads = [threading.Thread(target=account.add) for _ in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert account.value == 2, account.value
        """,
    "stuck.py": """
        import threading

        def program():
            one, two = threading.Lock(), threading.Lock()
            def work(first, second):
                with first, second:
                    pass
            threading.Thread(target=work, args=(one, two)).start()
            threading.Thread(target=work, args=(two, one)).start()
        """,
    "endless.py": """
        import time

        def program():
            while True:
                time.sleep(1)
        """,
    "racy.py": """
        import threading

        class Box:
            def __init__(self):
                self.value = 0

        def store(box):
            box.value = 1

        def program():
            box = Box()
            threads = [threading.Thread(target=store, args=(box,)) for _ in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            return box.value
        """,
    "moody.py": """
        import interleave
        SEEN = []

        def program():
            SEEN.append(1)
            return interleave.choose(range(2 + len(SEEN) % 2))
        """,
    "script.py": """
        import sys, threading

        thread = threading.Thread(target=print, args=("thread",))
        thread.start()
        print(*sys.argv[1:] or ["main"])
        thread.join()
        """,
    "sad script.py": """
        import threading

        def work():
            raise ValueError("sad")

        threading.Thread(target=work).start()
        """,
    "models/fine.py": """
        import interleave

        @interleave.model(outcomes=[1, 2])
        def fine():
            return interleave.choose([1, 2])
        """,
    "wrong/wrong.py": """
        import interleave

        @interleave.model(outcomes=[1])
        def wrong():
            return interleave.choose([1, 2])
        """,
    "empty/nothing.py": "X = 1\n",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):

    monkeypatch.chdir(tmp_path)
    before, path = set(sys.modules), list(sys.path)
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(textwrap.dedent(text))
    yield tmp_path
    sys.path[:] = path
    for name in set(sys.modules) - before:
        if str(tmp_path) in (getattr(sys.modules[name], "__file__", None) or ""):
            del sys.modules[name]


def run(*arguments):
    return CliRunner().invoke(main, list(arguments))


def run_really(*arguments, **options):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        [sys.executable, "-m", "interleave", *arguments],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        timeout=60,
        **options,
    )


# -- exit statuses --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["check", "good.py:program"], 0),
        (["check", "good:program"], 0),
        (["check", "script.py"], 0),
        (["check", "models"], 0),
        (["list", "good.py"], 0),
        (["check", "good.py:program", "--granularity", "memory"], 0),
        (["check", "bad.py:program"], 1),
        (["check", "stuck.py:program"], 1),
        (["check", "sad script.py"], 1),
        (["check", "wrong"], 1),
        (["check", "good.py:program", "--expect", "outcome == 'ab'"], 1),
        (["check", "good.py:program", "--reach", "outcome == 'abc'"], 1),
        (["check"], 2),
        (["check", "missing.py"], 2),
        (["check", "good.py:missing"], 2),
        (["check", "good.py:program", "--strategy", "magic"], 2),
        (["check", "good.py:program", "--executions", "0"], 2),
        (["check", "good.py:program", "--expect", "("], 2),
        (["check", "good.py:program", "--expect", "nonsense"], 2),
        (["check", "good.py:program", "--granularity", "fine"], 2),
        (["check", "empty"], 2),
        (["check", "models", "--seed", "1"], 2),
        (["list", "empty"], 2),
        (["list", "missing"], 2),
        (["replay", "good.py:program"], 2),
        (["replay", "good.py:program", "--schedule", "il2.broken"], 2),
        (["replay", "good.py:program", "--seed", "x"], 2),
        (["check", "good.py:program", "--seed", "x"], 2),
        (["check", "good.py:program", "--seed", "1:2"], 2),
        (["check", "good.py:program", "--strategy", "pct", "--depth", "0"], 2),
        (["check", "good.py:program", "--strategy", "pct", "--seed", "1:2"], 0),
        (["replay", "good.py:program", "--strategy", "pct", "--depth", "2", "--seed", "1:2"], 0),
        (["replay", "good.py:program", "--strategy", "dpor", "--seed", "1:2"], 2),
        (["check", "good.py:program", "--executions", "1"], 3),
        (["check", "endless.py:program", "--max-steps", "20"], 3),
        (["check", "good.py:program", "--max-preemptions", "0"], 3),
        (["check", "moody.py:program"], 4),
    ],
)
def test_the_exit_status_says_how_it_ended(folder, arguments, status):
    result = run(*arguments)

    assert result.exit_code == status, result.output


def test_an_error_of_usage_shows_no_traceback_and_prints_on_standard_error(folder):
    done = run_really("check", "good.py:missing")

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "interleave: target 'good.py:missing': good has no 'missing'; programs: program\n"
    )


def test_a_bug_of_ours_is_status_5_and_asks_for_a_report(folder, monkeypatch):
    import interleave.cli

    def broken(*_args, **_options):
        raise ZeroDivisionError

    monkeypatch.setattr(interleave.cli, "check", broken)
    result = run("check", "good.py:program")

    assert result.exit_code == 5
    assert "internal error" in result.output
    assert "please report it" in result.output


# -- check ----------------------------------------------------------------------------------------


def test_a_failure_is_shrunk_unless_told_otherwise(folder):
    words = ("check", "bad.py:program", "--strategy", "random", "--seed", "3", "--format", "json")
    (shrunk,) = json.loads(run(*words).stdout)["failures"]
    (plain,) = json.loads(run(*words, "--no-shrink").stdout)["failures"]

    assert plain["shrunk"] is None
    assert shrunk["shrunk"]["before"]["preemptions"] == plain["preemptions"]
    assert shrunk["shrunk"]["after"]["preemptions"] == shrunk["preemptions"]
    assert shrunk["shrunk"]["least"]


def test_json_is_one_object_and_nothing_else(folder):
    done = run_really("check", "bad.py:program", "--format", "json")

    assert done.returncode == 1
    assert done.stderr == ""
    found = json.loads(done.stdout)
    assert (found["schema"], found["target"], found["verdict"]) == (1, "bad.py:program", "fail")


def test_options_reach_the_check(folder):
    done = run(
        "check", "good.py:program", "--strategy", "random", "--seed", "7", "--executions", "20",
        "--time", "idle", "--observe", "outcome", "--max-steps", "500", "--format", "json",
    )  # fmt: skip
    found = json.loads(done.output)

    assert done.exit_code == 0
    assert (found["strategy"], found["executions"], found["time"]) == ("random", 20, "idle")


def test_keep_going_goes_on_after_the_first_failure(folder):
    once = json.loads(run("check", "bad.py:program", "--format", "json").output)
    all_of_it = json.loads(
        run("check", "bad.py:program", "--keep-going", "--format", "json").output
    )

    assert not once["exhaustive"]
    assert all_of_it["exhaustive"]
    assert all_of_it["executions"] > once["executions"]


def test_a_script_gets_its_arguments(folder):
    done = run("check", "script.py", "--format", "json", "--", "x", "--y")

    values = {tuple(json.loads(item["value"])) for item in json.loads(done.output)["outcomes"]}
    assert values == {("x --y", "thread"), ("thread", "x --y")}


def test_a_script_is_observed_by_its_output(folder):
    found = json.loads(run("check", "script.py", "--format", "json").output)

    assert found["observe"] == "output"
    assert {item["value"] for item in found["outcomes"]} == {
        '["main", "thread"]',
        '["thread", "main"]',
    }


def test_progress_is_never_in_a_pipe(folder):
    done = run_really("check", "good.py:program", "--strategy", "random", "--seconds", "0.8")

    assert done.returncode == 0
    assert done.stderr == ""
    assert "exploring" not in done.stdout
    assert "\x1b" not in done.stdout
    assert "\r" not in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_progress_on_a_terminal_says_about_how_much_is_left(folder):
    import pty

    ours, theirs = pty.openpty()
    words = ["check", "many.py:program", "--seconds", "1"]
    command = [sys.executable, "-m", "interleave", *words]
    with subprocess.Popen(command, cwd=folder, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:  # the other side is closed
                break
            if not piece:
                break
            shown += piece
    os.close(ours)

    assert process.returncode == 3
    assert re.search(rb"[\d,]+ executions, [\d,]+/s, about [\d,^]+ left, ", shown)
    assert re.search(rb"about [\d,^]+ executions are left", shown)


def test_json_tells_what_is_left_only_where_a_budget_ended_the_search(folder):
    cut = json.loads(
        run(
            "check", "bad.py:program", "--executions", "1", "--keep-going", "--format", "json"
        ).output
    )
    done = json.loads(run("check", "good.py:program", "--format", "json").output)

    assert cut["estimate"] >= 1
    assert "estimate" not in done


def test_a_folder_is_checked_model_by_model(folder):
    good, wrong = run("check", "models"), run("check", "wrong")

    assert "models/fine.py:fine" in good.output.replace(os.sep, "/")
    assert good.output.splitlines()[-1] == "1 model as declared"
    assert "outcomes that are not declared: [2]" in wrong.output
    assert wrong.output.splitlines()[-1] == "0 models as declared, 1 not as declared"


def test_a_folder_as_json_holds_each_models_report(folder):
    found = json.loads(run("check", "wrong", "--format", "json").output)
    (model,) = found["models"]

    assert (found["schema"], found["verdict"]) == (1, "fail")
    assert model["as_declared"] is False
    assert model["differences"] == ["outcomes that are not declared: [2]"]
    assert model["report"]["verdict"] == "pass"


def test_list_shows_targets_with_their_first_line(folder):
    assert run("list", "good.py").output == "good.py:program  Append in two threads.\n"


def test_what_is_listed_can_be_checked(folder):
    listed = [line.split("  ")[0] for line in run("list", ".").output.splitlines()]

    assert "good.py:program" in listed
    assert run("check", "good.py:program").exit_code == 0


# -- replay ---------------------------------------------------------------------------------------


def printed_command(output):
    (line,) = [line for line in output.splitlines() if line.strip().startswith("replay: ")]
    words = shlex.split(line.strip().removeprefix("replay: "))
    assert words[0] == "interleave"
    return words[1:]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["bad.py:program"], "AssertionError: 1"),
        (["bad:program"], "AssertionError: 1"),
        (["stuck.py:program"], "circle: main.0 -> main.1 -> main.0"),
        (["sad script.py"], "ValueError: sad"),
        (["bad.py:program", "--strategy", "random", "--seed", "3"], "AssertionError: 1"),
        (["bad.py:program", "--time", "ordered"], "AssertionError: 1"),
        (["bad.py:program", "--observe", "output"], "AssertionError: 1"),
    ],
)
def test_the_command_that_a_failure_prints_shows_it_again(folder, arguments, said):
    first = run("check", *arguments)
    assert first.exit_code == 1, first.output

    again = run(*printed_command(first.stdout))

    assert again.exit_code == 1, again.output
    assert said in first.stdout
    assert said in again.stdout


def test_the_command_that_a_failure_prints_shows_it_again_in_another_process(folder):
    first = run_really("check", "sad script.py")
    assert first.returncode == 1, first.stdout + first.stderr

    again = run_really(*printed_command(first.stdout))

    assert again.returncode == 1, again.stdout + again.stderr
    assert "ValueError: sad" in first.stdout
    assert "ValueError: sad" in again.stdout


def test_the_seed_that_a_failure_prints_shows_it_again(folder):
    first = run("check", "bad.py:program", "--strategy", "random", "--seed", "3")
    (line,) = [line for line in first.output.splitlines() if "sampled by seed" in line]

    again = run("replay", "bad.py:program", "--seed", line.split()[-1])

    assert again.exit_code == 1
    assert "AssertionError: 1" in again.output


def test_the_token_of_an_outcome_shows_it_again(folder):
    found = json.loads(run("check", "good.py:program", "--format", "json").output)

    for outcome in found["outcomes"]:
        again = run(
            "replay", "good.py:program", "--schedule", outcome["schedule"], "--format", "json"
        )
        assert again.exit_code == 0
        assert [item["value"] for item in json.loads(again.output)["outcomes"]] == [
            outcome["value"]
        ]


def test_a_token_of_another_program_is_refused(folder):
    found = json.loads(run("check", "good.py:program", "--format", "json").output)
    token = found["outcomes"][0]["schedule"]

    done = run("replay", "stuck.py:program", "--schedule", token)

    assert done.exit_code == 2
    assert "belongs to another program" in done.output


def test_the_same_check_prints_the_same_twice(folder):
    def once():
        found = json.loads(run_really("check", "good.py:program", "--format", "json").stdout)
        del found["seconds"]
        return found

    assert once() == once()


def test_help_and_version_are_there():
    assert "TARGET" in run("check", "--help").output
    assert "interleave" in run("--version").output


def test_the_store_is_used_on_request_and_its_failures_are_listed(folder, monkeypatch):
    (folder / "pyproject.toml").write_text("")
    (folder / "inner").mkdir()
    (folder / "bad.py").rename(folder / "inner/bad.py")
    monkeypatch.chdir("inner")

    assert run("check", "bad.py:program").exit_code == 1
    assert not (folder / ".interleave").exists()
    assert run("failures").stdout == f"no failures are kept in {folder / '.interleave'}\n"

    assert run("check", "bad.py:program", "--store").exit_code == 1
    again = json.loads(run("check", "bad.py:program", "--store", "--format", "json").stdout)
    assert (again["verdict"], again["executions"]) == ("fail", 1)

    name, failure, replay = run("failures").stdout.splitlines()
    assert name == "inner/bad.py:program"
    assert failure.startswith("  assertion: AssertionError: 1 at bad.py:")
    command = shlex.split(replay.partition("replay: ")[2])
    assert command[0] == "interleave"
    assert run_really(*command[1:]).returncode == 1


def test_a_kept_message_of_several_lines_stands_below_its_program(tmp_path):
    (tmp_path / "bad.py").write_text("def program():\n    assert False, 'one\\n two'\n")
    (tmp_path / "pyproject.toml").write_text("")

    def run(*arguments):
        command = [sys.executable, "-m", "interleave", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert run("check", "bad.py:program", "--store").returncode == 1
    assert run("failures").stdout.splitlines()[:-1] == [
        "bad.py:program",
        "  assertion: AssertionError: one",
        "     two at bad.py:2",
    ]


def test_a_folder_is_checked_without_the_store(tmp_path):
    result = CliRunner().invoke(main, ["check", str(tmp_path), "--store"])

    assert result.exit_code == 2
    assert "leave out --store" in result.output


# -- standard output that takes nothing ----------------------------------------------------------


def shell(folder, command):
    return subprocess.run(
        f'"{sys.executable}" -m interleave {command}',
        shell=True,
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize(
    "command",
    ["check good.py:program", "check bad.py:program --format json", "list good.py", "check models"],
)
def test_a_full_disk_under_the_report_is_said(folder, command):
    done = shell(folder, f"{command} > /dev/full")

    assert done.returncode == 2
    assert done.stderr == (
        "interleave: the report cannot be written to standard output: No space left on device\n"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="another shell")
def test_a_closed_standard_output_is_said(folder):
    done = shell(folder, "check good.py:program >&-")

    assert done.returncode == 2
    assert done.stderr == (
        "interleave: the report cannot be written to standard output: it is closed\n"
    )


def test_a_race_is_a_warning_or_a_failure_or_nothing_as_the_options_say(folder):
    warned = run("check", "racy.py:program", "--format", "json")
    failed = run("check", "racy.py:program", "--fail-on", "race")
    silent = run("check", "racy.py:program", "--no-races", "--format", "json")

    assert (warned.exit_code, failed.exit_code, silent.exit_code) == (0, 1, 0)
    (race,) = json.loads(warned.stdout)["warnings"]
    assert (race["kind"], race["name"]) == ("data-race", "Box#1.value")
    assert [
        (access["task"], access["writes"], access["source"], access["location"])
        for access in race["accesses"]
    ] == [
        ("main.0", True, "box.value = 1", "racy.py:9"),
        ("main.1", True, "box.value = 1", "racy.py:9"),
    ]
    assert [access["stack"] for access in race["accesses"]] == [["racy.py:9 in store"]] * 2
    assert json.loads(silent.stdout)["warnings"] == []
    [command] = [line for line in failed.stdout.splitlines() if "replay: interleave" in line]
    again = run(*shlex.split(command.partition("interleave ")[2]))
    assert again.exit_code == 1
    assert "expectation: data race on Box#1.value: main.0 writes it at racy.py:9" in again.stdout


def test_races_that_are_not_looked_for_cannot_be_failures(folder):
    result = run("check", "racy.py:program", "--fail-on", "race", "--granularity", "sync")

    assert result.exit_code == 2
    assert "fail_on is race, but granularity is sync" in result.stderr


def test_a_race_that_is_kept_counts_where_races_are_failures_alone(folder):
    assert run("check", "racy.py:program", "--store", "--fail-on", "race").exit_code == 1
    assert run("check", "racy.py:program", "--store").exit_code == 0
    kept = run("check", "racy.py:program", "--store", "--fail-on", "race")
    assert kept.exit_code == 1
    assert "a failure that an earlier check has kept" in kept.stdout
