"""Health, metrics and ledger as an operator's tools ask for them, over a real socket."""

from __future__ import annotations

import json
import socket
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.endpoints import UNIXClientEndpoint
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import Agent
from twisted.web.iweb import IAgentEndpointFactory
from zope.interface import implementer

from smppproxy.config import Admin
from smppproxy.service import SmppProxy
from tests.support.nodes import NodeCase, reactor


@implementer(IAgentEndpointFactory)
class Door:
    """Leads every request to one Unix socket."""

    def __init__(self, path: str) -> None:
        self.path = path

    def endpointForURI(self, uri: object) -> UNIXClientEndpoint:  # noqa: N802 - Twisted's name
        """The node's admin door."""
        return UNIXClientEndpoint(reactor, self.path)


class HttpTests(NodeCase):
    """Every page of the admin door."""

    async def get(self, service: SmppProxy, page: str) -> tuple[int, str]:
        """Status and text of a page."""
        agent = Agent.usingEndpointFactory(reactor, Door(service.node.admin.path))
        response = await agent.request(b"GET", b"http://node/" + page.encode())
        body = await body_of(response)
        return response.code, body.decode()

    async def served(self) -> SmppProxy:
        """A node that carried ten messages."""
        smsc = self.provider("a", "b")
        self.write_network(smsc)
        service = self.node(admin=self.admin())
        esme = self.client(service, count=10)
        await self.wait(lambda: esme.done and smsc.idle, "ten receipts")
        return service

    def test_health(self) -> Deferred[None]:
        """/livez is 200 while the process runs, /readyz only while new binds are welcome."""

        async def test() -> None:
            service = await self.served()
            self.assertEqual(await self.get(service, "livez"), (200, "ok\n"))
            self.assertEqual(await self.get(service, "readyz"), (200, "ok\n"))
            self.stores[0].go_away()
            self.assertEqual(await self.get(service, "readyz"), (503, "not ready\n"))
            self.assertEqual((await self.get(service, "livez"))[0], 200)
            self.stores[0].come_back()

        return ensureDeferred(test())

    def test_metrics(self) -> Deferred[None]:
        """/metrics is Prometheus text: ledger, events, binds by provider, host, bind and state."""

        async def test() -> None:
            service = await self.served()
            status, text = await self.get(service, "metrics")
            self.assertEqual(status, 200)
            lines = text.splitlines()
            for line in (
                "smppproxy_submitted_total 10.0",
                "smppproxy_accepted_total 10.0",
                "smppproxy_delivered_total 10.0",
                "smppproxy_in_flight 0.0",
                "smppproxy_imbalance 0.0",
                "smppproxy_store_ready 1.0",
                'smppproxy_client_binds{account="demo"} 1.0',
                'smppproxy_upstream_bind'
                '{bind="1trx",host="a",provider="acme",state="Bound"} 1.0',
                'smppproxy_upstream_outstanding{bind="1trx",host="b",provider="acme"} 0.0',
                'smppproxy_events_total{event="store_ready"} 1.0',
                'smppproxy_account_submitted_total{account="demo"} 10.0',
                'smppproxy_account_accepted_total{account="demo"} 10.0',
                'smppproxy_account_receipts_queued_total{account="demo"} 10.0',
                'smppproxy_account_receipts_delivered_total'
                '{account="demo",state="DELIVRD"} 10.0',
                'smppproxy_account_answer_seconds_bucket{account="demo",le="+Inf"} 10.0',
                'smppproxy_account_final_receipt_seconds_count{account="demo"} 10.0',
            ):
                self.assertIn(line, lines)
            hosts = sum(
                float(line.rsplit(" ", 1)[1])
                for line in lines
                if line.startswith('smppproxy_host_accepted_total{host=')
            )
            self.assertEqual(hosts, 10.0)

        return ensureDeferred(test())

    def test_ledger_and_binds(self) -> Deferred[None]:
        """/ledger and /binds are JSON with one row per bind on either side."""

        async def test() -> None:
            service = await self.served()
            ledger: dict[str, Any] = json.loads((await self.get(service, "ledger"))[1])
            self.assertEqual((ledger["submitted"], ledger["queued"]), (10, 0))
            binds = json.loads((await self.get(service, "binds"))[1])
            self.assertEqual([bind["host"] for bind in binds["upstream"]], ["a", "b"])
            (client,) = binds["clients"]
            self.assertEqual((client["account"], client["state"]), ("demo", "bound_trx"))

        return ensureDeferred(test())

    def test_tcp_door(self) -> Deferred[None]:
        """The door may be a TCP port; a second node on the same port says so and goes on."""

        async def test() -> None:
            smsc = self.provider("a")
            self.write_network(smsc)
            port = free_port()
            first = self.node(admin=Admin(address="127.0.0.1", port=port))
            await self.wait(lambda: first.admin_port == port, "the door")
            url = f"http://127.0.0.1:{port}/nothing-here".encode()
            response = await Agent(reactor).request(b"GET", url)
            await body_of(response)
            self.assertEqual(response.code, 404)
            second = self.node(admin=Admin(address="127.0.0.1", port=port))
            await self.wait(lambda: self.flushLoggedErrors(CannotListenError), "a logged error")
            self.assertEqual((second.running, second.admin_port), (True, 0))

        return ensureDeferred(test())


class Body(Protocol):
    """Collects a response to its end; Twisted's own helper wants a TCP transport."""

    def __init__(self) -> None:
        self.octets = b""
        self.whole: Deferred[bytes] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        """More of it."""
        self.octets += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """All of it."""
        self.whole.callback(self.octets)


def body_of(response: Any) -> Deferred[bytes]:
    """The octets of a response."""
    body = Body()
    response.deliverBody(body)
    return body.whole


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
