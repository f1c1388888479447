"""Linearizability: calls side by side must give what they give in some order [Linearizability90].

Hypothesis draws the calls and shrinks them, interleave runs every interleaving of them, and the
sequential runs of the same class (or of a specification) say what could have come out [LineUp10].
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from hypothesis import given

from interleave.checker import judged
from interleave.core.outcome import Deadlocked, Ending, Raised, Returned
from interleave.errors import InterleaveInternalError, UsageError
from interleave.hypothesis.bundles import Held
from interleave.hypothesis.calls import Calls, calls_of, steps_of
from interleave.hypothesis.failing import raise_failure
from interleave.hypothesis.fewer import Bounds, fewest
from interleave.hypothesis.histories import History, Runner, Subject, Threw, program_of
from interleave.hypothesis.machines import is_machine, machine_of, subject_of
from interleave.hypothesis.measures import told, unmeasured
from interleave.hypothesis.orders import Sequential
from interleave.hypothesis.table import table
from interleave.report.text import counterexample, render
from interleave.session import session
from interleave.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hypothesis import settings as HypothesisSettings  # noqa: N812 - it is a class

    from interleave.core.execution import Execution
    from interleave.hypothesis.calls import Arguments
    from interleave.report.report import Report
    from interleave.session import Session

EXECUTIONS = 20_000
"""How many executions are made of one example at most; a bound in seconds would make it flaky."""

_PREEMPTIONS, _SIMPLE_EXECUTIONS = 2, 5_000
"""Within which bounds a failure is looked for that is simpler than the one that was found."""

_FEWER_EXECUTIONS = 20_000
"""How many executions are made to find fewer calls that fail, of all that are tried together."""

_SMALLER = (
    "Take fewer calls (max_calls, max_threads, max_before), or give options={'executions': ...}"
)

_REFUSED = ("strategy", "max_preemptions", "observe", "expect", "reach", "keep_going", "fresh")


def linearizable(
    subject: Callable[[], Any],
    /,
    *,
    specification: Callable[[], Any] | None = None,
    final: Callable[[Any], Any] | None = None,
    max_threads: int = 3,
    max_calls: int = 4,
    max_before: int = 2,
    methods: Mapping[str, Arguments] | None = None,
    options: Mapping[str, Any] | None = None,
    **more_methods: Arguments,
) -> Callable[[], None]:
    """Return a Hypothesis test: whatever is called side by side, some order explains the results.

    `subject` makes what is tested: a class, or a function without arguments. Each keyword names a
    method and says how its arguments are drawn: by a strategy, a tuple of them, or a dictionary by
    keyword; `()` for none. (`methods` takes those as a mapping, for names that mean something else
    here.) A `RuleBasedStateMachine` brings its own: its rules are the methods.

    An example has up to `max_before` calls that come first, and up to `max_calls` in two to
    `max_threads` threads. Their results, and that of `final` (which gets the object at the end),
    must be those of some order of the calls that respects which were over before others began. The
    same class, run in that order, says what they are; or `specification`, which makes something
    with the same methods. An exception is a result. `options` are those of `interleave.check`.

    What is returned is a test as `hypothesis.given` makes it: `settings`, `seed`, `example` and
    `reproduce_failure` decorate it.

    Raises:
        UsageError: for methods, strategies or options that cannot be used.
    """
    named = {**(methods or {}), **more_methods}
    for make in (subject, specification):
        if make is not None and not callable(make):
            message = f"{make!r} is not callable: give a class, or a function that makes an object"
            raise UsageError(message)
    tested = subject_of(subject, final)
    first: Mapping[str, Arguments] = {}
    if is_machine(subject):
        if named or final is not None:
            message = (
                f"{tested.name} is a state machine: its rules are the methods, and its "
                "invariants are what is looked at at the end; give neither methods nor final"
            )
            raise UsageError(message)
        machine = machine_of(subject)  # type: ignore[arg-type]  # `is_machine` has looked
        named, first = dict(machine.methods), machine.first
    expected = tested if specification is None else subject_of(specification, final)
    _refuse_methods(tested, expected, {**named, **first})
    _refuse_other_rules(tested, expected)
    for name, value, least in (
        ("max_threads", max_threads, 2),
        ("max_calls", max_calls, 2),
        ("max_before", max_before, 0),
    ):
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            message = f"{name} is {value!r}; it must be a whole number of at least {least}"
            raise UsageError(message)
    bounds = Bounds(tuple(first), max_before, max_threads, max_calls)
    check = _Check(tested, expected, _checked(options or {}))
    strategy = calls_of(
        named,
        max_threads=max_threads,
        max_calls=max_calls,
        max_before=max_before,
        rules=tested.rules,
        first=first,
    )

    def shown(calls: Calls) -> Calls:
        # Hypothesis shows what was drawn: fewer calls must be found before the test gets them.
        return check.fewest(calls, bounds) if told() else calls

    def test(calls: Calls) -> None:
        __tracebackhide__ = True
        check.run(calls)

    # Both go into the key under which Hypothesis keeps the failures of a test.
    plain = re.sub(r"\W", "_", tested.name)
    test.__name__ = test.__qualname__ = f"linearizable_{plain}"
    test.__module__ = getattr(subject, "__module__", __name__)
    found: Callable[[], None] = given(strategy.map(shown))(test)
    return found


def check_linearizable(
    subject: Callable[[], Any],
    /,
    *,
    settings: HypothesisSettings | None = None,
    **arguments: Any,
) -> None:
    """Run the test that `linearizable` makes of the same arguments, inside another test.

    Raises:
        AssertionError: with the smallest calls found, and their table, if no order explains them.
        UsageError: for methods, strategies or options that cannot be used.
    """
    __tracebackhide__ = True
    test = linearizable(subject, **arguments)
    if settings is not None:
        test = settings(test)
    test()


def _refuse_methods(tested: Subject, expected: Subject, methods: Mapping[str, Any]) -> None:
    for item in (tested, expected):
        missing = [
            repr(name)
            for name in methods
            if isinstance(item.make, type) and not hasattr(item.make, name)
        ]
        if missing:
            message = f"{item.name} has no method {', '.join(missing)}"
            raise UsageError(message)
    if not methods:
        message = (
            f"no method of {tested.name} was named: give each with strategies for its "
            "arguments, such as put=(st.integers(), st.integers()), or () for none"
        )
        raise UsageError(message)


def _refuse_other_rules(tested: Subject, expected: Subject) -> None:
    """Refuse a specification that knows nothing of the bundles and preconditions of a machine."""
    for name, rule in tested.rules.items():
        other = expected.rules.get(name)
        if other is None and (rule.conditional or rule.targets):
            message = (
                f"{tested.name}.{name} has a bundle or a precondition, of which the specification "
                f"{expected.name} knows nothing: give a state machine with the same rules"
            )
            raise UsageError(message)
        if other is not None and (other.taken, other.targets) != (rule.taken, rule.targets):
            message = f"{tested.name}.{name} and {expected.name}.{name} differ in their bundles"
            raise UsageError(message)


def _checked(options: Mapping[str, Any]) -> dict[str, Any]:
    for name in _REFUSED:
        if name in options:
            message = (
                f"linearizable() has no option {name!r}: every interleaving is run, and compared "
                "with the sequential runs"
            )
            raise UsageError(message)
    given = {"executions": EXECUTIONS, **options}
    Settings.of(given)
    return given


class _Check:
    """What all examples of a test have in common."""

    def __init__(self, subject: Subject, specification: Subject, options: dict[str, Any]) -> None:
        self.subject = subject
        self.specification = specification
        self.options = options

    def run(self, calls: Calls) -> None:
        """Run every interleaving of some calls; raise where no order explains the results."""
        __tracebackhide__ = True
        if not isinstance(calls, Calls):
            message = f"{calls!r} are no Calls: an example of this test is Calls([...], [...])"
            raise UsageError(message)
        self._refuse(calls)
        with unmeasured():
            calls = self._possible(calls)
            judge, report = self._judged(calls, told=told())
            if report.verdict != "pass":
                _raise(judge, report)

    def fewest(self, calls: Calls, bounds: Bounds) -> Calls:
        """Return the fewest calls to be found of which no order explains what comes either."""
        with unmeasured():
            wanted, _ = self._stuck(calls, self.options["executions"])
            if wanted is None:
                return calls

            def fails(candidate: Calls, most: int) -> tuple[bool, int]:
                stuck, executions = self._stuck(candidate, min(most, self.options["executions"]))
                return stuck is wanted, executions

            return fewest(calls, fails, bounds, _FEWER_EXECUTIONS)

    def _stuck(self, calls: Calls, most: int) -> tuple[bool | None, int]:
        """Whether calls wait for ever where no order does, and in how many executions it was found.

        None if nothing was found that no order explains.
        """
        try:
            judge = self._judge(self._possible(calls))
            options = {**self.options, "executions": most}
            report = judged(judge.program, judge.opened, contrasted=False, **options)
        except InterleaveInternalError:
            raise
        except Exception:  # noqa: BLE001 - it is another failure, whatever it is
            return None, 0
        if report.verdict != "fail" or judge.failing is None:
            return None, report.executions
        return judge.failing.stuck, report.executions

    def _refuse(self, calls: Calls) -> None:
        """Refuse calls, written by hand, that are none of the subject's."""
        subject = self.subject
        begun = tuple(item.method for item in calls.before[: len(subject.first)])
        if begun != subject.first:
            message = (
                f"before= must begin with the initialize rules of {subject.name} that have "
                f"arguments or a target, in this order: {', '.join(subject.first)}"
            )
            raise UsageError(message)
        for _, item in steps_of(calls):
            rule = subject.rules.get(item.method)
            values = [*((None, value) for value in item.args), *item.kwargs.items()]
            for name, value in values:
                if isinstance(value, Held) and (rule is None or name not in rule.taken):
                    message = (
                        f"{item!r}: held() stands for a value of a bundle, and is given by "
                        "keyword for an argument that the rule takes from one"
                    )
                    raise UsageError(message)

    def _possible(self, calls: Calls) -> Calls:
        """Leave out each call that, in some order of the threads, cannot be made.

        A precondition says where a rule means something, and so does a bundle. What is called side
        by side may take effect in any order: it must mean something in all of them.
        """
        rules = self.specification.rules
        while any(
            item.method in rules and rules[item.method].conditional for _, item in steps_of(calls)
        ):
            runner = Runner(self.subject, self.specification, calls)
            with session(program_of(runner), Settings.of(self.options)) as opened:
                step = Sequential(opened, runner).impossible()
            if step is None:
                break
            calls = calls.without(step)
        return calls

    def _judged(self, calls: Calls, *, told: bool) -> tuple[_Judge, Report]:
        if told:
            # A failure with few preemptions is looked for before it is shown.
            simple = {
                **self.options,
                "max_preemptions": _PREEMPTIONS,
                "executions": min(_SIMPLE_EXECUTIONS, self.options["executions"]),
            }
            judge = self._judge(calls)
            report = judged(judge.program, judge.opened, **simple)
            if report.verdict in ("fail", "nondeterministic"):
                return judge, report
        judge = self._judge(calls)
        return judge, judged(judge.program, judge.opened, contrasted=told, **self.options)

    def _judge(self, calls: Calls) -> _Judge:
        return _Judge(Runner(self.subject, self.specification, calls))


