"""What a supervisor hears from its workers' doors, and what it does when it hears nothing."""

from __future__ import annotations

import json
import os
import tempfile
from typing import Any

from twisted.internet.protocol import Factory, Protocol

from smppproxy.workers import asking
from smppproxy.workers.asking import Asked, ask, fetch
from tests.support.doors import asynchronous
from tests.support.nodes import reactor
from tests.workers.doors import WorkersCase


class Odd(Protocol):
    """A door that says what the test wants, and goes."""

    transport: Any
    says: tuple[bytes, ...] = ()
    goes = True

    def dataReceived(self, data: bytes) -> None:
        """Asked."""
        for octets in self.says:
            self.transport.write(octets)
        if self.goes:
            self.transport.loseConnection()


class AskingTests(WorkersCase):
    """Pages over a Unix socket."""

    def odd(self, *says: bytes, goes: bool = True) -> str:
        """Where such a door is."""
        path = f"{tempfile.mkdtemp(prefix='smppproxy-')}/door"
        self.addCleanup(os.rmdir, os.path.dirname(path))
        kind = type("Kind", (Odd,), {"says": says, "goes": goes})
        port = reactor.listenUNIX(path, Factory.forProtocol(kind))
        self.addCleanup(port.stopListening)
        return path

    @asynchronous
    async def test_a_page(self) -> None:
        """It comes whole; one that is refused, or that nobody serves, is nothing."""
        one, _ = await self.two()
        door = one.node.admin.path
        page = await fetch(reactor, door, "ledger")
        self.assertEqual(json.loads(page)["submitted"], 0)
        self.assertEqual(await fetch(reactor, door, "nothing-like-it"), b"")
        self.assertEqual(await fetch(reactor, f"{door}-nobody", "ledger"), b"")

    @asynchronous
    async def test_too_late(self) -> None:
        """A worker that hangs holds nobody up."""
        self.patch(asking, "PATIENCE", 0.05)
        door = self.odd(b"HTTP/1.0 200 OK\r\n\r\nhalf", goes=False)
        self.assertEqual(await fetch(reactor, door, "ledger"), b"")

    @asynchronous
    async def test_pieces(self) -> None:
        """A head in pieces; no head at all."""
        door = self.odd(b"HTTP/1.0 200 OK\r\n", b"A: b\r\n\r\n1", b"2")
        self.assertEqual(await fetch(reactor, door, "ledger"), b"12")

    @asynchronous
    async def test_no_head(self) -> None:
        """That is no answer."""
        self.assertEqual(await fetch(reactor, self.odd(b"HTTP/1.0 200 OK"), "ledger"), b"")

    @asynchronous
    async def test_leaving(self) -> None:
        """Who has left hears nothing more, and so does who leaves before there is anybody."""
        heard: list[bytes] = []
        asked = Asked("ledger", heard.append)
        asked.leave()
        one, _ = await self.two()
        await ask(reactor, one.node.admin.path, asked)
        await asked.over
        self.assertEqual(heard, [])
