"""A program is what is checked: a callable without arguments, or a script, with a stable name."""

from __future__ import annotations

import builtins
import dataclasses
import importlib
import importlib.util
import inspect
import sys
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from interleave.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MODEL_ATTRIBUTE = "__interleave_model__"


@dataclass(frozen=True, slots=True)
class Program:
    """Something to run again and again.

    `call` builds fresh state, starts threads, and returns or raises. `name` is what a schedule
    token is bound to (`module:function` or the script's file name); `target` is what the user
    typed, or would type, to mean it. `replay` holds the words of the command that replays one of
    its schedules, up to the token, where that is not `interleave replay`.
    """

    call: Callable[[], Any]
    name: str
    target: str
    script: bool = False
    arguments: tuple[str, ...] = ()
    replay: tuple[str, ...] = ()


def from_callable(function: Callable[[], Any], target: str | None = None) -> Program:
    """Wrap a callable.

    Raises:
        UsageError: when it is not callable, or needs arguments.
    """
    if not callable(function):
        message = f"{function!r} is not callable: a program is a function without arguments"
        raise UsageError(message)
    _refuse_parameters(function)
    module = getattr(function, "__module__", None) or "?"
    qualified = getattr(function, "__qualname__", type(function).__qualname__)
    name = f"{module.rsplit('.', 1)[-1]}:{qualified}"
    return Program(function, name, target or _target_of(function, name))


def _target_of(function: Callable[[], Any], name: str) -> str:
    file = inspect.getsourcefile(function) if isinstance(function, FunctionType) else None
    if file is None or "<" in name:
        return name
    path = Path(file)
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    return f"{shown}:{function.__qualname__}"


def _refuse_parameters(function: Callable[[], Any]) -> None:
    if inspect.iscoroutinefunction(function):
        message = f"{function.__qualname__} is a coroutine: interleave checks threads, not asyncio"
        raise UsageError(message)
    if _is_generator(function):
        message = (
            f"{function.__qualname__} is a generator: calling it runs nothing of it; wrap it in a "
            "function that goes through what it yields"
        )
        raise UsageError(message)
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # a builtin without a signature: the call will tell
        return
    needed = [
        parameter.name
        for parameter in parameters
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    if needed:
        name = getattr(function, "__qualname__", repr(function))
        message = (
            f"{name} needs arguments ({', '.join(needed)}): a program takes none; "
            "wrap it in a function that makes them"
        )
        raise UsageError(message)


def _is_generator(function: Any) -> bool:
    return inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)


def from_target(target: str, arguments: Sequence[str] = ()) -> Program:
    """Find `path.py`, `path.py:function` or `package.module:function`.

    Raises:
        UsageError: saying what was not found, and what there is instead.
    """
    place, colon, qualified = target.rpartition(":")
    if not colon or place.endswith(("\\", "/")):
        place, qualified = target, ""
    elif not qualified:
        message = f"target {target!r} names no function after its colon"
        raise UsageError(message)
    if place.endswith(".py"):
        path = Path(place)
        if not path.is_file():
            message = f"there is no file {place!r} (from {Path.cwd()})"
            raise UsageError(message)
        if not qualified:
            return _script(path, arguments, target)
        module = import_file(path)
    elif qualified:
        module = _import_name(place, target)
    else:
        message = (
            f"target {target!r} is no script and no folder: it must be path.py, path.py:function, "
            "package.module:function, or a folder of models"
        )
        raise UsageError(message)
    if arguments:
        message = f"arguments {list(arguments)} go to a script only; {target!r} names a function"
        raise UsageError(message)
    return from_callable(_attribute(module, qualified, target), target)


