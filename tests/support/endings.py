"""How an execution ended, told in such a way that equal endings are equal."""

from interleave.core.outcome import Deadlocked, Raised, Returned
from interleave.core.outcomes import shown


def ending_of(execution):
    match execution.ending:
        case Returned(value):
            return ("returned", shown(value))
        case Raised(error, task, kind):
            return ("raised", task, type(error).__name__, kind)
        case Deadlocked(waiting):
            return ("deadlock", tuple((item.task, item.what) for item in waiting))
        case ending:
            return ("other", repr(ending))
