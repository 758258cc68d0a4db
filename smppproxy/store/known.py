"""Maps that this process recorded not long ago, as the server has them.

Most receipts come to the node that sent their message, and soon: what is to become of these needs
no look at the server's maps. Each is used once, and ``settle.lua`` does nothing if what the server
has is no longer the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from struct import pack

MOST = 16_384
"""Maps that come before the oldest are forgotten: of these and of as many before them some 200
octets each are kept, which is 6 MiB, or 3 s of all that one node can do."""

PLAIN = 4
"""The version of a plain map that nothing has changed but one final receipt (``maps.lua``)."""


class Known:
    """The newest maps, by provider and id: between :data:`MOST` and twice as many."""

    def __init__(self) -> None:
        self._number = 0
        self._newer: dict[bytes, dict[bytes, bytes]] = {}
        self._older: dict[bytes, dict[bytes, bytes]] = {}

    def add(
        self, provider: bytes, ids: Sequence[bytes], expiry: int, statics: Iterable[bytes]
    ) -> None:
        """The server has written these as plain maps that end at ``expiry``, in unix seconds."""
        if self._number >= MOST:
            self._older, self._newer, self._number = self._newer, {}, 0
        self._number += len(ids)
        head = pack(">BI", PLAIN, expiry)
        newer = self._newer.get(provider)
        if newer is None:
            self._newer[provider] = newer = {}
        newer.update(zip(ids, [head + static for static in statics], strict=True))

    def take(self, provider: bytes, ids: Iterable[bytes]) -> list[bytes | None]:
        """The map under each id, ``None`` where it is not known, or was asked for before."""
        newer = self._newer.get(provider, {})
        older = self._older.get(provider, {})
        found = [newer.pop(each, None) for each in ids]
        if older and None in found:
            found = [
                older.pop(each, None) if value is None else value
                for each, value in zip(ids, found, strict=True)
            ]
        return found
