"""Golden tests of every kind of report: what is printed, to the letter.

`INTERLEAVE_REFRESH_GOLDEN=1 pytest tests/reports` writes them anew. Read the difference then: each
golden file is a claim about what the program did.
"""

import json
import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.cells import cell_len

import interleave
from interleave.cli import main
from interleave.report import text

HERE = Path(__file__).parent
GOLDEN = HERE / "golden"
REFRESH = bool(os.environ.get("INTERLEAVE_REFRESH_GOLDEN"))

SYNC = ("--strategy", "dfs", "--granularity", "sync")
MEMORY = ("--strategy", "dfs", "--granularity", "memory")
SAMPLE = ("--strategy", "random", "--seed", "1", "--granularity", "memory")

CASES = {
    "lost-update": ("lost_update", *MEMORY),
    "check-then-act": ("sold_twice", *MEMORY),
    "overwritten": ("overwritten", *SAMPLE),
    "read-too-early": ("too_early", *MEMORY),
    "deadlock": ("embrace", *SYNC),
    "lost-wake-up": ("lost_wake_up", *SYNC),
    "pass": ("race", *SYNC),
    "expectation": ("race", *SYNC, "--expect", "outcome == 'ab'"),
    "expectation-all": ("race", *SYNC, "--expect", "outcome == 'ab'", "--keep-going"),
    "unreached": ("race", *SYNC, "--reach", "outcome == 'xy'"),
    "budget": ("race", *SYNC, "--executions", "2"),
    "step-bound": ("endless", *SYNC, "--max-steps", "20"),
    "preemption-bound": ("race", *SYNC, "--max-preemptions", "0"),
    "warning-dropped": ("dropped", *SYNC),
    "warning-single": ("alone", *SYNC),
    "nondeterministic": ("changing", *SYNC),
    "misuse": ("misused", *SYNC),
    "output": ("printed", *SYNC, "--observe", "output", "--expect", "outcome[0] == 'one'"),
    "asleep": ("asleep", *SYNC),
    "wide": ("wide", *MEMORY),
    "looping": ("looping", *SAMPLE),
    "many-tasks": ("many", *SAMPLE),
    "timed-out": ("passed_on", *SYNC),
}
DIAGRAMS = ("lost-update", "deadlock", "pass", "looping", "misuse")


@pytest.fixture(autouse=True)
def _here(monkeypatch):
    monkeypatch.chdir(HERE)


def printed(*words):
    """Return what the command prints, without what differs from run to run: the real time."""
    result = CliRunner().invoke(main, words)
    assert result.stderr == ""
    return re.sub(r"\d+\.\d\d s$", "0.00 s", result.stdout, flags=re.MULTILINE)


def program(name):
    function, *options = CASES[name]
    return f"programs.py:{function}", *options


def same(file, found):
    """Compare with a golden file, or write it."""
    path = GOLDEN / file
    if REFRESH:
        path.write_text(found, "utf-8")
    assert found == path.read_text("utf-8")


@pytest.mark.parametrize("name", CASES)
def test_the_text_of_a_check(name):
    same(f"{name}.txt", printed("check", *program(name)))


@pytest.mark.parametrize("name", ["lost-update", "deadlock", "pass"])
def test_the_text_of_a_replay(name):
    target, *options = program(name)
    report = interleave.check(target, **_keywords(options))
    schedules = [item.schedule for item in (*report.failures, *report.outcomes.values())]

    same(f"{name}-replay.txt", printed("replay", target, "--schedule", schedules[0].token))


@pytest.mark.parametrize("name", ["lost-update", "deadlock", "wide", "many-tasks", "unreached"])
def test_the_text_in_80_columns(name):
    target, *options = program(name)
    found = text.render(interleave.check(target, **_keywords(options)), width=80)

    same(f"{name}-80.txt", re.sub(r"\d+\.\d\d s$", "0.00 s", found, flags=re.MULTILINE) + "\n")


@pytest.mark.parametrize("name", ["lost-update", "deadlock", "pass", "unreached", "budget"])
def test_the_json_of_a_check(name):
    found = json.loads(printed("check", *program(name), "--format", "json"))
    found["seconds"] = 0.0

    same(f"{name}.json", json.dumps(found, ensure_ascii=False, indent=1) + "\n")


@pytest.mark.parametrize("name", DIAGRAMS)
def test_the_sequence_diagram(name):
    same(f"{name}.mmd", printed("check", *program(name), "--format", "mermaid"))


@pytest.mark.parametrize("name", ["lost-update", "deadlock", "pass"])
def test_the_trace_to_look_at(name):
    same(f"{name}.trace.json", printed("check", *program(name), "--format", "perfetto"))


def test_the_summary_of_a_folder():
    found = re.sub(r"\d+\.\d\d s$", "0.00 s", printed("check", "models"), flags=re.MULTILINE)

    same("folder.txt", found)


def test_the_json_of_a_folder():
    found = json.loads(printed("check", "models", "--format", "json"))
    for item in found["models"]:
        item["report"]["seconds"] = 0.0

    same("folder.json", json.dumps(found, ensure_ascii=False, indent=1) + "\n")


def test_the_text_of_a_self_check():
    same("selfcheck.txt", printed("check", "programs.py:bare_race", "--selfcheck"))


def test_the_json_of_a_self_check():
    words = ("check", "programs.py:bare_race", "--selfcheck", "--format", "json")
    found = json.loads(printed(*words))
    for side in found["sides"]:
        side["seconds"] = 0.0

    same("selfcheck.json", json.dumps(found, ensure_ascii=False, indent=1) + "\n")


def test_the_text_fits():
    for width, files in ((100, [f"{name}.txt" for name in CASES]), (80, _with("-80.txt"))):
        for file in files:
            lines = (GOLDEN / file).read_text("utf-8").splitlines()
            # What is copied, a token or a command, is not broken.
            told = [line for line in lines if "il2." not in line]
            assert [line for line in told if cell_len(line) > width] == [], file


def test_nothing_but_letters_is_printed():
    for file in sorted(GOLDEN.iterdir()):
        for line in file.read_text("utf-8").splitlines():
            assert line.isprintable(), f"{file.name}: {line!r}"


def test_an_unlocked_update_takes_twelve_lines_at_most():
    lines = (GOLDEN / "lost-update.txt").read_text("utf-8").splitlines()
    begin = next(at for at, line in enumerate(lines) if line.startswith("  programs.py"))
    end = next(at for at, line in enumerate(lines) if "events left out" in line)

    assert end - begin <= 12


def _with(ending):
    return [path.name for path in sorted(GOLDEN.iterdir()) if path.name.endswith(ending)]


def _keywords(options):
    """Return the options of the command line as those of `interleave.check`."""
    found = {}
    words = iter(options)
    for word in words:
        value = next(words)
        name = word.removeprefix("--").replace("-", "_")
        found[name] = int(value) if value.isdigit() else value
    return found
