"""T19: workers initialise, wait for each other at a barrier, then work.

No worker works before all have initialised: each notes, when it begins to work, how
many have initialised, and all must note the full number. If a party never comes, those
who wait do so for ever: deadlock.

`abort()`, `reset()` and a timeout raise `BrokenBarrierError` in the others. What may
come of each race is derived beside its program from CPython's `Barrier`, which is a
count and a state (filling, draining, resetting, broken) under one condition. The
fine point: a worker that waits is told that the state has changed, but looks at it
only when it has the condition's lock again, and the state may have changed once more.
"""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from interleave import model


def initialise_then_work(
    barrier: threading.Barrier, initialised: list[str], noted: list[int]
) -> None:
    """Initialise, wait for the others, note how many have initialised."""
    initialised.append("ready")
    barrier.wait()
    noted.append(len(initialised))


def meet(barrier: threading.Barrier, saw: dict[int, str], worker: int) -> None:
    """Wait at the barrier and note whether it let this worker pass."""
    try:
        barrier.wait()
    except threading.BrokenBarrierError:
        saw[worker] = "broken"
    else:
        saw[worker] = "passed"


@model(strategy="random", seed=1, executions=500, outcomes=[(3, 3, 3)])
def barrier_pool() -> tuple[int, ...]:
    """Run three workers in a pool of three."""
    barrier = threading.Barrier(3)
    initialised: list[str] = []
    noted: list[int] = []
    with ThreadPoolExecutor(max_workers=3) as pool:
        for _ in range(3):
            pool.submit(initialise_then_work, barrier, initialised, noted)
    return tuple(noted)


@model(outcomes=[(2, 2)])
def barrier_threads() -> tuple[int, ...]:
    """Run two workers, main being one of them."""
    barrier = threading.Barrier(2)
    initialised: list[str] = []
    noted: list[int] = []
    thread = threading.Thread(target=initialise_then_work, args=(barrier, initialised, noted))
    thread.start()
    initialise_then_work(barrier, initialised, noted)
    thread.join()
    return tuple(noted)


@model(failures=["deadlock"])
def missing_party() -> tuple[int, ...]:
    """Run two workers at a barrier for three."""
    barrier = threading.Barrier(3)
    initialised: list[str] = []
    noted: list[int] = []
    thread = threading.Thread(target=initialise_then_work, args=(barrier, initialised, noted))
    thread.start()
    initialise_then_work(barrier, initialised, noted)
    thread.join()
    return tuple(noted)


# One worker comes to a barrier for two, and main aborts it instead of coming. If the
# worker waits already, it is woken and sees a broken barrier; if it comes later, it finds
# one. Nothing mends a broken barrier but a reset: always broken.
@model(outcomes=["broken"])
def aborted_while_waiting() -> str:
    """Abort the barrier under one worker; return what it saw."""
    barrier = threading.Barrier(2)
    saw: dict[int, str] = {}
    worker = threading.Thread(target=meet, args=(barrier, saw, 0))
    worker.start()
    barrier.abort()
    worker.join()
    return saw[0]


# Main is the second party and aborts when it has passed.
#
# - The worker came last: it has let main pass, and so it passes itself, whatever main
#   does then. (passed, passed).
# - Main came last: it sets the state to draining, tells the worker, and passes. If the
#   worker has the lock again before the abort, it sees draining: (passed, passed). If the
#   abort has the lock first, the worker sees broken, although all had come:
#   (broken, passed).
#
# Main aborts only after it has passed, so main itself never sees a broken barrier.
@model(outcomes=[("passed", "passed"), ("broken", "passed")])
def aborted_after_passing() -> tuple[str, str]:
    """Meet, then abort; return what each saw."""
    barrier = threading.Barrier(2)
    saw: dict[int, str] = {}
    worker = threading.Thread(target=meet, args=(barrier, saw, 0))
    worker.start()
    meet(barrier, saw, 1)
    barrier.abort()
    worker.join()
    return (saw[0], saw[1])


