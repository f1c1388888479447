"""An exhaustive check for each example: what is told, and what is left out before."""

import threading

from hypothesis import given, settings
from hypothesis import strategies as st

from interleave.hypothesis import check_all, checking


def test_only_the_failure_that_is_shown_is_shrunk(monkeypatch):
    shrunk = []

    def noted(program, **options):
        shrunk.append(options["shrink"])
        return original(program, **options)

    original = checking.check
    monkeypatch.setattr(checking, "check", noted)

    @settings(max_examples=20, database=None, derandomize=True)
    @given(st.integers(0, 9))
    def fails(number):
        def program():
            seen = []
            threads = [threading.Thread(target=seen.append, args=(one,)) for one in (number, 1)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert number < 3 or seen[0] != 1

        check_all(program)

    try:
        fails()
    except AssertionError as error:
        notes = "".join(error.__notes__)
    assert "replay:" in notes
    assert shrunk[-1]
    assert not any(shrunk[:-1])
