"""The journal: what the journeys note for the message log, as tuples of what they have in hand.

A fact costs its tuple and an ``append``: no text, no time of day, no look-up; most are one tuple
per read. Whoever keeps the log takes them a few times a second (``admin.message_log``). Without a
log nothing is kept.

``now`` is monotonic seconds. The kinds, and what follows each of them:

* ``ACCEPTED``: latency (seconds from its arrival), submit
* ``REFUSED``: now, client, ((status, pdu), ...), upstream or None, whose provider said so
* ``IN_DOUBT``: now, submit; ``ABANDONED``: likewise, its client went before it was sent
* ``RESENT``: now, submit, upstream to which its second copy goes
* ``RECEIPTS``: now, upstream, (pdu, ...), (receipt, ...), (arrival, ...), what the store says
* ``NAMELESS``: now, upstream, pdu, receipt or None
* ``DELIVERED``: now, client, ((delivery, deliver_sm_resp), ...)
* ``MESSAGES``: now, upstream, (pdu, ...), (body, ...), queue
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
) = range(9)

Fact = tuple[Any, ...]


class Journal:
    """Facts since somebody took them.

    :ivar note: adds a fact; does nothing until :meth:`open`.
    """

    __slots__ = ("_facts", "note")

    note: Callable[[Fact], None]

    def __init__(self) -> None:
        self._facts: list[Fact] = []
        self.note = _nothing

    def open(self) -> None:
        """Somebody keeps a log from now on, and takes what is noted a few times a second."""
        self.note = self._facts.append

    def take(self) -> list[Fact]:
        """What was noted since the last time, in its order."""
        facts = self._facts
        if facts:
            self._facts = []
            self.note = self._facts.append
        return facts

    def close(self) -> None:
        """Nobody keeps a log any more."""
        self.note = _nothing
        self._facts = []


def _nothing(fact: Fact) -> None:
    """There is no log."""
