"""What accesses tell of themselves; here, because the code of a test module is instrumented."""

from dataclasses import dataclass

import pytest

from interleave.core import context


@dataclass
class Told:
    """What an access said of itself when it was announced, and in the end."""

    task: str
    announced: set
    true: set
    kind: str


def shown(accesses):
    """Show locations by the part that they are, but those of a class by its name."""
    return {
        (
            "write" if writes else "read",
            f"{location.holder.item.__name__}.{location.part}"
            if isinstance(location.holder.item, type)
            else location.name[len(location.holder.name) :],
        )
        for location, writes in accesses
    }


@pytest.fixture
def performed(monkeypatch):
    """Every access that took effect, in order."""
    found = []

    def noting(real):
        def note(operation):
            before = shown(operation.accesses())
            result = real(operation)
            told = Told(operation.task.id, before, shown(operation.accesses()), operation.kind)
            found.append(told)
            return result

        return note

    for name, modules in (
        ("perform", ("known", "items")),
        ("access", ("attributes", "variables", "items", "calls")),
    ):
        real = noting(getattr(context, name))
        for module in modules:
            monkeypatch.setattr(f"interleave.instrument.{module}.{name}", real)
    return found
