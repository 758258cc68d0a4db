"""What one node knows: the rows of each view that every node is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from smppproxy.admin.catalogue import NO_PLACE
from smppproxy.admin.ledgers import told
from smppproxy.admin.loads import together
from smppproxy.admin.outages import WAITING
from smppproxy.admin.rooms import Rooms
from smppproxy.relay.counts import OTHER, AccountCounts, HostCounts
from smppproxy.relay.events import shown
from smppproxy.relay.hop import HopMessage
from smppproxy.relay.peers import Client, Upstream
from smppproxy.relay.submission import Submit
from smppproxy.relay.via import Via
from smppproxy.routing.providers import Host, Provider
from smppproxy.smpp.constants import status_name
from smppproxy.wire.pool import BindState, UpstreamPool, hosts_of
from smppproxy.words import EVERYTHING, LOG_ROOMS

Row = dict[str, Any]
Rows = Iterable[Row]

TYPES = {(True, True): "trx", (True, False): "tx", (False, True): "rx"}

_NO_HOST = HostCounts()


def utc(seconds: float) -> str:
    """A moment in unix seconds, to the second."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# -- binds ----------------------------------------------------------------------------------------


def binds(rooms: Rooms) -> Iterator[Row]:
    """Every bind to a provider, then every session of a client."""
    now = rooms.clock.seconds()
    bound = {upstream.name: upstream for upstream in rooms.relay.directory.upstreams}
    for _, pool in sorted(rooms.pools.items()):
        for state in pool.states():
            yield _bind(rooms, pool, state, bound.get(name_of(state)), now)
    for upstream in _vias(rooms):
        yield _via(upstream, now)
    for account, clients in sorted(rooms.relay.directory.clients.items()):
        for client in sorted(clients, key=lambda client: client.name):
            yield _session(rooms, account, client, now)


def name_of(state: BindState) -> str:
    """``acme/a/2``, or ``acme/a/2rx`` where a bind goes one way only."""
    suffix = "" if state.bind == "trx" else state.bind
    return f"{state.provider}/{state.host}/{state.number}{suffix}"


def _bind(
    rooms: Rooms, pool: UpstreamPool, state: BindState, upstream: Upstream | None, now: float
) -> Row:
    return {
        "side": "provider",
        "name": name_of(state),
        "of": state.provider,
        "type": state.bind,
        "state": state.state.lower(),
        "admin": admin_of(rooms, state),
        # One that never tried, as other nodes have all binds, entered no state yet.
        "for": round(now - state.since, 1) if state.since else 0.0,
        "down": rooms.outages.lasts(state),
        "peer": upstream.peer if upstream is not None else "",
        "window": pool.provider.window,
        "outstanding": state.outstanding,
        "deliveries": 0,
        "last_error": state.last_error,
        "alarm": state.alarm,
    }


def _vias(rooms: Rooms) -> list[Upstream]:
    """Sessions with other nodes that have binds of a provider."""
    upstreams = rooms.relay.directory.upstreams
    found = [each for each in upstreams if isinstance(each.host, Via)]
    return sorted(found, key=lambda upstream: upstream.name)


def _via(upstream: Upstream, now: float) -> Row:
    window = upstream.session.window
    return {
        "side": "provider",
        "name": upstream.name,
        "of": upstream.provider.name,
        "type": "tx",
        "state": "bound",
        "admin": "up",
        "for": round(now - upstream.bound_at, 1),
        "down": 0.0,
        "peer": upstream.peer or upstream.host.address,
        "window": window.limit,
        "outstanding": len(window),
        "deliveries": 0,
        "last_error": "",
        "alarm": False,
    }


def admin_of(rooms: Rooms, state: BindState) -> str:
    """What the operator wants of a bind."""
    states = rooms.relay.directory.states
    return states.of(state.provider, state.host, name_of(state).rpartition("/")[2])


