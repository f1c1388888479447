"""Schedule tokens: what is written is read back, and whatever is damaged is refused."""

import string
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import interleave
from interleave.core.anchor import Anchor
from interleave.core.schedule import Schedule, fingerprint, parse, strip

LETTERS = string.ascii_letters + string.digits + "-_"

CHOICES = st.lists(st.integers(0, 300), max_size=60)
LONG = st.lists(st.tuples(st.integers(0, 400), st.integers(1, 5)), min_size=30, max_size=200).map(
    lambda runs: [choice for zeros, last in runs for choice in (*[0] * zeros, last)]
)

PATHS = st.lists(st.integers(0, 300), max_size=3).map(tuple)
ANCHORS = st.lists(
    st.builds(
        Anchor,
        PATHS,
        st.sampled_from(["write .n", "acquire Lock", "go on"]) | st.text(max_size=16),
        st.integers(0, 2**16 - 1),
        st.integers(1, 1000),
        st.none() | PATHS,
    ).map(lambda anchor: anchor if anchor.then is not None else replace(anchor, value=anchor.nth)),
    max_size=20,
).map(tuple)


@settings(deadline=None, derandomize=True)
@given(
    anchors=ANCHORS,
    choices=CHOICES | LONG,
    mark=st.integers(0, 2**24 - 1),
    digest=st.integers(0, 2**32 - 1),
    seed=st.integers(0, 2**70),
    time=st.sampled_from(["free", "idle", "ordered"]),
    granularity=st.sampled_from(["sync", "memory"]),
    atomicity=st.sampled_from(["free-threaded", "gil"]),
    observe=st.sampled_from(["outcome", "output"]),
)
def test_a_token_reads_back_as_what_was_written(
    anchors, choices, mark, digest, seed, time, granularity, atomicity, observe
):
    schedule = Schedule(
        strip(choices), mark, digest, seed, time, granularity, atomicity, observe, anchors=anchors
    )

    assert parse(schedule.token) == schedule
    assert parse(f"  {schedule.token}\n") == schedule


@settings(deadline=None, derandomize=True)
@given(choices=CHOICES)
def test_only_zeros_at_the_end_are_left_out(choices):
    kept = strip(choices)

    assert list(kept) + [0] * (len(choices) - len(kept)) == choices
    assert not kept or kept[-1] != 0


def test_a_thousand_events_with_three_preemptions_make_a_short_token():
    choices = [0] * 1000
    choices[200] = choices[507] = choices[950] = 1
    anchors = (
        Anchor((0,), "read .balance", 0xABCD, 199, (1,)),
        Anchor((1,), "write .balance", 0xBCDE, 307, (0,)),
        Anchor((0,), "write .balance", 0xBCDE, 443, (1,)),
    )

    assert len(Schedule(strip(choices), 0xFFFFFF, 0xFFFFFFFF).token) < 60
    assert len(Schedule(strip(choices), 0xFFFFFF, 0xFFFFFFFF, anchors=anchors).token) < 100


def test_a_token_of_one_kind_of_letters_can_be_copied_with_a_double_click():
    token = Schedule(tuple(range(256)), 1, 2).token

    assert token.startswith("il2.")
    assert set(token[4:]) <= set(LETTERS)


TOKENS = [
    Schedule((), fingerprint("x:y"), 0x12345678).token,
    Schedule((0, 0, 1, 0, 2), fingerprint("x:y"), 0x12345678, seed=5, time="idle").token,
    Schedule((0, 1, 2, 0, 3) * 80, fingerprint("x:y"), 0x12345678).token,
    Schedule(
        (0, 1),
        fingerprint("x:y"),
        0x12345678,
        anchors=(Anchor((0,), "write .n", 5, 1, (1,)),),
    ).token,
    "il1.EQCOqOIHAPiUqdcHkE4AAQEBr67eeg",
]


@pytest.mark.parametrize("token", TOKENS)
def test_every_beginning_of_a_token_is_called_cut_short(token):
    for length in range(1, len(token)):
        with pytest.raises(interleave.ScheduleError, match="was cut short"):
            parse(token[:length])


@pytest.mark.parametrize("token", TOKENS)
def test_every_alteration_of_one_letter_is_refused(token):
    head = len("il2.")
    frame = 2 if len(token) < 180 else 3  # the letters that hold the length of the body
    for place in range(head, len(token)):
        for letter in LETTERS:
            if letter == token[place]:
                continue
            altered = token[:place] + letter + token[place + 1 :]
            with pytest.raises(interleave.ScheduleError) as caught:
                parse(altered)
            said = str(caught.value)
            if place >= head + frame:
                assert "was altered" in said, altered
            else:
                # A length that is too great cannot be told from a token that is too short.
                assert "was altered" in said or "was cut short" in said, altered


@pytest.mark.parametrize("letter", ["+", "/", "=", "!", "é", "\u0660", " "])
def test_a_letter_that_no_token_has_is_an_alteration(letter):
    token = TOKENS[1]
    middle = len(token) // 2

    with pytest.raises(interleave.ScheduleError, match="was altered"):
        parse(token[:middle] + letter + token[middle + 1 :])


def test_a_token_with_something_behind_it_was_altered():
    for more in ("A", "AA", "AAA", "AAAA", "."):
        with pytest.raises(interleave.ScheduleError, match=r"was altered|was cut short"):
            parse(TOKENS[1] + more)


def test_a_token_of_another_version_names_the_versions():
    with pytest.raises(interleave.ScheduleError, match=r"of format 3, .* reads formats 1 to 2"):
        parse("il3" + TOKENS[0][3:])


def test_a_token_of_format_1_is_read():
    schedule = parse("il1.IADM8AgBp-im7w6QTgECAQIAAQACAAIAAQQBAAEBAQIBl8S6EA")

    assert (schedule.time, schedule.granularity, schedule.observe) == ("free", "sync", "outcome")
    assert schedule.choices == (0, 2, 0, 2, 1, 2, 2, 1, 0, 0, 0, 0, 1, 1, 0, 1, 0, 0, 1)
    assert schedule.anchors == ()


@pytest.mark.parametrize("text", ["", "abc", "hello.world", "ilx.AAAA", "1234", "IL1.AAAA"])
def test_what_is_no_token_is_called_that(text):
    with pytest.raises(interleave.ScheduleError, match="is not a schedule token"):
        parse(text)


def test_a_schedule_error_is_an_error_of_usage():
    assert issubclass(interleave.ScheduleError, interleave.UsageError)


def one():
    return interleave.choose([1, 2])


def other():
    return interleave.choose([1, 2])


def test_a_token_of_another_program_is_refused():
    token = interleave.check(one).outcomes[2].schedule.token

    with pytest.raises(interleave.ScheduleError, match="belongs to another program"):
        interleave.replay(other, token)
    assert list(interleave.replay(one, token).outcomes) == [2]


def test_a_schedule_shows_as_its_token():
    schedule = interleave.check(one).outcomes[1].schedule

    assert str(schedule) == schedule.token
    assert list(interleave.replay(one, schedule).outcomes) == [1]
