"""The books of all nodes still add up when one of them has ended, or has come back."""

from __future__ import annotations

from typing import Any

from smppproxy.admin.ledgers import ALL, SOME_SILENT, together
from smppproxy.service import SmppProxy
from smppproxy.simulator.esme import Esme
from smppproxy.words import LEDGER_FIELDS
from tests.support.doors import DoorCase, ask, asynchronous

COUNT = 20


class SettlingTests(DoorCase):
    """Two nodes: what one matches, the other one delivers.

    :ivar taker: the client that takes the receipts.
    """

    taker: Esme

    async def ledgers(self, where: SmppProxy) -> Any:
        """The rows of `show ledger` by node."""
        reply = await ask(where, "api/v1/show/ledger")
        self.assertEqual(reply.status, 200, reply.body)
        return {row["node"]: row for row in reply.json["rows"]}

    async def carried(self) -> tuple[SmppProxy, SmppProxy]:
        """Messages go in at the first node, and their receipts out at the second one."""
        smsc = self.provider("a", "b")
        self.write_network(smsc)
        first, second = self.pair()
        await self.upstream_bound(first, second)
        taker = self.taker = self.client(second, count=0, bind="rx")
        sender = self.client(first, count=COUNT, bind="tx")
        await self.wait(lambda: sender.tally.accepted == COUNT, "answers")
        await self.wait(lambda: taker.tally.receipts == COUNT, "receipts")
        await self.wait(lambda: second.relay.ledger.delivered == COUNT, "their answers")
        # A node that has never seen another one has nobody's counts to miss.
        await self.wait(lambda: not second._office.operator.settling.is_alone, "a look around")
        return first, second

    async def queued(self, count: int, *nodes: SmppProxy) -> None:
        """Wait until the books of these nodes say that so many receipts wait."""
        books = [node.relay.ledger for node in nodes]
        await self.wait(lambda: sum(each.queued for each in books) == count, f"{count} in books")

    @asynchronous
    async def test_a_node_that_left_and_came_back(self) -> None:
        """What the first node matched went with its process: the second one alone has delivered
        more than it ever queued. The store knows how many wait, and so do the books, soon after it
        left and soon after it is back; no count of what came and went is touched."""
        first, second = await self.carried()
        matched = second.relay.ledger.matched
        self.assertEqual(second.relay.ledger.queued, matched - COUNT)
        self.assertLess(matched, COUNT)
        await self.stop(first)
        await self.queued(0, second)
        rows = await self.ledgers(second)
        self.assertEqual([*rows], ["n2"])
        self.assertEqual(rows["n2"]["imbalance"], {})
        self.assertEqual((rows["n2"]["delivered"], rows["n2"]["matched"]), (COUNT, matched))
        again = self.begin_node("n1")
        await self.upstream_bound(again)
        # It is the one that looks after the books now; what it finds stays right.
        await self.wait(lambda: again._office.operator.settling._settled, "its look")
        await self.queued(0, again, second)
        rows = await self.ledgers(again)
        self.assertEqual({*rows}, {"n1", "n2", ALL})
        self.assertEqual((rows[ALL]["queued"], rows[ALL]["balanced"]), (0, True))

    @asynchronous
    async def test_receipts_that_wait(self) -> None:
        """Receipts that nobody has taken yet are in the books of those that are left."""
        first, second = await self.carried()
        await self.taker.stop()
        more = self.client(first, count=5, bind="tx")
        await self.wait(lambda: more.tally.accepted == 5, "answers")
        both = [node.relay.ledger for node in (first, second)]
        await self.wait(lambda: sum(each.matched for each in both) == COUNT + 5, "receipts")
        await self.stop(first)
        await self.queued(5, second)
        rows = await self.ledgers(second)
        self.assertEqual((rows["n2"]["queued"], rows["n2"]["balanced"]), (5, True))

    def test_a_silent_node(self) -> None:
        """While a node does not answer, nobody says that its missing counts were an imbalance;
        what each of the others must answer for alone still is."""
        books: dict[str, Any] = {name: 0 for name in (*LEDGER_FIELDS, "adrift")}
        row = {"node": "n2", **books, "delivered": 7, "balanced": False}
        row["imbalance"] = {"queued": -7}
        *_, whole = together([dict(row)], ["n1"])
        self.assertEqual((whole["balanced"], whole["imbalance"]), (True, {}))
        *_, whole = together([dict(row)])
        self.assertEqual((whole["balanced"], whole["imbalance"]), (False, {"queued": -7}))
        *_, whole = together([{**row, "accepted": 1}], ["n1"])
        self.assertEqual(whole["imbalance"], {"submitted": -1})
        self.assertIn("does not answer", SOME_SILENT)
