"""What the memory promises to the journeys: maps, receipts and MO messages that survive a restart.

Everything here is bytes, integers and Deferreds. One call serves a whole read (a list goes in, a
list comes out) and is one atomic step of the store. The same contract holds for the shared store
(``store.redis``), the private one (``store.embedded``) and the one for tests (``store.memory``).

A call that changes something may be tried again without harm: each batch carries a token, and the
store keeps the result of a batch for ten minutes. ``patience`` says for how long a call that met an
absent store is tried again, in seconds: ``0`` gives up at once, ``None`` tries until the store is
back or the caller cancels the Deferred. After that it fails with :class:`StoreUnavailable`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import attrs
from twisted.internet.defer import Deferred

from .budgets import Budgets
from .cluster import Cluster
from .history import History
from .leftovers import Leftovers
from .times import Measured

QUEUED, PARKED, DUPLICATE, UNWANTED, QUARANTINED, SUPERSEDED, MERGED = range(7)

OUTCOME_NAMES = (
    "queued",
    "parked",
    "duplicate",
    "unwanted",
    "quarantined",
    "superseded",
    "merged",
)
"""Names of the outcomes of :meth:`Store.match`, for metrics and logs."""

NOT_SENT = "not_sent"
UNKNOWN = "unknown"

RECEIPTS = b"r:"
"""Prefix of an account's receipt queue: ``b"r:" + account``."""

MESSAGES = b"m:"
"""Prefix of an account's MO queue: ``b"m:" + account``."""

DEFAULT_COUNT = 25_000
"""Entries a queue holds when nobody said otherwise (L1, GW-22)."""

DEFAULT_KEEP = 172_800
"""Seconds an entry is kept when nobody said otherwise: 48 h (L1, GW-22)."""

PARKED_KEEP = 172_800
"""Seconds a parked receipt waits for its submit_sm_resp: 48 h (D5)."""

DUE_AHEAD = 60
"""Seconds before the end of its map at which :meth:`Store.overdue` takes a message (MG-21)."""

DUE_GRACE = 3_600
"""Seconds for which a map that :meth:`Store.overdue` still has to see outlives its end."""


Name = tuple[bytes, bytes]
"""Queue and entry_id of an entry."""


class StoreError(Exception):
    """The store is set up in a way that the product cannot work with."""


class StoreUnavailable(Exception):
    """The store did not do, or did not say that it did, what was asked.

    ``fate`` is ``"not_sent"`` when nothing can have been changed, ``"unknown"`` when the call left
    and no answer came. ``reason`` is one of ``"away"`` (nobody there who takes it), ``"lost"`` (the
    connection went, or was given up, while the call was out), ``"busy"`` (too many calls are out),
    ``"full"`` (the store is out of memory, F83) and ``"refused"`` (any other error it answered).
    """

    def __init__(self, fate: str, reason: str = "away", detail: str = "") -> None:
        super().__init__(f"store unavailable: {reason}, fate {fate}" + (detail and f": {detail}"))
        self.fate = fate
        self.reason = reason


@attrs.define
class Mapping:
    """The way back of one accepted submit_sm.

    ``key`` is the normalised provider_message_id (never empty), ``destination`` the tail that a
    receipt's source address must fit, ``want`` the kinds of receipts that were asked for (bits),
    ``origin`` a packed :class:`smppproxy.store.records.Origin`, handed back untouched.

    ``group`` (up to 255 octets, ``b""``: none) joins the maps of one account that are one message
    of its client: ``parts`` final receipts (1 to 255) make one, and this map is for the one of
    ``part`` (from 1). ``part`` 0: one map for several receipts, one per segment (XC-09); without
    a ``group`` the map is one of its own. ``late``: DELIVERED after EXPIRED or UNKNOWN is passed
    on, once (mission 3.5). ``remind``: :meth:`Store.overdue` tells when no final receipt came.
    ``also`` has the origins of other messages of the account that were answered without an id and
    share this map (XC-08): each gets an entry of its own for every receipt that is queued.
    """

    key: bytes
    account: bytes
    destination: bytes
    want: int
    origin: bytes
    group: bytes = b""
    parts: int = 1
    part: int = 1
    late: bool = False
    remind: bool = False
    also: tuple[bytes, ...] = ()


