"""A schedule is the choices of one execution; its token is the same as text that can be copied.

A token is `il1.` and the URL-safe base 64 of: the length of the body, the body, and four bytes of
CRC-32. The body holds, as variable-length integers: flags (modes), the program's fingerprint, the
seed of the program's own random numbers, the check sum of the events, the step bound, and the
choices as pairs
(number of zeros, next choice that is not zero). Zeros at the end are left out: a replay that
has no choice left goes on with choice 0.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interleave.errors import ScheduleError
from interleave.settings import ATOMICITIES, GRANULARITIES, OBSERVABLES, TIME_MODES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PREFIX = "il"
_VERSION = 1
_HEAD = f"{_PREFIX}{_VERSION}."
_CRC_BYTES = 4
_PACKED = 1 << 7
_WORTH_PACKING = 64


@dataclass(frozen=True, slots=True)
class Schedule:
    """The choices of one execution, and what they belong to.

    `fingerprint` stands for the program's name, `digest` for the events that the choices led to;
    both tell a replay whether it is on the same road.
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

    @property
    def token(self) -> str:
        """The schedule as one word of text."""
        flags = (
            TIME_MODES.index(self.time)
            | GRANULARITIES.index(self.granularity) << 2
            | OBSERVABLES.index(self.observe) << 3
            | ATOMICITIES.index(self.atomicity) << 4
        )
        runs = _varints(_run_lengths(self.choices))
        if len(runs) > _WORTH_PACKING:
            packed = zlib.compress(runs, 9)
            if len(packed) < len(runs):
                flags |= _PACKED
                runs = packed
        body = _varints((flags, self.fingerprint, self.seed, self.digest, self.max_steps)) + runs
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
    if not token.startswith(_HEAD):
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
    return _parse_body(framed[start : start + size], token)


def _parse_body(body: bytes, token: str) -> Schedule:
    try:
        flags, at = _varint(body, 0)
        fingerprint, at = _varint(body, at)
        seed, at = _varint(body, at)
        digest, at = _varint(body, at)
        max_steps, at = _varint(body, at)
        runs = zlib.decompress(body[at:]) if flags & _PACKED else body[at:]
        choices: list[int] = []
        at = 0
        while at < len(runs):
            zeros, at = _varint(runs, at)
            choice, at = _varint(runs, at)
            choices.extend([0] * zeros)
            choices.append(choice)
        return Schedule(
            choices=tuple(choices),
            fingerprint=fingerprint,
            digest=digest,
            seed=seed,
            time=TIME_MODES[flags & 3],
            granularity=GRANULARITIES[flags >> 2 & 1],
            atomicity=ATOMICITIES[flags >> 4 & 1],
            observe=OBSERVABLES[flags >> 3 & 1],
            max_steps=max_steps,
        )
    except (IndexError, zlib.error):
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
    if token and _HEAD.startswith(token):
        return _cut(token)
    digits, dot, _ = token[len(_PREFIX) :].partition(".")
    if token.startswith(_PREFIX) and dot and digits.isdigit():
        return (
            f"schedule {_shown(token)} is of format {digits}, and this version of interleave reads "
            f"format {_VERSION}: replay it with the version that printed it, or run check again"
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
