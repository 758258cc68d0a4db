"""The life of a receipt or an MO message: a provider's read becomes entries in accounts' queues.

1. :meth:`Delivers.requests`: the deliver_sm (and data_sm) of one read. esm_class and the
   provider's profile say what is a receipt; TLVs are read before the text.
2. ONE store call matches all ids of the read and, in the same atomic step, queues the receipts.
   A receipt without a map is parked and queued when its submit_sm is answered (D4).
3. Stored: one write of deliver_sm_resp. While the store is away the provider gets no answer, or
   its ``temp_answer`` after 5 s (reading 4): a receipt that is not held is never acknowledged.
4. ``outbox`` hands what is queued to the account's receivers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from smppproxy.receipts.correlation import destination_tail
from smppproxy.receipts.receipt import UNREADABLE, Receipt, read_receipt
from smppproxy.receipts.references import keys_by_reference
from smppproxy.relay.counts import Counts
from smppproxy.relay.events import Events
from smppproxy.relay.journal import MESSAGES as MO_MESSAGES
from smppproxy.relay.journal import NAMELESS, RECEIPTS
from smppproxy.relay.ledger import Ledger
from smppproxy.relay.peers import Upstream
from smppproxy.relay.spelling import Spellings
from smppproxy.routing.accounts import Account
from smppproxy.routing.mo import MoTable
from smppproxy.routing.providers import Provider
from smppproxy.smpp.build import data_sm_resp, deliver_sm, deliver_sm_resp
from smppproxy.smpp.constants import DATA_SM
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.fields import read_data_sm, walk_message
from smppproxy.smpp.pdu import Pdu
from smppproxy.smpp.tlv import iter_tlvs, tlv
from smppproxy.store.interface import (
    MESSAGES,
    PARKED,
    UNKNOWN,
    Arrival,
    Limit,
    Store,
)
from smppproxy.store.records import MoRecord, ReceiptRecord

UNROUTED = b"m:"
"""The queue of MO messages that no account owns: kept, listed, never refused (SX-23)."""

UNROUTED_LIMIT = Limit(10_000, 172_800)

UNANSWERED = 500
"""deliver_sm of one bind that may wait for the store before its socket is no longer read (F78)."""

TEMP_ANSWER_AFTER = 5.0
"""Seconds without the store after which a provider with a ``temp_answer`` gets it (reading 4)."""

# What a provider writes is bounded before it is stored; longer words are no SMPP words.
MAX_WORD = 32
MAX_TEXT = 255
MAX_ID = 65

MOST_ODDITIES = 1_000
"""Different odd words that are logged; after that they are only counted."""


class Delivers:
    """The journey of deliver_sm and data_sm from providers into the accounts' queues."""

    _log = Logger()

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        wall_clock: Callable[[], float],
        released: Callable[[Iterable[bytes]], None],
        spellings: Spellings,
        proved: Callable[[tuple[bytes, ...], bytes], None],
        counts: Counts,
        events: Events,
    ) -> None:
        """
        :param wall_clock: unix seconds: the done date of receipts that tell none.
        :param released: told the queues that grew.
        :param proved: told the keys of references that a receipt brought, and its destination: the
            provider has that message (XC-05).
        """
        self._store = store
        self._ledger = ledger
        self._counts = counts
        self._events = events
        self._journal = events.journal
        self._wall_clock = wall_clock
        self._released = released
        self._mo = MoTable(())
        self._limits: dict[bytes, Limit] = {}
        self._unanswered: dict[Upstream, int] = {}
        self._spellings = spellings
        self._proved = proved
        self._accounts: Mapping[str, Account] = {}
        self._masking: Account | None = None
        self._odd: set[tuple[str, bytes]] = set()

    def use(
        self, mo: MoTable, limits: dict[bytes, Limit], accounts: Mapping[str, Account]
    ) -> None:
        """Route MO by this table from the next read on.

        :param limits: of every queue, by its name; replaced as a whole, never changed in place.
        """
        self._mo = mo
        self._limits = limits
        self._accounts = accounts
        # A number that nobody owns is masked when anybody wants numbers to be.
        self._masking = next((each for each in accounts.values() if each.mask_numbers), None)

    def requests(self, upstream: Upstream, pdus: Sequence[Pdu], now: float) -> None:
        """Store the receipts and MO messages of one read, then acknowledge them."""
        profile = upstream.provider.receipt
        receipts: list[Pdu] = []
        found: list[Receipt] = []
        arrivals: list[Arrival] = []
        messages: dict[bytes, list[Pdu]] = {}
        answered: list[bytes] = []
        for pdu in pdus:
            try:
                receipt = read_receipt(pdu, profile)
                if receipt is None:
                    messages.setdefault(self._queue_of(upstream, pdu), []).append(pdu)
                    continue
            except BodyError as error:
                self._ledger.count("unreadable_deliver_sm")
                self._journal.note((NAMELESS, now, upstream, pdu, None))
                answered.append(answer_to(pdu, error.command_status))
                continue
            self._ledger.receipts_in += 1
            arrival = self._arrival(upstream, receipt)
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
            self._match(upstream, receipts, found, arrivals, now)
        for queue, waiting in messages.items():
            self._put(upstream, queue, waiting, now)

    def lost(self, upstream: Upstream) -> None:
        """The bind is gone; its answers go nowhere, the provider sends again what it misses."""
        self._unanswered.pop(upstream, None)

    # -- receipts -------------------------------------------------------------------------------

    def _arrival(self, upstream: Upstream, receipt: Receipt) -> Arrival | None:
        """What the store is asked; None for a receipt that names no message (MG-11)."""
        provider = upstream.provider
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
        record = ReceiptRecord(
            receipt.state,
            receipt.stat[:MAX_WORD],
            receipt.err[:MAX_WORD],
            receipt.done_date or int(self._wall_clock()),
            receipt.sub,
            receipt.dlvrd,
            receipt.text[:MAX_TEXT],
            receipt.network_error_code[:MAX_WORD],
            receipt.final,
            upstream.counts.place,
            receipt.message_ids[0][:MAX_ID] if receipt.message_ids else b"",
        )
        return Arrival(
            keys,
            destination_tail(receipt.destination),
            receipt.kind,
            receipt.state,
            receipt.final,
            record.pack(),
        )

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
        patience = TEMP_ANSWER_AFTER if provider.temp_answer else None

        def matched(result: list[tuple[int, bytes]]) -> None:
            self._matched(result)
            self._journal.note((RECEIPTS, now, upstream, pdus, found, result))

        self._await(
            upstream,
            pdus,
            self._store.match(
                provider.key, arrivals, provider.final_ttl, self._limits, patience=patience
            ),
            matched,
            len(arrivals),
        )

    def _matched(self, result: list[tuple[int, bytes]]) -> None:
        """Count what became of each receipt and wake the queues that grew."""
        ledger = self._ledger
        ledger.withheld -= len(result)
        before = ledger.quarantined
        queues = ledger.met(result)
        # Each of the others is one of the outcomes that the ledger has booked.
        ledger.parked_in += sum(outcome == PARKED for outcome, _ in result)
        if ledger.quarantined > before:
            self._events.quarantined(ledger.quarantined - before)
        self._counts.queued(queues)
        self._released(set(queues))

    # -- MO -------------------------------------------------------------------------------------

    def _queue_of(self, upstream: Upstream, pdu: Pdu) -> bytes:
        """The queue of the account that owns the number; :data:`UNROUTED` when none does.

        An account for submits only gets no MO messages (MG-18).
        """
        self._ledger.mo_in += 1
        upstream.counts.mo += 1
        if pdu.command_id == DATA_SM:
            destination = read_data_sm(pdu).destination_addr
        else:
            _, dest_at, esm_at, _, _, _ = walk_message(pdu.raw)
            destination = pdu.raw[dest_at + 2 : esm_at - 1]
        account = self._mo.account(upstream.provider.name, destination)
        owner = None if account is None else self._accounts.get(account)
        if account is None or (owner is not None and owner.service == "mt"):
            self._ledger.mo_unrouted += 1
            self._events.unrouted(upstream, destination, owner or self._masking)
            return UNROUTED
        return MESSAGES + account.encode()

    def _put(self, upstream: Upstream, queue: bytes, pdus: list[Pdu], now: float) -> None:
        bodies = [message_body(pdu) for pdu in pdus]
        records = [MoRecord(body).pack() for body in bodies]
        limit = self._limits.get(queue, UNROUTED_LIMIT)
        patience = TEMP_ANSWER_AFTER if upstream.provider.temp_answer else None

        def stored(dropped: int) -> None:
            self._ledger.count("mo_dropped", dropped)
            self._journal.note((MO_MESSAGES, now, upstream, pdus, bodies, queue))
            self._released((queue,))

        self._await(upstream, pdus, self._store.put(queue, records, limit, patience), stored)

    # -- answers to the provider ----------------------------------------------------------------

    def _await(
        self,
        upstream: Upstream,
        pdus: list[Pdu],
        call: Deferred[Any],
        stored: Callable[[Any], None],
        receipts: int = 0,
    ) -> None:
        """Answer ``pdus`` once the store has them; stop reading a bind with too many waiting.

        :param receipts: how many of them the ledger has as withheld.
        """
        waiting = self._unanswered.get(upstream, 0) + len(pdus)
        self._unanswered[upstream] = waiting
        if waiting > UNANSWERED:
            upstream.hold()

        def done(result: Any) -> None:
            stored(result)
            self._answered(upstream, pdus, 0)

        def failed(failure: Any) -> None:
            self._ledger.count("deliver_sm_not_stored", len(pdus))
            if receipts:  # the provider will send them again: they did not come in
                self._ledger.withheld -= receipts
                self._ledger.receipts_in -= receipts
                if failure.value.fate == UNKNOWN:
                    self._ledger.adrift(receipts)
            self._answered(upstream, pdus, upstream.provider.temp_answer or None)

        call.addCallbacks(done, failed)

    def _answered(self, upstream: Upstream, pdus: list[Pdu], status: int | None) -> None:
        """Write the answers, unless ``status`` is None (withheld) or the bind is gone."""
        waiting = self._unanswered.get(upstream)
        if waiting is None:
            return
        waiting -= len(pdus)
        self._unanswered[upstream] = waiting
        if status is not None:
            upstream.write(b"".join([answer_to(pdu, status) for pdu in pdus]))
        if waiting <= UNANSWERED:
            upstream.release()