def _session(rooms: Rooms, account: str, client: Client, now: float) -> Row:
    session = client.session
    return {
        "side": "account",
        "name": client.name.partition(" ")[0],
        "of": account,
        "type": TYPES.get((session.can_submit, session.can_receive), ""),
        "state": session.state,
        "admin": _wanted(rooms, account),
        "for": round(now - client.bound_at, 1),
        "down": 0.0,
        "peer": client.peer,
        "window": client.account.window,
        "outstanding": client.outstanding,
        "deliveries": len(session.window),
        "last_error": "",
        "alarm": False,
    }


# -- providers and hosts --------------------------------------------------------------------------


def providers(rooms: Rooms) -> Iterator[Row]:
    """Every provider of the network."""
    learned = rooms.relay.learned()
    for name, provider in _used(rooms):
        states = _states(rooms, name)
        counts = [_host_counts(rooms, name, host.name) for host in provider.hosts]
        pool = rooms.relay.directory.pools.get(name)
        loads = [rooms.loads.of(name, host.name) for host in provider.hosts]
        yield {
            "provider": name,
            "preset": provider.preset,
            "state": _state(rooms, states),
            "admin": _admin_of_all(rooms, states),
            "binds": _bound_of(states),
            "window": provider.window * len(_placed(states)),
            "outstanding": sum(state.outstanding for state in states),
            "backlog": len(pool.backlog) if pool is not None else 0,
            "why": _why(rooms, name, ""),
            "ids": learned.get(name, ""),
            **_host_totals(counts),
            **together(loads),
        }


def hosts(rooms: Rooms) -> Iterator[Row]:
    """Every host that is bound to."""
    for _, provider in _used(rooms):
        for host in hosts_of(provider):
            yield _host(rooms, provider, host)
        for upstream in _vias(rooms):
            if upstream.provider.name == provider.name:
                yield _via_host(rooms, upstream)


def _used(rooms: Rooms) -> Iterator[tuple[str, Provider]]:
    """The providers that this process may bind to: none where its workers do."""
    if rooms.node.part.has_doors:
        yield from sorted(rooms.network().providers.items())


def _via_host(rooms: Rooms, upstream: Upstream) -> Row:
    """Another node, as if it were a host."""
    provider, host = upstream.provider.name, upstream.host.name
    counts = _host_counts(rooms, provider, host)
    return {
        "host": f"{provider}/{host}",
        "provider": provider,
        "address": upstream.host.address,
        "tls": False,
        "state": "up",
        "why": _why(rooms, provider, host),
        "admin": "up",
        "binds": "1/1",
        "outstanding": len(upstream.session.window),
        "refusals": by_name(counts.refused),
        "unreadable": counts.unreadable,
        **_host_totals([counts]),
        **rooms.loads.of(provider, host),
    }


def _host(rooms: Rooms, provider: Provider, host: Host) -> Row:
    states = [state for state in _states(rooms, provider.name) if state.host == host.name]
    counts = _host_counts(rooms, provider.name, host.name)
    port, tls = provider.door(host)
    return {
        "host": f"{provider.name}/{host.name}",
        "provider": provider.name,
        "address": f"{host.address}:{port}",
        "tls": tls,
        "state": _state(rooms, states),
        "why": _why(rooms, provider.name, host.name),
        "admin": _admin_of_all(rooms, states),
        "binds": _bound_of(states),
        "outstanding": sum(state.outstanding for state in states),
        "refusals": by_name(counts.refused),
        "unreadable": counts.unreadable,
        **_host_totals([counts]),
        **rooms.loads.of(provider.name, host.name),
    }


def _why(rooms: Rooms, provider: str, host: str) -> str:
    """Why it takes no message at this moment; "" when it does."""
    return rooms.relay.directory.why(provider, host, rooms.clock.seconds())


def _states(rooms: Rooms, provider: str) -> list[BindState]:
    pool = rooms.pools.get(provider)
    return pool.states() if pool is not None else []


