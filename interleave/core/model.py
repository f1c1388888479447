"""A model is a program that declares what must come out of checking it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from interleave.core.program import MODEL_ATTRIBUTE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_Function = TypeVar("_Function", bound="Callable[[], Any]")


@dataclass(frozen=True, slots=True)
class Model:
    """What a program declares, and the options to check it with.

    `outcomes` is the exact set of outcomes, `outcome_count` their exact number; `expect` holds of
    every outcome, each of `reach` of some. `failures` are the kinds of failure that must be
    found, and no others; `warnings` the kinds of warning that must be given.
    """

    outcomes: tuple[Any, ...] | None = None
    outcome_count: int | None = None
    expect: str | None = None
    reach: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    verdict: str = "pass"
    options: dict[str, Any] = field(default_factory=dict)


def model(
    *,
    outcomes: Iterable[Any] | None = None,
    outcome_count: int | None = None,
    expect: str | None = None,
    reach: Iterable[str] = (),
    failures: Iterable[str] = (),
    warnings: Iterable[str] = (),
    verdict: str | None = None,
    **options: Any,
) -> Callable[[_Function], _Function]:
    """Declare what `interleave check FOLDER` must find for a program.

    The function stays as it is. `options` are those of `interleave.check`. The verdict is `fail`
    where failures are declared and `pass` where none are, unless it is given.
    """
    kinds = tuple(failures)
    declared = Model(
        outcomes=None if outcomes is None else tuple(outcomes),
        outcome_count=outcome_count,
        expect=expect,
        reach=(reach,) if isinstance(reach, str) else tuple(reach),
        failures=kinds,
        warnings=tuple(warnings),
        verdict=verdict or ("fail" if kinds else "pass"),
        options=options,
    )

    def mark(function: _Function) -> _Function:
        setattr(function, MODEL_ATTRIBUTE, declared)
        return function

    return mark


def model_of(function: Callable[..., Any]) -> Model | None:
    """Return what a function declares, if it does."""
    return getattr(function, MODEL_ATTRIBUTE, None)
