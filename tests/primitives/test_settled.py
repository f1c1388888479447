"""Checks of one test look again only where something may have changed."""

import sys
import sysconfig
import threading
from pathlib import Path
from types import ModuleType

import pytest

import interleave
from interleave.primitives.settled import checks_of, settled

INSTALLED = str(Path(sysconfig.get_paths()["purelib"]) / "settled_package.py")


@pytest.fixture
def module(monkeypatch, tmp_path):
    """Return what makes a module: of an installed package, or of the project."""

    def make(name, *, installed):
        made = ModuleType(name)
        made.__file__ = INSTALLED if installed else str(tmp_path / f"{name}.py")
        monkeypatch.setitem(sys.modules, name, made)
        return made

    return make


def excluding(module):
    """Return a program that fails if the module's lock excludes nobody, and hangs if it is real."""

    def program():
        inside = []

        def enter():
            with module.LOCK:
                inside.append(1)
                assert len(inside) == 1
                inside.pop()

        interleave.run_threads(enter, enter)

    return program


def passes(program):
    report = interleave.check(program, hang_seconds=2)
    assert (report.verdict, report.exhaustive) == ("pass", True)


def test_a_lock_that_the_project_makes_between_two_checks_is_simulated(module):
    shop = module("settled_shop", installed=False)
    with checks_of("a test"):
        shop.LOCK = threading.Lock()
        passes(excluding(shop))
        first = shop.LOCK
        shop.LOCK = threading.Lock()
        passes(excluding(shop))
    assert type(shop.LOCK) is type(first) is type(threading.Lock())


def test_a_lock_of_an_installed_package_is_simulated_in_each_check(module):
    package = module("settled_package", installed=True)
    package.LOCK = threading.Lock()
    with checks_of("a test"):
        for _ in range(3):
            passes(excluding(package))
            assert not settled().is_empty(package)
            assert type(package.LOCK) is type(threading.Lock())


def test_an_installed_package_that_holds_nothing_is_looked_through_once(module):
    package = module("settled_package", installed=True)
    package.VALUE = [1]
    with checks_of("a test"):
        passes(lambda: interleave.run_threads(lambda: None))
        assert settled().is_empty(package)
        assert id(package) in settled().unbound
    with checks_of("another test"):
        assert not settled().is_empty(package)


def test_a_name_of_an_installed_package_is_bound_back_after_each_check(module):
    package = module("settled_package", installed=True)
    package.Lock = threading.Lock
    real = id(threading.Lock)  # the object itself would be exchanged where the program holds it
    with checks_of("a test"):
        for _ in range(3):
            bound = []
            passes(lambda seen=bound: seen.append(id(package.Lock) == real))
            assert bound[0] is False
            assert id(package.Lock) == real


def test_what_the_project_owns_is_never_taken_to_stay_so(module):
    shop = module("settled_shop", installed=False)
    with checks_of("a test"):
        passes(lambda: interleave.run_threads(lambda: None))
        assert not settled().is_empty(shop)
        assert id(shop) not in settled().unbound
