"""A node without a bind of a provider reaches it over one that has: two nodes in this process."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import Any

from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.ssl import CertificateOptions, trustRootFromCertificates
from zope.interface import implementer

from smppproxy.admin.views import binds, hosts, nodes
from smppproxy.config import Hop, Listener, Node, load_network
from smppproxy.relay.hop import NO_BIND, own_answer
from smppproxy.relay.via import Via
from smppproxy.service import SmppProxy, build
from smppproxy.simulator.histories import check_client, check_providers
from smppproxy.simulator.smsc import Smsc
from smppproxy.smpp.build import submit_sm, unbind
from smppproxy.smpp.constants import (
    BIND_TRANSCEIVER,
    BIND_TRANSMITTER,
    BIND_TRANSMITTER_RESP,
    ESM_UDHI,
    ESME_RBINDFAIL,
    ESME_RINVBNDSTS,
    SUBMIT_SM_RESP,
    UNBIND_RESP,
)
from smppproxy.store.memory import MemoryStore
from smppproxy.store.world import World
from smppproxy.wire.tls import read_certificates
from tests.support.authority import Authority, dns
from tests.support.nodes import NodeCase, reactor
from tests.support.peers import FakeClient
from tests.support.ports import free_port
from tests.wire.binds import private_key


class HopCase(NodeCase):
    """Nodes that share a store of this process."""

    def setUp(self) -> None:
        super().setUp()
        self.world = World(reactor.seconds)
        self.folder = tempfile.mkdtemp(prefix="smppproxy-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.authority = Authority(Path(self.folder) / "ca")

    def open_store(self, url: str, node_name: str, clock: Any) -> MemoryStore:
        store = MemoryStore(clock, node_name, self.world)
        self.stores.append(store)
        return store

    def limited(self, smsc: Smsc, binds_total: int = 1, options: str = "") -> None:
        """A network whose provider allows so few binds."""
        self.write_network(smsc, options="window = 50\n")
        text = self.network_file.read_text()
        wanted = f"window = 50\nbinds_total = {binds_total}\n{options}"
        head, mark, tail = text.partition("[provider.acme]")
        self.network_file.write_text(head + mark + tail.replace("window = 50\n", wanted, 1))

    def unix(self, name: str) -> Hop:
        """A door on a Unix socket."""
        return Hop(path=f"{self.folder}/{name}")

    def secure(self, name: str, authority: Authority | None = None) -> Hop:
        """A door with mutual TLS."""
        certificate, key = (authority or self.authority).issue(name, [dns(name)], name)
        return Hop(
            address="127.0.0.1",
            port=free_port(),
            certificate=certificate,
            key=key,
            ca=self.authority.path,
        )

    def named(self, name: str, hop: Hop) -> SmppProxy:
        """A node of this name, started."""
        node = Node(
            name=name,
            network_file=str(self.network_file),
            listeners=(Listener(port=0, address="127.0.0.1", name="plain"),),
            drain_timeout=5.0,
            hop=hop,
        )
        service = build(node, load_network(self.network_file), reactor, self.open_store)
        service.startService()
        self.addCleanup(self.stop, service)
        return service

    async def pair(self, smsc: Smsc, kind: Any = None) -> tuple[SmppProxy, SmppProxy]:
        """node2 has the binds, node1 reaches it."""
        kind = kind or self.unix
        two = self.named("node2", kind("node2"))
        await self.wait(lambda: own(two), "node2's bind")
        one = self.named("node1", kind("node1"))
        await self.wait(lambda: via(one), "node1's session with node2")
        return one, two


def own(node: SmppProxy) -> int:
    """How many binds of acme a node has itself."""
    pool = node.relay.directory.pools.get("acme")
    return pool.own if pool is not None else 0


def via(node: SmppProxy) -> list[str]:
    """The nodes over which a node could reach acme."""
    upstreams = node.relay.directory.upstreams
    return [each.host.name for each in upstreams if isinstance(each.host, Via)]


class HopTests(HopCase):
    """One bind, which node2 holds."""

    async def test_every_submit_gets_the_providers_verdict(self) -> None:
        """Receipts come home, both ledgers balance, and node2 has nothing in its own."""
        smsc = self.provider("a", errors={0x45: 0.2})
        self.limited(smsc)
        one, two = await self.pair(smsc)
        client = self.client(one, at_once=True, count=300, rate=1000.0)
        await self.wait(lambda: client.done, "the client")
        self.assertEqual(check_client(client), [])
        self.assertEqual(check_providers([client], [smsc], copies=1), [])
        self.assertEqual(client.tally.refused, smsc.counts.submits - smsc.counts.accepted)
        self.assertEqual({each.status for each in client.history}, {0, 0x45})
        ledgers = [node.relay.ledger for node in (one, two)]
        # What one node matched the other may have delivered: only the sum adds up.
        self.assertEqual(sum(ledger.queued for ledger in ledgers), 0)
        for ledger in ledgers:
            self.assertEqual(ledger.imbalance().keys() - {"queued"}, set())
        self.assertEqual(two.relay.ledger.submitted, 0)
        counts = two.relay.hops.counts["acme", "node1"]
        self.assertEqual((counts.messages, counts.answered), (300, 300))
        self.assertEqual(own(one), 0)

    async def test_it_is_seen(self) -> None:
        """show binds and hosts tell of it; the socket is for this user only."""
        smsc = self.provider("a")
        self.limited(smsc)
        one, _ = await self.pair(smsc)
        rooms = one._office.operator._rooms
        self.assertIn("acme/via node2/1tx", [row["name"] for row in binds(rooms)])
        self.assertIn("acme/via node2", [row["host"] for row in hosts(rooms)])
        self.assertEqual([(row["binds"], row["hops"]) for row in nodes(rooms)], [(0, 1)])
        mode = os.stat(f"{self.folder}/node2").st_mode
        self.assertEqual(stat.S_IMODE(mode), 0o600)
        self.assertIn("via node2", {row.host for row in one.binds()})

    async def test_parts_of_a_long_message_go_to_one_host(self) -> None:
        """XC-06, with two hosts on the far side."""
        smsc = self.provider("a", "b")
        self.limited(smsc, 2)
        one, _ = await self.pair(smsc)
        client = await FakeClient.connect(self, one.listeners[0].port)
        await client.bind(b"demo", b"demo", BIND_TRANSMITTER)
        for number in range(60):
            reference, part = divmod(number, 3)
            udh = bytes((5, 0, 3, reference, 3, part + 1))
            client.send(
                submit_sm(
                    number + 2,
                    destination_addr=b"467%05d" % reference,
                    esm_class=ESM_UDHI,
                    short_message=udh + b"part",
                )
            )
        for answer in await client.expect_many(60, SUBMIT_SM_RESP):
            self.assertEqual(answer.command_status, 0)
        where: dict[bytes, set[str]] = {}
        for known in smsc.history:
            where.setdefault(known.destination[2], set()).add(known.host)
        self.assertEqual(len(where), 20)
        self.assertEqual([hosts for hosts in where.values() if len(hosts) > 1], [])
        self.assertEqual({host for hosts in where.values() for host in hosts}, {"a", "b"})

    async def test_a_planned_stop_loses_nothing(self) -> None:
        """node2 stops under load: what is under way is answered, node1 takes the bind over."""
        smsc = self.provider("a", response_delay=0.05)
        self.limited(smsc)
        one, two = await self.pair(smsc)
        client = self.client(one, at_once=True, rate=200.0)
        await self.wait(lambda: client.tally.accepted >= 50, "traffic over the hop")
        await self.stop(two)
        await self.wait(lambda: own(one), "node1's own bind")
        before = client.tally.accepted
        await self.wait(lambda: client.tally.accepted >= before + 50, "traffic over its own")
        client.quit()
        await self.wait(lambda: client.done, "the client")
        self.assertEqual(check_client(client), [])
        self.assertEqual(check_providers([client], [smsc], copies=1), [])
        self.assertEqual((client.tally.lost, one.relay.ledger.in_doubt), (0, 0))
        self.assertEqual(one.relay.ledger.lost_responses, 0)

    async def test_a_broken_bind_is_closed_by_the_node_that_has_it(self) -> None:
        """0x04 over a hop is about node2's bind: node2 closes that one, the session of the two
        nodes stands, and the message is tried again (mission section 5)."""
        smsc = self.provider("a", "b")
        self.limited(smsc, 2)
        one, two = await self.pair(smsc)
        await self.wait(lambda: own(two) == 2, "node2's binds")
        session = [*two._hop_door.sessions]
        smsc.options.errors = {ESME_RINVBNDSTS: 1.0}
        client = self.client(one, at_once=True, count=1, rate=1000.0)
        await self.wait(lambda: two.relay.ledger.events["bind_broken"], "a broken bind")
        smsc.options.errors = {}
        await self.wait(lambda: client.tally.accepted == 1, "the second try")
        self.assertEqual([*two._hop_door.sessions], session)
        self.assertEqual(two.relay.ledger.events["bind_broken"], 1)
        self.assertEqual(one.relay.ledger.events["bind_broken"], 0)
        await self.wait(lambda: own(two) == 2, "node2's binds again")

    async def test_xc02_ids_are_learned_from_what_went_over_it(self) -> None:
        """node2 has the receipts, and sees the answers to node1's messages pass by: that is enough
        to know how the provider spells its ids."""
        smsc = self.provider("a")
        ids = '[provider.acme.ids]\nresp = "auto"\nreceipt_text = "auto"\nreceipt_tlv = "auto"\n'
        self.limited(smsc)
        self.network_file.write_text(self.network_file.read_text() + ids)
        one, two = await self.pair(smsc)
        client = self.client(one, at_once=True, count=20, rate=1000.0)
        await self.wait(lambda: client.done, "the client")
        self.assertEqual(check_client(client), [])
        self.assertIn("certain", two.relay.learned()["acme"])

    async def test_a_bind_that_node2_loses_is_in_doubt_on_node1(self) -> None:
        """The account's in_doubt decides: a second copy goes out when the bind is back."""
        smsc = self.provider("a", silence=1.0)
        self.limited(smsc)
        one, two = await self.pair(smsc)
        client = self.client(one, at_once=True, count=5, rate=1000.0)
        await self.wait(lambda: smsc.counts.submits >= 5, "the first copies")
        smsc.options.silence = 0.0
        smsc.drop("a")
        await self.wait(lambda: client.tally.accepted == 5, "the second copies")
        self.assertEqual(smsc.counts.submits, 10)
        # Twice as many if node1 hears of the doubt before it hears that node2 has no bind.
        self.assertIn(one.relay.ledger.resent, (5, 10))
        self.assertEqual(two.relay.hops.counts["acme", "node1"].in_doubt, 5)

    async def test_it_moves_over_the_hop_and_back(self) -> None:
        """node1 is taken its own bind under load and gets it back: no message is lost, nor is
        one in doubt."""
        smsc = self.provider("a", response_delay=0.02)
        self.write_network(smsc)
        one = self.named("node1", self.unix("node1"))
        two = self.named("node2", self.unix("node2"))
        await self.wait(lambda: own(one) and own(two) and via(one), "all binds")
        client = self.client(one, at_once=True, rate=200.0)
        await self.wait(lambda: client.tally.accepted >= 30, "traffic over its own")
        self.assertEqual(two.relay.hops.counts["acme", "node1"].messages, 0)
        bind = one.pools["acme"].binds[0]
        bind.stop()
        await self.wait(
            lambda: two.relay.hops.counts["acme", "node1"].answered >= 50, "traffic over the hop"
        )
        bind.start()
        await self.wait(lambda: own(one), "its own bind again")
        sent = one.relay.counts.host("acme", "via node2")
        over = sent.submitted
        before = client.tally.accepted
        await self.wait(lambda: client.tally.accepted >= before + 50, "traffic over its own")
        self.assertEqual(sent.submitted, over)
        client.quit()
        await self.wait(lambda: client.done, "the client")
        self.assertEqual(check_client(client), [])
        self.assertEqual((client.tally.refused, client.tally.lost), (0, 0))
        self.assertEqual(one.relay.ledger.lost_responses, 0)

    async def test_a_node_that_has_none_lets_nobody_in(self) -> None:
        """No bind for what it cannot send, for a receiver, or for a provider that is not."""
        smsc = self.provider("a")
        self.limited(smsc)
        _, two = await self.pair(smsc, self.secure)
        for system_id, command_id in ((b"other", BIND_TRANSMITTER), (b"acme", BIND_TRANSCEIVER)):
            peer = await self.secure_peer(two)
            answer = await peer.bind(system_id, b"node1", command_id)
            self.assertEqual(answer.command_status, ESME_RBINDFAIL)
            await peer.closed()

    async def secure_peer(self, node: SmppProxy) -> FakeClient:
        """Somebody with a certificate of the nodes' CA."""
        certificate, key = self.authority.issue("peer", [dns("peer")], "peer")
        return await FakeClient.connect(
            self, node._hop_door.port, _shows(self.authority.path, certificate, key)
        )

    async def test_a_session_drains(self) -> None:
        """An unbind is answered, and a submit_sm after the door began to close is not sent."""
        smsc = self.provider("a", response_delay=0.3)
        self.limited(smsc)
        _, two = await self.pair(smsc, self.secure)
        peer = await self.secure_peer(two)
        answer = await peer.bind(b"acme", b"peer", BIND_TRANSMITTER)
        self.assertEqual(answer.command_id, BIND_TRANSMITTER_RESP)
        peer.send(submit_sm(2, destination_addr=b"46700", short_message=b"x"))
        await self.wait(lambda: smsc.counts.submits == 1, "the submit_sm")
        peer.send(unbind(3))
        answered = await peer.expect(SUBMIT_SM_RESP)
        self.assertEqual((answered.sequence_number, answered.command_status), (2, 0))
        await peer.expect(UNBIND_RESP)
        await peer.closed()
        self.assertEqual(own_answer(NO_BIND, 7)[12:16], b"\0\0\0\x07")


