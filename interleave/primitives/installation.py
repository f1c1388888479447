"""The state that a class of the standard library has inside a check, and where it is kept.

Python classes (`threading.Event`, `queue.Queue`, ...) stay what they are; only their methods are
exchanged while a check runs. So subclasses defined long before the check work, `isinstance` holds,
and an object's simulated state hangs on the object itself, under one private attribute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from interleave.core.context import in_task, running

if TYPE_CHECKING:
    from collections.abc import Callable

    from interleave.core.operation import SimObject

ATTRIBUTE = "_interleave_state"

TOOLS = frozenset(
    {
        "interleave",
        "bytecode",
        "greenlet",
        "pytest",
        "_pytest",
        "pluggy",
        "hypothesis",
        "_hypothesis_pytestplugin",
        "_hypothesis_globals",
        "coverage",
        "click",
        "rich",
        "pygments",
        "markdown_it",
        "mdurl",
        "iniconfig",
        "xdist",
        "execnet",
        "pip",
        "setuptools",
        "pkg_resources",
        "_distutils_hack",
    }
)
"""The packages whose modules belong to the tools that run a check, and not to a program."""

_State = TypeVar("_State", bound="SimObject")

_undo: list[Callable[[], None]] = []
_originals: dict[tuple[Any, str], Any] = {}


def keep_original(owner: Any, name: str, original: Any) -> None:
    """Remember what a method was before it was exchanged."""
    _originals[owner, name] = original


def original(owner: Any, name: str) -> Any:
    """Return what a class or module had under a name before it was exchanged."""
    return _originals.get((owner, name)) or getattr(owner, name)


def state_of(item: Any, adopt: Callable[[Any], _State]) -> _State | None:
    """Return an object's simulated state.

    An object that was made before the check gets one at its first use in a task, made by
    `adopt`; for a real thread that uses a real object there is none.
    """
    try:
        return item.__dict__[ATTRIBUTE]  # type: ignore[no-any-return]  # kept without a type
    except KeyError:
        if not in_task():
            return None
    state = adopt(item)
    attach(item, state)
    undo_later(lambda: item.__dict__.pop(ATTRIBUTE, None))
    return state


def refreshed(state: _State) -> _State:
    """Return the state as it is in this execution, for who looks at it without an operation."""
    if in_task():
        runtime, _ = running()
        if state.epoch != runtime.count:
            runtime.revive(state)
    return state


def attach(item: Any, state: SimObject) -> None:
    """Hang a state on its object."""
    item.__dict__[ATTRIBUTE] = state


def undo_later(action: Callable[[], Any]) -> None:
    """Register what puts back something that was changed for the length of the check."""
    _undo.append(action)


def undone() -> int:
    """Return how much there is to be put back."""
    return len(_undo)


def undo_all() -> None:
    """Put back all that was changed, the last first."""
    while _undo:
        _undo.pop()()


def type_label(item: object, fallback: str) -> str:
    """Return the name of an object's class, so that a subclass shows as itself."""
    name = type(item).__name__
    return name if name != "type" else fallback


def type_path(item: object) -> str:
    """Return module and name of an object's class, as CPython shows them in a `repr`."""
    cls = type(item)
    return f"{cls.__module__}.{cls.__qualname__}"
