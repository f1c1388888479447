"""The runtime runs one program under one strategy: tasks on pooled greenlets, one at a time.

A task that is about to do an operation asks the strategy itself, in its own greenlet, who goes
on, and switches straight to that task: there is no hub in between. The greenlet that called
`execute` (the hub) only starts main and gets control back when the execution has ended.
"""

from __future__ import annotations

import sys
from bisect import insort
from contextlib import contextmanager
from itertools import count
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

from greenlet import GreenletExit, getcurrent, greenlet

from interleave.core import context
from interleave.core.context import perform, switch
from interleave.core.dependence import WRITE
from interleave.core.execution import Execution, Warned
from interleave.core.outcome import (
    Deadlocked,
    Diverged,
    Ending,
    Hung,
    Interrupted,
    Livelocked,
    Raised,
    Returned,
    StepBound,
    Uncontrolled,
    Waiting,
)
from interleave.core.recording import Recorder
from interleave.core.spinning import Spin, only_polling
from interleave.core.steps import Begin, Choose, End, Exit, Fail, Over, Return
from interleave.core.strategy import CAUSES, NO_SCRIPT
from interleave.core.task import Task
from interleave.core.thread_locals import locals_of_thread
from interleave.core.trace import call_of, stack_of, user_place, user_place_of
from interleave.errors import (
    HangDetected,
    InterleaveError,
    InterleaveInternalError,
    NondeterministicError,
    ScheduleError,
    UncontrolledError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import FrameType

    from interleave.core.dependence import Key
    from interleave.core.operation import Operation, SimObject
    from interleave.core.steps import Employer
    from interleave.core.strategy import Script, Strategy
    from interleave.settings import Settings

RUNNING, ATOMIC, TEARDOWN = range(3)

_PATIENCE = 1_000
"""How many operations a task may do while it is torn down before it is told to end again."""

_MOMENT = 1e-6
"""Seconds that a wait takes whose time is over already."""

_RESUMED = "a task was resumed after its execution had ended"

_GONE = "its thread has ended, or was never started"

_MISUSE = "__interleave_misuse__"

_ENDS = (Return, Over)

_path = attrgetter("path")

_NO_CLOCKS: dict[int, float] = {}

_SILENT = Recorder()  # of all executions that are not recorded

_executions = count(1)  # of the process: an object of an earlier check is no object of this one

_Error = TypeVar("_Error", bound=BaseException)


class Worker(greenlet):
    """A pooled greenlet: it runs the body of one task after the other."""

    runtime: Runtime
    task: Task | None

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(parent=runtime.hub)
        self.runtime = runtime
        self.task = None

    def run(self) -> None:
        """Run tasks until the pool is closed."""
        runtime = self.runtime
        switch(runtime.nursery)
        while self.task is not None:
            runtime.run_task(self.task)
            successor = runtime.successor()
            if successor is not None and successor.worker is None:
                self.task = successor
                successor.worker = self
                continue
            self.task = None
            runtime.idle.append(self)
            if successor is None:
                switch(runtime.hub)
            else:
                assert successor.worker is not None
                switch(successor.worker)


class Nursery(greenlet):
    """The greenlet on which all workers are born.

    A greenlet counts its recursion from where it was started. Started from wherever a thread of
    the program happens to be, one would have less room than another, and keep it for all the
    tasks that run on it later.
    """

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(parent=runtime.hub)
        self.runtime = runtime
        self.client: greenlet = runtime.hub

    def run(self) -> None:
        """Hatch a worker for whoever asks, until the pool is closed."""
        while True:
            switch(self.client)
            worker = Worker(self.runtime)
            switch(worker)
            self.runtime.idle.append(worker)


class Runtime:
    """Executes a program again and again; one object lives for a whole exploration.

    `now` is the clock of the time modes `idle` and `ordered` (seconds since the execution
    began); in `free` each task has a clock of its own.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.free_time = settings.time == "free"
        self.idle_time = settings.time == "idle"
        self.max_steps = settings.max_steps
        self.numbers: dict[tuple[int, ...], int] = {}  # of tasks, the same in every execution
        self.observing_output = settings.observe == "output"
        # Tasks are switched only where a CPython with the GIL can switch.
        self.under_gil = settings.atomicity == "gil"
        self.hub: greenlet = getcurrent()
        self.idle: list[Worker] = []
        self.stubborn: list[Worker] = []
        self.nursery = Nursery(self)
        self.hosting = (
            False  # the hub runs code of the program: a finaliser, `__eq__` of an outcome
        )
        self.interrupted = False  # the user wants no more
        self.hears_interrupts = False  # Ctrl-C is told by `interrupt`
        self.count = self.scripted = 0
        self.events: list[Operation] = []
        self.phase = TEARDOWN
        self.special = True  # recording, or not in phase RUNNING
        self.recording = False
        self.stacking = False  # whoever records wants to know the callers of each access, too
        self.locals = locals_of_thread()
        self.failing: Callable[[BaseException], None] | None = None  # who looks at a failure first

    # -- one execution ------------------------------------------------------------------------

    def execute(
        self, program: Callable[[], Any], strategy: Strategy, *, recording: bool = False
    ) -> Execution:
        """Run `program` once, with the choices that `strategy` makes."""
        self._reset(strategy, recording=recording)
        main = Task(self, None, lambda: self._run_main(program), daemon=False, target=None)
        main.pending = Begin(None)
        main.pending.task = main
        self.current = self.main = main
        self.live.append(main)
        self.numbered[main.number] = main
        context.enter(self)
        try:
            if not self.nursery:
                switch(self.nursery)
            self.phase = RUNNING
            self.special = recording or self.under_gil
            switch(self.start(main))
            if self.ending is None:
                message = "the execution came back to its hub without an ending"
                raise InterleaveInternalError(message)
            self._tear_down()
        finally:
            self.phase = TEARDOWN
            self.special = True
            context.leave()
        return Execution(
            ending=self.ending,
            choices=self.choices,
            events=self.events,
            preemptions=self.preemptions,
            switches=self.switches,
            output=[*self.output, self.partial] if self.partial else self.output,
            warnings=self.warnings,
            tasks=self.begun,
            history=self.recorder.history,
            places=self.recorder.places,
            stacks=self.recorder.stacks,
            pending=self.pending,
            inside=self.inside,
            under_gil=self.under_gil,
            fresh=self.fresh,
            daemons=self.daemons,
            known_tasks=len(self.numbers),
            moves=self.moves,
            untried=tuple(self.untried),
            rests=tuple(self.rests),
        )

    @contextmanager
    def between_executions(self) -> Iterator[None]:
        """Let code of the program run on the hub as in a task that is torn down: nothing blocks."""
        self.current.unwinding = -sys.maxsize  # any number of finalisers may come
        self.hosting = True
        context.enter(self)
        try:
            yield
        finally:
            context.leave()
            self.hosting = False

    def close(self) -> None:
        """End the pooled greenlets."""
        for worker in self.idle:
            worker.throw(GreenletExit)
        self.idle.clear()
        if self.nursery:
            self.nursery.throw(GreenletExit)
        # Tasks know the runtime: let go of them, and with them of what the program has made.
        vars(self).update(pending=[], events=[], live=[], numbered={}, inside={})

    def _reset(self, strategy: Strategy, *, recording: bool) -> None:
        self.count = next(_executions)
        self.keys = 0  # of places in memory, as they are met
        self.strategy = strategy
        self.choose = strategy.choose
        script: Script = getattr(strategy, "script", NO_SCRIPT)
        self.script = script.tasks
        # So many events need not be chosen, nor counted.
        self.scripted = min(script.upto, self.max_steps)
        self.choices = list(script.choices)
        self.noting = strategy.noting
        self.recording = recording
        self.ending: Ending | None = None
        self.live: list[Task] = []  # in the order of their paths
        self.numbered: dict[int, Task] = {}  # the live ones
        self.ready: list[Task] = []  # those of them that can go on, unless `dirty`
        self.dirty = True
        self.joinable = False  # under the GIL: nobody can come in before the next plain access
        self.preempting = False  # the last switch left a task that could have gone on
        self.events = strategy.events = []
        self.recorder = Recorder() if recording else _SILENT
        self.output: list[str] = []
        self.partial = ""
        self.warnings: list[Warned] = []
        self.preemptions = self.switches = 0
        self.begun = 1
        self.now = 0.0
        self.moves: list[tuple[int, float]] = []  # when the shared clock moved, and to what
        self.pending: list[tuple[Task, Operation]] = []
        self.inside: dict[int, list[Operation]] = {}
        self.fresh: set[int] = set()
        self.daemons = False
        self.timed = False  # a clock of some task's own has moved
        self.clocks: dict[Key, dict[int, float]] = {}  # by location and mode: the latest then
        self.following = False  # somebody wants to be told of each event
        self.slept = False  # a loop that sleeps was taken for one that only waits
        self.let_go: dict[Task, Spin] = {}  # who went round once more, and has not come back yet
        self.rests: list[int] = []  # when nobody else could go on
        self.untried: list[str] = []
        self.state: dict[str, Any] = {}
        self.exit_hooks: list[Callable[[], object]] = []
        self.employers: list[Employer] = []  # the pools that have threads
        self.leaving = False  # main has come to its end, or waits for the threads of pools there
        self.awaited: list[Operation] = []  # what it still waits for
        self.end_hooks: list[Callable[[], None]] = []
        self.at_exit: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = []
        self.home = self.locals.keep()

    def _run_main(self, program: Callable[[], Any]) -> None:
        value = program()
        while self.exit_hooks:
            self.exit_hooks.pop(0)()
        if not self.leaving:  # what `atexit` has called may have left by `sys.exit`
            perform(Return(None))
        while self.awaited:
            perform(self.awaited.pop(0))
        if not self.current.done:
            perform(Over(None))
        perform(Exit(None))
        while self.at_exit:
            function, args, kwargs = self.at_exit.pop()
            function(*args, **kwargs)
        self.finish(Returned(value))

    def run_task(self, task: Task) -> None:
        """Run the body of a task between its first and its last event."""
        begin = task.pending
        self.events.append(begin)
        if self.special:
            self.record(begin, None)
        try:
            task.body()
            if task.path:
                perform(End(task.target))
        except BaseException as error:  # noqa: BLE001 - whatever leaves the program is judged here
            self._leave(task, error)
        self.live.remove(task)
        del self.numbered[task.number]
        task.done = True
        # Break the cycles with what refers to the task: reference counting then frees an execution
        # at once, and the cyclic collector has next to nothing to do.
        task.body = task.pending = task.target = task.handle = task.worker = None  # type: ignore[assignment]  # nobody asks a task that is over
        task.polling = None
        task.laps.clear()

    def _leave(self, task: Task, error: BaseException) -> None:
        """Judge an exception that left a task; the first ending stands."""
        if self.ending is not None:
            return
        ending: Ending
        place = user_place_of(error)
        match error:
            case HangDetected():
                where = str(place) if place else None
                ending = Hung(task.id, where, self.settings.hang_seconds, call_of(error))
            case KeyboardInterrupt() if not self.hears_interrupts:
                ending = Interrupted()
            case ScheduleError() | NondeterministicError():
                ending = Diverged(str(error))
            case UncontrolledError():
                ending = Uncontrolled(str(error), str(place) if place else None)
            case SystemExit() if not task.path:
                self._leave_by_exit(task, error)
                return
            case _ if getattr(error, _MISUSE, False):
                ending = Raised(error, task.id, "misuse")
            case AssertionError() if not task.path:
                ending = Raised(error, task.id, "assertion")
            case _:
                ending = Raised(error, task.id, "thread-exception" if task.path else "exception")
        if isinstance(ending, Raised):
            self._fail(task, ending)
        else:
            self.finish(ending)

    def _fail(self, task: Task, ending: Raised) -> None:
        """End the execution by a failure, in turn: others may be faster."""
        try:
            perform(Fail(ending.error))
        except BaseException as later:  # noqa: BLE001 - it was over before, or is broken off
            self._leave(task, later)
            return
        if self.failing is not None:
            with self.atomic():
                self.failing(ending.error)
        self.finish(ending)

    def _leave_by_exit(self, task: Task, error: SystemExit) -> None:
        """`sys.exit` in main: the program ends as if it had returned, unless it says a failure."""
        if error.code in (None, 0):
            try:
                self._run_main(lambda: None)
            except BaseException as later:  # noqa: BLE001 - judged like any other
                self._leave(task, later)
        else:
            self._fail(task, Raised(error, task.id, "exception"))

    def finish(self, ending: Ending) -> None:
        """Say how the execution ended; what was said first stands."""
        if self.ending is None:
            self.ending = Interrupted() if self.interrupted else ending
            if self.noting:
                self._note_pending()
            if self.let_go and not isinstance(ending, StepBound):
                self._note_astray()
            self.recorder.settle()
            for hook in self.end_hooks:
                hook()

    def _note_pending(self) -> None:
        """Remember what the other tasks were about to do, and the state that it would have met."""
        last = self.events[-1]
        if last.glued:
            last = next(op for op in reversed(self.events) if not op.glued)
        for task in self.live:
            op = task.pending
            if op is not last:
                if op.noted:
                    op.note()
                self.pending.append((task, op))

    def stop(self, ending: Ending) -> None:
        """End the execution from inside a task, which stays where it is until it is torn down."""
        self.finish(ending)
        switch(self.hub)
        raise InterleaveInternalError(_RESUMED)

    def interrupt(self) -> None:
        """End this execution at its next operation, and be asked about it between executions."""
        self.interrupted = True
        self.max_steps = self.scripted = -1  # so that the hot path need not look

    def calm(self) -> None:
        """Run executions again after an interruption, to tell what was found until then."""
        self.interrupted = False
        self.max_steps = self.settings.max_steps

    def stop_at_bound(self) -> None:
        """End the execution at the step bound, or where it was interrupted."""
        if self.interrupted:
            self.stop(Interrupted())
        self.stop(StepBound(self.max_steps, self._waiting()))

    def stop_diverged(self, error: InterleaveError) -> None:
        """End the execution because the strategy cannot go on."""
        self.stop(Diverged(str(error)))

    # -- tasks --------------------------------------------------------------------------------

    def spawn(
        self, parent: Task, body: Callable[[], None], *, daemon: bool, target: SimObject | None
    ) -> Task:
        """Make a task that can begin from now on."""
        task = Task(self, parent, body, daemon=daemon, target=target)
        if daemon:
            self.daemons = True
        task.pending = begin = Begin(target)
        begin.task = task
        self.numbered[task.number] = task
        live = self.live
        if live[-1].path < task.path:  # as it mostly is
            live.append(task)
        else:
            insort(live, task, key=_path)
        self.begun += 1
        return task

    def start(self, task: Task) -> Worker:
        """Give a task a greenlet to begin on."""
        if not self.idle:
            self.nursery.client = getcurrent()
            switch(self.nursery)
        worker = self.idle.pop()
        worker.task = task
        task.worker = worker
        return worker

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """Let nobody else run meanwhile: code of the program inside an operation."""
        before = self.phase, self.special
        if not self.phase:
            self.phase, self.special = ATOMIC, True
        try:
            yield
        finally:
            self.phase, self.special = before

    def successor(self) -> Task | None:
        """Return the task that goes on after one has ended; none when the execution is over."""
        if self.ending is not None:
            return None
        if len(self.events) < self.scripted:
            chosen = self._by_script()
        else:
            self.refresh()
            ready = self.ready
            if len(ready) > 1:
                chosen = self._pick(None)
            elif ready:
                chosen = ready[0]
            else:
                chosen = self.wake_by_clock(None)
        if chosen is None:
            return None
        self.switches += 1
        if chosen.locals is not None or self.locals.occupied():
            self.exchange_locals(self.current, chosen)
        self.current = chosen
        return chosen

    def hand_over(self, task: Task, chosen: Task, able: bool) -> None:
        """Let another task go on; come back when somebody lets this one go on again."""
        self.preempting = able
        self.preemptions += able
        self.switches += 1
        if chosen.locals is not None or self.locals.occupied():
            self.exchange_locals(task, chosen)
        self.current = chosen
        switch(chosen.worker or self.start(chosen))

    # -- beginnings that are known ----------------------------------------------------------------

    def leave_by_script(self, task: Task, op: Operation, at: int) -> None:
        """Let that task go on whose event comes next by the script."""
        chosen = self.numbered.get(self.script[at])
        if chosen is None:
            self._part(at, _GONE)
            switch(self.hub)
            raise InterleaveInternalError(_RESUMED)
        self.hand_over(task, chosen, not op.guarded or self._ready(op))

    def _by_script(self) -> Task | None:
        """Return who goes on by the script; none where it cannot, which ends the execution."""
        index = len(self.events)
        task = self.numbered.get(self.script[index])
        if task is None:
            self._part(index, _GONE)
        return task

    def check_script(self, op: Operation) -> None:
        """Make sure that an operation that comes next by the script can go on."""
        if not self._ready(op):
            self._part(len(self.events), f"{op.task.id} cannot {op.describe()}")
            switch(self.hub)
            raise InterleaveInternalError(_RESUMED)

    def _part(self, index: int, why: str) -> None:
        message = f"event {index} cannot come after the same choices as before: {why}; {CAUSES}"
        self.finish(Diverged(message))

    # -- beside the hot path, which is context.perform ---------------------------------------

    def take_turn(self, task: Task, op: Operation, at: int) -> None:
        """Let somebody go on, of those who can; come back when it is this task."""
        if at >= self.max_steps:
            self.stop_at_bound()  # what it was about to do is told, and may race like an event
        guarded = op.guarded
        if guarded or self.dirty:
            self.refresh()
        # If the last event changed no guard, the list still holds: whoever runs was in it.
        ready = self.ready
        able = not guarded or task in ready
        if len(ready) > 1:
            try:
                index = self.choose(ready, able)
            except InterleaveError as error:
                self.stop_diverged(error)
                raise
            self.choices.append(index)
            if not able:
                chosen = ready[index]
            elif index:
                chosen = ready[index - 1 if index <= ready.index(task) else index]
            else:
                return
        elif able:
            return
        elif ready:
            chosen = ready[0]
        else:
            chosen = self.wait_for_clock(task)
            able = task in self.ready  # its own deadline may have passed as well
        if chosen is not task:
            self.hand_over(task, chosen, able)

    def refresh(self) -> None:
        """Find out anew which tasks can go on, in the order of their paths."""
        self.ready = ready = []
        for task in self.live:
            op = task.pending
            if not op.guarded or op.enabled() or (op.timeout is not None and self.may_expire(op)):
                ready.append(task)
        self.dirty = False

    def _pick(self, current: Task | None) -> Task | None:
        """Ask the strategy; none when it cannot go on, and the execution ends with its reason."""
        ready = self.ready
        stays = current is not None and current in ready
        try:
            index = self.choose(ready, stays)
        except InterleaveError as error:
            self.finish(Diverged(str(error)))
            return None
        self.choices.append(index)
        if not stays:
            return ready[index]
        assert current is not None
        others = [task for task in ready if task is not current]
        return others[index - 1] if index else current

    def revive(self, item: SimObject) -> None:
        """Reset an object that comes from before this execution: each begins with fresh state."""
        item.reset()
        item.epoch = self.count
        item.keep()

    def perform_unscheduled(self, task: Task, op: Operation) -> Any:
        """Take effect at once: inside another operation, or while the task is torn down."""
        if self.phase == TEARDOWN:
            task.unwinding += 1
            if task.unwinding > 2 * _PATIENCE:
                self._give_up(task)
            if task.unwinding > _PATIENCE:
                raise GreenletExit
            return op.unwind()
        if op.guarded and not op.enabled():
            message = (
                f"{op.describe()} would block inside a method that runs under a lock of the "
                "standard library (such as _put of a Queue subclass): interleave runs such a "
                "method as one step; move the blocking call out of it"
            )
            raise UncontrolledError(message)
        self.inside.setdefault(len(self.events) - 1, []).append(op)
        return op.execute()

    # -- the GIL ------------------------------------------------------------------------------

    def let_in(self, *, apart: bool = False) -> None:
        """Say that, under the GIL, another thread can come in here.

        With `apart` it can also come in behind the next access of this one.
        """
        self.joinable = False
        if apart:
            self.current.apart = True

    def join(self, task: Task, op: Operation) -> Any:
        """Take effect together with the task's last event: nobody can come in between."""
        result = op.execute()
        last = len(self.events) - 1
        self.inside.setdefault(last, []).append(op)
        if op.is_first_look(last + 1):
            self.fresh.add(last)
        if self.following:
            self.follow(task, op)
        if self.recording:
            self.recorder.joined(op, sys._getframe(1))
        return result

    def _append_glued(self, op: Operation) -> None:
        """Note something that belongs to the event before: nobody can come in between."""
        if len(self.events) >= self.max_steps:
            self.stop_at_bound()
        op.task = self.current
        self.joinable = False
        self.events.append(op)

    # -- choices of data ------------------------------------------------------------------------

    def choose_value(self, count: int) -> int:
        """Resolve a choice among `count` values."""
        if self.phase == TEARDOWN:
            return 0
        op = Choose(count)
        self._append_glued(op)
        if count == 1:
            return 0
        try:
            index = op.value = self.strategy.choose_value(count)
        except InterleaveError as error:
            self.stop(Diverged(str(error)))
            raise
        if len(self.events) > self.scripted:
            self.choices.append(index)
        self.record(op, index)
        return index

    # -- time -----------------------------------------------------------------------------------

    def clock(self) -> float:
        """Seconds since the execution began, as the current task sees them."""
        self.current.unseen += 1  # it may go on at a certain time
        return self.current.clock if self.free_time else self.now

    def note_clock(self, frame: FrameType) -> None:
        """The program reads the clock after a loop that sleeps was taken for one that waits."""
        place = user_place(frame)
        told = (
            f"the clock is read{f' at {place}' if place else ''} after a loop that sleeps until "
            "something changes: how often it sleeps is not tried out, so other times are possible"
        )
        if told not in self.untried:
            self.untried.append(told)

    def may_expire(self, op: Operation) -> bool:
        """Whether a timed wait that is not enabled may end now by its timeout."""
        if self.free_time:
            return op.can_expire()
        if self.idle_time:
            return op.deadline <= self.now and op.can_expire()
        return op.can_expire() and all(
            op.deadline <= pending.deadline
            for pending in (task.pending for task in self.live)
            if pending.timeout is not None and not pending.enabled() and pending.can_expire()
        )

    def expire(self, task: Task, op: Operation) -> Any:
        """Let the timeout of a wait pass.

        A wait of no length takes a moment too, as on any machine: a loop that waits for what is
        left of its time, and ends only when less than nothing is, would never end otherwise.
        """
        if self.free_time:
            task.clock = max(op.deadline, task.clock + _MOMENT)
            self.timed = self.following = True
        else:
            self.now = max(op.deadline, self.now if op.timeout else self.now + _MOMENT)
        op.expired = True
        return op.expire()

    def follow(self, task: Task, op: Operation) -> None:
        """Tell an event to those who want to know of each."""
        # Whoever waits for a change of what it has read may be able to go on after any event.
        self.dirty = True
        if self.timed:
            self._merge_clocks(task, op)

    def _merge_clocks(self, task: Task, op: Operation) -> None:
        """Carry a task's clock along the happens-before edges of its event [Lamport78].

        Along these alone: what comes in either order in one trace must not tell in which it came.
        """
        clock, clocks, footprint = task.clock, self.clocks, op.footprint()
        for key, mode in footprint:
            for how, at in clocks.get(key, _NO_CLOCKS).items():
                if at > clock and (mode != how or mode == WRITE):
                    clock = at
        task.clock = clock
        for key, mode in footprint:
            at_key = clocks.setdefault(key, {})
            at_key[mode] = max(clock, at_key.get(mode, 0.0))

    def wake_by_clock(self, current: Task | None) -> Task | None:
        """Nobody can go on: move the clock to the next deadline, or end in a deadlock."""
        deadlines = [
            task.pending.deadline
            for task in self.live
            if task.pending.timeout is not None and task.pending.can_expire()
        ]
        if self.free_time or not deadlines:
            return self._come_to_rest(current, [])
        polls = only_polling(self)
        if polls:
            return self._come_to_rest(current, polls)
        for task in self.live:
            task.pending.park()
        self.now = max(self.now, min(deadlines))
        self.moves.append((len(self.events), self.now))
        self.refresh()
        return self.ready[0] if len(self.ready) == 1 else self._pick(current)

    def _come_to_rest(self, current: Task | None, polls: list[Spin]) -> Task | None:
        """Nothing changes any more: a deadlock, or a livelock if somebody goes round in a loop.

        Before it is said, those who wait in a loop go round once more: what they wait for may
        have changed without being seen. `polls` are the loops of those who sleep.
        """
        spins = [task.pending for task in self.live if type(task.pending) is Spin]
        again = [spin for spin in spins if not spin.certain]
        if not again:
            if spins or polls:
                self.finish(Livelocked(self._waiting(polls)))
            else:
                self.finish(Deadlocked(self._waiting()))
            return None
        self.rests.append(len(self.events))
        for spin in again:
            spin.passed = True
            self.let_go[spin.task] = spin
        self.refresh()
        return self.ready[0] if len(self.ready) == 1 else self._pick(current)

    def _note_astray(self) -> None:
        """Somebody seemed to wait for a change, and went on although none was seen."""
        for task, spin in self.let_go.items():
            self.untried.append(
                f"{task.id} waited for {spin.waits_for()}, and went on although no change was "
                "seen: something else that is not seen decides (code that is not instrumented?), "
                "so not everything was tried"
            )

    def wait_for_clock(self, task: Task) -> Task:
        """Return who goes on after the clock was moved; in a deadlock nobody does."""
        chosen = self.wake_by_clock(task)
        if chosen is None:
            switch(self.hub)
            raise InterleaveInternalError(_RESUMED)
        return chosen

    # -- ending -----------------------------------------------------------------------------------

    def _waiting(self, polls: Iterable[Spin] = ()) -> tuple[Waiting, ...]:
        """Tell who waits for what; now, because tearing down changes it.

        `polls` are the loops of those who sleep, but only wait.
        """
        loops = {spin.task: spin for spin in polls}
        return tuple(
            Waiting(
                task.id,
                op,
                op.waits_for(),
                tuple((holder.id, holder.done) for holder in op.holders()),
                self._ready(op),
            )
            for task, op in ((task, loops.get(task, task.pending)) for task in self.live)
        )

    def _ready(self, op: Operation) -> bool:
        return not op.guarded or op.enabled() or (op.timeout is not None and self.may_expire(op))

    def _tear_down(self) -> None:
        """Unwind the tasks that are left, in the order of their paths; nothing is scheduled."""
        self.phase = TEARDOWN
        self.special = True
        for task in list(self.live):
            if task.worker is not None and task.worker.task is task:
                self.exchange_locals(self.current, task)
                self.current = task
                task.worker.throw(GreenletExit)
        self.exchange_locals(self.current, self.main)
        self.current = self.main
        for task in self.live:  # suspended for ever
            self.locals.drop(task.locals)
        self.locals.restore(self.home)

    def swallowed(self) -> None:
        """A finaliser got the exception that ends its task, and Python drops what one raises."""
        self.current.unwinding = max(self.current.unwinding, _PATIENCE)  # so the next one gets it

    def _give_up(self, task: Task) -> None:
        """A task swallows its end for ever: leave its greenlet where it is."""
        assert task.worker is not None
        self.warn(
            "not-unwound",
            f"{task.id} swallows the end of its thread (except BaseException in a loop?); "
            "it was left suspended",
        )
        self.stubborn.append(task.worker)
        while True:
            try:
                switch(self.hub)
            except BaseException:  # noqa: BLE001, S112 - whoever frees the greenlet throws; no code of the program may run then
                continue

    def exchange_locals(self, leaving: Task, entering: Task) -> None:
        """Give the OS thread the values of another task's `threading.local` objects."""
        if leaving is entering or (entering.locals is None and not self.locals.occupied()):
            return
        contents = self.locals.take()
        if leaving.done and leaving is not self.main:
            self.locals.drop(contents)
        else:
            leaving.locals = contents
        self.locals.put(entering.locals)
        entering.locals = None

    # -- what is told -----------------------------------------------------------------------

    def note_site(self, item: SimObject) -> None:
        """Remember where an object was made."""
        self.recorder.made(item, sys._getframe(2))

    def warn(self, kind: str, message: str) -> None:
        """Note something that is no failure."""
        warned = Warned(kind, message)
        if warned not in self.warnings:
            self.warnings.append(warned)

    def note_intruder(self, op: Operation) -> None:
        """Note that a real thread uses an object of the program while that runs."""
        place = user_place(sys._getframe(2))
        self.warn(
            "real-thread",
            f"a real thread, which runs since before the check, does: {op.describe()}"
            f"{f', at {place}' if place else ''}. It is not scheduled, and excludes no thread of "
            "the program; start it inside the program",
        )

    def note_place(self, op: Operation) -> None:
        """Remember where in the program an operation stands, if recording."""
        if self.recording:
            target = op.target
            if target is not None and target.epoch != self.count:
                self.revive(target)  # as `perform` is about to do: what it waits for is asked now
            self.recorder.announced(op, sys._getframe(1))
            if self.stacking:
                self.recorder.stacks[id(op)] = stack_of(sys._getframe(1))

    def raised(self, task: Task, op: Operation, error: BaseException) -> None:
        """An operation took effect by raising; it is an event like any other."""
        if self.following:
            self.follow(task, op)
        self.record(op, type(error))

    def record(self, op: Operation, result: Any) -> None:
        """Tell an event, if recording; the end of main only where somebody is left to see it.

        Under the GIL, see whether more accesses belong to it.
        """
        if self.under_gil:
            task = self.current
            self.joinable = op.plain and not task.apart
            task.apart = False
        if type(op) is Fail:
            return  # the failure itself is told
        if self.recording and (type(op) not in _ENDS or len(self.live) > 1):
            with self.atomic():  # a __repr__ of the program may do anything
                self.recorder.executed(op, result, preempting=self.preempting)
            self.preempting = False


def misuse(error: _Error) -> _Error:
    """Mark an exception as thrown by a primitive that was used against its rules."""
    setattr(error, _MISUSE, True)
    return error
