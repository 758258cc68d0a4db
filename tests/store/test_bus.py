"""The bus and the list of nodes: on a real server, in memory, and when something breaks."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from typing import Any

import msgpack
from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.store import open_store
from smppproxy.store.listening import Ear

from .contract_cluster import BusContract, NodesContract
from .test_faults import FaultTestCase
from .test_handshake import Script
from .test_memory import MemoryTestCase
from .test_redis import ServerTestCase
from .test_tls import Door


class RedisBusTests(ServerTestCase, BusContract):
    """The contract."""


class MemoryBusTests(MemoryTestCase, BusContract):
    """The contract."""

    async def test_a_store_that_is_away_carries_nothing(self):
        """A question has the answer of this node."""
        one, other = await self.pair()
        one.go_away()
        one.bus.announce(b"t", b"1")
        self.assertEqual(await self.ask(one, b""), {b"node": b"node"})
        one.come_back()
        other.go_away()
        self.assertEqual((await self.ask(one, b""))[b"node"], b"node")
        self.assertEqual([name for name, _, _ in self.heard], ["node"])


class RedisNodesTests(ServerTestCase, NodesContract):
    """The contract, and what only a server can show."""

    async def test_a_node_is_forgotten(self):
        """After half a minute, by the server's clock; what is not understood is nobody's facts."""
        await self.store.beat({})
        now = int(self.server.command("TIME")[0]) * 1000
        said = ((b"old", 1, b""), (b"odd", now, b"\xc1"), (b"list", now, b"\x90"))
        for name, at, facts in said:
            packed = msgpack.packb([at, facts], use_bin_type=False)
            self.server.command("HSET", "smppproxy:nodes", name + b"\0x", packed)
        self.server.command("HSET", "smppproxy:nodes", b"noise\0x", b"\xc1")
        nodes = await self.store.nodes()
        self.assertEqual(sorted(nodes), [b"list", b"node", b"odd"])
        self.assertEqual({name: [*facts] for name, facts in nodes.items()}[b"odd"], ["seconds"])
        self.assertEqual(self.server.command("HLEN", "smppproxy:nodes"), 3)
        self.assertIn(self.server.command("TTL", "smppproxy:nodes"), (59, 60))


class MemoryNodesTests(MemoryTestCase, NodesContract):
    """The contract."""

    async def test_a_node_is_forgotten(self):
        """After half a minute."""
        await self.store.beat({})
        self.clock.advance(30)
        self.assertEqual((await self.store.nodes())[b"node"], {"seconds": 30.0})
        self.clock.advance(1)
        self.assertEqual(await self.store.nodes(), {})


class BrokenBusTests(FaultTestCase):
    """Connections, servers, rights."""

    heard: list[bytes]

    async def two(self, server: Any, more: str = "?deadline=10") -> tuple[Any, Any]:
        """Two nodes that hear each other."""
        stores = []
        for name in ("one", "two"):
            store: Any = open_store(server.url + more, name, reactor)
            self.addCleanup(store.stop)
            store.bus.answer(b"who", lambda payload, name=name: name.encode())
            await store.start()
            stores.append(store)
        self.heard = []
        stores[1].bus.hear(b"t", lambda node, payload: self.heard.append(payload))
        for store in stores:
            await self.all_answer(store)
        return stores[0], stores[1]

    async def all_answer(self, store: Any) -> None:
        while len(await store.bus.ask(b"who", b"", 0.5)) < 2:
            await self.pause()

    async def test_f79_a_server_that_is_killed_carries_words_again(self):
        """Without anybody's doing; meanwhile a question has this node's answer."""
        server = self.own_server()
        one, two = await self.two(server)
        server.kill()
        await self.until(lambda: not one.ready)
        self.assertEqual(await one.bus.ask(b"who", b"", 5.0), {b"one": b"one"})
        await self.until(lambda: not one.bus.connected)
        one.bus.announce(b"t", b"lost")
        server.start()
        await self.until(lambda: one.ready and two.ready)
        await self.until(lambda: one.bus.connected and two.bus.connected)
        await self.all_answer(one)
        await self.all_answer(two)
        one.bus.announce(b"t", b"again")
        await self.until(lambda: self.heard)
        self.assertEqual(self.heard, [b"again"])

    async def test_a_question_that_is_out_when_the_server_goes_ends(self):
        """With the answers that came."""
        server = self.own_server()
        one, two = await self.two(server, "?deadline=1")
        server.freeze()
        asked = one.bus.ask(b"who", b"", 20.0)
        self.assertEqual(await asked, {b"one": b"one"})
        server.thaw()
        await self.all_answer(one)

    async def test_a_connection_that_listens_and_is_killed_comes_back(self):
        """The calls' own connection goes on."""
        one, two = await self.two(self.server)
        self.server.command("CLIENT", "KILL", "TYPE", "pubsub")
        await self.all_answer(one)
        two.bus.hear(b"t", lambda node, payload: None)
        await self.all_answer(two)
        one.bus.announce(b"t", b"again")
        await self.until(lambda: self.heard)
        self.assertEqual((one._epoch, two._epoch), (1, 1))

    async def test_a_frozen_connection_is_given_up(self):
        """Silence is not taken for nothing to hear: it is asked, and has its deadline."""
        server = self.own_server()
        one, _ = await self.two(server, "?deadline=1")
        ear = one._listening._ear
        server.freeze()
        ear.last_sent -= 5
        await self.until(lambda: not ear.alive)
        server.thaw()
        await self.all_answer(one)

    async def test_noise_on_the_channel(self):
        """Other programs may say what they like there."""
        one, two = await self.two(self.server)
        for noise in (b"", b"hello", b"\xc1", bytes(100_000)):
            self.server.command("PUBLISH", "smppproxy:bus:0", noise)
        await self.all_answer(one)
        await self.until(lambda: two.bus.unreadable == 4)

    async def test_databases_and_prefixes_do_not_hear_each_other(self):
        """A server's channels know no databases, so they are told apart by name."""
        one, _ = await self.two(self.server)
        other: Any = open_store(f"{self.server.url}?db=3", "else", reactor)
        self.addCleanup(other.stop)
        other.bus.answer(b"who", lambda payload: b"else")
        await other.start()
        self.assertEqual(await other.bus.ask(b"who", b"", 5.0), {b"else": b"else"})
        self.assertEqual(len(await one.bus.ask(b"who", b"", 5.0)), 2)

    async def test_a_user_without_the_right_to_listen(self):
        """Is told once, works without the bus, and is not connected over and over."""
        server = self.own_server()
        server.command("ACL", "SETUSER", "deaf", "on", ">secret", "~*", "resetchannels", "+@all")
        url = f"redis+unix://deaf:secret@{server.path}"
        store: Any = open_store(url, "one", reactor)
        self.addCleanup(store.stop)
        store.bus.answer(b"who", lambda payload: b"one")
        asked = store.bus.ask(b"who", b"", 5.0)
        await store.start()
        self.assertEqual(await asked, {b"one": b"one"})
        await self.until(lambda: store._listening._deaf)
        self.assertEqual(await store.bus.ask(b"who", b"", 5.0), {b"one": b"one"})
        store.bus.announce(b"t", b"1")
        self.assertEqual(await store.take_numbers(b"x", 1), 1)
        self.assertEqual(store._listening._ear.alive, True)

    async def test_a_question_before_the_connection_listens_is_answered(self):
        """It waits until the answers can be heard."""
        one, _ = await self.two(self.server)
        late: Any = open_store(self.server.url, "late", reactor)
        self.addCleanup(late.stop)
        await late.start()
        answers = await late.bus.ask(b"who", b"", 5.0)
        self.assertEqual(sorted(answers), [b"one", b"two"])

    async def test_nobody_listens_nothing_is_opened(self):
        """A store of which nobody wants to hear anything has one connection."""
        server = self.own_server()
        store = self.open_at(server)
        await store.start()
        store.bus.announce(b"t", b"1")
        self.assertEqual(await store.take_numbers(b"x", 1), 1)
        self.assertEqual(len(server.command("CLIENT", "LIST").splitlines()), 2)

    async def test_without_a_store_nobody_is_known(self):
        """These calls are not tried again."""
        store = self.open_at(self.server)
        for call in (store.beat({}), store.leave(), store.nodes()):
            error = await self.fails(call)
            self.assertEqual((error.fate, error.reason), ("not_sent", "away"))


