"""A history is what calls that ran side by side returned, and which were over before others began.

Real time is part of it: a call that begins looks at the other threads, and a call that returns
changes its own, so that a reduction tells executions apart that differ in nothing else.
"""

from __future__ import annotations

import copy
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hypothesis.stateful import MultipleResults

from interleave.core.context import about_to_call, in_task, perform, running
from interleave.core.dependence import READ, WRITE
from interleave.core.operation import Operation, SimObject
from interleave.core.outcomes import are_equal, shown
from interleave.core.program import Program
from interleave.core.told import told
from interleave.errors import InterleaveError, UsageError
from interleave.hypothesis.bundles import Held, Rule, Shelves
from interleave.hypothesis.calls import Call, Calls, Step, steps_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from interleave.core.dependence import Footprint


@dataclass(frozen=True, slots=True)
class Threw:
    """The result of a call that raised an exception."""

    kind: type[BaseException]
    args: tuple[Any, ...]

    def __repr__(self) -> str:
        return f"{self.kind.__name__}({', '.join(map(repr, self.args))})"


PENDING = object()
"""Instead of a result: the call has not returned."""

IMPOSSIBLE = object()
"""Instead of a result: the rule cannot be called there, and was not."""


def same(one: Any, other: Any) -> bool:
    """Whether two results are the same: equal, or of one `repr`."""
    if one is PENDING or other is PENDING:
        return one is other
    if isinstance(one, Threw) and isinstance(other, Threw):
        return one.kind is other.kind and (
            are_equal(one.args, other.args) or shown(one) == shown(other)
        )
    return are_equal(one, other) or shown(one) == shown(other)


def returned(result: Any) -> str:
    """Say what a call returned, or raised."""
    return f"raises {shown(result)}" if isinstance(result, Threw) else f"-> {shown(result)}"


@dataclass(slots=True, repr=False)
class History:
    """What came of the calls.

    `seen[thread][i]` tells how many calls of each thread had returned when call i of that thread
    began. `last` is the result of the final observation, if there is one; `stuck` says that it
    ended in a deadlock. `made` holds the calls that took values of bundles, with these values.
    """

    before: list[Any] = field(default_factory=list)
    threads: list[list[Any]] = field(default_factory=list)
    seen: list[list[tuple[int, ...]]] = field(default_factory=list)
    last: Any = PENDING
    stuck: bool = False
    made: dict[Step, Call] = field(default_factory=dict)

    def __repr__(self) -> str:
        return repr(self.key())

    def key(self) -> Key:
        """Return what stands for it: two histories with one key look the same."""
        return Key(
            (
                tuple(map(_text, self.before)),
                tuple(tuple(map(_text, results)) for results in self.threads),
                _text(self.last),
                tuple(map(tuple, self.seen)),
                self.stuck,
            )
        )


class Key(tuple[Any, ...]):
    """A history as text."""

    __slots__ = ()

    def __repr__(self) -> str:
        before, threads, last, _, _ = self
        parts = [f"main.{at}: {', '.join(results)}" for at, results in enumerate(threads)]
        if before:
            parts.insert(0, f"before: {', '.join(before)}")
        if last:
            parts.append(f"at the end: {last}")
        return "; ".join(parts)


def _text(result: Any) -> str:
    return "" if result is PENDING else returned(result).removeprefix("-> ")


class _Column(SimObject):
    """One of the threads, as far as others notice it: how many of its calls have returned."""

    __slots__ = ("results",)
    label = "calls"

    def __init__(self, results: list[Any]) -> None:
        super().__init__(running()[1])
        self.results = results


class _Mark(Operation):
    """The beginning or the end of a call."""

    __slots__ = ("call", "column", "others")
    neutral = True
    tells = False

    def __init__(self, call: Call, column: _Column, others: Sequence[_Column]) -> None:
        super().__init__(None)
        self.call = call
        self.column = column
        self.others = others


class _Begins(_Mark):
    """A call begins: it matters which calls of the other threads are over."""

    __slots__ = ()
    kind = "call"

    def execute(self) -> tuple[int, ...]:
        return tuple(len(column.results) for column in self.others)

    def unwind(self) -> tuple[int, ...]:
        return self.execute()

    def wrote(self) -> bool:
        return False

    def footprint(self) -> Footprint:
        return tuple((other.key, READ) for other in self.others if other is not self.column)

    def describe(self) -> str:
        return f"call {told_call(self.call)}"


class _Returns(_Mark):
    """A call has returned, or raised."""

    __slots__ = ("result",)
    kind = "result"

    def __init__(self, call: Call, column: _Column, result: Any) -> None:
        super().__init__(call, column, ())
        self.result = result

    def execute(self) -> None:
        self.column.results.append(self.result)

    def footprint(self) -> Footprint:
        return ((self.column.key, WRITE),)

    def describe(self) -> str:
        if isinstance(self.result, Threw):
            return f"{self.call.method} raises {self.result.kind.__name__}"
        return f"{self.call.method} returns {told(self.result)}"


def told_call(call: Call) -> str:
    """Return a call as text, without running any code of the program."""
    parts = [told(value) for value in call.args]
    parts.extend(f"{name}={told(value)}" for name, value in call.kwargs.items())
    return f"{call.method}({', '.join(parts)})"


@dataclass(frozen=True, slots=True)
class Subject:
    """What is called: how to make it, what to look at at the end, and what to do after that.

    Of a state machine also its rules, which of them come first, and what checks its invariants.
    """

    name: str
    make: Callable[[], Any]
    final: Callable[[Any], Any] | None = None
    close: Callable[[Any], Any] | None = None
    rules: Mapping[str, Rule] = field(default_factory=dict)
    first: tuple[str, ...] = ()
    hold: Callable[[Any], None] | None = None


