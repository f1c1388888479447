"""Which locations an access touches: what partial order reduction is told."""

import threading

import pytest

import interleave
from interleave.instrument import hooks


class Box:
    def __init__(self):
        self.here = 1


def insert(d, box):
    d["new"] = 1


def overwrite(d, box):
    d["old"] = 1


def delete(d, box):
    del d["old"]


def look(d, box):
    return d["old"]


def go_through(d, box):
    return len(d)


def whole(d, box):
    return f"{d}"


def new_attribute(d, box):
    box.new = 1


def old_attribute(d, box):
    box.here = 2


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (insert, {("write", "['new']"), ("write", " (its keys)")}),
        (overwrite, {("write", "['old']")}),
        (delete, {("write", "['old']"), ("write", " (its keys)")}),
        (look, {("read", "['old']")}),
        (go_through, {("read", " (its keys)")}),
        (whole, {("read", "['old']"), ("read", " (its keys)")}),
        (new_attribute, {("write", ".new"), ("write", " (its keys)")}),
        (old_attribute, {("write", ".here")}),
    ],
)
def test_an_access_tells_every_location(act, expected, monkeypatch):
    told = set()
    real = hooks.perform

    def noting(operation):
        for location, writes in operation.accesses():
            at = len(location.holder.name)
            told.add(("write" if writes else "read", location.name[at:]))
        return real(operation)

    def program():
        thread = threading.Thread(target=act, args=({"old": 1}, Box()))
        thread.start()
        thread.join()

    monkeypatch.setattr(hooks, "perform", noting)
    interleave.check(program, granularity="memory", strategy="random", executions=1)
    assert told == expected
