"""The command line: check, replay, list, failures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import interleave
from interleave import recheck, terminal
from interleave.checker import check, replay
from interleave.core.program import from_target
from interleave.errors import UsageError
from interleave.exits import FAILURE, INTERRUPTED, PASS, STATUS, STATUS_OF_SELFCHECK, run_and_exit
from interleave.folder import check_folder, programs
from interleave.report import as_json, comparison, mermaid, models, perfetto, text
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
    from interleave.report.models import Checked
    from interleave.report.report import Report

_FORMATS = ("text", "json", "mermaid", "perfetto")


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
    "[default: dpor; dfs with granularity sync]",
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
        if target and Path(target).is_dir():
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
        with terminal.progress(form) as progress:
            if store:
                kept, root = _store()
                name = recheck.name_of(program, root)
                report = recheck.check(program, kept, name, progress=progress, **given)
            else:
                report = check(program, progress=progress, **given)
        return _show(report, form)

    run_and_exit(run)


def _selfcheck(target: str, arguments: tuple[str, ...], form: str, given: dict[str, Any]) -> int:
    if Path(target).is_dir():
        message = "--selfcheck takes one program: path.py, path.py:function, or module:function"
        raise UsageError(message)
    if form not in ("text", "json"):
        message = f"a self-check is reported as text or json, not as {form}"
        raise UsageError(message)
    with terminal.progress(form) as progress:
        found = compare(from_target(target, arguments), progress=progress, **given)
    if form == "json":
        click.echo(as_json.render(comparison.as_object(found)))
    else:
        for style, line in comparison.lines(found, terminal.width()):
            terminal.say(style, line)
    return INTERRUPTED if found.interrupted else STATUS_OF_SELFCHECK[found.verdict]


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

    run_and_exit(run)


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

    run_and_exit(run)


@main.command("failures")
def failures_command() -> None:
    """List the failures that earlier checks have kept for this project, and how to replay them."""

    def run() -> int:
        store, _ = _store()
        kept = store.everything()
        for item in kept:
            where = f" at {item.location}" if item.location else ""
            terminal.say("bold", item.program)
            message = item.message.replace("\n", "\n    ")
            terminal.say("", f"  {item.kind}: {message}{where}")
            terminal.say("dim", f"  replay: {item.command}")
        if not kept:
            click.echo(f"no failures are kept in {store.folder}")
        return PASS

    run_and_exit(run)


def _store() -> tuple[Store, Path]:
    """Return the store of the project that the current folder belongs to, and its root."""
    root = project_root(Path.cwd())
    return Store(
        root / FOLDER, lambda message: click.echo(f"interleave: {message}", err=True)
    ), root


def _check_folder(path: Path, form: str) -> int:
    results: list[Checked] = []
    with terminal.progress(form) as progress:
        for result in check_folder(path, progress=progress):
            results.append(result)
            if form == "text":
                terminal.say(*models.line(result))
                for difference in result.differences if result.report is not None else ():
                    terminal.say("", f"    {difference}")
            if result.report is not None and result.report.interrupted:
                return INTERRUPTED
    wrong = [item for item in results if item.report is not None and not item.as_declared]
    not_run = [item for item in results if item.report is None]
    if form == "json":
        click.echo(as_json.render(models.as_object(path, results, passed=not wrong)))
    else:
        good = len(results) - len(wrong) - len(not_run)
        summary = f"{text.counted(good, 'model')} as declared"
        summary += f", {len(wrong)} not as declared" if wrong else ""
        summary += f", {len(not_run)} not run" if not_run else ""
        terminal.say("bold red" if wrong else "bold green", summary)
    return FAILURE if wrong else PASS


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
            for style, line in text.lines(report, terminal.width()):
                terminal.say(style, line)
    return INTERRUPTED if report.interrupted else STATUS[report.verdict]


if __name__ == "__main__":
    main()
