"""A session is the simulated world of one check: what is patched, the runtime, the program."""

from __future__ import annotations

import gc
import linecache
import sys
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from greenlet import GreenletExit

from interleave import _real
from interleave.core.context import in_task
from interleave.core.interruption import interruptible
from interleave.core.outcome import Hung, Interrupted, Uncontrolled
from interleave.core.program import fresh
from interleave.core.runtime import Runtime
from interleave.core.surroundings import Surroundings
from interleave.core.trace import user_place
from interleave.core.watchdog import watching
from interleave.instrument import hooks
from interleave.instrument.scope import instrumented
from interleave.primitives import imports
from interleave.primitives.patching import simulated
from interleave.primitives.raw_threads import running_for_real
from interleave.strategies.replay import Replay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import ModuleType

    from interleave.core.execution import Execution
    from interleave.core.outcome import Ending
    from interleave.core.program import Program
    from interleave.core.strategy import Strategy
    from interleave.instrument.scope import Instrumentation
    from interleave.primitives.adoption import Adopted
    from interleave.settings import Settings


class Session:
    """Runs executions of one program while the standard library is simulated."""

    def __init__(self, program: Program, settings: Settings, adopted: Adopted) -> None:
        self.program = program
        self.settings = settings
        self.runtime = Runtime(settings)
        self._adopted = adopted
        self._modules = set(sys.modules)
        imports.expect_loaded(() if settings.fresh else self._modules)
        self.watch_threads()
        self.instrumentation: Instrumentation | None = None
        self.judging: Callable[[Execution], None] | None = None

    def watch_threads(self) -> None:
        """Take the real threads that run now for those that the program has not started."""
        self._idents = set(sys._current_frames())
        self._beside = len(running_for_real)
        self._threads = _real.count_threads()

    def execute(
        self, strategy: Strategy, *, recording: bool = False, judged: bool = True
    ) -> Execution:
        """Run the program once; if somebody is there to judge it, let them."""
        if self.settings.fresh or len(sys.modules) > len(self._modules):
            self._forget_modules()
        try:
            execution = self.runtime.execute(self.program.call, strategy, recording=recording)
        finally:
            hooks.memory.clear()
        # Not only those of this execution: a thread is counted once it runs, which may be late.
        # Those that other real threads start, beside the program, are no business of the check.
        threads, beside = _real.count_threads(), len(running_for_real)
        if threads > self._threads + beside - self._beside:
            execution.ending = self._uncontrolled(execution.ending)
        if threads < self._threads or beside > self._beside:
            self._threads, self._beside = threads, beside
        self._adopted.restore_locals()
        if judged:
            self.judge(execution)
        return execution

    def judge(self, execution: Execution) -> None:
        """Let `judging` see how an execution ended, and change the ending."""
        if self.judging is None:
            return
        hosting = self.runtime.hosting
        self.runtime.hosting = True
        try:
            self.judging(execution)
        finally:
            self.runtime.hosting = hosting

    def _uncontrolled(self, ending: Ending) -> Ending:
        """Say that a real thread was started, behind the back of the check."""
        if isinstance(ending, Interrupted | Hung | Uncontrolled):
            return ending
        found = [
            place
            for ident, frame in sys._current_frames().items()
            if ident not in self._idents and (place := user_place(frame)) is not None
        ]
        where = f", which is at {found[0]} now" if found else ""
        message = (
            f"a real thread was started while the program ran{where}: neither threading nor "
            "_thread was called for it under a name that a check replaces, and it cannot be "
            "scheduled; start it through threading.Thread, inside the program"
        )
        return Uncontrolled(message, str(found[0]) if found else None)

    def collect(self) -> None:
        """Run the cyclic collector: what finalisers of the program do to primitives is nothing."""
        if self.runtime.count == 0:  # nothing has run, and so nothing is left of it
            return
        with self.runtime.between_executions():
            gc.collect()

    def _forget_modules(self) -> None:
        """Let the program import its own modules anew each time, as it makes all its state anew.

        Those that were imported before the check stay, unless everything is to be fresh.
        """
        fresh = self.settings.fresh
        for name in [name for name in sys.modules if fresh or name not in self._modules]:
            if name != "__main__" and _is_programs_own(sys.modules[name]):
                _forget(name)
            else:
                self._modules.add(name)

    def record(self, choices: Sequence[int], *, stacks: bool = False) -> Execution:
        """Run an execution again, and keep the places in the source and the names of things.

        `stacks` asks for the callers of each place, too.
        """
        strategy = Replay(choices, naming=True)
        self.runtime.stacking = stacks
        try:
            execution = self.recorded(strategy)
        finally:
            self.runtime.stacking = False
        execution.anchors = tuple(strategy.anchors)
        return execution

    def recorded(self, strategy: Strategy) -> Execution:
        """Run the one execution that a strategy asks for, and record it."""
        strategy.begin()
        with resting_collector():
            return self.execute(strategy, recording=True)


