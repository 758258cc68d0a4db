"""What is queued for an account goes to whichever of its receivers has window room.

Entries are fetched in batches, at most one fetch at a time, so that many small wake-ups become
one store call. An entry leaves the store only on deliver_sm_resp ESME_ROK (D2, GW-23): a lost
bind or a missing answer makes it due again at once, a temporary error after a delay, any other
error ends it. Without a receiver here nothing is held: what this node had in hand is adopted
again, by it or by another node, when a receiver binds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from struct import Struct
from typing import Any

from twisted.logger import Logger

from smppproxy.receipts.deliver import receipt_body
from smppproxy.relay.directory import Directory, Inbox
from smppproxy.relay.ledger import Ledger
from smppproxy.relay.peers import Client
from smppproxy.smpp.constants import (
    DELIVER_SM,
    ESME_RDELIVERYFAILURE,
    ESME_RMSGQFUL,
    ESME_RSUBMITFAIL,
    ESME_RSYSERR,
    ESME_RTHROTTLED,
    ESME_RUNKNOWNERR,
    ESME_RX_R_APPN,
    ESME_RX_T_APPN,
    GENERIC_NACK,
)
from smppproxy.smpp.pdu import Pdu
from smppproxy.store.interface import Entry, Limit, Store
from smppproxy.store.records import MoRecord, Origin, ReceiptRecord, RecordError

HEADER = Struct(">IIII").pack

TEMPORARY = frozenset(
    {
        ESME_RSYSERR,
        ESME_RMSGQFUL,
        ESME_RSUBMITFAIL,
        ESME_RTHROTTLED,
        ESME_RX_T_APPN,
        ESME_RX_R_APPN,
        ESME_RDELIVERYFAILURE,
        ESME_RUNKNOWNERR,
    }
)
"""A client's answers that mean "later" (GW-23); any other error is its last word."""

FIRST_DELAY, LONGEST_DELAY = 10.0, 600.0
"""Seconds before a temporarily refused delivery is tried again, doubling (GW-23)."""

MOST_DELIVERIES = 20
"""Deliveries to live binds after which an entry is poison and goes to the dead letters (D2)."""

MOST_EXPIRED = 3
"""deliver_sm in a row without an answer after which the bind is closed (F38)."""

DEAD = b"d:"
DEAD_LIMIT = Limit(10_000, 1_209_600)

TOUCH_EVERY = 20.0
"""Seconds between two signs of life for what is held; others adopt after 60 s (D6)."""

ADOPT_IDLE_MS = 60_000
ADOPT_EVERY = 10.0
ADOPT_COUNT = 1_000


class Delivery:
    """One queue entry in this node's hands."""

    __slots__ = ("attempts", "delay", "due", "entry", "inbox")

    def __init__(self, inbox: Inbox, entry: Entry) -> None:
        self.inbox = inbox
        self.entry = entry
        self.attempts = entry.deliveries - 1
        self.delay = FIRST_DELAY
        self.due = 0.0


