"""What a node file says of its listeners reaches their sockets."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Any

from twisted.internet.ssl import CertificateOptions, trustRootFromCertificates

from smppproxy.config import Listener
from smppproxy.wire.tls import read_certificates
from tests.support.authority import Authority, dns
from tests.support.nodes import NodeCase
from tests.support.peers import FakeClient
from tests.wire.binds import private_key

LINE = b"PROXY TCP4 192.0.2.7 192.0.2.1 40000 8775\r\n"


class ListenerTests(NodeCase):
    """A node behind a balancer, whose account shows a certificate."""

    def setUp(self) -> None:
        super().setUp()
        self.authority = Authority(Path(self.mktemp()))
        self.clients = Authority(Path(self.mktemp()), "CA of clients")

    def showing(self, name: str) -> Any:
        """A client's side of TLS with a certificate for this name."""
        certificate, key = self.clients.issue(name, [dns(name)], "x")
        return CertificateOptions(
            trustRoot=trustRootFromCertificates(read_certificates(self.authority.path)),
            certificate=read_certificates(certificate)[0].original.to_cryptography(),
            privateKey=private_key(key),
        )

    async def test_proxied_tls_with_a_clients_certificate(self) -> None:
        """PROXY header, TLS, certificate, password: all of them are looked at, in this order, and
        the client is shown by its own address."""
        certificate, key = self.authority.issue("node", [dns("localhost")], "node")
        self.write_network(
            self.provider(),
            options='tls = "required"\nallow_from = ["192.0.2.7"]\n'
            'client_certificates = ["esme.example.net"]',
        )
        listener = Listener(
            port=0,
            address="127.0.0.1",
            name="tls",
            tls=True,
            certificate=certificate,
            key=key,
            max_sessions_per_address=2,
            client_ca=self.clients.path,
            proxy_protocol_from=(ip_network("127.0.0.1"),),
        )
        service = self.node(listeners=(listener,))
        port = service.listeners[0].port
        clients = []
        for name, status in (("esme.example.net", 0), ("other.example.net", 0x0D)):
            client = await FakeClient.connect(self, port)
            client.send(LINE)
            client.transport.startTLS(self.showing(name))
            answer = await client.bind(b"demo", b"demo")
            self.assertEqual(answer.command_status, status)
            clients.append(client)
        (session,) = service.relay.directory.clients["demo"]
        self.assertEqual(session.peer, "192.0.2.7")
        stranger = await FakeClient.connect(self, port, address="127.0.0.2")
        await stranger.closed()
        third = await FakeClient.connect(self, port)
        third.send(LINE)
        await third.closed()
        self.assertEqual(service.relay.ledger.events["proxy_header_refused"], 1)
        self.assertEqual(service.relay.ledger.events["connection_refused"], 1)
