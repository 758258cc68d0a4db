"""Workers behind a load balancer, over TLS: the doors that all of them share."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

from twisted.internet.ssl import Certificate, CertificateOptions, trustRootFromCertificates
from twisted.trial.unittest import TestCase

from smppproxy.smpp import build
from smppproxy.smpp.constants import DELIVER_SM, SUBMIT_SM_RESP
from smppproxy.smpp.fields import read_message
from tests.scenarios.world import Node, Scenario, all_bound, network
from tests.support import certificates
from tests.support.peers import FakeClient
from tests.support.processes import until
from tests.support.running import Upstream

LONG = 150.0
"""Seconds that anything may take: a node of three processes on a busy machine."""

MOST = 60
"""Clients among whom each worker has some."""

LISTENER = """
[[listener]]
name = "balanced"
address = "127.0.0.1"
port = 0
tls = true
certificate = "{certificate}"
key = "{key}"
proxy_protocol_from = ["127.0.0.1"]
"""


class DoorTests(Scenario):
    """A listener for a load balancer with TLS, on a node of two workers."""

    timeout = 600

    async def test_proxied_tls_clients_of_every_worker(self) -> None:
        """Whichever worker takes a connection reads the balancer's header, then speaks TLS with
        the node's certificate; the client is shown by its own address, and its messages go out and
        its receipts come back. Who is no balancer, or says nothing of one, is closed everywhere.
        """
        files = certificates.make(Path(self.mktemp()))
        trust = CertificateOptions(
            trustRoot=trustRootFromCertificates([Certificate.loadPEM(files.ca.read_bytes())])
        )
        smsc = self.provider()
        acme = Upstream("acme", [*smsc.ports.values()], options="binds = 2\n")
        node = await self.node(
            network([acme], {"demo": f"max_binds = {MOST}"}),
            options="workers = 2\nenquire_link = 0.0",  # nobody here answers one
            listeners=LISTENER.format(certificate=files.certificate, key=files.key),
            deadline=LONG,
        )
        await all_bound(smsc, each=2)
        clients: dict[str, FakeClient] = {}
        numbers = count(1)
        while len(clients) < MOST and len(set(workers_of(node).values())) < 2:
            address = f"192.0.2.{next(numbers)}"
            clients[address] = await bound(self, node, trust, address)
        await until(lambda: workers_of(node).keys() == clients.keys(), LONG)
        self.assertEqual({*workers_of(node).values()}, {"node1.1", "node1.2"})

        for number, client in enumerate(clients.values(), 1):
            client.send(
                build.submit_sm(
                    2,
                    source_addr=b"sender",
                    destination_addr=b"4670100%04d" % number,
                    registered_delivery=1,
                    short_message=b"through the balancer",
                )
            )
        for client in clients.values():
            self.assertEqual((await client.expect(SUBMIT_SM_RESP)).command_status, 0)
        # A receipt goes to any of the account's sessions.
        texts: set[bytes] = set()

        def all_came() -> bool:
            for client in clients.values():
                for pdu in client.pdus:
                    self.assertEqual(pdu.command_id, DELIVER_SM)
                    client.send(build.deliver_sm_resp(pdu.sequence_number))
                    texts.add(read_message(pdu).short_message)
                client.pdus.clear()
            return len(texts) == len(clients)

        await until(all_came, LONG)

        for _ in range(4):
            stranger = await FakeClient.connect(self, node.tls_port, address="127.0.0.2")
            await stranger.closed()
            silent = await FakeClient.connect(self, node.tls_port)
            silent.transport.startTLS(trust)
            await silent.closed()


async def bound(test: TestCase, node: Node, trust: Any, address: str) -> FakeClient:
    """A client of this address behind the balancer, bound."""
    client = await FakeClient.connect(test, node.tls_port)
    client.send(b"PROXY TCP4 %b 192.0.2.250 40000 8775\r\n" % address.encode())
    client.transport.startTLS(trust)
    answer = await client.bind(b"demo", b"demo")
    test.assertEqual(answer.command_status, 0)
    return client


def workers_of(node: Node) -> dict[str, str]:
    """Which worker has each client, by the client's address."""
    rows = node.get("api/v1/show/binds")["rows"]
    return {row["peer"]: row["node"] for row in rows if row["side"] == "account"}