@attrs.define
class Arrival:
    """One receipt from a provider.

    ``keys`` are the ids it may be found under, best first; ``destination`` is the tail of the
    number that got the message (``b""``: the provider does not say); ``kind`` is one bit of
    ``want``; ``state`` is message_state (0 to 255); ``receipt`` is a packed record. ``segment``
    is the number of the segment it is for, where the provider says so (0: it does not). ``raw``
    is the PDU as it came, kept beside a receipt that has no owner so that it can be read again
    with other settings; ``b""``: it is not kept.
    """

    keys: tuple[bytes, ...]
    destination: bytes
    kind: int
    state: int
    final: bool
    receipt: bytes
    segment: int = 0
    raw: bytes = attrs.field(default=b"", repr=False)


@attrs.define
class Entry:
    """One queued receipt (``origin`` and ``receipt``) or MO (``origin`` is ``b""``).

    ``deliveries`` counts how often it was handed to a node, this time included. For a group
    ``sub`` is its number of parts and ``dlvrd`` how many of them were good when this was queued;
    otherwise they are 1 and -1 (not said), and the receipt's own count.
    """

    queue: bytes
    entry_id: bytes
    deliveries: int
    origin: bytes
    receipt: bytes
    sub: int = 1
    dlvrd: int = -1


Room = Callable[[bytes, int], bool]
"""Whether this node has receivers for so many receipts of a queue, by its name, right now."""


class Matched(list[tuple[int, bytes]]):
    """What :meth:`Store.match` found: ``(outcome, queue)`` of each receipt.

    :ivar accounts: whose message each is, ``b""`` where the queue says it or nobody knows.
    :ivar message_ids: the client_message_id of each, ``b""`` where no map was met or it is shared.
    :ivar entries: those of the queued ones that are in this node's hands now, as after a
        :meth:`Store.fetch`, oldest first.
    """

    __slots__ = ("accounts", "entries", "message_ids")

    def __init__(self, found: Iterable[tuple[int, bytes]] = ()) -> None:
        super().__init__(found)
        self.accounts: list[bytes] = []
        self.message_ids: list[bytes] = []
        self.entries: list[Entry] = []

    @property
    def owners(self) -> list[tuple[bytes, bytes]]:
        """Account and client_message_id of each, as far as they are known."""
        return [
            (account or queue[2:], message_id)
            for (_, queue), account, message_id in zip(
                self, self.accounts, self.message_ids, strict=True
            )
        ]


@attrs.define
class Limit:
    """How much a queue holds: ``count`` entries, exactly, each for at most ``keep`` seconds."""

    count: int
    keep: int


@attrs.define
class Stray:
    """A receipt without an owner: an orphan (no map came in 48 h) or one in quarantine (D7).

    ``arrived`` is in unix seconds; ``reason`` says in a word why it is here: ``b"unknown"``,
    ``b"destination"``, ``b"ambiguous"`` or ``b"no_id"``.
    """

    entry_id: bytes
    provider: bytes
    reason: bytes
    arrived: int
    arrival: Arrival


@attrs.define
class Overdue:
    """A message whose map ends without a final receipt (MG-21).

    The fields are those of its :class:`Mapping`; ``parts`` is 1 unless it is a group, of which
    one map speaks for all. A map with more origins gives one of these for each.
    """

    provider: bytes
    key: bytes
    account: bytes
    want: int
    destination: bytes
    origin: bytes
    parts: int = 1


def until_it_is_back(failure: Any) -> None:
    """Ends a call that is made again anyway, or that time makes up for: the store is away."""
    failure.trap(StoreUnavailable)