def _placed(states: list[BindState]) -> list[BindState]:
    """The binds that this node may have: for the others, other nodes have them."""
    return [state for state in states if state.state != WAITING]


def _state(rooms: Rooms, states: list[BindState]) -> str:
    """In one word; of what this worker has no bind of, other ones have all."""
    return NO_PLACE if rooms.node.part.of and not states else state_of(states)


def state_of(states: list[BindState]) -> str:
    """In one word."""
    placed = _placed(states)
    bound = sum(state.state == "Bound" for state in placed)
    if states and not placed:
        return NO_PLACE
    if not bound:
        return "down"
    return "up" if bound == len(placed) else "partly"


def _bound_of(states: list[BindState]) -> str:
    placed = _placed(states)
    return f"{sum(state.state == 'Bound' for state in placed)}/{len(placed)}"


def _admin_of_all(rooms: Rooms, states: list[BindState]) -> str:
    """What holds for all of them; where they differ, every one of them."""
    wanted = sorted({admin_of(rooms, state) for state in states})
    return " ".join(wanted) or "up"


def _host_counts(rooms: Rooms, provider: str, host: str) -> HostCounts:
    return rooms.relay.counts.hosts.get((provider, host), _NO_HOST)


def _host_totals(counts: list[HostCounts]) -> Row:
    return {
        "submitted": sum(each.submitted for each in counts),
        "accepted": sum(each.accepted for each in counts),
        "refused": sum(sum(each.refused.values()) for each in counts),
        "in_doubt": sum(each.in_doubt for each in counts),
        "receipts": sum(sum(each.receipts.values()) for each in counts),
        "mo": sum(each.mo for each in counts),
    }


def by_name(refused: Mapping[int, int]) -> dict[str, int]:
    """Refusals by the name of their command_status."""
    return {
        "other" if status == OTHER else status_name(status): count
        for status, count in sorted(refused.items())
    }


def _wanted(rooms: Rooms, account: str) -> str:
    return "drain" if account in rooms.barred else "up"


# -- accounts -------------------------------------------------------------------------------------


def accounts(rooms: Rooms) -> Iterator[Row]:
    """Every account of the network."""
    none = AccountCounts(rooms.wall)
    for name, account in sorted(rooms.network().accounts.items()):
        counts = rooms.relay.counts.accounts.get(name, none)
        clients = rooms.relay.directory.clients.get(name, ())
        yield {
            "account": name,
            "enabled": account.enabled,
            "admin": _wanted(rooms, name),
            "binds": len(clients),
            "max_binds": account.max_binds,
            "outstanding": sum(client.outstanding for client in clients),
            "submitted": counts.submitted,
            "accepted": counts.accepted,
            "refused": sum(counts.refused.values()),
            "refusals": by_name(counts.refused),
            "in_doubt": counts.in_doubt,
            "receipts_queued": counts.queued,
            "delivered": sum(counts.delivered.values()),
            "receipts_refused": counts.refused_by_client,
            "mo_delivered": counts.mo_delivered,
            "unacked": sum(len(client.session.window) for client in clients),
            **rooms.loads.of(name),
        }


# -- messages -------------------------------------------------------------------------------------


def inflight(rooms: Rooms) -> Iterator[Row]:
    """What was sent and not answered, what waits for room, and what is in doubt."""
    now = rooms.clock.seconds()
    directory = rooms.relay.directory
    for upstream in sorted(directory.upstreams, key=lambda upstream: upstream.name):
        window = upstream.session.window
        for state, held in (("sent", window.waiting()), ("in doubt", window.remembered())):
            for sequence_number, submit in held:
                if isinstance(submit, HopMessage):
                    continue  # its own node tells of it
                yield _message(state, submit, upstream.name, sequence_number, now)
    for _, pool in sorted(directory.pools.items()):
        for submit in pool.backlog:
            yield _message("waiting", submit, "", 0, now)


