"""What instrumented code knows of the functions that it hands containers to."""

import importlib.util

import pytest

from interleave.instrument.containers import TELLING


@pytest.mark.parametrize("name", sorted(name for name in TELLING if name.startswith("interleave.")))
def test_a_module_that_is_known_to_tell_what_it_changes_is_there(name):
    assert importlib.util.find_spec(name) is not None


def test_the_modules_of_a_family_are_known_all_alike():
    families = (
        ("threads", "raw_threads"),
        ("locks", "reentrant_locks"),
        ("queues", "queue_state", "queue_methods", "simple_queues"),
        ("futures", "completion", "pools", "executors"),
    )

    for family in families:
        assert {f"interleave.primitives.{name}" for name in family} <= TELLING
