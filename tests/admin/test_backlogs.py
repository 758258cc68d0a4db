"""Tests of ``admin.backlogs``: what waits in the store, seen now and then."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.admin.backlogs import AT_ONCE, EVERY, STALE, Backlogs
from smppproxy.routing.accounts import Account
from smppproxy.store.interface import Limit
from smppproxy.store.memory import MemoryStore
from tests.support.memory_peers import ControlledStore, make_account, make_provider
from tests.support.metrics import samples


class FakeNetwork:
    """Accounts and one provider."""

    def __init__(self, *accounts: Account) -> None:
        self.accounts = {account.system_id: account for account in accounts}
        self.providers = {"p": make_provider()}


class BacklogTests(SynchronousTestCase):
    """One account, unless a test says otherwise."""

    def setUp(self) -> None:
        self.clock = Clock()
        inner = MemoryStore(self.clock)
        self.store = ControlledStore(inner)
        inner.start()
        self.account = make_account()
        self.network: Any = FakeNetwork(self.account)
        store: Any = self.store
        self.backlogs = Backlogs(store, lambda: self.network, self.clock.seconds)
        self.inner = inner

    def put(self, count: int, limit: int = 10) -> None:
        """So many MO messages come."""
        queue = b"m:" + self.account.key
        self.inner.put(queue, [b"x"] * count, Limit(limit, 1000))

    def look(self) -> None:
        """It is time to."""
        self.backlogs.tick(self.clock.seconds())

    def samples(self, name: str) -> dict[tuple[str, ...], float]:
        """By the values of their labels."""
        return {
            tuple(sample.labels.values()): sample.value
            for sample in samples(self.backlogs.metrics())
            if sample.name == f"smppproxy_{name}"
        }

    def test_nothing_was_seen(self) -> None:
        """Families without samples."""
        self.assertEqual(len([*self.backlogs.metrics()]), 5)
        self.assertEqual(samples(self.backlogs.metrics()), [])

    def test_what_waits(self) -> None:
        """Numbers, losses and the age of the oldest, which grows between two looks."""
        self.put(12)
        self.inner.fetch([(b"m:" + self.account.key, 4)])
        self.clock.advance(3)
        self.look()
        self.clock.advance(2)
        name = self.account.system_id
        self.assertEqual(
            self.samples("account_queue_waiting"), {(name, "receipts"): 0, (name, "mo"): 6}
        )
        self.assertEqual(self.samples("account_queue_in_hands")[name, "mo"], 4)
        self.assertEqual(
            self.samples("account_queue_oldest_seconds"), {(name, "receipts"): 0, (name, "mo"): 5}
        )
        self.assertEqual(self.samples("account_queue_dropped_total")[name, "mo"], 2)
        self.assertEqual(self.samples("provider_parked"), {("p",): 0})

    def test_now_and_then(self) -> None:
        """The store is asked once in a while, and not again before it has answered."""
        self.store.hold("dropped")
        self.look()
        self.clock.advance(EVERY)
        self.look()
        self.assertEqual(self.store.calls, ["dropped"])
        self.store.release()
        self.assertEqual(len(self.store.calls), 4)
        self.look()
        self.look()
        self.assertEqual(len(self.store.calls), 8)

    def test_many_accounts(self) -> None:
        """A call asks for some of them, so that the store is never busy with it for long."""
        self.network = FakeNetwork(
            *(make_account(system_id=f"a{each}") for each in range(2 * AT_ONCE + 1))
        )
        self.look()
        self.assertEqual([self.store.calls.count(name) for name in ("sizes", "ages")], [3, 3])
        self.assertEqual(len(self.samples("account_queue_waiting")), 2 * (2 * AT_ONCE + 1))

    def test_f79_the_store_is_away(self) -> None:
        """A look that fails is none; what was seen a minute ago is not told any more."""
        self.put(1)
        self.look()
        self.clock.advance(EVERY)
        self.store.fail_next("sizes")
        self.look()
        self.assertEqual(sum(self.samples("account_queue_waiting").values()), 1)
        self.store.go_away()
        self.clock.advance(STALE - EVERY)
        calls = len(self.store.calls)
        self.look()
        self.assertEqual(len(self.store.calls), calls)
        self.assertEqual(self.samples("account_queue_waiting"), {})
