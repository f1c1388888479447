"""The example of the README prints what the README says.

`INTERLEAVE_REFRESH_GOLDEN=1` writes the output into it anew.
"""

import os
import re
import shlex
from pathlib import Path

from click.testing import CliRunner

from interleave.cli import main

README = Path(__file__).parents[2] / "README.md"


def test_the_example_prints_what_the_readme_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = README.read_text("utf-8")
    program = re.search(r"`counter\.py`:\n\n```python\n(.*?)```", text, re.DOTALL)[1]
    command = re.search(r"^    interleave (check counter\.py:program.*)$", text, re.MULTILINE)[1]
    block = re.search(r"```text\n(FAIL .*?|)```", text, re.DOTALL)
    Path("counter.py").write_text(program, "utf-8")

    result = CliRunner().invoke(main, shlex.split(command))
    found = re.sub(r"\d+\.\d\d s$", "0.02 s", result.stdout, flags=re.MULTILINE)
    if os.environ.get("INTERLEAVE_REFRESH_GOLDEN"):
        README.write_text(text[: block.start(1)] + found + text[block.end(1) :], "utf-8")
    else:
        assert found == block[1]
    begin = found.index("\n  counter.py")
    assert found[begin:].count("\n", 1, found[begin:].index("events left out")) <= 12
