"""Mermaid and Perfetto: what their readers need, beside the golden files."""

import json
import queue
import threading

import interleave
from interleave.report import mermaid, perfetto


def embrace():
    one, two = threading.Lock(), threading.Lock()

    def forth():
        with one, two:
            pass

    def back():
        with two, one:
            pass

    threads = [threading.Thread(target=body) for body in (forth, back)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_trace_holds_every_event_once_in_order():
    (failure,) = (report := interleave.check(embrace, granularity="sync", strategy="dfs")).failures
    found = json.loads(perfetto.render(report))["traceEvents"]
    slices = [item for item in found if item["ph"] == "X" and item["cat"] != "waiting"]

    assert len(slices) == len(failure.events)
    assert [item["ts"] for item in slices] == sorted({item["ts"] for item in slices})
    names = {item["tid"]: item["args"]["name"] for item in found if item["name"] == "thread_name"}
    assert [names[item["tid"]] for item in slices] == [event.task for event in failure.events]


def test_a_pass_has_an_empty_trace():
    report = interleave.check(lambda: 1)

    assert json.loads(perfetto.render(report))["traceEvents"] == []
    assert mermaid.render(report).startswith("sequenceDiagram\n")


def test_nothing_of_the_program_means_anything_to_mermaid():
    def program():
        items = queue.SimpleQueue()
        thread = threading.Thread(target=lambda: items.put('a;b #<i>"{%%}'))
        thread.start()
        assert items.get() == ""
        thread.join()

    report = interleave.check(program, granularity="sync")
    (note,) = [line for line in mermaid.render(report).splitlines() if "t1: put" in line]

    assert "a#59;b #35;#60;i#62;#34;#123;#37;#37;#125;" in note


def test_a_passing_replay_is_drawn_too():
    def program():
        thread = threading.Thread(target=lambda: None)
        thread.start()
        thread.join()

    report = interleave.replay(program, seed="1:0")

    assert "participant t1 as main.0" in mermaid.render(report)
