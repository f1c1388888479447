"""Folders: what is found in them, and models against what they declare."""

import pytest

import interleave
from interleave.core.model import model_of
from interleave.folder import check_model, programs


def write(folder, name, text):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def targets(path):
    return [item.target.rpartition("/")[2] for item in programs(path)]


def test_functions_without_arguments_are_programs(tmp_path):
    path = write(
        tmp_path,
        "some.py",
        "def one():\n    '''First line.\n\n    More.'''\n"
        "def needs(a): pass\n"
        "def may(a=1):\n    def inner(): yield\n    return lambda: (yield)\n"
        "def _private(): pass\n"
        "async def coroutine(): pass\n"
        "def generator(): yield\n",
    )

    assert targets(path) == ["some.py:one", "some.py:may"]
    assert programs(path)[0].summary == "First line."


def test_models_alone_are_programs_where_there_are_any(tmp_path):
    path = write(
        tmp_path,
        "some.py",
        "from interleave import model\nimport interleave\n"
        "def helper(): pass\n"
        "@model(outcomes=[1])\ndef one(): pass\n"
        "@interleave.model()\ndef two(): pass\n",
    )

    assert targets(path) == ["some.py:one", "some.py:two"]


@pytest.mark.parametrize(
    ("text", "is_script"),
    [
        ("print(1)\n", True),
        ("if __name__ == '__main__':\n    pass\n", True),
        ("for _ in (): pass\n", True),
        ("'''Documentation.'''\nX = 1\n", False),
    ],
)
def test_a_file_that_does_something_is_a_script(tmp_path, text, is_script):
    path = write(tmp_path, "some.py", text)

    assert targets(path) == (["some.py"] if is_script else [])


def test_nothing_is_run_by_listing(tmp_path):
    path = write(tmp_path, "some.py", "1 / 0\ndef one(): pass\n")

    assert targets(path) == ["some.py:one", "some.py"]


def test_a_folder_is_searched_in_order_and_hidden_files_are_left_out(tmp_path):
    write(tmp_path, "b.py", "def one(): pass\n")
    write(tmp_path, "a/c.py", "def one(): pass\n")
    write(tmp_path, ".hidden/d.py", "def one(): pass\n")
    write(tmp_path, "text.txt", "def one(): pass\n")

    assert targets(tmp_path) == ["c.py:one", "b.py:one"]


def test_what_cannot_be_read_is_an_error_of_usage(tmp_path):
    write(tmp_path, "broken.py", "def (:\n")

    with pytest.raises(interleave.UsageError, match=r"broken.py cannot be read as Python"):
        programs(tmp_path)
    with pytest.raises(interleave.UsageError, match="there is no file or folder"):
        programs(tmp_path / "missing")


def differences(function, **declared):
    def program():
        return function()

    marked = interleave.model(**declared)(program)
    checked = check_model(marked, model_of(marked), "x.py:program")
    assert checked.as_declared == (not checked.differences)
    return checked.differences


BUDGET = (
    "verdict incomplete, declared pass; the budget of 1 executions ended the exploration: "
    "raise --executions; about 1 execution is left, or far more: the estimate is not steady yet"
)


def one_or_two():
    return interleave.choose([1, 2])


def failing():
    raise ValueError("bad")


@pytest.mark.parametrize(
    ("function", "declared", "expected"),
    [
        (one_or_two, {"outcomes": [2, 1]}, ()),
        (one_or_two, {"outcome_count": 2}, ()),
        (one_or_two, {"outcomes": [1]}, ("outcomes that are not declared: [2]",)),
        (
            one_or_two,
            {"outcomes": [1, 2, 3]},
            ("declared outcomes that did not come out: [3]",),
        ),
        (one_or_two, {"outcome_count": 3}, ("2 outcomes, declared 3",)),
        (failing, {"failures": ["exception"]}, ()),
        (
            failing,
            {},
            (
                "verdict fail, declared pass",
                "failure that is not declared: exception: ValueError: bad",
            ),
        ),
        (
            one_or_two,
            {"failures": ["deadlock"]},
            ("verdict pass, declared fail", "declared failure deadlock was not found"),
        ),
        (one_or_two, {"warnings": ["single-thread"]}, ()),
        (
            one_or_two,
            {"warnings": ["dropped-exception"]},
            ("declared warning dropped-exception was not given",),
        ),
        (
            one_or_two,
            {"executions": 1, "verdict": "pass", "outcome_count": 1},
            (BUDGET,),
        ),
    ],
)
def test_a_model_is_compared_with_what_it_declares(function, declared, expected):
    assert differences(function, **declared) == expected


def test_what_a_model_expects_and_reaches_is_checked():
    assert differences(one_or_two, expect="outcome < 3", reach=["outcome == 2"]) == ()
    assert differences(one_or_two, expect="outcome < 2") != ()
    assert differences(one_or_two, reach=["outcome == 3"]) != ()
