"""Routes by quality, from the wire to the order of their providers."""

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.relay import quality as module
from smppproxy.routing.routes import Route, Target
from tests.support.memory_peers import World, make_account, make_provider, submit

TARGETS = (Target("a"), Target("b"))


class QualityTests(SynchronousTestCase):
    """What answers and receipts say about providers."""

    def setUp(self) -> None:
        """Two providers by quality for 45, one of them for all else."""
        routes = [
            Route("45", prefixes=("45",), targets=TARGETS, select="quality"),
            Route("rest", targets=TARGETS[:1]),
        ]
        providers = [make_provider(name, window=200) for name in "ab"]
        self.world = World([make_account(window=500)], providers, routes)
        self.client = self.world.client()
        self.a = self.world.upstream(provider="a")
        self.b = self.world.upstream(provider="b")
        self.number = 0

    def send(self, count: int, destination: bytes = b"4520123456") -> None:
        """So many messages that want receipts."""
        numbers = range(self.number, self.number + count)
        self.number += count
        self.client.receive(
            *(submit(n + 1, destination, registered_delivery=1) for n in numbers)
        )

    def measured(self, prefix: str = "45") -> dict[str, tuple[object, object]]:
        """(messages, delivered) by provider."""
        said = self.world.relay.quality.quality.measures(self.world.now)
        return {str(each["provider"]): (each["messages"], each["delivered"])
                for each in said if each["prefix"] == prefix}  # fmt: skip

    def test_receipts_and_refusals_change_the_order(self) -> None:
        """A provider that refuses or does not deliver gets no more messages of that prefix."""
        self.send(60)
        pdus = self.a.submits()
        self.assertEqual(len(pdus), 60)
        self.a.refuse(0x45, *pdus[:20])
        self.a.accept(*((pdu, b"%d" % n) for n, pdu in enumerate(pdus[20:])))
        self.world.advance(3)
        for n in range(40):
            stat = b"UNDELIV" if n % 2 else b"DELIVRD"
            self.a.receipt(b"%d" % n, b"4520123456", stat=stat)
        self.assertEqual(self.measured(), {"a": (60, 20)})
        self.world.advance(6)
        self.send(5)
        self.assertEqual((len(self.a.submits()), len(self.b.submits())), (0, 5))
        (said,) = self.world.relay.quality.quality.measures(self.world.now)
        self.assertEqual(said["latency"], 3.0)

    def test_haste_is_no_failure(self) -> None:
        """0x58 says nothing about quality; intermediate receipts say nothing yet."""
        self.send(2)
        first, second = self.a.submits()
        self.a.refuse(0x58, first)
        self.a.accept((second, b"x"))
        self.a.receipt(b"x", b"4520123456", stat=b"ENROUTE")
        self.assertEqual(self.measured(), {})

    def test_a_receipt_of_another_node(self) -> None:
        """A receipt whose message went out elsewhere counts by its number, without a time."""
        self.a.receipt(b"elsewhere", b"+4520123456")
        self.assertEqual(self.measured(), {"a": (1, 1)})
        self.a.receipt(b"unknown", b"4620123456")
        self.assertEqual(self.measured(""), {"a": (1, 1)})

    def test_other_routes_measure_nothing(self) -> None:
        """Without a route by quality nothing is kept."""
        world = self.world
        routes = world.routes.routes[1:]
        self.send(1)
        (pdu,) = self.a.submits()
        world.relay.use(world.accounts, type(world.routes)(routes), world.mo, world.now)
        self.a.accept((pdu, b"x"))
        self.a.receipt(b"x", b"4520123456")
        world.advance(10)
        self.assertEqual(self.measured(), {})

    def test_what_never_gets_a_receipt_is_let_go(self) -> None:
        """Messages are waited for as long as the window, and a bounded number of them."""
        self.patch(module, "TIMED", 2)
        self.send(3)
        self.a.accept(*((pdu, b"%d" % n) for n, pdu in enumerate(self.a.submits())))
        watch = self.world.relay.quality
        self.assertEqual(len(watch._timed), 2)
        self.world.advance(10)
        self.assertEqual(len(watch._timed), 2)
        self.world.advance(15 * 60)
        self.assertEqual(len(watch._timed), 0)
