"""Who serves a slot of a cluster: where a hash tag belongs, and what servers say about it.

A server may be behind, or cut off with an old master. Each claim to a slot carries the epoch in
which it was made, and the cluster itself settles disputes by it: whoever took the slot last has it.
So does :func:`newest`; how many say so matters only between equals.
"""

from __future__ import annotations

from binascii import crc_hqx
from collections import Counter
from collections.abc import Iterable
from typing import Any

import attrs

SLOTS = 16384

Place = tuple[str, int]


def slot_of(tag: bytes) -> int:
    """The slot of every key with this hash tag: CRC-16/XMODEM, as the cluster reckons it."""
    return crc_hqx(tag, 0) % SLOTS


@attrs.define(frozen=True)
class Claim:
    """By one server's word: a slot's master, the epoch of its claim, and its replicas."""

    master: Place
    epoch: int
    replicas: tuple[Place, ...] = ()


def read_claim(slots: Any, nodes: Any, slot: int, asked: str) -> Claim | None:
    """What a server said to ``CLUSTER SLOTS`` and ``CLUSTER NODES`` about one slot.

    None when nobody serves the slot, or when it cannot be understood.

    :param asked: the host that was asked: a server that has not been told its own address names
        none, and means the one where it was found.
    """
    try:
        return _claim(slots, _epochs(nodes), slot, asked)
    except (TypeError, ValueError, IndexError, AttributeError):
        return None


def is_arriving(nodes: Any, slot: int) -> bool:
    """By the answer to ``CLUSTER NODES``: whether who gave it takes keys of a slot from its master.

    That lasts until the move is over, or given up on both sides, whatever becomes of the master.
    """
    return isinstance(nodes, bytes) and b" [%d-<-" % slot in nodes


def newest(claims: Iterable[Claim]) -> Claim | None:
    """The claim of the highest epoch; of several, the one that most servers make."""
    votes = Counter(claims)
    return max(votes, key=lambda claim: (claim.epoch, votes[claim]), default=None)


def _claim(slots: Any, epochs: dict[bytes, int], slot: int, asked: str) -> Claim | None:
    for first, last, *servers in slots:
        if first <= slot <= last:
            master, *replicas = (_place(server, asked) for server in servers)
            if master is None:
                return None
            epoch = epochs.get(servers[0][2], 0)
            return Claim(master, epoch, tuple(each for each in replicas if each is not None))
    return None


def _place(server: Any, asked: str) -> Place | None:
    """Where clients are to go; None when that is not known to whoever was asked."""
    host, port = server[:2]
    if host == b"?":
        # Names are preferred, and it has none: its address stands among the other facts.
        facts = server[3]
        host = dict(zip(facts[::2], facts[1::2], strict=True)).get(b"ip")
        if not host:
            return None
    return (host.decode() if host else asked), int(port)


def _epochs(nodes: Any) -> dict[bytes, int]:
    """By the name of a server: the epoch of what it claims."""
    lines = (line.split(b" ") for line in nodes.splitlines() if line)
    return {fields[0]: int(fields[6]) for fields in lines}
