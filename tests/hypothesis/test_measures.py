"""What Hypothesis measures of a test leaves out the checks in it."""

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interleave.hypothesis.measures import unmeasured
from interleave.primitives.settled import settled


def lines_of_a_loop():
    total = 0
    for number in range(3):
        total += number
    return total


@pytest.mark.skipif(sys.version_info < (3, 12), reason="there is no sys.monitoring before 3.12")
def test_hypothesis_sees_no_lines_of_a_check_by_monitoring():
    monitoring = sys.monitoring
    tool = next(number for number in range(6) if monitoring.get_tool(number) is None)
    seen = []
    monitoring.use_tool_id(tool, "scrutineer")
    try:
        monitoring.register_callback(
            tool, monitoring.events.LINE, lambda code, line: seen.append(code.co_name)
        )
        monitoring.set_events(tool, monitoring.events.LINE)
        with unmeasured():
            lines_of_a_loop()
        assert monitoring.get_events(tool) == monitoring.events.LINE
        assert "lines_of_a_loop" not in seen
        lines_of_a_loop()
        assert "lines_of_a_loop" in seen
    finally:
        monitoring.set_events(tool, 0)
        monitoring.free_tool_id(tool)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="from 3.12 on it uses sys.monitoring")
def test_hypothesis_sees_no_lines_of_a_check_by_tracing():
    seen = []

    class Tracer:
        def trace(self, frame, event, argument):
            seen.append(frame.f_code.co_name)
            return self.trace

    Tracer.__module__ = "hypothesis.internal.scrutineer"
    before = sys.gettrace()
    tracer = Tracer().trace
    sys.settrace(tracer)
    try:
        with unmeasured():
            lines_of_a_loop()
        assert sys.gettrace() == tracer
        assert "lines_of_a_loop" not in seen
        lines_of_a_loop()
    finally:
        sys.settrace(before)
    assert "lines_of_a_loop" in seen


def test_the_checks_of_all_examples_know_the_same_and_those_outside_nothing():
    found = []

    @settings(database=None, max_examples=3)
    @given(st.integers())
    def test(number):
        with unmeasured():
            found.append(settled())

    test()
    first = list(found)
    found.clear()
    test()
    assert len({id(item) for item in first}) == 1
    assert None not in first
    with unmeasured():
        assert settled() is None
    assert settled() is None
