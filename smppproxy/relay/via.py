"""Another node in the place of a provider's host."""

from __future__ import annotations

import attrs

from smppproxy.routing.providers import Host


@attrs.define
class Via(Host):
    """Another node that has binds of the provider, as if it were a host: ``via node2``.

    It takes submits only while this node has no bind of its own that does (decisions, reading 8).

    :ivar node: its name.
    :ivar binds: how many binds it has.
    """

    node: str = ""
    binds: int = 1
