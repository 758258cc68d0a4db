"""A simulated provider: several hosts, one id space, and every habit seen in the field.

What it accepted, sent and got acknowledged stays in :attr:`Smsc.history` and
:attr:`Smsc.counts`, for :mod:`~smppproxy.simulator.histories` to compare.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.interfaces import IListeningPort
from twisted.internet.protocol import Factory
from twisted.protocols.tls import TLSMemoryBIOFactory

from smppproxy.routing.throttle import TokenBucket
from smppproxy.simulator.clock import Agenda, Reactor, Ticker
from smppproxy.simulator.link import Link
from smppproxy.simulator.mailbox import Delivery, Mailbox
from smppproxy.simulator.options import Delay, SmscOptions
from smppproxy.simulator.receipts import outcome_of, receipt
from smppproxy.simulator.records import Accepted, Counts
from smppproxy.simulator.shapes import ID_FORMATS, SUCCESSES, drawn
from smppproxy.smpp import build
from smppproxy.smpp.constants import (
    DATA_SM_RESP,
    DELIVER_SM_RESP,
    ESME_RBINDFAIL,
    ESME_RINVPASWD,
    ESME_RINVSYSTYP,
    MAX_PDU,
    TLV_MESSAGE_PAYLOAD,
)
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.fields import Bind, read_bind, walk_message
from smppproxy.smpp.framing import Framer
from smppproxy.smpp.pdu import Pdu
from smppproxy.smpp.session import SMSC, Received, Session
from smppproxy.smpp.tlv import iter_tlvs

__all__ = ["Accepted", "Counts", "Smsc", "SmscLink", "SmscOptions"]


def _delay(value: Delay) -> tuple[float, float]:
    return value if isinstance(value, tuple) else (float(value), float(value))


class SmscLink(Link):
    """One connection to one host of the simulated provider.

    :ivar unanswered: submit_sm that wait for their answers.
    """

    def __init__(self, smsc: Smsc, host: str) -> None:
        options = smsc.options
        session = Session(SMSC, options.timers, options.window, options.version_tlv)
        super().__init__(smsc.reactor, session)
        self.smsc = smsc
        self.host = host
        self.system_id = b""
        self.unanswered = 0
        self._heard = self.reactor.seconds()
        self._framer = Framer(MAX_PDU) if options.shape == "data_sm" else None

    def connectionMade(self) -> None:
        """Part of Twisted's protocol interface."""
        super().connectionMade()
        self.smsc.connected(self)

    def dataReceived(self, data: bytes) -> None:
        """A session waits for deliver_sm_resp alone; data_sm_resp, laid out alike, become such."""
        self._heard = self.reactor.seconds()
        if self._framer is not None:
            pdus, error = self._framer.feed(data)
            if error is None:
                data = b"".join(_as_deliver_sm_resp(pdu) for pdu in pdus)
        super().dataReceived(data)

    def took(self, received: Received) -> None:
        """Binds, submits, and answers to receipts."""
        if received.bind is not None:
            self.smsc.bind(self, received.bind)
        if received.requests:
            self.smsc.submitted(self, received.requests)
        if received.responses:
            self.smsc.mailbox.answered(self, received.responses)

    def tick(self) -> None:
        """Part of :class:`Link`; who was silent for too long is closed without a word."""
        super().tick()
        limit = self.smsc.options.idle_timeout
        if limit and self.up and self.reactor.seconds() - self._heard > limit:
            self.smsc.counts.silent += 1
            self.hang_up()

    def asked_to_unbind(self, pdu: Pdu) -> None:
        """Answer, ignore or close, as the options say."""
        self.smsc.counts.unbinds += 1
        habit = self.smsc.options.unbind
        if habit == "answer":
            self.send(build.unbind_resp(pdu.sequence_number))
        if habit != "ignore":
            self.hang_up()

    def expired(self, tokens: list[Any]) -> None:
        """Receipts that were not answered in time are delivered again."""
        self.smsc.mailbox.put_back(self, tokens)

    def lost(self) -> None:
        """The connection is gone."""
        self.smsc.disconnected(self)


def _as_deliver_sm_resp(pdu: Pdu) -> bytes:
    if pdu.command_id != DATA_SM_RESP:
        return pdu.raw
    return pdu.raw[:4] + DELIVER_SM_RESP.to_bytes(4, "big") + pdu.raw[8:]


class _HostFactory(Factory):
    """Makes the links of one host."""

    noisy = False

    def __init__(self, smsc: Smsc, host: str) -> None:
        self.smsc = smsc
        self.host = host

    def buildProtocol(self, addr: object) -> SmscLink:
        """Part of Twisted's factory interface."""
        return SmscLink(self.smsc, self.host)


