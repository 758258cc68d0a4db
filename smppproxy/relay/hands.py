"""What of the accounts' queues is in this node's hands, and how it leaves the store.

An entry is in hand from its fetch until the store has removed it; what is handed out once more
meanwhile is not sent twice. Of each kind of end one call is on its way at a time, so that the reads
of many clients become few calls.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.internet.defer import Deferred

from smppproxy.relay.delivery import Delivery
from smppproxy.relay.ledger import Ledger
from smppproxy.store.interface import RECEIPTS, UNKNOWN, Limit, Name, Store
from smppproxy.words import LEDGER_FIELDS

DEAD = b"d:"
DEAD_LIMIT = Limit(10_000, 1_209_600)


class Hands:
    """The entries in hand by account, and what the store has yet to hear of them.

    :ivar dropped: what is about to leave the store, and in hand no more since its account was
        dropped: it is not to be sent again.
    """

    def __init__(self, store: Store, ledger: Ledger) -> None:
        self._store = store
        self._ledger = ledger
        self._held: dict[bytes, set[Name]] = {}
        # What leaves the store with the next call, by field; a field is here while one is out.
        self._next: dict[str, list[Name]] = {}
        # What is with a call that is out or was not heard, by the identity of its list.
        self._ending: dict[int, list[Name]] = {}
        self._burying: set[Name] = set()
        self.dropped: set[Name] = set()
        self._unheard: list[tuple[list[Name], str, bool]] = []
        self._unburied: list[Delivery] = []

    def of(self, account: bytes) -> set[Name]:
        """What is in hand for this account."""
        return self._held.setdefault(account, set())

    def drop(self, account: bytes) -> None:
        """Hold nothing of this account any more."""
        held = self._held.pop(account, set())
        for names in (*self._next.values(), *self._ending.values(), self._burying):
            self.dropped.update(held.intersection(names))

    def touch(self, names: Iterable[Name]) -> None:
        """Say that these are still in hand; when the store is away, the next time does it."""
        held = list(names)
        if held:
            self._store.touch(held).addErrback(lambda failure: None)

    def touch_all(self, but: set[bytes]) -> None:
        """All that is in hand, but for these accounts."""
        self.touch(name for key, names in self._held.items() if key not in but for name in names)

    # -- leaving the store ----------------------------------------------------------------------

    def end(self, names: list[Name], field: str) -> None:
        """Remove entries from the store, and count those that were still there in ``field``."""
        waiting = self._next.get(field)
        if waiting is None:
            self._end(names, field)
        else:
            waiting += names

    def _end(self, names: list[Name], field: str, again: bool = False) -> None:
        """
        :param again: a first call may have removed them, its answer was lost.
        """
        self._next.setdefault(field, [])
        self._ending[id(names)] = names
        self._store.ack(names).addCallbacks(
            self._ended,
            self._not_ended,
            callbackArgs=(names, field, again),
            errbackArgs=(names, field, again),
        )

    def _ended(self, removed: int, names: list[Name], field: str, again: bool) -> None:
        # In hand until here: an adopt in between must not hand out what the client already has.
        del self._ending[id(names)]
        if self.dropped:
            self.dropped.difference_update(names)
        queue: bytes | None = None
        held: set[Name] | None = None
        for name in names:
            if name[0] is not queue:
                queue = name[0]
                held = self._held.get(queue[2:])
            if held is not None:
                held.discard(name)
        # The others were pushed out of a full queue, or grew too old, in the client's hands (L3).
        if again:
            # Or the call before this one removed them, or another node has handed them out since.
            receipts = sum(queue.startswith(RECEIPTS) for queue, _ in names)
            self._ledger.adrift(min(receipts, len(names) - removed))
            removed = len(names)
        self._count(field, removed)
        if removed < len(names):
            self._ledger.count("ended_too_late", len(names) - removed)
        self._go_on(field)

    def _go_on(self, field: str) -> None:
        """A call was answered: the next one takes all that waited for it."""
        waiting = self._next.pop(field, None)
        if waiting:
            self._end(waiting, field)

    def _count(self, field: str, number: int) -> None:
        if field in LEDGER_FIELDS:
            setattr(self._ledger, field, getattr(self._ledger, field) + number)
        else:
            self._ledger.count(field, number)

    def _not_ended(self, failure: Any, names: list[Name], field: str, again: bool) -> None:
        self._ledger.count("ack_not_stored")
        self._unheard.append((names, field, again or failure.value.fate == UNKNOWN))
        waiting = self._next.pop(field, None)
        if waiting:
            self._ending[id(waiting)] = waiting
            self._unheard.append((waiting, field, False))

    def refuse(self, delivery: Delivery) -> None:
        """The client will never take it."""
        field = "refused_by_client" if delivery.entry.origin else "mo_refused_by_client"
        self.end([delivery.name], field)

    def bury(self, deliveries: list[Delivery]) -> None:
        """Poison goes to the account's dead letters, then out of its queue."""
        for delivery in deliveries:
            entry = delivery.entry
            self._burying.add(delivery.name)
            record = entry.origin + entry.receipt
            put: Deferred[int] = self._store.put(DEAD + entry.queue[2:], [record], DEAD_LIMIT)
            put.addCallbacks(
                self._buried,
                self._not_buried,
                callbackArgs=(delivery,),
                errbackArgs=(delivery,),
            )

    def _buried(self, dropped: int, delivery: Delivery) -> None:
        self._ledger.count("dead_letter")
        self._burying.discard(delivery.name)
        self.refuse(delivery)

    def _not_buried(self, failure: Any, delivery: Delivery) -> None:
        self._unburied.append(delivery)

    def say_again(self) -> None:
        """What the store did not hear."""
        unheard, self._unheard = self._unheard, []
        for names, field, again in unheard:
            self._end(names, field, again)
        unburied, self._unburied = self._unburied, []
        self.bury(unburied)
