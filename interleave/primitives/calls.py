"""What a program may call of ours: `choose` and `run_threads`. Both work outside a check too."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from interleave.core.context import about_to_call, in_task, running

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_Value = TypeVar("_Value")


def choose(options: Sequence[_Value]) -> _Value:
    """Return one of several values: in a check every one is tried, elsewhere one at random.

    Raises:
        ValueError: when there is nothing to choose from.
    """
    values = list(options)
    if not values:
        message = "choose() needs at least one value to choose from"
        raise ValueError(message)
    if not in_task():
        return random.choice(values)
    return values[running()[0].choose_value(len(values))]


def run_threads(*functions: Callable[[], Any]) -> list[Any]:
    """Run each function in a thread of its own; return their results in the order given.

    When all have ended, the exception of the first function (in that order) that raised one is
    raised again.
    """
    results: list[Any] = [None] * len(functions)
    errors: list[BaseException | None] = [None] * len(functions)

    def run(index: int, function: Callable[[], Any]) -> None:
        try:
            if in_task():
                about_to_call(function)
            results[index] = function()
        except Exception as error:  # noqa: BLE001 - raised again by the caller's thread
            errors[index] = error

    threads = [
        threading.Thread(target=run, args=item, name=getattr(item[1], "__name__", None))
        for item in enumerate(functions)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in errors:
        if error is not None:
            raise error
    return results
