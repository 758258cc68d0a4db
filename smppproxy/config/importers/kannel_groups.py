"""One group of kannel.conf, and which of its options somebody has looked at."""

from __future__ import annotations

import attrs

_YES = frozenset({"yes", "true", "on", "1"})


@attrs.define
class Group:
    """A group: what it is, where it begins, its options and where each stands."""

    kind: str
    where: str
    options: dict[str, str] = attrs.field(factory=dict)
    places: dict[str, str] = attrs.field(factory=dict)
    taken: set[str] = attrs.field(factory=set)

    def take(self, option: str, default: str = "") -> str:
        """The value of an option, which is carried or told by whoever asks."""
        self.taken.add(option)
        return self.options.get(option, default)

    def yes(self, option: str, default: bool = False) -> bool:
        """The same of a switch."""
        value = self.take(option)
        return value.lower() in _YES if value else default

    def listed(self, option: str) -> list[str]:
        """The same of a list that semicolons divide."""
        return [part.strip() for part in self.take(option).split(";") if part.strip()]

    def place(self, option: str) -> str:
        """Where an option stands, or its group."""
        return self.places.get(option, self.where)

    def left(self) -> list[str]:
        """Options that nobody has looked at."""
        return [option for option in self.options if option not in self.taken]
