"""The report as text: the verdict first, then the counterexample, last how to replay it."""

import os
import re
import threading
import time
from functools import partial

from either_order import race

import interleave
from interleave.report.text import render

# Plain accesses would only make the counts below larger.
check = partial(interleave.check, granularity="sync")


def embrace():
    first, second = threading.Lock(), threading.Lock()

    def forth():
        with first:
            with second:
                pass

    def back():
        with second:
            with first:
                pass

    threads = [threading.Thread(target=forth), threading.Thread(target=back)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_the_verdict_comes_first_with_the_target():
    report = check(race)

    assert render(report).splitlines()[0] == f"PASS  {report.target}"
    assert "exhaustive" in render(report).splitlines()[1]


def test_every_outcome_is_shown_with_its_count_and_token():
    report = check(race)

    for outcome in report.outcomes.values():
        assert f"{outcome.text}  x {outcome.count}   {outcome.schedule.token}" in render(report)


def test_a_deadlock_names_who_waits_who_holds_both_lines_and_the_circle():
    text = render(check(embrace))

    assert re.search(r"main\.0 waits for (acquire )?Lock#2$", text, re.MULTILINE)
    assert re.search(r"main\.1 waits for (acquire )?Lock#1$", text, re.MULTILINE)
    assert "held by main.1, taken at" in text
    assert "held by main.0, taken at" in text
    assert "circle: main.0 -> main.1 -> main.0" in text
    forth = embrace.__code__.co_firstlineno + 3
    for line in (forth + 1, forth + 2, forth + 6, forth + 7):
        assert f"test_text.py:{line}  with " in text
    assert f"test_text.py:{embrace.__code__.co_firstlineno + 1}" in text  # where they were made


def test_a_deadlock_in_which_nobody_holds_anything_says_that_nobody_can_wake():
    def program():
        threading.Event().wait()

    text = render(check(program))

    assert "nobody can ever wake main" in text
    assert "circle" not in text


def test_a_lock_whose_holder_has_ended_is_called_that():
    def program():
        lock = threading.Lock()
        thread = threading.Thread(target=lambda: lock.acquire())  # noqa: PLW0108 - looked up when it runs
        thread.start()
        thread.join()
        lock.acquire()

    text = render(check(program))

    assert "held by main.0, which has ended" in text
    assert "nobody can ever wake main: who holds it has ended" in text


def test_a_lock_taken_twice_is_a_circle_of_one():
    def program():
        lock = threading.Lock()
        with lock:
            lock.acquire()

    assert "circle: main -> main" in render(check(program))


def test_a_failure_tells_its_events_output_and_replay_command():
    def program():
        print("printed before")
        assert race() == "ab", "wrong order"

    text = render(check(program))
    lines = text.splitlines()

    assert any(line.startswith("assertion: AssertionError: wrong order") for line in lines)
    assert "printed before" in text
    assert lines[-1].lstrip().startswith("replay: ")


def test_a_switch_away_from_who_could_go_on_is_marked():
    def program():
        log = []

        def work(name):
            log.append(name)
            time.sleep(0)
            log.append(name)

        threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert log != ["a", "b", "b", "a"]

    report = check(program)
    (failure,) = report.failures

    assert failure.preemptions == sum(event.preempted for event in failure.events)
    assert "! preempted before sleep" in render(report)


def test_files_are_shown_from_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here.py").write_text(
        "import threading\ndef program():\n    threading.Event().wait()\n"
    )

    text = render(check("here.py:program"))

    assert "here.py:3" in text
    assert str(tmp_path) not in text
    assert os.sep not in text.splitlines()[0]


def test_a_report_prints_as_its_text():
    report = check(race)

    assert str(report) == render(report)
