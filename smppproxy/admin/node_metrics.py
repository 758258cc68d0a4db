"""The node itself as metrics: its name, its network, store and bus, and the limits it works in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf

from smppproxy.admin.families import Family, Values, times, value, values
from smppproxy.admin.metric_table import Labels
from smppproxy.admin.outages import WAITING
from smppproxy.admin.rooms import Rooms
from smppproxy.wire.pool import BindState


def node_metrics(rooms: Rooms, ready: Callable[[], bool]) -> Iterator[Family]:
    """What there is to tell of one node.

    :param ready: whether new binds are welcome.
    """
    yield values("node_info", {(rooms.node.name, rooms.program): 1})
    yield value("ready", ready())
    yield value("draining", rooms.is_draining())
    yield from _network(rooms)
    yield from _store(rooms)
    yield from _journal(rooms)
    yield from _clients(rooms)
    yield from _accounts(rooms)
    yield from _providers(rooms)


def _network(rooms: Rooms) -> Iterator[Family]:
    standing = rooms.standing()
    yield value("network_version", standing.version)
    yield value("network_newest_version", max(standing.newest, standing.version))
    yield value("network_refused_version", standing.refused)


def _store(rooms: Rooms) -> Iterator[Family]:
    store = rooms.store
    yield value("store_full", store.full)
    yield value("store_memory_used", store.memory_used)
    yield value("store_calls_outstanding", store.outstanding)
    yield times("store_call_seconds", {(): store.times})
    yield value("bus_connected", store.bus.connected)
    yield value("bus_heard", store.bus.heard)
    yield value("bus_unreadable", store.bus.unreadable)


def _journal(rooms: Rooms) -> Iterator[Family]:
    maps = rooms.relay.maps
    yield values("store_durability", {(rooms.node.durability, rooms.store.durability): 1})
    yield value("journal_blocked", maps.blocked)
    yield value("journal_octets", maps.octets)
    yield value("journal_unread_files", maps.unread_files)
    yield values("journal", {(what,): number for what, number in maps.counts.items()})


def _clients(rooms: Rooms) -> Iterator[Family]:
    bound: dict[Labels, float] = {}
    outstanding: dict[Labels, float] = {}
    window: dict[Labels, float] = {}
    for name, clients in sorted(rooms.relay.directory.clients.items()):
        windows = [client.session.window for client in clients]
        bound[(name,)] = len(windows)
        outstanding[(name,)] = sum(map(len, windows))
        window[(name,)] = sum(each.limit for each in windows)
    yield values("client_binds", bound)
    yield values("client_outstanding", outstanding)
    yield values("client_window", window)


def _accounts(rooms: Rooms) -> Iterator[Family]:
    accounts = sorted(rooms.network().accounts.items())
    yield values("account_max_binds", {(name,): each.max_binds for name, each in accounts})
    yield values(
        "account_rate_limit", {(name,): each.tps for name, each in accounts if each.tps}
    )
    yield values("account_rate", _shares(rooms, "account:"))
    limits: dict[Labels, float] = {}
    for name, account in accounts:
        limits[name, "receipts"] = account.receipt_limit
        limits[name, "mo"] = account.mo_limit
    yield values("account_queue_limit", limits)


def _shares(rooms: Rooms, kind: str) -> Values:
    return {
        (name.removeprefix(kind),): rate
        for name, rate in sorted(rooms.relay.shares().items())
        if name.startswith(kind) and rate < inf
    }


def _providers(rooms: Rooms) -> Iterator[Family]:
    providers = sorted(rooms.network().providers.items())
    yield values(
        "provider_rate_limit", {(name,): each.tps for name, each in providers if each.tps}
    )
    limited = [(name, each) for name, each in providers if each.binds_total]
    yield values("provider_places_limit", {(name,): each.binds_total for name, each in limited})
    binds = {name: _binds(rooms, name) for name, _ in limited}
    yield values(
        "provider_places",
        {(name,): sum(row.state != WAITING for row in rows) for name, rows in binds.items()},
    )
    yield values(
        "provider_places_wanted",
        {(name,): sum(row.state == WAITING for row in rows) for name, rows in binds.items()},
    )


def _binds(rooms: Rooms, provider: str) -> list[BindState]:
    pool = rooms.pools.get(provider)
    return pool.states() if pool is not None else []
