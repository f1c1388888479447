"""Names for readers: what the program itself calls a list, instead of `list#1`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from interleave.core.trace import Event, Origin, Touch


class Names:
    """The objects of some events, by their exact names, and where they come from."""

    def __init__(self, events: Iterable[Event]) -> None:
        self.origins: dict[str, Origin] = {}
        taken: set[str] = set()
        for event in events:
            for touch in event.touches:
                name = touch.owner or touch.name
                taken.add(name)
                if touch.origin is not None:
                    self.origins.setdefault(name, touch.origin)
        aliases = [origin.alias for origin in self.origins.values()]
        # An alias that two objects have, or that is a name already, would tell one for the other.
        self.aliases = {
            name: origin.alias
            for name, origin in self.origins.items()
            if origin.alias is not None
            and aliases.count(origin.alias) == 1
            and origin.alias not in taken
        }
        exact = "|".join(re.escape(name) for name in sorted(self.aliases, key=len, reverse=True))
        self._pattern = re.compile(rf"(?<![\w.])(?:{exact})(?!\w|\.\d)") if exact else None

    def readable(self, text: str) -> str:
        """Return text in which objects have the names that the program has for them."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda found: self.aliases[found.group()], text)

    def event(self, event: Event) -> str:
        """Return what an event did, with the value that it read or left."""
        if event.kind in ("begin", "end"):
            return f"{event.kind}s"
        if not event.is_access:
            return self.readable(event.what)
        return f"{event.kind} {self.touch(event.touches)}"

    def touch(self, touches: tuple[Touch, ...]) -> str:
        """Return what was touched first, and its value."""
        name = self.readable(touches[0].name)
        value = touches[0].value
        if value is None:
            return f"{name} (gone)" if touches[0].writes else name
        return f"{name} = {value}"
