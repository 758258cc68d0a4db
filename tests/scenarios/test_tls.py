"""TLS on both sides of a real node: right names carry messages, wrong ones never see a password."""

from __future__ import annotations

from pathlib import Path

from twisted.internet.ssl import Certificate, optionsForClientTLS

from smppproxy.simulator.esme import Esme
from smppproxy.simulator.histories import check_acknowledged, check_client, check_providers
from smppproxy.smpp.constants import ESME_RBINDFAIL
from smppproxy.wire.tls import ServerTls
from tests.scenarios.world import UPSTREAM_ACCOUNT, Scenario, all_bound, network
from tests.support import certificates
from tests.support.authority import Authority, dns, email
from tests.support.peers import FakeClient, FakeSmsc
from tests.support.processes import until
from tests.support.running import Upstream

MESSAGES = 50

LISTENER = """
[[listener]]
name = "tls"
address = "127.0.0.1"
port = 0
tls = true
certificate = "{certificate}"
key = "{key}"
"""


class TlsClientTests(Scenario):
    """The node's TLS listener."""

    async def test_client_over_tls(self) -> None:
        """Messages and receipts over TLS with the certificate verified; an account that requires
        TLS is refused on the plain listener with ESME_RBINDFAIL.
        """
        files = certificates.make(Path(self.mktemp()))
        smsc = self.provider()
        node = await self.node(
            network(
                [Upstream("acme", list(smsc.ports.values()))],
                {"demo": 'tls = "required"', "other": ""},
            ),
            [smsc],
            listeners=LISTENER.format(certificate=files.certificate, key=files.key),
        )
        trust = Certificate.loadPEM(files.ca.read_bytes())
        plain_port, node.port = node.port, node.tls_port
        creator = optionsForClientTLS("localhost", trustRoot=trust)
        clients = [
            self.client(node, name, count=MESSAGES, tls=creator) for name in ("demo", "other")
        ]
        await self.finish_all(clients)
        await until(lambda: smsc.idle)
        self.check(
            *[check_client(client) for client in clients],
            check_providers(clients, [smsc]),
            check_acknowledged(smsc),
        )
        plain = await FakeClient.connect(self, plain_port)
        answer = await plain.bind(b"demo", b"demo")
        self.assertEqual(answer.command_status, ESME_RBINDFAIL)
        other = await FakeClient.connect(self, plain_port)
        self.assertEqual((await other.bind(b"other", b"other")).command_status, 0)

    async def finish_all(self, clients: list[Esme]) -> None:
        """Everything that was to be submitted is answered and has its receipt."""
        await until(lambda: all(client.done for client in clients))


class TlsProviderTests(Scenario):
    """Hosts behind TLS."""

    def setUp(self) -> None:
        self.authority = Authority(Path(self.mktemp()))

    def options(self) -> str:
        """Of a provider whose certificate must be for smpp.example.net."""
        return (
            f'tls = "required"\ntls_ca = "{Path(self.authority.path).resolve()}"\n'
            'tls_name = "smpp.example.net"\nwindow = 50'
        )

    async def test_provider_over_tls(self) -> None:
        """Both hosts carry over TLS, also after one was lost and came back."""
        right = ServerTls(*self.authority.issue("right", [dns("smpp.example.net")], "ignored"))
        smsc = self.provider("", accounts=UPSTREAM_ACCOUNT)
        for host in "ab":
            smsc.listen(host, tls=right)
        upstream = Upstream("acme", list(smsc.ports.values()), self.options())
        node = await self.node(network([upstream]), [smsc])
        client = self.client(node, rate=200.0)
        await until(lambda: smsc.accepted_on["a"] > 20 and smsc.accepted_on["b"] > 20)
        await smsc.crash("a")
        smsc.restore("a")
        await all_bound(smsc)
        before = smsc.accepted_on["a"]
        await until(lambda: smsc.accepted_on["a"] > before + 20)
        await self.finish(client)
        self.assertEqual((client.tally.refused, client.tally.lost), (0, 0))
        self.check(check_client(client), check_providers([client], [smsc], copies=2))

    async def test_f50_names_that_are_not_proven(self) -> None:
        """Another name, no subjectAltName, only an e-mail address: no octet of a bind leaves, the
        log says why, and the provider with the right name carries.
        """
        wrong = {
            "othername": [dns("smpp.example.org")],
            "nosan": [],
            "emailsan": [email("smpp@example.net")],
        }
        hosts = {
            name: FakeSmsc(
                self, tls=ServerTls(*self.authority.issue(name, names, "smpp.example.net"))
            )
            for name, names in wrong.items()
        }
        right = self.authority.issue("right", [dns("smpp.example.net")], "smpp.example.net")
        smsc = self.provider("")
        smsc.listen("a", tls=ServerTls(*right))
        upstreams = [
            Upstream(name, [host.port], self.options()) for name, host in hosts.items()
        ]
        upstreams.append(Upstream("right", [smsc.ports["a"]], self.options()))
        node = await self.node(network(upstreams), [smsc])
        for name, host in hosts.items():
            self.addCleanup(host.stop)
            await node.process.expect_line(f"{name}/a\\S* is down: .*certificate is not for")
            # Tried again, and never told anything.
            await host.accept()
            await host.accept()
            self.assertEqual([link.octets for link in host.links], [b""] * len(host.links))
        client = self.client(node, count=MESSAGES)
        await until(lambda: client.done)
        self.check(check_client(client), check_providers([client], [smsc]))
