"""What tests of data races share: two threads at one box, and the races of a program as a set."""

import interleave


class Box:
    def __init__(self):
        self.value = 0


def write(box):
    box.value = 1


def read(box):
    return box.value


THE_RACE = {("Box#1.value", "box.value = 1", "return box.value")}


def races(program, **options):
    """Return the races of a program: the name of each, and the two lines in order of their text."""
    options.setdefault("keep_going", True)
    report = interleave.check(program, seconds=120, **options)
    assert report.exhaustive or report.strategy == "random", report.reasons
    assert not [warning for warning in report.warnings if "instrumented" in warning.kind]
    return names_of(report)


def names_of(report):
    """Return the races that a report tells, likewise."""
    found = [warning for warning in report.warnings if warning.kind == "data-race"]
    told = {
        (race.name, *sorted(access.stack[0].source for access in race.accesses)) for race in found
    }
    assert len(told) == len(found)
    return told
