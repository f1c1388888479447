"""Optimal dynamic partial order reduction: one execution for each trace [DPOR14, DPOR17].

After each execution its races are looked for: pairs of dependent events that could have come the
other way round. For each, a sequence that reverses it is put into the wakeup tree of the place
where the first of both was chosen, unless what is asleep or planned there covers it already. The
deepest place with something planned is where the next execution leaves the last one.

Whether a blocking operation could have gone before another event is answered from snapshots that
the operations took of their objects: the release of a lock and the acquisition that waited for it
are no race, but the two acquisitions are.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any

from interleave.core.dependence import CLOCK, Footprint, dependent, strongest
from interleave.core.outcome import Deadlocked, Raised, Returned, StepBound
from interleave.core.steps import Choose
from interleave.core.strategy import CAUSES, NO_SCRIPT, Script
from interleave.errors import NondeterministicError
from interleave.strategies.acquaintance import Acquaintance, Foreign, is_fresh
from interleave.strategies.deadlines import EarlierWaits, Step
from interleave.strategies.depth_first import share_behind
from interleave.strategies.happens_before import HappensBefore, task_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interleave.core.execution import Execution
    from interleave.core.operation import Operation
    from interleave.core.strategy import TaskView


class _Branch:
    """A step that is planned, and the steps planned after it: a node of a wakeup tree."""

    __slots__ = ("children", "footprint", "foreign", "origin", "task", "value")

    def __init__(self, step: Step, origin: int = 0) -> None:
        self.task, self.footprint, self.value = step
        self.children: list[_Branch] = []
        self.origin = origin  # the execution that it was planned after
        self.foreign: Foreign | None = None  # its footprint, where keys do not say everything


class OptimalReduction:
    """The state between executions is a stack, one entry of each list per event of the last one."""

    bounded: str | None = None
    noting = True
    events: Sequence[Operation] = ()
    script = NO_SCRIPT

    def __init__(self, time: str) -> None:
        self._order = HappensBefore(time)
        # The places before the events: who is asleep there, and what is planned.
        self._asleep: list[dict[int, Footprint | Foreign]] = [{}]
        self._planned: list[list[_Branch]] = [[]]
        self._tried: list[int] = [0]  # how many steps were tried there, but for the last one
        # What leads there: the choices, and which event each was made for.
        self._choices: list[int] = []
        self._made_for: list[int] = []
        self._met: list[int] = []  # and the last place in memory that had been met by then
        self._depth = 0
        self._count = 0
        self._acquainted: Acquaintance | None = None  # of the last execution, once it is needed
        self._from = 0  # the event that is the first one new
        self._plan: list[_Branch] = []
        self._started = False
        self._resting: dict[int, Footprint | Foreign] = {}  # who sleeps where this execution is
        self._seen = 0  # so many of its events have woken those that they depend on

    # -- making choices -----------------------------------------------------------------------

    def begin(self) -> bool:
        """Go back to the deepest place with something planned, and plan to do it."""
        self._depth = 0
        if not self._started:
            self._started = True
            return True
        planned = self._planned
        at = len(planned) - 1
        while at >= 0 and not planned[at]:
            at -= 1
        if at < 0:
            return False
        order = self._order
        if at < len(order.tasks) and order.kinds[at] is not Choose:
            # What was explored from here sleeps until something that it depends on happens.
            lasting = order.lasting(at)
            asleep = self._kept(lasting, at) or lasting
            self._asleep[at] = {**self._asleep[at], order.tasks[at]: asleep}
        self._cut(at)
        self._tried[at] += 1
        branch = planned[at].pop(0)
        plan = [branch]
        while branch.children:
            branch = branch.children[0]
            plan.append(branch)
        self._plan = plan
        self._resting = dict(self._asleep[at])
        self._seen = at
        upto = min(at, order.at_rest)
        self._depth = bisect_left(self._made_for, upto)
        self.script = Script(order.tasks, upto, self._choices[: self._depth])
        return True

    def _cut(self, at: int) -> None:
        """Forget the events from this one on."""
        self._order.cut(at)
        del self._asleep[at + 1 :], self._planned[at + 1 :], self._tried[at + 1 :]
        self._forget_choices(at)
        self._from = at

    def _forget_choices(self, at: int) -> None:
        depth = bisect_left(self._made_for, at)
        del self._choices[depth:], self._made_for[depth:], self._met[depth:]

    def choose(self, options: Sequence[TaskView], stays: int) -> int:
        """Follow the last execution, then the plan; beyond it go on with the current task."""
        depth = self._depth
        self._depth = depth + 1
        if depth < len(self._choices):
            return self._again(depth, len(options))
        at = len(self.events)
        step = at - self._from
        choice = 0
        if step < len(self._plan):
            choice = self._choice_of(self._plan[step].task, options, stays)
        elif self._resting:
            choice = self._awake(options, stays)
        self._choices.append(choice)
        self._made_for.append(at)
        self._met.append(options[0].met)
        return choice

    def _awake(self, options: Sequence[TaskView], stays: int) -> int:
        """Return the choice that lets a task go on which is not asleep, if there is one.

        A plan wakes all that sleep, if what it touches was known exactly when it was made. What
        cannot be told before the execution is over is left asleep.
        """
        resting, events = self._resting, self.events
        for at in range(self._seen, len(events)):
            touched = list(events[at].footprint())
            for inner in events[at].task.runtime.inside.get(at, ()):
                touched.extend(inner.footprint())
            if self._order.shared_clock:
                touched.append((CLOCK, self._order.on_clock(events[at])))
            done = strongest(touched)
            for task, footprint in list(resting.items()):
                if task == events[at].task.number or (
                    not isinstance(footprint, Foreign) and dependent(footprint, done)
                ):
                    del resting[task]
        self._seen = len(events)
        current = events[-1].task.number if stays else None
        if current is not None and current not in resting:
            return 0
        awake = next((option.number for option in options if option.number not in resting), None)
        return 0 if awake is None else self._choice_of(awake, options, stays)

    def choose_value(self, count: int) -> int:
        """Follow the last execution, then the plan; beyond it take the first value."""
        at = len(self.events) - 1
        if at < self.script.upto:
            return self._again(bisect_left(self._made_for, at), count)
        depth = self._depth
        self._depth = depth + 1
        if depth < len(self._choices):
            return self._again(depth, count)
        step = at - self._from
        choice = 0
        if step < len(self._plan):
            choice = self._plan[step].value or 0
        self._choices.append(choice)
        self._made_for.append(at)
        self._met.append(0)
        return choice

    def _again(self, depth: int, count: int) -> int:
        choice = self._choices[depth]
        if choice >= count:
            message = (
                f"choice {depth} had more than {choice} options before and has {count} now, after "
                f"the same choices: {CAUSES}"
            )
            raise NondeterministicError(message)
        return choice

    def _choice_of(self, number: int, options: Sequence[TaskView], stays: int) -> int:
        """Return the choice that lets a task go on; if it cannot, any: that is noticed later."""
        index = next((at for at, option in enumerate(options) if option.number == number), None)
        if index is None or not stays:
            return index or 0
        current = options.index(self.events[-1].task)
        if index == current:
            return 0
        return index + 1 if index < current else index

    # -- learning from executions -----------------------------------------------------------------

    def end(self, execution: Execution) -> bool:
        """Look for the races of the events that are new, and plan their reversal."""
        if not isinstance(execution.ending, Returned | Raised | Deadlocked | StepBound):
            return False  # it was broken off, and so is the exploration
        events = execution.events
        self._count += 1
        self._acquainted = None
        self._compare(events)
        if self._strayed(events):
            return True
        races = self._order.extend(execution)
        repeats = self._settle(events)
        for race in races:
            self._reverse(events, *race)
        if self._order.timed:
            for first, sequence in EarlierWaits(self._order).sequences():
                self._insert(first, sequence)
        return repeats

    def share(self) -> float:
        """Return which share was explored of what is known by now to be worth it."""
        tried, planned = self._tried, self._planned
        # Most places have no alternative, and do not count.
        places = [at for at, count in enumerate(tried) if count or planned[at]]
        widths = [tried[at] + 1 + len(planned[at]) for at in places]
        return share_behind([tried[at] for at in places], widths)

    def _compare(self, events: Sequence[Operation]) -> None:
        """The events before the place where this execution leaves the last one must be the same."""
        upto = self._from
        kinds = list(map(type, events[:upto]))
        if kinds == self._order.kinds:
            # As far as the script goes the tasks are those that it says.
            start = self.script.upto
            tasks = list(map(task_number, events[start:upto]))
            if tasks == self._order.tasks[start:]:
                return
        for index, (kind, task) in enumerate(
            zip(self._order.kinds, self._order.tasks, strict=True)
        ):
            now = events[index] if index < len(events) else None
            if now is None or type(now) is not kind or now.task.number != task:
                shown = "the execution was over" if now is None else f"it was {now.describe()}"
                message = (
                    f"event {index} was {kind.kind} before, and after the same choices {shown} "
                    f"now: {CAUSES}"
                )
                raise NondeterministicError(message)

    def _strayed(self, events: Sequence[Operation]) -> bool:
        """Whether the plan could not be followed; then nothing was learned."""
        plan = self._plan
        start = self._from
        for step, branch in enumerate(plan):
            at = start + step
            if at >= len(events) or events[at].task.number != branch.task:
                self._forget_choices(start)
                return True
        return False

    def _settle(self, events: Sequence[Operation]) -> bool:
        """Tell who sleeps and what is planned at the new places; true if somebody never woke."""
        start = self._from
        plan = self._plan
        asleep, planned = self._asleep, self._planned
        tasks, footprints = self._order.tasks, self._order.footprints
        sleeping = asleep[start]
        repeats = False
        for at in range(start, len(tasks)):
            if not sleeping and at > start + len(plan) and Choose not in self._order.kinds[at:]:
                # Nobody sleeps and nothing is planned from here on.
                rest = len(tasks) - at
                asleep.extend([sleeping] * rest)
                self._tried.extend([0] * rest)
                planned.extend([] for _ in range(rest))
                break
            if at > start:
                asleep.append(sleeping)
                self._tried.append(0)
                step = at - start
                planned.append(plan[step - 1].children[1:] if step <= len(plan) else [])
                if self._order.kinds[at] is Choose:
                    self._plan_values(at, events[at])
            elif self._order.kinds[at] is Choose and not plan:
                self._plan_values(at, events[at])
            if sleeping:
                repeats = repeats or tasks[at] in sleeping
                done = footprints[at]
                sleeping = {
                    task: footprint
                    for task, footprint in sleeping.items()
                    if task != tasks[at] and not self._wakes(footprint, done)
                }
        return repeats or bool(sleeping)

    def _plan_values(self, at: int, event: Any) -> None:
        """Plan the other values of a choice."""
        known = {event.value, *(branch.value for branch in self._planned[at])}
        self._planned[at].extend(
            _Branch((self._order.tasks[at], (), value))
            for value in range(event.count)
            if value not in known
        )

    def _reverse(
        self,
        events: Sequence[Operation],
        first: int,
        second: int,
        task: int,
        footprint: Footprint,
    ) -> None:
        """Plan that the second event, with what it touches then, comes before the first.

        All that does not come of the first goes before both, and that is not only what took place
        between the two: what is planned leads to other executions, or is covered, as a whole.
        """
        kinds, clocks, tasks = self._order.kinds, self._order.clocks, self._order.tasks
        rival = tasks[first]
        sequence: list[Step] = []
        inside = False
        for at in range(first + 1, len(tasks)):
            # What belongs to an event comes with it.
            inside = inside if kinds[at].glued else clocks[at][rival] < first
            if inside and at != second:
                event: Any = events[at]
                value = event.value if kinds[at] is Choose else None
                sequence.append((tasks[at], self._order.lasting(at), value))
        sequence.append((task, footprint, None))
        self._insert(first, sequence)

    def _insert(self, first: int, sequence: list[Step]) -> None:
        """Plan a sequence of events at a place, unless what was explored from there covers it."""
        for sleeper, touches in self._asleep[first].items():
            if self._can_begin(sleeper, touches, sequence):
                return
        self._plant(first, sequence)

    def _can_begin(self, task: int, footprint: Footprint | Foreign, sequence: list[Step]) -> bool:
        """Whether a task's next event could be moved to the front of a sequence: a weak initial."""
        for other, touched, _ in sequence:
            if other == task:
                return True
            if self._wakes(footprint, touched):
                return False
        return True

    def _plant(self, at: int, sequence: list[Step]) -> None:
        """Add a sequence to a wakeup tree, unless a branch of it leads to an equivalent one."""
        branches = self._planned[at]
        while True:
            for branch in branches:
                if self._fits(branch, sequence):
                    if not branch.children:
                        return
                    sequence = _without(branch.task, sequence)
                    branches = branch.children
                    break
            else:
                for step in sequence:
                    branch = _Branch(step, self._count)
                    branch.foreign = self._kept(step[1], at)
                    branches.append(branch)
                    branches = branch.children
                return

    def _fits(self, branch: _Branch, sequence: list[Step]) -> bool:
        ours = branch.foreign is None or branch.origin == self._count
        footprint = branch.footprint if ours else branch.foreign
        assert footprint is not None
        for task, touched, value in sequence:
            if task == branch.task:
                return value == branch.value
            if self._wakes(footprint, touched):
                return False
        return True

    # -- across executions ------------------------------------------------------------------------

    def _kept(self, footprint: Footprint, at: int) -> Foreign | None:
        """Keep a footprint for later executions, if its keys alone will not do.

        They do where the executions had not parted yet when they were given.
        """
        depth = bisect_left(self._made_for, at)
        chosen = depth < len(self._made_for) and self._made_for[depth] == at
        known = self._met[depth] if chosen else 0
        if not any(is_fresh(key, known) for key, _ in footprint):
            return None
        return Foreign(footprint, known, self._acquaintance())

    def _wakes(self, footprint: Footprint | Foreign, touched: Footprint) -> bool:
        """Whether something kept depends on what an event of this execution touched."""
        if isinstance(footprint, Foreign):
            return footprint.depends_on(touched, self._acquaintance())
        return dependent(footprint, touched)

    def _acquaintance(self) -> Acquaintance:
        if self._acquainted is None:
            self._acquainted = self._order.acquaintance()
        return self._acquainted


def _without(task: int, sequence: list[Step]) -> list[Step]:
    """Leave out the first event of a task."""
    for index, step in enumerate(sequence):
        if step[0] == task:
            return sequence[:index] + sequence[index + 1 :]
    return sequence
