"""What one turn writes to a peer is one send, over the kernel's own sockets."""

from __future__ import annotations

import socket
from typing import Any, cast

from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.tcp import Connection
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.smpp.session import SMSC, Session
from smppproxy.smpp.timers import Timers
from smppproxy.wire.protocol import SmppProtocol
from smppproxy.wire.ticker import Ticker
from tests.support.relay import RecordingRelay


class Turns(Clock):
    """A reactor that knows who wants to write."""

    def __init__(self) -> None:
        super().__init__()
        self.writers: set[Any] = set()

    def addReader(self, reader: Any) -> None:
        """Nobody reads."""

    def removeReader(self, reader: Any) -> None:
        """Nobody reads."""

    def addWriter(self, writer: Any) -> None:
        """It has something left."""
        self.writers.add(writer)

    def removeWriter(self, writer: Any) -> None:
        """It has not."""
        self.writers.discard(writer)


class Counting(Connection):
    """A connection as the reactor makes them, with an address and a count of its sends."""

    sends = 0

    def getPeer(self) -> IPv4Address:
        return IPv4Address("TCP", "192.0.2.1", 2775)

    def setTcpNoDelay(self, enabled: bool) -> None:
        """It is no TCP socket."""

    def setTcpKeepAlive(self, enabled: bool) -> None:
        """It is no TCP socket."""

    def writeSomeData(self, data: bytes) -> Any:
        self.sends += 1
        return super().writeSomeData(data)


class TurnTests(SynchronousTestCase):
    """A session on one end of a pair of sockets."""

    def setUp(self) -> None:
        self.reactor = Turns()
        self.ticker = Ticker(self.reactor)
        ours, self.theirs = socket.socketpair()
        ours.setblocking(False)
        self.theirs.setblocking(False)
        self.addCleanup(self.theirs.close)
        self.session = SmppProtocol(
            Session(SMSC, Timers()), RecordingRelay(), self.ticker, "session"
        )
        self.transport = Counting(ours, self.session, cast(Any, self.reactor))
        self.addCleanup(ours.close)
        self.transport.connected = True
        self.session.makeConnection(self.transport)

    def turn(self) -> None:
        """All that came is handled."""
        self.reactor.advance(0)

    def read(self) -> bytes:
        """What has come to the other end."""
        found = b""
        try:
            while got := self.theirs.recv(1 << 20):
                found += got
        except BlockingIOError:
            pass
        return found

    def test_one_send_for_a_turn(self) -> None:
        """In the order written, straight to the socket: no look at all sockets is needed."""
        self.session.write(b"one")
        self.session.write(b"two")
        self.assertEqual(0, self.transport.sends)
        self.turn()
        self.session.write(b"three")
        self.turn()
        self.turn()
        self.assertEqual(b"onetwothree", self.read())
        self.assertEqual(2, self.transport.sends)
        self.assertEqual(set(), self.reactor.writers)

    def test_what_the_socket_does_not_take(self) -> None:
        """The transport keeps the rest, all that follows is behind it, and it presses back."""
        whole = bytes(range(256)) * 16384
        self.session.write(whole)
        self.turn()
        self.assertFalse(self.session.writable)
        self.assertEqual({self.transport}, self.reactor.writers)
        self.session.write(b"behind")
        self.turn()
        found = self.read()
        while self.reactor.writers:
            self.transport.doWrite()
            found += self.read()
        self.assertEqual(whole + b"behind", found)
        self.assertTrue(self.session.writable)

    def test_a_full_socket(self) -> None:
        """One that takes nothing leaves all of it to the transport."""
        while True:
            try:
                self.transport.socket.send(bytes(1 << 16))
            except BlockingIOError:
                break
        self.session.write(b"late")
        self.turn()
        self.read()
        self.transport.doWrite()
        self.assertEqual(b"late", self.read())

    def test_close_sends_first(self) -> None:
        """What this turn wrote goes out before the connection ends; what comes later does not."""
        self.session.write(b"last")
        self.session.close("done")
        self.session.write(b"later")
        self.turn()
        self.assertEqual(b"last", self.read())

    def test_abort_sends_nothing(self) -> None:
        """Who aborts does not wait for a turn's end."""
        self.session.write(b"lost")
        self.session.abort("enough")
        self.session._abort = None
        self.turn()
        self.assertEqual(0, self.transport.sends)

    def test_a_broken_socket(self) -> None:
        """The transport meets the error when it writes, and ends the connection."""
        self.theirs.close()
        self.session.write(b"nobody")
        self.turn()
        self.assertEqual({self.transport}, self.reactor.writers)
        self.assertIsInstance(self.transport.doWrite(), Exception)
