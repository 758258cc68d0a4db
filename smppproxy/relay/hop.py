"""Messages of other nodes that go out over this node's binds: the journey on the far side of a hop.

A node without a bind of a provider sends its submit_sm over a session to one that has (decisions,
reading 8). There they take their place in the window of its own binds, within its rate, in the
order in which they came; what the provider answers goes back as it came, under the number that the
other node gave the message. Here is no account, no map and no ledger of them: the node that sent
them keeps all of it. They never go over a second hop.

Two outcomes are no provider's: *not sent* (:data:`NO_BIND`, :data:`TOO_LONG`) and *in doubt*
(:data:`DOUBT`). They are submit_sm_resp with a command_status that SMPP 3.4 leaves to vendors and a
body that no provider sends, so that a provider's own code of that number stays the provider's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from struct import Struct
from typing import Any, Protocol

from smppproxy.relay.directory import Directory
from smppproxy.relay.peers import Upstream
from smppproxy.relay.pool import Pool
from smppproxy.relay.retry import BACKLOG_AGE
from smppproxy.relay.spelling import Spellings
from smppproxy.relay.submission import Offsets, affinity_of, flush, write_to
from smppproxy.smpp.constants import SUBMIT_SM_RESP
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.fields import walk_message
from smppproxy.smpp.pdu import Pdu

NO_BIND = 0x4F0
"""Not sent: the node has no bind of the provider (any more)."""

TOO_LONG = 0x4F1
"""Not sent: no window had room for it in time."""

DOUBT = 0x4F2
"""Sent, and the bind was lost, or the provider did not answer in time."""

OURS = frozenset((NO_BIND, TOO_LONG, DOUBT))

_BODY = b"\0\x17\xf0\0\x08smpp-hop"
"""An empty message_id and a TLV of ours."""

NOWHERE: Offsets = (0, 0, 0, 0, 0, 0)

_HEADER = Struct(">IIII").pack
_SEQUENCE = Struct(">I").pack


def own_answer(command_status: int, sequence_number: int) -> bytes:
    """The octets of an outcome that is no provider's."""
    return _HEADER(16 + len(_BODY), SUBMIT_SM_RESP, command_status, sequence_number) + _BODY


def outcome_of(pdu: Pdu) -> int:
    """Which of :data:`OURS` an answer over a hop is; 0: it is the provider's own."""
    return pdu.command_status if pdu.command_status in OURS and pdu.raw[16:] == _BODY else 0


class HopCounts:
    """What came over the hop from one node for one provider; apart from the ledger.

    :ivar messages: submit_sm taken; each is ``answered``, ``not_sent`` or ``in_doubt`` in the end,
        or its node went before that.
    """

    __slots__ = ("answered", "in_doubt", "messages", "not_sent")

    def __init__(self) -> None:
        self.messages = self.answered = self.not_sent = self.in_doubt = 0


class HopPeer(Protocol):
    """A session of another node: what the journey asks of it.

    :ivar provider: the name of the provider that it sends to.
    :ivar outstanding: taken and not answered; the journey adds, ``answer`` takes away.
    """

    provider: str
    connected: bool
    outstanding: int
    counts: HopCounts

    def answer(self, data: bytes, count: int) -> None:
        """Write ``count`` submit_sm_resp."""


class HopMessage:
    """A submit_sm of another node: what a window and a pool ask of a message, and no more.

    :ivar offsets: of its fields, as ``walk_message`` gives them; :data:`NOWHERE` if it cannot be
        read: the other node has let it pass, and the provider may judge it.
    """

    __slots__ = ("affinity", "arrived", "offsets", "out", "peer")
    retry = None

    def __init__(self, peer: HopPeer, pdu: Pdu, arrived: float) -> None:
        self.peer = peer
        self.out = pdu
        self.offsets = NOWHERE
        self.affinity = -1
        self.arrived = arrived
        try:
            self.offsets = walk_message(pdu.raw)
        except BodyError:
            return
        self.affinity = affinity_of(pdu.raw, self.offsets)

    @property
    def pdu(self) -> Pdu:
        """What goes out is what came."""
        return self.out


