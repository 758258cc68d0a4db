"""The life of a receipt or an MO message: a provider's read becomes entries in accounts' queues.

1. :meth:`Delivers.requests`: the deliver_sm (and data_sm) of one read. esm_class and the
   provider's profile say what is a receipt; TLVs are read before the text.
2. ONE store call matches all ids of the read and, in the same atomic step, queues the receipts.
   A receipt without a map is parked and queued when its submit_sm is answered (D4).
3. Stored: one write of deliver_sm_resp. While the store is away the provider gets no answer, or
   its ``temp_answer`` after 5 s (reading 4): a receipt that is not held is never acknowledged.
4. ``outbox`` hands what is queued to the account's receivers: at once what came into this node's
   hands in the same step, for there are receivers here and nothing else waited (``claim``).

MO messages of the same read go their own way, see ``messages``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from twisted.logger import Logger

from smppproxy.compiled import compiled
from smppproxy.receipts.correlation import destination_tail
from smppproxy.receipts.profile import Receipt
from smppproxy.receipts.receipt import UNREADABLE, read_receipt
from smppproxy.receipts.references import keys_by_reference
from smppproxy.relay.advice import Advice
from smppproxy.relay.answers import Answers, answer_to, patience_with
from smppproxy.relay.claim import Claim
from smppproxy.relay.counts import Counts
from smppproxy.relay.events import Events
from smppproxy.relay.journal import NAMELESS, RECEIPTS
from smppproxy.relay.ledger import Ledger
from smppproxy.relay.messages import Messages, Taken
from smppproxy.relay.outbox import Outbox
from smppproxy.relay.peers import Upstream
from smppproxy.relay.quality import Watch
from smppproxy.relay.spelling import Spellings
from smppproxy.routing.accounts import Account
from smppproxy.routing.mo import MoTable
from smppproxy.routing.providers import Provider
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.pdu import Pdu
from smppproxy.store.interface import QUARANTINED, UNKNOWN, Arrival, Limit, Matched, Store
from smppproxy.store.records import pack_receipt

# What a provider writes is bounded before it is stored; longer words are no SMPP words.
MAX_WORD = 32
MAX_TEXT = 255
MAX_ID = 65

MOST_KEPT = 1_000
"""Octets of a receipt's PDU that is kept beside it while it has no owner."""

MOST_ODDITIES = 1_000
"""Different odd words that are logged; after that they are only counted."""


