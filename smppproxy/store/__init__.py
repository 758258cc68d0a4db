"""The memory, shared between nodes: maps, queued receipts and MO messages, counters.

:func:`open_store` makes one from a URL. Nothing here imports txredisapi before that: the import
installs the default reactor, which a plugin of twistd must not do (T20).
"""

from __future__ import annotations

from typing import Any

from .interface import Store


def open_store(url: str, node_name: str, reactor: Any) -> Store:
    """A store that is not started yet.

    ``reactor`` is the running one; ``node_name`` is this node's name among those that share the
    store. :class:`smppproxy.store.interface.StoreError` when the URL cannot be used.
    """
    from .opening import open_address
    from .url import parse_url

    return open_address(parse_url(url), node_name, reactor)
