"""The node's integers as Prometheus metrics, read at each scrape and never on the hot path."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

from smppproxy.admin.conditions import conditions
from smppproxy.admin.families import Family, value, values
from smppproxy.admin.ledgers import ALONE
from smppproxy.admin.metric_table import Labels
from smppproxy.admin.traffic import traffic
from smppproxy.relay.relay import SmppRelay
from smppproxy.relay.via import Via
from smppproxy.routing.states import DOWN, DRAIN
from smppproxy.wire.pool import BindState
from smppproxy.words import LEDGER_FIELDS

HERE_NOW = ("in_flight", "parked", "queued")
"""What the ledger says of this moment, beside its fields."""


class NodeCollector:
    """Reads ledger, binds and queues of one node when asked."""

    def __init__(
        self,
        relay: SmppRelay,
        binds: Callable[[], list[BindState]],
        *others: Callable[[], Iterator[Family]],
    ) -> None:
        """
        :param binds: gives every bind to a provider as it is now.
        :param others: give metrics of their own.
        """
        self._relay = relay
        self._binds = binds
        self._others = others

    def collect(self) -> Iterator[Family]:
        """Every metric of the node; those of the ledger are of one moment."""
        yield from [*self._ledger()]
        yield value("store_ready", self._relay.store.ready)
        passed_over = self._relay.reasons.counts
        yield values("targets_passed_over", dict(sorted(passed_over.items())))
        yield from upstreams(self._binds())
        yield from traffic(self._relay.counts)
        yield from hops(self._relay)
        yield from conditions(self._relay.directory)
        for metrics in self._others:
            yield from metrics()

    def _ledger(self) -> Iterator[Family]:
        ledger = self._relay.ledger
        for field in (*LEDGER_FIELDS, *HERE_NOW):
            yield value(field, getattr(ledger, field))
        events = ledger.events
        yield value("adrift", events["adrift"])
        for name in ("message_log_lost", "trace_spans_exported", "trace_spans_dropped"):
            yield value(name, events[name])
        yield values("events", {(event,): count for event, count in sorted(events.items())})
        # A receipt that one node matched may be delivered by another: only the sums over all
        # nodes say whether the rest adds up.
        off = ledger.imbalance()
        yield values(
            "imbalance", {(equation,): abs(off.get(equation, 0)) for equation in sorted(ALONE)}
        )


def upstreams(binds: list[BindState]) -> Iterator[Family]:
    """How each bind to a provider is."""
    states = Family("upstream_bind")
    numbers = {name: Family(name) for name in _OF_A_BIND}
    for row in binds:
        place = [row.provider, row.host, f"{row.number}{row.bind}"]
        states.add([*place, row.state], 1)
        for name, number in _OF_A_BIND.items():
            numbers[name].add(place, number(row))
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


def pieces(collector: NodeCollector) -> Iterator[str]:
    """The text that Prometheus scrapes, in pieces: ours, and what it asks of every process."""
    for family in collector.collect():
        yield from family.text()
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    yield generate_latest(registry).decode()


def exposition(collector: NodeCollector) -> bytes:
    """All of that text at once."""
    return "".join(pieces(collector)).encode()


def hops(relay: SmppRelay) -> Iterator[Family]:
    """What goes over other nodes, and what of theirs goes over this one."""
    sessions: dict[Labels, float] = {
        (name,): sum(isinstance(each.host, Via) for each in pool.bound)
        for name, pool in sorted(relay.directory.pools.items())
    }
    yield values("hop_sessions", sessions)
    counts = sorted(relay.hops.counts.items())
    yield values("hop_messages", {place: each.messages for place, each in counts})
    yield values("hop_answered", {place: each.answered for place, each in counts})
    yield values("hop_not_sent", {place: each.not_sent for place, each in counts})
    yield values("hop_in_doubt", {place: each.in_doubt for place, each in counts})
