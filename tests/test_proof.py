"""The table of what is simulated names every replaced name, and tests that exist."""

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from interleave.primitives import patching

TESTS = Path(__file__).parent
TABLE = TESTS.parent / "docs" / "reference" / "simulated.md"


def rows():
    """Return the rows of the table: owner, names, and the test."""
    text = TABLE.read_text("utf-8")
    begin = text.index("| owner | names | differs | test |")
    lines = text[begin:].split("\n\n", 1)[0].splitlines()[2:]
    found = []
    for line in lines:
        owner, names, differs, test = (cell.strip() for cell in line.strip("|").split(" | "))
        assert differs
        found.append((owner.strip("`"), re.findall(r"`([^`]+)`", names), test.strip("` ")))
    return found


def patched():
    """Return every name that is replaced on this Python, with its owner."""
    found = set()
    for family in patching._FAMILIES:
        for owner, name, _ in family.PATCHES:
            if isinstance(owner, ModuleType):
                if name in owner.__dict__:
                    found.add((owner.__name__, name))
            else:
                found.add((f"{owner.__module__}.{owner.__qualname__}", name))
    return found


def test_every_name_that_is_replaced_is_in_the_table_and_no_other():
    told = [(owner, name) for owner, names, _ in rows() for name in names]
    only_elsewhere = {
        (owner, name)
        for owner, name in told
        if re.search(rf"`{re.escape(name)}` \((3\.1\d|until 3\.1\d)\)", TABLE.read_text("utf-8"))
    }

    assert len(told) == len(set(told))
    assert patched() <= set(told)
    if sys.platform == "linux":  # elsewhere the modules have fewer names
        assert set(told) - patched() <= only_elsewhere


@pytest.mark.parametrize("test", sorted({test for _, _, test in rows()}))
def test_every_test_that_the_table_names_exists(test):
    file, name = test.split("::")

    assert f"\ndef {name}(" in (TESTS / file).read_text("utf-8")


def test_every_file_that_the_page_names_exists():
    text = TABLE.read_text("utf-8")
    for file in set(re.findall(r"`(?:tests/)?(?:[a-z]+/)?(test_\w+\.py)`", text)):
        assert list(TESTS.rglob(file)), file
