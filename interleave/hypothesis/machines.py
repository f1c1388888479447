"""A state machine of Hypothesis, as a class whose rules are its methods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hypothesis import stateful
from hypothesis import strategies as st

from interleave.errors import InterleaveError, UsageError
from interleave.hypothesis.bundles import Held, Rule
from interleave.hypothesis.histories import Subject, Threw

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy

_RULE = "hypothesis_stateful_rule"
_INITIALIZE = "hypothesis_stateful_initialize_rule"
_INVARIANT = "hypothesis_stateful_invariant"

_OLDEST = 9
"""How far back of the newest value of a bundle a drawn one is at most."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What a state machine comes to: its rules with their strategies, and what is called.

    `first` are the `initialize` rules that take part as calls, since they have arguments or fill
    a bundle.
    """

    methods: dict[str, dict[str, Any]]
    first: dict[str, dict[str, Any]]
    subject: Subject


def is_machine(subject: object) -> bool:
    """Whether something is a class of state machines."""
    return isinstance(subject, type) and issubclass(subject, stateful.RuleBasedStateMachine)


def subject_of(make: Callable[[], Any], final: Callable[[Any], Any] | None) -> Subject:
    """Return what is called, of a class, a function, or a class of state machines."""
    if is_machine(make):
        return machine_of(make).subject  # type: ignore[arg-type]  # `is_machine` has looked
    name = getattr(make, "__qualname__", None) or type(make).__qualname__
    return Subject(name, make, final)


def machine_of(cls: type[stateful.RuleBasedStateMachine]) -> Machine:
    """Take a class of state machines for what it is made of.

    Its `initialize` rules come first, in the order of their names: those without arguments and
    target when it is made, the others as calls. Its invariants must hold after the calls that
    come before the threads, and at the end.

    Raises:
        UsageError: for bundles inside of other strategies, and for rules that can never be called.
    """
    methods: dict[str, dict[str, Any]] = {}
    first: dict[str, dict[str, Any]] = {}
    rules: dict[str, Rule] = {}
    made: list[str] = []
    for name, function in _members(cls):
        rule = getattr(function, _RULE, None)
        beginning = getattr(function, _INITIALIZE, None)
        found = rule or beginning
        if found is None:
            continue
        if beginning is not None and not (beginning.arguments or beginning.targets):
            made.append(name)
            continue
        arguments, rules[name] = _rule(cls, name, found)
        (first if rule is None else methods)[name] = arguments
    _refuse_what_is_never_called(cls, methods, first, rules)
    invariants = _Invariants(cls)

    def make() -> Any:
        item = cls()
        if cls.bundle is stateful.RuleBasedStateMachine.bundle:
            vars(item)["bundle"] = _no_bundle(cls)
        if not vars(item).get("bundles", True):  # Hypothesis' own, and not one of the machine
            vars(item)["bundles"] = _NoBundles(cls.__name__)
        for name in made:
            _plain(item, name)
        return item

    subject = Subject(
        cls.__qualname__,
        make,
        invariants.observed if invariants.each else None,
        lambda item: item.teardown(),
        rules,
        tuple(first),
        invariants.hold if invariants.each else None,
    )
    return Machine(methods, first, subject)


class _Invariants:
    """The invariants of a machine; one whose precondition does not hold is not looked at."""

    def __init__(self, cls: type[stateful.RuleBasedStateMachine]) -> None:
        self.each = [
            (name, tuple(invariant.preconditions))
            for name, function in _members(cls)
            if (invariant := getattr(function, _INVARIANT, None)) is not None
        ]

    def hold(self, item: Any) -> None:
        """Raise what the first that does not hold raises."""
        for name, preconditions in self.each:
            if all(holds(item) for holds in preconditions):
                _plain(item, name)

    def observed(self, item: Any) -> dict[str, Any]:
        """Return what each of them returns, or raises."""
        found: dict[str, Any] = {}
        for name, preconditions in self.each:
            try:
                if all(holds(item) for holds in preconditions):
                    found[name] = _plain(item, name)
            except InterleaveError:
                raise
            except Exception as error:  # noqa: BLE001 - it is what was observed, whatever it is
                found[name] = Threw(type(error), error.args)
        return found


def _members(cls: type) -> Iterator[tuple[str, Any]]:
    for name in sorted(dir(cls)):
        yield name, getattr(cls, name, None)


def _plain(item: Any, name: str) -> Any:
    function: Callable[[], Any] = getattr(item, name)
    return function()


def _rule(cls: type, name: str, rule: Any) -> tuple[dict[str, Any], Rule]:
    """Return the strategies for the arguments of a rule, and what else there is to it."""
    drawn, taken = {}, {}
    for argument, strategy in rule.arguments.items():
        where = f"{cls.__name__}.{name} draws {argument!r} from {strategy!r}"
        if not isinstance(strategy, stateful.Bundle):
            if "Bundle(name=" in repr(strategy):
                message = (
                    f"{where}: a bundle inside of another strategy, or changed by one, is not "
                    "supported; draw from the bundle itself, and do the rest in the rule"
                )
                raise UsageError(message)
            drawn[argument] = strategy
            continue
        if getattr(strategy, "_transformations", ()):
            message = (
                f"{where}: a bundle with filter() or map() is not supported, since the value is "
                "not known before the calls are made; draw from the bundle itself, and do the "
                "rest in the rule"
            )
            raise UsageError(message)
        taken[argument] = (strategy.name, bool(strategy.consume))
        drawn[argument] = _held(strategy.name)
    return drawn, Rule(taken, tuple(rule.targets), tuple(rule.preconditions))


def _no_bundle(cls: type) -> Callable[[str], Any]:
    """Return what refuses to tell a bundle: its values are not kept in the machine.

    Hypothesis's own list of them is always empty here; what looks at it would quietly never hold.
    """

    def bundle(name: str) -> Any:
        raise _untold(cls.__name__, f"self.bundle({name!r})")

    return bundle


class _NoBundles(Mapping[str, Any]):
    """The bundles by name, in the place of Hypothesis' own: whoever looks at them is refused."""

    def __init__(self, machine: str) -> None:
        self._machine = machine

    def __getitem__(self, name: str) -> Any:
        raise _untold(self._machine, f"self.bundles[{name!r}]")

    def __iter__(self) -> Iterator[str]:
        raise _untold(self._machine, "self.bundles")

    def __len__(self) -> int:
        raise _untold(self._machine, "self.bundles")

    def __eq__(self, other: object) -> bool:
        raise _untold(self._machine, "self.bundles")

    def setdefault(self, name: str, default: Any = None) -> Any:
        """Refuse this, too: it is how Hypothesis' own method `bundle` looks."""
        raise _untold(self._machine, f"self.bundles[{name!r}]")

    __hash__ = None  # type: ignore[assignment]  # as of a dict


