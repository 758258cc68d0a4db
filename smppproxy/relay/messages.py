"""The life of an MO message: from a provider's read into the queues of those whose number it is.

1. :meth:`Messages.take`: ``routing.mo`` says who gets it. The text is decoded only where a route of
   its number asks for a keyword.
2. :meth:`Messages.store`: ONE store call for the messages of a read. All copies of a message are
   one atomic step; the provider is answered when they are stored (M1).
3. A later part of a long message has no keyword: it goes where the first one went, on whichever
   node that came. Until then it waits, unanswered, for ``first_part_wait``; then it is routed as a
   message without keyword, and the parts that come after it follow it.
4. A message for nobody is kept, listed and can be replayed (``relay.replays``).

A provider that got no answer sends its message again (at least once, M1). One that was stored and
could not be answered, because its bind had gone, is known by its octets and not stored twice, on
this node; over all nodes that takes ``mo_dedupe`` of the provider (M3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

import attrs

from smppproxy.relay.answers import Answers, patience_with
from smppproxy.relay.events import Events
from smppproxy.relay.journal import MESSAGES as MO_MESSAGES
from smppproxy.relay.ledger import Ledger
from smppproxy.relay.peers import Upstream
from smppproxy.routing.accounts import Account
from smppproxy.routing.mo import MoRoute, MoTable
from smppproxy.smpp.build import deliver_sm
from smppproxy.smpp.constants import DATA_SM, ESME_RINVDSTADR
from smppproxy.smpp.fields import read_data_sm, walk_message
from smppproxy.smpp.pdu import Pdu
from smppproxy.smpp.tlv import iter_tlvs, tlv
from smppproxy.store.interface import DUPLICATE, MESSAGES, Limit, Store
from smppproxy.store.leftovers import FALLBACK, FOLLOW, LEAD, UNROUTED, WAITING, Message
from smppproxy.store.records import MoRecord
from smppproxy.text.profile import TextProfile
from smppproxy.text.segments import concatenation
from smppproxy.text.words import first_word

NOBODY = (UNROUTED,)

UNHEARD = 10_000
"""Messages that were stored and never answered which are remembered, for :data:`UNHEARD_FOR`."""

UNHEARD_FOR = 600.0

MOST_EARLY = 1_000
"""Parts that wait for their first one; beyond them they are routed without it."""

_HEADER = bytes(16)

Offsets = tuple[int, int, int, int, int, int]


class _Word:
    """A message's keyword, read when a route asks for it; later parts have none."""

    __slots__ = ("_is_later", "_offsets", "_profile", "_raw", "_word", "asked")

    def __init__(self, raw: bytes, offsets: Offsets, profile: TextProfile, is_later: bool) -> None:
        self.asked = False
        self._raw = raw
        self._offsets = offsets
        self._profile = profile
        self._is_later = is_later
        self._word = ""

    def __call__(self) -> str:
        if not self.asked:
            self.asked = True
            if not self._is_later:
                self._word = first_word(self._raw, self._offsets, self._profile)
        return self._word


@attrs.define
class Chosen:
    """Where an MO goes.

    :ivar queues: :data:`NOBODY` when no route takes it, () when one drops it.
    :ivar long: names the long message whose parts go the same way; ``b""``: that does not matter.
    :ivar lead: one of FOLLOW and LEAD.
    """

    queues: tuple[bytes, ...]
    long: bytes
    lead: int
    source: bytes
    destination: bytes
    route: MoRoute | None


@attrs.define(eq=False)
class Taken:
    """An MO that is not stored yet; ``since`` is monotonic seconds."""

    upstream: Upstream
    pdu: Pdu
    body: bytes
    message: Message
    destination: bytes
    since: float