def program_of(runner: Runner) -> Program:
    """Return the program that makes the calls of a runner, side by side unless told otherwise."""
    roots = (runner.subject, runner.specification)
    seen = [(item.make, item.final, item.close) for item in roots]

    # Instrumentation looks for the code of the program in what a function closes over, and
    # passes by objects of ours.
    def program() -> Any:
        return seen and runner.run()

    name = f"{runner.subject.name} <{runner.calls!r}>"
    return Program(program, name, name)


class Runner:
    """Runs calls, side by side or one after the other; `history` tells of the last run."""

    def __init__(self, subject: Subject, specification: Subject, calls: Calls) -> None:
        self.subject = subject
        self.specification = specification
        self.calls = calls
        self.order: Sequence[Step] | None = None  # one after the other, if it is given
        self.history = History()
        self._copied = {
            id(call): not all(map(_is_atom, (*call.args, *call.kwargs.values())))
            for _, call in steps_of(calls)
        }

    def run(self) -> History:
        """Run the calls as a program."""
        if not in_task():
            message = (
                "the program of some Calls runs in a check alone: give it to interleave.replay "
                "or to interleave.check"
            )
            raise UsageError(message)
        self.history = history = History()
        if self.order is not None:
            self._run_in_order(self.order, history)
        else:
            self._run(history)
        return history

    def _run(self, history: History) -> None:
        """Run the calls of each thread side by side."""
        subject, calls = self.subject, self.calls
        item = _called(subject.make, (), {})
        shelves = Shelves()
        for at, call in enumerate(calls.before):
            ready = self._ready(subject, call, shelves, history, (-1, at))
            history.before.append(self._result(subject, item, ready, shelves))
        if subject.hold is not None:
            _called(subject.hold, (item,), {})
        if calls.threads:
            history.threads = [[] for _ in calls.threads]
            history.seen = [[] for _ in calls.threads]
            columns = tuple(_Column(results) for results in history.threads)
            workers = [
                threading.Thread(target=self._column(item, columns, at, shelves.copy()))
                for at in range(len(calls.threads))
            ]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
        _finish(subject, item, history)

    def _column(
        self, item: Any, columns: Sequence[_Column], at: int, shelves: Shelves
    ) -> Callable[[], None]:
        """Return what a thread runs: without arguments, which it would be taken to look at."""
        column, history, subject = columns[at], self.history, self.subject
        seen, calls = history.seen[at], self.calls.threads[at]

        def run() -> None:
            for index, call in enumerate(calls):
                ready = self._ready(subject, call, shelves, history, (at, index))
                seen.append(perform(_Begins(ready or call, column, columns)))
                result = self._result(subject, item, ready, shelves)
                perform(_Returns(call, column, result))

        return run

    def _run_in_order(self, order: Sequence[Step], history: History) -> None:
        """Run the calls one after the other, up to the first that is not possible."""
        subject = self.specification
        item = _called(subject.make, (), {})
        own = {-1: Shelves()}
        for step in order:
            thread, _ = step
            call = self.calls.at(step)
            shelves = own.get(thread) or own.setdefault(thread, own[-1].copy())
            rule = subject.rules.get(call.method)
            ready = None
            if rule is None or all(holds(item) for holds in rule.preconditions):
                ready = self._ready(subject, call, shelves, history, step)
            if ready is None:
                history.before.append(IMPOSSIBLE)
                return
            history.before.append(self._result(subject, item, ready, shelves))
        _finish(subject, item, history)

    def _ready(
        self, subject: Subject, call: Call, shelves: Shelves, history: History, step: Step
    ) -> Call | None:
        """Return a call with arguments for this run; none if what it takes is not there."""
        args, kwargs = call.args, call.kwargs
        if not self._copied[id(call)]:
            return call
        # What a method keeps must not be there in the next execution.
        wanted = {name: value for name, value in kwargs.items() if isinstance(value, Held)}
        kept = {name: value for name, value in kwargs.items() if name not in wanted}
        args, kwargs = copy.deepcopy((args, kept))
        if wanted:
            taken = shelves.take(subject.rules[call.method], wanted)
            if taken is None:
                return None
            both = {**kwargs, **taken}
            kwargs = {name: both[name] for name in call.kwargs}
        ready = Call(call.method, args, kwargs)
        if wanted:
            history.made[step] = ready
        return ready

    def _result(self, subject: Subject, item: Any, call: Call | None, shelves: Shelves) -> Any:
        if call is None:
            return Threw(LookupError, ("the bundle is empty",))
        result = _caught(getattr(item, call.method), call.args, call.kwargs)
        rule = subject.rules.get(call.method)
        if rule is None or not rule.targets or isinstance(result, Threw):
            return result
        if isinstance(result, MultipleResults):
            result = values = tuple(result.values)
        else:
            values = (result,)
        shelves.add(rule, values)
        return result


def _finish(subject: Subject, item: Any, history: History) -> None:
    """Look at what is there in the end, and clear away."""
    if subject.final is not None:
        history.last = _caught(subject.final, (item,), {})
    if subject.close is not None:
        _called(subject.close, (item,), {})


def _is_atom(value: Any) -> bool:
    return value is None or type(value) in (bool, int, float, complex, str, bytes)


def _called(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    about_to_call(function, args, kwargs)
    return function(*args, **kwargs)


def _caught(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call, and return what is returned, or which exception was raised."""
    try:
        return _called(function, args, kwargs)
    except InterleaveError:
        raise
    except Exception as error:  # noqa: BLE001 - it is the result, whatever it is
        return Threw(type(error), error.args)
