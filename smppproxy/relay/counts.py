"""Counters of each account and of each provider's host (MG-30): integers bumped in place.

A bound session holds the object that it counts in (``client.counts``, ``upstream.counts``), so that
nothing is looked up and no text is made per PDU; names and labels are made when somebody asks, in
``admin.metrics``. Counts begin at 0 with the process and only grow. An account that was never bound
here, and a host that never was, have none.

They are told apart as the layers are (MG-01): what a client submitted, what a host accepted, what
the client was told, and what its receipts said, are four counts.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from smppproxy.smpp.constants import GENERIC_NACK
from smppproxy.smpp.pdu import Pdu
from smppproxy.store.records import STATE_AT, SUBMITTED_AT, glanced
from smppproxy.store.times import Times

if TYPE_CHECKING:
    from smppproxy.store.interface import Entry

ANSWER_BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Seconds from a submit_sm to its ESME_ROK: upper bounds of the histogram's buckets."""

FINAL_BOUNDS = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 21_600.0, 86_400.0)
"""Seconds from a submit_sm to the client's answer to its final receipt. Submit times are kept in
whole seconds, so these are right to a second."""

MOST_STATUSES = 100
"""Different command_status that are told apart per account and host; the rest is counted as one."""

MOST_OF_A_PLACE = 255
"""Octets of :attr:`HostCounts.place` that a record has room for."""

OTHER = -1
"""Stands for every command_status beyond :data:`MOST_STATUSES`."""


class AccountCounts:
    """What an account's sessions on this node did.

    ``submitted = accepted + sum(refused) + in_doubt + abandoned``, and what has no answer yet.

    :ivar refused: by the command_status that the client got.
    :ivar in_doubt: told ESME_RUNKNOWNERR, or gone before the fate of the message was known.
    :ivar abandoned: the client went while the message waited here; it was never sent.
    :ivar answers: time from a submit_sm to its ESME_ROK.
    :ivar queued: receipts that came into the account's queue.
    :ivar delivered: receipts that the client acknowledged, by message_state.
    :ivar refused_by_client: receipts that it refused for good.
    :ivar mo_delivered: MO messages that it acknowledged.
    :ivar finals: time from a submit_sm to the acknowledgement of its final receipt.
    """

    __slots__ = (
        "_wall_clock",
        "abandoned",
        "answers",
        "delivered",
        "finals",
        "in_doubt",
        "mo_delivered",
        "queued",
        "refused",
        "refused_by_client",
        "submitted",
    )

    def __init__(self, wall_clock: Callable[[], float]) -> None:
        self._wall_clock = wall_clock
        self.submitted = 0
        self.refused: dict[int, int] = {}
        self.in_doubt = 0
        self.abandoned = 0
        self.answers = Times(ANSWER_BOUNDS)
        self.queued = 0
        self.delivered: defaultdict[int, int] = defaultdict(int)
        self.refused_by_client = 0
        self.mo_delivered = 0
        self.finals = Times(FINAL_BOUNDS)

    @property
    def accepted(self) -> int:
        """submit_sm answered ESME_ROK."""
        return self.answers.count

    def accept(self, seconds: float, number: int = 1) -> None:
        """So many submit_sm get their ESME_ROK, each so many seconds after it came."""
        answers = self.answers
        answers.total += seconds * number
        answers.buckets[bisect_left(ANSWER_BOUNDS, seconds)] += number

    def refuse(self, command_status: int) -> None:
        """A submit_sm is answered with an error."""
        bump(self.refused, command_status)

    def acknowledged(self, entries: Iterable[Entry]) -> None:
        """The client took these receipts and MO messages."""
        # Those of one read are of the same seconds, and nearly always say the same.
        alike: dict[tuple[int, bytes], int] = {}
        for entry in entries:
            origin = entry.origin
            if not origin:
                self.mo_delivered += 1
                continue
            seen = (entry.receipt[STATE_AT], origin[SUBMITTED_AT])
            alike[seen] = alike.get(seen, 0) + 1
        now = self._wall_clock()
        for (octet, submitted_at), number in alike.items():
            state, final, submit_time = glanced(octet, submitted_at)
            self.delivered[state] += number
            if final:
                self.finals.add(now - submit_time, number)


class HostCounts:
    """What went to a provider's host from this node, and what came from it.

    :ivar submitted: submit_sm written, second copies included.
    :ivar accepted: submit_sm that it answered ESME_ROK, late answers included.
    :ivar refused: by its own command_status, whatever the client was told then.
    :ivar in_doubt: submit_sm that it did not answer before its session ended or their time was up.
    :ivar receipts: read from it, by message_state; those that it repeats count again.
    :ivar unreadable: receipts without any message id.
    :ivar mo: MO messages read from it.
    :ivar place: its provider and itself, as records have it: ``b"PROVIDER/HOST"``.
    """

    __slots__ = (
        "accepted",
        "in_doubt",
        "mo",
        "place",
        "receipts",
        "refused",
        "submitted",
        "unreadable",
    )

    def __init__(self, place: bytes = b"") -> None:
        self.place = place
        self.submitted = 0
        self.accepted = 0
        self.refused: dict[int, int] = {}
        self.in_doubt = 0
        self.receipts: defaultdict[int, int] = defaultdict(int)
        self.unreadable = 0
        self.mo = 0

    def answered(self, answers: Sequence[tuple[Any, Pdu]]) -> None:
        """The answers to submit_sm of one read."""
        refused = [
            pdu for _, pdu in answers if pdu.command_status or pdu.command_id == GENERIC_NACK
        ]
        self.accepted += len(answers) - len(refused)
        for pdu in refused:
            bump(self.refused, pdu.command_status)


class Counts:
    """Every account's and every host's counters.

    :ivar accounts: by system_id.
    :ivar hosts: by the names of provider and host.
    :ivar seconds: the monotonic clock.
    """

    def __init__(self, seconds: Callable[[], float], wall_clock: Callable[[], float]) -> None:
        """
        :param seconds: the monotonic clock.
        :param wall_clock: unix seconds, for times that are longer than a process lives.
        """
        self.seconds = seconds
        self._wall_clock = wall_clock
        self.accounts: dict[str, AccountCounts] = {}
        self.hosts: dict[tuple[str, str], HostCounts] = {}

    def account(self, system_id: str) -> AccountCounts:
        """The counters of an account, made at its first use."""
        found = self.accounts.get(system_id)
        if found is None:
            found = AccountCounts(self._wall_clock)
            self.accounts[system_id] = found
        return found

    def host(self, provider: str, host: str) -> HostCounts:
        """The counters of a provider's host, made at its first use."""
        found = self.hosts.get((provider, host))
        if found is None:
            place = f"{provider}/{host}".encode()[:MOST_OF_A_PLACE]
            found = self.hosts[provider, host] = HostCounts(place)
        return found

    def queued(self, queues: Mapping[bytes, int]) -> None:
        """So many receipts were put into each of these queues; b"" is none."""
        for queue, number in queues.items():
            if queue:
                self.account(queue[2:].decode()).queued += number


def bump(counts: dict[int, int], command_status: int) -> None:
    """One more of these; a peer cannot make more than :data:`MOST_STATUSES` names."""
    if command_status not in counts and len(counts) >= MOST_STATUSES:
        command_status = OTHER
    counts[command_status] = counts.get(command_status, 0) + 1
