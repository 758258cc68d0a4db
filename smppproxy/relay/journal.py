"""The journal: what the journeys note for the message log, as tuples of what they have in hand.

A fact is made of what is there anyway: no text, no time of day, no look-up; nearly all are one
tuple per read. Whoever keeps the log (``admin.message_log``) makes octets of it at once and lets
go of it: objects that are kept for a moment longer outlive the collector's young generations, and
what it then costs to look through the old one was 10 us per message. Without a log nothing is done.

``now`` is monotonic seconds. The kinds, and what follows each of them:

* ``ACCEPTED``: now, (submit, ...)
* ``REFUSED``: now, client, ((status, pdu), ...), upstream or None, whose provider said so
* ``IN_DOUBT``: now, submit; ``ABANDONED``: likewise, its client went before it was sent
* ``RESENT``: now, submit, upstream to which its second copy goes
* ``RECEIPTS``: now, upstream, (pdu, ...), (receipt, ...), (arrival, ...), what the store says
* ``NAMELESS``: now, upstream, pdu, receipt or None
* ``DELIVERED``: now, client, ((delivery, deliver_sm_resp), ...), whether all are receipts that were
  taken
* ``MESSAGES``: now, upstream, (pdu, ...), (body, ...), queue
* ``NETWORK``: nothing; accounts may want something else from here on
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

(
    ACCEPTED,
    REFUSED,
    IN_DOUBT,
    ABANDONED,
    RESENT,
    RECEIPTS,
    NAMELESS,
    DELIVERED,
    MESSAGES,
    NETWORK,
) = range(10)

Fact = tuple[Any, ...]


class Journal:
    """Where facts go.

    :ivar note: takes a fact; does nothing until :meth:`open`.
    """

    __slots__ = ("note",)

    note: Callable[[Fact], None]

    def __init__(self) -> None:
        self.close()

    def open(self, note: Callable[[Fact], None]) -> None:
        """Somebody keeps a log from now on."""
        self.note = note

    def close(self) -> None:
        """Nobody does any more."""
        self.note = _nothing


def _nothing(fact: Fact) -> None:
    """There is no log."""
