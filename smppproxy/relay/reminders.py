"""Messages whose provider never said what became of them: their account may be told so (MG-21)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from twisted.logger import Logger

from smppproxy.receipts.dialects import kind_of
from smppproxy.receipts.own import ON_NO_RECEIPT, OwnReceipt
from smppproxy.relay.counts import Counts
from smppproxy.relay.ledger import Ledger
from smppproxy.routing.accounts import Account
from smppproxy.store.interface import RECEIPTS, Limit, Overdue, Store
from smppproxy.store.records import ReceiptRecord

ASK_EVERY = 30.0
"""Seconds between two questions to the store; it tells each message once."""

AT_ONCE = 500
"""Messages per question; when there were as many, the next one is asked at once."""


class Reminders:
    """Puts receipts of our own into the queues of accounts with ``on_no_receipt``."""

    _log = Logger()

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        wall_clock: Callable[[], float],
        released: Callable[[Iterable[bytes]], None],
        counts: Counts,
    ) -> None:
        """
        :param wall_clock: unix seconds: the done date.
        :param released: told the queues that grew.
        """
        self._store = store
        self._ledger = ledger
        self._counts = counts
        self._wall_clock = wall_clock
        self._released = released
        self._accounts: dict[bytes, Account] = {}
        self._limits: Mapping[bytes, Limit] = {}
        self._asked = 0.0
        self._asking = False

    def use(self, accounts: Iterable[Account], limits: Mapping[bytes, Limit]) -> None:
        """Take these accounts, and the limits of their queues."""
        self._accounts = {account.key: account for account in accounts}
        self._limits = limits

    def tick(self, now: float) -> None:
        """Once a second."""
        if now - self._asked >= ASK_EVERY and not self._asking and self._store.ready:
            self._asked = now
            self._ask()

    def _ask(self) -> None:
        self._asking = True
        self._store.overdue(AT_ONCE).addCallbacks(self._answered, self._not_answered)

    def _not_answered(self, failure: Any) -> None:
        self._asking = False

    def _answered(self, messages: list[Overdue]) -> None:
        self._asking = False
        items: dict[bytes, list[tuple[bytes, bytes]]] = {}
        for message in messages:
            account = self._accounts.get(message.account)
            own = ON_NO_RECEIPT[account.on_no_receipt] if account is not None else None
            if own is not None and message.want & kind_of(own.state, True, False):
                items.setdefault(message.account, []).append((message.origin, self._record(own)))
        for key, receipts in items.items():
            self._put(key, receipts)
        if len(messages) >= AT_ONCE:
            self._ask()

    def _record(self, own: OwnReceipt) -> bytes:
        done = int(self._wall_clock())
        return ReceiptRecord(own.state, own.stat, own.err, done, -1, -1, b"", b"", True).pack()

    def _put(self, key: bytes, receipts: list[tuple[bytes, bytes]]) -> None:
        """The store gave these messages away: what it does not take now it takes later."""
        account = self._accounts[key]
        limit = self._limits.get(RECEIPTS + key) or Limit(
            account.receipt_limit, account.receipt_keep
        )

        def stored(dropped: int) -> None:
            self._ledger.made += len(receipts)
            self._counts.queued({RECEIPTS + key: len(receipts)})
            self._log.info(
                "{count} messages of {account} never had a receipt",
                event="no_receipt",
                account=account.system_id,
                count=len(receipts),
                told=account.on_no_receipt,
            )
            self._released((RECEIPTS + key,))

        def lost(failure: Any) -> None:
            self._ledger.count("no_receipt_not_told", len(receipts))

        self._store.put_receipts(key, receipts, limit, None).addCallbacks(stored, lost)
