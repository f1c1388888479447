"""The self-check: equal where all is well, and a bug of ours is told as one."""

import json
import sys
import threading
from dataclasses import replace

import pytest
from click.testing import CliRunner

import interleave
from interleave.cli import main
from interleave.primitives.accesses import Read, Write
from interleave.report.comparison import lines
from interleave.strategies.dpor import OptimalReduction


class Place:
    pass


def counter():
    place = Place()
    place.n = 0

    def add():
        place.n += 1

    interleave.run_threads(add, add)
    return place.n


def embrace():
    one, other = threading.Lock(), threading.Lock()

    def first():
        with one, other:
            pass

    def second():
        with other:
            one.acquire(timeout=1)

    thread = threading.Thread(target=second, daemon=True)
    thread.start()
    first()


def fails():
    place = Place()
    place.n = 0
    thread = threading.Thread(target=lambda: setattr(place, "n", 1))
    thread.start()
    assert place.n == 0, "too late"


def test_a_program_that_both_explore_alike_is_equal():
    found = interleave.selfcheck(counter)

    assert found.verdict == "equal"
    assert found.differences == ()
    brute, reduced = found.sides
    assert (brute.strategy, reduced.strategy) == ("dfs", "dpor")
    assert brute.traces == reduced.traces == reduced.executions == 4
    assert brute.executions > 100
    assert set(brute.outcomes) == set(reduced.outcomes) == {"1", "2"}
    assert reduced.redundant == 0


@pytest.mark.parametrize("mode", ["free", "idle", "ordered"])
def test_failures_deadlocks_and_timeouts_are_compared_too(mode):
    for program in (embrace, fails):
        found = interleave.selfcheck(program, time=mode)
        assert found.verdict == "equal"
    assert {kind for kind, _ in found.sides[1].failures} == {"assertion"}


def test_a_trace_that_the_reduction_misses_is_told_with_a_schedule(monkeypatch):
    monkeypatch.setattr(OptimalReduction, "_plant", lambda self, at, sequence: None)

    found = interleave.selfcheck(counter)

    assert found.verdict == "different"
    messages = [difference.message for difference in found.differences]
    assert messages == [
        "dfs has run 3 traces that dpor has not",
        "the outcome 1 came out in dfs and not in dpor",
    ]
    schedule = found.differences[1].schedule
    assert set(interleave.replay(counter, schedule).outcomes) == {1}


def test_a_trace_that_is_run_twice_is_told(monkeypatch):
    monkeypatch.setattr(OptimalReduction, "_fits", lambda self, branch, sequence: False)
    monkeypatch.setattr(OptimalReduction, "_can_begin", lambda self, *_: False)
    monkeypatch.setattr(OptimalReduction, "_settle", _never_asleep)

    found = interleave.selfcheck(counter, executions=3000)

    assert "dpor has run" in "".join(difference.message for difference in found.differences)
    assert "more than once" in "".join(difference.message for difference in found.differences)


settle = OptimalReduction._settle


def _never_asleep(self, events):
    settle(self, events)
    return False


def test_a_dependency_that_is_missing_shows_as_one_trace_with_two_endings(monkeypatch):
    monkeypatch.setattr(Write, "footprint", lambda self: ())
    monkeypatch.setattr(Read, "footprint", lambda self: ())

    found = interleave.selfcheck(counter)

    assert found.verdict == "different"
    assert "dfs has run one trace twice, and it ended as 'returned 2' and 'returned 1'" in {
        difference.message for difference in found.differences
    }


def test_what_a_bound_leaves_out_is_no_difference():
    found = interleave.selfcheck(counter, executions=2)

    assert found.verdict == "incomplete"
    assert not any(side.complete for side in found.sides)
    assert "raise --executions" in found.sides[0].reasons[0]


def test_a_program_that_is_not_deterministic_is_not_compared():
    calls = []

    def program():
        calls.append(1)
        threads = [threading.Thread(target=len, args=("",)) for _ in range(1 + len(calls) % 2)]
        for thread in threads:
            thread.start()

    found = interleave.selfcheck(program)
    assert found.verdict == "nondeterministic"
    assert found.differences == ()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"strategy": "dfs"}, "leave out --strategy"),
        ({"max_preemptions": 1}, "leave out --max-preemptions"),
        ({"expect": "outcome"}, "leave out --expect"),
        ({"granularity": "sync"}, "not at granularity sync"),
        ({"speed": 1}, "there is no option 'speed'"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, text):
    with pytest.raises(interleave.UsageError, match=text):
        interleave.selfcheck(counter, **options)


# -- on the command line --------------------------------------------------------------------------


@pytest.fixture
def script(tmp_path, monkeypatch):
    (tmp_path / "shop.py").write_text(
        "import threading\n"
        "class Place: pass\n"
        "def sell():\n"
        "    place = Place()\n"
        "    place.n = 0\n"
        "    thread = threading.Thread(target=lambda: setattr(place, 'n', 1))\n"
        "    thread.start()\n"
        "    return place.n\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    yield "shop.py:sell"
    sys.modules.pop("shop", None)


def run(*words):
    return CliRunner().invoke(main, ["check", *words, "--selfcheck"])


def test_equal_is_status_0(script):
    result = run(script)
    assert result.exit_code == 0
    assert result.stdout.startswith("EQUAL  shop.py:sell\n  dfs: ")


def test_a_difference_is_status_5_and_asks_for_a_report(script, monkeypatch):
    monkeypatch.setattr(OptimalReduction, "_plant", lambda self, at, sequence: None)
    result = run(script)
    assert result.exit_code == 5
    assert "replay: interleave replay shop.py:sell --schedule il2." in result.stdout
    assert "this is a bug of interleave: please report it" in result.stdout


def test_a_bound_is_status_3(script):
    result = run(script, "--executions", "1")
    assert result.exit_code == 3
    assert "as far as they went, nothing differs" in result.stdout


def test_what_was_interrupted_before_dpor_ran_says_that_nothing_was_compared():
    found = interleave.selfcheck(counter, executions=1)
    alone = replace(found, sides=found.sides[:1], interrupted=True)
    shown = [line for _, line in lines(alone, 80)]
    assert shown[0].startswith("INCOMPLETE")
    assert "  dpor was not run: nothing was compared" in shown
    assert not any("nothing differs" in line for line in shown)


def test_json_is_one_object(script):
    result = run(script, "--format", "json")
    found = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (found["schema"], found["selfcheck"], found["differences"]) == (1, "equal", [])
    assert [side["strategy"] for side in found["sides"]] == ["dfs", "dpor"]
    assert {side["traces"] for side in found["sides"]} == {2}


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--strategy", "dpor"], "leave out --strategy"),
        (["--store"], "--store keeps failures of programs, and --selfcheck looks for none"),
        (["--format", "mermaid"], "a self-check is reported as text or json, not as mermaid"),
    ],
)
def test_what_cannot_be_asked_for_is_status_2(script, words, text):
    result = run(script, *words)
    assert result.exit_code == 2
    assert text in result.stderr


def test_a_folder_is_refused(script):
    result = run(".")
    assert result.exit_code == 2
    assert "--selfcheck takes one program" in result.stderr