def fresh(program: Program) -> Program:
    """Return a program that imports its module anew whenever it is called.

    Raises:
        UsageError: for what no import leads to: a script (which runs anew anyway), a function
            inside another, one of `__main__`, a module that comes from no file.
    """
    function: Any = program.call
    if program.script:
        return program
    name, qualified = getattr(function, "__module__", None), getattr(function, "__qualname__", "<")
    module = sys.modules.get(name or "")
    reason = None
    if "<" in qualified:
        reason = "it is made by code that runs, and not found by its name in a module"
    elif name == "__main__" or module is None:
        reason = f"its module {name!r} is not one that can be imported"
    elif module.__spec__ is None or not module.__spec__.has_location:
        reason = f"its module {name!r} comes from no file"
    if reason is not None:
        message = (
            f"{program.name} cannot be made fresh: {reason}; give a target, path.py:function or "
            "package.module:function, or leave out --fresh"
        )
        raise UsageError(message)
    assert name is not None
    assert module is not None
    spec = module.__spec__

    def call() -> Any:
        found: Any = sys.modules.get(name) or _import_anew(name, spec)
        for part in qualified.split("."):
            found = getattr(found, part)
        return found()

    return dataclasses.replace(program, call=call)


def _import_anew(name: str, spec: Any) -> ModuleType:
    if "." in name:
        return importlib.import_module(name)  # in its package, which is imported anew as well
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _attribute(module: ModuleType, qualified: str, target: str) -> Any:
    found: Any = module
    for part in qualified.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            names = ", ".join(programs_in(module)) or "none"
            message = (
                f"target {target!r}: {module.__name__} has no {qualified!r}; programs: {names}"
            )
            raise UsageError(message) from None
    return found


def programs_in(module: ModuleType) -> dict[str, Callable[[], Any]]:
    """Return the programs of a module by name: its models or else what can be called at once."""
    own: dict[str, Callable[[], Any]] = {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, FunctionType)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    }
    models = {name: value for name, value in own.items() if hasattr(value, MODEL_ATTRIBUTE)}
    if models:
        return models
    return {
        name: value
        for name, value in own.items()
        if not inspect.signature(value).parameters
        and not inspect.iscoroutinefunction(value)
        and not _is_generator(value)
    }


def import_file(path: Path) -> ModuleType:
    """Import a file as the module that it is, in its package if it has one.

    Raises:
        UsageError: when the file cannot be imported, with the reason.
    """
    path = path.resolve()
    parts = [path.stem]
    folder = path.parent
    while (folder / "__init__.py").is_file():
        parts.insert(0, folder.name)
        folder = folder.parent
    name = ".".join(parts)
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    loaded = sys.modules.get(name)
    if loaded is not None and _is_file(loaded, path):
        return loaded
    if loaded is not None and len(parts) == 1:
        # Another module has the name: load this one beside it.
        name = f"{name}@{path.parent.name}"
        if name in sys.modules and _is_file(sys.modules[name], path):
            return sys.modules[name]
    try:
        if len(parts) > 1:
            return importlib.import_module(name)
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    except BaseException as error:
        sys.modules.pop(name, None)
        if isinstance(error, KeyboardInterrupt):
            raise
        message = f"{path.name} cannot be imported: {type(error).__name__}: {error}"
        raise UsageError(message) from error
    return module


def _is_file(module: ModuleType, path: Path) -> bool:
    file = getattr(module, "__file__", None)
    return file is not None and Path(file).resolve() == path


def _import_name(name: str, target: str) -> ModuleType:
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        message = f"target {target!r}: no module named {error.name!r} (from {Path.cwd()})"
        raise UsageError(message) from error
    except Exception as error:
        message = f"target {target!r}: {name} cannot be imported: {type(error).__name__}: {error}"
        raise UsageError(message) from error


def _script(path: Path, arguments: Sequence[str], target: str) -> Program:
    try:
        code = compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        message = f"{path} cannot be compiled: {error}"
        raise UsageError(message) from error
    return Program(
        _Script(path, code, arguments), path.name, target, script=True, arguments=tuple(arguments)
    )


class _Script:
    """Runs a script as `__main__`, in a fresh namespace each time."""

    def __init__(self, path: Path, code: Any, arguments: Sequence[str]) -> None:
        self._path = path
        self._folder = str(path.resolve().parent)
        self.code = code
        self._arguments = [str(path), *arguments]
        self.__name__ = path.name

    def __call__(self) -> None:
        module = ModuleType("__main__")
        module.__file__ = str(self._path)
        module.__dict__["__builtins__"] = builtins
        sys.modules["__main__"] = module
        sys.argv = list(self._arguments)
        if sys.path[0] != self._folder:
            sys.path.insert(0, self._folder)
        exec(self.code, module.__dict__)
