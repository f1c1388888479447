"""Which operations order the threads of a program: what happens before what, as documented.

A row says through which channels an operation gets to know what others did before (it *takes*), and
lets others know what its own task did (it *gives*). Taking from a channel orders the task after
everyone who gave to it. Plain accesses have no row: they order nothing, which is the point; nor
have sleeps and prints, and nothing that failed, or only looked and saw no reason to go on.

The rows follow what is documented, or what a program can see, and not what CPython does inside: its
queues take a mutex in every operation, which orders any two of them, but no program may count on
that. They are the synchronises-with edges of [C11] and [JLS] where those have the primitive.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from interleave.core.dependence import MAIN, THREADS
from interleave.core.operation import Operation, SimObject
from interleave.core.steps import Begin, End, Exit, Over, Return
from interleave.primitives import (
    barriers,
    completion,
    conditions,
    events,
    futures,
    imports,
    locks,
    pools,
    queues,
    semaphores,
    threads,
)

Channel = tuple[Any, ...]
"""The key of an object, and what of it."""

Edges = tuple[tuple[Channel, ...], tuple[Channel, ...], tuple[Channel, ...]]
"""The channels that are emptied first, those that are taken from, and those that are given to."""

NOTHING: Edges = ((), (), ())

Row = Callable[[Any], Edges]


def _taking(*channels: Channel) -> Edges:
    return (), channels, ()


def _giving(*channels: Channel) -> Edges:
    return (), (), channels


def _in_time(op: Operation) -> bool:
    return op.timeout is None or not op.expired


# -- threads --------------------------------------------------------------------------------------


def _start(op: threads.Start) -> Edges:
    if op.body is not None:  # it raised: it was started already
        return NOTHING
    return _giving((op.target.key, "start"))


def _begin(op: Begin) -> Edges:
    return NOTHING if op.target is None else ((), ((op.target.key, "start"),), ())


def _end(op: End) -> Edges:
    assert op.target is not None
    ended = (op.target.key, "end")
    return _giving(ended) if op.task.daemon else _giving(ended, (THREADS, "end"))


def _return(op: Return) -> Edges:
    return _giving((MAIN, "end")) if op.is_over() else NOTHING


def _join(op: threads.Join | threads.IsAlive) -> Edges:
    # Nobody has given to it where the thread still runs, or was never started.
    return _taking((op.target.key, "end")) if _in_time(op) else NOTHING


# -- locks ----------------------------------------------------------------------------------------


def _acquire(op: locks.Acquire) -> Edges:
    if op.timeout is not None and op.expired:
        return NOTHING
    return (), ((op.target.key, "lock"),), ()  # written out, as below: it is asked very often


def _try_acquire(op: locks.TryAcquire) -> Edges:
    return _taking((op.target.key, "lock")) if op.taken else NOTHING


def _release(op: locks.Release) -> Edges:
    if not op.target.held_in(op.seen):  # it raised
        return NOTHING
    return (), (), ((op.target.key, "lock"),)


# -- conditions -----------------------------------------------------------------------------------


def _lock_of(condition: conditions.ConditionState) -> tuple[Channel, ...]:
    # A lock of the program's own making has operations of its own.
    lock = condition.lock
    return ((lock.key, "lock"),) if isinstance(lock, SimObject) else ()


def _wait(op: conditions.Wait) -> Edges:
    return NOTHING if op.waiter is None else _giving(*_lock_of(op.condition))


def _wake(op: conditions.Wake) -> Edges:
    if not _in_time(op):
        return NOTHING
    return _taking((op.waiter.key, "notified"), *_lock_of(op.condition))


def _leave(op: conditions.Leave) -> Edges:
    return _taking(*_lock_of(op.condition))


def _notify(op: conditions.Notify) -> Edges:
    return _giving(*((waiter.key, "notified") for waiter in op.woken))


# -- semaphores, events, barriers -----------------------------------------------------------------


def _down(op: semaphores.Acquire) -> Edges:
    return _taking((op.target.key, "room")) if _in_time(op) else NOTHING


def _try_down(op: semaphores.TryAcquire) -> Edges:
    return _taking((op.target.key, "room")) if op.taken else NOTHING


def _up(op: semaphores.Release) -> Edges:
    limit = op.target.limit
    if limit is not None and op.seen + op.count > limit:  # it raised
        return NOTHING
    return _giving((op.target.key, "room"))


def _set(op: events.Set) -> Edges:
    return _giving((op.target.key, "flag"), (op.target.key, "sets"))


def _clear(op: events.Clear) -> Edges:
    # Whoever sees the flag set from now on does so because of a later `set`.
    return ((op.target.key, "flag"),), (), ()


def _wait_for_flag(op: events.Wait) -> Edges:
    if op.seen[0]:
        return _taking((op.target.key, "flag"))
    # One that had certainly arrived before is let go by `set`, even if `clear` follows.
    return _taking((op.target.key, "sets")) if _in_time(op) else NOTHING


def _is_set(op: events.IsSet) -> Edges:
    return _taking((op.target.key, "flag")) if op.seen[0] else NOTHING


def _arrive(op: barriers.Arrive) -> Edges:
    inside = ((op.target.key, "arrived"),)
    first = inside if op.index == 0 else ()
    last = inside if op.index + 1 == op.target.parties else ()
    return (first, last, inside) if op.index >= 0 else NOTHING


def _acted(op: barriers.Acted) -> Edges:
    return NOTHING if op.failed else _giving((op.target.key, "arrived"))


def _pass(op: barriers.Pass) -> Edges:
    opened = _in_time(op) and op.seen[1] == barriers.DRAINING
    return _taking((op.target.key, "arrived")) if opened else NOTHING


# -- queues ---------------------------------------------------------------------------------------


def _put(op: queues.Put) -> Edges:
    """Hand an item over; and know of the `get` that made the room for it."""
    queue = op.target
    _, _, shut, _, number, _ = op.seen
    if shut:
        return _on_queue(op, takes=((queue.key, "shut"),))
    if not op.wrote():
        return _on_queue(op)
    if not queue.fifo:  # which item comes out when is up to it: any that was put before
        number = -1
    bounded = queue.item.maxsize > 0
    return _on_queue(
        op,
        takes=((queue.key, "room", number),) if bounded else (),
        gives=((queue.key, "item", number),),
    )


def _get(op: queues.Get) -> Edges:
    queue = op.target
    _, size, shut, _, _, number = op.seen
    if shut and not size:
        return _on_queue(op, takes=((queue.key, "shut"),))
    if not op.wrote():
        return _on_queue(op)
    room = number + queue.item.maxsize
    if not queue.fifo:
        number = room = -1
    bounded = queue.item.maxsize > 0
    return _on_queue(
        op,
        takes=((queue.key, "item", number),),
        gives=((queue.key, "room", room),) if bounded else (),
    )


def _task_done(op: queues.TaskDone) -> Edges:
    undone = op.seen[3]
    return _on_queue(op, gives=((op.target.key, "undone"),) if undone else ())


def _join_queue(op: queues.Join) -> Edges:
    return _on_queue(op, takes=((op.target.key, "undone"),))


def _shutdown(op: queues.Shutdown) -> Edges:
    key = op.target.key
    undone = ((key, "undone"),) if op.immediate else ()
    return _on_queue(op, gives=((key, "shut"), *undone))


def _on_queue(
    op: queues.QueueOperation,
    takes: tuple[Channel, ...] = (),
    gives: tuple[Channel, ...] = (),
) -> Edges:
    """Add what the queue's mutex orders, in a program that has asked for it."""
    queue = op.target
    mutex = () if queue.mutex is None else ((queue.key, "lock"),)
    return (), (*takes, *mutex), (*gives, *mutex)