class Messages:
    """The journey of MO messages."""

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        answers: Answers,
        released: Callable[[Iterable[bytes]], None],
        events: Events,
        seconds: Callable[[], float],
    ) -> None:
        """
        :param released: told the queues that grew.
        :param seconds: the monotonic clock.
        """
        self._store = store
        self._ledger = ledger
        self._answers = answers
        self._released = released
        self._events = events
        self._journal = events.journal
        self._seconds = seconds
        self._table = MoTable(())
        self._limits: dict[bytes, Limit] = {}
        self._accounts: Mapping[str, Account] = {}
        self._masking: Account | None = None
        self._early: list[Taken] = []
        self._lost: dict[bytes, int] = {}
        self._unheard: dict[tuple[bytes, bytes], float] = {}

    def use(
        self, mo: MoTable, limits: dict[bytes, Limit], accounts: Mapping[str, Account]
    ) -> None:
        """Route by this table from the next read on."""
        self._table = mo
        self._limits = limits
        self._accounts = accounts
        # A number that nobody owns is masked when anybody wants numbers to be.
        self._masking = next((each for each in accounts.values() if each.mask_numbers), None)

    # -- the choice -----------------------------------------------------------------------------

    def choose(
        self, provider: str, profile: TextProfile, raw: bytes, offsets: Offsets | None = None
    ) -> Chosen:
        """Who gets a deliver_sm of this provider; ``raw`` begins with 16 octets of header.

        :raises BodyError: when its fields break the rules.
        """
        if offsets is None:
            offsets = walk_message(raw)
        source_at, dest_at, esm_at = offsets[:3]
        source = raw[source_at + 2 : dest_at - 1]
        destination = raw[dest_at + 2 : esm_at - 1]
        segment = concatenation(raw, offsets)
        is_later = segment is not None and segment[2] > 1
        word = _Word(raw, offsets, profile, is_later)
        route = self._table.pick(provider, source, destination, word)
        queues = NOBODY if route is None else self._queues(route)
        long, lead = b"", LEAD
        if word.asked and segment is not None:
            named = b"%b\0%b\0%b\0%d\0%d" % (provider.encode(), source, destination, *segment[:2])
            long = sha256(named).digest()[:16]
            lead = FOLLOW if is_later else LEAD
        return Chosen(queues, long, lead, source, destination, route)

    def _queues(self, route: MoRoute) -> tuple[bytes, ...]:
        """Those of a route's accounts; one for submits only gets no MO messages (MG-18)."""
        if route.drop:
            return ()
        queues = []
        for name in route.takers:
            account = self._accounts.get(name)
            if account is None or account.service != "mt":
                queues.append(MESSAGES + name.encode())
        return tuple(queues) or NOBODY

    # -- a provider's read ----------------------------------------------------------------------

    def take(self, upstream: Upstream, pdu: Pdu, now: float) -> Taken | int:
        """An MO message as it is to be stored; or the answer that it gets at once.

        :raises BodyError: when its fields break the rules.
        """
        raw = pdu.raw
        body = message_body(pdu)
        if pdu.command_id == DATA_SM:
            raw = _HEADER + body
        provider = upstream.provider
        chosen = self.choose(provider.name, provider.text, raw)
        self._ledger.mo_in += 1
        upstream.counts.mo += 1
        record = MoRecord(body).pack()
        if self._unheard and self._unheard.pop((provider.key, record), 0.0) > self._seconds():
            self._ledger.count("mo_repeated")
            return 0
        if chosen.queues == NOBODY and chosen.lead == LEAD:
            if self._table.settings.unrouted == "refuse":
                self._unrouted(upstream, chosen.destination)
                return ESME_RINVDSTADR
        message = Message(
            provider.key,
            record,
            chosen.queues,
            chosen.long,
            chosen.lead,
            provider.mo_dedupe,
        )
        return Taken(upstream, pdu, body, message, chosen.destination, now)

    def store(self, upstream: Upstream, taken: list[Taken]) -> None:
        """Store the messages of one read, then answer them."""
        self._answers.expect(upstream, len(taken))
        self._put(upstream, taken)

    def _put(self, upstream: Upstream, taken: list[Taken]) -> None:
        call = self._store.put_messages(
            [each.message for each in taken], self._limits, patience_with(upstream)
        )
        call.addCallbacks(
            self._stored,
            self._not_stored,
            callbackArgs=(upstream, taken),
            errbackArgs=(upstream, taken),
        )

    def _stored(
        self,
        results: Sequence[tuple[int, tuple[bytes, ...]]],
        upstream: Upstream,
        taken: list[Taken],
    ) -> None:
        done: list[Taken] = []
        grown: dict[bytes, list[Taken]] = {}
        led: set[bytes] = set()
        for each, (outcome, queues) in zip(taken, results, strict=True):
            if outcome == WAITING:
                self._wait(each)
                continue
            done.append(each)
            if outcome == DUPLICATE:
                self._ledger.count("mo_repeated")
            else:
                self._count(each, queues)
                for queue in queues:
                    grown.setdefault(queue, []).append(each)
            if each.message.lead != FOLLOW:
                led.add(each.message.long)
        if not self._answers.give(upstream, [each.pdu for each in done], 0):
            self._remember(done)
        for queue, stored in grown.items():
            self._note(upstream, queue, stored)
            self._count_lost(queue)
        grown.pop(UNROUTED, None)
        if grown:
            self._released([*grown])
        led.discard(b"")
        if led and self._early:
            self._again([each for each in self._early if each.message.long in led])

    def _note(self, upstream: Upstream, queue: bytes, stored: list[Taken]) -> None:
        """The message log has one event for each copy."""
        pdus = [each.pdu for each in stored]
        bodies = [each.body for each in stored]
        self._journal.note((MO_MESSAGES, stored[0].since, upstream, pdus, bodies, queue))

    def _count_lost(self, queue: bytes) -> None:
        """What the queue's limit cost since it grew here the last time."""
        lost = self._store.overflowed.get(queue, 0)
        if lost:
            self._ledger.count("mo_dropped", lost - self._lost.get(queue, 0))
            self._lost[queue] = lost

    def _count(self, taken: Taken, queues: tuple[bytes, ...]) -> None:
        if queues == NOBODY:
            self._unrouted(taken.upstream, taken.destination)
        elif not queues:
            self._ledger.count("mo_forgotten")

    def _unrouted(self, upstream: Upstream, destination: bytes) -> None:
        self._ledger.mo_unrouted += 1
        self._events.unrouted(upstream, destination, self._masking)

    def _not_stored(self, failure: Any, upstream: Upstream, taken: list[Taken]) -> None:
        self._ledger.count("deliver_sm_not_stored", len(taken))
        status = upstream.provider.temp_answer or None
        self._answers.give(upstream, [each.pdu for each in taken], status)

    def _remember(self, taken: list[Taken]) -> None:
        """Stored, and the provider could not be told: it will send them again."""
        until = self._seconds() + UNHEARD_FOR
        for each in taken[: max(0, UNHEARD - len(self._unheard))]:
            self._unheard[each.message.provider, each.message.record] = until

    # -- parts before their first one -----------------------------------------------------------

    def _wait(self, taken: Taken) -> None:
        if not self._answers.is_open(taken.upstream):
            return  # its provider sends it again
        if len(self._early) >= MOST_EARLY or not self._table.settings.first_part_wait:
            taken.message.lead = FALLBACK
            self._put(taken.upstream, [taken])
        else:
            self._early.append(taken)

    def _again(self, taken: list[Taken]) -> None:
        """Ask once more where these go."""
        self._early = [each for each in self._early if each not in taken]
        by_upstream: dict[Upstream, list[Taken]] = {}
        for each in taken:
            by_upstream.setdefault(each.upstream, []).append(each)
        for upstream, group in by_upstream.items():
            self._put(upstream, group)

    def lost(self, upstream: Upstream) -> None:
        """The bind is gone: what was not stored yet comes again."""
        self._early = [each for each in self._early if each.upstream is not upstream]

    def tick(self, now: float) -> None:
        """Once a second: parts may find that their first one came to another node."""
        if self._unheard:
            self._unheard = {name: end for name, end in self._unheard.items() if end > now}
        if not self._early:
            return
        latest = now - self._table.settings.first_part_wait
        for each in self._early:
            if each.since <= latest:
                each.message.lead = FALLBACK
        self._again(self._early)


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
