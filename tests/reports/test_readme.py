"""The example of the README prints what the README says.

`INTERLEAVE_REFRESH_GOLDEN=1` writes the output into it anew.
"""

import os
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from interleave.cli import main

README = Path(__file__).parents[2] / "README.md"
TEXT = README.read_text("utf-8")
PROGRAM = re.search(r"`counter\.py`:\n\n```python\n(.*?)```", TEXT, re.DOTALL)[1]


@pytest.fixture(autouse=True)
def _with_the_program(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("counter.py").write_text(PROGRAM, "utf-8")


def test_the_example_prints_what_the_readme_says():
    command = re.search(r"^    interleave (check counter\.py.*)$", TEXT, re.MULTILINE)[1]
    block = re.search(r"```text\n(FAIL .*?|)```", TEXT, re.DOTALL)

    result = CliRunner().invoke(main, shlex.split(command))
    found = re.sub(r"\d+\.\d\d s$", "0.02 s", result.stdout, flags=re.MULTILINE)
    if os.environ.get("INTERLEAVE_REFRESH_GOLDEN"):
        README.write_text(TEXT[: block.start(1)] + found + TEXT[block.end(1) :], "utf-8")
    else:
        assert found == block[1]
    begin = found.index("\n  counter.py")
    assert found[begin:].count("\n", 1, found[begin:].index("events left out")) <= 12


def test_the_example_has_nine_lines_of_code():
    assert "## A bug in nine lines of code\n" in TEXT
    assert len(PROGRAM.split("\n")) - PROGRAM.split("\n").count("") == 9


def test_the_last_line_that_it_prints_repeats_the_failure():
    command = re.search(r"^  replay: interleave (replay counter\.py .*)$", TEXT, re.MULTILINE)[1]

    result = CliRunner().invoke(main, shlex.split(command))

    assert result.exit_code == 1
    assert "AssertionError: an update was lost" in result.stdout


def test_with_a_lock_around_the_update_it_passes_and_says_exhaustive():
    mended = PROGRAM.replace("counter = ", "lock = threading.Lock()\ncounter = ")
    mended = mended.replace('    counter["', '    with lock:\n        counter["')
    Path("counter.py").write_text(mended, "utf-8")

    result = CliRunner().invoke(main, ["check", "counter.py"])

    assert "    with lock:\n        counter[" in mended
    assert result.stdout.startswith("PASS  counter.py\n")
    assert " executions; exhaustive; " in result.stdout
