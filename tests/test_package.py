"""The package itself: what it offers, and that offering it costs nothing."""

import subprocess
import sys

import pytest

import interleave


def test_everything_that_is_offered_is_there():
    assert set(interleave.__all__) <= set(dir(interleave))
    for name in interleave.__all__:
        assert getattr(interleave, name).__name__ == name


def test_what_is_not_offered_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'interleave' has no attribute 'chekc'"):
        interleave.chekc


def test_importing_the_package_imports_nothing_of_it():
    code = """
import sys
import interleave
assert [name for name in sys.modules if name.startswith(("interleave", "greenlet"))] == [
    "interleave"
]
assert callable(interleave.check)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
