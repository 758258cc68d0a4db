"""Tests of ``relay.advice``: receipts in quarantine that only have their addresses turned round."""

from __future__ import annotations

from typing import Any

import attrs
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from smppproxy.receipts.profile import ReceiptProfile
from smppproxy.relay import advice, deliver
from tests.support.memory_peers import (
    DESTINATION,
    FakeUpstream,
    World,
    make_provider,
    receipt,
    submit,
)

OTHER = b"4587654321"


class AdviceTests(SynchronousTestCase):
    """A provider that repeats the message's own addresses."""

    upstream: FakeUpstream

    def setUp(self) -> None:
        self.told: list[dict[str, Any]] = []

        @implementer(ILogObserver)
        def hear(event: LogEvent) -> None:
            if event.get("event") == "receipts_unswapped":
                self.told.append(event)

        globalLogPublisher.addObserver(hear)
        self.addCleanup(lambda: globalLogPublisher.removeObserver(hear))

    def start(self, **fields: Any) -> None:
        self.world = World(providers=[make_provider(**fields)])
        self.client, self.upstream = self.world.client(), self.world.upstream()

    def fill(self, count: int, source: bytes = b"shop", destination: bytes = DESTINATION) -> None:
        """So many messages, each with a receipt from this number to that one."""
        for number in range(count):
            name = b"%d-%d" % (number, self.world.ledger.submitted)
            self.client.receive(submit(self.world.ledger.submitted + 1))
            (pdu,) = self.upstream.submits()
            self.upstream.accept((pdu, name))
            self.upstream.receive(receipt(1, name, source, destination_addr=destination))

    def test_told_once_when_there_are_enough(self) -> None:
        """Which option to set, for which provider; and nothing changes by itself."""
        self.start()
        self.fill(advice.ENOUGH - 1)
        self.assertEqual([], self.told)
        self.fill(5)
        (event,) = self.told
        self.assertEqual(("p", advice.ENOUGH), (event["provider"], event["count"]))
        self.assertEqual(advice.ENOUGH + 4, self.world.ledger.quarantined)
        self.assertEqual(advice.ENOUGH, self.world.ledger.events["receipts_unswapped"])
        self.assertEqual([], self.client.deliveries())

    def test_another_trouble(self) -> None:
        """Receipts that fit neither way say nothing, nor those that are read as submitted."""
        self.start()
        self.fill(advice.ENOUGH, OTHER, OTHER)
        self.fill(advice.ENOUGH, OTHER, b"4599999999")
        self.assertEqual(2 * advice.ENOUGH, self.world.ledger.quarantined)
        self.start(receipt=ReceiptProfile(addresses="as_submitted"))
        self.fill(advice.ENOUGH, DESTINATION, b"shop")
        self.assertEqual(advice.ENOUGH, self.world.ledger.quarantined)
        self.assertEqual([], self.told)

    def test_no_more_than_a_bound_is_tried(self) -> None:
        """Then the provider has another trouble."""
        self.patch(advice, "MOST", 3)
        self.start()
        self.fill(3, OTHER, b"4599999999")
        self.fill(advice.ENOUGH)
        self.assertEqual(3, self.world.store.calls.count("fitting"))

    def test_new_settings_are_tried_anew(self) -> None:
        """What was counted counted for the old ones."""
        self.start()
        self.fill(advice.ENOUGH)
        self.upstream.provider = attrs.evolve(
            self.upstream.provider, receipt=ReceiptProfile(prefer="text")
        )
        self.fill(advice.ENOUGH)
        self.assertEqual(2, len(self.told))

    def test_the_store_is_away(self) -> None:
        """It is only advice."""
        self.start()
        for _ in range(advice.ENOUGH):
            self.world.store.fail_next("fitting")
        self.fill(advice.ENOUGH)
        self.assertEqual(advice.ENOUGH, self.world.ledger.quarantined)
        self.assertEqual([], self.told)

    def test_receipts_that_are_too_long_to_be_kept(self) -> None:
        """They are not tried."""
        self.start()
        self.patch(deliver, "MOST_KEPT", 10)
        self.fill(2)
        self.assertNotIn("fitting", self.world.store.calls)
