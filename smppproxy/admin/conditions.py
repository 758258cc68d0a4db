"""How providers and hosts are doing, as Prometheus metrics: who is left alone, how fast it goes.

Labels are ``provider``, and ``host``. A provider is here from its first bind on.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from prometheus_client.core import Metric

from smppproxy.admin.metric_table import family
from smppproxy.relay.directory import Directory


def conditions(directory: Directory) -> Iterator[Metric]:
    """Of every provider that was ever bound here."""
    pools = sorted(directory.pools.items())
    ejected, trial, resting = map(family, ("host_ejected", "host_on_trial", "host_resting"))
    for name, pool in pools:
        for host in (host.name for host in pool.provider.hosts):
            ejected.add_metric([name, host], host in pool.outliers.ejected)
            trial.add_metric([name, host], host in pool.outliers.trial)
            resting.add_metric([name, host], host in pool.resting)
    yield from (ejected, trial, resting)
    rate, latency, backlog = map(
        family, ("provider_rate", "provider_latency_seconds", "provider_backlog")
    )
    for name, pool in pools:
        if pool.speed.rate < inf:
            rate.add_metric([name], pool.speed.rate)
        latency.add_metric([name, "short"], pool.speed.latency.short)
        latency.add_metric([name, "long"], pool.speed.latency.long)
        backlog.add_metric([name], len(pool.backlog))
    yield from (rate, latency, backlog)
