"""Tests of ``relay.growth``: nodes tell each other at once of queues that grew (D11)."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.relay.growth import PAUSE, TOPIC
from smppproxy.smpp import constants as c
from tests.support.memory_peers import (
    FakeClient,
    World,
    make_account,
    make_provider,
    mo,
    receipt,
    submit,
)


class GrowthTests(SynchronousTestCase):
    """Two nodes; messages and their receipts come to the first one."""

    def start(self, nodes: int = 2, **fields: Any) -> None:
        """They know of each other."""
        account = make_account(window=10_000, **fields)
        self.here = World([account], [make_provider(window=10_000)])
        self.there = World(beside=self.here, node="other")
        for world in (self.here, self.there)[:nodes]:
            self.successResultOf(world.store.inner.beat({}))
        self.sender = self.here.client(command_id=c.BIND_TRANSMITTER)
        self.upstream = self.here.upstream()
        self.told: list[list[bytes]] = []
        self.there.store.bus.hear(TOPIC, lambda node, told: self.told.append(told.split(b"\0")))
        self.here.advance(6)
        self.number = 0

    def receipts(self, count: int = 1) -> None:
        """So many receipts, in one read."""
        numbers = range(self.number + 1, self.number + count + 1)
        self.number += count
        self.sender.receive(*[submit(number) for number in numbers])
        pdus = self.upstream.submits()
        ids = [b"%d" % number for number in numbers]
        self.upstream.accept(*zip(pdus, ids, strict=True))
        self.upstream.receive(*[receipt(number, b"%d" % number) for number in numbers])

    def receiver(self, world: World) -> FakeClient:
        return world.client(command_id=c.BIND_RECEIVER)

    def wait(self, seconds: float) -> None:
        """Less than a tick."""
        self.here.clock.pump([PAUSE / 2] * round(2 * seconds / PAUSE))

    def test_d11_a_receiver_on_another_node(self) -> None:
        """It has its receipt within some milliseconds, not with the next tick."""
        self.start()
        receiver = self.receiver(self.there)
        for _ in range(3):
            self.receipts()
            self.wait(2 * PAUSE)
            self.assertEqual(len(receiver.deliveries()), 1)

    def test_d11_a_receiver_without_room_here(self) -> None:
        """What the window here does not take goes to the receiver there, MO messages too."""
        self.start(deliver_window=1)
        here, there = self.receiver(self.here), self.receiver(self.there)
        self.receipts()
        self.wait(0.1)
        self.assertEqual(len(here.deliveries()), 1)
        self.assertEqual(self.told, [])
        self.receipts()
        self.wait(2 * PAUSE)
        self.assertEqual((len(here.deliveries()), len(there.deliveries())), (0, 1))

    def test_said_together(self) -> None:
        """However much comes in, it is said once in a while, the last of it too."""
        self.start()
        for _ in range(10):
            self.receipts(3)
        self.wait(0)
        self.here.clock.advance(0)
        self.assertEqual(self.told, [[b"r:acme"]])
        self.wait(3 * PAUSE)
        self.assertEqual(self.told, [[b"r:acme"]] * 2)
        self.wait(1)
        self.assertEqual(len(self.told), 2)

    def test_alone(self) -> None:
        """A node that knows of no other one says nothing; nor does one that has stopped."""
        self.start(nodes=1)
        self.receipts()
        self.wait(0.1)
        self.assertEqual(self.told, [])
        self.start()
        self.receipts()
        self.here.relay.stop()
        self.receipts()
        self.wait(0.1)
        self.assertEqual(len(self.told), 1)

    def test_nobodys_messages(self) -> None:
        """What no account owns is told to nobody."""
        self.start()
        self.upstream.receive(mo(1, b"9999"))
        self.wait(0.1)
        self.assertEqual(self.told, [])

    def test_store_away(self) -> None:
        """While the store is away what is known of the nodes stays as it was."""
        self.start()
        self.here.store.go_away()
        self.here.advance(6)
        self.here.store.come_back()
        self.receipts()
        self.wait(0.1)
        self.assertEqual(len(self.told), 1)
