"""A schedule is the choices of one execution; its token is the same as text that can be copied.

A token is `il2.` and the URL-safe base 64 of: the length of the body, the body, and four bytes of
CRC-32. The body holds, as variable-length integers: flags (modes), the program's fingerprint, the
seed of the program's own random numbers, the check sum of the events, the step bound, and the
choices twice. Once they are told by their numbers, as pairs (number of zeros, next choice that is
not zero), after the length of all pairs; zeros at the end are left out, since a replay that has no
choice left goes on with choice 0. Then those that are not zero are told by names, as anchors:
the words that they use, and for each the path of its task, which words, the mark, the number of
times, and who goes on. A replay follows the numbers; should they not fit any more, the names may.

Format 1 (`il1.`) had the numbers alone. It is read, and no longer written.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interleave.core.anchor import Anchor
from interleave.errors import ScheduleError
from interleave.settings import ATOMICITIES, GRANULARITIES, OBSERVABLES, TIME_MODES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from interleave.core.anchor import Path

_PREFIX = "il"
_VERSION = 2
_HEAD = f"{_PREFIX}{_VERSION}."
_OLD_HEAD = f"{_PREFIX}1."
_CRC_BYTES = 4
_PACKED = 1 << 6
_ATOMICITY = 7  # the bit that says it; below it there is none to spare
_PACKED_BEFORE = 1 << 7
_MARK_BYTES = 2
_WORTH_PACKING = 100
_FAMILIAR = (
    *("", "read .", "write .", "read [", "write [", "read list", "write list", "read dict"),
    *("read variable", "write variable", "acquire Lock", "release Lock", "acquire RLock"),
    *("release RLock", "acquire Semaphore", "release Semaphore", "wait Condition"),
    *("wake Condition", "notify Condition", "set Event", "wait Event", "wait Barrier"),
    *("put Queue", "get Queue", "start Thread", "begin Thread", "join Thread", "end Thread"),
    *("sleep", "choose", "go on"),
)
"""Beginnings of the words of anchors, which a token of format 2 tells by their number."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The choices of one execution, and what they belong to.

    `fingerprint` stands for the program's name, `digest` for the events that the choices led to;
    both tell a replay whether it is on the same road. `anchors` tell the choices that are not 0
    once more, by names; there are none where nobody has recorded the execution.
    """

    choices: tuple[int, ...]
    fingerprint: int
    digest: int
    seed: int = 0
    time: str = "free"
    granularity: str = "sync"
    atomicity: str = "free-threaded"
    observe: str = "outcome"
    max_steps: int = 10_000
    anchors: tuple[Anchor, ...] = ()

    @property
    def token(self) -> str:
        """The schedule as one word of text."""
        flags = (
            TIME_MODES.index(self.time)
            | GRANULARITIES.index(self.granularity) << 2
            | OBSERVABLES.index(self.observe) << 4
            | ATOMICITIES.index(self.atomicity) << _ATOMICITY
        )
        runs = _varints(_run_lengths(self.choices))
        roads = _varints((len(runs),)) + runs + _named(self.anchors)
        if len(roads) > _WORTH_PACKING:
            packed = zlib.compress(roads, 9)
            if len(packed) < len(roads):
                flags |= _PACKED
                roads = packed
        body = _varints((flags, self.fingerprint, self.seed, self.digest, self.max_steps)) + roads
        framed = _varints((len(body),)) + body
        framed += zlib.crc32(framed).to_bytes(_CRC_BYTES, "big")
        return _HEAD + base64.urlsafe_b64encode(framed).decode().rstrip("=")

    def __str__(self) -> str:
        return self.token


def parse(token: str) -> Schedule:
    """Read a token back.

    Raises:
        ScheduleError: saying whether the token is no token, from another version, cut short or
            altered.
    """
    token = token.strip()
    old = token.startswith(_OLD_HEAD)
    if not old and not token.startswith(_HEAD):
        raise ScheduleError(_wrong_head(token))
    text = token[len(_HEAD) :]
    try:
        framed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        # A length of 4n + 1 cannot be base 64: a letter was lost, as at a cut.
        raise ScheduleError(_cut(token) if len(text) % 4 == 1 else _altered(token)) from None
    try:
        size, start = _varint(framed, 0)
    except IndexError:
        raise ScheduleError(_cut(token)) from None
    whole = start + size + _CRC_BYTES
    if len(framed) < whole:
        raise ScheduleError(_cut(token))
    canonical = base64.urlsafe_b64encode(framed).decode().rstrip("=") == text
    checksum = int.from_bytes(framed[-_CRC_BYTES:], "big")
    if len(framed) > whole or not canonical or zlib.crc32(framed[:-_CRC_BYTES]) != checksum:
        raise ScheduleError(_altered(token))
    return _parse_body(framed[start : start + size], token, old=old)


def _parse_body(body: bytes, token: str, *, old: bool) -> Schedule:
    try:
        flags, at = _varint(body, 0)
        fingerprint, at = _varint(body, at)
        seed, at = _varint(body, at)
        digest, at = _varint(body, at)
        max_steps, at = _varint(body, at)
        packed = flags & (_PACKED_BEFORE if old else _PACKED)
        roads = zlib.decompress(body[at:]) if packed else body[at:]
        end, at = (len(roads), 0) if old else _varint(roads, 0)
        end += at
        choices: list[int] = []
        while at < end:
            zeros, at = _varint(roads, at)
            choice, at = _varint(roads, at)
            choices.extend([0] * zeros)
            choices.append(choice)
        return Schedule(
            choices=tuple(choices),
            fingerprint=fingerprint,
            digest=digest,
            seed=seed,
            time=TIME_MODES[flags & 3],
            granularity=GRANULARITIES[flags >> 2 & (1 if old else 3)],
            atomicity=ATOMICITIES[flags >> (4 if old else _ATOMICITY) & 1],
            observe=OBSERVABLES[flags >> 3 & 1 if old else flags >> 4 & 3],
            max_steps=max_steps,
            anchors=() if old else _anchors(roads, end),
        )
    except (IndexError, UnicodeDecodeError, zlib.error):
        raise ScheduleError(_altered(token)) from None


def fingerprint(name: str) -> int:
    """Return 24 bits that stand for a program's name."""
    return zlib.crc32(name.encode()) & 0xFFFFFF


