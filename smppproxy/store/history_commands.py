"""The calls of ``store.history`` as scripts of the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred

from .batches import named, nothing
from .history import COUNTS_KEPT, Count, Held
from .interface import Entry
from .records import message_id_of

if TYPE_CHECKING:
    from .calls import Calls
    from .scripts import Script


class HistoryCommands:
    """Mixed into :class:`smppproxy.store.commands.Commands`."""

    _calls: Calls
    _scripts: dict[str, Script]

    def add_counts(self, counts: dict[Count, int], patience: float | None = 0.0) -> Deferred[None]:
        hours: dict[int, list[bytes | int]] = {}
        for (hour, *names), number in counts.items():
            hours.setdefault(hour, []).extend((field_of(names), number))
        flat = [part for item in hours.items() for part in item]
        args = (b"add", COUNTS_KEPT, flat)
        return self._calls.call(self._scripts["hours"], args, nothing, patience)

    def counts(self, hours: list[int]) -> Deferred[dict[Count, int]]:
        def decode(reply: Any) -> dict[Count, int]:
            found: dict[Count, int] = {}
            for hour, counts in zip(hours, reply, strict=True):
                for field, number in zip(counts[::2], counts[1::2], strict=True):
                    found[count_of(hour, field)] = int(number)
            return found

        return self._calls.call(self._scripts["hours"], (b"read", hours), decode, 0.0)

    def held(self, provider: bytes, keys: list[bytes]) -> Deferred[list[Held]]:
        def decode(reply: Any) -> list[Held]:
            return [
                Held(provider, key, account, to, want, origin, int(expiry), final == 1, (*seen,))
                for key, account, to, want, origin, expiry, final, seen in reply
            ]

        args = (b"maps", named(provider), keys)
        return self._calls.call(self._scripts["held"], args, decode, 0.0)

    def seek(self, queue: bytes, message_id: bytes, count: int) -> Deferred[list[Entry]]:
        def decode(reply: Any) -> list[Entry]:
            return [
                Entry(queue, entry_id, 0, fields[1], fields[3])
                for entry_id, fields in reply
                if message_id_of(fields[1]) == message_id
            ]

        args = (b"queue", queue, message_id, count)
        return self._calls.call(self._scripts["held"], args, decode, 0.0)


def field_of(names: list[str]) -> bytes:
    """Everything of a count but its hour, as a field of that hour's hash."""
    return "\0".join(names).encode()


def count_of(hour: int, field: bytes) -> Count:
    """What :func:`field_of` was made of."""
    account, provider, code, result = field.decode("utf-8", "replace").split("\0")
    return hour, account, provider, code, result
