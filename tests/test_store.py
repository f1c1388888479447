"""The store of failures: what is kept survives parallel writers, damage and other versions."""

import json
import os
import subprocess
import sys
from dataclasses import asdict

import pytest

from interleave import store as module
from interleave.store import Kept, Store, project_root


def kept(message="lost", *, program="shop.py:program", preemptions=1, token="il2.x", **more):
    given = {
        "program": program,
        "kind": "assertion",
        "message": message,
        "location": "shop.py:1",
        "token": token,
        "preemptions": preemptions,
        "command": "interleave replay ...",
        "time": "free",
        "granularity": "sync",
        "observe": "outcome",
        "max_steps": 10_000,
    }
    return Kept(**{**given, **more})


@pytest.fixture
def told():
    return []


@pytest.fixture
def store(tmp_path, told):
    return Store(tmp_path / ".interleave", told.append)


def files(store):
    return sorted(store.folder.glob("*.jsonl"))


def test_what_is_added_is_found_again_by_program_fewest_preemptions_first(store, told):
    first, second = kept("a", preemptions=2, token="il2.a"), kept("b", token="il2.b")
    other = kept(program="test_a.py::test[é/1]", expect="outcome == 1", include=("pkg.*",))

    store.update(first.program, add=[first, second])
    store.update(other.program, add=[other])

    assert store.of(first.program) == (second, first)
    assert store.of(other.program) == (other,)
    assert store.of("unknown") == ()
    assert store.everything() == (second, first, other)
    assert told == []


def test_of_like_failures_the_one_with_fewer_preemptions_is_kept(store):
    program = kept().program
    store.update(program, add=[kept(preemptions=2, token="il2.two")])
    store.update(program, add=[kept(preemptions=3, token="il2.three")])
    assert [item.token for item in store.of(program)] == ["il2.two"]

    store.update(program, add=[kept(preemptions=1, token="il2.one")])
    store.update(program, add=[kept(time="idle", token="il2.idle")])

    assert [item.token for item in store.of(program)] == ["il2.one", "il2.idle"]


def test_at_most_twenty_failures_of_a_program_are_kept(store):
    many = [kept(str(number), preemptions=number, token=f"il2.{number}") for number in range(30)]

    store.update(many[0].program, add=many[::-1])

    assert store.of(many[0].program) == tuple(many[:20])


def test_the_file_goes_with_the_last_failure(store):
    one = kept()
    store.update(one.program, add=[one])
    assert len(files(store)) == 1

    store.update(one.program, drop=[one])

    assert files(store) == []
    assert store.everything() == ()


def test_nothing_is_made_where_nothing_changes_and_git_ignores_what_is(store):
    store.update("shop.py:program")
    assert not store.folder.exists()

    store.update("shop.py:program", add=[kept()])

    assert (store.folder / ".gitignore").read_text() == "*\n"


WRITER = """
import dataclasses, json, pathlib, sys
from interleave import store

store._MOST = 100
folder, worker, first = sys.argv[1:]
here = store.Store(pathlib.Path(folder), sys.exit)
kept = store.Kept(**json.loads(first))
sys.stdin.read()
for index in range(15):
    name = f"{worker}.{index}"
    here.update("shared", add=[dataclasses.replace(kept, message=name, token=f"il2.{name}")])
"""


def test_processes_that_write_at_once_lose_nothing(store, told):
    first = json.dumps(asdict(kept(program="shared")))
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(store.folder), worker, first], stdin=subprocess.PIPE
        )
        for worker in "abc"
    ]
    for writer in writers:
        writer.stdin.close()  # now they begin
    codes = [writer.wait() for writer in writers]

    found = store.of("shared")

    assert codes == [0, 0, 0]
    assert {item.message for item in found} == {f"{w}.{i}" for w in "abc" for i in range(15)}
    assert told == []
    assert list(store.folder.glob("*.tmp")) == []


