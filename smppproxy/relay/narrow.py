"""8-bit references for messages in SAR parts, towards providers that want headers (mission 4.5).

A part without room for a 16-bit reference gets an 8-bit one, and so do the parts after it: handsets
join only parts whose references are of one size. Messages of one account from one sender to one
destination that are under way together get different ones, up to 256 of them. Where a reference
begins to be looked for is a hash, the same on every node, and the others are told what one has
drawn; so parts that come to different nodes get the same one, unless they come within a moment and
the references that the nodes know of differ.
"""

from __future__ import annotations

from struct import Struct
from zlib import crc32

import attrs

from smppproxy.store.cluster import Bus

TOPIC = b"narrow"

KEEP = 600.0
"""Seconds for which the parts of a long message are believed to come (mission 4.5)."""

MOST = 10_000
"""Pairs of sender and destination that are remembered."""

REFERENCES = 256

_HEAD = Struct(">HB")


@attrs.define
class Drawn:
    """A reference, and when a part last had it."""

    reference: int
    used: float


Pair = tuple[bytes, bytes]
"""An account, and the addresses of a message with their TON and NPI, as the client wrote them."""


class Narrow:
    """Which references are in use, on all nodes as far as this one knows."""

    def __init__(self, bus: Bus | None) -> None:
        self._bus = bus
        self._drawn: dict[Pair, dict[int, Drawn]] = {}
        self._now = 0.0
        if bus is not None:
            bus.hear(TOPIC, self._heard)

    def known(self, pair: Pair, sar_reference: int, now: float) -> int | None:
        """The reference of a message of which a part came before."""
        drawn = self._drawn.get(pair, {}).get(sar_reference)
        if drawn is None or drawn.used <= now - KEEP:
            return None
        drawn.used = now
        return drawn.reference

    def draw(self, pair: Pair, sar_reference: int, now: float) -> int:
        """One for a message of which no part came before."""
        table = self._drawn.get(pair, {})
        for each in [each for each, drawn in table.items() if drawn.used <= now - KEEP]:
            del table[each]
        if len(table) >= REFERENCES:
            del table[min(table, key=lambda each: table[each].used)]
        taken = {drawn.reference for drawn in table.values()}
        account, addresses = pair
        first = crc32(addresses + sar_reference.to_bytes(2, "big"), crc32(account)) & 0xFF
        reference = next(
            each
            for each in ((first + step) & 0xFF for step in range(REFERENCES))
            if each not in taken
        )
        self._keep(pair, sar_reference, Drawn(reference, now))
        if self._bus is not None:
            message = _HEAD.pack(sar_reference, reference) + account + b"\0" + addresses
            self._bus.announce(TOPIC, message)
        return reference

    def _keep(self, pair: Pair, sar_reference: int, drawn: Drawn) -> None:
        table = self._drawn.pop(pair, {})
        table[sar_reference] = drawn
        if len(self._drawn) >= MOST:
            del self._drawn[next(iter(self._drawn))]
        self._drawn[pair] = table

    def _heard(self, node: bytes, message: bytes) -> None:
        if self._bus is None or node == self._bus.node:
            return
        sar_reference, reference = _HEAD.unpack_from(message)
        account, _, addresses = message[_HEAD.size :].partition(b"\0")
        self._keep((account, addresses), sar_reference, Drawn(reference, self._now))

    def tick(self, now: float) -> None:
        """Once a second."""
        self._now = now
