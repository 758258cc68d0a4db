"""How many submit_sm an account may send in a second: over its sessions, and over nodes (SX-21).

Where nodes share the limits, a node may spend what the store grants it, and nothing before it has
asked. Alone, or as long as nobody speaks of nodes, it is all of the account's ``tps``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from smppproxy.routing.accounts import Account
from smppproxy.routing.throttle import TokenBucket
from smppproxy.store.budgets import Demand, Grant

BUDGET = b"a:"
"""Prefix of the name of an account's budget: ``b"a:" + account``."""

FADE = 0.25
"""What is left each second of a demand that is over: who paused a moment ago is back soon."""


class Part:
    """This node's part of what one account may send.

    :ivar held: per second.
    :ivar wanted: submit_sm a second that lately came, those above the limit too.
    :ivar granted: the store was asked.
    :ivar away: nobody is bound here, so that nothing of it is spent.
    """

    __slots__ = ("_asked", "account", "away", "bucket", "granted", "held", "wanted")

    def __init__(self, account: Account, now: float) -> None:
        self.account = account
        self.held = float(account.tps)
        self.bucket = TokenBucket(account.tps, account.burst, now)
        self.wanted = 0.0
        self.granted = False
        self.away = False
        self._asked = 0

    def use(self, account: Account, now: float) -> None:
        """Take other limits: of them it may send the same part as of the old ones."""
        old, self.account = self.account, account
        if (old.tps, old.burst) != (account.tps, account.burst):
            self.hold(self.held * account.tps / old.tps, now)

    def hold(self, rate: float, now: float) -> None:
        """Send so much from now on; a burst is divided as the rate is."""
        account = self.account
        self.held = rate
        self.bucket.use(rate, (account.burst or account.tps) * rate / account.tps, now)

    def grant(self, grant: Grant, now: float) -> None:
        """The store says what this node may send."""
        first, self.granted = not self.granted, True
        self.away = False
        self.hold(grant.rate, now)
        if first and grant.others:
            # What they had in hand when they gave it up is gone, and must not be here again.
            self.bucket.empty(now)
        elif first:
            self.bucket.fill(self.bucket.burst)

    def tick(self) -> None:
        """Once a second."""
        bucket = self.bucket
        asked, self._asked = bucket.asked - self._asked, bucket.asked
        self.wanted = max(float(asked), self.wanted * FADE)


class Rates:
    """The buckets of the accounts with a ``tps``.

    :ivar shared: other nodes may spend a part of it; to be set before the first bind.
    :ivar buckets: by system_id.
    """

    def __init__(self, present: Callable[[Account], bool]) -> None:
        """
        :param present: whether the account has a session here.
        """
        self.shared = False
        self.buckets: dict[str, TokenBucket] = {}
        self._present = present
        self._parts: dict[bytes, Part] = {}
        self._joined: set[bytes] = set()

    def use(self, accounts: Iterable[Account], now: float) -> None:
        """Take these accounts; buckets keep what is in them."""
        old = self._parts
        self._parts = {}
        for account in accounts:
            if not account.tps:
                continue
            part = old.get(account.key)
            if part is None:
                part = Part(account, now)
                # Who is bound already is not stopped while the store is asked.
                if self.shared and not self._present(account):
                    part.hold(0.0, now)
                    part.bucket.empty(now)
            else:
                part.use(account, now)
            self._parts[account.key] = part
        self.buckets = {part.account.system_id: part.bucket for part in self._parts.values()}

    # -- over nodes -----------------------------------------------------------------------------

    def join(self, account: Account) -> bytes:
        """The account is about to be bound here; the name of its budget, b"" without one."""
        if account.key not in self._parts:
            return b""
        self._joined.add(account.key)
        return BUDGET + account.key

    def leave(self, account: Account) -> None:
        """No place of the account is held here any more."""
        self._joined.discard(account.key)

    def demands(self, names: Collection[bytes] = ()) -> list[Demand]:
        """What this node wants of accounts that are bound here.

        :param names: of budgets; without one all of them.
        """
        demands = []
        keys = [name[len(BUDGET) :] for name in names] if names else [*self._parts]
        for key in keys:
            part = self._parts.get(key)
            if part is None:
                continue
            if key in self._joined or self._present(part.account):
                held = part.held if part.granted and not part.away else 0.0
                demands.append(Demand(BUDGET + key, part.account.tps, part.wanted, held))
            else:
                part.away = True
        return demands

    def granted(self, name: bytes, grant: Grant, now: float) -> None:
        """The store's answer to a demand."""
        part = self._parts.get(name[len(BUDGET) :])
        if part is not None:
            part.grant(grant, now)

    def tick(self) -> None:
        """Once a second."""
        for part in self._parts.values():
            part.tick()
