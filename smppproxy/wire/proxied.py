"""A listener behind load balancers: whose connection it is stands in a PROXY header.

Only the balancers' addresses may connect, and each connection must begin with the header, before
any octet of TLS: a stranger who could leave it out, or write it, could be anybody. What follows the
header is handed to the session as if the client had connected itself.
"""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IAddress, IDelayedCall, IProtocol, IReactorTime
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from smppproxy.relay.ledger import Ledger
from smppproxy.wire.authentication import address_of
from smppproxy.wire.proxy_header import (
    LONGEST,
    ProxyHeader,
    ProxyHeaderError,
    read_proxy_header,
)

PATIENCE = 5.0
"""Seconds for the header; the specification asks for at least three, a lost packet's time."""

LOUD = 60.0
"""Seconds between two lines of the log about connections that are refused for their header."""

Networks = tuple[IPv4Network | IPv6Network, ...]

log = Logger()


class ProxiedFactory(Factory):
    """Reads the header of each connection, then gives it to the factory behind.

    :param factory: of the sessions, or of the TLS around them; told the client's own address.
    :param trusted: where balancers connect from.
    :param limit: connections that may be without their whole header at once.
    :ivar waiting: those.
    """

    noisy = False

    def __init__(
        self,
        factory: Any,
        name: str,
        trusted: Networks,
        clock: IReactorTime,
        ledger: Ledger,
        limit: int,
    ) -> None:
        self.factory = factory
        self.clock = clock
        self.waiting: set[HeaderReader] = set()
        self._name = name
        self._trusted = trusted
        self._ledger = ledger
        self._limit = limit
        self._loud_again = clock.seconds()
        self._refused = 0

    def buildProtocol(self, addr: IAddress | None) -> HeaderReader | None:
        """One who reads the header, or None, which closes the connection."""
        host = getattr(addr, "host", "")
        address = address_of(host)
        if address is None or not any(address in network for network in self._trusted):
            self.refused(host, "it is not in proxy_protocol_from")
            return None
        if len(self.waiting) >= self._limit:
            self._ledger.count("connection_refused")
            return None
        return HeaderReader(self)

    def refused(self, host: str, why: str) -> None:
        """Count a connection without a header that is believed; say so once a minute."""
        self._ledger.count("proxy_header_refused")
        self._refused += 1
        now = self.clock.seconds()
        if now >= self._loud_again:
            self._loud_again = now + LOUD
            log.warn(
                "{count} connections refused on {listener}, the last from {peer}: {why}",
                event="proxy_header_refused",
                listener=self._name,
                count=self._refused,
                peer=host,
                why=why,
            )
            self._refused = 0

    def stop(self) -> None:
        """End the connections that are still without their header."""
        for reader in tuple(self.waiting):
            reader.end()


class HeaderReader(Protocol):
    """One connection of a balancer, up to the end of its header."""

    transport: Any

    def __init__(self, factory: ProxiedFactory) -> None:
        self._owner = factory
        self._data = b""
        self._timer: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """The header is due from now on."""
        self._owner.waiting.add(self)
        self._timer = self._owner.clock.callLater(PATIENCE, self._too_late)

    def dataReceived(self, data: bytes) -> None:
        """A part of the header, or all of it with the client's first octets."""
        self._data += data[: LONGEST + 1]
        rest = data[LONGEST + 1 :]
        try:
            header = read_proxy_header(self._data)
        except ProxyHeaderError as error:
            self._refuse(str(error))
            return
        if header is not None:
            self._hand_over(header, self._data[header.length :] + rest)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Gone before its header was whole."""
        self._forget()

    def end(self) -> None:
        """Close the connection; nothing is to be said on it."""
        self._forget()
        self.transport.abortConnection()

    def _hand_over(self, header: ProxyHeader, rest: bytes) -> None:
        self._forget()
        transport = self.transport
        address = _address(header) or transport.getPeer()
        protocol: IProtocol | None = self._owner.factory.buildProtocol(address)
        if protocol is None:
            transport.loseConnection()
            return
        # From here on the transport knows the session alone: a header costs nothing per read.
        transport.protocol = protocol
        protocol.makeConnection(transport)
        if rest:
            protocol.dataReceived(rest)

    def _too_late(self) -> None:
        self._timer = None
        self._refuse("its PROXY header did not come in time")

    def _refuse(self, why: str) -> None:
        self._owner.refused(self.transport.getPeer().host, why)
        self.end()

    def _forget(self) -> None:
        self._owner.waiting.discard(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _address(header: ProxyHeader) -> IPv4Address | IPv6Address | None:
    """The client's address, None where the header has none."""
    if not header.host:
        return None
    kind = IPv6Address if ":" in header.host else IPv4Address
    return kind("TCP", header.host, header.port)
