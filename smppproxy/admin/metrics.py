"""The node's integers as Prometheus metrics, read at each scrape and never on the hot path."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from smppproxy.admin.conditions import conditions
from smppproxy.admin.traffic import traffic
from smppproxy.relay.ledger import FIELDS
from smppproxy.relay.relay import SmppRelay
from smppproxy.wire.pool import BindState

HELP = {
    "submitted": "submit_sm taken from clients",
    "accepted": "submit_sm answered ESME_ROK: a provider has the message and its map is durable",
    "refused": "submit_sm answered with an error",
    "in_doubt": "submit_sm whose fate is unknown and was reported so",
    "resent": "submit_sm sent once more after their host went away",
    "lost_responses": "submit_sm whose host went away before it answered",
    "no_provider_id": "acceptances without a message_id: their receipts cannot be found",
    "late_responses": "answers that came after their submit_sm was given up",
    "receipts_in": "delivery receipts read from providers",
    "matched": "receipts that found their message",
    "merged": "receipts for one part of a message, told with those of the others",
    "made": "receipts of our own, for messages that never had one",
    "parked_before": "parked receipts that an earlier process or another node had taken in",
    "parked_in": "receipts that came before the answer to their submit_sm",
    "parked_out": "parked receipts that found their message",
    "orphaned": "parked receipts that never found their message",
    "duplicated": "receipts that said what had been said, or came after the final one",
    "quarantined": "receipts that do not fit the message their id names",
    "replayed": "orphans and receipts in quarantine that a replay brought to their messages",
    "unreadable": "receipts without any message id",
    "withheld": "receipts that wait for the store",
    "unwanted": "receipts that the client had not asked for",
    "delivered": "receipts acknowledged by clients",
    "redelivered": "deliver_sm sent more than once",
    "refused_by_client": "receipts that a client refused for good",
    "expired": "receipts that grew too old in their queue",
    "dropped": "receipts that a full queue pushed out",
    "queued_before": "receipts that were queued when this process began",
    "mo_in": "MO messages read from providers",
    "mo_unrouted": "MO messages for numbers that no account owns",
    "mo_delivered": "MO messages acknowledged by clients",
}

GAUGES = frozenset({"withheld", "queued_before"})


class NodeCollector(Collector):
    """Reads ledger, binds and queues of one node when asked."""

    def __init__(
        self,
        relay: SmppRelay,
        binds: Callable[[], list[BindState]],
        *others: Callable[[], Iterator[Metric]],
    ) -> None:
        """
        :param binds: gives every bind to a provider as it is now.
        :param others: give metrics of their own.
        """
        self._relay = relay
        self._binds = binds
        self._others = others

    def collect(self) -> Iterator[Metric]:
        """Every metric of the node."""
        ledger = self._relay.ledger
        for field in FIELDS:
            family = GaugeMetricFamily if field in GAUGES else CounterMetricFamily
            yield family(f"smppproxy_{field}", HELP[field], value=getattr(ledger, field))
        for name, text in (
            ("in_flight", "submit_sm without an outcome"),
            ("parked", "receipts that wait for the answer to their submit_sm"),
            ("queued", "receipts in the accounts' queues"),
        ):
            yield GaugeMetricFamily(f"smppproxy_{name}", text, value=getattr(ledger, name))
        yield GaugeMetricFamily(
            "smppproxy_imbalance",
            "how far the ledger is from adding up; 0 is the promise",
            value=sum(abs(off) for off in ledger.imbalance().values()),
        )
        yield GaugeMetricFamily(
            "smppproxy_store_ready", "1 when the store answers", value=self._relay.store.ready
        )
        yield from self._labelled()
        for metrics in self._others:
            yield from metrics()

    def _labelled(self) -> Iterator[Metric]:
        events = CounterMetricFamily("smppproxy_events", "named events", labels=["event"])
        for event, count in sorted(self._relay.ledger.events.items()):
            events.add_metric([event], count)
        yield events
        passed_over = CounterMetricFamily(
            "smppproxy_targets_passed_over",
            "targets of routes that did not get a message which they came first for",
            labels=["route", "provider", "reason"],
        )
        for why, count in sorted(self._relay.reasons.counts.items()):
            passed_over.add_metric(why, count)
        yield passed_over
        clients = GaugeMetricFamily("smppproxy_client_binds", "bound sessions", labels=["account"])
        for account, bound in sorted(self._relay.directory.clients.items()):
            clients.add_metric([account], len(bound))
        yield clients
        state = GaugeMetricFamily(
            "smppproxy_upstream_bind",
            "1 for the state each bind to a provider is in",
            labels=["provider", "host", "bind", "state"],
        )
        window = GaugeMetricFamily(
            "smppproxy_upstream_outstanding",
            "submit_sm without an answer",
            labels=["provider", "host", "bind"],
        )
        for row in self._binds():
            place = [row.provider, row.host, f"{row.number}{row.bind}"]
            state.add_metric([*place, row.state], 1)
            window.add_metric(place, row.outstanding)
        yield state
        yield window
        yield from traffic(self._relay.counts)
        yield from conditions(self._relay.directory)


def exposition(collector: NodeCollector) -> bytes:
    """The text that Prometheus scrapes."""
    registry = CollectorRegistry()
    registry.register(collector)
    return generate_latest(registry)