class _Judge:
    """Judges executions by the results of the calls; keeps the first that nothing explains."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.program = program_of(runner)
        self.failing: History | None = None
        self.ending: Ending | None = None  # of an execution that failed in another way
        self.sequential: Sequential

    def opened(self, session: Session) -> Callable[[Execution], None]:
        """Take the session that the executions are run in."""
        self.sequential = Sequential(session, self.runner)
        return self._judge

    def _judge(self, execution: Execution) -> None:
        ending = execution.ending
        if not isinstance(ending, Returned | Deadlocked):
            self.ending = self.ending or ending
            return
        history = self.runner.history
        history.stuck = isinstance(ending, Deadlocked)
        if self.sequential.explains(history):
            violated = self._violated(history)
            self.ending = self.ending or violated
            execution.ending = violated or Returned(history.key())
            return
        if self.failing is None:
            self.failing = history
        if isinstance(ending, Returned):
            said = "no order of the calls explains their results"
            execution.ending = Raised(AssertionError(said), "main", "assertion")

    def _violated(self, history: History) -> Raised | None:
        """Return the failure of an invariant that does not hold at the end of some order either."""
        if self.runner.subject.hold is None or not isinstance(history.last, dict):
            return None
        for name, found in history.last.items():
            if isinstance(found, Threw):
                message = (
                    f"the invariant {name} does not hold at the end, also where the calls come one "
                    f"after the other: it raises {found!r}"
                )
                return Raised(AssertionError(message), "main", "assertion")
        return None

    def table(self) -> str:
        """Return the counterexample."""
        assert self.failing is not None
        dead_ends = list(self.sequential.dead_ends(self.failing))
        return table(self.runner.calls, self.failing, dead_ends)


def _raise(judge: _Judge, report: Report) -> None:
    __tracebackhide__ = True
    if report.verdict == "fail" and judge.failing is not None:
        error = AssertionError(judge.table())
        error.add_note(_told(judge.runner, report))
    elif report.verdict == "fail":
        raise_failure(report, judge.ending)
    else:
        text = render(report)
        if report.verdict == "incomplete":
            text += f"\n{_SMALLER}"
        error = AssertionError(text)
    raise error


def _told(runner: Runner, report: Report) -> str:
    """Return the events of a failure, and what replays them."""
    failure = report.failures[0]
    text = counterexample(report, failure)
    if failure.schedule is None:
        return text
    # The last line is a command, or a call, for a program that has a name.
    events, _, _ = text.rpartition("\n")
    final = "" if runner.subject.final is None or runner.subject.close else ", final=..."
    program = f"{runner.calls!r}.on({runner.subject.name}{final})"
    return f'{events}\n  replay: interleave.replay({program}, "{failure.schedule.token}")'
