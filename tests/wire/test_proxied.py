"""Listeners behind load balancers, over real sockets."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Any

from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from smppproxy.smpp import build
from smppproxy.smpp.constants import ENQUIRE_LINK_RESP
from smppproxy.wire import proxied
from smppproxy.wire.tls import ClientTls, ServerTls
from tests.support.authority import Authority, dns
from tests.support.peers import FakeClient, bind_fields, closed_cleanly, reactor
from tests.wire.door import NAME, PASSWORD, Door
from tests.wire.test_proxy_header import binary, tcp4, tcp6

BALANCERS = (ip_network("127.0.0.0/30"), ip_network("10.0.0.0/8"))
LINE = b"PROXY TCP4 192.0.2.7 192.0.2.1 40000 2775\r\n"


class ProxiedTests(TestCase):
    """The client's own address, from those who may tell it."""

    def door(self, tls: Any = None, **options: Any) -> Door:
        """A door behind balancers."""
        limits = {"proxied_from": BALANCERS, "max_per_address": 2}
        return Door(self, tls=tls, limits=limits, **options)

    async def told(self, door: Door, header: bytes) -> FakeClient:
        """A balancer's connection that begins with this header."""
        client = await door.client()
        client.send(header)
        return client

    def refused(self, door: Door) -> int:
        """Connections refused for their header."""
        return door.event("proxy_header_refused")

    async def test_both_versions(self) -> None:
        """The session's peer is the client; its limits and logs go by that address."""
        door = self.door(allow_from=(ip_network("192.0.2.7"), ip_network("2001:db8::/32")))
        for header, peer in ((LINE, "192.0.2.7"), (tcp6("2001:db8::7", 1), "2001:db8::7")):
            client = await self.told(door, header)
            self.assertEqual((await client.bind(NAME, PASSWORD)).command_status, 0)
            (session,) = (one for one in door.sessions if one.peer == peer)
            self.assertTrue(session.name.endswith(peer))

    async def test_mg17_the_clients_address_counts(self) -> None:
        """A client outside of allow_from is refused, though the balancer is inside."""
        door = self.door(allow_from=(ip_network("127.0.0.0/8"),))
        client = await self.told(door, tcp4("192.0.2.7", 1))
        self.assertEqual((await client.bind(NAME, PASSWORD)).command_status, 0x0D)

    async def test_in_pieces_and_at_once(self) -> None:
        """Octet by octet, and with the first PDUs in the same segment."""
        door = self.door()
        client = await door.client()
        for octet in LINE:
            client.send(bytes([octet]))
            await deferLater(reactor, 0)
        self.assertEqual((await client.bind(NAME, PASSWORD)).command_status, 0)
        bind = build.bind(9, 1, bind_fields(NAME, PASSWORD))
        client = await self.told(door, LINE + bind + build.enquire_link(2))
        self.assertEqual((await client.expect()).command_status, 0)
        await client.expect(ENQUIRE_LINK_RESP)

    async def test_tls_after_the_header(self) -> None:
        """The header comes in the clear, then the handshake."""
        authority = Authority(Path(self.mktemp()))
        server = ServerTls(*authority.issue("node", [dns("localhost")], "node"))
        door = self.door(tls=server)
        client = await self.told(door, tcp4("192.0.2.7", 1))
        client.transport.startTLS(ClientTls("localhost", authority.path))
        self.assertEqual((await client.bind(NAME, PASSWORD)).command_status, 0)
        self.assertEqual([session.peer for session in door.sessions], ["192.0.2.7"])
        plain = await self.told(door, tcp4("192.0.2.7", 1))
        plain.send_bind(NAME, PASSWORD)
        await plain.closed()
        self.assertNotIn(b"smppproxy", plain.octets)

    async def test_stranger(self) -> None:
        """Who is no balancer is closed at accept, header or not: it could claim to be anybody."""
        door = self.door()
        client = await FakeClient.connect(self, door.listener.port, address="127.0.0.9")
        client.send(LINE + build.bind(9, 1, bind_fields(NAME, PASSWORD)))
        await client.closed()
        self.assertEqual((client.octets, self.refused(door), door.sessions), (b"", 1, set()))

    async def test_without_a_header(self) -> None:
        """A balancer that sends none is closed without an answer."""
        door = self.door()
        client = await self.told(door, build.bind(9, 1, bind_fields(NAME, PASSWORD)))
        await client.closed()
        self.assertEqual((client.octets, self.refused(door)), (b"", 1))
        long = await self.told(door, b"PROXY UNKNOWN " + b"x" * 100_000)
        await long.closed()
        self.assertEqual(self.refused(door), 2)

    async def test_a_header_in_a_header(self) -> None:
        """A client cannot put its own header after the balancer's: that is no PDU."""
        door = self.door()
        client = await self.told(door, LINE + b"PROXY TCP4 10.0.0.1 10.0.0.1 1 1\r\n")
        await client.closed()
        self.assertEqual(self.refused(door), 0)
        self.assertEqual(client.octets[4:8].hex(), "80000000")

    async def test_header_in_time(self) -> None:
        """A connection without its whole header is closed in five seconds."""
        self.assertEqual(proxied.PATIENCE, 5.0)
        self.patch(proxied, "PATIENCE", 0.1)
        door = self.door()
        client = await self.told(door, LINE[:20])
        await client.closed()
        self.assertEqual(self.refused(door), 1)

    async def test_health_check(self) -> None:
        """LOCAL: a balancer looks whether we are here; the connection is its own."""
        door = self.door()
        client = await self.told(door, binary(0x20, 0, b""))
        self.assertEqual((await client.bind(NAME, PASSWORD)).command_status, 0)
        self.assertEqual([session.peer for session in door.sessions], ["127.0.0.1"])
        (await door.client()).reset()
        self.assertEqual(self.refused(door), 0)

    async def test_sessions_per_address(self) -> None:
        """The limit is each client's, not the balancer's; a connection that ends makes room."""
        door = self.door()
        first, _ = [await self.told(door, LINE) for _ in range(2)]
        await first.bind(NAME, PASSWORD)
        third = await self.told(door, LINE)
        await third.closed()
        self.assertTrue(closed_cleanly(third))
        other = await self.told(door, tcp4("192.0.2.8", 1))
        self.assertEqual((await other.bind(NAME, PASSWORD)).command_status, 0)
        first.reset()
        while len(door.sessions) > 2:
            await deferLater(reactor, 0.01)
        again = await self.told(door, LINE)
        self.assertEqual((await again.bind(NAME, PASSWORD)).command_status, 0)
        self.assertEqual(door.event("connection_refused"), 1)

    async def test_connections_without_a_header_are_counted(self) -> None:
        """As many as there may be sessions; a stop ends them."""
        door = self.door(max_sessions=2)
        waiting = [await self.told(door, LINE[:5]) for _ in range(2)]
        third = await door.client()
        await third.closed()
        await door.listener.stop()
        for client in waiting:
            await client.closed()
        self.assertEqual(self.refused(door), 0)