class EarTests(SynchronousTestCase):
    """One connection that listens, octet by octet."""

    def setUp(self):
        self.heard: list[bytes] = []
        self.lost: list[Any] = []
        self.ear = Ear(self, Clock(), self.heard.append)
        self.transport = StringTransport()
        self.ear.makeConnection(self.transport)

    def link_made(self, link: Any) -> None:
        """As an owner."""

    def link_lost(self, link: Any) -> None:
        self.lost.append(link)

    def test_what_is_published_and_what_is_answered(self):
        """Both come on one connection, in any cut."""
        answers: list[Any] = []
        self.ear.send(answers.append, b"PING")
        data = b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n"
        for octet in data * 1:
            self.ear.dataReceived(bytes((octet,)))
        self.assertEqual((self.heard, answers), ([b"hi"], [[b"pong", b""]]))

    def test_noise_ends_the_connection(self):
        """As does an answer to nothing; nothing more is heard of it."""
        self.ear.dataReceived(b"noise\r\n")
        self.assertEqual((len(self.lost), self.transport.disconnected), (1, True))

    def test_an_answer_to_nothing_ends_the_connection(self):
        """It could be taken for another one's."""
        self.ear.dataReceived(b"+OK\r\n*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n")
        self.assertEqual((len(self.lost), self.heard), (1, []))