def test_whoever_waits_in_vain_for_the_lock_says_so_and_goes_on(store, told, monkeypatch):
    store.update("shop.py:program", add=[kept()])
    monkeypatch.setattr(module, "_PATIENCE", 0.05)
    holder = """
import sys, pathlib
from interleave.store import _locked
with _locked(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
    command = [sys.executable, "-c", holder, str(store.folder / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline().strip() == b"held"
        store.update("shop.py:program", add=[kept("other")])
        process.stdin.close()

    [message] = told
    assert "failures cannot be kept in" in message
    assert "another process holds" in message
    assert store.of("shop.py:program") == (kept(),)


def test_a_file_that_was_cut_short_loses_its_last_failure_alone(store, told):
    one, two, three = (kept(name, token=f"il2.{name}") for name in ("one", "two", "three"))
    store.update(one.program, add=[one, two, three])
    [file] = files(store)
    file.write_bytes(file.read_bytes()[:-40])

    assert store.of(one.program) == (one, two)
    assert store.of(one.program) == (one, two)
    message = f"{file} is damaged: 1 of 3 failures in it cannot be read; what is damaged goes when"
    assert told == [f"{message} the file is next written"]

    store.update(one.program, add=[three])
    told.clear()

    assert store.of(one.program) == (one, two, three)
    assert told == []


@pytest.mark.parametrize(
    "garbage",
    [
        b"\xff\xfe\x00garbage",
        b"[1, 2]",
        b"null",
        b"{}",
        b'{"schema": 1}',
        b'{"schema": "one"}',
        b'{"schema": null}',
        b'{"schema": 1, "program": "shop.py:program", "include": [], "exclude": []}',
        json.dumps({"schema": 1, "token": 3, "include": [], "exclude": []}).encode(),
        b"[" * 100_000,
    ],
)
def test_garbage_is_said_and_takes_nothing_with_it(store, told, garbage):
    one = kept()
    store.update(one.program, add=[one])
    [file] = files(store)
    file.write_bytes(garbage + b"\n" + file.read_bytes())

    assert store.of(one.program) == (one,)
    assert [message.split(";")[0] for message in told] == [
        f"{file} is damaged: 1 of 2 failures in it cannot be read"
    ]


def test_a_value_of_the_wrong_type_is_damage(store, told):
    one = kept()
    store.update(one.program, add=[one])
    [file] = files(store)
    file.write_text(file.read_text().replace('"preemptions": 1', '"preemptions": "1"'))

    assert store.of(one.program) == ()
    assert "1 of 1 failures in it cannot be read" in told[0]


@pytest.mark.parametrize("schema", [0, 2])
def test_failures_of_another_version_are_left_as_they_are(store, told, schema):
    one = kept()
    store.update(one.program, add=[one])
    [file] = files(store)
    foreign = json.dumps({"schema": schema, "shape": "unknown"})
    file.write_text(foreign + "\n" + file.read_text())

    assert store.of(one.program) == (one,)
    store.update(one.program, drop=[one])

    assert file.read_text() == foreign + "\n"
    message = f"{file} holds failures that another version of interleave has written"
    assert told == [f"{message} (format {schema}; this version reads 1): they are left as they are"]


def test_a_full_disk_is_said_once_and_leaves_the_file_as_it_was(store, told, monkeypatch):
    one = kept()
    store.update(one.program, add=[one])

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for _ in range(2):
        store.update(one.program, add=[kept("other")])

    message = f"failures cannot be kept in {store.folder}: No space left on device"
    assert told == [f"{message}; the check itself is as good as ever"]
    assert store.of(one.program) == (one,)
    assert list(store.folder.glob("*.tmp")) == []


def test_what_a_crash_has_left_is_overwritten(store):
    one = kept()
    store.update(one.program, add=[one])
    files(store)[0].with_suffix(".tmp").write_text("half a li")

    store.update(one.program, add=[kept("other", preemptions=2, token="il2.other")])

    assert len(store.of(one.program)) == 2
    assert list(store.folder.glob("*.tmp")) == []


def test_a_file_in_the_place_of_the_folder_is_said(store, told):
    store.folder.write_text("in the way")

    store.update("shop.py:program", add=[kept()])

    assert store.of("shop.py:program") == ()
    assert told[0].startswith(f"failures cannot be kept in {store.folder}: ")


def test_the_root_of_a_project_is_where_its_pyproject_is(tmp_path):
    inner = tmp_path / "one" / "two"
    inner.mkdir(parents=True)
    assert project_root(inner) == inner

    (tmp_path / "pyproject.toml").write_text("")

    assert project_root(inner) == tmp_path
