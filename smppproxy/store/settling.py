"""Receipts whose maps the node has read before it says what is to become of them.

Nearly all receipts are the final one of a plain map that nothing has come for. To see that takes
the server's scripts three times as long as it takes the node. So the node looks at the maps: at
those that it recorded itself a moment ago (``known``), and at what the server has of the others,
which is one plain command for a read. What is found so is told to ``settle.lua``, which does it as
one step if the maps are still the same, and puts what the node has receivers for into its hands in
the same step.
Everything else, and all of a read that turned out otherwise, goes the whole way: ``match.lua``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha1
from struct import pack
from typing import Any

import attrs
from twisted.internet.defer import Deferred

from smppproxy.compiled import compiled
from smppproxy.receipts.correlation import fits

from .batches import MOST_BUNDLED, PLACES, candidates, heading, msgpacked, numbers, same
from .calls import Calls
from .interface import (
    QUEUED,
    RECEIPTS,
    UNKNOWN,
    Arrival,
    Entry,
    Limit,
    Matched,
    Room,
    StoreUnavailable,
)
from .known import PLAIN, Known
from .records import message_id_of
from .scripts import Script

_EXPIRY = slice(1, 5)
_WANT = 5
_ACCOUNT = 6


@attrs.define
class Bundle:
    """What one account gets: ``parts`` are origins and receipts in turn, as they are packed."""

    account: bytes
    places: list[int] = attrs.field(factory=list)
    origins: list[bytes] = attrs.field(factory=list)
    parts: list[bytes] = attrs.field(factory=list)

    def packed(self) -> bytes:
        """As it is queued."""
        return pack(">BH", 0xDC, 2 * len(self.places)) + b"".join(self.parts)

    def entries(self, name: bytes, arrivals: list[Arrival]) -> list[Entry]:
        """What is in this node's hands; ``name``: of the bundle, as the server has given it."""
        queue = RECEIPTS + self.account
        return [
            Entry(queue, name + end, 1, origin, arrivals[place].receipt)
            for end, place, origin in zip(PLACES, self.places, self.origins, strict=False)
        ]


@attrs.define
class Said:
    """What receipts of one state say it of: ids, and the maps under them."""

    ids: list[bytes] = attrs.field(factory=list)
    maps: list[bytes] = attrs.field(factory=list)


@attrs.define
class Settled:
    """What is to become of a read, as far as its maps tell: ``rest`` goes the whole way."""

    first_end: bytes = b"\xff\xff\xff\xff"
    said: dict[int, Said] = attrs.field(factory=dict)
    bundles: list[Bundle] = attrs.field(factory=list)
    message_ids: dict[int, bytes] = attrs.field(factory=dict)
    rest: list[int] = attrs.field(factory=list)
    _open: dict[bytes, Bundle] = attrs.field(factory=dict)

    def add(self, place: int, arrival: Arrival, value: bytes) -> bool:
        """Settle a receipt by the map under its id; False: it must go the whole way."""
        if value[0] != PLAIN or not value[_WANT] & arrival.kind:
            return False
        account_ends = _ACCOUNT + 1 + value[_ACCOUNT]
        at = account_ends + 1 + value[account_ends]
        destination = value[account_ends + 1 : at]
        if destination != arrival.destination and not fits(destination, arrival.destination):
            return False
        expiry = value[_EXPIRY]
        if expiry < self.first_end:
            self.first_end = expiry
        account = value[_ACCOUNT + 1 : account_ends]
        bundle = self._open.get(account)
        if bundle is None or len(bundle.places) == MOST_BUNDLED:
            self._open[account] = bundle = Bundle(account)
            self.bundles.append(bundle)
        origin = value[at + (1 if value[at] < 0xD9 else value[at] - 0xD7) :]
        receipt = arrival.receipt
        bundle.places.append(place)
        bundle.origins.append(origin)
        bundle.parts += (value[at:], heading(receipt), receipt)
        self.message_ids[place] = message_id_of(origin)
        said = self.said.get(arrival.state)
        if said is None:
            self.said[arrival.state] = said = Said()
        said.ids.append(arrival.keys[0])
        said.maps.append(value)
        return True

    def digest(self) -> str:
        """Tells these maps from any others, in the order of their ids by state."""
        whole = b"".join([value for said in self.said.values() for value in said.maps])
        return sha1(whole, usedforsecurity=False).hexdigest()


