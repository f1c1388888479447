"""Calls that run side by side: what is drawn, shown, and shrunk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from interleave.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hypothesis.strategies import SearchStrategy

    from interleave.core.program import Program

_FAR = 1_000_000
"""The number of the first method: Hypothesis makes numbers that are equal smaller together, and a
method that is kept would keep the arguments that happen to be its number."""

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


def _are_calls(calls: object) -> bool:
    return isinstance(calls, list | tuple) and all(isinstance(item, Call) for item in calls)


def calls_of(
    methods: Mapping[str, Arguments], *, max_threads: int, max_calls: int, max_before: int
) -> SearchStrategy[Calls]:
    """Return a strategy for calls: two threads at least, `max_calls` calls in all threads at most.

    Smaller means fewer calls, then simpler arguments.

    Raises:
        UsageError: for arguments that are no strategies.
    """
    each = [_call(method, arguments) for method, arguments in methods.items()]
    one = st.integers(_FAR, _FAR + len(each) - 1).flatmap(lambda number: each[number - _FAR])
    threads = st.lists(
        st.lists(one, min_size=1, max_size=max_calls - 1), min_size=2, max_size=max_threads
    )
    before = st.lists(one, max_size=max_before)
    return st.tuples(threads, before).map(
        lambda drawn: Calls(*_within(drawn[0], max_calls), before=drawn[1])
    )


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
