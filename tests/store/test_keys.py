"""Whose keys each script touches: what decides how keys could be divided over several servers."""

from __future__ import annotations

import re
import socket
from collections.abc import Awaitable, Callable

from hiredis import Reader, pack_command

from smppproxy.store.interface import Limit

from .contract import Uses, arrival, mapping, part
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
    """The commands that a server runs, those of scripts included."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(10)
        self._socket.connect(path)
        self._socket.sendall(pack_command(("MONITOR",)))
        self._reader = Reader()
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
            if match and match[1] == b"lua":
                found.append([each.decode() for each in _PART.findall(match[2])])
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
