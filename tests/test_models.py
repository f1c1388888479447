"""The models come out as they declare, and their counts are those of the tutorial."""

import re
from pathlib import Path

import pytest

import interleave
from interleave.core.program import import_file
from interleave.folder import check_folder, programs

MODELS = Path(__file__).parent.parent / "models"


def test_every_model_comes_out_as_it_declares():
    results = {Path(item.target).name: item.differences for item in check_folder(MODELS)}
    assert results == dict.fromkeys(results, ())


def test_there_is_a_model_for_each_of_the_19_programs_of_the_tutorial():
    names = {Path(item.target).name for item in programs(MODELS) if item.is_model}
    numbers = {name[:3] for name in names if re.match(r"t\d", name)}
    assert numbers == {f"t{number:02}" for number in range(1, 20)}


@pytest.mark.slow
def test_sampling_reaches_all_90_log_orders_of_the_pool_and_no_other():
    # 6! / (2! 2! 2!): every order of the three pairs of lines in which no pair is turned round.
    program = import_file(MODELS / "t05_pool_map.py").pool_map
    report = interleave.check(
        program,
        strategy="random",
        granularity="sync",
        seed=1,
        executions=100_000,
        observe="output",
        seconds=600,
    )
    assert report.verdict == "pass"
    assert len(report.outcomes) == 90
    for lines in report.outcomes:
        assert sorted(lines) == sorted(
            f"Thread {number}: {what}" for number in range(3) for what in ("starting", "finishing")
        )
        for number in range(3):
            start = lines.index(f"Thread {number}: starting")
            assert start < lines.index(f"Thread {number}: finishing")
