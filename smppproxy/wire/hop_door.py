"""The door for other nodes: they bind here to a provider that this node has binds of.

A bind names the provider as its system_id, and the node that comes as its password; that it may
come, the rights of the Unix socket or its certificate say. What it submits is the business of
:mod:`smppproxy.relay.hop`.
"""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.interfaces import IAddress, IListeningPort
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory

from smppproxy.config import Hop
from smppproxy.relay.hop import NO_BIND, HopCounts, Hops, own_answer
from smppproxy.relay.peers import Relay
from smppproxy.smpp import build
from smppproxy.smpp.constants import BIND_TRANSMITTER
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.fields import read_bind
from smppproxy.smpp.pdu import Pdu
from smppproxy.smpp.refusals import status_of
from smppproxy.smpp.session import SMSC, Session
from smppproxy.smpp.timers import Timers
from smppproxy.wire.guest import Guest
from smppproxy.wire.hop_tls import HopTls
from smppproxy.wire.protocol import Ticker
from smppproxy.wire.sockets import remove_dead_socket

MOST_SESSIONS = 10_000
MOST_OUTSTANDING = 20_000
"""Messages of one session without an answer; then it is not read."""

log = Logger()


class HopSession(Guest):
    """A session of another node: a :class:`smppproxy.relay.hop.HopPeer` once it is bound.

    :ivar node: the name of the node.
    """

    counts: HopCounts

    def __init__(self, door: HopDoor, number: int) -> None:
        super().__init__(Session(SMSC, Timers()), door.relay, door.ticker, f"hop#{number}")
        self.door = door
        self.provider = ""
        self.node = ""
        self.since = 0.0
        self.outstanding = 0

    def opened(self) -> None:
        """Known to the door from here on."""
        self.door.sessions.add(self)

    def bind_requested(self, pdu: Pdu, now: float) -> None:
        """Let it in if this node has a bind of the provider."""
        try:
            bind = read_bind(pdu)
        except BodyError as error:
            self._refuse(error.command_status, "malformed bind")
            return
        provider = bind.system_id.decode("utf-8", "replace")
        if pdu.command_id != BIND_TRANSMITTER or provider not in self.door.binds():
            self._refuse(status_of("too_many_binds", {}), "no bind of its provider here")
            return
        self.provider = provider
        self.node = bind.password.decode("utf-8", "replace")
        self.counts = self.door.hops.counts_of(provider, self.node)
        self.since = now
        self.name = f"{provider} from {self.node}"
        received = self.session.accept_bind(self.door.name.encode(), now)
        self.say(received.reply)
        received.reply = b""
        self.bound = True
        self._told("hop_bound", "{node} is bound for {provider}", "")
        self.handle(received, now)

    def _refuse(self, command_status: int, why: str) -> None:
        self.relay.ledger.count("hop_refused")
        self.write(self.session.refuse_bind(command_status, self.door.name.encode()))
        self.close("bind refused: " + why)

    def _told(self, event: str, text: str, reason: str) -> None:
        log.info(
            text,
            event=event,
            direction="in",
            provider=self.provider,
            node=self.node,
            peer=self.peer,
            reason=reason,
        )

    def requests(self, pdus: list[Pdu], now: float) -> None:
        """The submit_sm of one read."""
        if self.leaving:
            self.counts.messages += len(pdus)
            self.counts.not_sent += len(pdus)
            self.write(b"".join([own_answer(NO_BIND, pdu.sequence_number) for pdu in pdus]))
            return
        self.door.hops.requests(self, pdus, now)
        if self.outstanding > MOST_OUTSTANDING:
            self.hold()

    def answer(self, data: bytes, count: int) -> None:
        """See :class:`smppproxy.relay.hop.HopPeer`."""
        self.write(data)
        self.outstanding -= count
        if self.held and self.outstanding <= MOST_OUTSTANDING:
            self.release()
        if self.leaving and self.outstanding <= 0:
            self._settled()

    # -- leaving --------------------------------------------------------------------------------

    def unbind_requested(self, pdu: Pdu, now: float) -> None:
        """What is under way is answered first."""
        self._farewell = build.unbind_resp(pdu.sequence_number)
        self.retire(self.door.patience)

    def retire(self, patience: float) -> None:
        """What still comes is given back unsent."""
        self.leaving = True
        if self.outstanding <= 0:
            self._settled()
        else:
            self._wait(patience)

    def _wait(self, patience: float) -> None:
        self.wait(patience, self.close, "not answered in time")

    def _settled(self) -> None:
        if self._farewell:
            self.write(self._farewell)
            self.close("unbound")
        elif self.session.can_submit:
            self.say(self.session.unbind(self.clock.seconds()))
            self._wait(self.door.patience)

    def lost(self, reason: str, now: float) -> None:
        """The session is over; what it waited for is in doubt on its node."""
        self.stop_waiting()
        if self.bound:
            self._told("hop_lost", "{node} left for {provider}: {reason}", reason)

    def disconnected(self) -> None:
        """The socket is gone too."""
        self.door.sessions.discard(self)
        super().disconnected()


class HopDoor(Factory):
    """Listens for other nodes, as the node's ``[hop]`` says.

    :param name: of this node.
    :param patience: seconds that a session which is to end has for its answers.
    :ivar port: of the TLS port, 0 while it is closed.
    :ivar draining: nobody may bind any more.
    """

    noisy = False

    def __init__(
        self,
        reactor: Any,
        hop: Hop,
        name: str,
        relay: Relay,
        hops: Hops,
        ticker: Ticker,
        patience: float,
        tls: HopTls | None,
    ) -> None:
        self.relay = relay
        self.hops = hops
        self.ticker = ticker
        self.name = name
        self.patience = patience
        self.port = 0
        self.draining = False
        self.sessions: set[HopSession] = set()
        self._reactor = reactor
        self._hop = hop
        self._tls = tls
        self._ports: list[IListeningPort] = []
        self._accepted = 0

    def binds(self) -> dict[str, int]:
        """How many binds of each provider other nodes may use here."""
        return {} if self.draining or not self._ports else self.hops.binds()

    def buildProtocol(self, addr: IAddress | None) -> HopSession | None:
        """A session for a connection."""
        if self.draining or len(self.sessions) >= MOST_SESSIONS:
            return None
        self._accepted += 1
        return HopSession(self, self._accepted)

    def start(self) -> None:
        """Listen.

        :raises twisted.internet.error.CannotListenError: the socket or the port is taken.
        """
        hop = self._hop
        if hop.path:
            os.makedirs(os.path.dirname(hop.path), mode=0o755, exist_ok=True)
            remove_dead_socket(hop.path)
            self._ports.append(self._reactor.listenUNIX(hop.path, self, mode=0o600))
        if hop.port and self._tls is not None:
            behind = TLSMemoryBIOFactory(self._tls, False, self, clock=self._reactor)
            port = self._reactor.listenTCP(hop.port, behind, interface=hop.address)
            self._ports.append(port)
            self.port = port.getHost().port
        if self._ports:
            log.info("door for other nodes is open", event="hop_listening", port=self.port)

    def drain(self) -> Deferred[None]:
        """Let nobody in any more, answer what is under way, unbind. Fires when all are gone."""
        self.draining = True
        self.hops.changed()
        ports, self._ports = self._ports, []
        waiting: list[Deferred[Any]] = [maybeDeferred(port.stopListening) for port in ports]
        waiting += [session.drain(self.patience) for session in tuple(self.sessions)]
        return gatherResults(waiting).addCallback(lambda _: None)
