"""Tests of ``admin.traffic``: counters as Prometheus reads them."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.admin.metrics import NodeCollector, exposition
from smppproxy.admin.traffic import traffic
from smppproxy.relay.counts import OTHER, Counts
from smppproxy.smpp import constants as c
from tests.support.memory_peers import World, submit
from tests.support.metrics import samples


class TrafficTests(SynchronousTestCase):
    """Names, labels and values."""

    def setUp(self) -> None:
        self.counts = Counts(lambda: 100.0, lambda: 0.0)

    def samples(self, name: str) -> dict[tuple[str, ...], float]:
        """The samples of one name: values of their labels, in the order of the labels' names."""
        return {
            tuple(value for _, value in sorted(sample.labels.items())): sample.value
            for sample in samples(traffic(self.counts))
            if sample.name == name
        }

    def test_nobody_was_here(self) -> None:
        """Without an account and a host there are families and no samples."""
        self.assertTrue(list(traffic(self.counts)))
        self.assertEqual([], samples(traffic(self.counts)))

    def test_statuses_by_name(self) -> None:
        """command_status by the standard's name, vendors' in hex, what is too much as one."""
        refused = {c.ESME_RTHROTTLED: 2, 0x410: 3, OTHER: 4}
        self.counts.account("acme").refused.update(refused)
        self.counts.host("p", "a").refused.update(refused)
        names = {"ESME_RTHROTTLED": 2.0, "0x00000410": 3.0, "other": 4.0}
        self.assertEqual(
            {("acme", name): value for name, value in names.items()},
            self.samples("smppproxy_account_refused_total"),
        )
        self.assertEqual(
            {(name, "a", "p"): value for name, value in names.items()},
            self.samples("smppproxy_host_refused_total"),
        )

    def test_states_by_word(self) -> None:
        """Receipts by the word for their state; states without one are UNKNOWN."""
        receipts = self.counts.host("p", "a").receipts
        receipts[c.STATE_DELIVERED] = 5
        receipts[c.STATE_REJECTED] = 2
        receipts[c.STATE_UNKNOWN] = 1
        receipts[99] = 1
        self.assertEqual(
            {("a", "p", "DELIVRD"): 5, ("a", "p", "REJECTD"): 2, ("a", "p", "UNKNOWN"): 2},
            self.samples("smppproxy_host_receipts_total"),
        )

    def test_times(self) -> None:
        """Histograms are cumulative, with their sum."""
        account = self.counts.account("acme")
        for seconds in (0.02, 0.02, 3.0, 90.0):
            account.accept(seconds)
        buckets = self.samples("smppproxy_account_answer_seconds_bucket")
        self.assertEqual(
            (0, 2, 2, 3, 3, 4),
            tuple(
                buckets["acme", le] for le in ("0.01", "0.025", "2.5", "5.0", "60.0", "+Inf")
            ),
        )
        self.assertEqual({("acme",): 4}, self.samples("smppproxy_account_answer_seconds_count"))
        total = self.samples("smppproxy_account_answer_seconds_sum")["acme",]
        self.assertAlmostEqual(93.04, total)

    def test_prometheus_reads_it(self) -> None:
        """The whole page parses; no label or value is of a message."""
        world = World()
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1), submit(2))
        first, second = upstream.submits()
        upstream.accept((first, b"6000"))
        upstream.refuse(c.ESME_RINVDSTADR, second)
        upstream.receipt(b"6000")
        client.texts()
        text = exposition(NodeCollector(world.relay, lambda: [])).decode()
        found = {
            sample.name: sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if set(sample.labels) & {"account", "provider"}
        }
        self.assertEqual(2, found["smppproxy_account_submitted_total"])
        self.assertEqual(1, found["smppproxy_account_accepted_total"])
        self.assertEqual(1, found["smppproxy_account_refused_total"])
        self.assertEqual(1, found["smppproxy_account_receipts_delivered_total"])
        self.assertEqual(2, found["smppproxy_host_submitted_total"])
        self.assertEqual(1, found["smppproxy_host_receipts_total"])
        # Seconds and octets of the process may happen to have the digits of a number.
        ours = text.partition("# HELP process_")[0]
        for secret in ("hello", "4512345678", "6000", "1000000001"):
            self.assertNotIn(secret, ours)
