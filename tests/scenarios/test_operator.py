"""The operator's night: two nodes as processes, one real store, the installed command."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from twisted.internet.utils import getProcessOutputAndValue

from tests.scenarios.world import Node, Scenario, all_bound, network
from tests.support.nodes import reactor
from tests.support.processes import until
from tests.support.running import LISTENING, Upstream

COMMAND = str(Path(sys.executable).parent / "smppproxy")


class OperatorTests(Scenario):
    """What one types, and what comes of it."""

    timeout = 240

    async def run_it(self, node: Node, *arguments: str, code: int = 0) -> str:
        """The command as a process, asked of a node; what it prints."""
        config = str(node.folder / "node.toml")
        out, err, status = await getProcessOutputAndValue(
            COMMAND, [*arguments, "-c", config], {"PATH": "/usr/bin:/bin"}, reactor=reactor
        )
        self.assertEqual(status, code, f"{arguments}: {out.decode()} {err.decode()}")
        return (out if not code else err).decode()

    async def rows(self, node: Node, *arguments: str) -> Any:
        """A view as JSON."""
        return json.loads(await self.run_it(node, "show", *arguments, "--json"))

    async def test_a_night(self) -> None:
        """Seen on all nodes: nodes, binds, accounts. Done on all of them: a host is drained and
        taken back, a node is drained and taken back, while messages flow and none is lost. A
        message is explained, then traced over both nodes. A killed node is told as silent."""
        smsc = self.provider()
        text = network([Upstream("acme", [smsc.ports["a"], smsc.ports["b"]], "window = 50")])
        server = self.redis()
        log = '\n[message_log]\nfolder = "messages"\n'
        first = await self.node(text, [smsc], store=server.patient_url, name="n1", options=log)
        second = await self.node(text, store=server.patient_url, name="n2", options=log)
        await all_bound(smsc, 2)

        async def both_known() -> bool:
            return len(await self.rows(first, "nodes")) == 2

        while not await both_known():
            pass
        client = self.client(second, rate=100.0, count=0)
        await until(lambda: client.tally.receipts > 20)
        states = {row["node"]: row["state"] for row in await self.rows(first, "nodes")}
        self.assertEqual(states, {"n1": "up", "n2": "up"})
        binds = await self.rows(first, "binds")
        self.assertEqual(len([row for row in binds if row["side"] == "provider"]), 4)
        self.assertEqual([row["node"] for row in binds if row["side"] == "account"], ["n2"])

        told = await self.run_it(first, "drain", "acme/a")
        self.assertEqual(told, "all  acme/a  up -> drain\n")
        await until(lambda: not smsc.links("a", bound=True))
        told = await self.run_it(first, "explain", "demo", "4670", "--node", "n2")
        self.assertIn("=> goes to acme", told)
        await self.run_it(second, "resume", "acme/a")
        await all_bound(smsc, 2)

        told = await self.run_it(first, "drain", "node:n2")
        self.assertEqual(told, "n2  node:n2  up -> drain\n")
        await until(lambda: not client.bound)
        await self.run_it(first, "resume", "node:n2")
        # Its file asks for any free port.
        client.options.port = int((await second.process.expect_match(LISTENING))[1])
        await until(lambda: client.bound > 0)
        receipts = client.tally.receipts
        await until(lambda: client.tally.receipts > receipts + 20)

        await self.finish(client)
        message_id = client.history[0].message_id.decode()
        hops = json.loads(await self.run_it(first, "trace", message_id, "--json"))
        self.assertEqual(
            sorted(hop["event"] for hop in hops), ["accepted", "delivered", "map", "receipt"]
        )
        self.assertEqual(next(h["node"] for h in hops if h["event"] == "accepted"), "n2")
        rows = {row["node"]: row for row in await self.rows(first, "ledger")}
        self.assertTrue(rows["all"]["balanced"], rows["all"]["imbalance"])
        self.assertEqual(rows["all"]["accepted"], client.tally.accepted)

        await second.kill()
        told = await self.run_it(first, "show", "nodes")
        self.assertIn("silent", told)
        told = await self.run_it(first, "drain", "node:n9", code=1)
        self.assertIn("there is no node n9", told)
        told = await self.run_it(second, "show", "nodes", code=3)
        self.assertIn("no node answers at", told)