class Smsc:
    """A provider with any number of hosts that share accounts, ids and undelivered receipts.

    :ivar counts: what happened so far; :ivar history: every message accepted, in order.
    :ivar ports: the port of each host that listens, or listened last.
    :ivar accepted_on: messages accepted by each host.
    """

    def __init__(
        self,
        reactor: Reactor,
        options: SmscOptions | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.reactor = reactor
        self.options = options or SmscOptions()
        self.counts = Counts()
        self.history: list[Accepted] = []
        self.ports: dict[str, int] = {}
        self.accepted_on: Counter[str] = Counter()
        self.agenda = Agenda(reactor)
        self.mailbox = Mailbox(reactor, self.agenda, self.counts, self.options.retry)
        self._wall = wall
        self._random = random.Random(self.options.seed)
        self._next_number = self.options.id_start
        self._listening: dict[str, IListeningPort] = {}
        self._doors: dict[str, tuple[Any, str]] = {}
        self._links: list[SmscLink] = []
        self._buckets: dict[bytes, TokenBucket] = {}
        self._mo_owed = 0.0
        self._mo_at = reactor.seconds()
        self._tickers = (Ticker(reactor, 1.0, self._tick), Ticker(reactor, 0.05, self._mo_tick))

    # ---------------------------------------------------------------- doors

    def listen(
        self, host: str, port: int = 0, tls: Any = None, address: str = "127.0.0.1"
    ) -> int:
        """Open a host; returns its port. ``tls``: a server connection creator, None: plain.

        Raises :exc:`twisted.internet.error.CannotListenError` when the port is taken.
        """
        factory: Any = _HostFactory(self, host)
        if tls is not None:
            factory = TLSMemoryBIOFactory(tls, False, factory)
        listening = self.reactor.listenTCP(port, factory, interface=address)
        self._listening[host] = listening
        self._doors[host] = (tls, address)
        here: Any = listening.getHost()
        self.ports[host] = here.port
        for ticker in self._tickers:
            ticker.start()
        return self.ports[host]

    def crash(self, host: str) -> Deferred[None]:
        """A host dies: all its connections are reset and its port is closed.

        What was not on the wire yet is lost with it; what it had accepted is not, and its
        receipts go to the other hosts. Fires once port and connections are closed.
        """
        closing: list[Deferred[Any]] = [link.gone for link in self.links(host)]
        listening = self._listening.pop(host, None)
        if listening is not None:
            closing.append(maybeDeferred(listening.stopListening))
        self.drop(host)
        return DeferredList(closing).addCallback(lambda _: None)

    def restore(self, host: str) -> int:
        """The host is back on the port it had; call it once :meth:`crash` has fired."""
        return self.listen(host, self.ports[host], *self._doors[host])

    def drop(self, host: str) -> None:
        """Reset every connection of a host; it goes on listening."""
        for link in self.links(host):
            link.abort()

    def unbind(self, host: str) -> None:
        """A planned stop: unbind to every session of a host."""
        for link in self.links(host):
            if link.system_id:
                link.send(link.session.unbind(self.reactor.seconds()))

    def stop(self) -> Deferred[None]:
        """Close everything; fires when all ports and connections are closed."""
        self.agenda.clear()
        self.mailbox.close()
        for ticker in self._tickers:
            ticker.stop()
        closing = [self.crash(host) for host in self.ports]
        return DeferredList(closing).addCallback(lambda _: None)

    # ------------------------------------------------------------- sessions

    def listens(self, host: str) -> bool:
        """Whether the host takes connections."""
        return host in self._listening

    def links(self, host: str = "", bound: bool = False) -> list[SmscLink]:
        """The connections of a host (``""``: of all), or only its bound ones."""
        return [
            link
            for link in self._links
            if (not host or link.host == host) and (link.system_id or not bound)
        ]

    def connected(self, link: SmscLink) -> None:
        """A client has connected."""
        self.counts.connections += 1
        self._links.append(link)

    def disconnected(self, link: SmscLink) -> None:
        """A connection is gone; what it did not acknowledge is due again."""
        if link in self._links:
            self._links.remove(link)
        if link.system_id:
            self.mailbox.leave(link)

    def bind(self, link: SmscLink, pdu: Pdu) -> None:
        """Verify a bind."""
        try:
            fields = read_bind(pdu)
            status = self._verdict(link, fields)
        except BodyError as error:
            status = error.command_status
        if status:
            self.counts.binds_refused += 1
            link.send(link.session.refuse_bind(status, self.options.system_id))
            self.agenda.after(0.1, link.hang_up)
            return
        self.counts.binds += 1
        link.system_id = fields.system_id
        held = link.session.accept_bind(self.options.system_id, self.reactor.seconds())
        link.digest(held)
        if link.session.can_receive and link.up:
            self.mailbox.join(link)

    def _verdict(self, link: SmscLink, fields: Bind) -> int:
        options = self.options
        system_id, password = fields.system_id, fields.password
        if options.refuse_bind:
            return options.refuse_bind
        if options.accounts and options.accounts.get(system_id) != password:
            return ESME_RINVPASWD
        if 0 < options.max_password < len(password):
            return ESME_RINVPASWD
        if options.system_type not in (b"", fields.system_type):
            return ESME_RINVSYSTYP
        if not system_id or fields.interface_version < options.interface_version:
            return ESME_RBINDFAIL
        bound = sum(other.system_id == system_id for other in self.links(link.host, bound=True))
        return options.bind_full if 0 < options.max_binds <= bound else 0

    def _tick(self) -> None:
        for link in list(self._links):
            link.tick()

    # -------------------------------------------------------------- submits

    def submitted(self, link: SmscLink, pdus: Sequence[Pdu]) -> None:
        """Answer the submit_sm of one read."""
        self.counts.submits += len(pdus)
        least, most = _delay(self.options.response_delay)
        answers = []
        for pdu in pdus:
            link.unanswered += 1
            status = self._status(link)
            if status:
                answer = build.refusal(pdu.command_id, pdu.sequence_number, status)
                accepted = None
            else:
                answer, accepted = self._accept(link, pdu)
            if accepted is None:
                self.counts.refused += 1
            elif self._chance(self.options.silence):
                self.counts.unanswered += 1
                self._schedule_receipts(accepted, 0.0)
                continue
            delay = self._random.uniform(least, most) if most else 0.0
            if accepted is not None:
                delay = self._schedule_receipts(accepted, delay)
            if delay:
                self.agenda.after(delay, self._respond, link, answer, accepted)
            else:
                answers.append(answer)
                if accepted is not None:
                    accepted.answered = True
        if answers:
            link.unanswered -= len(answers)
            link.send(b"".join(answers))

    def _respond(self, link: SmscLink, answer: bytes, accepted: Accepted | None) -> None:
        if accepted is not None:
            accepted.answered = link.up
        link.unanswered -= 1
        link.send(answer)

    def _status(self, link: SmscLink) -> int:
        options = self.options
        counts = self.counts
        counts.most_unanswered = max(counts.most_unanswered, link.unanswered)
        if 0 < options.submit_window < link.unanswered:
            counts.beyond_window += 1
            return options.throttle
        if options.tps:
            now = self.reactor.seconds()
            bucket = self._buckets.get(link.system_id)
            if bucket is None:
                bucket = TokenBucket(options.tps, options.tps, now)
                self._buckets[link.system_id] = bucket
            if not bucket.take(1, now):
                counts.throttled += 1
                return options.throttle
        return 0

    def _misfortune(self, source_addr: bytes) -> int:
        """The command_status that chance has for a message, or 0."""
        options = self.options
        if options.errors and options.unlucky in (b"", source_addr):
            return drawn(options.errors, self._random.random())
        return 0

    def _accept(self, link: SmscLink, pdu: Pdu) -> tuple[bytes, Accepted | None]:
        raw = pdu.raw
        options = self.options
        demands = options.demands
        try:
            offsets = walk_message(raw)
        except BodyError as error:
            self.counts.unreadable += 1
            refusal = build.refusal(pdu.command_id, pdu.sequence_number, error.command_status)
            return refusal, None
        status = demands.check(raw, offsets) if demands is not None else 0
        if status:
            self.counts.unwanted += 1
            return build.refusal(pdu.command_id, pdu.sequence_number, status), None
        source_at, dest_at, esm_at, flags_at, sm_at, tlv_at = offsets
        status = self._misfortune(raw[source_at + 2 : dest_at - 1])
        if status:
            return build.refusal(pdu.command_id, pdu.sequence_number, status), None
        tlvs = list(iter_tlvs(raw, tlv_at)) if tlv_at < len(raw) else []
        text = raw[sm_at : sm_at + raw[sm_at - 1]]
        if not text and tlvs:
            text = next((value for tag, value in tlvs if tag == TLV_MESSAGE_PAYLOAD), b"")
        number = self._next_number
        self._next_number += 1
        message_id = ID_FORMATS[options.id_format](number)
        accepted = Accepted(
            number=number,
            message_id=message_id,
            receipt_id=ID_FORMATS[options.receipt_id_format or options.id_format](number),
            host=link.host,
            system_id=link.system_id,
            source=(raw[source_at], raw[source_at + 1], raw[source_at + 2 : dest_at - 1]),
            destination=(raw[dest_at], raw[dest_at + 1], raw[dest_at + 2 : esm_at - 1]),
            registered_delivery=raw[flags_at],
            accepted_at=self.reactor.seconds(),
            submitted=self._wall(),
            text=text,
            esm_class=raw[esm_at],
            data_coding=raw[flags_at + 2],
            tlvs=tlvs,
        )
        if options.per_segment and demands is not None:
            accepted.segments = demands.segments(raw, offsets)
        self.history.append(accepted)
        self.counts.accepted += 1
        self.accepted_on[link.host] += 1
        return build.submit_sm_resp(pdu.sequence_number, message_id), accepted

    # ------------------------------------------------------------- receipts

    def _schedule_receipts(self, accepted: Accepted, response_delay: float) -> float:
        """Put the receipts on the agenda; returns when the response may leave."""
        options = self.options
        if not options.receipts or not accepted.registered_delivery & 0x13:
            return response_delay
        if options.intermediate and accepted.registered_delivery & 0x10:
            self.agenda.after(response_delay, self._deliver_receipt, accepted, b"ENROUTE", False)
        stat = self._outcome(accepted)
        wanted = accepted.registered_delivery & 3
        if not wanted or (wanted == 2 and stat in SUCCESSES):
            return response_delay
        accepted.stat = stat
        if self._chance(options.early):
            self._deliver_receipt(accepted, stat, True)
            self.mailbox.flush()
            return max(response_delay, options.early_lag)
        least, most = _delay(options.receipt_delay)
        delay = response_delay + (self._random.uniform(least, most) if most else 0.0)
        self.agenda.after(delay, self._deliver_receipt, accepted, stat, True)
        return response_delay

    def _outcome(self, accepted: Accepted) -> bytes:
        options = self.options
        unlucky = options.unlucky in (b"", accepted.source[2])
        if unlucky and self._chance(options.undelivered):
            return options.failures[accepted.number % len(options.failures)]
        return (options.outcomes and outcome_of(options, accepted)) or b"DELIVRD"

    def _deliver_receipt(self, accepted: Accepted, stat: bytes, final: bool) -> None:
        raw = receipt(self.options, accepted, stat, final, self._wall())
        host = self._receipt_host(accepted.host)
        copies = accepted.segments
        if final and self._chance(self.options.duplicates):
            self.counts.duplicates_sent += 1
            copies += 1
        for _ in range(copies):
            self.mailbox.put(accepted.system_id, host, Delivery(raw, accepted))

    def _receipt_host(self, host: str) -> str:
        if not self._chance(self.options.other_host):
            return host
        others = [other for other in self.ports if other != host]
        return self._random.choice(others) if others else host

    # ------------------------------------------------------------------- MO

    def send_mo(
        self,
        system_id: bytes,
        destination: bytes = b"",
        text: bytes = b"",
        source: bytes = b"",
        host: str = "",
    ) -> None:
        """Queue one MO message for the receivers of ``system_id``."""
        options = self.options
        raw = build.deliver_sm(
            0,
            source_addr_ton=1,
            source_addr_npi=1,
            source_addr=source or options.mo_source,
            dest_addr_ton=0,
            dest_addr_npi=1,
            destination_addr=destination or options.mo_destination,
            short_message=text or options.mo_text,
        )
        self.mailbox.put(system_id, host or next(iter(self.ports), ""), Delivery(raw))

    def _mo_tick(self) -> None:
        now = self.reactor.seconds()
        self._mo_owed += self.options.mo_rate * (now - self._mo_at)
        self._mo_at = now
        count = int(self._mo_owed)
        self._mo_owed -= count
        accounts = {link.system_id for link in self.links(bound=True)}
        if self.options.mo_account:
            accounts &= {self.options.mo_account}
        for system_id in sorted(accounts):
            for _ in range(count):
                self.send_mo(system_id)

    def _chance(self, fraction: float) -> bool:
        return bool(fraction) and self._random.random() < fraction

    @property
    def idle(self) -> bool:
        """Nothing is due, waiting or unacknowledged."""
        mailbox = self.mailbox
        return not (len(self.agenda) or mailbox.waiting or mailbox.unacknowledged)
