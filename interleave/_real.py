"""The originals, saved before anyone patches: real time and threads for the tool itself."""

from __future__ import annotations

import _thread
import builtins
import signal
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

allocate_lock = _thread.allocate_lock
start_new_thread = _thread.start_new_thread
get_ident = _thread.get_ident
get_native_id = _thread.get_native_id
count_threads: Callable[[], int] = _thread._count
monotonic = time.monotonic
perf_counter = time.perf_counter
sleep = time.sleep
raise_signal = signal.raise_signal
print_ = builtins.print
stdout = sys.stdout
stderr = sys.stderr
