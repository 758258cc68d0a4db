"""The memory, shared between nodes: maps, queued receipts and MO messages, counters.

:func:`open_store` makes one from a URL. Nothing here imports txredisapi before that: the import
installs the default reactor, which a plugin of twistd must not do (T20).

What is promised, and who keeps it (on a server, in the memory of tests):

==========================================  ========================  ==================
`interface` maps, receipts, MO messages     `commands`                `memory`, `world`
`leftovers` what has no owner yet           `leftover_commands`       `leftover_memory`
`history` counts by the hour, traces        `history_commands`        `history_memory`
`cluster` nodes, versions of the network    `cluster_commands`        `cluster_memory`
`budgets` limits that nodes share           `commands`                `memory`
`bus` what nodes say to each other          `listening`               `bus`
==========================================  ========================  ==================

And underneath:

=============  ===================================================================================
`records`      what is written about a message: versioned, length-checked octets
`batches`      the forms in which batches travel to the scripts and back
`settling`     receipts whose maps the node reads first
`known`        maps that the node has just recorded
`scripts`      the Lua scripts, put together from shared parts
`merging`      several receipts as one entry, for the store in memory
`journal`      a file of this node for maps that the store does not take

`checking`     the URL in a node file, before anything starts
`opening`      from a read URL (`url`) to a store: the only place that knows every kind
`redis`        the store on a server: handshake and readiness
`replicas`     answers that wait until a replica has what they speak of
`calls`        calls that outlive a connection: patience, a bound, one exception
`times`        how long calls took
`link`         one connection
`greeting`     what each begins with: login, and whether the server is who it should be
`asking`       several servers asked one thing: for those two
`sentinel`     where the master is, by the word of sentinels
`slot_master`  where it is in a cluster
`slots`        that cluster's slots, and what its servers say of them
`tls`          TLS to the store
`embedded`     the store in a folder of this machine, on a private server
`server`       that server: found, started, watched, started again, stopped
=============  ===================================================================================
"""

from __future__ import annotations

from typing import Any

from .interface import Store


def open_store(url: str, node_name: str, reactor: Any, durability: str = "process") -> Store:
    """A store that is not started yet.

    ``reactor`` is the running one; ``node_name`` is this node's name among those that share the
    store; ``durability`` is what it must keep acknowledged changes through (``config.node``).
    :class:`smppproxy.store.interface.StoreError` when the URL cannot be used.
    """
    from .opening import open_address
    from .url import parse_url

    return open_address(parse_url(url), node_name, reactor, durability)
