"""What interleave raises: misuse of the tool, programs it cannot control, and its own bugs."""

from __future__ import annotations


class InterleaveError(Exception):
    """Base class of every exception that this package raises on purpose."""


class UsageError(InterleaveError):
    """The tool was called with something that it cannot use: a bad target, option or expression."""


class ScheduleError(UsageError):
    """A schedule token cannot be replayed: damaged, from another version, or of another program."""


class UncontrolledError(InterleaveError):
    """The program did something that the scheduler cannot control, such as `os.fork`."""


class NondeterministicError(InterleaveError):
    """The same choices led to different events: something else than the schedule decides."""


class InterleaveInternalError(InterleaveError):
    """A broken invariant of interleave itself: please report it, with the program."""

    def __init__(self, message: str) -> None:
        super().__init__(f"{message} (this is a bug in interleave: please report it)")


class InterleaveWarning(UserWarning):
    """Something that is no failure and that the user should know, as a warning of Python's."""


class HangDetected(BaseException):
    """Raised inside a program that does not come back to the scheduler.

    A `BaseException`, so that `except Exception` in the program does not swallow it.
    """