class Store(Budgets, Cluster, Leftovers, History, Measured, Protocol):
    """The contract. Every Deferred fails with :class:`StoreUnavailable` and nothing else."""

    ready: bool
    """Whether the store takes what is new right now; cheap enough to be read for each message."""

    durability: str
    """What it keeps an acknowledged change through, as far as it tells: ``memory``: nothing;
    ``process``: the end of any process; ``replica``: the loss of the server's machine."""

    full: bool
    """Whether it is not ready because it is out of memory: queues can still be emptied (F83)."""

    memory_used: float
    """The part of the memory it may use that it did use when it was last looked at, every few
    seconds; 0.0 where it may use any."""

    overflowed: dict[bytes, int]
    """How many entries each queue lost to its limit in this node's calls so far, but for
    :meth:`sweep`, which tells itself; :meth:`dropped` counts all nodes and reasons."""

    def watch(self, callback: Callable[[bool], None]) -> None:
        """Call ``callback(ready)`` at every change of ``ready``."""

    def start(self) -> Deferred[None]:
        """Connect. Fires when the store is ready for the first time.

        Fails with :class:`StoreError` when it can never work as it is set up. A store that is
        merely away is tried for ever.
        """

    def stop(self) -> Deferred[None]:
        """Disconnect; calls that are out fail. Fires when nothing is left."""

    def take_numbers(self, name: bytes, count: int, patience: float | None = 0.0) -> Deferred[int]:
        """First of ``count`` numbers in a row that no node ever got before; counts from 1."""

    def record(
        self,
        provider: bytes,
        mappings: list[Mapping],
        ttl: int,
        limits: dict[bytes, Limit],
        patience: float | None = 5.0,
        final_ttl: int = 43_200,
    ) -> Deferred[list[tuple[int, bytes]]]:
        """Write maps, each with its time to live in seconds, and release what was parked for them.

        Both happen in one atomic step (D4). The result has one ``(outcome, queue)`` per receipt
        released, as :meth:`match` gives them.
        Mappings with an empty key are left out (F22). Two maps under one key are both kept, up to
        eight, and told apart by their destination (F75).

        ``limits`` go by queue name and are remembered by the store, so passing the same dict
        object again costs nothing; change limits by passing another dict, not in place.
        ``final_ttl`` counts for a final receipt that was parked, see :meth:`match`.
        """

    def match(
        self,
        provider: bytes,
        arrivals: list[Arrival],
        final_ttl: int,
        limits: dict[bytes, Limit],
        patience: float | None = None,
        room: Room | None = None,
    ) -> Deferred[Matched]:
        """Find the owners of the receipts of one read and queue each of them, atomically.

        One ``(outcome, queue)`` per arrival; the queue is ``b""`` unless ``QUEUED``.
        ``QUEUED``: it is in ``b"r:" + account``. ``PARKED``: no map yet, kept until one comes.
        ``DUPLICATE``: this state came before (D3), or the same receipt is parked already.
        ``SUPERSEDED``: a final one came before (D9). ``UNWANTED``: not asked for (XC-10).
        ``QUARANTINED``: the destination does not fit, not exactly one map fits, or there is no
        id at all (D7). A final receipt shortens the life of its map to ``final_ttl`` seconds and
        never deletes it (D10).

        A call that fails with fate unknown may have been done in part.

        ``room`` is asked whether this node takes so many receipts of a queue at once. Those may
        then be in its hands in the same step, if nothing else waits in their queue. What a call
        whose answer is lost has put there is handed out again as :meth:`adopt` says: only after
        a minute, so ``room`` is for those who wait for the answer for ever.

        A map in a group (mission 3.6): a final receipt is ``MERGED`` until as many have come as
        the group has parts. Then one is queued: the one of the worst state, REJECTED before
        UNDELIVERABLE, EXPIRED, DELETED and UNKNOWN (the first of equals), else the last one;
        ``want`` is checked against that one's kind. What came of a group that is not complete
        when its last map ends is queued by :meth:`overdue`. Intermediate receipts are
        ``MERGED``, but the first of the whole group is queued if it is wanted. Afterwards the
        group is final for each of its maps. With ``part`` 0 every final receipt is a part, also
        one that equals another octet for octet: segments say the same thing. Only a ``segment``
        that came before is a ``DUPLICATE``.

        ``late`` in a map: DELIVERED after a final EXPIRED or UNKNOWN is queued once. In a group
        it takes that part's place, and is queued if that makes all parts good. It does nothing
        for ``part`` 0.
        """

    def put(
        self, queue: bytes, records: list[bytes], limit: Limit, patience: float | None = 5.0
    ) -> Deferred[int]:
        """Append MO records to ``b"m:" + account``; how many old ones were dropped for them."""

    def put_receipts(
        self,
        account: bytes,
        items: list[tuple[bytes, bytes]],
        limit: Limit,
        patience: float | None = 5.0,
    ) -> Deferred[int]:
        """Append receipts of our own, each ``(origin, receipt)``, to ``b"r:" + account``.

        The result is how many old entries were dropped for them.
        """

    def overdue(self, count: int, patience: float | None = None) -> Deferred[list[Overdue]]:
        """Messages that want to be reminded of and end without a final receipt (MG-21).

        Looks at up to ``count`` maps that end within the next minute, or ended up to an hour ago.
        Each message is given out once, and is final from then on: no receipt follows, except a
        late DELIVERED. A group with some of its receipts is not given out: what they say is
        queued, as :meth:`match` would when it is complete, and no more follows. That is done for
        every group, so call this about every half minute even if nobody wants to be reminded.
        """

    def fetch(
        self, wants: list[tuple[bytes, int]], patience: float | None = 5.0
    ) -> Deferred[list[Entry]]:
        """New entries of each ``(queue, count)``, oldest first.

        They are then in this node's hands until :meth:`ack`, and nobody else gets them unless
        this node neither acks nor touches them for as long as :meth:`adopt` says.
        """

    def adopt(
        self, queues: list[bytes], count: int, idle_ms: int, patience: float | None = 0.0
    ) -> Deferred[list[Entry]]:
        """Entries nobody is busy with any more, up to ``count`` per queue, now in our hands.

        ``idle_ms`` 0: what this node's name held before this process began. Else: what anyone
        (this node too) held for longer than ``idle_ms`` without a :meth:`touch` (D6).
        """

    def touch(self, held: list[Name]) -> Deferred[tuple[list[Name], list[Name]]]:
        """Say that these are still in our hands; others' are left alone.

        The result: those in our hands whose message has a later receipt by now, so that they are
        not to be sent again (GW-24), and those that are not in our hands any more.
        """

    def ack(self, acks: list[tuple[bytes, bytes]], patience: float | None = None) -> Deferred[int]:
        """Remove delivered ``(queue, entry_id)``; how many were still there (L2, L3)."""

    def take_bind(
        self,
        account: bytes,
        session: bytes,
        limit: int,
        ttl: int,
        patience: float | None = 0.0,
    ) -> Deferred[bool]:
        """Lease one of the account's ``limit`` binds over all nodes for ``ttl`` seconds (MG-28).

        ``session`` names the bind on this node; asking again for the same one renews it. False:
        all are taken. What a former process of this node's name held is given up for it.
        """

    def keep_binds(
        self, held: list[tuple[bytes, bytes]], ttl: int, patience: float | None = 0.0
    ) -> Deferred[None]:
        """Renew the leases ``(account, session)``, a few hundred at most: all others wait for it.

        A lease that ended meanwhile is taken again, over the limit if it must be: the bind is
        there.
        """

    def drop_binds(
        self, held: list[tuple[bytes, bytes]], patience: float | None = 5.0
    ) -> Deferred[None]:
        """Give up leases; those that are not there any more do no harm."""

    def sizes(self, queues: list[bytes]) -> Deferred[list[tuple[int, int]]]:
        """``(waiting, in hands)`` of each queue."""

    def sweep(self, queues: dict[bytes, Limit]) -> Deferred[dict[bytes, int]]:
        """Drop what is older than its limit and make orphans of receipts parked for 48 h.

        Counts by name: the queue, or ``b"p:" + provider`` for orphans. Bounded work per call.
        """

    def dropped(self) -> Deferred[dict[bytes, int]]:
        """How many entries each queue lost to its limits since the store began (L3)."""

    def parked(self, provider: bytes) -> Deferred[int]:
        """How many receipts of this provider wait for their submit_sm_resp."""

    def orphans(self, count: int) -> Deferred[list[Stray]]:
        """The newest receipts that never found a map, newest first (capped at 10,000; D5)."""

    def quarantined(self, count: int) -> Deferred[list[Stray]]:
        """The newest receipts in quarantine, newest first (capped at 10,000; D7)."""
