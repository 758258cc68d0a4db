"""A session with a provider's host: connects, checks whom it reached, binds, and tells its owner.

It is a :class:`smppproxy.relay.peers.Upstream` once bound. When to connect and what to do after a
loss is not known here; that is its owner's, the machine in :mod:`smppproxy.wire.upstream`.
"""

from __future__ import annotations

from math import inf
from typing import Any, Protocol

import attrs
from twisted.internet.interfaces import IDelayedCall, IHandshakeListener
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from smppproxy.relay.counts import HostCounts
from smppproxy.relay.peers import Relay
from smppproxy.routing.providers import Host, Provider
from smppproxy.smpp import build
from smppproxy.smpp.constants import GENERIC_NACK
from smppproxy.smpp.fields import Bind
from smppproxy.smpp.pdu import Pdu
from smppproxy.smpp.session import ESME, Received, Session
from smppproxy.smpp.timers import Timers
from smppproxy.turns import go_first
from smppproxy.wire.protocol import TIMEOUTS, SmppProtocol, Ticker
from smppproxy.wire.tls import ClientTls, TlsError

GOODBYE = 2.0
"""Seconds a provider has to answer our unbind (F31)."""

IDLE_SHARE = 0.45
"""Of the time after which a provider closes an idle session; we speak before half of it (OZ-08)."""

log = Logger()


class Owner(Protocol):
    """What a session tells whoever started it."""

    def securing(self) -> None:
        """The connection stands; the TLS handshake is still to come."""

    def reached(self) -> None:
        """The way is free for the bind, which goes out now."""

    def bound(self) -> None:
        """The provider took the bind."""

    def refused(self, command_status: int) -> None:
        """The provider refused the bind; the session closes by itself."""

    def asked_to_go(self) -> None:
        """The provider sent an unbind."""

    def settled(self) -> None:
        """Nothing is outstanding on a leaving session any more."""

    def lost(self, reason: str) -> None:
        """The session is over; last word of a session."""


class Nobody:
    """The owner of a session that nobody waits for any more."""

    def securing(self) -> None:
        """Nobody is told."""

    def reached(self) -> None:
        """Nobody is told."""

    def bound(self) -> None:
        """Nobody is told."""

    def refused(self, command_status: int) -> None:
        """Nobody is told."""

    def asked_to_go(self) -> None:
        """Nobody is told."""

    def settled(self) -> None:
        """Nobody is told."""

    def lost(self, reason: str) -> None:
        """Nobody is told."""


NOBODY = Nobody()


def timers_of(provider: Provider) -> Timers:
    """The provider's own timers for the session; its owner watches over the time to the bind."""
    enquire_link = provider.enquire_link
    if provider.idle_timeout:
        enquire_link = min(enquire_link, IDLE_SHARE * provider.idle_timeout)
    return Timers(
        session_init=inf,
        bind=provider.bind_timeout,
        enquire_link=enquire_link,
        enquire_answer=provider.enquire_answer,
        response=provider.response_timeout,
    )