def strip(choices: Iterable[int]) -> tuple[int, ...]:
    """Leave out the zeros at the end: they are what a replay does anyway."""
    kept = list(choices)
    while kept and kept[-1] == 0:
        kept.pop()
    return tuple(kept)


def _run_lengths(choices: Iterable[int]) -> Iterator[int]:
    zeros = 0
    for choice in choices:
        if choice:
            yield zeros
            yield choice
            zeros = 0
        else:
            zeros += 1


def _named(anchors: Iterable[Anchor]) -> bytes:
    """Write anchors: the words that they use, each once, and then one after the other."""
    table: dict[str, int] = {}
    out = bytearray()
    there: Path | None = ()
    for anchor in anchors:
        # The task that went on is most often the next one to be left.
        out += _SAME if anchor.path == there else _path_as_bytes(anchor.path)
        out += _varints((table.setdefault(anchor.words, len(table)),))
        out += anchor.mark.to_bytes(_MARK_BYTES, "big") + _varints((anchor.nth,))
        if anchor.then is None:
            out += _NOBODY + _varints((anchor.value,))
        else:
            out += _path_as_bytes(anchor.then)
        there = anchor.then
    if not out:
        return b""
    return _varints((len(table),)) + b"".join(map(_words_as_bytes, table)) + out


def _anchors(data: bytes, at: int) -> tuple[Anchor, ...]:
    """Read anchors, from there to the end."""
    if at == len(data):
        return ()
    anchors: list[Anchor] = []
    words: list[str] = []
    size, at = _varint(data, at)
    for _ in range(size):
        which, at = _varint(data, at)
        length, at = _varint(data, at)
        words.append(_FAMILIAR[which] + data[at : at + length].decode())
        at += length
    there: Path | None = ()
    while at < len(data):
        path, at = _path(data, at)
        which, at = _varint(data, at)
        mark, at = int.from_bytes(data[at : at + _MARK_BYTES], "big"), at + _MARK_BYTES
        nth, at = _varint(data, at)
        then, at = _path(data, at)
        value = 0
        if then is None:
            value, at = _varint(data, at)
        path = there if path is None else path
        assert path is not None
        anchors.append(Anchor(path, words[which], mark, nth, then, value))
        there = then
    return tuple(anchors)


def _words_as_bytes(words: str) -> bytes:
    start = max((item for item in _FAMILIAR if words.startswith(item)), key=len)
    rest = words[len(start) :].encode()
    return _varints((_FAMILIAR.index(start), len(rest))) + rest


_SAME = _NOBODY = b"\0"
_MAIN, _LONG, _CHILDREN = 1, 2, 3


def _path_as_bytes(path: Path) -> bytes:
    """Write the path of a task; most are those of main and its children."""
    match path:
        case ():
            return _varints((_MAIN,))
        case (child,):
            return _varints((_CHILDREN + child,))
        case _:
            return _varints((_LONG, len(path), *path))


def _path(data: bytes, at: int) -> tuple[Path | None, int]:
    first, at = _varint(data, at)
    if first == 0:
        return None, at
    if first == _MAIN:
        return (), at
    if first >= _CHILDREN:
        return (first - _CHILDREN,), at
    length, at = _varint(data, at)
    steps = []
    for _ in range(length):
        step, at = _varint(data, at)
        steps.append(step)
    return tuple(steps), at


def _varints(numbers: Iterable[int]) -> bytes:
    out = bytearray()
    for number in numbers:
        rest = number
        while rest > 0x7F:
            out.append(rest & 0x7F | 0x80)
            rest >>= 7
        out.append(rest)
    return bytes(out)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7


def _shown(token: str) -> str:
    limit = 40
    return repr(token if len(token) <= limit else f"{token[:limit]}...")


def _wrong_head(token: str) -> str:
    if token and (_HEAD.startswith(token) or _OLD_HEAD.startswith(token)):
        return _cut(token)
    digits, dot, _ = token[len(_PREFIX) :].partition(".")
    if token.startswith(_PREFIX) and dot and digits.isdigit():
        return (
            f"schedule {_shown(token)} is of format {digits}, and this version of interleave reads "
            f"formats 1 to {_VERSION}: replay it with the version that printed it, or check again"
        )
    return (
        f"{_shown(token)} is not a schedule token: a token starts with {_HEAD!r}; "
        "copy it from the line 'replay:' of a failing check"
    )


def _cut(token: str) -> str:
    return (
        f"schedule {_shown(token)} was cut short ({len(token)} letters, its end is missing): "
        "copy the whole token"
    )


def _altered(token: str) -> str:
    return f"schedule {_shown(token)} was altered: its check sum does not fit; copy the token again"