class OtherStoresTests(FaultTestCase):
    """The same on the other kinds of store."""

    async def check_alone(self, store: Any) -> None:
        heard: list[bytes] = []
        store.bus.hear(b"t", lambda node, payload: heard.append(payload))
        store.bus.answer(b"who", lambda payload: b"me")
        await store.start()
        self.assertEqual(await store.bus.ask(b"who", b"", 5.0), {b"node": b"me"})
        await self.until(lambda: store._listening._hears)
        self.assertEqual(await store.beat({"version": 1}), False)
        self.assertEqual([*await store.nodes()], [b"node"])
        await store.stop()

    seen: list[bytes]

    async def listen(self, protocol: Callable[[], Any]) -> int:
        factory = Factory.forProtocol(protocol)
        factory.noisy = False
        port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(factory)
        self.addCleanup(port.stopListening)
        number: int = port.getHost().port
        return number

    async def test_a_store_behind_sentinels_has_a_bus(self):
        """Both connections ask where the master is."""
        self.seen = []
        text = b"%d" % await self.listen(lambda: Door(self))
        told = b"*2\r\n$9\r\n127.0.0.1\r\n$%d\r\n%b\r\n" % (len(text), text)
        asked: list[Any] = []
        sentinel = await self.listen(lambda: Script({b"SENTINEL": told}, asked))
        where = f"redis+sentinel://127.0.0.1:{sentinel}/main?deadline=10"
        store = open_store(where, "node", reactor)
        self.addCleanup(store.stop)
        await self.check_alone(store)
        self.assertEqual(len(asked), 2)

    async def test_an_embedded_store_has_a_bus(self):
        """Of one node."""
        store = open_store(f"embedded://{tempfile.mkdtemp()}", "node", reactor)
        self.addCleanup(store.stop)
        await self.check_alone(store)
