"""A state machine of Hypothesis, as a class whose rules are its methods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hypothesis import stateful

from interleave.errors import UsageError
from interleave.hypothesis.histories import Subject, Threw

if TYPE_CHECKING:
    from collections.abc import Callable

_RULE = "hypothesis_stateful_rule"
_INITIALIZE = "hypothesis_stateful_initialize_rule"
_INVARIANT = "hypothesis_stateful_invariant"
_PRECONDITIONS = "hypothesis_stateful_preconditions"


@dataclass(frozen=True, slots=True)
class Machine:
    """What a state machine comes to: its rules with their strategies, and what is called."""

    methods: dict[str, dict[str, Any]]
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

    Its `initialize` rules run at first, in the order of their names, its invariants at the end.

    Raises:
        UsageError: for what depends on the state (bundles, preconditions), and for `initialize`
            rules with arguments.
    """
    methods: dict[str, dict[str, Any]] = {}
    first: list[str] = []
    invariants: list[str] = []
    for name in sorted(dir(cls)):
        function = getattr(cls, name, None)
        rule = getattr(function, _RULE, None)
        beginning = getattr(function, _INITIALIZE, None)
        for item in (rule, beginning):
            if item is not None:
                _refuse_bundles(cls, name, item)
        if rule is not None:
            _refuse_preconditions(cls, name, rule.preconditions)
            methods[name] = dict(rule.arguments)
        elif beginning is not None:
            if beginning.arguments:
                raise UsageError(
                    f"{cls.__name__}.{name} is an initialize rule with arguments: nothing would "
                    "draw them; give it none, or make it a rule"
                )
            first.append(name)
        elif getattr(function, _INVARIANT, None) is not None:
            _refuse_preconditions(cls, name, getattr(function, _PRECONDITIONS, ()))
            invariants.append(name)
    if not methods:
        raise UsageError(f"{cls.__name__} has no rules: there is nothing to call")

    def make() -> Any:
        item = cls()
        for name in first:
            _plain(item, name)
        return item

    def final(item: Any) -> Any:
        found = {}
        for name in invariants:
            try:
                found[name] = _plain(item, name)
            except AssertionError as error:
                found[name] = Threw(type(error), error.args)
        return found

    observed = final if invariants else None
    subject = Subject(cls.__qualname__, make, observed, lambda item: item.teardown())
    return Machine(methods, subject)


def _plain(item: Any, name: str) -> Any:
    function: Callable[[], Any] = getattr(item, name)
    return function()


def _refuse_bundles(cls: type, name: str, rule: Any) -> None:
    bundles = [
        str(value) for value in rule.arguments.values() if isinstance(value, stateful.Bundle)
    ]
    if rule.targets or bundles:
        raise UsageError(
            f"{cls.__name__}.{name} uses a bundle: which values it holds depends on the order of "
            "the calls, which is what is looked for; draw the values from a plain strategy"
        )


def _refuse_preconditions(cls: type, name: str, preconditions: Any) -> None:
    if preconditions:
        raise UsageError(
            f"{cls.__name__}.{name} has a precondition: whether it holds depends on the order of "
            "the calls, which is what is looked for; let the rule itself do nothing, or raise"
        )
