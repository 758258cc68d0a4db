"""A simulated client: binds, submits at a rate or as fast as the windows allow, takes receipts.

It remembers every message with its response and receipts, and resubmits nothing: what it was
told is what :mod:`~smppproxy.simulator.histories` checks.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import ClientFactory
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure

from smppproxy.simulator.clock import Reactor, Ticker
from smppproxy.simulator.link import Link
from smppproxy.simulator.options import BINDS, EsmeOptions
from smppproxy.simulator.records import LOST, UNANSWERED, Heard, Sent, Tally
from smppproxy.simulator.shapes import drawn
from smppproxy.smpp import build
from smppproxy.smpp.constants import (
    DATA_SM,
    ESM_INTERMEDIATE,
    ESM_RECEIPT,
    TLV_MESSAGE_PAYLOAD,
    TLV_RECEIPTED_MESSAGE_ID,
    status_name,
)
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.fields import Bind, Message, read_data_sm, read_message, read_message_id
from smppproxy.smpp.pdu import Pdu
from smppproxy.smpp.session import ESME, Received, Session

__all__ = ["LOST", "UNANSWERED", "Esme", "EsmeLink", "EsmeOptions", "Heard", "Sent", "Tally"]

#: Digits after the prefix in every destination: they are the message's number.
NUMBER_DIGITS = 8

FAREWELL = 1.0
"""Seconds that a session which is asked to unbind still waits for the answers to its submits."""


class EsmeLink(Link):
    """One session of the simulated client."""

    def __init__(self, esme: Esme, command_id: int) -> None:
        options = esme.options
        super().__init__(esme.reactor, Session(ESME, options.timers, options.window))
        self.esme = esme
        self.command_id = command_id
        self.number = esme.next_session()
        self.bound = False
        self.leaving = False
        self.refused = False
        self._farewell: IDelayedCall | None = None
        self._farewell_number = 0

    def connectionMade(self) -> None:
        """Bind at once."""
        super().connectionMade()
        options = self.esme.options
        fields = Bind(
            system_id=options.system_id,
            password=options.password,
            system_type=options.system_type,
            interface_version=options.interface_version,
            addr_ton=0,
            addr_npi=0,
            address_range=b"",
        )
        self.send(self.session.bind(self.command_id, fields, self.reactor.seconds()))

    def took(self, received: Received) -> None:
        """Bind answers, submit answers, receipts."""
        if received.bind_resp is not None:
            self.esme.bind_answered(self, received.bind_resp)
        now = self.reactor.seconds()
        if received.responses:
            self.esme.answered(received.responses, now)
        if received.late:
            self.esme.answered(received.late, now)
        if received.requests:
            self.esme.delivered(self, received.requests, now)
        if received.responses:
            self.esme.fill(now)
        self._end_if_asked()

    def asked_to_unbind(self, pdu: Pdu) -> None:
        """The server goes: answer and close, once submits that crossed its unbind are answered.

        What is unanswered after :data:`FAREWELL` is lost with the session.
        """
        self._farewell_number = pdu.sequence_number
        self._farewell = self.reactor.callLater(FAREWELL, self._end)
        self._end_if_asked()

    def _end_if_asked(self) -> None:
        if self._farewell is not None and not len(self.session.window):
            self._farewell.cancel()
            self._end()

    def _end(self) -> None:
        self._farewell = None
        self.send(build.unbind_resp(self._farewell_number))
        self.hang_up()

    def leave(self) -> None:
        """Unbind; the connection is closed once that is answered, or not answered in time."""
        self.leaving = True
        if self.bound:
            self.send(self.session.unbind(self.reactor.seconds()))
        else:
            self.hang_up()

    def expired(self, tokens: list[Any]) -> None:
        """Submits that were not answered in time."""
        self.esme.gave_up(tokens)

    def lost(self) -> None:
        """The connection is gone."""
        if self._farewell is not None:
            self._farewell.cancel()
            self._farewell = None
        self.esme.disconnected(self)


class _SessionFactory(ClientFactory):
    """Connects one session of the client, again and again."""

    noisy = False

    def __init__(self, esme: Esme, command_id: int) -> None:
        self.esme = esme
        self.command_id = command_id

    def buildProtocol(self, addr: object) -> EsmeLink:
        """Part of Twisted's factory interface."""
        link = EsmeLink(self.esme, self.command_id)
        self.esme.links.append(link)
        return link

    def clientConnectionFailed(self, connector: object, reason: Failure) -> None:
        """Part of Twisted's factory interface."""
        self.esme.connections_failed += 1
        self.esme.trouble = f"nobody answers: {reason.getErrorMessage()}"
        self.esme.reconnect(self.command_id)


