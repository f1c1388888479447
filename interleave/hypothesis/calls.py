"""Calls that run side by side: what is drawn, shown, and shrunk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from interleave.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from hypothesis.strategies import SearchStrategy

    from interleave.core.program import Program
    from interleave.hypothesis.bundles import Rule

_FAR = 1_000_000
"""The number of the first method: Hypothesis makes numbers that are equal smaller together, and a
method that is kept would keep the arguments that happen to be its number."""

Step = tuple[int, int]
"""A call by its place: the number of its thread (-1 for those before the threads), and its own."""

Arguments = Any
"""What a user gives for a method: a strategy, a tuple of them, or a mapping by keyword."""


class Call:
    """A call of a method: `call.put(0, key="a")`."""

    __slots__ = ("args", "kwargs", "method")

    def __init__(self, method: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        self.method = method
        self.args = tuple(args)
        self.kwargs = dict(kwargs)

    def __str__(self) -> str:
        parts = [repr(value) for value in self.args]
        parts.extend(f"{name}={value!r}" for name, value in self.kwargs.items())
        return f"{self.method}({', '.join(parts)})"

    def __repr__(self) -> str:
        return f"call.{self}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Call) and (self.method, self.args, self.kwargs) == (
            other.method,
            other.args,
            other.kwargs,
        )

    def __hash__(self) -> int:
        return hash(self.method)


class _Caller:
    """Makes calls: `call.put(0)` stands for `put(0)`, as `unittest.mock.call` does."""

    def __getattr__(self, method: str) -> Any:
        return lambda *args, **kwargs: Call(method, args, kwargs)


call = _Caller()


class Calls:
    """Calls to make: those of `before` one after the other, then each thread its own."""

    def __init__(self, *threads: Sequence[Call], before: Sequence[Call] = ()) -> None:
        if not all(map(_are_calls, (before, *threads))):
            message = (
                "Calls() takes a list of calls for each thread, such as "
                "Calls([call.put(1)], [call.get()], before=[call.put(0)])"
            )
            raise UsageError(message)
        self.threads = tuple(tuple(calls) for calls in threads)
        self.before = tuple(before)

    def __repr__(self) -> str:
        parts = [repr(list(calls)) for calls in self.threads]
        if self.before:
            parts.append(f"before={list(self.before)!r}")
        return f"Calls({', '.join(parts)})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Calls) and (self.threads, self.before) == (
            other.threads,
            other.before,
        )

    def __hash__(self) -> int:
        return hash((self.threads, self.before))

    def at(self, step: Step) -> Call:
        """Return the call at a place."""
        thread, at = step
        return (self.before if thread < 0 else self.threads[thread])[at]

    def without(self, left_out: Step) -> Calls:
        """Return the same calls without one; a thread that has none left is none any more."""
        kept: dict[int, list[Call]] = {}
        for step, item in steps_of(self):
            if step != left_out:
                kept.setdefault(step[0], []).append(item)
        before = kept.pop(-1, [])
        return Calls(*kept.values(), before=before)

    def on(
        self, subject: Callable[[], Any], *, final: Callable[[Any], Any] | None = None
    ) -> Program:
        """Return the program that makes these calls, for `interleave.replay` and a token.

        `subject` and `final` are those that the test had.
        """
        from interleave.hypothesis.histories import Runner, program_of
        from interleave.hypothesis.machines import subject_of

        tested = subject_of(subject, final)
        return program_of(Runner(tested, tested, self))


def steps_of(calls: Calls) -> Iterator[tuple[Step, Call]]:
    """Yield the calls with their places, those before the threads first."""
    for thread, column in enumerate((calls.before, *calls.threads), -1):
        for at, item in enumerate(column):
            yield (thread, at), item


def _are_calls(calls: object) -> bool:
    return isinstance(calls, list | tuple) and all(isinstance(item, Call) for item in calls)


def calls_of(
    methods: Mapping[str, Arguments],
    *,
    max_threads: int,
    max_calls: int,
    max_before: int,
    rules: Mapping[str, Rule] | None = None,
    first: Mapping[str, Arguments] | None = None,
) -> SearchStrategy[Calls]:
    """Return a strategy for calls: two threads at least, `max_calls` calls in all threads at most.

    Smaller means fewer calls, then simpler arguments. `first` come before all others, and do not
    count. A call whose rule takes from a bundle comes after one that may have filled it, in its own
    thread or before the threads.

    Raises:
        UsageError: for arguments that are no strategies.
    """
    beginning = [_call(method, arguments) for method, arguments in (first or {}).items()]
    each = {method: _call(method, arguments) for method, arguments in methods.items()}

    def drawn(turns: _Turns) -> SearchStrategy[Calls]:
        one = turns.one()
        column = st.lists(one, min_size=1, max_size=max_calls - 1)
        threads = st.lists(turns.new_thread(column), min_size=2, max_size=max_threads)
        before = turns.before_threads(st.lists(one, max_size=max_before))
        return st.tuples(st.tuples(*beginning), before, threads).map(
            lambda drawn: Calls(*_within(drawn[2], max_calls), before=[*drawn[0], *drawn[1]])
        )

    # Which rules can be called depends on those drawn before, so each example has its own turns.
    filled = {target for name in first or () for target in (rules or {})[name].targets}
    return st.builds(lambda: _Turns(each, rules or {}, filled)).flatmap(drawn)


class _Turns:
    """Draws the calls of one example, one after the other, each possible after those before."""

    def __init__(
        self,
        each: Mapping[str, SearchStrategy[Call]],
        rules: Mapping[str, Rule],
        filled: set[str],
    ) -> None:
        self._each = each
        self._rules = rules
        self._filled = filled
        self._at_start = filled

    def one(self) -> SearchStrategy[Call]:
        """Return a strategy for the next call."""
        numbers = st.integers(_FAR, _FAR + len(self._each) - 1)
        return numbers.flatmap(self._numbered).map(self._noted)

    def before_threads(self, calls: SearchStrategy[list[Call]]) -> SearchStrategy[list[Call]]:
        """Let the threads begin with what these calls fill."""

        def ended(drawn: list[Call]) -> list[Call]:
            self._at_start = self._filled
            return drawn

        return calls.map(ended)

    def new_thread(self, calls: SearchStrategy[list[Call]]) -> SearchStrategy[list[Call]]:
        """Let these calls come after those before the threads, and no others."""

        def begun(_: None) -> SearchStrategy[list[Call]]:
            self._filled = self._at_start
            return calls

        return st.none().flatmap(begun)

    def _numbered(self, number: int) -> SearchStrategy[Call]:
        possible = [name for name in self._each if self._is_possible(name)]
        return self._each[possible[(number - _FAR) % len(possible)]]

    def _is_possible(self, name: str) -> bool:
        rule = self._rules.get(name)
        return rule is None or rule.is_possible(self._filled)

    def _noted(self, drawn: Call) -> Call:
        rule = self._rules.get(drawn.method)
        if rule is not None:
            self._filled = self._filled.union(rule.targets)
        return drawn


def _within(threads: list[list[Call]], most: int) -> list[list[Call]]:
    """Leave out the last calls of the longest threads until there are so many."""
    kept = [list(calls) for calls in threads]
    while sum(map(len, kept)) > most:
        longest = max(kept, key=len)
        longest.pop()
    return [calls for calls in kept if calls]


def _call(method: str, arguments: Arguments) -> SearchStrategy[Call]:
    if isinstance(arguments, dict):
        _refuse_values(method, arguments.values())
        return st.fixed_dictionaries(arguments).map(lambda drawn: Call(method, (), drawn))
    several = arguments if isinstance(arguments, list | tuple) else (arguments,)
    _refuse_values(method, several)
    return st.tuples(*several).map(lambda drawn: Call(method, drawn, {}))


def _refuse_values(method: str, strategies: Any) -> None:
    for item in strategies:
        if not isinstance(item, st.SearchStrategy):
            message = (
                f"{method}={item!r}: the arguments of a method are drawn from strategies; give "
                "one, a tuple of them, or a dictionary by keyword; () for a method without "
                "arguments, and hypothesis.strategies.just(...) for a value"
            )
            raise UsageError(message)