# The parties are worker 0 (a thread) and worker 1 (main); a second thread aborts.
#
# - The abort comes before both have arrived: (broken, broken), as in the first program.
# - The abort comes when both have left: (passed, passed).
# - The abort comes between, as in the second program, and here either may be the first
#   to arrive, who sees the barrier broken: (broken, passed) and (passed, broken).
@model(
    strategy="random",
    seed=1,
    executions=2000,
    outcomes=[
        ("passed", "passed"),
        ("broken", "broken"),
        ("broken", "passed"),
        ("passed", "broken"),
    ],
)
def aborted_by_a_third() -> tuple[str, str]:
    """Abort the barrier while two workers meet; return what each saw."""
    barrier = threading.Barrier(2)
    saw: dict[int, str] = {}
    worker = threading.Thread(target=meet, args=(barrier, saw, 0))
    aborter = threading.Thread(target=barrier.abort)
    worker.start()
    aborter.start()
    meet(barrier, saw, 1)
    worker.join()
    aborter.join()
    return (saw[0], saw[1])


# One worker waits at a barrier for two, and main resets it.
#
# - The worker has arrived: it is woken, sees that the barrier is resetting, and raises.
# - The worker has not arrived: nobody is there to be told, and the reset barrier is as
#   good as new. The worker comes, waits, and nobody else ever will: deadlock.
@model(outcomes=["broken"], failures=["deadlock"])
def reset_once() -> str:
    """Reset the barrier under one worker; return what it saw."""
    barrier = threading.Barrier(2)
    saw: dict[int, str] = {}
    worker = threading.Thread(target=meet, args=(barrier, saw, 0))
    worker.start()
    barrier.reset()
    worker.join()
    return saw[0]


# As above, but main then comes to the barrier as the second party, and a worker that
# was sent back comes again. Returned is how often each came.
#
# - The reset finds nobody there: both meet at once. (1, 1).
# - The reset finds the worker there: it is sent back and comes again. Main cannot enter
#   while the barrier is resetting, that is, until the worker has left it; so the two
#   meet at the worker's second coming. (2, 1).
#
# Main comes only after its own reset, so nobody sends it back, and the reset never
# finds both there: nothing else is possible, and no schedule is a deadlock.
@model(outcomes=[(1, 1), (2, 1)])
def reset_and_meet_again() -> tuple[int, int]:
    """Reset the barrier, then meet at it; return how often each came."""
    barrier = threading.Barrier(2)
    came = [0, 0]

    def come_until_passed(worker: int) -> None:
        while True:
            came[worker] += 1
            try:
                barrier.wait()
            except threading.BrokenBarrierError:
                continue
            return

    thread = threading.Thread(target=come_until_passed, args=(0,))
    thread.start()
    barrier.reset()
    come_until_passed(1)
    thread.join()
    return (came[0], came[1])


def meet_with_timeout(patience: float, delay: float) -> tuple[str, str]:
    """Let worker 0 wait for `patience` and main arrive after `delay`, both in seconds."""
    barrier = threading.Barrier(2)
    saw: dict[int, str] = {}

    def meet_impatiently() -> None:
        try:
            barrier.wait(timeout=patience)
        except threading.BrokenBarrierError:
            saw[0] = "broken"
        else:
            saw[0] = "passed"

    worker = threading.Thread(target=meet_impatiently)
    worker.start()
    time.sleep(delay)
    meet(barrier, saw, 1)
    worker.join()
    return (saw[0], saw[1])


# Durations promise nothing, so the timeout may end at any point of the wait.
#
# - The worker's wait ends before main has arrived: the worker breaks the barrier and
#   raises, and main finds it broken. (broken, broken).
# - Main arrives first or in time: (passed, passed).
# - The wait ends, but main takes the lock before the worker does: main sets the state to
#   draining and passes, and the worker, having the lock, looks at the state before it
#   looks at the clock. (passed, passed) again.
#
# The worker breaks the barrier only while it alone is there, so they never differ.
@model(outcomes=[("passed", "passed"), ("broken", "broken")])
def timed_out() -> tuple[str, str]:
    """Wait with a timeout that may end at any point; return what each saw."""
    return meet_with_timeout(patience=1.0, delay=0.0)


@model(outcomes=[("passed", "passed")], time="idle")
def timed_out_in_time() -> tuple[str, str]:
    """Arrive before the timeout, durations holding."""
    return meet_with_timeout(patience=1.0, delay=0.5)


@model(outcomes=[("broken", "broken")], time="idle")
def timed_out_too_late() -> tuple[str, str]:
    """Arrive after the timeout, durations holding."""
    return meet_with_timeout(patience=1.0, delay=2.0)


if __name__ == "__main__":
    print(barrier_pool())
