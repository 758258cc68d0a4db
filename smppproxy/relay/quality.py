"""What the journeys tell the measure of quality: refusals, final receipts and how long they took.

Costs nothing while no route asks for quality. Of accepted messages that want a receipt a bounded
number is remembered, to know how long their receipts take; the shares need no memory, so they are
right on every node, whichever of them the receipts come to.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from twisted.logger import Logger

from smppproxy.receipts.message_ids import key_of_response
from smppproxy.routing.prefixes import PrefixIndex, bare
from smppproxy.routing.quality import BUCKET, BUCKETS, Quality
from smppproxy.smpp.constants import GENERIC_NACK
from smppproxy.smpp.fields import read_message_id

if TYPE_CHECKING:
    from smppproxy.receipts.profile import Receipt
    from smppproxy.relay.peers import Upstream
    from smppproxy.relay.submission import Submit
    from smppproxy.routing.routes import RouteTable
    from smppproxy.smpp.pdu import Pdu
    from smppproxy.store.interface import Arrival

TIMED = 20_000
"""Accepted messages whose receipts are waited for, to measure how long they take."""

EVERY = 5.0
"""Seconds between two looks at the orders."""

DELIVERED = 2
_WANTS_RECEIPT = 0x03


class Watch:
    """Feeds one `Quality` from the journeys.

    :ivar quality: the measures.
    :ivar zones: the prefixes that are measured; None: no route asks, nothing is measured.
    """

    _log = Logger()

    def __init__(self) -> None:
        self.quality = Quality()
        self.zones: PrefixIndex[bytes] | None = None
        # By provider and key of its id, oldest first: (prefix, accepted at).
        self._timed: dict[tuple[str, bytes], tuple[bytes, float]] = {}
        self._looked = 0.0

    def use(self, routes: RouteTable) -> None:
        """Measure for these routes and arrange their providers from now on."""
        self.zones = routes.zones
        routes.arrange = self.quality.order
        if self.zones is None:
            self.quality.keep(())
            self._timed.clear()
        else:
            self.quality.keep((b"", *(prefix for prefix, _ in self.zones.items())))

    def answers(
        self, upstream: Upstream, answers: Sequence[tuple[Submit, Pdu]], now: float
    ) -> None:
        """A provider's answers of one read: refusals count at once, but for those of haste."""
        zones = self.zones
        if zones is None:
            return
        provider = upstream.provider
        name = provider.name
        for submit, pdu in answers:
            offsets = submit.offsets
            raw = submit.pdu.raw
            zone = zones.find(bare(raw[offsets[1] + 2 : offsets[2] - 1]))
            if pdu.command_status or pdu.command_id == GENERIC_NACK:
                if pdu.command_status not in provider.answers.throttle:
                    self.quality.ended(name, zone, False, now)
            elif raw[offsets[3]] & _WANTS_RECEIPT and len(self._timed) < TIMED:
                key = key_of_response(provider.ids, read_message_id(pdu))
                self._timed[name, key] = (zone, now)

    def receipts(
        self,
        upstream: Upstream,
        receipts: Iterable[Receipt],
        arrivals: Iterable[Arrival],
        now: float,
    ) -> None:
        """Receipts of one read, each with the keys that may be its message's."""
        zones = self.zones
        if zones is None:
            return
        name = upstream.provider.name
        for receipt, arrival in zip(receipts, arrivals, strict=True):
            if not receipt.final:
                continue
            zone, latency = b"", -1.0
            for key in arrival.keys:
                known = self._timed.pop((name, key), None)
                if known is not None:
                    zone, latency = known[0], now - known[1]
                    break
            else:
                zone = zones.find(bare(receipt.destination))
            self.quality.ended(name, zone, receipt.state == DELIVERED, now, latency)

    def tick(self, now: float) -> None:
        """Once a second: now and then, let go what is old and look at the orders."""
        if self.zones is None or now - self._looked < EVERY:
            return
        self._looked = now
        oldest = now - BUCKET * BUCKETS
        for key, (_, since) in [*self._timed.items()]:
            if since > oldest:
                break
            del self._timed[key]
        for change in self.quality.look(now):
            self._log.info(
                "messages to {prefix} go to {after}, no more to {before}: quality",
                event="quality_order",
                prefix=change.zone.decode() or "all others",
                before=", ".join(change.before),
                after=", ".join(change.after),
            )
