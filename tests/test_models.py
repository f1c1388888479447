"""The models come out as they declare, and their counts are those of the tutorial."""

import os
import re
from pathlib import Path

import pytest

import interleave
from interleave.core.program import import_file
from interleave.folder import check_folder, programs

MODELS = Path(__file__).parent.parent / "models"


HEAVY = {
    "t05_pool_map.py",
    "t12_return_after_release.py",
    "t13_queue_subclass.py",
    "t15_plain_queue.py",
    "t17_semaphore.py",
}
"""Seconds each; all the others together take about as many."""


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(file, id=file.stem, marks=[pytest.mark.slow] if file.name in HEAVY else [])
        for file in sorted(MODELS.glob("*.py"))
    ],
)
def test_every_model_comes_out_as_it_declares(file):
    results = {item.target: item.differences for item in check_folder(file)}
    assert results == dict.fromkeys(results, ())
    assert len(results) == sum(item.is_model for item in programs(file))


def test_there_is_a_model_for_each_of_the_19_programs_of_the_tutorial():
    names = {Path(item.target).name for item in programs(MODELS) if item.is_model}
    numbers = {name[:3] for name in names if re.match(r"t\d", name)}
    assert numbers == {f"t{number:02}" for number in range(1, 20)}


@pytest.mark.parametrize(
    ("file", "name"),
    [("t13_queue_subclass.py", "queue_subclass"), ("t15_plain_queue.py", "plain_queue")],
)
def test_the_reduction_finds_a_fault_of_the_pipelines_with_room_for_ten_at_once(file, name):
    report = interleave.check(getattr(import_file(MODELS / file), name), strategy="dpor")
    assert report.verdict == "fail"
    assert {failure.kind for failure in report.failures} <= {"assertion", "deadlock"}
    assert report.executions + report.blocked <= 100


@pytest.mark.slow
@pytest.mark.skipif(
    "INTERLEAVE_LONG" not in os.environ, reason="takes minutes: set INTERLEAVE_LONG=1"
)
def test_the_reduction_runs_each_of_the_10_349_log_orders_of_three_threads_once():
    program = import_file(MODELS / "t04_three_threads.py").three_threads
    report = interleave.check(program, strategy="dpor", observe="output", seconds=3600)
    assert report.exhaustive
    assert (report.executions, report.redundant, len(report.outcomes)) == (10_349, 0, 10_349)
    assert any(
        [line for line in lines if line.endswith("finishing")]
        == [f"Thread {number}: finishing" for number in (2, 1, 0)]
        for lines in report.outcomes
    )


@pytest.mark.slow
def test_sampling_reaches_all_90_log_orders_of_the_pool_and_no_other():
    # 6! / (2! 2! 2!): every order of the three pairs of lines in which no pair is turned round.
    program = import_file(MODELS / "t05_pool_map.py").pool_map
    report = interleave.check(
        program,
        strategy="random",
        granularity="sync",
        seed=1,
        executions=20_000,
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