def _message(state: str, submit: Submit, bind: str, sequence_number: int, now: float) -> Row:
    raw, (source_at, dest_at, esm_at, _, _, _) = submit.pdu.raw, submit.offsets
    account = submit.account
    return {
        "state": state,
        "account": account.system_id,
        "client_message_id": submit.client_message_id.decode("latin-1"),
        "source": shown(raw[source_at + 2 : dest_at - 1], account),
        "destination": shown(raw[dest_at + 2 : esm_at - 1], account),
        "bind": bind,
        "sequence_number": sequence_number,
        "attempts": submit.attempts,
        "age": round(now - submit.arrived, 1),
    }


# -- the node -------------------------------------------------------------------------------------


def ledger(rooms: Rooms) -> Iterator[Row]:
    """One row."""
    yield told(rooms.relay.ledger)


def nodes(rooms: Rooms) -> Iterator[Row]:
    """One row: how this node says that it is."""
    directory = rooms.relay.directory
    state = "store crowded" if rooms.relay.crowding.crowded else "up"
    if not rooms.store.ready:
        state = "store away"
    now = rooms.wall()
    standing = rooms.standing()
    hops = len(_vias(rooms))
    refused = f"version {standing.refused} refused: {standing.reason}" if standing.refused else ""
    yield {
        "state": "draining" if rooms.is_draining() else state,
        "started": utc(rooms.started),
        "uptime": round(now - rooms.started, 1),
        "version": standing.version,
        "trouble": refused,
        "durability": rooms.store.durability,
        "journal": rooms.relay.maps.state,
        "program": rooms.program,
        "admin": rooms.door(),
        "clients": sum(map(len, directory.clients.values())),
        "binds": len(directory.upstreams) - hops,
        "hops": hops,
        "in_flight": rooms.relay.ledger.in_flight,
        "queued": rooms.relay.ledger.queued,
    }


def budgets(rooms: Rooms) -> Iterator[Row]:
    """What accounts and providers may have of binds and messages a second."""
    shares = rooms.relay.shares()
    for name, account in sorted(rooms.network().accounts.items()):
        yield {
            "of": f"account:{name}",
            "binds": len(rooms.relay.directory.clients.get(name, ())),
            "max_binds": account.max_binds,
            "tps": float(account.tps),
            "share": _share(shares, f"account:{name}", account.tps),
        }
    for name, provider in sorted(rooms.network().providers.items()):
        yield {
            "of": f"provider:{name}",
            "binds": sum(state.state == "Bound" for state in _states(rooms, name)),
            "max_binds": provider.max_binds * len(provider.hosts),
            "tps": float(provider.tps),
            "share": _share(shares, f"provider:{name}", provider.tps),
        }


def _share(shares: Mapping[str, float], name: str, tps: float) -> float | None:
    """What of a limit is this node's now; without a limit there is nothing to share."""
    return round(shares.get(name, 0.0), 2) if tps or name in shares else None


def quality(rooms: Rooms) -> Iterator[Row]:
    """How well providers deliver by the prefixes of routes by quality, as this node measured it."""
    for row in rooms.relay.quality.quality.measures(rooms.clock.seconds()):
        known = {name: "" if row[name] is None else str(row[name]) for name in ("ratio", "latency")}
        yield {**row, **known, "prefix": row["prefix"] or "all others"}


def logs(rooms: Rooms) -> Iterator[Row]:
    """How much is logged of everything, then of each room."""
    levels = rooms.log_levels
    for room in (EVERYTHING, *LOG_ROOMS):
        yield {"room": room, "level": levels.level(room), "own": levels.is_own(room)}


OF_A_NODE: dict[str, Callable[[Rooms], Rows]] = {
    "binds": binds,
    "providers": providers,
    "hosts": hosts,
    "accounts": accounts,
    "inflight": inflight,
    "ledger": ledger,
    "nodes": nodes,
    "budgets": budgets,
    "quality": quality,
    "logs": logs,
}
"""By the name of the view."""
