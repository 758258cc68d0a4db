"""Routes over several providers in memory: a client, and a bind to host a of each provider."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.routing.route import Route
from smppproxy.routing.targets import Target
from smppproxy.smpp.pdu import Pdu
from tests.support.memory_peers import (
    FakeClient,
    FakeUpstream,
    World,
    fields_of,
    make_account,
    make_provider,
    submit,
)

OK = (1, 0, b"1000000001")


def numbers(pdus: list[Pdu]) -> list[int]:
    """Which submits these are, by their text."""
    return [int(fields_of(pdu).short_message) for pdu in pdus]


def several(*which: int, **fields: Any) -> list[bytes]:
    """Submits whose text is their number."""
    return [submit(number, short_message=b"%d" % number, **fields) for number in which]


def route(*names: str, **options: Any) -> Route:
    """A route that asks these providers in this order."""
    return Route("one", targets=tuple(map(Target, names)), select="ordered", **options)


class RouteCase(SynchronousTestCase):
    """A client, and a bind to host a of each provider."""

    def world(
        self, names: str = "pq", account: Any = None, providers: Any = None, **options: Any
    ) -> tuple[World, FakeClient, list[FakeUpstream]]:
        world = World(
            [account or make_account()],
            providers or [make_provider(name) for name in names],
            [route(*names, **options)],
        )
        client = world.client()
        return world, client, [world.upstream("a", name) for name in names]

    def check(self, world: World) -> None:
        """Everything adds up."""
        self.assertEqual({}, world.ledger.imbalance())
        self.assertEqual(0, world.ledger.in_flight)
