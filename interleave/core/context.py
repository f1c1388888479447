"""Where a task meets the runtime: `perform` is the only way from one to the other."""

from __future__ import annotations

from sys import _getframe
from typing import TYPE_CHECKING, Any

from interleave._real import get_ident

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from greenlet import greenlet

    from interleave.core.operation import Operation, Plain
    from interleave.core.runtime import Runtime
    from interleave.core.task import Task

_runtime: Runtime = None  # type: ignore[assignment]  # none only while no task runs
_thread = 0  # the OS thread that runs tasks right now; 0, which no thread has, if none does


call_hook: Callable[..., object] | None = None
"""What instrumentation wants to be called before each call; none where nothing is instrumented."""


def about_to_call(
    function: Callable[..., Any], args: Iterable[Any] = (), kwargs: dict[str, Any] | None = None
) -> None:
    """Say that code of ours, which is not instrumented, calls a function of the program next.

    It may be a method of a container, such as the `append` of a list as the target of a thread.
    """
    if call_hook is not None:
        if kwargs:
            args = (*args, *kwargs.values())
        call_hook(function, *args)


def enter(runtime: Runtime) -> None:
    """Say that tasks of this runtime run in this OS thread from now on."""
    global _runtime, _thread
    _runtime = runtime
    _thread = get_ident()


def leave() -> None:
    """Say that no task runs."""
    global _runtime, _thread
    _runtime = None  # type: ignore[assignment]  # none only while no task runs
    _thread = 0


def active() -> Runtime | None:
    """Return the runtime that runs an execution now, in whatever OS thread."""
    return _runtime


def in_task() -> bool:
    """Whether the caller is code of a task (and not of a real thread, or of the tool itself)."""
    return _thread == get_ident()


def perform(op: Operation) -> Any:
    """Announce an operation, let the strategy decide who goes on, and take effect in turn.

    This is the hot path, and the only way from a task to the runtime: the choice is made here, in
    the greenlet of the task, and control goes straight to the task that is picked. What is rare
    (an operation without a running execution, recording, tearing down, an actual choice) is in
    other functions.

    Raises:
        UncontrolledError: when a real thread, or code after the check, uses a simulated object.
    """
    if _thread != get_ident():
        return _outside(op)
    runtime = _runtime
    task = runtime.current
    op.task = task
    if runtime.special:
        if runtime.phase:
            return runtime.perform_unscheduled(task, op)
        if runtime.joinable and op.plain:
            return runtime.join(task, op)
        runtime.note_place(op)
    task.pending = op
    target = op.target
    if target is not None and target.epoch != runtime.count:
        runtime.revive(target)
    events = runtime.events
    at = len(events)
    guarded = op.guarded
    if guarded and op.timeout is not None:
        op.deadline = (task.clock if runtime.free_time else runtime.now) + op.timeout
        op.expired = False
    if at < runtime.scripted:
        if runtime.script[at] != task.number:
            runtime.leave_by_script(task, op, at)
        if guarded and not op.enabled():
            runtime.check_script(op)  # it may expire
    elif guarded or runtime.dirty or len(runtime.ready) > 1 or at >= runtime.max_steps:
        runtime.take_turn(task, op, at)
    events.append(op)
    if not op.neutral:
        runtime.dirty = True
    if op.noted:
        op.note()
    try:
        if not guarded or op.enabled():
            result = op.execute()
        else:
            result = runtime.expire(task, op)
    except BaseException as error:
        runtime.raised(task, op, error)
        raise
    if runtime.following:
        runtime.follow(task, op)
    if runtime.special:
        runtime.record(op, result)
    return result


def access(op: Plain) -> None:
    """Perform a plain access, for a hook that the program has called.

    It does what `perform` does for an operation that waits for nothing and lets nobody go on, on a
    place in memory of this execution: most events are such, and this takes two thirds of the time.
    """
    if _thread != get_ident():
        _outside(op)
        return
    frame = _getframe(2)
    op.code = frame.f_code
    op.at = frame.f_lasti
    runtime = _runtime
    if runtime.special:
        perform(op)
        return
    op.task = task = runtime.current
    task.pending = op
    events = runtime.events
    at = len(events)
    if at < runtime.scripted:
        if runtime.script[at] != task.number:
            runtime.leave_by_script(task, op, at)
    elif runtime.dirty or len(runtime.ready) > 1 or at >= runtime.max_steps:
        runtime.take_turn(task, op, at)
    events.append(op)
    if runtime.following:
        runtime.follow(task, op)


def _outside(op: Operation) -> Any:
    """Take effect for a real thread, or when no execution runs."""
    runtime = _runtime
    if runtime is not None:
        runtime.note_intruder(op)
    return op.outside()


def switch(target: greenlet) -> None:
    """Go on in another greenlet; come back when somebody goes on in this one.

    A function of one line: a tracer (coverage, a debugger) follows greenlets only if the frame
    that switches does nothing else.
    """
    target.switch()


def running_task() -> Task | None:
    """Return the task whose code is calling; none where that is not `in_task()`."""
    return _runtime.current if _thread == get_ident() else None


def running() -> tuple[Runtime, Task]:
    """Return the runtime and the task whose code is calling; call it only where `in_task()`."""
    return _runtime, _runtime.current