class Hops:
    """The messages of other nodes on this one.

    :ivar used: whether there ever was one: until then nobody looks for them among the others.
    :ivar counts: by provider and node.
    :ivar changed: called when it may be another one which providers this node has binds of.
    """

    def __init__(
        self,
        directory: Directory,
        ask: Callable[[], object],
        spellings: Spellings,
        broken: Callable[[Upstream, int, float], object],
    ) -> None:
        """
        :param ask: asks for :meth:`look` at the next beat.
        :param broken: told what a provider refused with, which may mean that the bind is none.
        """
        self.used = False
        self.counts: dict[tuple[str, str], HopCounts] = {}
        self.changed: Callable[[], object] = _nothing
        self._directory = directory
        self._ask = ask
        self._spellings = spellings
        self._broken = broken
        self._queues: dict[str, deque[HopMessage]] = {}

    def binds(self) -> dict[str, int]:
        """How many binds of its own this node has of each provider that can take submits."""
        found = {name: pool.own for name, pool in self._directory.pools.items()}
        return {name: count for name, count in found.items() if count}

    def counts_of(self, provider: str, node: str) -> HopCounts:
        """The counters of a node's messages for a provider, made at their first use."""
        return self.counts.setdefault((provider, node), HopCounts())

    # -- what comes over the hop ----------------------------------------------------------------

    def requests(self, peer: HopPeer, pdus: Sequence[Pdu], now: float) -> None:
        """The submit_sm of one read."""
        self.used = True
        peer.outstanding += len(pdus)
        peer.counts.messages += len(pdus)
        messages = [HopMessage(peer, pdu, now) for pdu in pdus]
        pool = self._directory.pools.get(peer.provider)
        if pool is None or not pool.own:
            self._tell(messages, NO_BIND)
            return
        self._queues.setdefault(peer.provider, deque()).extend(messages)
        self._advance(pool, now, False)

    def _advance(self, pool: Pool, now: float, shares: bool) -> None:
        """Write what waits, as far as there is room for it.

        :param shares: room has come that is shared with what waits here of this node's own, by
            their numbers; without it, that goes first.
        """
        queue = self._queues.get(pool.provider.name)
        if not queue:
            return
        most = len(queue)
        if pool.backlog:
            room = sum(max(0, bind.session.window.room) for bind in pool.open)
            most = -(-room * most // (most + len(pool.backlog))) if shares else 0
        writes: dict[Upstream, list[bytes]] = {}
        stuck: list[HopMessage] = []
        while queue and most > 0:
            message = queue.popleft()
            if not message.peer.connected:
                continue
            alone = message.affinity < 0
            bind = pool.pick(now) if alone else pool.pick_for(message, now)
            if bind is not None:
                write_to(bind, message, now, writes)
                most -= 1
                continue
            stuck.append(message)
            if alone or pool.limited:
                break
        queue.extendleft(reversed(stuck))
        flush(writes)
        if queue:
            self._ask()

    # -- what providers answer ------------------------------------------------------------------

    def take(
        self,
        upstream: Upstream,
        answers: Sequence[tuple[Any, Pdu]],
        now: float,
        late: bool = False,
    ) -> list[tuple[Any, Pdu]]:
        """Give other nodes the provider's answers to their messages; what is left is our own.

        :param late: they were in doubt, and have been told so.
        """
        ours: list[tuple[Any, Pdu]] = []
        theirs: list[tuple[HopMessage, Pdu]] = []
        replies: dict[HopPeer, list[bytes]] = {}
        for token, pdu in answers:
            if token.__class__ is HopMessage:
                raw = pdu.raw
                number = _SEQUENCE(token.out.sequence_number)
                replies.setdefault(token.peer, []).append(raw[:12] + number + raw[16:])
                theirs.append((token, pdu))
            else:
                ours.append((token, pdu))
        for peer, parts in replies.items():
            count = 0 if late else len(parts)
            peer.counts.answered += count
            peer.answer(b"".join(parts), count)
        if theirs:
            self._learn(upstream, theirs, now)
        return ours

    def _learn(
        self, upstream: Upstream, answers: Sequence[tuple[HopMessage, Pdu]], now: float
    ) -> None:
        """What the answers tell of the provider's ids, and of this node's bind."""
        if upstream.provider.ids.auto:
            readable = [each for each in answers if each[0].offsets is not NOWHERE]
            self._spellings.responses(upstream.provider, readable)
        for _, pdu in answers:
            if pdu.command_status:
                self._broken(upstream, pdu.command_status, now)

    def answered(self, upstream: Upstream, now: float) -> None:
        """Windows have room again: before our own backlog takes all of it."""
        pool = self._directory.pools.get(upstream.provider.name)
        if pool is not None and pool.own:
            self._advance(pool, now, True)

    def expired(self, upstream: Upstream, tokens: Sequence[Any]) -> list[Any]:
        """Not answered in time: in doubt on their nodes; what is left is our own."""
        messages = [each for each in tokens if each.__class__ is HopMessage]
        upstream.counts.in_doubt += len(messages)
        self._tell(messages, DOUBT)
        return [each for each in tokens if each.__class__ is not HopMessage]

    def lost(self, upstream: Upstream) -> None:
        """The bind is gone: what it had of other nodes is in doubt there."""
        window = upstream.session.window
        waiting = [each for each in window.waiting() if each[1].__class__ is HopMessage]
        for sequence_number, _ in waiting:
            window.close(sequence_number)
        upstream.counts.in_doubt += len(waiting)
        self._tell([message for _, message in waiting], DOUBT)

    def _tell(self, messages: Iterable[HopMessage], outcome: int) -> None:
        replies: dict[HopPeer, list[bytes]] = {}
        for message in messages:
            octets = own_answer(outcome, message.out.sequence_number)
            replies.setdefault(message.peer, []).append(octets)
        for peer, parts in replies.items():
            if outcome == DOUBT:
                peer.counts.in_doubt += len(parts)
            else:
                peer.counts.not_sent += len(parts)
            peer.answer(b"".join(parts), len(parts))

    # -- binds that come and go, time that passes -----------------------------------------------

    def look(self, now: float) -> bool:
        """Send what can go, give back what cannot; whether anything waits still."""
        for name, queue in self._queues.items():
            pool = self._directory.pools.get(name)
            if pool is None or not pool.own:
                messages = [*queue]
                queue.clear()
                self._tell(messages, NO_BIND)
                continue
            old: list[HopMessage] = []
            while queue and now - queue[0].arrived >= BACKLOG_AGE:
                old.append(queue.popleft())
            self._tell(old, TOO_LONG)
            self._advance(pool, now, True)
        return any(self._queues.values())

    def restated(self, now: float) -> None:
        """A bind of this node came or went, or something else is wanted of it."""
        if self.used:
            self.look(now)
        self.changed()


def _nothing() -> None:
    """Nobody wants to know."""
