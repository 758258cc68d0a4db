"""A port that several processes listen on, with real sockets."""

from __future__ import annotations

import errno
import os
import socket
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import TestCase

from smppproxy.wire.sharing import adopt, leave, listen, reserve
from tests.support.doors import asynchronous
from tests.support.processes import reactor, until

MANY = 64
"""Connections that are dealt to two sockets: that one has none is less likely than 1e-18."""


class Accepting(Factory):
    """Counts who comes."""

    def __init__(self) -> None:
        self.count = 0

    def buildProtocol(self, addr: Any) -> Protocol:
        """One more."""
        self.count += 1
        return Protocol()


class SharingTests(TestCase):
    """Two sockets of one port."""

    timeout = 240

    def pair(self, address: str = "127.0.0.1") -> list[socket.socket]:
        """Taken, and closed at the end."""
        sockets = reserve(address, 0, 2)
        for each in sockets:
            self.addCleanup(each.close)
        return sockets

    def connect(self, to: socket.socket) -> socket.socket:
        """A client."""
        client = socket.create_connection(to.getsockname()[:2], 5)
        self.addCleanup(client.close)
        return client

    def adopted(self, shared: socket.socket) -> Accepting:
        """A listener on it."""
        factory = Accepting()
        port = adopt(reactor, shared.fileno(), factory, 2 * MANY)
        self.addCleanup(port.stopListening)
        return factory

    def test_one_port_for_all(self) -> None:
        """A free port is the same for all sockets; they are no blocking ones."""
        for address in ("127.0.0.1", "::1"):
            one, other = self.pair(address)
            self.assertEqual(one.getsockname(), other.getsockname())
            self.assertFalse(os.get_blocking(one.fileno()))

    def test_nobody_is_dealt_to_who_does_not_listen(self) -> None:
        """Taken is not open."""
        one, _ = self.pair()
        self.assertRaises(ConnectionRefusedError, self.connect, one)

    @asynchronous
    async def test_connections_are_dealt_out(self) -> None:
        """Both have some, and all are accepted."""
        one, other = self.pair()
        factories = [self.adopted(one), self.adopted(other)]
        for _ in range(MANY):
            self.connect(one)
        await until(lambda: sum(each.count for each in factories) == MANY)
        self.assertTrue(all(each.count for each in factories))
        self.assertFalse(os.get_blocking(one.fileno()))

    @asynchronous
    async def test_who_is_away_keeps_its_own(self) -> None:
        """Those that came before it accepts wait for it."""
        one, other = self.pair()
        listen(other.fileno(), 2 * MANY)
        mine = self.adopted(one)
        for _ in range(MANY):
            self.connect(one)
        await until(lambda: mine.count > 0)
        theirs = self.adopted(other)
        await until(lambda: mine.count + theirs.count == MANY)
        self.assertGreater(theirs.count, 0)

    @asynchronous
    async def test_who_leaves_has_no_more(self) -> None:
        """All go to the other one, until it listens again, on the same port; whichever it is."""
        other, one = self.pair()
        mine = self.adopted(one)
        listen(other.fileno(), 2 * MANY)
        leave(other.fileno())
        leave(other.fileno())
        for _ in range(MANY):
            self.connect(one)
        await until(lambda: mine.count == MANY)
        theirs = self.adopted(other)
        self.assertEqual(one.getsockname(), other.getsockname())
        for _ in range(MANY):
            self.connect(one)
        await until(lambda: mine.count + theirs.count == 2 * MANY)
        self.assertGreater(theirs.count, 0)

    def test_a_taken_port(self) -> None:
        """Another program's, even one that shares it, and even when it is ours."""
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            taken.bind(("127.0.0.1", 0))
            taken.listen(1)
            port = taken.getsockname()[1]
            error = self.assertRaises(CannotListenError, reserve, "127.0.0.1", port, 2)
            self.assertEqual((error.port, error.socketError.errno), (port, errno.EADDRINUSE))

    def test_an_address_of_another_machine(self) -> None:
        """It is told as a port's trouble is."""
        error = self.assertRaises(CannotListenError, reserve, "192.0.2.1", 0, 2)
        self.assertEqual(error.interface, "192.0.2.1")

    def test_a_port_that_was_lost(self) -> None:
        """A socket that cannot listen any more says whose port it was."""
        one, _ = self.pair()
        listen(one.fileno(), 5)
        client = self.connect(one)
        error = self.assertRaises(
            CannotListenError, adopt, reactor, client.fileno(), Accepting(), 5
        )
        self.assertEqual(error.port, client.getsockname()[1])
        self.assertRaises(OSError, listen, client.fileno(), 5)

    def test_stopping(self) -> Deferred[Any]:
        """The reactor's own descriptor goes, the socket stays."""
        one, _ = self.pair()
        port: Any = adopt(reactor, one.fileno(), Accepting(), 5)
        stopped: Deferred[Any] = port.stopListening()
        return stopped.addCallback(lambda _: self.assertEqual(port.connected, False)).addCallback(
            lambda _: self.assertEqual(one.getsockname()[0], "127.0.0.1")
        )
