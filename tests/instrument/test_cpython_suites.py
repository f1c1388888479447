"""CPython's own tests, instrumented together with the modules that they test.

Every test must end as it does without. What differs, and why:

* `SignalAndYieldFromTest.test_raise_and_yield_from`: a signal that arrives while a generator
  delegates is handled in the innermost one, because CPython looks for signals on entry of a
  function and not before SEND. The hook before SEND is a function.
"""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

RUNNER = Path(__file__).with_name("run_instrumented.py")

SUITES = {
    "test_bisect": ["bisect"],
    "test_heapq": ["heapq"],
    "test_textwrap": ["textwrap"],
    "test_contextlib": ["contextlib"],
    "test_dataclasses": ["dataclasses"],
    "test_generators": [],
    "test_enum": ["enum"],
    "test_functools": ["functools"],
    "test_collections": ["collections"],
    "test_fractions": ["fractions"],
    "test_statistics": ["statistics"],
    "test_exceptions": [],
    "test_grammar": [],
    "test_patma": [],
    "test_with": [],
    "test_unpack_ex": [],
    "test_fstring": [],
    "test_scope": [],
    "test_listcomps": [],
    "test_json": ["json"],
    "test_exception_group": [],
    "test_except_star": [],
    "test_string": ["string"],
    "test_copy": ["copy"],
    "test_decimal": ["_pydecimal", "decimal"],
}

ALSO_UNDER_THE_GIL = (
    "test_generators",
    "test_grammar",
    "test_patma",
    "test_with",
    "test_listcomps",
)
"""With the hooks that tell where a CPython with the GIL can switch threads."""

DIFFERENT = {
    "test.test_generators.SignalAndYieldFromTest.test_raise_and_yield_from": "a signal at SEND",
}


def results(mode, suite, modules):
    command = [sys.executable, "-B", str(RUNNER), mode, f"test.{suite}", *modules]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    assert ran.returncode == 0, ran.stderr[-2000:]
    lines = [line for line in ran.stdout.splitlines() if not line.endswith(tuple(DIFFERENT))]
    assert sum(line.startswith("ok ") for line in lines) > 0
    return lines


@pytest.mark.slow
@pytest.mark.parametrize("suite", SUITES)
def test_a_suite_of_cpython_ends_the_same(suite):
    if importlib.util.find_spec(f"test.{suite}") is None:
        pytest.skip("this CPython was installed without its tests")
    modules = SUITES[suite]
    if suite in ALSO_UNDER_THE_GIL:
        assert results("gil", suite, modules) == results("plain", suite, modules)
    assert results("instrumented", suite, modules) == results("plain", suite, modules)
