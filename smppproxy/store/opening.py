"""From a read URL to a store: the only place that knows every kind."""

from __future__ import annotations

from functools import partial
from typing import Any

from twisted.internet.endpoints import HostnameEndpoint, UNIXClientEndpoint

from .embedded import EmbeddedStore
from .greeting import Login
from .interface import Store
from .redis import RedisStore
from .sentinel import SentinelEndpoint
from .slot_master import ClusterEndpoint
from .tls import tls_endpoint
from .url import Address

CONNECT_TIMEOUT = 5


def open_address(address: Address, node_name: str, reactor: Any, durability: str) -> Store:
    """A store that is not started yet."""
    wrap = partial(tls_endpoint, name=address.name, ca=address.ca) if address.tls else None
    login = Login(address.user, address.password, address.name if address.tls else "")
    options: dict[str, Any] = {
        "login": login,
        "db": address.db,
        "prefix": address.prefix,
        "deadline": address.deadline,
        "durability": durability,
    }
    if address.scheme == "embedded":
        return EmbeddedStore(address.path, node_name, reactor, **options)
    endpoint: Any
    if address.scheme == "redis+unix":
        options["where"] = address.path
        endpoint = UNIXClientEndpoint(reactor, address.path, timeout=CONNECT_TIMEOUT)
    elif address.scheme == "redis+sentinel":
        endpoint = SentinelEndpoint(address.hosts, address.master, reactor, wrap)
    elif address.scheme == "redis+cluster":
        options["clustered"] = True
        endpoint = ClusterEndpoint(address.hosts, address.tag, reactor, login.greet, wrap)
    else:
        host, port = address.hosts[0]
        options["where"] = f"{host}:{port}"
        endpoint = HostnameEndpoint(reactor, host.encode(), port, timeout=CONNECT_TIMEOUT)
        endpoint = wrap(endpoint) if wrap else endpoint
    return RedisStore(endpoint, node_name, reactor, **options)
