"""The handshake: with whom the store works, and how it finds them."""

from __future__ import annotations

from functools import partial
from typing import Any

from hiredis import Reader
from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from smppproxy.smpp.constants import READ_SIZE
from smppproxy.store import open_store
from smppproxy.store.asking import NoMaster
from smppproxy.store.interface import Limit, StoreError
from smppproxy.store.link import LOST, Link
from smppproxy.store.sentinel import SentinelEndpoint

from .contract import later, mapping


class Script(Protocol):
    """A server that answers by a table: first two words of the command, or the first one -> the
    raw reply."""

    transport: Any

    def __init__(self, replies: dict[bytes, bytes], commands: list[Any] | None = None) -> None:
        self.replies = replies
        self.commands = commands if commands is not None else []
        self.reader = Reader()

    def dataReceived(self, data: bytes) -> None:
        self.reader.feed(data)
        while (command := self.reader.gets()) is not False:
            self.commands.append(command)
            reply = self.replies.get(b" ".join(command[:2])) or self.replies.get(
                command[0], b"+OK\r\n"
            )
            if reply:
                self.transport.write(reply)


def info(**fields: str) -> bytes:
    """An INFO reply."""
    good = {"redis_version": "7.2.4", "role": "master", "loading": "0", **fields}
    text = "".join(f"{name}:{value}\r\n" for name, value in good.items())
    return b"$%d\r\n%s\r\n" % (len(text), text.encode())


GOOD = {
    b"INFO": info(),
    b"CONFIG": b"-ERR unknown command\r\n",
    b"TIME": b"*2\r\n$10\r\n1700000000\r\n$1\r\n0\r\n",
}


