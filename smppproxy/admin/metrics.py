"""The node's integers as Prometheus metrics, read at each scrape and never on the hot path."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from smppproxy.admin.conditions import conditions
from smppproxy.admin.ledgers import ALONE
from smppproxy.admin.metric_table import PREFIX, family, value, values
from smppproxy.admin.traffic import traffic
from smppproxy.relay.ledger import FIELDS
from smppproxy.relay.relay import SmppRelay
from smppproxy.routing.states import DOWN, DRAIN
from smppproxy.wire.pool import BindState

__all__ = ["PREFIX", "NodeCollector", "exposition"]

HERE_NOW = ("in_flight", "parked", "queued")
"""What the ledger says of this moment, beside its fields."""


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
        yield from self._ledger()
        yield value("store_ready", self._relay.store.ready)
        passed_over = self._relay.reasons.counts
        yield values("targets_passed_over", dict(sorted(passed_over.items())))
        yield from upstreams(self._binds())
        yield from traffic(self._relay.counts)
        yield from conditions(self._relay.directory)
        for metrics in self._others:
            yield from metrics()

    def _ledger(self) -> Iterator[Metric]:
        ledger = self._relay.ledger
        for field in (*FIELDS, *HERE_NOW):
            yield value(field, getattr(ledger, field))
        events = ledger.events
        yield value("adrift", events["adrift"])
        yield value("message_log_lost", events["message_log_lost"])
        yield values("events", {(event,): count for event, count in sorted(events.items())})
        # A receipt that one node matched may be delivered by another: only the sums over all
        # nodes say whether the rest adds up.
        off = ledger.imbalance()
        yield values(
            "imbalance", {(equation,): abs(off.get(equation, 0)) for equation in sorted(ALONE)}
        )


def upstreams(binds: list[BindState]) -> Iterator[Metric]:
    """How each bind to a provider is."""
    states = family("upstream_bind")
    numbers = {name: family(name) for name in _OF_A_BIND}
    for row in binds:
        place = [row.provider, row.host, f"{row.number}{row.bind}"]
        states.add_metric([*place, row.state], 1)
        for name, number in _OF_A_BIND.items():
            numbers[name].add_metric(place, number(row))
    yield states
    yield from numbers.values()


_OF_A_BIND: dict[str, Callable[[BindState], float]] = {
    "upstream_outstanding": lambda row: row.outstanding,
    "upstream_window": lambda row: row.window,
    "upstream_alarm": lambda row: row.alarm,
    "upstream_wanted": lambda row: row.admin not in (DRAIN, DOWN),
    "upstream_submitted": lambda row: row.submitted,
    "upstream_answered": lambda row: row.answered,
    "upstream_deliveries": lambda row: row.receipts,
}


def exposition(collector: NodeCollector) -> bytes:
    """The text that Prometheus scrapes: ours, and what it likes to know of every process."""
    registry = CollectorRegistry()
    registry.register(collector)
    ProcessCollector(registry=registry)
    return generate_latest(registry)
