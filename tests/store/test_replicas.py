"""Durability levels: what a server keeps is looked at, and at level ``replica`` it is waited for.

With two real servers, one a replica of the other, that are killed and frozen.
"""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.store import open_store
from smppproxy.store.calls import Calls
from smppproxy.store.interface import QUEUED, UNKNOWN
from smppproxy.store.link import LOST, ServerError
from smppproxy.store.replicas import Replicas
from tests.support.ports import free_port
from tests.support.redis_server import RedisServer

from .contract import FINAL_TTL, TTL, arrival, mapping
from .test_faults import FaultTestCase

MAPS = "smppproxy:mm:north"
"""Where maps are."""


class ReplicaCase(FaultTestCase):
    """A server and its replica."""

    def setUp(self):
        pass

    def pair(self) -> tuple[RedisServer, RedisServer]:
        """Both up, the second one following the first."""
        port = str(free_port())
        server = self.own_server("--port", port, "--repl-diskless-sync-delay", "0")
        return server, self.own_server("--replicaof", "127.0.0.1", port)

    async def store(self, server: RedisServer, level: str = "replica", more: str = "") -> Any:
        """A store of this level, started and ready."""
        store = open_store(server.url + more, "node", reactor, level)
        self.addCleanup(store.stop)
        await store.start()
        return store

    async def at(self, replica: RedisServer, key: str) -> None:
        """The replica has the map under this id at this very moment."""
        self.assertEqual(1, replica.command("HEXISTS", MAPS, key))


class ReplicaTests(ReplicaCase):
    """Level ``replica``."""

    async def test_answered_when_the_replica_has_it(self) -> None:
        """A thousand maps in calls of their own: when each is answered the replica has it."""
        server, replica = self.pair()
        store = await self.store(server)
        await self.until(lambda: store.ready)
        self.assertEqual("replica", store.durability)
        waits = self.waits(server)

        async def record(number: int) -> None:
            await store.record(b"north", [mapping(b"%d" % number)], TTL, {})
            if number % 100 == 0:
                await self.at(replica, str(number))

        await gatherResults([Deferred.fromCoroutine(record(each)) for each in range(900)])
        self.assertLess(self.waits(server) - waits, 30)
        self.assertEqual(0, store.outstanding)

    def waits(self, server: RedisServer) -> int:
        """How often it was asked to wait."""
        for line in server.command("INFO", "commandstats").decode().splitlines():
            if line.startswith("cmdstat_wait:"):
                return int(line.split("calls=")[1].split(",")[0])
        return 0

    async def test_frozen_replica(self) -> None:
        """Nothing is promised while it does not confirm: the store counts as away, calls fail with
        fate unknown when their patience ends; with the replica back all goes on.
        """
        server, replica = self.pair()
        store = await self.store(server)
        await self.until(lambda: store.ready)
        await store.record(b"north", [mapping(b"1")], TTL, {})
        replica.freeze()
        self.addCleanup(replica.thaw)
        error = await self.fails(store.record(b"north", [mapping(b"2")], TTL, {}, patience=1.0))
        self.assertEqual(UNKNOWN, error.fate)
        self.assertFalse(store.ready)
        patient = store.record(b"north", [mapping(b"3")], TTL, {}, patience=20.0)
        match = store.match(b"north", [arrival(b"1")], FINAL_TTL, {})
        replica.thaw()
        await patient
        self.assertEqual([(QUEUED, b"r:alpha")], await match)
        await self.until(lambda: store.ready)
        self.assertEqual([(1, 0)], await store.sizes([b"r:alpha"]))
        await self.at(replica, "3")

    async def test_f86_master_lost_at_level_replica(self) -> None:
        """Writes go on while the server is cut off from its replica and dies: whatever was
        acknowledged is at the replica, count lost = 0.
        """
        server, replica = self.pair()
        store = await self.store(server)
        await self.until(lambda: store.ready)
        known: list[int] = []

        def send(number: int) -> None:
            def recorded(_: object) -> None:
                known.append(number)
                send(number + 40)

            call = store.record(b"north", [mapping(b"%d" % number)], TTL, {}, patience=0.5)
            call.addCallbacks(recorded, str)

        for number in range(40):
            send(number)
        await self.until(lambda: len(known) > 1500)
        replica.command("REPLICAOF", "NO", "ONE")
        await self.until(lambda: not store.ready)
        server.kill()
        there = [replica.command("HEXISTS", MAPS, str(number)) for number in known]
        self.assertEqual(0, there.count(0))

    async def test_no_replica_at_the_start(self) -> None:
        """The node waits for one: connected, and not ready until it is there."""
        port = str(free_port())
        server = self.own_server("--port", port, "--repl-diskless-sync-delay", "0")
        store = await self.store(server)
        self.assertFalse(store.ready)
        self.own_server("--replicaof", "127.0.0.1", port)
        await self.until(lambda: store.ready)
        await store.record(b"north", [mapping(b"1")], TTL, {})

    async def test_full_server(self) -> None:
        """Out of memory is told as at the other levels."""
        server, _ = self.pair()
        store = await self.store(server)
        await self.until(lambda: store.ready)
        server.command("CONFIG", "SET", "maxmemory", "1")
        await self.fails(store.record(b"north", [mapping(b"1")], TTL, {}, patience=0.5))
        await self.until(lambda: store.full and not store.ready)
        server.command("CONFIG", "SET", "maxmemory", "0")
        await self.until(lambda: store.ready)

    async def test_server_killed(self) -> None:
        """Calls that were held go to the server when it is back, and are answered once."""
        server, _ = self.pair()
        store = await self.store(server)
        await self.until(lambda: store.ready)
        calls = [
            store.record(b"north", [mapping(b"%d" % each)], TTL, {}, patience=20.0)
            for each in range(50)
        ]
        server.restart()
        await gatherResults(calls)