class SecureTests(HopCase):
    """Mutual TLS."""

    async def test_over_tls(self) -> None:
        """Messages go over it."""
        smsc = self.provider("a")
        self.limited(smsc)
        one, _ = await self.pair(smsc, self.secure)
        client = self.client(one, at_once=True, count=100, rate=1000.0)
        await self.wait(lambda: client.done, "the client")
        self.assertEqual(check_client(client), [])
        self.assertEqual(client.tally.accepted, 100)
        one._certificates[-1].reload()

    async def test_a_wrong_ca_no_certificate_and_no_tls_are_refused(self) -> None:
        """None of them gets as far as a bind."""
        smsc = self.provider("a")
        self.limited(smsc)
        two = self.named("node2", self.secure("node2"))
        await self.wait(lambda: own(two), "node2's bind")
        other = Authority(Path(self.folder) / "other", "another CA")
        stranger = other.issue("stranger", [dns("stranger")], "stranger")
        port = two._hop_door.port
        shown = (_shows(self.authority.path, *stranger), _shows(self.authority.path), None)
        for creator in shown:
            peer = await FakeClient.connect(self, port, creator)
            peer.send_bind(b"acme", b"node1", BIND_TRANSMITTER)
            await peer.closed()
            self.assertEqual(peer.pdus, [])
        self.assertFalse(any(session.bound for session in two._hop_door.sessions))


@implementer(IOpenSSLClientConnectionCreator)
class _Shows:
    """TLS as a client that shows this certificate, or none."""

    def __init__(self, options: CertificateOptions) -> None:
        self._options = options

    def clientConnectionForTLS(self, protocol: Any) -> Any:
        return SSL.Connection(self._options.getContext(), None)


def _shows(authority: str, certificate: str = "", key: str = "") -> Any:
    trust: Any = trustRootFromCertificates(read_certificates(authority))
    if certificate:
        own_certificate = read_certificates(certificate)[0].original.to_cryptography()
        options = CertificateOptions(
            privateKey=private_key(key), certificate=own_certificate, trustRoot=trust
        )
    else:
        options = CertificateOptions(trustRoot=trust)
    return _Shows(options)
