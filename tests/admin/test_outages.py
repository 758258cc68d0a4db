"""Since when a bind is down."""

from __future__ import annotations

from typing import Any

import attrs
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.admin.outages import Outages
from smppproxy.wire.pool import BindState
from tests.support.doors import DoorCase, ask, asynchronous


class OutagesTests(SynchronousTestCase):
    """One bind that comes and goes."""

    def setUp(self) -> None:
        self.clock = Clock()
        known = {"provider": "acme", "host": "a", "number": 1, "bind": "trx", "state": "Bound"}
        rest: dict[str, Any] = {field.name: 0 for field in attrs.fields(BindState)}
        self.state = BindState(**rest | known)
        self.outages = Outages(lambda: [self.state], self.clock.seconds)

    def passes(self, seconds: int, state: str) -> float:
        """Time in a state, which it entered anew each second; how long it is down then."""
        for _ in range(seconds):
            self.clock.advance(1)
            self.state = attrs.evolve(self.state, state=state, since=self.clock.seconds())
            self.outages.tick(self.clock.seconds())
        return self.outages.lasts(self.state)

    def test_attempts_do_not_count(self) -> None:
        """However often it is tried again: it is down since it was last bound."""
        self.assertEqual(self.passes(5, "Bound"), 0.0)
        self.assertEqual(self.passes(3, "Connecting"), 2.0)
        self.assertEqual(self.passes(60, "Waiting"), 62.0)
        self.assertEqual(self.passes(2, "Bound"), 0.0)
        self.assertEqual(self.passes(1, "Waiting"), 0.0)

    def test_no_place(self) -> None:
        """A bind that waits while other nodes have all of them is not down."""
        self.assertEqual(self.passes(5, "Bound"), 0.0)
        self.assertEqual(self.passes(60, "Unadmitted"), 0.0)
        self.assertEqual(self.passes(3, "Connecting"), 2.0)

    def test_metric(self) -> None:
        """Prometheus is told the same, of each bind."""
        self.passes(5, "Bound")
        self.passes(7, "Waiting")
        text = "".join(piece for family in self.outages.metrics() for piece in family.text())
        self.assertIn(
            'smppproxy_upstream_down_seconds{bind="1trx",host="a",provider="acme"} 6.0', text
        )

    def test_before_it_was_looked_at(self) -> None:
        """A bind that was not seen yet is down since it entered its state."""
        self.state = attrs.evolve(self.state, state="Waiting", since=0.0)
        self.clock.advance(4)
        self.assertEqual(self.outages.lasts(self.state), 4.0)


class ShownTests(DoorCase):
    """As ``show binds`` tells it."""

    @asynchronous
    async def test_shown(self) -> None:
        """A bind that is tried again and again is down for longer than it is in its state."""
        smsc = self.provider("a", "b")
        self.write_network(smsc)
        node = self.with_socket()
        await self.wait(lambda: all(each.state == "Bound" for each in node.binds()), "the binds")
        await smsc.crash("b")
        down = {"acme/b/1": 0.0}
        while down["acme/b/1"] < 1.5:
            rows = (await ask(node, "api/v1/show/binds?name=acme")).json["rows"]
            down = {row["name"]: row["down"] for row in rows}
        self.assertEqual(down["acme/a/1"], 0.0)