class Esme:
    """A client with any number of sessions to one address.

    :ivar history: every message submitted, in order; :ivar tally: the sums of it.
    :ivar unknown: receipts whose id no response has given (so far).
    :ivar foreign: receipts whose id is ours but whose message went to someone else.
    :ivar trouble: why the last session that tried to bind did not; "" while none failed.
    """

    def __init__(self, reactor: Reactor, options: EsmeOptions | None = None) -> None:
        self.reactor = reactor
        self.options = options or EsmeOptions()
        self.history: list[Sent] = []
        self.tally = Tally()
        self.links: list[EsmeLink] = []
        self.connections_failed = 0
        self.connections_ended = 0
        self.trouble = ""
        self.foreign: list[Heard] = []
        self.mo: list[Heard] = []
        self._unknown: dict[bytes, list[Heard]] = {}
        self._by_id: dict[bytes, Sent] = {}
        self._random = random.Random(self.options.seed)
        self._templates = [self._template(prefix) for prefix in self.options.prefixes]
        self._running = False
        self._submitting = True
        self._started_at = 0.0
        self._turn = 0
        self._sessions = 0
        self._reconnects: list[Any] = []
        self._ticker = Ticker(reactor, 1.0, self._tick)
        self._pacer = Ticker(reactor, 0.01, self._pace)

    # ------------------------------------------------------------- sessions

    def start(self) -> None:
        """Connect and bind every session; submitting begins with the first transmitter bound."""
        self._running = True
        for command_id in BINDS[self.options.bind] * self.options.binds:
            self._connect(command_id)
        self._ticker.start()

    def _connect(self, command_id: int) -> None:
        options = self.options
        factory: Any = _SessionFactory(self, command_id)
        if options.tls is not None:
            factory = _TlsFactory(options.tls, factory)
        self.reactor.connectTCP(options.address, options.port, factory, timeout=5)

    def reconnect(self, command_id: int) -> None:
        """Try again after ``reconnect_delay``, unless stopped."""
        if self._running:
            self._reconnects = [call for call in self._reconnects if call.active()]
            self._reconnects.append(
                self.reactor.callLater(self.options.reconnect_delay, self._connect, command_id)
            )

    def bind_answered(self, link: EsmeLink, pdu: Pdu) -> None:
        """A bind was answered, well or not."""
        if not link.session.can_submit and not link.session.can_receive:
            self.tally.binds_refused += 1
            self.trouble = f"the bind was refused: {status_name(pdu.command_status)}"
            link.refused = True
            link.hang_up()
            return
        link.bound = True
        self.tally.binds += 1
        if not link.session.can_submit or not self._submitting:
            return
        if self._started_at:
            self.fill(self.reactor.seconds())
        else:
            self.go()

    def disconnected(self, link: EsmeLink) -> None:
        """A session ended; what it had not answered never will be."""
        self.links.remove(link)
        self.gave_up(link.session.window.drain())
        if link.bound and not link.leaving:
            self.tally.sessions_lost += 1
        elif not link.bound and not link.refused:
            self.connections_ended += 1
            self.trouble = f"the connection ended before the bind was answered: {link.why}"
        self.reconnect(link.command_id)

    def next_session(self) -> int:
        """Sessions are numbered from 1, over reconnects."""
        self._sessions += 1
        return self._sessions

    @property
    def bound(self) -> int:
        """Sessions that are bound."""
        return sum(link.bound and link.up for link in self.links)

    @property
    def is_shut_out(self) -> bool:
        """Each session has tried, and nobody let one of them in."""
        failed = self.tally.binds_refused + self.connections_failed + self.connections_ended
        sessions = len(BINDS[self.options.bind]) * self.options.binds
        return not self.tally.binds and failed >= sessions

    def hold(self) -> None:
        """Bind, but submit nothing before :meth:`go`."""
        self._submitting = False

    def go(self) -> None:
        """Begin to submit; the rate counts from now."""
        self._submitting = True
        self._started_at = self.reactor.seconds()
        if self.options.rate:
            self._pacer.start()
        self.fill(self._started_at)

    def quit(self) -> None:
        """Submit nothing more; stay bound for what is to come."""
        self._submitting = False

    def stop(self) -> Deferred[None]:
        """Unbind every session; fires when all connections are closed."""
        self.quit()
        self._running = False
        self._ticker.stop()
        self._pacer.stop()
        for call in self._reconnects:
            if call.active():
                call.cancel()
        gone = [link.gone for link in self.links]
        for link in list(self.links):
            link.leave()
        patience = self.reactor.callLater(self.options.timers.unbind, self._abort)

        def closed(_: object) -> None:
            if patience.active():
                patience.cancel()

        return DeferredList(gone).addCallback(closed)

    def _abort(self) -> None:
        for link in list(self.links):
            link.abort()

    def _tick(self) -> None:
        for link in list(self.links):
            link.tick()

    # -------------------------------------------------------------- submits

    def _template(self, prefix: bytes) -> tuple[bytes, bytes, bytes]:
        """Everything of a submit_sm before its sequence_number, before its number, and after."""
        options = self.options
        blank = b"0" * NUMBER_DIGITS
        raw = build.submit_sm(
            0,
            source_addr_ton=options.source_ton,
            source_addr_npi=options.source_npi,
            source_addr=options.source,
            dest_addr_ton=options.dest_ton,
            dest_addr_npi=options.dest_npi,
            destination_addr=prefix + blank,
            registered_delivery=options.registered_delivery,
            data_coding=options.data_coding,
            short_message=options.text,
        )
        at = raw.index(prefix + blank + b"\0", 16) + len(prefix)
        return raw[:12], raw[16:at], raw[at + NUMBER_DIGITS :]

    def _owed(self, now: float) -> int:
        """How many submits the rate and the count allow now."""
        options = self.options
        submitted = len(self.history)
        if not self._submitting:
            return 0
        owed = options.count - submitted if options.count else 1 << 30
        if options.rate:
            due = int((now - self._started_at) * options.rate) + 1
            owed = min(owed, due - submitted)
        return owed

    def change_rate(self, rate: float) -> None:
        """From now on so many a second, whatever was owed or ahead at the rate before."""
        self.options.rate = rate
        if rate and self._started_at:
            self._started_at = self.reactor.seconds() - len(self.history) / rate

    def _pace(self) -> None:
        self.fill(self.reactor.seconds())

    def fill(self, now: float) -> None:
        """Submit what is owed over the sessions that have room, one write each."""
        owed = self._owed(now)
        links = [link for link in self.links if link.up and link.session.can_submit]
        if owed <= 0 or not links:
            return
        self._turn += 1
        for link in links[self._turn % len(links) :] + links[: self._turn % len(links)]:
            count = min(owed, link.session.window.room)
            if self.options.rate:
                count = min(count, -(-owed // len(links)))
            if count > 0:
                self._submit(link, count, now)
                owed -= count

    def _submit(self, link: EsmeLink, count: int, now: float) -> None:
        history = self.history
        prefixes = self.options.prefixes
        window = link.session.window
        out: list[bytes] = []
        for number in range(len(history), len(history) + count):
            kind = number % len(prefixes)
            head, middle, tail = self._templates[kind]
            digits = b"%08d" % number
            sent = Sent(number, prefixes[kind] + digits, now, link.number)
            history.append(sent)
            out += (head, window.open(sent, now).to_bytes(4, "big"), middle, digits, tail)
        self.tally.submitted += count
        link.send(b"".join(out))

    def answered(self, answers: Sequence[tuple[Any, Pdu]], now: float) -> None:
        """The submit_sm_resp of one read."""
        tally = self.tally
        for sent, pdu in answers:
            if sent.status == LOST:
                tally.lost -= 1
            sent.status = pdu.command_status
            sent.answered_at = now
            if sent.status:
                tally.refused += 1
                continue
            tally.accepted += 1
            sent.message_id = read_message_id(pdu)
            self._by_id[sent.message_id] = sent
            for heard in self._unknown.pop(sent.message_id, ()):
                sent.late |= heard.session == sent.session
                sent.crossed |= heard.session != sent.session
                self._match(sent, heard)

    def gave_up(self, tokens: Sequence[Sent]) -> None:
        """Submits that were never answered."""
        self.tally.lost += len(tokens)
        for sent in tokens:
            sent.status = LOST

    # ------------------------------------------------------------- receipts

    def delivered(self, link: EsmeLink, pdus: Sequence[Pdu], now: float) -> None:
        """The deliver_sm (and data_sm) of one read: remember them, answer them."""
        out = []
        for pdu in pdus:
            try:
                self._hear(link, pdu, now)
            except BodyError as error:
                self.tally.unreadable += 1
                out.append(
                    build.refusal(pdu.command_id, pdu.sequence_number, error.command_status)
                )
                continue
            answer = self._answer(pdu)
            if answer:
                out.append(answer)
        if out:
            link.send(b"".join(out))

    def _answer(self, pdu: Pdu) -> bytes:
        options = self.options
        if options.deliver_silence and self._random.random() < options.deliver_silence:
            return b""
        fractions = options.deliver_status
        status = drawn(fractions, self._random.random()) if fractions else 0
        if status:
            return build.refusal(pdu.command_id, pdu.sequence_number, status)
        if pdu.command_id == DATA_SM:
            return build.data_sm_resp(pdu.sequence_number)
        return build.deliver_sm_resp(pdu.sequence_number)

    def _hear(self, link: EsmeLink, pdu: Pdu, now: float) -> None:
        message = read_data_sm(pdu) if pdu.command_id == DATA_SM else read_message(pdu)
        kind = message.esm_class & 0x3C
        heard = Heard(
            message_id=b"",
            source=message.source_addr,
            destination=message.destination_addr,
            text=_text(message),
            final=kind != ESM_INTERMEDIATE,
            at=now,
            session=link.number,
        )
        if kind not in (ESM_RECEIPT, ESM_INTERMEDIATE):
            self.tally.mo += 1
            self.mo.append(heard)
            return
        heard.message_id = _receipted_id(message, heard.text)
        self.tally.receipts += 1
        sent = self._by_id.get(heard.message_id)
        if sent is None:
            self._unknown.setdefault(heard.message_id, []).append(heard)
        else:
            self._match(sent, heard)

    def _match(self, sent: Sent, heard: Heard) -> None:
        if heard.source != sent.destination or heard.destination != self.options.source:
            self.foreign.append(heard)
        elif not heard.final:
            sent.intermediate += 1
        else:
            sent.receipts += 1
            sent.stat = _word(heard.text)
            if sent.receipts > 1:
                self.tally.duplicated += 1
            else:
                self.tally.receipted += 1
                sent.receipt_at = heard.at

    @property
    def unknown(self) -> list[Heard]:
        """Receipts whose id no response has given (so far)."""
        return [heard for several in self._unknown.values() for heard in several]

    @property
    def pending(self) -> int:
        """Submits without an answer, and accepted ones whose receipt is still to come."""
        tally = self.tally
        unanswered = tally.submitted - tally.accepted - tally.refused - tally.lost
        if not self.options.registered_delivery & 1:
            return unanswered
        return unanswered + tally.accepted - tally.receipted

    @property
    def done(self) -> bool:
        """All that was to be submitted is answered, and has its receipt if it asked for one."""
        finished = not self._submitting or 0 < self.options.count <= len(self.history)
        return finished and self.pending == 0


class _TlsFactory(TLSMemoryBIOFactory):
    """TLS around a session, so that a connection that failed reaches the client as well."""

    noisy = False

    def __init__(self, creator: Any, factory: _SessionFactory) -> None:
        super().__init__(creator, True, factory)


def _text(message: Message) -> bytes:
    if message.short_message:
        return message.short_message
    for tag, value in message.tlvs:
        if tag == TLV_MESSAGE_PAYLOAD:
            return value
    return b""


def _receipted_id(message: Message, text: bytes) -> bytes:
    for tag, value in message.tlvs:
        if tag == TLV_RECEIPTED_MESSAGE_ID:
            return value.rstrip(b"\0")
    _, found, rest = text.partition(b"id:")
    return rest.split(b" ", 1)[0] if found else b""


def _word(text: bytes) -> bytes:
    _, _, rest = text.partition(b"stat:")
    return rest.split(b" ", 1)[0]