class LevelTests(ReplicaCase):
    """What a server keeps is told."""

    async def test_levels(self) -> None:
        """process with its append-only file, memory without one, whatever was asked for."""
        durable, forgetful = self.own_server(), self.own_server("--appendonly", "no")
        self.assertEqual("process", (await self.store(durable, "process")).durability)
        self.assertEqual("process", (await self.store(durable, "memory")).durability)
        self.assertEqual("memory", (await self.store(forgetful, "process")).durability)
        self.assertEqual("memory", (await self.store(forgetful, "memory")).durability)


class FakeLink:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[Any, tuple[Any, ...]]] = []

    def send(self, answer: Any, *parts: Any) -> None:
        """One command."""
        self.sent.append((answer, parts))

    def answer(self, *replies: Any) -> None:
        """The next ones."""
        for reply in replies:
            self.sent.pop(0)[0](reply)


class Call:
    """As :class:`Held`."""

    reply: bytes | None = b"done"


class RoundTests(SynchronousTestCase):
    """One WAIT per turn and connection."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.done: list[Any] = []
        self.again: list[Any] = []
        self.over: list[Any] = []
        self.trouble = 0
        self.link: Any = FakeLink()
        self.replicas = Replicas(
            self.clock,
            1.0,
            lambda: (b"SET", b"fence"),
            lambda call, reply: self.done.append(call),
            self.again.append,
            lambda call: call in self.over,
            self.troubled,
        )

    def troubled(self) -> None:
        """One more."""
        self.trouble += 1

    def send(self, *calls: Call) -> None:
        """In one turn."""
        for call in calls:
            self.replicas.sent(call, self.link)
        self.clock.advance(0)

    def test_rounds(self) -> None:
        """Calls of a turn share one; those of the turns while it is out share the next one."""
        calls = [Call() for _ in range(4)]
        self.send(*calls[:2])
        self.send(calls[2])
        self.send(calls[3])
        sent = [each for _, each in self.link.sent]
        self.assertEqual([(b"SET", b"fence"), (b"WAIT", 1, 300)], sent)
        self.link.answer(b"OK", 1)
        self.assertEqual(calls[:2], self.done)
        self.clock.advance(0)
        self.link.answer(b"OK", 2)
        self.assertEqual((calls, []), (self.done, self.again))

    def test_sent_again(self) -> None:
        """A call that the server did not know the script of goes out twice, and is done once."""
        call = Call()
        self.send(call, call)
        self.link.answer(b"OK", 1)
        self.assertEqual([call], self.done)

    def test_sent_again_meanwhile(self) -> None:
        """The WAIT that was out when a call was sent again says nothing about it."""
        call = Call()
        call.reply = None
        self.send(call)
        call.reply = b"done"
        self.send(call)
        self.link.answer(b"OK", 1)
        self.assertEqual([], self.done)
        self.clock.advance(0)
        self.link.answer(b"OK", 1)
        self.assertEqual([call], self.done)

    def test_not_confirmed(self) -> None:
        """Too late, refused, or nothing written to wait for: asked again for all in their order,
        but for those whose patience is over.
        """
        error = ServerError("OOM")
        calls = [Call() for _ in range(4)]
        self.over = calls[:1]
        for call, replies in zip(calls, ((b"OK", 0), (b"OK", error), (error, 1)), strict=False):
            self.send(call)
            self.link.answer(*replies)
            self.clock.advance(1.0)
        self.assertEqual((calls[:1], [], 3), (self.again, self.done, self.trouble))
        self.replicas.sent(calls[3], self.link)
        self.link.answer(b"OK", 1)
        self.assertEqual(calls[1:3], self.done)
        self.clock.advance(0)
        self.link.answer(b"OK", 1)
        self.assertEqual(calls[1:], self.done)
        self.over = [calls[0]]
        calls[0].reply = b"done"
        self.send(calls[0])
        self.link.answer(b"OK", 0)
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_lost(self) -> None:
        """The connection goes, before and after WAIT was sent: tried again, no trouble of ours."""
        self.send(Call())
        self.replicas.sent(Call(), self.link)
        failed = Call()
        failed.reply = None
        self.replicas.sent(failed, self.link)
        self.link.answer(LOST, LOST)
        self.replicas.down()
        self.clock.advance(0)
        self.assertEqual((2, [], 0), (len(self.again), self.done, self.trouble))
        self.assertEqual([], self.clock.getDelayedCalls())
        self.replicas.down()

    def test_calls_know_which(self) -> None:
        """Only what promises something waits; nothing waits at the other levels."""
        calls = Calls(self.clock, b"p", b"n", b"i", self.troubled)
        self.assertIsInstance(calls.confirm(1.0, lambda: ()), Replicas)
