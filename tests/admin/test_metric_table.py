"""Every metric is in one table, with its help text, and the table has nothing that is not told."""

from __future__ import annotations

import re
from collections.abc import Iterable

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.admin.metric_table import COUNTER, HISTOGRAM, METRICS, PREFIX
from smppproxy.service import SmppProxy
from tests.support.doors import DoorCase, ask, asynchronous


async def scraped(node: SmppProxy) -> dict[str, Metric]:
    """What Prometheus gets of a node that is ours, by name without the prefix."""
    reply = await ask(node, "metrics")
    assert reply.status == 200
    found: Iterable[Metric] = text_string_to_metric_families(reply.body.decode())
    return {
        family.name.removeprefix(PREFIX): family
        for family in found
        if family.name.startswith(PREFIX)
    }


def number(family: Metric, **labels: str) -> float:
    """The one sample that has these labels."""
    (sample,) = [each for each in family.samples if labels.items() <= each.labels.items()]
    return float(sample.value)


OF_A_SUPERVISOR = {"worker_ready", "worker_restarts"}
"""What only a node with workers tells: see tests/scenarios/test_workers.py."""


class TableTests(SynchronousTestCase):
    """The names follow Prometheus' rules."""

    def test_names(self) -> None:
        """Lower case; seconds, and no unit in short; no suffix that Prometheus adds itself."""
        for name, described in METRICS.items():
            self.assertRegex(name, r"^[a-z]+(_[a-z]+)*$")
            self.assertFalse({"ms", "msec", "sec", "minutes", "hours"} & {*name.split("_")}, name)
            self.assertFalse(re.search("_(total|sum|count|bucket|gauge|counter)$", name), name)
            if described.kind == HISTOGRAM:
                self.assertTrue(name.endswith("_seconds"), name)

    def test_texts(self) -> None:
        """Each says what it is, in words, and has labels that it does not say in its name."""
        for name, described in METRICS.items():
            self.assertTrue(len(described.text.split()) > 1, name)
            self.assertEqual(described.text, described.text.strip().rstrip("."), name)
            self.assertFalse({"le", "instance", "job"} & {*described.labels}, name)


