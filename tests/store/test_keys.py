"""Whose keys each script touches: what decides how keys could be divided over several servers."""

from __future__ import annotations

import re
import socket
from collections.abc import Awaitable, Callable

from hiredis import Reader, pack_command

from smppproxy.store.budgets import Demand
from smppproxy.store.interface import Limit
from smppproxy.store.leftovers import ORPHANS, Message
from smppproxy.store.scripts import load_scripts

from .contract import FINAL_TTL, Uses, arrival, mapping, part
from .test_in_cluster import NETWORK, PREFIX, ClusterTestCase
from .test_leftovers import park_unseen
from .test_redis import ServerTestCase, shared_server

#: By the first part of a key: whose it is. The process's are its fence and its results.
OWNERS = {
    "node": "process", "done": "process",
    "mm": "provider", "ms": "provider", "me": "provider", "m": "provider",
    "pk": "provider", "pd": "provider", "pi": "provider", "mo": "provider",
    "q": "account", "w": "account", "h": "account", "z": "account", "g": "account", "b": "account",
    "limits": "all", "drops": "all", "due": "all", "pp": "all", "mp": "all", "quarantine": "all",
    "orphans": "all", "ml": "all", "n": "all",
}  # fmt: skip

_LINE = re.compile(rb"\[\d+ (\S+)\] (.*)")
_PART = re.compile(rb'"((?:[^"\\]|\\.)*)"')


class Monitor:
    """The commands that a server runs, those of scripts included.

    :ivar called: the scripts that were asked for, as the server knows them.
    """

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(10)
        self._socket.connect(path)
        self._socket.sendall(pack_command(("MONITOR",)))
        self._reader = Reader()
        self.called: set[str] = set()
        self._reply()

    def _reply(self) -> bytes:
        while (reply := self._reader.gets()) is False:
            self._reader.feed(self._socket.recv(65536))
        return reply if isinstance(reply, bytes) else str(reply).encode()

    def until(self, mark: str) -> list[list[str]]:
        """Commands of scripts, up to the one that has this mark in it."""
        found: list[list[str]] = []
        while (line := self._reply()).find(mark.encode()) < 0:
            match = _LINE.search(line)
            if match is None:
                continue
            parts = [each.decode() for each in _PART.findall(match[2])]
            if match[1] == b"lua":
                found.append(parts)
            elif parts[0] == "EVALSHA":
                self.called.add(parts[1])
        return found

    def close(self) -> None:
        """No more of it."""
        self._socket.close()


class KeyTests(ServerTestCase, Uses):
    """A provider's and an account's keys meet in a match, and nowhere that could do without."""

    def setUp(self):
        self.monitor = Monitor(shared_server().path)
        self.addCleanup(self.monitor.close)
        return super().setUp()

    async def owners(self, call: Callable[[], Awaitable[object]]) -> dict[str, set[str]]:
        """Whose keys a call's script touches, each with the first parts of those keys."""
        await self.store.ages([])
        self.server.command("ECHO", "%before%")
        self.monitor.until("%before%")
        await call()
        self.server.command("ECHO", "%behind%")
        touched: dict[str, set[str]] = {}
        for parts in self.monitor.until("%behind%"):
            # TIME and its like have no keys, which is an error.
            keys = self.server.command("COMMAND", "GETKEYS", *parts)
            for key in keys if isinstance(keys, list) else []:
                kind = key.decode().removeprefix("smppproxy:").split(":")[0]
                touched.setdefault(OWNERS[kind], set()).add(kind)
        return touched

    async def whose(self, call: Callable[[], Awaitable[object]]) -> set[str]:
        return set(await self.owners(call)) - {"process"}

    async def test_maps_are_the_providers_alone(self):
        """Maps are written, and parked receipts looked for, under the provider's keys only. That
        it has maps is noted for all by the first record of a process."""
        first = await self.owners(lambda: self.record(mapping(b"0")))
        self.assertEqual(first["all"], {"mp"})
        self.assertEqual(await self.whose(lambda: self.record(mapping(b"1"))), {"provider"})

    async def test_a_match_needs_both_in_one_step(self):
        """A receipt is taken from its provider's map into its account's queue, atomically: such
        a script cannot run where the two are kept by different servers."""
        await self.record(mapping(b"1"), part(2, 2))
        touched = await self.owners(lambda: self.match(arrival(b"1"), arrival(b"2")))
        self.assertEqual(set(touched), {"process", "provider", "account", "all"})
        self.assertEqual(touched["all"], {"limits", "due"})

    async def test_a_parked_receipt_is_the_providers(self):
        """Without a map no account is touched; who has parked receipts is known to all."""
        touched = await self.owners(lambda: self.match(arrival(b"9")))
        self.assertEqual((set(touched), touched["all"]), ({"process", "provider", "all"}, {"pp"}))

    async def test_a_parked_receipt_that_is_released_needs_both(self):
        """Its map comes, and it goes into the account's queue in the same step."""
        await self.match(arrival(b"1"))
        whose = await self.whose(lambda: self.record(mapping(b"1")))
        self.assertEqual(whose, {"provider", "account", "all"})

    async def test_a_parked_receipt_that_meets_its_map_needs_both(self):
        """As when its map comes."""
        await self.record(mapping(b"1"))
        park_unseen(self.server, b"north", arrival(b"1"))
        touched = await self.owners(lambda: self.store.meet_parked(0, 9, {}, {}))
        self.assertEqual(set(touched), {"process", "provider", "account", "all"})
        self.assertEqual(touched["all"], {"pp", "limits"})

    async def test_what_is_queued_is_the_accounts(self):
        """Fetch, touch and ack know accounts only; limits are known to all."""
        await self.record(mapping(b"1"))
        await self.match(arrival(b"1"))
        self.assertEqual(await self.whose(self.fetch), {"account", "all"})
        names = [(b"r:alpha", b"1-1")]
        self.assertEqual(await self.whose(lambda: self.store.touch(names)), {"account"})
        self.assertEqual(await self.whose(lambda: self.store.ack(names)), {"account"})
        put = await self.whose(lambda: self.store.put(b"m:alpha", [b"mo"], Limit(9, 9)))
        self.assertEqual(put, {"account", "all"})

    async def test_leases_are_the_accounts(self):
        """A bind is leased under its account's key."""
        take = await self.whose(lambda: self.store.take_bind(b"alpha", b"s", 1, 9))
        self.assertEqual(take, {"account"})


