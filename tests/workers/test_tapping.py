"""`tap` of a node with workers: what passes at each of them, as one stream."""

from __future__ import annotations

import json
from typing import Any

from smppproxy.admin.access import Caller
from smppproxy.admin.errors import ApiError
from smppproxy.service import SmppProxy
from smppproxy.workers.tapping import WorkersTaps
from tests.support.doors import asynchronous
from tests.support.nodes import reactor
from tests.workers.doors import WorkersCase

GIVEN = {"target": "account:demo", "text": False, "seconds": 0, "count": 0}
BOSS = Caller("boss", "admin", "unix")


class Stream:
    """Who listens."""

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self.is_over = False
        self.has_room = True

    def send(self, row: Any) -> bool:
        """A line."""
        if self.has_room:
            self.rows.append(row)
        return self.has_room

    def end(self) -> None:
        """There is no more."""
        self.is_over = True

    @property
    def nodes(self) -> set[str]:
        """Who told something."""
        return {row["node"] for row in self.rows}


class TappingTests(WorkersCase):
    """n1 and n2 as workers; n1 stands for the supervisor too, as far as it may be tapped."""

    async def begin(self, **given: Any) -> tuple[SmppProxy, SmppProxy]:
        """Somebody looks on."""
        one, two = await self.two()
        self.up = self.workers(one, two)
        own: Any = lambda *asked: (lambda: self.own_ended.append(True))  # noqa: E731
        self.own_ended: list[bool] = []
        self.taps = WorkersTaps(reactor, own, lambda: self.up)
        self.stream = Stream()
        self.end = self.taps.tap(None, GIVEN | given, BOSS, self.stream)
        self.addCleanup(lambda: self.end())
        for node in (one, two):
            await self.wait(lambda node=node: node.ticker.tap is not None, "tapped")
        return one, two

    def traffic(self, *nodes: SmppProxy) -> None:
        """Messages at each of them."""
        for node in nodes:
            self.client(node, count=3)

    @asynchronous
    async def test_all_of_them(self) -> None:
        """What passes at each worker is told, until nobody listens any more."""
        one, two = await self.begin()
        self.traffic(one, two)
        await self.wait(lambda: self.stream.nodes == {"n1", "n2"}, "both")
        self.assertEqual({row["side"] for row in self.stream.rows}, {"account"})
        self.end()
        for node in (one, two):
            await self.wait(lambda node=node: node.ticker.tap is None, "left")
        self.assertEqual(self.own_ended, [True])

    @asynchronous
    async def test_so_many(self) -> None:
        """The count is that of all together."""
        await self.traffic_of(count=4)
        await self.wait(lambda: self.stream.is_over, "over")
        self.assertEqual(len(self.stream.rows), 4)

    async def traffic_of(self, **given: Any) -> None:
        """Somebody looks on, and messages pass."""
        self.traffic(*await self.begin(**given))

    @asynchronous
    async def test_one_that_comes_again(self) -> None:
        """A worker that has begun anew is listened to; one that is heard already is not twice."""
        one, _ = await self.begin()
        first, second = self.up
        self.taps.worker_is_up(first)
        (opened,) = self.taps.opened
        gone: Any = opened.asked["n2"].transport
        gone.abortConnection()
        await self.wait(lambda: len(self.taps.heard) == 1, "gone")
        second.door = one.node.admin.path
        self.taps.worker_is_up(second)
        self.traffic(one)
        await self.wait(lambda: self.stream.rows, "heard")
        await self.wait(lambda: len(self.stream.rows) % 2 == 0, "twice, by two names")

    @asynchronous
    async def test_one_that_is_not_there(self) -> None:
        """The others are heard."""
        one, _ = await self.begin()
        gone = type(self.up[0])("n3", "/nobody")
        self.taps.worker_is_up(gone)
        await self.wait(lambda: "n3" not in self.taps.heard, "nobody")
        self.traffic(one)
        await self.wait(lambda: self.stream.rows, "heard")

    @asynchronous
    async def test_no_room(self) -> None:
        """What the listener has no room for is counted, as what the worker dropped is."""
        await self.begin()
        (opened,) = self.taps.opened
        self.stream.has_room = False
        line = json.dumps({"node": "n1", "dropped": 2}).encode()
        opened.heard("n1", line[:5])
        opened.heard("n1", line[5:] + b"\n")
        self.stream.has_room = True
        opened.heard("n1", b"\n" + json.dumps({"node": "n1", "dropped": 1}).encode() + b"\n")
        self.assertEqual(self.stream.rows, [{"node": "n1", "dropped": 4}])

    @asynchronous
    async def test_what_may_not_be_tapped(self) -> None:
        """The supervisor says so, and no worker is asked."""

        def refuses(*asked: object) -> Any:
            raise ApiError(404, "unknown_name", "there is no such thing")

        taps = WorkersTaps(reactor, refuses, lambda: [])
        self.assertRaises(ApiError, taps.tap, None, GIVEN, BOSS, Stream())
        self.assertEqual(taps.heard, [])
