"""The sockets of a load test: short writes, lost peers, deadlines."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.simulator.load.loop import Loop, client_context, resolve


class Peer:
    """A session without a protocol."""

    def __init__(self) -> None:
        self.out: list[bytes] = []
        self.closing = False
        self.heard = b""
        self.reason = ""


class LoopTests(SynchronousTestCase):
    """One loop, and sockets of the test's own at the other ends."""

    timeout = 60

    def setUp(self) -> None:
        self.loop = Loop(self)
        self.addCleanup(self.loop.close)
        self.up: list[Peer] = []

    def opened(self, session: Peer, now: float) -> None:
        """Part of the loop's `Owner`."""
        self.up.append(session)

    def received(self, session: Peer, data: bytes, now: float) -> None:
        """Part of the loop's `Owner`."""
        session.heard += data

    def gone(self, session: Peer, reason: str) -> None:
        """Part of the loop's `Owner`."""
        session.reason = reason

    def pair(self) -> tuple[Peer, socket.socket]:
        """A session and its other end."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            other = socket.create_connection(listener.getsockname())
            sock, _ = listener.accept()
        self.addCleanup(other.close)
        session = Peer()
        self.loop.accept(sock, session, None)
        return session, other

    def until(self, condition: Callable[[], object]) -> None:
        """Turns until something holds."""
        end = time.monotonic() + 30.0
        while not condition():
            self.assertLess(time.monotonic(), end)
            self.loop.turn(0.01)

    def test_short_writes(self) -> None:
        """What the system does not take at once goes out as the other end reads, in order."""
        session, other = self.pair()
        whole = os.urandom(8 << 20)
        session.out = [whole]
        self.loop.flush([session])
        other.setblocking(False)
        found = bytearray()

        def read() -> bool:
            try:
                found.extend(other.recv(1 << 20))
            except BlockingIOError:
                return False
            return len(found) == len(whole)

        self.until(read)
        self.assertEqual(found, whole)

    def test_closing(self) -> None:
        """A session that is to be closed writes all it has first."""
        session, other = self.pair()
        session.out, session.closing = [b"bye"], True
        self.loop.flush([session])
        self.assertEqual(session.reason, "closed")
        self.assertEqual((other.recv(10), other.recv(10)), (b"bye", b""))
        self.loop.flush([session])

    def test_lost(self) -> None:
        """A peer that closes, and one that resets, each with its reason."""
        session, other = self.pair()
        other.close()
        self.until(lambda: session.reason)
        self.assertEqual(session.reason, "the peer closed the connection")
        session, other = self.pair()
        other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        other.close()
        session.out = [b"x"]
        self.loop.flush([session])
        self.until(lambda: session.reason)
        self.assertIn(session.reason, ("Connection reset by peer", "Broken pipe"))

    def test_handshake_that_never_comes(self) -> None:
        """A client without TLS at a TLS door is gone, and said to be."""
        context = client_context("", False)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            session = Peer()
            self.loop.connect(session, listener.getsockname(), context, "localhost")
            other, _ = listener.accept()
        other.sendall(b"this is no TLS at all" * 10)
        self.until(lambda: session.reason)
        self.assertEqual(self.up, [])
        other.close()

    def test_no_way(self) -> None:
        """An address that cannot be connected to is told at once."""
        session = Peer()
        self.loop.connect(session, ("::", 1), None)
        self.until(lambda: session.reason)
        self.assertNotEqual(session.reason, "")

    def test_no_descriptor(self) -> None:
        """More sessions than descriptors: the last one is told so, the loop goes on."""
        import resource

        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, limits)
        held = os.dup(0)
        os.close(held)
        resource.setrlimit(resource.RLIMIT_NOFILE, (held, limits[1]))
        session = Peer()
        self.loop.connect(session, ("127.0.0.1", 1), None)
        self.assertEqual(session.reason, "Too many open files")

    def test_others(self) -> None:
        """Descriptors that are no session's are watched until they are forgotten."""
        read, write = os.pipe()
        self.addCleanup(os.close, read)
        self.addCleanup(os.close, write)
        heard: list[bytes] = []
        self.loop.watch(read, lambda: heard.append(os.read(read, 10)))
        os.write(write, b"x")
        self.until(lambda: heard)
        self.loop.forget(read)
        self.loop.forget(read)
        os.write(write, b"y")
        self.loop.turn(0.0)
        self.assertEqual(heard, [b"x"])

    def test_deadlines(self) -> None:
        """A short wait ends when it should, not at the next millisecond; a read ends it earlier."""
        began = time.monotonic()
        self.loop.turn(0.002)
        self.assertGreaterEqual(time.monotonic() - began, 0.0019)
        session, other = self.pair()
        other.send(b"x")
        self.assertEqual(self.loop.turn(30.0), [session])

    def test_close(self) -> None:
        """The end of a loop is the end of its sessions."""
        session, other = self.pair()
        loop = Loop(self)
        self.loop.close()
        self.assertEqual((session.reason, other.recv(1)), ("closed", b""))
        self.loop = loop
        self.addCleanup(loop.close)

    def test_names(self) -> None:
        """A name becomes its address."""
        self.assertIn(resolve("localhost", 5), [("127.0.0.1", 5), ("::1", 5)])
