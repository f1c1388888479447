"""What came of calls: which results are the same, and where their program may run."""

import pytest

from interleave.errors import UsageError
from interleave.hypothesis import Calls, call
from interleave.hypothesis.histories import PENDING, Threw, same


class Plain:
    """It is equal to nothing but itself, and shown as its class."""


class Liar:
    def __eq__(self, other):
        raise ValueError("incomparable")

    __hash__ = None

    def __repr__(self):
        return "Liar()"


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (1, 1, True),
        (1, 1.0, True),
        (1, 2, False),
        ({1, 2}, {2, 1}, True),
        (Plain(), Plain(), True),
        (Liar(), Liar(), True),
        (Liar(), 1, False),
        (None, PENDING, False),
        (PENDING, PENDING, True),
        (Threw(KeyError, (0,)), Threw(KeyError, (0,)), True),
        (Threw(KeyError, (0,)), Threw(KeyError, (1,)), False),
        (Threw(KeyError, (0,)), Threw(IndexError, (0,)), False),
        (Threw(KeyError, (Plain(),)), Threw(KeyError, (Plain(),)), True),
        (Threw(KeyError, ()), None, False),
    ],
)
def test_results_are_the_same_if_they_are_equal_or_look_alike(one, other, expected):
    assert same(one, other) is expected
    assert same(other, one) is expected


def test_the_program_of_calls_runs_in_a_check_alone():
    program = Calls([call.append(1)], [call.append(2)]).on(list)
    with pytest.raises(UsageError, match=r"interleave\.replay"):
        program.call()
