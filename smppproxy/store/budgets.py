"""What a store promises to nodes that share limits, and keeps of what operators said.

A budget is a rate that all nodes together may not exceed: an account's ``tps``, a provider's.
Each node holds a part of it. The parts follow what the nodes have to send; what a node may have is
what no other one holds, so that the sum never exceeds the whole: a node that is to hold less says
so, once it does, with its next call.
"""

from __future__ import annotations

from typing import Protocol

import attrs
from twisted.internet.defer import Deferred

LEAST = 0.1
"""The part of a budget that is divided evenly, whatever the nodes have to send."""


@attrs.define
class Demand:
    """What a node wants of a budget.

    ``limit`` is the whole of it, per second; ``wanted`` what the node lately had to send, and
    ``held`` what it now sends at most.
    """

    name: bytes
    limit: float
    wanted: float
    held: float


@attrs.define
class Grant:
    """What a node may send of a budget, per second.

    ``target`` is its fair part, of which ``rate`` may be less as long as others hold too much.
    ``others`` is how many other nodes hold a part.
    """

    rate: float
    target: float
    others: int


def grant_of(demand: Demand, others: list[tuple[float, float]]) -> Grant:
    """What a node may have beside others, each with what it ``(held, wanted)``."""
    count = len(others) + 1
    total = demand.wanted + sum(wanted for _, wanted in others)
    part = demand.wanted / total if total > 0 else 1 / count
    target = demand.limit * (LEAST / count + (1 - LEAST) * part)
    left = demand.limit - sum(held for held, _ in others)
    return Grant(max(0.0, min(target, left)), target, count - 1)


class Budgets(Protocol):
    """The part of the contract of a store that is about shared limits and operators' wishes.

    Every Deferred fails with :class:`~smppproxy.store.interface.StoreUnavailable` and nothing else.
    """

    def share(
        self, demands: list[Demand], gone: list[bytes], ttl: float, patience: float | None = 0.0
    ) -> Deferred[dict[bytes, Grant]]:
        """What this node may have of each budget, for ``ttl`` seconds, by its name.

        A grant of more than was held may be used at once; for less, the next call tells that it is
        held. Of the budgets in ``gone`` this node holds nothing any more. What a former process of
        this node's name held is free.
        """

    def wishes(
        self, changes: dict[bytes, bytes], patience: float | None = 5.0
    ) -> Deferred[dict[bytes, bytes]]:
        """Keep what operators said, ``b""`` for what is not to be kept any more; then all of it."""