class PlayedServerTests(TestCase):
    """Servers that are not what is needed."""

    timeout = 240

    async def play(self, replies: dict[bytes, bytes], url: str = "redis://127.0.0.1:{}") -> Any:
        """A store that connects to a server with these replies, and its start."""
        self.replies = {**GOOD, **replies}
        self.commands: list[Any] = []
        factory = Factory.forProtocol(lambda: Script(self.replies, self.commands))
        factory.noisy = False
        port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(factory)
        self.addCleanup(port.stopListening)
        store = open_store(url.format(port.getHost().port), "node", reactor)
        self.addCleanup(store.stop)
        return store

    async def until(self, condition: Any) -> None:
        while not condition():
            await later(reactor, 0.01)

    async def test_a_server_that_hides_its_settings_is_taken_at_its_word(self):
        """Managed servers refuse CONFIG."""
        store = await self.play({})
        await store.start()
        self.assertTrue(store.ready)

    async def test_an_old_version_is_refused(self):
        """At the start, with the reason."""
        store = await self.play({b"INFO": info(redis_version="6.2.1")})
        with self.assertRaisesRegex(StoreError, "version 6.2.1, 7.0 is needed"):
            await store.start()

    async def test_a_server_of_a_cluster_is_refused(self):
        """At the start, whichever of its servers it is, with what to write instead."""
        for role in ("master", "slave"):
            store = await self.play({b"INFO": info(cluster_enabled="1", role=role)})
            with self.assertRaisesRegex(StoreError, "write redis.cluster://HOST:PORT/NAME"):
                await store.start()

    async def test_a_server_that_evicts_is_refused(self):
        """It would throw away what it was given."""
        setting = b"*2\r\n$16\r\nmaxmemory-policy\r\n$11\r\nallkeys-lru\r\n"
        store = await self.play({b"CONFIG": setting})
        with self.assertRaisesRegex(StoreError, "allkeys-lru"):
            await store.start()

    async def test_a_server_that_becomes_unfit_later_is_waited_for(self):
        """A running node does not give up; it works with nobody else meanwhile."""
        store = await self.play({})
        await store.start()
        self.replies[b"INFO"] = info(redis_version="6.2.1")
        store._link.abort()
        await self.until(lambda: "6.2.1" in store._complaint)
        self.replies[b"INFO"] = info(role="slave")
        await self.until(lambda: "replica" in store._complaint)
        self.replies[b"INFO"] = info(loading="1")
        await self.until(lambda: "reading its data" in store._complaint)
        self.assertFalse(store.ready)
        self.replies[b"INFO"] = info()
        await self.until(lambda: store.ready)

    async def test_an_unwritable_server_is_not_ready(self):
        """MISCONF at the handshake: it is tried again until it can write."""
        store = await self.play({b"SET": b"-MISCONF disk\r\n"})
        started = store.start()
        await self.until(lambda: "MISCONF" in store._complaint)
        self.replies[b"SET"] = b"+OK\r\n"
        await started
        self.assertTrue(store.ready)

    async def test_an_answer_that_makes_no_sense(self):
        """The connection is dropped, it is logged as our own error, and tried again."""
        store = await self.play({b"TIME": b"+later\r\n"})
        started = store.start()
        await self.until(lambda: self.flushLoggedErrors(ValueError))
        self.replies[b"TIME"] = GOOD[b"TIME"]
        await started

    async def test_a_server_that_never_answers(self):
        """The handshake has the deadline of any call."""
        store = await self.play({b"INFO": b""}, "redis://127.0.0.1:{}?deadline=0.1")
        started = store.start()
        await self.until(lambda: "no answer" in store._complaint)
        self.replies[b"INFO"] = info()
        await started

    async def test_nobody_there_is_told_once(self):
        """Where it was looked for and what the system said, for as long as that stays the same;
        that we gave up ourselves is no news."""
        port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(Factory())
        number = port.getHost().port
        await port.stopListening()
        store = open_store(f"redis://127.0.0.1:{number}", "node", reactor)
        with capturedLogs() as told:
            store.start()
            # The library tells of each attempt.
            await self.until(lambda: sum("attempt" in each for each in told) > 2)
            await store.stop()
        (away,) = [each for each in told if each.get("event") == "store_away"]
        self.assertIn(f"127.0.0.1:{number}: Connection was refused", away["reason"])

    async def test_the_limits_are_told_again(self):
        """To every server that is connected to, before any call."""
        store = await self.play({b"EVALSHA": b"$1\r\n\x90\r\n"})
        await store.start()
        limits = {b"r:alpha": Limit(5, 50)}
        self.assertEqual(await store.record(b"north", [mapping(b"1")], 5, limits), [])
        before = len(self.commands)
        store._link.abort()

        def told() -> list[list[bytes]]:
            return [command for command in self.commands[before:] if command[0] == b"HSET"]

        # Ready is not yet read by the server.
        await self.until(lambda: store.ready and told())
        news = [b"HSET", b"smppproxy:limits", b"r:alpha", b"\0\0\0\5\0\0\0\x32"]
        self.assertEqual(told(), [news])

    async def test_limits_that_a_server_cannot_take(self):
        """Their slot began to move a moment ago: the next connection tells them again."""
        store = await self.play({b"EVALSHA": b"$1\r\n\x90\r\n", b"HSET": b"-ASK 1 host:1\r\n"})
        await store.start()
        limits = {b"r:alpha": Limit(5, 50)}
        recorded = store.record(b"north", [mapping(b"1")], 5, limits)
        await self.until(lambda: not store.ready)
        self.replies[b"HSET"] = b":1\r\n"
        await recorded
        await self.until(lambda: store.ready)
        last = [command[0] for command in self.commands if command[0] in (b"HSET", b"INFO")]
        self.assertEqual(b"HSET", last[-1])


