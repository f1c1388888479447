"""Which code is instrumented, and that it is given back."""

import dataclasses
import functools
import random
import sys
import threading

import pytest

import interleave
import interleave.checker
from interleave.instrument import hooks
from interleave.instrument.scope import Scope

HERE = __name__


class Account:
    def __init__(self):
        self.balance = 0

    def plain(self):
        self.balance += 1

    @staticmethod
    def static(account):
        account.balance += 1

    @classmethod
    def of_class(cls, account):
        account.balance += 1

    @property
    def earned(self):
        self.balance += 1
        return self.balance


def decorate(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)

    return wrapper


@decorate
def decorated(account):
    account.balance += 1


def add(account, amount):
    account.balance += amount


HANDLERS = {"deposit": functools.partial(add, amount=1)}

WAYS = {
    "method": Account.plain,
    "staticmethod": Account.static,
    "classmethod": Account.of_class,
    "property": lambda account: account.earned,
    "decorated": decorated,
    "partial": HANDLERS["deposit"],
}


def balances(way, **options):
    def program():
        account = Account()
        first = threading.Thread(target=way, args=(account,))
        second = threading.Thread(target=way, args=(account,))
        first.start()
        second.start()
        first.join()
        second.join()
        return account.balance

    report = interleave.check(program, granularity="memory", keep_going=True, **options)
    assert report.exhaustive
    return set(report.outcomes)


@pytest.mark.parametrize("way", WAYS)
def test_functions_are_found_wherever_they_are_held(way):
    assert balances(WAYS[way]) == {1, 2}


def test_excluded_modules_have_no_schedule_points():
    assert balances(WAYS["method"], exclude=HERE) == {2}


def test_every_function_gets_its_own_code_back():
    before = {
        name: function.__code__
        for name, function in vars(Account).items()
        if hasattr(function, "__code__")
    }
    made = []

    def program():
        made.append(lambda: made)
        raise ValueError

    code = program.__code__
    report = interleave.check(program, granularity="memory")
    assert report.failures[0].kind == "exception"
    assert program.__code__ is code
    assert made[0].__code__ in code.co_consts
    assert {name: vars(Account)[name].__code__ for name in before} == before
    assert not hooks.gate
    assert not hooks.memory.held


@pytest.mark.parametrize("holders", [1, 2], ids=["one holder", "several holders"])
def test_a_function_that_was_defined_meanwhile_and_is_kept_gets_its_own_code_back(holders):
    kept = []

    def program():
        counter = Account()

        def work():
            counter.balance += 1

        kept.extend([work] * holders)
        thread = threading.Thread(target=work)
        thread.start()
        work()
        thread.join()
        return counter.balance

    own = {code for code in program.__code__.co_consts if hasattr(code, "co_name")}

    report = interleave.check(program, granularity="memory")

    assert set(report.outcomes) == {1, 2}
    assert {function.__code__ for function in kept} == own


def test_a_check_that_goes_wrong_gives_the_code_back():
    code = Account.plain.__code__

    def program():
        raise KeyboardInterrupt

    interleave.check(program, granularity="memory")
    assert Account.plain.__code__ is code


def test_modules_imported_during_the_check_are_instrumented(tmp_path, monkeypatch):
    (tmp_path / "late_bank.py").write_text(
        "class Late:\n    balance = 0\n    def add(self):\n        self.balance += 1\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))

    def program():
        import late_bank

        account = late_bank.Late()
        threads = [threading.Thread(target=account.add) for _ in range(2)]
        threads[0].start()
        threads[1].start()
        threads[0].join()
        threads[1].join()
        return account.balance

    report = interleave.check(program, granularity="memory", keep_going=True)
    sys.modules.pop("late_bank", None)
    assert set(report.outcomes) == {1, 2}
    assert "late_bank" in report.covers


def test_a_script_is_instrumented(tmp_path):
    script = tmp_path / "bank.py"
    script.write_text(
        "import threading\n"
        "total = 0\n"
        "def add():\n"
        "    global total\n"
        "    total += 1\n"
        "a, b = threading.Thread(target=add), threading.Thread(target=add)\n"
        "a.start(); b.start(); a.join(); b.join()\n"
        "print(total)\n"
    )
    report = interleave.check(str(script), granularity="memory", keep_going=True)
    assert {tuple(value) for value in report.outcomes} == {("1",), ("2",)}


@pytest.mark.parametrize(
    ("module", "file", "inside"),
    [
        ("bank", "/home/me/bank.py", True),
        ("random", random.__file__, False),
        ("interleave.checker", interleave.checker.__file__, False),
        ("_pytest.python", "/site-packages/_pytest/python.py", False),
        ("hypothesis_temporary_module_98", "/home/me/hypothesis_temporary_module_98.py", False),
    ],
)
def test_the_standard_library_and_the_tools_are_left_out(module, file, inside):
    assert Scope().holds(module, file) is inside


def test_patterns_add_and_take_away():
    scope = Scope(include=("random",), exclude=("bank.*",))
    assert scope.holds("random", random.__file__)
    assert scope.holds("bank", "/home/me/bank/__init__.py")
    assert not scope.holds("bank.rates", "/home/me/bank/rates.py")


def test_methods_that_a_decorator_makes_while_the_check_runs_are_seen():
    def program():
        @dataclasses.dataclass
        class Point:
            x: int = 0
            y: int = 0

        point, target = Point(), Point(1, 0)
        found = []

        def move():
            point.x = 1
            point.y = 1

        threads = [
            threading.Thread(target=lambda: found.append(point == target)),
            threading.Thread(target=move),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return found[0]

    report = interleave.check(program)
    assert set(report.outcomes) == {False, True}
    # Each of both reads comes before or after its write; from 3.13 on x != 1 ends the comparison.
    assert report.executions == (4 if sys.version_info < (3, 13) else 3)


@pytest.mark.parametrize("names", [{}, {"__name__": __name__}], ids=["nameless", "named"])
def test_a_function_made_of_text_is_seen(names):
    kept = []

    def program():
        namespace = dict(names)
        exec("def add(box):\n    box.balance += 1", namespace)
        kept.append(namespace["add"])
        box = Account()
        threads = [threading.Thread(target=namespace["add"], args=(box,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return box.balance

    assert set(interleave.check(program).outcomes) == {1, 2}
    plain = {}
    exec("def add(box):\n    box.balance += 1", plain)
    assert {function.__code__.co_code for function in kept} == {plain["add"].__code__.co_code}