# -- futures and pools ----------------------------------------------------------------------------


def _finish(op: futures.Finish) -> Edges:
    if op.seen[0] in futures.DONE:  # it raised
        return NOTHING
    key = op.target.key
    return (), ((key, "callbacks"),), ((key, "done"), *_in_line(op.told))


def _cancel(op: futures.Cancel) -> Edges:
    key = op.target.key
    return ((), ((key, "callbacks"),), ((key, "done"),)) if op.fresh else NOTHING


def _notice(op: futures.Notice) -> Edges:
    # Whoever waits for several futures counts one that was cancelled from here on.
    if op.seen[0] != futures.CANCELLED:
        return NOTHING
    return _giving((op.target.key, "done"), *_in_line(op.told))


def _in_line(told: futures.Told) -> tuple[Channel, ...]:
    return tuple((line.key, "line") for line, _ in told)


def _await(op: futures.Await) -> Edges:
    return _taking((op.target.key, "done")) if _in_time(op) else NOTHING


def _ask(op: futures.Ask) -> Edges:
    done = op.seen[0] in futures.DONE and op.seen[0] in op.states
    return _taking((op.target.key, "done")) if done else NOTHING


def _add_callback(op: futures.AddCallback) -> Edges:
    if op.seen[0] in futures.DONE:  # the caller calls it
        return _taking((op.target.key, "done"))
    return _giving((op.target.key, "callbacks"))


