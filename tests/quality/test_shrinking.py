"""How small failures get: the fewest preemptions that a bound on preemptions proves possible."""

from pathlib import Path

import known_faults
import pytest

import interleave
from interleave import check
from interleave.core.model import model_of
from interleave.core.program import from_callable, from_target, import_file, programs_in
from interleave.folder import programs

ROOT = Path(__file__).parents[2]

HEAVY = ("plain_queue", "queue_subclass")
"""Models with a loop that only chance ends: it takes seconds to show what they cannot do."""


def failing_models():
    """Yield the models that declare failures, with their options."""
    for listed in programs(ROOT / "models"):
        if not listed.is_model:
            continue
        file, _, name = listed.target.rpartition(":")
        function = programs_in(import_file(Path(file)))[name]
        declared = model_of(function)
        if declared is not None and declared.failures:
            marks = [pytest.mark.slow] if name in HEAVY else []
            yield pytest.param(function, declared, id=name, marks=marks)


def shown(report):
    return {(item.kind, item.message, item.location) for item in report.failures}


def assert_least(program, failure, **options):
    """Show by all executions with fewer preemptions that none of them fails in this way."""
    shrunk = failure.shrunk
    assert shrunk.least
    assert failure.preemptions == shrunk.after[0] <= shrunk.before[0]
    if failure.preemptions == 0:
        return
    bound = {
        "strategy": "dfs",
        "max_preemptions": failure.preemptions - 1,
        "max_steps": shrunk.within,
        "executions": None,
        "keep_going": True,
        "shrink": False,
    }
    fewer = check(program, **{**options, **bound})
    assert "budget" not in " ".join(fewer.reasons)
    assert (failure.kind, failure.message, failure.location) not in shown(fewer)


@pytest.mark.parametrize(("function", "declared"), list(failing_models()))
def test_a_failing_model_has_the_fewest_preemptions_that_are_possible(function, declared):
    options = {**declared.options, "expect": declared.expect, "keep_going": False}
    report = check(function, **options)

    (failure,) = report.failures
    assert_least(function, failure, **options)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "declared"),
    [given for given in failing_models() if given.id != "queue_subclass"],  # as the plain one
)
def test_so_has_each_failure_of_a_model(function, declared):
    options = {**declared.options, "expect": declared.expect}
    for failure in check(function, **{**options, "keep_going": True}).failures:
        assert_least(function, failure, **options)


# Preemptions and switches.
FEWEST = {
    "embrace": (1, 2),
    "philosophers": (1, 4),
    "lost_update": (1, 4),
    "lost_updates": (1, 4),
    "two_stage": (1, 2),
    "reorder": (1, 2),
    "notified_too_early": (1, 3),
    "sold_out": (1, 5),
}


@pytest.mark.parametrize("fault", known_faults.FAULTS, ids=lambda fault: fault.__name__)
@pytest.mark.parametrize(
    "options",
    [{}, {"strategy": "random", "seed": 3}],
    ids=["dpor", "random"],
)
def test_a_known_fault_has_the_fewest_preemptions_that_are_possible(fault, options):
    sampled = bool(options)
    report = check(fault, **options, include=("known_faults",))

    (failure,) = report.failures
    assert failure.shrunk.after[:2] == FEWEST[fault.__name__]
    assert failure.shrunk.least
    if not sampled:
        assert_least(fault, failure, include=("known_faults",))


TUTORIAL = """
import threading


class Counter:
    def __init__(self):
        self.lock = threading.Lock()
        self.value = 0

    def read(self):
        with self.lock:
            return self.value

    def write(self, value):
        with self.lock:
            self.value = value


def increment(counter):
    counter.write(counter.read() + 1)


def program():
    counter = Counter()
    workers = [threading.Thread(target=increment, args=(counter,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value
"""


@pytest.mark.parametrize(
    ("strategy", "granularity"), [("", "memory"), ("", "sync"), ("random", "memory")]
)
def test_the_tutorial_program_fails_with_one_preemption(
    strategy, granularity, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    Path("tutorial_counter.py").write_text(TUTORIAL, "utf-8")
    program = from_target("tutorial_counter.py:program")
    options = {"expect": "outcome == 2", "granularity": granularity}

    report = check(program, strategy=strategy, **options)

    (failure,) = report.failures
    assert failure.preemptions == 1
    assert_least(program, failure, **options)


def test_a_failure_that_was_sampled_and_one_that_was_searched_for_are_told_alike():
    # Where the search came to its end, it does not matter where it began.
    searched, sampled = (
        check(known_faults.two_stage, strategy=strategy, include=("known_faults",)).failures[0]
        for strategy in ("dpor", "random")
    )

    assert searched.shrunk.complete
    assert sampled.shrunk.complete
    assert searched.schedule == sampled.schedule


def test_long_executions_get_short_too():
    def program():
        import threading

        seen = []

        def work():
            for number in range(12):
                seen.append(number)  # noqa: PERF402 - each is an event of its own

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert seen[:3] == [0, 1, 2]

    report = interleave.check(from_callable(program), strategy="random", seed=5)

    (failure,) = report.failures
    assert failure.shrunk.before[0] > 15
    assert failure.shrunk.after[:2] == (1, 5)
