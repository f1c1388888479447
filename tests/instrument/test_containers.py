"""What instrumented code knows of the functions that it hands containers to."""

import importlib.util

import pytest

from interleave.instrument.containers import TELLING
from interleave.primitives import patching

PREFIX = "interleave.primitives."


@pytest.mark.parametrize("name", sorted(name for name in TELLING if name.startswith("interleave.")))
def test_a_module_that_is_known_to_tell_what_it_changes_is_there(name):
    assert importlib.util.find_spec(name) is not None


def test_what_stands_in_for_the_standard_library_is_known_to_tell_what_it_changes():
    others = {"imports", "signals"}  # they run code of the program, or change what is not told
    families = {family.__name__.rpartition(".")[2] for family in patching._FAMILIES}

    assert families - others == {name for name in families if PREFIX + name in TELLING}
    assert {PREFIX + name for name in ("queues", "queue_state", "conditions", "pools")} <= TELLING
