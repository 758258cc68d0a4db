"""What is queued for an account goes to whichever of its receivers has window room.

Entries come by ``fetches``, or with the call that queued them (``claim``). One leaves the store
only on deliver_sm_resp ESME_ROK (D2, GW-23): a lost bind or a missing answer makes it due again at
once, a temporary error after a delay, any other error ends it. Without a receiver here what is in
hand waits 30 s for the client to come back, without a sign of life: any node adopts it after 60 s.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from struct import Struct
from typing import Any, ClassVar

from twisted.logger import Logger

from smppproxy.relay.adoption import Adoption
from smppproxy.relay.claim import Claim
from smppproxy.relay.delivery import Delivery, body_of
from smppproxy.relay.directory import Directory, Inbox
from smppproxy.relay.events import Events
from smppproxy.relay.fetches import Fetches
from smppproxy.relay.fresh import FRESH, HOLD_BACK, Fresh, Waits
from smppproxy.relay.hands import Hands
from smppproxy.relay.journal import DELIVERED
from smppproxy.relay.ledger import Ledger
from smppproxy.relay.peers import Client
from smppproxy.relay.shared import SHARED, items_of
from smppproxy.smpp.constants import (
    DELIVER_SM,
    ESME_RDELIVERYFAILURE,
    ESME_RMSGQFUL,
    ESME_RQUERYFAIL,
    ESME_RSUBMITFAIL,
    ESME_RSYSERR,
    ESME_RTHROTTLED,
    ESME_RUNKNOWNERR,
    ESME_RX_T_APPN,
    GENERIC_NACK,
)
from smppproxy.smpp.pdu import Pdu
from smppproxy.store.interface import Entry, Limit, Name, Store
from smppproxy.store.records import RecordError, message_id_of

HEADER = Struct(">IIII").pack

TEMPORARY = frozenset(
    {
        ESME_RSYSERR,
        ESME_RMSGQFUL,
        ESME_RSUBMITFAIL,
        ESME_RTHROTTLED,
        ESME_RX_T_APPN,
        ESME_RQUERYFAIL,
        ESME_RDELIVERYFAILURE,
        ESME_RUNKNOWNERR,
    }
)
"""A client's answers that mean "later" (GW-23); any other error is its last word."""

LONGEST_DELAY = 600.0
"""Seconds up to which the delay of a temporarily refused delivery doubles (GW-23)."""

MOST_DELIVERIES = 20
"""Deliveries to live binds after which an entry is poison and goes to the dead letters (D2)."""

TOUCH_EVERY = 20.0
"""Seconds between two signs of life for what is held; others adopt after 60 s (D6)."""

KEEP = 30.0
"""Seconds for which deliveries wait in hand for a receiver to come back. Signs of life stop at
once and were given at most 20 s before, so nobody else has adopted them by then."""