class Delivers:
    """The journey of deliver_sm and data_sm from providers into the accounts' queues.

    :ivar messages: the half of it that MO messages go.
    """

    _log: ClassVar[Logger] = Logger()

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        wall_clock: Callable[[], float],
        outbox: Outbox,
        spellings: Spellings,
        proved: Callable[[tuple[bytes, ...], bytes], None],
        counts: Counts,
        events: Events,
        seconds: Callable[[], float],
        quality: Watch,
    ) -> None:
        """
        :param seconds: the monotonic clock.
        :param wall_clock: unix seconds: the done date of receipts that tell none.
        :param outbox: told the queues that grew, and given what came into our hands at once.
        :param proved: told the keys of references that a receipt brought, and its destination: the
            provider has that message (XC-05).
        """
        self._store = store
        self._ledger = ledger
        self._counts = counts
        self._events = events
        self._journal = events.journal
        self._wall_clock = wall_clock
        self._outbox = outbox
        self._limits: dict[bytes, Limit] = {}
        self._advice = Advice(store, ledger)
        self._quality = quality
        self._answers = Answers()
        self.messages = Messages(store, ledger, self._answers, outbox.fetches.wake, events, seconds)
        self._spellings = spellings
        self._proved = proved
        self._odd: set[tuple[str, bytes]] = set()

    def use(
        self, mo: MoTable, limits: dict[bytes, Limit], accounts: Mapping[str, Account]
    ) -> None:
        """Route MO by this table from the next read on.

        :param limits: of every queue, by its name; replaced as a whole, never changed in place.
        """
        self._limits = limits
        self.messages.use(mo, limits, accounts)

    def requests(self, upstream: Upstream, pdus: Sequence[Pdu], now: float) -> None:
        """Store the receipts and MO messages of one read, then acknowledge them."""
        profile = upstream.provider.receipt
        wall = int(self._wall_clock())
        receipts: list[Pdu] = []
        found: list[Receipt] = []
        arrivals: list[Arrival] = []
        messages: list[Taken] = []
        answered: list[bytes] = []
        for pdu in pdus:
            try:
                receipt = read_receipt(pdu, profile)
                if receipt is None:
                    taken = self.messages.take(upstream, pdu, now)
                    if isinstance(taken, int):
                        answered.append(answer_to(pdu, taken))
                    else:
                        messages.append(taken)
                    continue
            except BodyError as error:
                self._ledger.count("unreadable_deliver_sm")
                self._journal.note((NAMELESS, now, upstream, pdu, None))
                answered.append(answer_to(pdu, error.command_status))
                continue
            self._ledger.receipts_in += 1
            arrival = self._arrival(upstream, receipt, pdu.raw, wall)
            if arrival is None:
                answered.append(answer_to(pdu))
                self._journal.note((NAMELESS, now, upstream, pdu, receipt))
            else:
                receipts.append(pdu)
                found.append(receipt)
                arrivals.append(arrival)
        if answered:
            upstream.write(b"".join(answered))
        if arrivals:
            self._ledger.withheld += len(arrivals)
            self._quality.receipts(upstream, found, arrivals, now)
            self._match(upstream, receipts, found, arrivals, now)
        if messages:
            self.messages.store(upstream, messages)

    def lost(self, upstream: Upstream) -> None:
        """The bind is gone; its answers go nowhere, the provider sends again what it misses."""
        self._answers.lost(upstream)
        self.messages.lost(upstream)

    # -- receipts -------------------------------------------------------------------------------

    def _arrival(
        self, upstream: Upstream, receipt: Receipt, raw: bytes, wall: int
    ) -> Arrival | None:
        """What the store is asked; None for a receipt that names no message (MG-11).

        :param wall: unix seconds.
        """
        provider = upstream.provider
        keys = receipt.message_ids
        if not provider.ids.plain:
            keys = self._spellings.keys(provider, receipt)
        if provider.reference_echo:
            keys += self._by_reference(provider, receipt)
        if receipt.oddity:
            self._note(upstream, receipt)
        if not keys:
            self._ledger.unreadable += 1
            upstream.counts.unreadable += 1
            self._events.unreadable(upstream, receipt.stat[:MAX_WORD])
            return None
        upstream.counts.receipts[receipt.state] += 1
        return arrival_of(receipt, keys, raw, upstream.counts.place, wall)

    def reread(self, provider: Provider, raw: bytes, place: bytes, arrived: int) -> Arrival | None:
        """What the store would be asked now for the PDU of a receipt that came before.

        :param place: PROVIDER/HOST that it came from.
        :param arrived: unix seconds at which it did.
        :return: None when it is no receipt of a message by the settings of now.
        """
        pdu = Pdu(int.from_bytes(raw[4:8], "big"), 0, 0, raw)
        try:
            receipt = read_receipt(pdu, provider.receipt)
        except BodyError:
            return None
        if receipt is None:
            return None
        keys = self._spellings.keys(provider, receipt)
        if provider.reference_echo:
            keys += keys_by_reference(receipt, provider.reference_max, provider.reference_text)
        return arrival_of(receipt, keys, raw, place, arrived) if keys else None

    def _by_reference(self, provider: Provider, receipt: Receipt) -> tuple[bytes, ...]:
        """XC-05: the keys by our own reference, which lead to messages that are in doubt."""
        keys = keys_by_reference(receipt, provider.reference_max, provider.reference_text)
        if keys:
            self._proved(keys, receipt.destination)
        return keys

    def _note(self, upstream: Upstream, receipt: Receipt) -> None:
        """What is odd about a receipt is counted, and each odd word told once (mission 3.5)."""
        if receipt.oddity == UNREADABLE:
            return
        self._ledger.count(receipt.oddity)
        known = (upstream.provider.name, receipt.oddity.encode() + receipt.stat[:MAX_WORD])
        if known not in self._odd and len(self._odd) < MOST_ODDITIES:
            self._odd.add(known)
            self._log.warn(
                "a receipt of {provider} says {stat}",
                event=receipt.oddity,
                provider=upstream.provider.name,
                host=upstream.host.name,
                stat=receipt.stat[:MAX_WORD],
                message_state=receipt.state,
            )

    def _match(
        self,
        upstream: Upstream,
        pdus: list[Pdu],
        found: list[Receipt],
        arrivals: list[Arrival],
        now: float,
    ) -> None:
        provider = upstream.provider
        patience = patience_with(upstream)
        claim = self._outbox.claim()

        def matched(result: Matched) -> None:
            if self._matched(result, claim):
                self._advice.quarantined(
                    provider,
                    [
                        arrival
                        for arrival, (outcome, _) in zip(arrivals, result, strict=True)
                        if outcome == QUARANTINED
                    ],
                )
            self._journal.note((RECEIPTS, now, upstream, pdus, found, arrivals, result))
            self._answers.give(upstream, pdus, 0)

        def failed(failure: Any) -> None:
            self._outbox.take(claim, [], {})
            self._not_matched(failure, len(pdus))
            self._answers.give(upstream, pdus, provider.temp_answer or None)

        self._answers.expect(upstream, len(pdus))
        self._store.match(
            provider.key,
            arrivals,
            provider.final_ttl,
            self._limits,
            patience=patience,
            # Whoever may give up an answer would not know what is in our hands.
            room=claim if patience is None else None,
        ).addCallbacks(matched, failed)

    def _matched(self, result: Matched, claim: Claim) -> int:
        """Count what became of each receipt; hand out what is in our hands, wake queues that grew.

        :return: how many are in quarantine.
        """
        ledger = self._ledger
        ledger.withheld -= len(result)
        queues, parked, quarantined = ledger.met(result)
        ledger.parked_in += parked
        if quarantined:
            self._events.quarantined(quarantined)
        self._counts.queued(queues)
        self._outbox.take(claim, result.entries, queues)
        return quarantined

    def _not_matched(self, failure: Any, number: int) -> None:
        """The provider will send them again: they did not come in."""
        ledger = self._ledger
        ledger.count("deliver_sm_not_stored", number)
        ledger.withheld -= number
        ledger.receipts_in -= number
        if failure.value.fate == UNKNOWN:
            ledger.adrift(number)


@compiled(Arrival, Receipt)
def arrival_of(
    receipt: Receipt, keys: tuple[bytes, ...], raw: bytes, place: bytes, arrived: int
) -> Arrival:
    """What the store is asked for a receipt.

    :param place: PROVIDER/HOST that it came from.
    :param arrived: unix seconds: the done date of one that tells none.
    """
    record = pack_receipt(
        receipt.state,
        receipt.stat[:MAX_WORD],
        receipt.err[:MAX_WORD],
        receipt.done_date or arrived,
        receipt.sub,
        receipt.dlvrd,
        receipt.text[:MAX_TEXT],
        receipt.network_error_code[:MAX_WORD],
        receipt.final,
        place,
        receipt.message_ids[0][:MAX_ID] if receipt.message_ids else b"",
    )
    return Arrival(
        keys,
        destination_tail(receipt.destination),
        receipt.kind,
        receipt.state,
        receipt.final,
        record,
        raw=raw if len(raw) <= MOST_KEPT else b"",
    )