def _await_many(op: completion.AwaitMany) -> Edges:
    return _taking(
        *(
            (future.key, "done")
            for future in op.futures
            if op.seen[id(future)][0] in futures.SETTLED
        )
    )


def _collect(op: completion.Collect) -> Edges:
    return _taking((op.target.key, "line")) if _in_time(op) else NOTHING


def _submit(op: pools.Submit) -> Edges:
    thread = () if op.thread is None else ((op.thread.key, "start"),)
    return _giving((op.future, "call"), *thread)


def _take(op: pools.Poll | pools.Take) -> Edges:
    took = op.took.futures
    passed_over = tuple(
        (future.key, "done") for future, before, _ in took if before == futures.CANCELLED
    )
    told = tuple(channel for _, _, told in took for channel in _in_line(told))
    return (), tuple((future.key, "call") for future, _, _ in took), (*passed_over, *told)


# -- imports --------------------------------------------------------------------------------------


def _look(op: imports.Look) -> Edges:
    return _taking(*((op.target.key, name) for name in op.names))


def _finish_import(op: imports.Finish) -> Edges:
    return _giving(*((op.target.key, name) for name in op.names))


ROWS: dict[type[Operation], Row] = {
    Begin: _begin,
    End: _end,
    Return: _return,
    Over: lambda _: _giving((MAIN, "end")),
    Exit: lambda _: _taking((THREADS, "end")),
    threads.Start: _start,
    threads.Join: _join,
    threads.IsAlive: _join,
    locks.Acquire: _acquire,
    locks.TryAcquire: _try_acquire,
    locks.Release: _release,
    conditions.Wait: _wait,
    conditions.Wake: _wake,
    conditions.Leave: _leave,
    conditions.Notify: _notify,
    semaphores.Acquire: _down,
    semaphores.TryAcquire: _try_down,
    semaphores.Release: _up,
    events.Set: _set,
    events.Clear: _clear,
    events.Wait: _wait_for_flag,
    events.IsSet: _is_set,
    barriers.Arrive: _arrive,
    barriers.Acted: _acted,
    barriers.Pass: _pass,
    queues.Put: _put,
    queues.Get: _get,
    queues.TaskDone: _task_done,
    queues.Join: _join_queue,
    queues.Shutdown: _shutdown,
    queues.Measure: _on_queue,
    futures.Finish: _finish,
    futures.Cancel: _cancel,
    futures.Notice: _notice,
    futures.Await: _await,
    futures.Ask: _ask,
    futures.AddCallback: _add_callback,
    completion.AwaitMany: _await_many,
    completion.Collect: _collect,
    pools.Submit: _submit,
    pools.Poll: _take,
    pools.Take: _take,
    imports.Look: _look,
    imports.Finish: _finish_import,
}
"""By kind of operation; a subclass (a timed wait, say) has the row of its base."""


def row_of(kind: type[Operation]) -> Row | None:
    """Return the row of a kind of operation; none where it orders nothing."""
    return next((ROWS[base] for base in kind.__mro__ if base in ROWS), None)
