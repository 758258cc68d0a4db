"""Tests of ``admin.conditions``: who is left alone, and how fast it goes."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.admin.conditions import conditions
from smppproxy.admin.metrics import NodeCollector, exposition
from smppproxy.routing.outliers import FAILURES, STEP
from tests.support.memory_peers import World, make_account, make_provider, submit
from tests.support.metrics import samples


def in_order(labels: dict[str, str]) -> list[str]:
    """The values, the provider's first."""
    return [labels[name] for name in ("provider", "host", "mean") if name in labels]


class ConditionTests(SynchronousTestCase):
    """Names, labels and values."""

    def samples(self, world: World) -> dict[str, float]:
        """Every sample, by its name and labels."""
        return {
            "/".join(
                [sample.name.removeprefix("smppproxy_"), *in_order(sample.labels)]
            ): sample.value
            for sample in samples(conditions(world.relay.directory))
        }

    def test_nobody_was_bound(self) -> None:
        """Families, and no samples."""
        self.assertEqual({}, self.samples(World()))

    def test_values(self) -> None:
        """Of hosts that are ejected, on trial or resting; of rates, answers and what waits."""
        world = World([make_account(window=100)], [make_provider(tps=5, window=100)])
        client = world.client()
        a, _ = world.upstream("a"), world.upstream("b")
        pool = world.relay.directory.pools["p"]
        for _ in range(FAILURES):
            pool.trouble("a", world.now)
        pool.pause("b", world.now)
        client.receive(submit(1))
        found = self.samples(world)
        self.assertEqual(
            (1, 0, 0, 1),
            tuple(
                found[name]
                for name in (
                    "host_ejected/p/a",
                    "host_ejected/p/b",
                    "host_resting/p/a",
                    "host_resting/p/b",
                )
            ),
        )
        self.assertEqual((5, 1), (found["provider_rate/p"], found["provider_backlog/p"]))
        world.advance(STEP + 1)
        found = self.samples(world)
        self.assertEqual((0, 1), (found["host_ejected/p/a"], found["host_on_trial/p/a"]))
        a.lose()

    def test_latency(self) -> None:
        """Means of the time that answers took; no rate without a limit."""
        world = World()
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1))
        world.clock.advance(0.25)
        upstream.accept(*((pdu, b"id") for pdu in upstream.submits()))
        world.relay.tick(world.now)
        found = self.samples(world)
        self.assertEqual(0.25, found["provider_latency_seconds/p/short"])
        self.assertEqual(0.25, found["provider_latency_seconds/p/long"])
        self.assertNotIn("provider_rate/p", found)

    def test_scraped(self) -> None:
        """They are among what Prometheus reads."""
        world = World()
        world.upstream()
        text = exposition(NodeCollector(world.relay, list))
        self.assertIn(b'smppproxy_host_ejected{host="a",provider="p"} 0.0', text)
