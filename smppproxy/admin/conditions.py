"""How providers and hosts are doing, as Prometheus metrics: who is left alone, how fast it goes.

Labels are ``provider``, and ``host``. A provider is here from its first bind on.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from prometheus_client.core import GaugeMetricFamily, Metric

from smppproxy.relay.directory import Directory

PROVIDER = ["provider"]
HOST = ["provider", "host"]


def conditions(directory: Directory) -> Iterator[Metric]:
    """Of every provider that was ever bound here."""
    pools = sorted(directory.pools.items())
    ejected = GaugeMetricFamily(
        "smppproxy_host_ejected", "1 while a host is left alone since it fails", labels=HOST
    )
    trial = GaugeMetricFamily(
        "smppproxy_host_on_trial", "1 until it has taken a message again", labels=HOST
    )
    resting = GaugeMetricFamily(
        "smppproxy_host_resting", "1 while it gets nothing since it wants less", labels=HOST
    )
    for name, pool in pools:
        for host in (host.name for host in pool.provider.hosts):
            ejected.add_metric([name, host], host in pool.outliers.ejected)
            trial.add_metric([name, host], host in pool.outliers.trial)
            resting.add_metric([name, host], host in pool.resting)
    yield from (ejected, trial, resting)
    rate = GaugeMetricFamily(
        "smppproxy_provider_rate",
        "submit_sm a second that this node may send it; no value without a limit",
        labels=PROVIDER,
    )
    latency = GaugeMetricFamily(
        "smppproxy_provider_latency_seconds",
        "from a submit_sm to its answer, mean of some seconds (short) and of about a minute",
        labels=[*PROVIDER, "mean"],
    )
    backlog = GaugeMetricFamily(
        "smppproxy_provider_backlog",
        "submit_sm that wait for a window or its rate",
        labels=PROVIDER,
    )
    for name, pool in pools:
        if pool.speed.rate < inf:
            rate.add_metric([name], pool.speed.rate)
        latency.add_metric([name, "short"], pool.speed.latency.short)
        latency.add_metric([name, "long"], pool.speed.latency.long)
        backlog.add_metric([name], len(pool.backlog))
    yield from (rate, latency, backlog)
