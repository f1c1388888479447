"""How likely each end of a small program is when every step is drawn uniformly: exact fractions.

Programs are written down step by step, and nothing of the package is used. A task is a sequence of
steps; at each point every task whose next step is possible is as likely as the others.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

Memory = dict[Any, Any]


class Step(NamedTuple):
    """One step: what it does to what all share and to what is the task's own, and when it can.

    What `does` returns is none to go on, how many steps to skip, or `FAILS`: the program ends.
    """

    does: Callable[[Memory, Memory], Any]
    possible: Callable[[Mapping[Any, Any]], bool] = lambda _: True


Task = Sequence[Step]
FAILS = "failure"
DEADLOCK = "deadlock"


def acquire(lock: object) -> Step:
    return Step(lambda shared, _: shared.update({lock: True}), lambda shared: not shared.get(lock))


def release(lock: object, skips: int = 0) -> Step:
    return Step(lambda shared, _: shared.update({lock: False}) or skips)


def load(name: str, then: Callable[[Memory], Any] = lambda own: None) -> Step:
    """Read a place, and go on as the task's own values say."""

    def does(shared: Memory, own: Memory) -> Any:
        own[name] = shared.get(name, 0)
        return then(own)

    return Step(does)


def store(name: str, value: Callable[[Memory], Any]) -> Step:
    return Step(lambda shared, own: shared.update({name: value(own)}))


def append(name: str, value: Any) -> Step:
    return Step(lambda shared, _: shared.update({name: (*shared.get(name, ()), value)}))


def in_threads(*bodies: Task) -> list[Task]:
    """Return the tasks where main starts a thread for each body, and waits for them, in order."""

    def sets(key: tuple[str, int]) -> Callable[[Memory, Memory], None]:
        return lambda shared, _: shared.update({key: True})

    def after(key: tuple[str, int]) -> Callable[[Mapping[Any, Any]], bool]:
        return lambda shared: shared.get(key, False)

    numbers = range(len(bodies))
    main = [Step(sets(("started", number))) for number in numbers]
    main += [Step(lambda *_: None, after(("ended", number))) for number in numbers]
    threads = [
        [
            Step(lambda *_: None, after(("started", number))),
            *body,
            Step(sets(("ended", number))),
        ]
        for number, body in enumerate(bodies)
    ]
    return [main, *threads]


def chances(
    tasks: Sequence[Task], outcome: Callable[[Memory], Any] = lambda shared: None
) -> dict[Any, Fraction]:
    """Return how likely each end is: a failure, a deadlock, or what is made of what all share."""
    known: dict[Any, dict[Any, Fraction]] = {}

    def from_here(shared: Memory, at: tuple[int, ...], own: tuple[Memory, ...]) -> Any:
        key = (_frozen(shared), at, tuple(map(_frozen, own)))
        if key not in known:
            known[key] = explored(shared, at, own)
        return known[key]

    def explored(shared: Memory, at: tuple[int, ...], own: tuple[Memory, ...]) -> Any:
        left = [number for number, task in enumerate(tasks) if at[number] < len(task)]
        enabled = [number for number in left if tasks[number][at[number]].possible(shared)]
        if not enabled:
            return {DEADLOCK if left else outcome(shared): Fraction(1)}
        found: dict[Any, Fraction] = {}
        for number in enabled:
            after, mine = dict(shared), dict(own[number])
            goes = tasks[number][at[number]].does(after, mine)
            if goes == FAILS:
                ends = {FAILS: Fraction(1)}
            else:
                to = at[number] + 1 + (goes or 0)
                ends = from_here(
                    after,
                    (*at[:number], to, *at[number + 1 :]),
                    (*own[:number], mine, *own[number + 1 :]),
                )
            for end, chance in ends.items():
                found[end] = found.get(end, Fraction(0)) + chance / len(enabled)
        return found

    return from_here({}, (0,) * len(tasks), ({},) * len(tasks))


def _frozen(memory: Memory) -> frozenset[tuple[Any, Any]]:
    return frozenset(memory.items())