class SlotTests(ClusterTestCase, Uses):
    """In a cluster all keys of a network have one slot."""

    def setUp(self):
        started = super().setUp()
        self.monitor = Monitor(self.server.path)
        self.addCleanup(self.monitor.close)
        return started

    async def test_each_script_touches_one_slot(self):
        """Every script of the store is run, and every key that any of them touches has the tag of
        the network in front."""
        for call in (self.messages, self.queues, self.leftovers, self.nodes):
            await call()
        self.server.command("ECHO", "%behind%")
        touched: set[bytes] = set()
        for parts in self.monitor.until("%behind%"):
            keys = self.server.command("COMMAND", "GETKEYS", *parts)
            touched.update(keys if isinstance(keys, list) else ())
        called = {each.name for each in self.scripts() if each.sha.decode() in self.monitor.called}
        self.assertEqual({each.name for each in self.scripts()}, called)
        self.assertEqual([], [each for each in touched if not each.startswith(PREFIX.encode())])
        slots = {self.server.command("CLUSTER", "KEYSLOT", each) for each in touched}
        self.assertEqual({self.server.command("CLUSTER", "KEYSLOT", NETWORK)}, slots)
        kinds = {each.decode().removeprefix(PREFIX).split(":")[0] for each in touched}
        self.assertLess(20, len(kinds), kinds)

    def scripts(self):
        """All there are."""
        return load_scripts().values()

    async def messages(self) -> None:
        """Maps, receipts, whole or in groups, parked, quarantined, overdue."""
        store, other = self.store, await self.new_store("other")
        await self.match(arrival(b"1"), arrival(b"9"))
        await self.record(mapping(b"1"), part(2, 2), mapping(b"3", remind=True), mapping(b"4"))
        await self.match(arrival(b"2"), arrival(b"3", destination=b"7"))
        await other.match(b"north", [arrival(b"4")], FINAL_TTL, {}, room=lambda *_: True)
        await store.record(b"north", [mapping(b"5", remind=True)], 1, {})
        await store.overdue(9)
        park_unseen(self.server, b"north", arrival(b"1"), prefix=PREFIX)
        await store.meet_parked(0, 9, {}, {})

    async def queues(self) -> None:
        """What is queued, in hands, and removed; and what tells of it."""
        store, limit = self.store, Limit(1, 9)
        await store.put(b"m:alpha", [b"one", b"two"], limit)
        await store.put_receipts(b"alpha", [(b"origin", b"receipt")], limit)
        names = [(each.queue, each.entry_id) for each in await self.fetch(b"m:alpha")]
        await store.touch(names)
        await store.adopt([b"r:alpha", b"m:alpha"], 9, 0)
        await store.ack(names)
        await store.sizes([b"r:alpha"])
        await store.ages([b"r:alpha"])
        await store.sweep({b"r:alpha": limit})
        await store.take_bind(b"alpha", b"s", 1, 9)
        await store.keep_binds([(b"alpha", b"s")], 9)
        await store.drop_binds([(b"alpha", b"s")])

    async def leftovers(self) -> None:
        """What has no owner."""
        store, north = self.store, b"north"
        await store.put_messages(
            [
                Message(north, b"mo", (b"m:alpha", b"m:beta"), once=9),
                Message(north, b"part", (b"m:alpha",), long=b"x"),
                Message(north, b"lost", (b"m:",)),
            ],
            {},
        )
        await store.unrouted(9)
        await store.fitting(north, [arrival(b"1")])
        await store.replay(ORPHANS, north, [(b"1-1", arrival(b"1"))], FINAL_TTL, {})
        await store.dropped()
        await store.parked(north)
        await store.held(north, [b"1"])
        await store.seek(b"r:alpha", b"1", 9)

    async def nodes(self) -> None:
        """What nodes share."""
        store = self.store
        await store.take_numbers(b"one", 1)
        await store.beat({})
        await store.nodes()
        await store.leave()
        await store.versions.add(b"blob", "ann", "why", "", 0)
        await store.versions.newest(9)
        await store.share([Demand(b"a:x", 10.0, 1.0, 0.0)], [], 10.0)
        await store.wishes({b"w": b"up"})
        await store.add_counts({(3600, "alpha", "acme", "45", "ESME_ROK"): 1})
        await store.counts([3600])
