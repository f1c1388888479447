"""Finds the programs in files and folders, and checks models against what they declare."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from interleave.checker import outcome_of
from interleave.core.model import model_of
from interleave.core.program import from_callable, import_file, programs_in
from interleave.errors import UsageError
from interleave.report.models import Checked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from interleave.core.model import Model
    from interleave.exploration import Exploration
    from interleave.report.report import Report


@dataclass(frozen=True, slots=True)
class Listed:
    """A program that was found: its target, and its first line of documentation."""

    target: str
    summary: str
    is_model: bool


def programs(path: Path) -> list[Listed]:
    """Return the programs of a file or folder, without running any of them.

    Raises:
        UsageError: when there is no such path, or a file cannot be read as Python.
    """
    found: list[Listed] = []
    for file in python_files(path):
        found.extend(_programs_of(file))
    return found


def python_files(path: Path) -> list[Path]:
    """Return the Python files under a path, in order.

    Raises:
        UsageError: when there is no such path.
    """
    if not path.exists():
        message = f"there is no file or folder {str(path)!r} (from {Path.cwd()})"
        raise UsageError(message)
    if path.is_file():
        return [path]
    return sorted(
        file
        for file in path.rglob("*.py")
        if not any(part.startswith(".") for part in file.relative_to(path).parts)
    )


def _programs_of(file: Path) -> Iterator[Listed]:
    try:
        tree = ast.parse(file.read_bytes(), str(file))
    except (SyntaxError, ValueError) as error:
        message = f"{file} cannot be read as Python: {error}"
        raise UsageError(message) from error
    functions = [
        node for node in tree.body if isinstance(node, ast.FunctionDef) and not _yields(node)
    ]
    models = [node for node in functions if any(map(_names_model, node.decorator_list))]
    plain = [node for node in functions if not _parameters(node) and node.name[0] != "_"]
    for node in models or plain:
        yield Listed(f"{file}:{node.name}", _summary(node), bool(models))
    if any(_runs(node) for node in tree.body):
        yield Listed(str(file), _summary(tree), is_model=False)


def _names_model(node: ast.expr) -> bool:
    called = node.func if isinstance(node, ast.Call) else node
    return ast.unparse(called) in ("model", "interleave.model")


def _parameters(node: ast.FunctionDef) -> int:
    arguments = node.args
    required = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
    return required + sum(default is None for default in arguments.kw_defaults)


def _yields(node: ast.AST) -> bool:
    """Whether a function is a generator; those inside it are others."""
    return any(
        isinstance(inner, ast.Yield | ast.YieldFrom)
        or (
            not isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            and _yields(inner)
        )
        for inner in ast.iter_child_nodes(node)
    )


def _summary(node: ast.FunctionDef | ast.Module) -> str:
    text = ast.get_docstring(node) or ""
    return text.splitlines()[0] if text else ""


def _runs(node: ast.stmt) -> bool:
    """Whether a statement at the top of a file does something, so that the file is a script."""
    if isinstance(node, ast.If):
        return "__name__" in ast.unparse(node.test)
    if isinstance(node, ast.Expr):
        return not isinstance(node.value, ast.Constant)
    return isinstance(node, ast.For | ast.While | ast.With)


def check_folder(
    path: Path,
    *,
    progress: Callable[[Exploration], None] | None = None,
    started: Callable[[str], None] | None = None,
) -> Iterator[Checked]:
    """Check every model under a path, each with its own options.

    Raises:
        UsageError: when there are no models.
    """
    targets = [item.target for item in programs(path) if item.is_model]
    if not targets:
        message = (
            f"{path} holds no models: mark programs with @interleave.model(...), "
            "or name one program, path.py:function"
        )
        raise UsageError(message)
    for target in targets:
        if started is not None:
            started(target)
        file, _, name = target.rpartition(":")
        function = programs_in(import_file(Path(file)))[name]
        declared = model_of(function)
        if declared is None:
            message = f"{target} is marked with a decorator named model that is not interleave's"
            raise UsageError(message)
        yield check_model(function, declared, target, progress=progress)


def check_model(
    function: Callable[[], object],
    declared: Model,
    target: str,
    *,
    progress: Callable[[Exploration], None] | None = None,
) -> Checked:
    """Check one model, and compare what came out with what it declares."""
    options = dict(declared.options)
    options.setdefault("keep_going", bool(declared.failures))
    report = outcome_of(
        from_callable(function, target),
        progress=progress,
        expect=declared.expect,
        reach=declared.reach,
        **options,
    )
    return Checked(target, report, tuple(_differences(declared, report)))


def _differences(declared: Model, report: Report) -> Iterator[str]:
    if report.verdict != declared.verdict:
        why = "".join(f"; {reason}" for reason in report.reasons)
        yield f"verdict {report.verdict}, declared {declared.verdict}{why}"
    if declared.outcomes is not None:
        missing = [value for value in declared.outcomes if value not in report.outcomes]
        extra = [value for value in report.outcomes if value not in declared.outcomes]
        if missing:
            yield f"declared outcomes that did not come out: {missing!r}"
        if extra:
            yield f"outcomes that are not declared: {extra!r}"
    if declared.outcome_count is not None and len(report.outcomes) != declared.outcome_count:
        yield f"{len(report.outcomes)} outcomes, declared {declared.outcome_count}"
    kinds = {failure.kind for failure in report.failures}
    for kind in sorted(set(declared.failures) - kinds):
        yield f"declared failure {kind} was not found"
    for failure in report.failures:
        if failure.kind not in declared.failures:
            yield f"failure that is not declared: {failure.kind}: {failure.message}"
    for kind in declared.warnings:
        if kind not in {warning.kind for warning in report.warnings}:
            yield f"declared warning {kind} was not given"
