"""What CPython keeps per OS thread, kept per task: the dictionary behind `threading.local`.

`threading.local` (Modules/_threadmodule.c) looks its attributes up in the dictionary of the
thread state. Tasks share one OS thread, so the runtime gives each its own contents of that
dictionary: local objects, subclasses of them and those made before the check then work by
CPython's own code, `__init__` per thread included.
"""

from __future__ import annotations

import ctypes
from typing import Any

_get_dict = ctypes.pythonapi.PyThreadState_GetDict
# The reference is borrowed, and ctypes would take a `py_object` for a new one: ask for the address.
_get_dict.restype = ctypes.c_void_p
_get_dict.argtypes = []


def thread_dict() -> dict[Any, Any]:
    """Return the dictionary of the calling OS thread's state (one object as long as it lives)."""
    found: dict[Any, Any] = ctypes.cast(_get_dict(), ctypes.py_object).value
    return found
