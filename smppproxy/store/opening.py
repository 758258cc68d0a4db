"""From a read URL to a store: the only place that knows every kind."""

from __future__ import annotations

from functools import partial
from typing import Any

from twisted.internet.endpoints import HostnameEndpoint, UNIXClientEndpoint

from .embedded import EmbeddedStore
from .interface import Store
from .redis import RedisStore
from .sentinel import SentinelEndpoint
from .tls import tls_endpoint
from .url import Address

CONNECT_TIMEOUT = 5


def open_address(address: Address, node_name: str, reactor: Any, durability: str) -> Store:
    """A store that is not started yet."""
    options: dict[str, Any] = {
        "user": address.user,
        "password": address.password,
        "db": address.db,
        "prefix": address.prefix,
        "deadline": address.deadline,
        "durability": durability,
    }
    if address.scheme == "embedded":
        return EmbeddedStore(address.path, node_name, reactor, **options)
    if address.scheme == "redis+unix":
        options["where"] = address.path
        endpoint: Any = UNIXClientEndpoint(reactor, address.path, timeout=CONNECT_TIMEOUT)
        return RedisStore(endpoint, node_name, reactor, **options)
    if address.scheme == "redis+sentinel":
        wrap = partial(tls_endpoint, name=address.name, ca=address.ca) if address.tls else None
        endpoint = SentinelEndpoint(address.hosts, address.master, reactor, wrap)
        options["tls_name"] = address.name if address.tls else ""
        return RedisStore(endpoint, node_name, reactor, **options)
    host, port = address.hosts[0]
    options["where"] = f"{host}:{port}"
    endpoint = HostnameEndpoint(reactor, host.encode(), port, timeout=CONNECT_TIMEOUT)
    if address.scheme == "rediss":
        endpoint = tls_endpoint(endpoint, address.name, address.ca)
        options["tls_name"] = address.name
    return RedisStore(endpoint, node_name, reactor, **options)
