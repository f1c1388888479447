"""Which code is instrumented: every live function of the modules in scope, while a check runs.

Functions are found by following references from the program: modules, classes, closures, defaults,
decorated and partial functions, instances. Only the code object of a function is exchanged, so
whoever holds the function has the instrumented one. Modules that are imported while the check runs
are rewritten as they are loaded.
"""

from __future__ import annotations

import dis
import functools
import gc
import sys
from contextlib import contextmanager
from fnmatch import fnmatchcase
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from interleave.core import context
from interleave.core.trace import in_stdlib
from interleave.instrument import hooks, known
from interleave.instrument.holders import holder_of, holders_named, methods_of
from interleave.instrument.rewrite import rewrite
from interleave.instrument.shared_names import is_module_body, stored_globals
from interleave.primitives.installation import TOOLS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from interleave.core.program import Program
    from interleave.instrument.rewrite import Done

_NEVER = frozenset({"interleave", "greenlet", "bytecode"})
_MADE_BY_TOOLS = "hypothesis_temporary_module_"
"""How the modules are named in which Hypothesis writes the functions that take a test's place."""

_PACKAGE = str(Path(__file__).parent.parent)
_LIMIT = 300_000
"""How many objects are looked at while searching for functions."""

_ATOMS = frozenset({str, bytes, int, float, complex, bool, type(None), CodeType, range, slice})

_rewritten: dict[tuple[int, frozenset[str], bool], tuple[CodeType, Done]] = {}


_bodies: dict[tuple[CodeType, str], CodeType] = {}
"""The first of equal code objects: what is imported in each execution is rewritten once."""


class Scope:
    """Decides by module what belongs to the program."""

    def __init__(self, include: tuple[str, ...] = (), exclude: tuple[str, ...] = ()) -> None:
        self.include = include
        self.exclude = exclude
        self._met: set[str] = set()
        self._known: dict[tuple[str, str], bool] = {}

    def holds(self, module: str, file: str | None) -> bool:
        """Whether code of a module, from a file, is instrumented."""
        key = module, file or ""
        found = self._known.get(key)
        if found is None:
            self._met.add(module)
            found = self._known[key] = self._decide(module, file)
        return found

    def unmet(self) -> list[str]:
        """Return the patterns to include that fit no module, of those there are by now."""
        there = {*self._met, *sys.modules} if self.include else ()
        return [one for one in self.include if not any(_matches(name, (one,)) for name in there)]

    def _decide(self, module: str, file: str | None) -> bool:
        if module.partition(".")[0] in _NEVER or (file or "").startswith(_PACKAGE):
            return False
        if _matches(module, self.exclude):
            return False
        if _matches(module, self.include):
            return True
        if module.partition(".")[0] in TOOLS or module.startswith(_MADE_BY_TOOLS):
            return False
        if file is None or file.startswith("<"):
            loaded = sys.modules.get(module)
            file = getattr(loaded, "__file__", None)
            return file is not None and not in_stdlib(file)
        return not in_stdlib(file)

    def holds_function(self, function: FunctionType) -> bool:
        """Whether a function is instrumented."""
        name = function.__globals__.get("__name__")
        file = function.__code__.co_filename
        if name is None:
            return file.startswith("<")  # the program has made it, with names of its own
        return isinstance(name, str) and self.holds(name, file)

    def holds_module(self, module: ModuleType) -> bool:
        """Whether the functions of a module are instrumented."""
        name = module.__dict__.get("__name__")
        file = module.__dict__.get("__file__")
        return isinstance(name, str) and isinstance(file, str) and self.holds(name, file)

    def holds_class(self, cls: type) -> bool:
        """Whether the methods of a class are looked at."""
        name = cls.__dict__.get("__module__")
        loaded = sys.modules.get(name) if isinstance(name, str) else None
        if loaded is None:
            return isinstance(name, str) and self.holds(name, "?")
        return self.holds_module(loaded) or name == "__main__"


def _matches(module: str, patterns: tuple[str, ...]) -> bool:
    return any(
        fnmatchcase(module, pattern) or module.startswith(f"{pattern}.") for pattern in patterns
    )