@implementer(IHandshakeListener)
class UpstreamSession(SmppProtocol):
    """One attempt at a bind, and the bind if the attempt succeeds.

    :param command_id: which of the three binds.
    :param tls: what to ask of the provider's certificate; None for a plain connection.
    :ivar bound: whether the provider took the bind.
    :ivar bound_at: monotonic seconds at which it did.
    :ivar proven: whether it has answered a submit_sm with OK since (F65).
    :ivar answered: answers to submit_sm that came on it.
    :ivar unanswered: submit_sm whose time was up, or that were out when it ended.
    :ivar delivered: deliver_sm and data_sm that came on it.
    :ivar counts: its host's; set by the relay when it is bound.
    """

    counts: HostCounts

    def __init__(
        self,
        provider: Provider,
        host: Host,
        command_id: int,
        relay: Relay,
        ticker: Ticker,
        name: str,
        tls: ClientTls | None,
        owner: Owner,
    ) -> None:
        self._timers = timers_of(provider)
        session = Session(ESME, self._timers, provider.window)
        super().__init__(session, relay, ticker, name)
        self.provider = provider
        self.host = host
        self.bound = False
        self.proven = False
        self.bound_at = 0.0
        self.answered = 0
        self.unanswered = 0
        self.delivered = 0
        self._timeouts = 0
        self._command_id = command_id
        self._tls = tls
        self._owner: Owner = owner
        self._farewell = b""
        self._goodbye: IDelayedCall | None = None

    # -- from the connection to the bind --------------------------------------------------------

    def connectionMade(self) -> None:
        """What a provider says ends what is under way: it does not stand in line with clients."""
        self._gone = go_first(self.transport)
        super().connectionMade()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """See :class:`SmppProtocol`."""
        self._gone()
        super().connectionLost(reason)

    def not_reached(self, reason: str) -> None:
        """The connection could not be made."""
        self._owner.lost(reason)

    def opened(self) -> None:
        """The connection stands: bind, unless a handshake and a name have to be checked first."""
        if self._owner is NOBODY:
            self.abort("given up")
            return
        if self._tls is None:
            self._send_bind()
        else:
            self._owner.securing()

    def handshakeCompleted(self) -> None:
        """TLS stands and the chain is good: no password leaves before the name is too (F50)."""
        self.guard(self._check_peer)

    def _check_peer(self) -> None:
        if self._tls is None or self.closing:
            return
        transport: Any = self.transport
        try:
            self._tls.check_peer(transport.getHandle())
        except TlsError as error:
            self.relay.ledger.count("provider_certificate_refused")
            self.abort(str(error))
        else:
            self._send_bind()

    def _send_bind(self) -> None:
        self._owner.reached()
        provider = self.provider
        fields = Bind(
            system_id=provider.system_id,
            password=provider.password,
            system_type=provider.system_type,
            interface_version=provider.interface_version,
            addr_ton=provider.addr_ton,
            addr_npi=provider.addr_npi,
            address_range=provider.address_range,
        )
        self.say(self.session.bind(self._command_id, fields, self.clock.seconds()))

    def bind_answered(self, pdu: Pdu, now: float) -> None:
        """Bound, or refused: then we close, since many servers leave the connection open.

        The session's state may say more than that: the end of the bind may have come in this read.
        """
        if not pdu.command_status and pdu.command_id != GENERIC_NACK:
            self.bound = True
            self.bound_at = now
            self._owner.bound()
            self.relay.upstream_bound(self, now)
            return
        owner, self._owner = self._owner, NOBODY
        self.close("bind refused")
        owner.refused(pdu.command_status)

    # -- bound ----------------------------------------------------------------------------------

    def use(self, provider: Provider) -> None:
        """Take the provider's new settings, as far as a bind that stands can."""
        window = self.session.window
        if window.limit == self.provider.window:
            window.limit = provider.window
        timers = timers_of(provider)
        for field in attrs.fields(Timers):
            setattr(self._timers, field.name, getattr(timers, field.name))
        self.provider = provider

    def requests(self, pdus: list[Pdu], now: float) -> None:
        """The deliver_sm and data_sm of one read."""
        self.delivered += len(pdus)
        self.relay.upstream_requests(self, pdus, now)

    def responses(self, received: Received, now: float) -> None:
        """The submit_sm_resp of one read, those too late included (P5)."""
        self._timeouts = 0
        answers = received.responses
        self.answered += len(answers) + len(received.late)
        self.unanswered -= len(received.late)
        if not self.proven:
            self.proven = any(not pdu.command_status for _, pdu in answers)
        if answers:
            self.relay.upstream_responses(self, answers, now)
        if received.late:
            self.relay.upstream_late(self, received.late, now)
        self._look_settled()

    def expired(self, tokens: list[Any], now: float) -> None:
        """submit_sm without an answer: in doubt; three in a row, and the session is dropped."""
        self.unanswered += len(tokens)
        self.relay.upstream_expired(self, tokens, now)
        self._timeouts += len(tokens)
        if self._timeouts < TIMEOUTS or self.leaving:
            self._look_settled()
            return
        self.relay.ledger.count("provider_answers_nothing")
        log.warn(
            "{bind} answers no submit_sm and is dropped",
            event="provider_unresponsive",
            bind=self.name,
            provider=self.provider.name,
            host=self.host.name,
        )
        self.abort(f"{TIMEOUTS} submit_sm in a row not answered")

    # -- leaving --------------------------------------------------------------------------------

    def unbind_requested(self, pdu: Pdu, now: float) -> None:
        """The provider plans to stop this host: what is outstanding is answered first (GW-04)."""
        self._farewell = build.unbind_resp(pdu.sequence_number)
        self._owner.asked_to_go()

    def leave(self) -> None:
        """Send no new submits; the owner is told when nothing is outstanding any more."""
        if not self.leaving:
            self.leaving = True
            self.writable = False
            self.relay.upstream_draining(self, self.clock.seconds())
        self._look_settled()

    def _look_settled(self) -> None:
        if self.leaving and not len(self.session.window):
            self._owner.settled()

    def depart(self) -> None:
        """Say goodbye and close; a goodbye of ours is given two seconds to be answered."""
        if self._farewell:
            self.write(self._farewell)
            self.close("provider unbound")
        elif self._goodbye is None and not self.closing:
            self.say(self.session.unbind(self.clock.seconds()))
            self._goodbye = self.clock.callLater(GOODBYE, self._unanswered)

    def _unanswered(self) -> None:
        self._goodbye = None
        self.abort("unbind not answered")

    def forsake(self, reason: str) -> None:
        """The owner wants to hear no more of this session: end it if it has begun."""
        self._owner = NOBODY
        if self.connected:
            self.abort(reason)

    def lost(self, reason: str, now: float) -> None:
        """The session is over: what was outstanding goes to the relay in this very turn (F53)."""
        if self._goodbye is not None:
            self._goodbye.cancel()
            self._goodbye = None
        if self.bound:
            self.unanswered += len(self.session.window)
            self.relay.upstream_lost(self, now)
        owner, self._owner = self._owner, NOBODY
        owner.lost(reason)
