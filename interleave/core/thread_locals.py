"""What CPython keeps per OS thread, kept per task: the values of `threading.local` objects.

Tasks share one OS thread, so the runtime exchanges what hangs on its thread state whenever it
switches. Local objects, subclasses of them and those made before the check then work by
CPython's own code, `__init__` per thread included (Modules/_threadmodule.c):

* up to 3.12 a local finds its values in the dictionary of the thread state;
* from 3.13 on it finds them by two words of the thread state itself, `threading_local_key` and
  `threading_local_sentinel`, which have no accessor. Where they are is found out once, by looking
  which words of a fresh thread's state are filled by the first use of a local.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from functools import cache
from typing import Any

from interleave import _real
from interleave.errors import InterleaveInternalError

_WORDS_LOOKED_AT = 64
_REPR = "Py_Repr"
_IN_DICTIONARY = sys.version_info < (3, 13)

_get_dict = ctypes.pythonapi.PyThreadState_GetDict
# The reference is borrowed, and ctypes would take a `py_object` for a new one: ask for the address.
_get_dict.restype = ctypes.c_void_p
_get_dict.argtypes = []
_get_state = ctypes.pythonapi.PyThreadState_Get
_get_state.restype = ctypes.c_void_p
_get_state.argtypes = []
_decref = ctypes.pythonapi.Py_DecRef
_decref.restype = None
_decref.argtypes = [ctypes.c_void_p]


class LocalsInDictionary:
    """The values of the calling OS thread's locals, as contents of one dictionary."""

    def __init__(self) -> None:
        found: dict[Any, Any] = ctypes.cast(_get_dict(), ctypes.py_object).value
        self._dictionary = found
        self.occupied = found.__len__

    def take(self) -> dict[Any, Any] | None:
        """Take the contents out."""
        contents = dict(self._dictionary) or None
        self._dictionary.clear()
        return contents

    def put(self, contents: Any) -> None:
        """Put contents in, where there are none."""
        if contents:
            self._dictionary.update(contents)

    def drop(self, contents: Any) -> None:
        """Throw contents away: the task that they belong to has ended."""

    def keep(self) -> dict[Any, Any]:
        """Return a copy of the contents, to compare and restore later."""
        # repr() leaves an empty list behind; without it the dictionary of most programs is empty,
        # and there is nothing to exchange.
        if not self._dictionary.get(_REPR, True):
            del self._dictionary[_REPR]
        return dict(self._dictionary)

    def restore(self, kept: Any) -> None:
        """Make the contents what they were."""
        if self._dictionary != kept:
            self._dictionary.clear()
            self._dictionary.update(kept)


class LocalsInState:
    """The values of the calling OS thread's locals, as two owned references in its state."""

    def __init__(self) -> None:
        address = _get_state() + _offset() * ctypes.sizeof(ctypes.c_void_p)
        self._words = (ctypes.c_void_p * 2).from_address(address)

    def occupied(self) -> bool:
        """Whether there are any."""
        return self._words[0] is not None

    def take(self) -> tuple[int, int] | None:
        """Take the references out."""
        words = self._words
        key, sentinel = words[0], words[1]
        contents = None if key is None or sentinel is None else (key, sentinel)
        words[0] = words[1] = None
        return contents

    def put(self, contents: Any) -> None:
        """Put references in, where there are none."""
        if contents is not None:
            self._words[0], self._words[1] = contents

    def drop(self, contents: Any) -> None:
        """Release references: their task has ended; the sentinel's end clears its values."""
        if contents is not None:
            key, sentinel = contents
            _decref(key)
            _decref(sentinel)

    def keep(self) -> None:
        """Nothing to keep: the references are exchanged, never copied."""

    def restore(self, kept: Any) -> None:
        """Nothing to restore."""


Locals = LocalsInDictionary | LocalsInState


def locals_of_thread() -> Locals:
    """Return the place of the calling OS thread's locals (the same as long as it lives)."""
    return LocalsInDictionary() if _IN_DICTIONARY else LocalsInState()


@cache
def _offset() -> int:
    """Return which word of a thread state is `threading_local_key`."""
    filled: list[int] = []
    done = _real.allocate_lock()
    done.acquire()

    def look() -> None:
        words = (ctypes.c_void_p * _WORDS_LOOKED_AT).from_address(_get_state())
        before = list(words)
        threading.local().probe = 1
        after = list(words)
        filled.extend(
            index
            for index, pair in enumerate(zip(before, after, strict=True))
            if pair[0] is None and pair[1] is not None
        )
        done.release()

    _real.start_new_thread(look, ())
    done.acquire()
    if len(filled) != 2 or filled[1] != filled[0] + 1:
        message = f"threading.local of Python {sys.version.split()[0]} works in an unknown way"
        raise InterleaveInternalError(message)
    return filled[0]