@contextmanager
def resting_collector() -> Iterator[None]:
    """Let the cyclic collector rest: the finalisers that it runs would come at any moment."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _is_programs_own(module: object) -> bool:
    return imports.is_own_place(getattr(module, "__file__", None))


def _restore(modules: dict[str, ModuleType]) -> None:
    """Put the modules of the program back that were imported anew, and take away what came.

    So the next check of the program finds what this one has found.
    """
    for name in [name for name in sys.modules if name not in modules]:
        if _is_programs_own(sys.modules[name]):
            _forget(name)
    sys.modules.update(modules)


def _forget(name: str) -> None:
    """Let a module be imported anew: its package has it as an attribute, too."""
    module = sys.modules.pop(name)
    package, _, last = name.rpartition(".")
    names = getattr(sys.modules.get(package), "__dict__", {})
    if names.get(last) is module:
        del names[last]


_FROZEN_BY_PYTHON = 5_000


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Let the cyclic collector run when it is told to alone: finalisers would break replay."""
    collecting = gc.isenabled()
    gc.disable()
    # A fresh 3.12 has a few hundred frozen objects; many thousands are the program's own wish.
    freezing = gc.get_freeze_count() < _FROZEN_BY_PYTHON
    if freezing:
        gc.freeze()  # what is there already need not be looked through again and again
    try:
        yield
    finally:
        if freezing:
            gc.unfreeze()
        if collecting:
            gc.enable()
        else:
            gc.disable()


@contextmanager
def _ends_of_tasks_unseen(runtime: Runtime) -> Iterator[None]:
    """Let Python not complain of the exception that ends a task while a finaliser waits.

    A finaliser of the program, or ours of a pool that was dropped, may be at a schedule point when
    the execution is over.
    """
    before = sys.unraisablehook

    def hook(unraisable: sys.UnraisableHookArgs) -> None:
        if unraisable.exc_type is GreenletExit and in_task():
            runtime.swallowed()
        else:
            before(unraisable)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        if sys.unraisablehook is hook:
            sys.unraisablehook = before


@contextmanager
def session(program: Program, settings: Settings) -> Iterator[Session]:
    """Simulate the standard library while the block runs, and leave the process as it was."""
    surroundings = Surroundings()
    linecache.checkcache()  # the program may have been edited since its lines were last told
    if settings.fresh:
        program = fresh(program)
    modules = dict(sys.modules)
    with simulated(program.call) as adopted:
        opened = Session(program, settings, adopted)
        rewritten = (
            instrumented(
                program,
                settings.include,
                settings.exclude,
                under_gil=settings.atomicity == "gil",
            )
            if settings.granularity == "memory"
            else nullcontext()
        )
        try:
            with (
                watching(opened.runtime, settings.hang_seconds),
                interruptible(opened.runtime),
                _collector_at_rest(),
                _ends_of_tasks_unseen(opened.runtime),
                rewritten as opened.instrumentation,
            ):
                opened.watch_threads()
                try:
                    yield opened
                finally:
                    opened.collect()
        finally:
            opened.runtime.close()
            surroundings.restore()
            _restore(modules)
