"""How a command ends: its exit status, and what is said when nothing else can be."""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from interleave import _real
from interleave.core import watchdog
from interleave.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


PASS, FAILURE, USAGE, INCOMPLETE, NONDETERMINISTIC, INTERNAL = range(6)
INTERRUPTED = 130
BROKEN_PIPE = 141
TERMINATED = 143

_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)

STATUS = {
    "pass": PASS,
    "fail": FAILURE,
    "incomplete": INCOMPLETE,
    "nondeterministic": NONDETERMINISTIC,
}

STATUS_OF_SELFCHECK = {
    "equal": PASS,
    "different": INTERNAL,
    "incomplete": INCOMPLETE,
    "nondeterministic": NONDETERMINISTIC,
}


def run_and_exit(action: Callable[[], int]) -> None:
    """Run a command and exit with its status; nobody sees a traceback for a usage error."""
    watchdog.allow_exit()
    is_closed = sys.stdout is None  # by the caller, with `>&-`
    if is_closed:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the end
    try:
        with _terminable() as terminated:
            status = action()
        if terminated and status == INTERRUPTED:
            status = TERMINATED
        sys.stdout.flush()
        if is_closed:
            status = _unwritable("it is closed")
    except UsageError as error:
        click.echo(f"interleave: {error}", err=True)
        status = USAGE
    except KeyboardInterrupt:
        click.echo("interleave: interrupted", err=True)
        status = INTERRUPTED
    except BrokenPipeError:  # whoever read our output has gone, as `head` does
        _write_no_more()
        status = BROKEN_PIPE
    except click.ClickException:
        raise
    except Exception as error:  # noqa: BLE001 - what nobody foresaw is a bug of ours: status 5
        if isinstance(error, OSError) and error.errno in _UNWRITABLE and error.filename is None:
            _write_no_more()
            status = _unwritable(os.strerror(error.errno))
        else:
            traceback.print_exc()
            click.echo(f"interleave: internal error: {error}; please report it", err=True)
            status = INTERNAL
    sys.exit(status)


@contextmanager
def _terminable() -> Iterator[list[bool]]:
    """Take SIGTERM for Ctrl-C, so that what was found until then is reported.

    Yields a list that is empty until the signal comes.
    """
    came: list[bool] = []

    def on_signal(_number: int, _frame: object) -> None:
        came.append(True)
        _real.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGTERM, on_signal)
    try:
        yield came
    finally:
        signal.signal(signal.SIGTERM, before)


def _write_no_more() -> None:
    """Let what is left in the buffer of standard output go nowhere when the process ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _unwritable(why: str) -> int:
    click.echo(f"interleave: the report cannot be written to standard output: {why}", err=True)
    return USAGE
