"""Means of one, five and fifteen minutes."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.admin.loads import EVERY, Load, Loads, together
from smppproxy.relay.counts import Counts


class LoadTests(SynchronousTestCase):
    """One counter."""

    def test_steady(self) -> None:
        """A steady rate is told from the first look on, in all three means."""
        load = Load(0)
        self.assertEqual(load.means(), (0.0, 0.0, 0.0))
        for look in range(1, 100):
            load.look(look * 50, 5.0)
            self.assertEqual(load.means(), (10.0, 10.0, 10.0))

    def test_change(self) -> None:
        """After silence the short mean falls first, the long one last."""
        load = Load(0)
        for look in range(1, 200):
            load.look(look * 50, 5.0)
        for _ in range(24):
            load.look(199 * 50, 5.0)
        one, five, fifteen = load.means()
        self.assertLess(one, 2)
        self.assertTrue(one < five < fifteen < 10)


class LoadsTests(SynchronousTestCase):
    """All counters."""

    def test_accounts_and_hosts(self) -> None:
        """Every account and host has its own; nobody's is 0."""
        counts = Counts(lambda: 0.0, lambda: 0.0)
        counts.account("demo").submitted = 100
        counts.host("acme", "a").submitted = 50
        loads = Loads(counts)
        loads.tick(100.0)
        loads.tick(100.0 + EVERY / 2)
        self.assertEqual(loads.of("demo")["rate_1m"], 0.0)
        loads.tick(100.0 + EVERY)
        self.assertEqual(loads.of("demo")["rate_1m"], 20.0)
        self.assertEqual(loads.of("acme", "a")["rate_15m"], 10.0)
        self.assertEqual(loads.of("gone")["rate_5m"], 0.0)
        total = together([loads.of("demo"), loads.of("acme", "a")])
        self.assertEqual(total["rate_1m"], 30.0)
