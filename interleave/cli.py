"""The command line: check, replay, list, failures."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import sys
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.text import Text

import interleave
from interleave import _real, recheck
from interleave.checker import check, replay
from interleave.core import watchdog
from interleave.core.program import from_target
from interleave.errors import UsageError
from interleave.folder import check_folder, programs
from interleave.report import as_json, comparison, estimate, mermaid, perfetto, text
from interleave.selfchecker import selfcheck as compare
from interleave.settings import (
    ATOMICITIES,
    GRANULARITIES,
    OBSERVABLES,
    SAMPLERS,
    STRATEGIES,
    TIME_MODES,
    WARNINGS_TO_FAIL_ON,
)
from interleave.store import FOLDER, Store, project_root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from interleave.exploration import Exploration
    from interleave.folder import Checked
    from interleave.report.report import Report
    from interleave.report.timeline import Line

PASS, FAILURE, USAGE, INCOMPLETE, NONDETERMINISTIC, INTERNAL = range(6)
INTERRUPTED = 130
BROKEN_PIPE = 141
_NARROWEST = 60
_FORMATS = ("text", "json", "mermaid", "perfetto")
TERMINATED = 143
_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
_STATUS = {
    "pass": PASS,
    "fail": FAILURE,
    "incomplete": INCOMPLETE,
    "nondeterministic": NONDETERMINISTIC,
}
_STATUS_OF_SELFCHECK = {
    "equal": PASS,
    "different": INTERNAL,
    "incomplete": INCOMPLETE,
    "nondeterministic": NONDETERMINISTIC,
}


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(interleave.__version__, prog_name="interleave")
def main() -> None:
    """Check every interleaving of the threads of an ordinary Python program.

    Exit status: 0 pass, 1 failure found, 2 usage, 3 incomplete (a bound or budget ended it),
    4 the program is not deterministic, 5 internal error, 130 interrupted, 143 terminated.
    """


@main.command("check")
@click.argument("target")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "--strategy",
    type=click.Choice(STRATEGIES),
    help="dpor runs one execution for each trace, dfs every schedule; random, pct, pos and surw "
    "sample by seed; auto tries everything with half of its budget, and else samples.  "
    "[default: dpor; dfs with granularity sync, time ordered or --max-preemptions]",
)
@click.option(
    "--seed",
    metavar="N[:EXECUTION]",
    help="Seed of a sample, and of the program's own random numbers; with :EXECUTION that "
    "execution of the sample alone.  [default: 0]",
)
@click.option(
    "--depth",
    type=click.IntRange(min=1),
    help="How deep the faults are that pct looks for: the points at which the order of two events "
    "matters.  [default: 3]",
)
@click.option(
    "--executions",
    type=click.IntRange(min=1),
    help="End after this many executions.  [default: none, 10000 for a sample]",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    help="End after this many real seconds.  [default: 60, none for a sample]",
)
@click.option(
    "--max-steps",
    type=click.IntRange(min=1),
    help="Cut an execution after this many events.  [default: 10000]",
)
@click.option(
    "--max-preemptions",
    type=click.IntRange(min=0),
    help="Try schedules with no preemption first, then with one, and so on up to this many.",
)
@click.option(
    "--granularity",
    type=click.Choice(GRANULARITIES),
    help="What is a schedule point: every shared access, or synchronisation alone.  "
    "[default: memory]",
)
@click.option(
    "--atomicity",
    type=click.Choice(ATOMICITIES),
    help="Where another thread can come in: at any bytecode, or only where this CPython lets one "
    "in with the GIL.  [default: free-threaded]",
)
@click.option(
    "--include",
    metavar="PATTERN",
    multiple=True,
    help="Instrument these modules too (such as random, or pkg.*). May be repeated.",
)
@click.option(
    "--exclude",
    metavar="PATTERN",
    multiple=True,
    help="Do not instrument these modules. May be repeated.",
)
@click.option(
    "--time",
    type=click.Choice(TIME_MODES),
    help="free: sleeps and timeouts promise nothing. idle: the clock moves when no thread can go "
    "on. ordered: deadlines pass in order.  [default: free]",
)
@click.option(
    "--observe",
    type=click.Choice(OBSERVABLES),
    help="What an outcome is: what the program returns, or what it prints and logs.  "
    "[default: outcome; output for scripts]",
)
@click.option(
    "--expect", metavar="EXPR", help="Every outcome must satisfy this expression of `outcome`."
)
@click.option(
    "--reach",
    metavar="EXPR",
    multiple=True,
    help="Some outcome must satisfy this expression of `outcome`. May be repeated.",
)
@click.option("--keep-going", is_flag=True, default=None, help="Do not end at the first failure.")
@click.option(
    "--shrink/--no-shrink",
    default=None,
    help="Look for the simplest execution that shows a failure, or show what was found.  "
    "[default: --shrink]",
)
@click.option(
    "--no-races",
    "races",
    flag_value=False,
    type=bool,
    default=None,
    help="Do not look for data races.",
)
@click.option(
    "--fail-on",
    type=click.Choice(WARNINGS_TO_FAIL_ON),
    multiple=True,
    help="Make a failure of what is a warning else: race, two accesses of a variable that no "
    "synchronisation orders.",
)
@click.option(
    "--hang-seconds",
    type=click.FloatRange(min=0, min_open=True),
    help="Give up on a program that does not reach a schedule point for so long.  [default: 10]",
)
@click.option(
    "--selfcheck",
    is_flag=True,
    help="Do not judge TARGET but interleave itself: run dfs and dpor, and compare what they show.",
)
@click.option(
    "--store",
    is_flag=True,
    help=f"Keep failures in {FOLDER}, and replay those that are kept before anything else.",
)
@click.option(
    "--fresh",
    is_flag=True,
    default=None,
    help="Import the modules of the program anew for each execution.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    default="text",
    show_default=True,
    help="How to report: mermaid is a sequence diagram, perfetto a trace to look at.",
)
def check_command(
    target: str,
    arguments: tuple[str, ...],
    form: str,
    *,
    selfcheck: bool,
    store: bool,
    **options: Any,
) -> None:
    """Explore the interleavings of TARGET and judge them.

    TARGET is path.py (a script, run as __main__ and observed by its output), path.py:function,
    package.module:function, or a folder of models. ARGUMENTS go to a script as sys.argv; put --
    before them.
    """
    given = {name: value for name, value in options.items() if value not in (None, ())}

    def run() -> int:
        if selfcheck:
            if store:
                message = "--store keeps failures of programs, and --selfcheck looks for none"
                raise UsageError(message)
            return _selfcheck(target, arguments, form, given)
        if Path(target).is_dir():
            if store:
                given["store"] = True
            if given or arguments:
                names = ", ".join(f"--{name.replace('_', '-')}" for name in given) or "arguments"
                message = f"a folder is checked with each model's own options: leave out {names}"
                raise UsageError(message)
            if form not in ("text", "json"):
                message = f"a folder is reported as text or json, not as {form}: name one program"
                raise UsageError(message)
            return _check_folder(Path(target), form)
        program = from_target(target, arguments)
        with _progress(form) as progress:
            if store:
                kept, root = _store()
                name = recheck.name_of(program, root)
                report = recheck.check(program, kept, name, progress=progress, **given)
            else:
                report = check(program, progress=progress, **given)
        return _show(report, form)

    _run(run)


def _selfcheck(target: str, arguments: tuple[str, ...], form: str, given: dict[str, Any]) -> int:
    if Path(target).is_dir():
        message = "--selfcheck takes one program: path.py, path.py:function, or module:function"
        raise UsageError(message)
    if form not in ("text", "json"):
        message = f"a self-check is reported as text or json, not as {form}"
        raise UsageError(message)
    with _progress(form) as progress:
        found = compare(from_target(target, arguments), progress=progress, **given)
    if form == "json":
        click.echo(as_json.render(comparison.as_object(found)))
    else:
        for style, line in comparison.lines(found, _width()):
            _say(style, line)
    return INTERRUPTED if found.interrupted else _STATUS_OF_SELFCHECK[found.verdict]


@main.command("replay")
@click.argument("target")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.option("--schedule", metavar="TOKEN", help="The token that a check printed.")
@click.option(
    "--seed", metavar="N", help="SEED:EXECUTION, as a failure found by a sample printed it."
)
@click.option(
    "--strategy",
    type=click.Choice(SAMPLERS),
    help="With --seed: that of the check.  [default: random]",
)
@click.option("--depth", type=click.IntRange(min=1), help="With --seed: that of the check.")
@click.option(
    "--granularity", type=click.Choice(GRANULARITIES), help="With --seed: that of the check."
)
@click.option("--atomicity", type=click.Choice(ATOMICITIES), help="With --seed: that of the check.")
@click.option(
    "--time", type=click.Choice(TIME_MODES), help="With --seed: the time mode of the check."
)
@click.option(
    "--observe", type=click.Choice(OBSERVABLES), help="With --seed: what the check observed."
)
@click.option(
    "--max-steps", type=click.IntRange(min=1), help="Cut after this many events.  [default: 10000]"
)
@click.option(
    "--max-preemptions", type=click.IntRange(min=0), help="With --seed: the bound of the check."
)
@click.option("--include", metavar="PATTERN", multiple=True, help="As for check.")
@click.option("--exclude", metavar="PATTERN", multiple=True, help="As for check.")
@click.option(
    "--expect", metavar="EXPR", help="The outcome must satisfy this expression of `outcome`."
)
@click.option(
    "--fail-on", type=click.Choice(WARNINGS_TO_FAIL_ON), multiple=True, help="As for check."
)
@click.option("--hang-seconds", type=click.FloatRange(min=0, min_open=True), help="As for check.")
@click.option("--fresh", is_flag=True, default=None, help="As for check.")
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    default="text",
    show_default=True,
    help="How to report: mermaid is a sequence diagram, perfetto a trace to look at.",
)
def replay_command(
    target: str,
    arguments: tuple[str, ...],
    schedule: str | None,
    seed: str | None,
    form: str,
    **options: Any,
) -> None:
    """Run one execution of TARGET again, and tell its events.

    Give the --schedule that a check printed, or the --seed of a sampled execution.
    """
    given = {name: value for name, value in options.items() if value not in (None, ())}

    def run() -> int:
        return _show(replay(from_target(target, arguments), schedule, seed=seed, **given), form)

    _run(run)


@main.command("list")
@click.argument("path", type=click.Path(path_type=Path))
def list_command(path: Path) -> None:
    """List the programs in a file or folder, without running them."""

    def run() -> int:
        found = programs(path)
        width = max((len(item.target) for item in found), default=0)
        for item in found:
            click.echo(f"{item.target:<{width}}  {item.summary}".rstrip())
        if not found:
            message = f"{path} holds no programs: no function without arguments, and no script"
            raise UsageError(message)
        return PASS

    _run(run)


@main.command("failures")
def failures_command() -> None:
    """List the failures that earlier checks have kept for this project, and how to replay them."""

    def run() -> int:
        store, _ = _store()
        kept = store.everything()
        for item in kept:
            where = f" at {item.location}" if item.location else ""
            _say("bold", item.program)
            _say("", f"  {item.kind}: {item.message}{where}")
            _say("dim", f"  replay: {item.command}")
        if not kept:
            click.echo(f"no failures are kept in {store.folder}")
        return PASS

    _run(run)


def _store() -> tuple[Store, Path]:
    """Return the store of the project that the current folder belongs to, and its root."""
    root = project_root(Path.cwd())
    return Store(
        root / FOLDER, lambda message: click.echo(f"interleave: {message}", err=True)
    ), root


def _check_folder(path: Path, form: str) -> int:
    results: list[Checked] = []
    with _progress(form) as progress:
        for result in check_folder(path, progress=progress):
            results.append(result)
            if form == "text":
                _say(*_folder_line(result))
                for difference in result.differences if result.report is not None else ():
                    _say("", f"    {difference}")
            if result.report is not None and result.report.interrupted:
                return INTERRUPTED
    wrong = [item for item in results if item.report is not None and not item.as_declared]
    not_run = [item for item in results if item.report is None]
    if form == "json":
        click.echo(as_json.render(_folder_object(path, results, passed=not wrong)))
    else:
        good = len(results) - len(wrong) - len(not_run)
        summary = f"{text.counted(good, 'model')} as declared"
        summary += f", {len(wrong)} not as declared" if wrong else ""
        summary += f", {len(not_run)} not run" if not_run else ""
        _say("bold red" if wrong else "bold green", summary)
    return FAILURE if wrong else PASS


def _folder_line(result: Checked) -> Line:
    report = result.report
    if report is None:
        return "yellow", f"-   {result.target}  {result.differences[0]}"
    extent = "exhaustive" if report.exhaustive else "not exhaustive"
    runs = report.executions + report.blocked + report.cut
    numbers = (
        f"{text.counted(runs, 'execution')}, {extent}, "
        f"{text.counted(len(report.outcomes), 'outcome')}, {report.seconds:.2f} s"
    )
    if result.as_declared:
        return "green", f"ok  {result.target}  {report.verdict}: {numbers}"
    return "bold red", f"NO  {result.target}  {report.verdict}: {numbers}"


def _folder_object(path: Path, results: list[Checked], *, passed: bool) -> dict[str, Any]:
    return {
        "schema": as_json.SCHEMA,
        "target": str(path),
        "verdict": "pass" if passed else "fail",
        "models": [
            {
                "target": item.target,
                "as_declared": item.as_declared,
                "differences": list(item.differences),
                "report": None if item.report is None else as_json.as_object(item.report),
            }
            for item in results
        ],
    }


def _show(report: Report, form: str) -> int:
    """Print a report; return the exit status that goes with it."""
    match form:
        case "json":
            click.echo(as_json.render(as_json.as_object(report)))
        case "mermaid":
            click.echo(mermaid.render(report))
        case "perfetto":
            click.echo(perfetto.render(report))
        case _:
            for style, line in text.lines(report, _width()):
                _say(style, line)
    return INTERRUPTED if report.interrupted else _STATUS[report.verdict]


def _width() -> int:
    """How many columns the terminal has, if there is one."""
    if not sys.stdout.isatty():
        return text.WIDTH
    return max(shutil.get_terminal_size((text.WIDTH, 24)).columns, _NARROWEST)


def _say(style: str, line: str) -> None:
    """Print a line, with its style on a terminal and plain elsewhere."""
    if sys.stdout.isatty():
        Console(highlight=False, soft_wrap=True).print(Text(line, style=style))
    else:
        click.echo(line)


@contextmanager
def _progress(form: str) -> Iterator[Callable[[Exploration], None] | None]:
    """Show how far an exploration is, on a terminal only."""
    console = Console(stderr=True)
    if form != "text" or not console.is_terminal or not sys.stdout.isatty():
        yield None
        return
    with console.status("exploring ...") as status:

        def show(exploration: Exploration) -> None:
            rate = exploration.runs / max(exploration.seconds, 1e-9)
            failures = len(exploration.failures)
            left = estimate.left(exploration.left)
            status.update(
                f"{exploration.runs:,} executions, {rate:,.0f}/s, {left + ', ' if left else ''}"
                f"{len(exploration.outcomes)} outcomes, {failures} failures"
            )

        yield show


def _run(action: Callable[[], int]) -> None:
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


if __name__ == "__main__":
    main()