class Instrumentation:
    """What is instrumented for the length of one check."""

    def __init__(self, scope: Scope, *, under_gil: bool = False) -> None:
        self.scope = scope
        self.under_gil = under_gil
        self.modules: list[str] = []
        self.failed: list[str] = []
        self._exchanged: list[tuple[FunctionType, CodeType]] = []
        self._originals: dict[int, CodeType] = {}
        self._inside: dict[int, CodeType] = {}  # what became of functions inside others
        self._kept: list[Any] = []
        self._references: dict[int, int] = {}  # to each rewritten code object, all being in place
        self._holders: set[type] = set()  # whose methods are instrumented, too

    def instrument(self, roots: list[Any]) -> None:
        """Exchange the code of every function in scope that can be reached."""
        self._exchange(roots)
        self._references = _references()

    def _exchange(self, roots: list[Any]) -> None:
        search = _Search(self.scope)
        functions = search.functions(roots)
        for function in functions:
            search.holders.update(dict.fromkeys(holders_named(_words(function.__code__))))
        for function in self._exchange_code(functions):
            self._cover(function.__globals__.get("__name__"))
        self._exchange_holders(search.holders)

    def _exchange_holders(self, holders: Iterable[type]) -> None:
        """Exchange the methods of classes of the standard library that hold the program's data."""
        new = [
            cls
            for cls in holders
            if cls not in self._holders and not _matches(cls.__module__, self.scope.exclude)
        ]
        self._holders.update(new)
        self._exchange_code([function for cls in new for function in methods_of(cls)])

    def _exchange_code(self, functions: list[FunctionType]) -> list[FunctionType]:
        """Rewrite functions; return those whose code is another one now."""
        exchanged = []
        originals = {id(function.__code__): function for function in functions}
        inner = {
            id(code)
            for function in originals.values()
            for code in _codes(function.__code__)
            if code is not function.__code__
        }
        for function in functions:
            self._note_stores(function.__code__, function.__globals__)
        hooks.forget_lookups()
        for function in sorted(functions, key=lambda function: id(function.__code__) in inner):
            code = function.__code__
            new = self.code(code, function.__globals__)
            if new is not code:
                function.__code__ = new
                self._exchanged.append((function, code))
                exchanged.append(function)
        return exchanged

    def meet(self, functions: Iterable[FunctionType]) -> bool:
        """Instrument functions in scope that were made while the check runs.

        Code that is made anew in each execution is rewritten once. Who gets its own code back is
        found at the end: the functions are not kept.
        """
        met = False
        for function in functions:
            code = function.__code__
            if id(code) in self._originals or not self.scope.holds_function(function):
                continue
            code = _bodies.setdefault((code, code.co_filename), code)
            self._note_stores(code, function.__globals__)
            new = self.code(code, function.__globals__)
            if new is not code:
                function.__code__ = new
                self._cover(function.__globals__.get("__name__"))
                met = True
        if met:
            hooks.forget_lookups()
        return met

    def code(self, code: CodeType, names: dict[str, Any]) -> CodeType:
        """Return the rewriting of a code object that runs with these global names."""
        if id(code) in self._originals:
            return code  # rewritten already
        shared = frozenset(hooks.shared_globals.get(id(names), ())) | stored_globals(code)
        if id(names) not in hooks.shared_globals:
            hooks.shared_globals[id(names)] = set(shared)
        relevant = frozenset(
            name for name in shared if any(name in item.co_names for item in _codes(code))
        )
        key = id(code), relevant, self.under_gil
        found = _rewritten.get(key)
        if found is None:
            outer = self._inside.get(id(code))
            done: Done = {}
            try:
                new = outer or rewrite(
                    code, hooks, shared_globals=relevant, done=done, under_gil=self.under_gil
                )
            except Exception as error:  # noqa: BLE001 - it runs as it is, and that is said
                self.failed.append(f"{code.co_qualname} ({type(error).__name__}: {error})")
                return code
            done[id(code)] = code, new
            found = _rewritten[key] = new, done
        new, done = found
        for before, after in done.values():
            self._originals[id(after)] = before
            hooks.own_codes[id(after)] = after
            self._inside[id(before)] = after
        return new

    def body(self, code: CodeType, names: dict[str, Any]) -> CodeType:
        """Return the rewriting of the body of a module or script that is about to run."""
        code = _bodies.setdefault((code, code.co_filename), code)
        self._kept.append(names)
        self._note_stores(code, names)
        hooks.forget_lookups()
        self._cover(names.get("__name__"))
        self._exchange_holders(holders_named(_words(code)))
        return self.code(code, names)

    def restore(self) -> None:
        """Give every function its own code back."""
        expected = self._references
        for function, code in self._exchanged:
            if id(function.__code__) in expected:
                expected[id(function.__code__)] -= 1
            function.__code__ = code
        self._exchanged.clear()
        if _references() == expected:
            return  # nobody holds a function that the program defined meanwhile
        for item in gc.get_objects():
            if type(item) is FunctionType:
                before = self._originals.get(id(item.__code__))
                if before is not None:
                    item.__code__ = before

    def _cover(self, name: Any) -> None:
        if isinstance(name, str) and name not in self.modules:
            self.modules.append(name)

    def _note_stores(self, code: CodeType, names: dict[str, Any]) -> None:
        """Note which attributes and global names may change."""
        shared = hooks.shared_globals.setdefault(id(names), set())
        shared |= stored_globals(code)
        attributes, through = _stored_attributes(code)
        hooks.stored_attributes.update(attributes)
        hooks.looked_through.update(_words(code) & _LOOKING_THROUGH)
        if is_module_body(code) and "locals" in code.co_names:
            hooks.looked_through.add("locals")  # of a module, which are its global names
        for holder, name in through:
            module = names.get(holder)
            if isinstance(module, ModuleType):
                hooks.shared_globals.setdefault(id(module.__dict__), set()).add(name)


def _references() -> dict[int, int]:
    """Count the references to each rewritten code object; looking for them takes far longer."""
    return {key: sys.getrefcount(code) for key, code in hooks.own_codes.items()}


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


