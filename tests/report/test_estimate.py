"""An estimate is told with one digit, and as a power of ten where nobody could count."""

import pytest

from interleave.exploration import Exploration
from interleave.report.estimate import left, roughly
from interleave.settings import Settings


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (0, "0"),
        (1, "1"),
        (7.4, "7"),
        (9.6, "10"),
        (10, "10"),
        (34, "30"),
        (96, "100"),
        (2_345, "2,000"),
        (999_999, "1,000,000"),
        (3e9, "10^9"),
        (4e17, "10^18"),
        (1e100, "10^100"),
    ],
)
def test_a_number_is_told_with_one_digit(count, told):
    assert roughly(count) == told


def test_what_is_not_known_is_not_told():
    assert left(None, growing=False) == left(0, growing=True) == ""
    assert left(2_345, growing=False) == "about 2,000 left"


def test_an_estimate_that_still_grows_may_be_far_too_low_and_says_so():
    assert left(2_345, growing=True) == "about 2,000 left, or far more"


@pytest.mark.parametrize(
    ("totals", "runs", "share", "growing"),
    [
        ([], 10, None, False),  # nothing is estimated at all
        ([10.0, 10.0, 10.0], 7, 0.7, True),  # too early to know
        ([9.0, 10.0, 10.0, 10.0], 9, 0.9, False),
        ([9.0, 10.0, 10.0, 90.0], 9, 0.1, True),
        ([90.0, 90.0, 90.0, 30.0], 9, 0.3, False),  # it has shrunk
    ],
)
def test_an_estimate_grows_if_it_was_lower_after_half_of_the_runs(totals, runs, share, growing):
    exploration = Exploration(Settings(), runs=runs, share=share, totals=totals)
    assert exploration.growing is growing


def test_totals_are_noted_each_time_that_twice_as_many_were_run():
    exploration = Exploration(Settings())
    for exploration.runs, share in ((1, 0.5), (2, None), (4, 0.1)):
        exploration.estimate(share)
    assert exploration.totals == [2.0, 40.0]


@pytest.mark.parametrize(
    ("runs", "share", "expected"),
    [(0, None, None), (10, None, None), (10, 1.0, 0), (10, 0.5, 10), (100, 0.03, 3_000)],
)
def test_what_is_left_follows_from_the_share_that_was_run(runs, share, expected):
    assert Exploration(Settings(), runs=runs, share=share).left == expected


def test_a_share_that_is_next_to_nothing_leaves_a_finite_number():
    assert Exploration(Settings(), runs=10, share=1e-300).left == 10**100
