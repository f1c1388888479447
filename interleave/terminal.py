"""What a terminal adds to what is printed: styles, its width, and how far an exploration is."""

from __future__ import annotations

import shutil
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.text import Text

from interleave.report import estimate, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from interleave.exploration import Exploration

_NARROWEST = 60


def width() -> int:
    """How many columns the terminal has, if there is one."""
    if not sys.stdout.isatty():
        return text.WIDTH
    return max(shutil.get_terminal_size((text.WIDTH, 24)).columns, _NARROWEST)


def say(style: str, line: str) -> None:
    """Print a line, with its style on a terminal and plain elsewhere."""
    if sys.stdout.isatty():
        Console(highlight=False, soft_wrap=True).print(Text(line, style=style))
    else:
        click.echo(line)


@contextmanager
def progress(form: str) -> Iterator[Callable[[Exploration], None] | None]:
    """Show how far an exploration is, on a terminal only."""
    console = Console(stderr=True)
    if form != "text" or not console.is_terminal or not sys.stdout.isatty():
        yield None
        return
    with console.status("exploring ...") as status:

        def show(exploration: Exploration) -> None:
            rate = exploration.runs / max(exploration.seconds, 1e-9)
            failures = len(exploration.failures)
            left = estimate.left(exploration.left, growing=exploration.growing)
            status.update(
                f"{exploration.runs:,} executions, {rate:,.0f}/s, {left + ', ' if left else ''}"
                f"{len(exploration.outcomes)} outcomes, {failures} failures"
            )

        yield show
