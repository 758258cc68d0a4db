"""How many submit_sm an account may send in a second: over its sessions, and over nodes (SX-21)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from smppproxy.routing.accounts import Account
from smppproxy.routing.throttle import TokenBucket


class Rates:
    """The buckets of the accounts with a ``tps``.

    :ivar buckets: by system_id.
    """

    def __init__(self) -> None:
        self.buckets: dict[str, TokenBucket] = {}
        self._accounts: dict[bytes, Account] = {}
        self._nodes: dict[bytes, int] = {}

    def use(self, accounts: Iterable[Account], now: float) -> None:
        """Take these accounts; buckets of unchanged limits keep their fill."""
        old = self.buckets
        self.buckets = {}
        self._accounts = {account.key: account for account in accounts if account.tps}
        for account in self._accounts.values():
            bucket = TokenBucket(*self._share(account), now)
            kept = old.get(account.system_id)
            if kept and (kept.rate, kept.burst) == (bucket.rate, bucket.burst):
                bucket = kept
            self.buckets[account.system_id] = bucket

    def _share(self, account: Account) -> tuple[float, float]:
        """(rate, burst) of this node: an equal part of what the account may."""
        nodes = self._nodes.get(account.key, 1)
        return account.tps / nodes, (account.burst or account.tps) / nodes

    def share(self, nodes: Mapping[bytes, int]) -> None:
        """So many nodes hold binds of these accounts: each node may spend its part."""
        for key, count in nodes.items():
            account = self._accounts.get(key)
            if account is None or self._nodes.get(key, 1) == max(count, 1):
                continue
            self._nodes[key] = max(count, 1)
            rate, burst = self._share(account)
            bucket = self.buckets[account.system_id]
            bucket.rate = rate
            bucket.burst = max(burst, 1)
