"""Columns of a terminal: wide characters take two, and nothing is wider than it may be."""

import pytest
from rich.cells import cell_len

from interleave.report.columns import clipped, packed, padded, printable, wrapped
from interleave.report.folding import Rounds, folded

TEXTS = [
    "short",
    "a b c d e f g h i j k l m n",
    "x" * 50,
    "漢字" * 20,
    "one 漢字 two 漢字漢字漢字 three",
    "",
]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("width", [5, 8, 13, 40])
def test_nothing_is_wider_than_it_may_be(text, width):
    assert cell_len(clipped(text, width)) <= width
    assert all(cell_len(line) <= width for line in wrapped(text, width, "  "))
    assert all(cell_len(line) <= width for line in packed([text, text], width))


@pytest.mark.parametrize("text", TEXTS)
def test_wrapping_loses_nothing(text):
    assert "".join(wrapped(text, 9)).replace(" ", "") == text.replace(" ", "")


def test_what_fits_stays():
    assert clipped("漢字", 4) == "漢字"
    assert wrapped("a b", 3) == ["a b"]
    assert packed(["a", "b"], 4) == ["a, b"]


def test_what_is_cut_off_is_marked():
    assert clipped("abcdef", 5) == "ab..."
    assert clipped("漢字漢字", 6) == "漢..."


def test_padding_counts_wide_characters_twice():
    assert padded("漢", 4) == "漢  "


def test_control_characters_are_spelled_out():
    assert printable("a\x1b[31m\tb\u202e\ud800") == "a\\x1b[31m  b\\u202e\\ud800"
    assert printable("漢字 é") == "漢字 é"


def test_loops_are_folded_to_the_first_and_the_last_round():
    numbers = [1, 2, 3, 4, 5]

    assert folded(numbers, key=lambda _: 0) == [1, Rounds(3, 1), 5]
    assert folded([7, 7, 7], key=lambda _: 0) == [7, Rounds(2, 1)]
    assert folded(list("xababababy"), key=str) == ["x", "a", "b", Rounds(3, 2), "y"]


def test_twice_is_no_loop():
    assert folded([1, 1, 2, 2], key=str) == [1, 1, 2, 2]
