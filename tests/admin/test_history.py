"""The last hour of a node: what is kept, for how long, and how nodes are added."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.admin import history
from smppproxy.admin.history import SLOTS, STEP, History, quantile, together
from smppproxy.relay.counts import ANSWER_BOUNDS, Counts
from smppproxy.relay.ledger import Ledger
from smppproxy.smpp.constants import STATE_DELIVERED
from tests.support.doors import DoorCase, ask, asynchronous

BEGIN = 1_000_000 * STEP


class Node:
    """The part of a relay that is looked at."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.clock.rightNow = float(BEGIN)
        self.ledger = Ledger()
        self.counts = Counts(self.clock.seconds, self.clock.seconds)
        self.history = History(self, self.clock.seconds)  # type: ignore[arg-type]
        self.history.tick()

    def passes(self, steps: int = 1) -> None:
        """Time, a second at once."""
        for _ in range(steps * STEP):
            self.clock.advance(1)
            self.history.tick()

    def told(self, first: int = 0, named: bool = True) -> Any:
        """What this node alone answers."""
        return together([self.history.told(first, named)])


class KeptTests(SynchronousTestCase):
    """One node."""

    def test_counts_of_each_step(self) -> None:
        """What a counter grew by stands at the step in which it grew; what is here now stands as
        it is."""
        node = Node()
        node.ledger.submitted += 3  # of a step that was over before anybody looked
        node.passes()
        node.ledger.submitted += 5
        node.ledger.accepted += 4
        node.passes(2)
        told = node.told()
        self.assertEqual(told["first"], BEGIN)
        self.assertEqual(told["totals"]["submitted"], [3, 5, 0])
        self.assertEqual(told["totals"]["accepted"], [0, 4, 0])
        self.assertEqual(told["totals"]["in_flight"], [3, 4, 4])

    def test_nothing_yet(self) -> None:
        """At the start there is nothing, and that is told as such."""
        told = Node().told()
        self.assertEqual((told["first"], told["count"], told["providers"]), (0, 0, []))
        self.assertEqual(told["answers"], {"p50": [], "p95": [], "p99": []})

    def test_only_what_is_new(self) -> None:
        """From a step on; and nothing of what is still to come."""
        node = Node()
        node.passes(10)
        told = node.told(BEGIN // STEP + 7)
        self.assertEqual((told["first"], told["count"]), (BEGIN + 7 * STEP, 3))
        self.assertEqual(node.told(BEGIN // STEP + 10)["count"], 0)

    def test_an_hour(self) -> None:
        """After an hour the oldest goes, and no series takes more room."""
        node = Node()
        node.ledger.submitted += 1
        node.passes(SLOTS + 5)
        told = node.told()
        self.assertEqual((told["count"], told["first"]), (SLOTS, BEGIN + 5 * STEP))
        self.assertEqual(sum(told["totals"]["submitted"]), 0)
        self.assertEqual({len(ring) for ring in node.history._rings.values()}, {SLOTS})

    def test_a_pause(self) -> None:
        """Steps in which the node stood still went without counts; what came is in the last one."""
        node = Node()
        node.passes()
        node.ledger.submitted += 7
        node.clock.advance(3 * STEP)
        node.history.tick()
        self.assertEqual(node.told()["totals"]["submitted"], [0, 0, 0, 7])

    def test_the_clock_is_set(self) -> None:
        """A wall clock that is set back, or on by an hour, begins a new hour."""
        for seconds in (-600.0, 2.0 * SLOTS * STEP):
            node = Node()
            node.passes(3)
            node.clock.rightNow += seconds
            node.history.tick()
            self.assertEqual(node.told()["count"], 0)
            node.ledger.submitted += 2
            node.passes()
            self.assertEqual(node.told()["totals"]["submitted"], [2])

    def test_providers_and_accounts(self) -> None:
        """The hosts of a provider are added; final receipts and the delivered among them; unless
        only the totals are wanted."""
        node = Node()
        for host in ("a", "b"):
            counts = node.counts.host("acme", host)
            counts.submitted, counts.accepted, counts.refused = 4, 3, {0x58: 1}
            counts.receipts[STATE_DELIVERED] += 2
            counts.receipts[5] += 1  # UNDELIV
            counts.receipts[1] += 9  # ENROUTE: not final
        account = node.counts.account("shop")
        account.submitted, account.refused = 8, {0x58: 2}
        account.delivered[STATE_DELIVERED] += 5
        node.passes()
        told = node.told()
        self.assertEqual(
            told["providers"],
            [{"provider": "acme", "submitted": [8], "accepted": [6], "refused": [2],
              "ended": [6], "delivered": [4]}],
        )  # fmt: skip
        self.assertEqual(
            told["accounts"],
            [{"account": "shop", "submitted": [8], "accepted": [0], "refused": [2],
              "delivered": [5]}],
        )  # fmt: skip
        self.assertEqual(node.told(named=False)["providers"], [])

    def test_bounded(self) -> None:
        """Only so many accounts and providers have series of their own."""
        self.patch(history, "MOST_ACCOUNTS", 2)
        self.patch(history, "MOST_PROVIDERS", 1)
        node = Node()
        for name in ("one", "two", "three"):
            node.counts.account(name).submitted += 1
            node.counts.host(name, "a").submitted += 1
        node.passes()
        told = node.told()
        self.assertEqual([row["account"] for row in told["accounts"]], ["one", "two"])
        self.assertEqual([row["provider"] for row in told["providers"]], ["one"])

    def test_times(self) -> None:
        """How long answers took: where half, 95 and 99 of a hundred stayed below; None where
        nothing was answered."""
        node = Node()
        answers = node.counts.account("shop").answers
        for _ in range(100):
            answers.add(0.02)
        node.passes()
        answers.add(0.2)
        node.passes(2)
        p50 = node.told()["answers"]["p50"]
        self.assertEqual(p50, [0.0175, 0.175, None])


class QuantileTests(SynchronousTestCase):
    """Where a part of a histogram is below."""

    def test_within_a_bucket(self) -> None:
        """A bucket is taken to be evenly filled; empty ones are passed over."""
        self.assertEqual(quantile([10, 0, 10, 0], (1.0, 2.0, 3.0), 0.5), 1.0)
        self.assertEqual(quantile([10, 0, 10, 0], (1.0, 2.0, 3.0), 0.75), 2.5)

    def test_ends(self) -> None:
        """Of nothing there is none; what is beyond the last bound is at it."""
        self.assertIsNone(quantile([0] * (len(ANSWER_BOUNDS) + 1), ANSWER_BOUNDS, 0.5))
        self.assertEqual(quantile([0, 0, 4], (1.0, 2.0), 0.99), 2.0)


class SummedTests(SynchronousTestCase):
    """Several nodes."""

    def told(self, first: int, *counts: int) -> Any:
        """What a node says of its submits."""
        return {
            "first": first,
            "last": first + len(counts) - 1,
            "series": [["", "submitted", [*counts]]],
        }

    def test_added(self) -> None:
        """Steps of the same moment are added; where only one node was there, its number stands."""
        told = together([self.told(10, 1, 2, 3), self.told(11, 10, 20)])
        self.assertEqual((told["first"], told["totals"]["submitted"]), (10 * STEP, [1, 12, 23]))

    def test_nobody_knows(self) -> None:
        """A step that no node has is told as unknown, not as nothing."""
        told = together([self.told(10, 1, 1), self.told(17, 4, 4)])
        self.assertEqual(told["totals"]["submitted"], [1, 1, None, None, None, None, None, 4, 4])

    def test_whole_steps_only(self) -> None:
        """A step is told when every node has it; a node that is far behind is not waited for."""
        told = together([self.told(10, 1, 1, 1), self.told(10, 5, 5)])
        self.assertEqual(told["totals"]["submitted"], [6, 6])
        told = together([self.told(10, *[1] * 20), self.told(10, 5, 5)])
        self.assertEqual(told["count"], 20)


class DoorTests(DoorCase):
    """As the page asks."""

    @asynchronous
    async def test_nodes_are_added(self) -> None:
        """The numbers are of all nodes, or of the one that is named; an unknown one is told."""
        self.write_network(self.provider("a"))
        first, second = self.pair()
        for node in (first, second):
            kept = node._office.operator._rooms.history
            await self.wait(lambda kept=kept: kept._last >= 0, "the first look")
            node.relay.ledger.submitted += 5
        path = "api/v1/history?named=true&seconds=60"
        told: dict[str, Any] = {}

        def submitted() -> int:
            return sum(each or 0 for each in told.get("totals", {"submitted": []})["submitted"])

        for where, count in (("", 10), ("&node=n2", 5), ("&here=true", 5)):
            told = {}
            while submitted() < count:
                told = (await ask(first, path + where)).json
            self.assertEqual(submitted(), count)
        self.assertEqual(told["nodes"], ["n1"])
        self.assertEqual((await ask(first, path + "&node=n9")).status, 404)

    @asynchronous
    async def test_a_node_that_fails(self) -> None:
        """What one node could not answer is a note; the others' numbers are there."""
        self.write_network(self.provider("a"))
        first, second = self.pair()
        self.patch(second._office.operator._rooms.history, "told", lambda *a: 1 / 0)
        told = (await ask(first, "api/v1/history")).json
        self.assertEqual((told["nodes"], "n2: a fault" in told["note"]), (["n1"], True))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    @asynchronous
    async def test_whoami(self) -> None:
        """Who one is, and what that role may do."""
        self.write_network(self.provider("a"))
        _, url = self.with_port()
        for token, role, may in (
            ("read", "read", {"drain": False, "network_apply": False, "show_binds": True}),
            ("operate:alice", "operate", {"drain": True, "network_apply": False}),
            ("admin", "admin", {"drain": True, "network_apply": True}),
        ):
            told = (await ask(f"{url}", "api/v1/whoami", token=token)).json
            self.assertEqual((told["role"], told["node"]), (role, "node1"))
            self.assertEqual({name: name in told["may"] for name in may}, may)
        self.assertEqual(told["who"], "admin")