@compiled(Settled, Bundle, Said, Arrival)
def settle(
    settled: Settled, places: list[int], arrivals: list[Arrival], maps: list[bytes | None]
) -> set[int]:
    """Settle the receipts at these places by what is under their ids; returns which it could."""
    return {
        place
        for place, value in zip(places, maps, strict=True)
        if value is not None and settled.add(place, arrivals[place], value)
    }


def bundled(settled: Settled, limits: Mapping[bytes, Limit], room: Room | None) -> list[Any]:
    """The bundles as ``settle.lua`` wants them."""
    flat: list[Any] = []
    for bundle in settled.bundles:
        queue = RECEIPTS + bundle.account
        number = len(bundle.places)
        limit = limits.get(queue)
        most = limit.count if limit is not None else -1
        is_taken = room is not None and room(queue, number)
        flat += (bundle.account, number, bundle.packed(), most, is_taken)
    return flat


Whole = Callable[[list[Arrival], float | None], Deferred[Matched]]
"""A match that goes the whole way."""


class Settling:
    """Matches of one store.

    :param lost: told how many entries queues lost to their limits.
    :ivar known: maps that this process has just recorded.
    """

    def __init__(
        self, calls: Calls, script: Script, lost: Callable[[dict[bytes, int]], None]
    ) -> None:
        self.known = Known()
        self._calls = calls
        self._script = script
        self._lost = lost

    async def match(
        self,
        provider: bytes,
        arrivals: list[Arrival],
        final_ttl: int,
        limits: Mapping[bytes, Limit],
        patience: float | None,
        room: Room | None,
        whole: Whole,
    ) -> Matched:
        """As the contract says. ``whole`` is asked for what cannot be done this way."""
        began = self._calls.seconds()
        settled = await self._look(provider, arrivals)
        if not settled.bundles:
            return await whole(arrivals, patience)
        # The rest may fail once these are settled, and nobody would know what is in our hands.
        flat = bundled(settled, limits, None if settled.rest else room)
        said: list[Any] = []
        for state, each in settled.said.items():
            said += (state, msgpacked(each.ids))
        first_end = int.from_bytes(settled.first_end, "big")
        args = (provider, final_ttl, first_end, settled.digest(), said, flat)
        reply = await self._calls.call(self._script, args, same, patience)
        left = patience
        if left:
            left = max(left - (self._calls.seconds() - began), 0.1)
        if reply is False:
            return await whole(arrivals, left)
        names, drops = reply
        if drops:
            self._lost(numbers(drops))
        found = await self._with_rest(settled, arrivals, whole, left)
        for bundle, name in zip(settled.bundles, names, strict=True):
            if name:
                found.entries += bundle.entries(name, arrivals)
        return found

    async def _look(self, provider: bytes, arrivals: list[Arrival]) -> Settled:
        """What the maps under the receipts' ids say."""
        settled = Settled()
        places = candidates(arrivals)
        if not places:
            return settled
        keys = [arrivals[place].keys[0] for place in places]
        values = self.known.take(provider, keys)
        if None in values:
            await self._read(provider, keys, values)
        done = settle(settled, places, arrivals, values)
        if len(done) < len(arrivals):
            settled.rest = [place for place in range(len(arrivals)) if place not in done]
        return settled

    async def _read(
        self, provider: bytes, keys: list[bytes], values: list[bytes | None]
    ) -> None:
        """Fill in what the server has under the keys whose maps are not known."""
        places = [place for place, value in enumerate(values) if value is None]
        asked = [keys[place] for place in places]
        found = await self._calls.read(b"HMGET", b"mm:" + provider, *asked)
        if found is not None:
            for place, value in zip(places, found, strict=True):
                values[place] = value

    async def _with_rest(
        self,
        settled: Settled,
        arrivals: list[Arrival],
        whole: Whole,
        patience: float | None,
    ) -> Matched:
        """All of the answer, once the rest has gone the whole way."""
        rest = settled.rest
        others = Matched()
        if rest:
            try:
                others = await whole([arrivals[place] for place in rest], patience)
            except StoreUnavailable as error:
                # What is settled stays so.
                raise StoreUnavailable(UNKNOWN, error.reason) from None
        found = Matched([(QUEUED, b"")] * len(arrivals))
        found.accounts = [b""] * len(arrivals)
        found.message_ids = [b""] * len(arrivals)
        for bundle in settled.bundles:
            outcome = QUEUED, RECEIPTS + bundle.account
            for place in bundle.places:
                found[place] = outcome
        for place, message_id in settled.message_ids.items():
            found.message_ids[place] = message_id
        for at, place in enumerate(rest):
            found[place] = others[at]
            found.accounts[place] = others.accounts[at]
            found.message_ids[place] = others.message_ids[at]
        return found
