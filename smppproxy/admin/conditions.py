"""How providers and hosts are doing, as Prometheus metrics: who is left alone, how fast it goes.

Labels are ``provider``, and ``host``. A provider is here from its first bind on.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from smppproxy.admin.families import Family
from smppproxy.relay.directory import Directory


def conditions(directory: Directory) -> Iterator[Family]:
    """Of every provider that was ever bound here."""
    pools = sorted(directory.pools.items())
    ejected, trial, resting = map(Family, ("host_ejected", "host_on_trial", "host_resting"))
    for name, pool in pools:
        for host in (host.name for host in pool.provider.hosts):
            ejected.add([name, host], host in pool.outliers.ejected)
            trial.add([name, host], host in pool.outliers.trial)
            resting.add([name, host], host in pool.resting)
    yield from (ejected, trial, resting)
    rate, latency, backlog = map(
        Family, ("provider_rate", "provider_latency_seconds", "provider_backlog")
    )
    for name, pool in pools:
        if pool.speed.rate < inf:
            rate.add([name], pool.speed.rate)
        latency.add([name, "short"], pool.speed.latency.short)
        latency.add([name, "long"], pool.speed.latency.long)
        backlog.add([name], len(pool.backlog))
    yield from (rate, latency, backlog)