def _untold(machine: str, asked: str) -> UsageError:
    return UsageError(
        f"{machine} asks for {asked}: which values a bundle holds differs from thread to thread, "
        "and is told to no precondition, rule or invariant; keep what was made in an attribute of "
        "the machine, and look at that"
    )


def _held(bundle: str) -> SearchStrategy[Held]:
    return st.integers(0, _OLDEST).map(lambda back: Held(bundle, back))


def _refuse_what_is_never_called(
    cls: type, methods: dict[str, Any], first: dict[str, Any], rules: dict[str, Rule]
) -> None:
    if not methods:
        raise UsageError(f"{cls.__name__} has no rules: there is nothing to call")
    for name in first:
        if rules[name].taken:
            message = (
                f"{cls.__name__}.{name} is an initialize rule that takes from a bundle: make it a "
                "rule, so that it is called when the bundle holds something"
            )
            raise UsageError(message)
    filled = {target for rule in rules.values() for target in rule.targets}
    for name in methods:
        for bundle, _ in rules[name].taken.values():
            if bundle not in filled:
                message = (
                    f"{cls.__name__}.{name} takes from the bundle {bundle!r}, which no rule "
                    f"fills: give a rule target={bundle}"
                )
                raise UsageError(message)
    at_first = {target for name in first for target in rules[name].targets}
    if not any(rules[name].is_possible(at_first) for name in methods):
        message = (
            f"{cls.__name__} has no rule that can be called first: each takes from a bundle that "
            "is empty then"
        )
        raise UsageError(message)