class Outbox:
    """Takes, hands out, acknowledges.

    :ivar fetches: told of queues that grew.
    """

    _log: ClassVar[Logger] = Logger()

    def __init__(
        self,
        directory: Directory,
        store: Store,
        ledger: Ledger,
        seconds: Callable[[], float],
        ask: Callable[[], None],
        soon: Callable[[Callable[[], None]], object],
        events: Events,
        tell: Callable[[list[bytes]], object] = lambda queues: None,
    ) -> None:
        """
        :param seconds: the monotonic clock.
        :param ask: asks for :meth:`look` to be called at the next beat.
        :param soon: calls back in the reactor's next turn.
        :param tell: see :class:`~smppproxy.relay.fetches.Fetches`.
        """
        self._directory = directory
        self._store = store
        self._ledger = ledger
        self._events = events
        self._journal = events.journal
        self._now = 0.0
        self._touched = 0.0
        self._hands = Hands(store, ledger)
        self.fetches = Fetches(directory, store, self._take, tell)
        self._adoption = Adoption(directory, store, self._take)
        self._kept: dict[Inbox, float] = {}
        self._seconds = seconds
        self._ask = ask
        self._fresh = Fresh(seconds, soon)
        self._early: dict[Inbox, None] = {}

    # -- what comes -----------------------------------------------------------------------------

    def claim(self) -> Claim:
        """For one call that queues receipts; see :meth:`take`."""
        return Claim(self._directory)

    def take(self, claim: Claim, entries: list[Entry], grown: Mapping[bytes, int]) -> None:
        """A call that queued receipts is over.

        :param entries: those that came into our hands.
        :param grown: by how many each queue grew, these included.
        """
        claim.end()
        if entries:
            mine = Counter([entry.queue for entry in entries])
            self._take(entries)
            grown = {queue: count for queue, count in grown.items() if count > mine[queue]}
        self.fetches.wake(grown)

    def hold(self, message_ids: Iterable[bytes]) -> None:
        """Receipts of these messages wait until :meth:`released` says that they are answered."""
        self._fresh.hold(message_ids)

    def released(self, queues: Collection[bytes], message_ids: Collection[bytes]) -> None:
        """Answers are just written, and receipts that came before them may go, but not at once.

        :param message_ids: the client_message_id of the messages just answered, of accounts with
            more than one session, and of those that were held.
        """
        self._fresh.forget(self._seconds())
        self._fresh.add(message_ids, HOLD_BACK if queues else FRESH)
        if queues:
            self.fetches.wake(queues)

    def _take(self, entries: Iterable[Entry]) -> None:
        """Entries are in our hands now; send what the windows have room for."""
        touched: dict[Inbox, None] = {}
        fresh: set[Delivery] = set()
        queue: bytes | None = None
        inbox: Inbox | None = None
        held: set[Name] = set()
        dropped = self._hands.dropped
        for entry in entries:
            if entry.queue is not queue:
                queue = entry.queue
                inbox = self._receiving(queue[2:])
                held = self._hands.of(queue[2:]) if inbox is not None else set()
            if inbox is None:
                continue
            delivery = Delivery(inbox, entry)
            name = delivery.name
            if name not in held and name not in dropped:
                held.add(name)
                if entry.origin[:1] == SHARED:
                    self._share(inbox, entry)
                    continue
                inbox.due.append(delivery)
                if not delivery.attempts:
                    fresh.add(delivery)
            touched[inbox] = None
        for each in touched:
            self._drain(each, fresh)

    def _receiving(self, account: bytes) -> Inbox | None:
        """The account's inbox, if it has a receiver here or had one a moment ago."""
        inbox = self._directory.inboxes.get(account)
        if inbox is None or (not inbox.receivers and inbox not in self._kept):
            return None
        return inbox

    def _share(self, inbox: Inbox, entry: Entry) -> None:
        """A receipt of several messages becomes one for each of them that wants it (XC-08)."""
        name = (entry.queue, entry.entry_id)
        account = inbox.account
        try:
            items = items_of(entry)
        except RecordError as error:
            self._log.error("unreadable record in {queue}: {error}", queue=name[0], error=error)
            self._hands.bury([Delivery(inbox, entry)])
            return
        if not items:
            self._hands.end([name], "unwanted")
            return

        def shared(dropped: int) -> None:
            self._ledger.made += len(items) - 1
            self._hands.end([name], "shared")
            self.fetches.wake((entry.queue,))

        def failed(_: object) -> None:
            # Given back: it is adopted again.
            self._hands.of(account.key).discard(name)

        limit = Limit(account.receipt_limit, account.receipt_keep)
        self._store.put_receipts(account.key, items, limit, None).addCallbacks(shared, failed)

    # -- handing out ----------------------------------------------------------------------------

    def _drain(self, inbox: Inbox, sure: Collection[Delivery] = ()) -> None:
        """Hand what is due to the receivers, in turn; one write per receiver.

        :param sure: what the store has said this very moment that it may be sent.
        """
        due = inbox.due
        if not due:
            return
        clock, waits_until = self._waits(inbox)
        now = self._now
        writes: defaultdict[Client, list[bytes]] = defaultdict(list)
        repeats: list[Delivery] = []
        takers = inbox.takers()
        while due:
            client = next(takers, None)
            if client is None:
                break
            delivery = due.popleft()
            # Nearly every receipt is looked at while there is traffic: it is two calls, no more.
            if waits_until:
                until = waits_until(message_id_of(delivery.entry.origin), clock)
                if until > clock:
                    self._hold(delivery, until)
                    continue
            if delivery not in sure and delivery.is_intermediate:
                repeats.append(delivery)
                continue
            body = self._body(delivery, client)
            if body is None:
                continue
            sequence_number = client.session.window.open(delivery, now)
            writes[client] += (HEADER(16 + len(body), DELIVER_SM, 0, sequence_number), body)
            delivery.attempts += 1
            if delivery.attempts > 1:
                self._ledger.redelivered += 1
        for client, parts in writes.items():
            client.write(b"".join(parts))
        self._repeat(inbox, repeats)

    def _repeat(self, inbox: Inbox, repeats: list[Delivery]) -> None:
        """Intermediate receipts that were sent before, or had to wait here: the store is asked.

        Another node may have delivered the final receipt of their message meanwhile (GW-24).
        """
        if repeats:
            self._store.touch([delivery.name for delivery in repeats]).addCallbacks(
                self._send_again,
                self._ask_again,
                callbackArgs=(inbox, repeats),
                errbackArgs=(inbox, repeats),
            )

    def _send_again(
        self, found: tuple[list[Name], list[Name]], inbox: Inbox, repeats: list[Delivery]
    ) -> None:
        superseded, gone = map(set, found)
        held = self._hands.of(inbox.account.key)
        sure: set[Delivery] = set()
        for delivery in reversed(repeats):
            name = delivery.name
            if name in superseded:
                self._ledger.count("overtaken")
                self._hands.end([name], "dropped")
            elif name in gone:
                held.discard(name)
            elif name in held:
                sure.add(delivery)
                inbox.due.appendleft(delivery)
        self._drain(inbox, sure)

    def _ask_again(self, failure: Any, inbox: Inbox, repeats: list[Delivery]) -> None:
        """The store could not say: the next tick asks again."""
        inbox.later += repeats

    def _waits(self, inbox: Inbox) -> tuple[float, Waits | None]:
        """The time, and what says until when receipts of a message wait; None while none has to."""
        if not self._fresh:
            return 0.0, None
        now = self._seconds()
        return now, self._fresh.of(self._directory.binds_of(inbox.account), now)

    def _hold(self, delivery: Delivery, until: float) -> None:
        """The answer to this receipt's message is still to come, or was only just written,
        elsewhere."""
        delivery.due = until
        delivery.inbox.later.append(delivery)
        self._early[delivery.inbox] = None
        self._ask()

    def look(self, now: float) -> bool:
        """At every beat while it returns True: receipts that were held back are due."""
        self._now = now
        self._fresh.forget(now)
        early, self._early = self._early, {}
        for inbox in early:
            self._due_again(inbox, now)
            if any(delivery.due <= now + HOLD_BACK for delivery in inbox.later):
                self._early[inbox] = None
            self._drain(inbox)
        return bool(self._early)

    @staticmethod
    def _due_again(inbox: Inbox, now: float) -> None:
        """What was refused or held back for a while is due, when the while is over."""
        ready = [delivery for delivery in inbox.later if delivery.due <= now]
        if ready:
            inbox.later = [delivery for delivery in inbox.later if delivery.due > now]
            inbox.due.extend(ready)

    def _body(self, delivery: Delivery, client: Client) -> bytes | None:
        """The deliver_sm's octets after the header; None for what is not to be sent."""
        try:
            body = body_of(delivery, client)
        except RecordError as error:
            queue = delivery.entry.queue
            self._log.error("unreadable record in {queue}: {error}", queue=queue, error=error)
            self._hands.bury([delivery])
            return None
        if not body:
            self._ledger.count("overtaken")
            self._hands.end([delivery.name], "dropped")
            return None
        return body

    # -- answers --------------------------------------------------------------------------------

    def responses(
        self, client: Client, answers: Sequence[tuple[Delivery, Pdu]], now: float
    ) -> None:
        """deliver_sm_resp of one read: one acknowledgement to the store for all of them."""
        self._now = now
        receipts: list[Name] = []
        messages: list[Name] = []
        taken: list[Entry] = []
        for delivery, pdu in answers:
            entry = delivery.entry
            status = pdu.command_status
            if status == 0 and pdu.command_id != GENERIC_NACK:
                (receipts if entry.origin else messages).append(delivery.name)
                taken.append(entry)
            elif status in TEMPORARY and pdu.command_id != GENERIC_NACK:
                self._later(delivery, now)
            else:
                self._refused(client, delivery, status)
        self._journal.note((DELIVERED, now, client, answers, len(receipts) == len(answers)))
        if taken:
            client.counts.acknowledged(taken)
        if receipts:
            self._hands.end(receipts, "delivered")
        if messages:
            self._hands.end(messages, "mo_delivered")
        inbox = self._directory.inboxes.get(client.account.key)
        if inbox is not None:
            self._drain(inbox)
            if inbox.waiting:
                self.fetches.more()
            if self._adoption.left:
                self._adoption.more(inbox)

    def _later(self, delivery: Delivery, now: float) -> None:
        """A temporary refusal: due again after a delay that doubles, poison after twenty."""
        if delivery.attempts >= MOST_DELIVERIES:
            self._hands.bury([delivery])
            return
        delivery.due = now + delivery.delay
        delivery.delay = min(delivery.delay * 2, LONGEST_DELAY)
        delivery.inbox.later.append(delivery)

    def _refused(self, client: Client, delivery: Delivery, status: int) -> None:
        """The client's last word: the entry ends here, counted and logged."""
        if delivery.entry.origin:
            client.counts.refused_by_client += 1
        self._events.delivery_refused(client, status)
        self._hands.refuse(delivery)

    # -- receivers that come and go, time that passes --------------------------------------------

    def entered(self, inbox: Inbox, now: float) -> None:
        """A receiver bound: it gets what waits; the first one also what this node held before."""
        self._now = now
        if self._kept.pop(inbox, None) is not None:
            self._hands.touch(self._hands.of(inbox.account.key))
        self.fetches.entered(inbox)
        if len(inbox.receivers) == 1:
            self._adoption.former(inbox)
        self._drain(inbox)
        self.fetches.more()

    def left(self, client: Client, inbox: Inbox | None, now: float) -> None:
        """A session ended: what it had not answered goes to another receiver at once."""
        self._now = now
        lost = client.session.window.drain()
        if inbox is None:
            return
        inbox.due.extendleft(reversed(lost))
        if inbox.receivers:
            self._drain(inbox)
        else:
            self.fetches.left(inbox)
            self._kept[inbox] = now

    def _drop(self, inbox: Inbox) -> None:
        """Nobody came back to receive: hold nothing, any node may deliver it."""
        del self._kept[inbox]
        inbox.due.clear()
        inbox.later.clear()
        self._hands.drop(inbox.account.key)

    def expired(self, client: Client, deliveries: Sequence[Delivery], now: float) -> None:
        """No answer in time: due again in a moment.

        Three in a row end the session (row 45): that is the wire's part, which unbinds it now.
        """
        self._now = now
        inbox = self._directory.inboxes.get(client.account.key)
        if inbox is None:
            return
        for delivery in deliveries:
            if delivery.attempts >= MOST_DELIVERIES:
                self._hands.bury([delivery])
            else:
                inbox.due.append(delivery)
        self._early[inbox] = None
        self._ask()

    def tick(self, now: float) -> None:
        """Once a second: what is due again, what other nodes queued, signs of life."""
        self._now = now
        for inbox in self._directory.inboxes.values():
            if inbox.later:
                self._due_again(inbox, now)
            if inbox.due and inbox.receivers:
                self._drain(inbox)
        for inbox in [inbox for inbox, since in self._kept.items() if now - since >= KEEP]:
            self._drop(inbox)
        if self._fresh:
            self.look(now)
        if self._store.ready or self._store.full:
            self._hands.say_again()
            self.fetches.wake_all()
            self._signs_of_life(now)

    def _signs_of_life(self, now: float) -> None:
        if now - self._touched >= TOUCH_EVERY:
            self._touched = now
            self._hands.touch_all({inbox.account.key for inbox in self._kept})
        self._adoption.tick(now)