class BusyNodeTests(DoorCase):
    """What a node with traffic tells."""

    @asynchronous
    async def test_all_of_them(self) -> None:
        """A busy node tells each metric of the table, as the table says, and no other."""
        smsc = self.provider("a", "b", errors={0x0B: 0.5}, undelivered=0.2)
        self.write_network(smsc, options="tps = 1000\n")
        text = self.network_file.read_text()
        self.network_file.write_text(
            text.replace("window = 50\n", "window = 50\ntps = 900\nbinds_total = 1\n")
        )
        node = self.with_socket()
        esme = self.client(node, count=40)
        await self.wait(lambda: esme.done and smsc.idle, "traffic")
        node.relay.reasons.counts["all", "acme", "full"] = 3
        node.relay.hops.counts_of("acme", "node2").messages = 1
        await self.wait(lambda: node._office._backlogs._sizes, "a look into the queues")
        found = await scraped(node)
        self.assertEqual({*found}, METRICS.keys() - OF_A_SUPERVISOR)
        for name, family in found.items():
            described = METRICS[name]
            self.assertEqual((family.type, family.documentation), (described.kind, described.text))
            for sample in family.samples:
                self.assertEqual({*sample.labels} - {"le"}, {*described.labels}, name)
                self.assertEqual(sample.name.endswith("_total"), described.kind == COUNTER)
        silent = {name for name, family in found.items() if not family.samples}
        self.assertEqual(silent, set())

    @asynchronous
    async def test_values(self) -> None:
        """Of windows, limits and places, of the queues, of the network, of the node itself."""
        smsc = self.provider("a", "b")
        self.write_network(smsc, options="tps = 1000\nreceipt_limit = 500\ndeliver_window = 7\n")
        text = self.network_file.read_text()
        self.network_file.write_text(
            text.replace("window = 50\n", "window = 50\ntps = 900\nbinds_total = 1\n")
        )
        node = self.with_socket()
        esme = self.client(node, count=5, bind="tx")
        await self.wait(lambda: esme.tally.accepted == 5 and smsc.idle, "traffic")
        node._office._backlogs._looks.due = 0.0
        await self.wait(lambda: any(ages(node)), "a look into the queues")
        found = await scraped(node)
        expected = {
            "node_info": 1, "ready": 1, "draining": 0, "network_version": 1,
            "network_newest_version": 1, "network_refused_version": 0, "bus_connected": 1,
            "client_binds": 1, "client_outstanding": 0, "client_window": 7,
            "account_max_binds": 10, "account_rate_limit": 1000, "account_rate": 1000,
            "provider_rate_limit": 900, "provider_rate": 900, "provider_places_limit": 1,
            "provider_places": 1, "provider_places_wanted": 1, "provider_parked": 0,
        }  # fmt: skip
        self.assertEqual({name: number(found[name]) for name in expected}, expected)
        queue = {"account": "demo", "queue": "receipts"}
        waiting = number(found["account_queue_waiting"], **queue)
        held = number(found["account_queue_in_hands"], **queue)
        self.assertEqual((waiting + held, number(found["account_queue_limit"], **queue)), (5, 500))
        self.assertTrue(number(found["account_queue_oldest_seconds"], **queue) > 0)
        self.assertEqual(number(found["account_queue_oldest_seconds"], queue="mo"), 0)
        self.assertEqual(number(found["node_info"], node="node1"), 1)

    @asynchronous
    async def test_imbalance_of_two_nodes(self) -> None:
        """Receipts that one node matches and the other delivers unbalance neither of them; what
        the sums over both say of queued receipts holds."""
        smsc = self.provider("a")
        self.write_network(smsc)
        first, second = self.pair()
        self.client(second, bind="rx")
        await self.wait(lambda: second.relay.directory.clients.get("demo"), "a receiver on n2")
        sender = self.client(first, count=20, bind="tx")
        await self.wait(lambda: sender.tally.accepted == 20, "sent by n1")
        await self.wait(lambda: second.relay.ledger.delivered == 20, "delivered by n2")
        told = [await scraped(node) for node in (first, second)]
        self.assertTrue(min(number(found["queued"]) for found in told) < 0)
        for found in told:
            self.assertEqual(
                {each.labels["equation"]: each.value for each in found["imbalance"].samples},
                {"submitted": 0, "receipts_in": 0},
            )
        total = sum(
            number(found[name]) for found in told for name in ("queued", "merged", "adrift")
        )
        self.assertEqual(total, 0)

    @asynchronous
    async def test_a_version_that_cannot_be_taken(self) -> None:
        """Every node tells the version in force, the newest one and the one that it refused."""
        self.write_network(self.provider("a"))
        nodes = self.pair()
        await self.wait(lambda: all(node._own.standing().version for node in nodes), "a version")
        store = nodes[0].store
        number = await store.versions.number()
        await store.versions.add(b"no network", "somebody", "by mistake", "0" * 64, number)
        await self.wait(lambda: all(node._own.standing().refused for node in nodes), "a refusal")
        for node in nodes:
            found = await scraped(node)
            names = ("version", "newest_version", "refused_version")
            told = [value_of(found, f"network_{name}") for name in names]
            self.assertEqual(told, [number, number + 1, number + 1])

    @asynchronous
    async def test_an_imbalance_is_told(self) -> None:
        """A message that got two outcomes shows in the equation that it breaks."""
        self.write_network(self.provider("a"))
        node = self.with_socket()
        node.relay.ledger.accepted += 3
        imbalance = (await scraped(node))["imbalance"]
        self.assertEqual(
            [number(imbalance, equation=each) for each in ("submitted", "receipts_in")], [3, 0]
        )


def value_of(found: dict[str, Metric], name: str) -> float:
    """The one sample of a metric without labels."""
    return number(found[name])


def ages(node: SmppProxy) -> list[float]:
    """Of the oldest entries that the node saw."""
    return [*node._office._backlogs._ages.values()]