def answer_to(pdu: Pdu, status: int = 0) -> bytes:
    """deliver_sm_resp or data_sm_resp with an empty message_id (OZ-18, V28)."""
    answer = data_sm_resp if pdu.command_id == DATA_SM else deliver_sm_resp
    return answer(pdu.sequence_number, status)


def message_body(pdu: Pdu) -> bytes:
    """The octets of an MO after its header, as a deliver_sm carries them.

    A deliver_sm passes untouched, without octets behind its text that are no TLVs: seven of
    thirteen clients lose a message over them (quirks 5.7). What came in data_sm, which few
    clients take (quirks 5.6), goes out as deliver_sm with the same message_payload.
    """
    if pdu.command_id != DATA_SM:
        raw = pdu.raw
        *_, sm_at, tlv_at = walk_message(raw)
        end = sm_at + raw[sm_at - 1]
        if end == len(raw):
            return raw[16:]
        return raw[16:end] + b"".join([tlv(*found) for found in iter_tlvs(raw, tlv_at)])
    message = read_data_sm(pdu)
    return deliver_sm(
        0,
        service_type=message.service_type,
        source_addr_ton=message.source_addr_ton,
        source_addr_npi=message.source_addr_npi,
        source_addr=message.source_addr,
        dest_addr_ton=message.dest_addr_ton,
        dest_addr_npi=message.dest_addr_npi,
        destination_addr=message.destination_addr,
        esm_class=message.esm_class,
        data_coding=message.data_coding,
        tlvs=message.tlvs,
    )[16:]
