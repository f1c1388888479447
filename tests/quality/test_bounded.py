"""Within a bound on preemptions both faults of the endless pipelines are found, and soon."""

from pathlib import Path

import pytest

from interleave import check

MODELS = Path(__file__).parents[2] / "models"


@pytest.mark.parametrize(
    "target", ["t13_queue_subclass.py:queue_subclass", "t15_plain_queue.py:plain_queue"]
)
def test_a_loop_without_end_hides_no_fault_with_two_preemptions(target):
    report = check(
        f"{MODELS / target}", max_preemptions=2, keep_going=True, executions=60, shrink=False
    )

    assert {failure.kind for failure in report.failures} == {"assertion", "deadlock"}
    assert max(failure.preemptions for failure in report.failures) == 2
    assert report.verdict == "fail"
    assert not report.exhaustive