class LinkTests(SynchronousTestCase):
    """One connection."""

    def setUp(self):
        self.lost: list[Link] = []
        self.replies: list[Any] = []
        self.link = Link(self, Clock())
        self.transport: Any = StringTransport()
        self.link.makeConnection(self.transport)

    def link_made(self, link: Link) -> None:
        pass

    def link_lost(self, link: Link) -> None:
        self.lost.append(link)

    def test_a_read_is_small(self):
        """No more is asked of the socket at a time than leaves a small hole when little comes."""
        self.assertEqual(READ_SIZE, self.transport.bufferSize)

    def test_t3_t4_octets_stay_octets(self):
        """No number is made of octets and no text, whatever they look like."""
        for value in (b"007", b"+447900", b"1_000", b"1.10", b"12 ", b"\xff\xfe", b"QUEUED"):
            self.link.send(self.replies.append, b"GET", b"x")
            self.link.dataReceived(b"$%d\r\n%b\r\n" % (len(value), value))
            self.assertEqual(self.replies.pop(), value)

    def test_t7_an_error_inside_an_array_is_a_value(self):
        """The connection stays."""
        self.link.send(self.replies.append, b"X")
        self.link.dataReceived(b"*2\r\n:1\r\n-ERR no\r\n")
        self.assertEqual(self.replies[0][0], 1)
        self.assertEqual(self.lost, [])

    def test_octets_that_are_no_replies_end_the_connection(self):
        """And what was out is lost, once."""
        self.link.send(self.replies.append, b"X")
        self.link.dataReceived(b"HTTP/1.1 400\r\n")
        self.assertEqual((self.replies, self.lost), ([LOST], [self.link]))
        self.link.connectionLost(Failure(connectionDone.value))
        self.link.abort()
        self.assertEqual(self.lost, [self.link])

    def test_a_reply_to_nothing_ends_the_connection(self):
        """Replies and calls are out of step."""
        self.link.dataReceived(b"+OK\r\n")
        self.assertEqual(self.lost, [self.link])

    def test_a_dead_link_takes_nothing(self):
        """It says so at once."""
        self.link.abort()
        self.link.send(self.replies.append, b"X")
        self.assertEqual(self.replies, [LOST])


class SentinelTests(TestCase):
    """The master is the one that most sentinels name (T18, F86)."""

    timeout = 240

    async def sentinels(self, *replies: bytes) -> list[tuple[str, int]]:
        hosts = []
        for reply in replies:
            factory = Factory.forProtocol(partial(Script, {b"SENTINEL": reply}))
            factory.noisy = False
            port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(factory)
            self.addCleanup(port.stopListening)
            hosts.append(("127.0.0.1", port.getHost().port))
        return hosts

    def named(self, port: int) -> bytes:
        text = str(port).encode()
        return b"*2\r\n$9\r\n127.0.0.1\r\n$%d\r\n%b\r\n" % (len(text), text)

    async def test_the_majority_is_followed(self):
        """One that is behind and one that is silent do not matter."""
        factory = Factory.forProtocol(lambda: Script(GOOD))
        factory.noisy = False
        port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(factory)
        self.addCleanup(port.stopListening)
        right = self.named(port.getHost().port)
        hosts = await self.sentinels(right, self.named(1), right, right, b"")
        places = ",".join(f"{host}:{number}" for host, number in hosts)
        store = open_store(f"redis+sentinel://{places}/main", "node", reactor)
        self.addCleanup(store.stop)
        await store.start()
        self.assertTrue(store.ready)

    async def test_without_a_majority_there_is_no_master(self):
        """One of three is not enough, whatever the others say or do not say."""
        for others in ((b"*-1\r\n", b"-ERR no\r\n"), (b"nonsense\r\n", self.named(2))):
            hosts = await self.sentinels(self.named(1), *others)
            endpoint = SentinelEndpoint(hosts, "main", reactor)
            with self.assertRaises(NoMaster):
                await endpoint.connect(Factory())

    async def test_sentinels_that_are_gone(self):
        """A refused connection is an answer too."""
        endpoint = SentinelEndpoint([("127.0.0.1", 1)], "main", reactor)
        with self.assertRaises(NoMaster):
            await endpoint.connect(Factory())
