"""What a simulated provider still has to deliver: kept until it is acknowledged."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any, Protocol

import attrs

from smppproxy.simulator.clock import Agenda, Reactor
from smppproxy.simulator.records import Accepted, Counts
from smppproxy.smpp.session import Session

#: deliver_sm_resp statuses after which a provider tries again (ESME_RSYSERR, ESME_RMSGQFUL,
#: ESME_RTHROTTLED, ESME_RX_T_APPN).
TEMPORARY = frozenset({0x08, 0x14, 0x58, 0x64})


@attrs.define(eq=False)
class Delivery:
    """One deliver_sm or data_sm on its way; ``raw`` is the whole PDU with sequence_number 0.

    :ivar accepted: the message whose receipt it is; None for an MO message.
    """

    raw: bytes
    accepted: Accepted | None = None
    attempts: int = 0


class Receiver(Protocol):
    """A bound session that takes deliver_sm."""

    system_id: bytes
    host: str
    session: Session

    def send(self, data: bytes) -> None:
        """Write whole PDUs."""


class Mailbox:
    """Queues per system_id and host, drained over the bound receivers within their windows.

    A delivery prefers the host it was queued for and takes any other one of the same provider
    when that has no receiver. One that is not acknowledged is delivered again: after an error
    that is temporary, after a timeout, and after a lost connection.
    """

    def __init__(self, reactor: Reactor, agenda: Agenda, counts: Counts, retry: float) -> None:
        self._reactor = reactor
        self._agenda = agenda
        self._counts = counts
        self._retry = retry
        self._queues: dict[bytes, dict[str, deque[Delivery]]] = {}
        self._receivers: dict[bytes, list[Receiver]] = {}
        self._flush_is_due = False
        self._turn = 0
        self._closed = False

    @property
    def waiting(self) -> int:
        """Deliveries that are in no window."""
        return sum(len(q) for queues in self._queues.values() for q in queues.values())

    @property
    def unacknowledged(self) -> int:
        """Deliveries that were sent and not answered."""
        return sum(len(r.session.window) for rs in self._receivers.values() for r in rs)

    def close(self) -> None:
        """Deliver nothing more."""
        self._closed = True

    def join(self, receiver: Receiver) -> None:
        """A receiver is bound: what waits for its system_id may go to it."""
        self._receivers.setdefault(receiver.system_id, []).append(receiver)
        self.flush_soon()

    def leave(self, receiver: Receiver) -> None:
        """A receiver is gone; what its window held is due again, in the order it was sent."""
        receivers = self._receivers.get(receiver.system_id, [])
        if receiver in receivers:
            receivers.remove(receiver)
        self.put_back(receiver, receiver.session.window.drain())

    def put(self, system_id: bytes, host: str, delivery: Delivery) -> None:
        """Queue a delivery; it leaves within this turn of the reactor."""
        queues = self._queues.setdefault(system_id, {})
        queue = queues.get(host)
        if queue is None:
            queue = queues[host] = deque()
        queue.append(delivery)
        self.flush_soon()

    def put_back(self, receiver: Receiver, deliveries: Iterable[Any]) -> None:
        """Queue again, ahead of all others, what a receiver did not acknowledge."""
        kept = list(deliveries)
        if not kept:
            return
        self._counts.deliveries_retried += len(kept)
        queues = self._queues.setdefault(receiver.system_id, {})
        queues.setdefault(receiver.host, deque()).extendleft(reversed(kept))
        self.flush_soon()

    def answered(self, receiver: Receiver, answers: Iterable[tuple[Any, Any]]) -> None:
        """The deliver_sm_resp (or generic_nack) of one read, each with its delivery."""
        counts = self._counts
        for delivery, pdu in answers:
            status = pdu.command_status
            if status == 0 and pdu.command_id != 0x80000000:
                if delivery.accepted is None:
                    counts.mo_acked += 1
                else:
                    counts.receipts_acked += 1
                    delivery.accepted.receipts_acked += 1
            elif status in TEMPORARY:
                self._agenda.after(self._retry, self.put_back, receiver, [delivery])
            else:
                counts.deliveries_refused += 1
        self.flush_soon()

    def flush_soon(self) -> None:
        """Deliver at the end of this turn of the reactor."""
        if not self._flush_is_due and not self._closed:
            self._flush_is_due = True
            self._reactor.callLater(0, self._flush_due)

    def _flush_due(self) -> None:
        self._flush_is_due = False
        self.flush()

    def flush(self) -> None:
        """Deliver what the windows have room for, one write per receiver."""
        if self._closed:
            return
        for system_id, queues in self._queues.items():
            receivers = self._receivers.get(system_id)
            if not receivers:
                continue
            for host, queue in queues.items():
                if queue:
                    here = [r for r in receivers if r.host == host]
                    self._drain(queue, here or receivers)

    def _drain(self, queue: deque[Delivery], receivers: list[Receiver]) -> None:
        self._turn += 1
        first = self._turn % len(receivers)
        share = -(-len(queue) // len(receivers))
        for receiver in receivers[first:] + receivers[:first]:
            count = min(share, len(queue), receiver.session.window.room)
            if count > 0:
                self._send(receiver, [queue.popleft() for _ in range(count)])

    def _send(self, receiver: Receiver, deliveries: list[Delivery]) -> None:
        counts = self._counts
        window = receiver.session.window
        now = self._reactor.seconds()
        out: list[bytes] = []
        for delivery in deliveries:
            delivery.attempts += 1
            if delivery.accepted is None:
                counts.mo_sent += 1
            else:
                counts.receipts_sent += 1
                delivery.accepted.receipts_sent += 1
            raw = delivery.raw
            out += (raw[:12], window.open(delivery, now).to_bytes(4, "big"), raw[16:])
        receiver.send(b"".join(out))
