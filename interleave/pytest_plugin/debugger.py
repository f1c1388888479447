"""With `--pdb` the debugger opens inside the failing execution, before anything of it has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from _pytest.debugging import pytestPDB

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_INVOKER = "pdbinvoke"
"""The plugin of pytest that opens the debugger once a test has failed."""

_INVOKERS = pytest.StashKey[Any]()


class Debugger:
    """Opens the debugger once, where an exception leaves the program or one of its threads."""

    def __init__(self, item: pytest.Item, shorten: Callable[[Any], TracebackType | None]) -> None:
        self._item = item
        self._shorten = shorten
        self.text = ""  # what is said first
        self.quitting: BaseException | None = None

    @property
    def wanted(self) -> bool:
        """Whether somebody wants to look at a failure, and has not done so."""
        return bool(self._item.config.pluginmanager.has_plugin(_INVOKER))

    def stop(self, error: BaseException) -> None:
        """Let somebody look at the execution; called in the task that fails, while it is alive."""
        traceback = self._shorten(error.__traceback__)
        if not self.wanted or traceback is None:
            return
        # pytest would open it once more, when the execution is over.
        manager = self._item.config.pluginmanager
        self._item.stash[_INVOKERS] = manager.unregister(name=_INVOKER)
        debugger = pytestPDB._init_pdb("post_mortem")  # type: ignore[no-untyped-call]  # pytest's
        debugger.message(self.text)
        debugger.reset()
        debugger.interaction(None, traceback)
        if debugger.quitting:
            self.quitting = pytest.exit.Exception("Quitting debugger")


def resume(item: pytest.Item) -> None:
    """Let pytest open the debugger again, for what fails next."""
    invoker = item.stash.get(_INVOKERS, None)
    if invoker is not None:
        del item.stash[_INVOKERS]
        item.config.pluginmanager.register(invoker, _INVOKER)