class Outbox:
    """Fetches, hands out, acknowledges."""

    _log = Logger()

    def __init__(self, directory: Directory, store: Store, ledger: Ledger) -> None:
        self._directory = directory
        self._store = store
        self._ledger = ledger
        self._fetching = False
        self._now = 0.0
        self._touched = 0.0
        self._adopted = 0.0
        self._held: dict[bytes, set[tuple[bytes, bytes]]] = {}
        self._expired: dict[Client, int] = {}

    # -- what is waiting ------------------------------------------------------------------------

    def wake(self, queues: Iterable[bytes]) -> None:
        """These queues grew: fetch from those that have a receiver here."""
        for queue in queues:
            inbox = self._directory.inboxes.get(queue[2:])
            if inbox is not None and inbox.receivers:
                inbox.waiting.add(queue)
        self._fetch()

    def wake_all(self) -> None:
        """Look into every queue that has a receiver here: other nodes fill them too."""
        for inbox in self._directory.inboxes.values():
            if inbox.receivers:
                inbox.waiting.update(inbox.queues)
        self._fetch()

    def _fetch(self) -> None:
        """Ask for as much as the windows have room for, unless a fetch is on its way."""
        if self._fetching or not self._store.ready:
            return
        wants: list[tuple[bytes, int]] = []
        for inbox in self._directory.inboxes.values():
            if inbox.waiting:
                room = inbox.room() - len(inbox.due)
                if room > 0:
                    wants.extend((queue, room) for queue in sorted(inbox.waiting, reverse=True))
        if not wants:
            return
        self._fetching = True
        self._store.fetch(wants).addCallbacks(
            self._fetched, self._not_fetched, callbackArgs=(wants,)
        )

    def _fetched(self, entries: list[Entry], wants: list[tuple[bytes, int]]) -> None:
        self._fetching = False
        got: dict[bytes, int] = {}
        for entry in entries:
            got[entry.queue] = got.get(entry.queue, 0) + 1
        for queue, count in wants:
            inbox = self._directory.inboxes[queue[2:]]
            if got.get(queue, 0) < count:
                inbox.waiting.discard(queue)
        self._take(entries)
        self._fetch()

    def _not_fetched(self, failure: Any) -> None:
        self._fetching = False

    def _take(self, entries: Iterable[Entry]) -> None:
        """Entries are in our hands now; send what the windows have room for."""
        touched: set[bytes] = set()
        for entry in entries:
            key = entry.queue[2:]
            inbox = self._directory.inboxes.get(key)
            if inbox is None:
                continue
            name = (entry.queue, entry.entry_id)
            held = self._held.setdefault(key, set())
            if name not in held:
                held.add(name)
                inbox.due.append(Delivery(inbox, entry))
            touched.add(key)
        for key in touched:
            self._drain(self._directory.inboxes[key])

    # -- handing out ----------------------------------------------------------------------------

    def _drain(self, inbox: Inbox) -> None:
        """Hand what is due to the receivers, in turn; one write per receiver."""
        due = inbox.due
        writes: dict[Client, list[bytes]] = {}
        while due:
            client = inbox.pick()
            if client is None:
                break
            delivery = due.popleft()
            body = self._body(delivery, client)
            if body is None:
                continue
            sequence_number = client.session.window.open(delivery, self._now)
            pdu = HEADER(16 + len(body), DELIVER_SM, 0, sequence_number) + body
            waiting = writes.get(client)
            if waiting is None:
                writes[client] = [pdu]
            else:
                waiting.append(pdu)
            delivery.attempts += 1
            if delivery.attempts > 1:
                self._ledger.redelivered += 1
        for client, parts in writes.items():
            client.write(b"".join(parts))

    def _body(self, delivery: Delivery, client: Client) -> bytes | None:
        """The deliver_sm's octets after the header; None for a record that cannot be read."""
        entry = delivery.entry
        try:
            if not entry.origin:
                return MoRecord.unpack(entry.receipt).body
            origin = Origin.unpack(entry.origin)
            receipt = ReceiptRecord.unpack(entry.receipt)
        except RecordError as error:
            self._log.error("unreadable record in {queue}: {error}", queue=entry.queue, error=error)
            self._bury([delivery])
            return None
        return receipt_body(
            origin.client_message_id,
            origin.source_addr_ton,
            origin.source_addr_npi,
            origin.source_addr,
            origin.dest_addr_ton,
            origin.dest_addr_npi,
            origin.destination_addr,
            origin.submit_time,
            receipt.done_date,
            receipt.state,
            receipt.stat,
            receipt.err,
            user_message_reference=origin.user_message_reference,
            network_error_code=receipt.network_error_code,
            with_tlvs=client.session.interface_version > 0x33,
        )

    # -- answers --------------------------------------------------------------------------------

    def responses(
        self, client: Client, answers: Sequence[tuple[Delivery, Pdu]], now: float
    ) -> None:
        """deliver_sm_resp of one read: one acknowledgement to the store for all of them."""
        self._now = now
        self._expired.pop(client, None)
        acks: list[tuple[bytes, bytes]] = []
        receipts = 0
        for delivery, pdu in answers:
            entry = delivery.entry
            status = pdu.command_status
            if status == 0 and pdu.command_id != GENERIC_NACK:
                acks.append((entry.queue, entry.entry_id))
                if entry.origin:
                    receipts += 1
            elif status in TEMPORARY and pdu.command_id != GENERIC_NACK:
                self._later(delivery, now)
            else:
                self._refused(client, delivery, status)
        self._ledger.delivered += receipts
        self._ledger.mo_delivered += len(acks) - receipts
        if acks:
            self._ack(acks)
        inbox = self._directory.inboxes.get(client.account.key)
        if inbox is not None:
            self._drain(inbox)
            if inbox.waiting:
                self._fetch()

    def _ack(self, acks: list[tuple[bytes, bytes]]) -> None:
        """Remove delivered entries; tried until the store has heard it."""
        self._store.ack(acks).addCallbacks(self._acked, self._not_acked, callbackArgs=(acks,))

    def _acked(self, removed: int, acks: list[tuple[bytes, bytes]]) -> None:
        # Held until here: an adopt in between must not hand out what the client already has.
        for queue, entry_id in acks:
            held = self._held.get(queue[2:])
            if held is not None:
                held.discard((queue, entry_id))

    def _not_acked(self, failure: Any) -> None:
        self._ledger.count("ack_not_stored")

    def _later(self, delivery: Delivery, now: float) -> None:
        """A temporary refusal: due again after a delay that doubles, poison after twenty."""
        if delivery.attempts >= MOST_DELIVERIES:
            self._bury([delivery])
            return
        delivery.due = now + delivery.delay
        delivery.delay = min(delivery.delay * 2, LONGEST_DELAY)
        delivery.inbox.later.append(delivery)

    def _refused(self, client: Client, delivery: Delivery, status: int) -> None:
        """The client's last word: the entry ends here, counted and logged."""
        self._log.warn(
            "{account} refused a delivery with {status:#x}",
            event="delivery_refused",
            account=client.account.system_id,
            bind=client.name,
            status=status,
        )
        self._count_end(delivery)
        self._ack([(delivery.entry.queue, delivery.entry.entry_id)])

    def _count_end(self, delivery: Delivery) -> None:
        if delivery.entry.origin:
            self._ledger.refused_by_client += 1
        else:
            self._ledger.count("mo_refused_by_client")

    def _bury(self, deliveries: list[Delivery]) -> None:
        """Poison goes to the account's dead letters, then out of its queue."""
        for delivery in deliveries:
            entry = delivery.entry
            self._ledger.count("dead_letter")
            self._count_end(delivery)
            record = entry.origin + entry.receipt
            self._store.put(DEAD + entry.queue[2:], [record], DEAD_LIMIT).addCallbacks(
                lambda _, name=(entry.queue, entry.entry_id): self._ack([name]), self._not_acked
            )

    # -- receivers that come and go, time that passes --------------------------------------------

    def entered(self, inbox: Inbox, now: float) -> None:
        """A receiver bound: it gets what waits; the first one also what this node held before."""
        self._now = now
        inbox.waiting.update(inbox.queues)
        if len(inbox.receivers) == 1:
            self._adopt(list(inbox.queues), 0)
        self._drain(inbox)
        self._fetch()

    def _adopt(self, queues: list[bytes], idle_ms: int) -> None:
        self._store.adopt(queues, ADOPT_COUNT, idle_ms).addCallbacks(
            self._take, self._not_fetched_ignored
        )

    @staticmethod
    def _not_fetched_ignored(failure: Any) -> None:
        """The next tick asks again."""

    def left(self, client: Client, inbox: Inbox | None, now: float) -> None:
        """A session ended: what it had not answered goes to another receiver at once."""
        self._now = now
        self._expired.pop(client, None)
        lost = client.session.window.drain()
        if inbox is None:
            return
        inbox.due.extendleft(reversed(lost))
        if inbox.receivers:
            self._drain(inbox)
        else:
            self._drop(inbox)

    def _drop(self, inbox: Inbox) -> None:
        """Nobody is here to receive: hold nothing, so that any node may deliver it."""
        inbox.due.clear()
        inbox.later.clear()
        inbox.waiting.clear()
        self._held.pop(inbox.account.key, None)

    def expired(self, client: Client, deliveries: Sequence[Delivery], now: float) -> None:
        """No answer in time: due again, on another receiver first; three in a row end the bind."""
        self._now = now
        silent = self._expired.get(client, 0) + len(deliveries)
        self._expired[client] = silent
        inbox = self._directory.inboxes.get(client.account.key)
        if inbox is None:
            return
        for delivery in deliveries:
            if delivery.attempts >= MOST_DELIVERIES:
                self._bury([delivery])
            else:
                inbox.due.append(delivery)
        if silent >= MOST_EXPIRED:
            client.close("no answer to deliver_sm")
        self._drain(inbox)

    def tick(self, now: float) -> None:
        """Once a second: what is due again, what other nodes queued, signs of life."""
        self._now = now
        for inbox in self._directory.inboxes.values():
            if inbox.later:
                ready = [delivery for delivery in inbox.later if delivery.due <= now]
                if ready:
                    inbox.later = [delivery for delivery in inbox.later if delivery.due > now]
                    inbox.due.extend(ready)
            if inbox.due and inbox.receivers:
                self._drain(inbox)
        if self._store.ready:
            self.wake_all()
            self._signs_of_life(now)

    def _signs_of_life(self, now: float) -> None:
        if now - self._touched >= TOUCH_EVERY:
            self._touched = now
            held = [name for names in self._held.values() for name in names]
            if held:
                self._store.touch(held).addErrback(self._not_fetched_ignored)
        if now - self._adopted >= ADOPT_EVERY:
            self._adopted = now
            queues = [
                queue
                for inbox in self._directory.inboxes.values()
                if inbox.receivers
                for queue in inbox.queues
            ]
            if queues:
                self._adopt(queues, ADOPT_IDLE_MS)