_STORES = ("STORE_ATTR", "DELETE_ATTR")
_LOOKING_THROUGH = frozenset({"__dict__", "vars", "globals", "exec", "eval"})


@functools.cache
def _words(code: CodeType) -> frozenset[str]:
    """The names and the texts in code."""
    return frozenset(
        word
        for item in _codes(code)
        for word in (*item.co_names, *item.co_consts)
        if isinstance(word, str)
    )


@functools.cache
def _stored_attributes(code: CodeType) -> tuple[frozenset[str], frozenset[tuple[str, str]]]:
    """The names of attributes that code stores to; and those that it stores to a global object."""
    names: set[str] = set()
    through: set[tuple[str, str]] = set()
    for item in _codes(code):
        before = None
        for instruction in dis.get_instructions(item):
            if instruction.opname in _STORES:
                names.add(instruction.argval)
                if before is not None and before.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                    through.add((before.argval, instruction.argval))
            before = instruction
    return frozenset(names), frozenset(through)


class _Search:
    """Follows references to the functions in scope."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.seen: set[int] = set()
        self.waiting: list[Any] = []
        self.found: list[FunctionType] = []
        self.holders: dict[type, None] = {}  # in the order in which they were met

    def functions(self, roots: list[Any]) -> list[FunctionType]:
        self.waiting.extend(reversed(roots))
        seen = self.seen
        while self.waiting and len(seen) < _LIMIT:
            item = self.waiting.pop()
            if id(item) in seen or type(item) in _ATOMS:
                continue
            seen.add(id(item))
            self._look(item)
        return self.found

    def _look(self, item: Any) -> None:
        holder = holder_of(item)
        if holder is not None:
            self.holders[holder] = None
        if type(item) is FunctionType:
            if self.scope.holds_function(item):
                self.found.append(item)
                self._imports(item)
                self.waiting.append(item.__globals__)
            self.waiting.extend(
                (item.__closure__, item.__defaults__, item.__kwdefaults__, item.__dict__)
            )
        elif isinstance(item, ModuleType):
            if self.scope.holds_module(item):
                self.waiting.append(item.__dict__)
        elif isinstance(item, type):
            if self.scope.holds_class(item):
                self.waiting.extend(gc.get_referents(item))
        elif gc.is_tracked(item) and type(item).__module__.partition(".")[0] not in TOOLS:
            self.waiting.extend(gc.get_referents(item))

    def _imports(self, function: FunctionType) -> None:
        """Modules that a function imports when it runs may be loaded already."""
        package = function.__globals__.get("__package__")
        for name in _imported(function.__code__):
            for full in (name, f"{package}.{name}"):
                module = sys.modules.get(full)
                if module is not None:
                    self.waiting.append(module)


@functools.cache
def _imported(code: CodeType) -> tuple[str, ...]:
    return tuple(
        instruction.argval
        for item in _codes(code)
        for instruction in dis.get_instructions(item)
        if instruction.opname == "IMPORT_NAME"
    )


@contextmanager
def instrumented(
    program: Program,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    *,
    under_gil: bool = False,
) -> Iterator[Instrumentation]:
    """Instrument a program and what it uses while the block runs.

    With `under_gil` the code also says where a CPython with the GIL lets another thread in.
    """
    work = Instrumentation(Scope(include, exclude), under_gil=under_gil)
    roots: list[Any] = [program.call]
    roots.extend(
        module
        for name, module in (list(sys.modules.items()) if include else ())
        if isinstance(module, ModuleType) and _matches(name, include)
    )
    try:
        hooks.gate[:] = [True]
        context.call_hook = hooks.call
        known.meet_functions = work.meet
        work.instrument(roots)
        with imports_rewritten(work), _script_rewritten(program, work):
            yield work
    finally:
        hooks.gate.clear()
        context.call_hook = None
        known.meet_functions = None
        known.foreign_codes.clear()
        work.restore()
        hooks.memory.forget()
        hooks.own_codes.clear()
        hooks.shared_globals.clear()
        hooks.stored_attributes.clear()
        hooks.looked_through.clear()
        hooks.forget_lookups()


@contextmanager
def imports_rewritten(work: Instrumentation) -> Iterator[None]:
    """Rewrite modules as they are imported."""
    original: Callable[[Any, str], CodeType | None] = SourceFileLoader.get_code

    def get_code(self: SourceFileLoader, fullname: str) -> CodeType | None:
        code = original(self, fullname)
        if code is None or not work.scope.holds(fullname, code.co_filename):
            return code
        module = sys.modules.get(fullname)
        return work.body(code, {} if module is None else module.__dict__)

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign,assignment]  # put back below
    try:
        yield
    finally:
        del SourceFileLoader.get_code


@contextmanager
def _script_rewritten(program: Program, work: Instrumentation) -> Iterator[None]:
    """Rewrite the code of a script, which is run anew in each execution."""
    if not program.script:
        yield
        return
    script: Any = program.call
    code = script.code
    script.code = work.body(code, {"__name__": "__main__"})
    try:
        yield
    finally:
        script.code = code
