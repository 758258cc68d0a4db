"""Questions of an operator to all nodes: who answers, who does not, and what went wrong there."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.admin import cluster
from smppproxy.admin.cluster import Nodes, Request, Said
from smppproxy.admin.errors import ApiError
from smppproxy.store.memory import MemoryStore, World
from tests.support.doors import DoorCase, ask, asynchronous


class NodesTests(SynchronousTestCase):
    """Two nodes over one store."""

    def setUp(self) -> None:
        """n1 that asks, n2 whose answer the test says."""
        self.clock = Clock()
        world = World(self.clock.seconds)
        self.answer: Any = lambda request: {"rows": [request["word"]]}
        self.stores = [MemoryStore(self.clock, name, world) for name in ("n1", "n2")]
        for store in self.stores:
            store.start()
            store.beat({})
        self.first = Nodes(self.stores[0], "n1", lambda request: {"rows": ["own"]})
        self.second = Nodes(self.stores[1], "n2", lambda request: self.answer(request))

    def ask(self, request: Request, **more: Any) -> Said:
        """What the first node hears, after whatever time it takes."""
        asked = self.first.ask(request, **more)
        self.clock.pump([1.0] * 5)
        said: Said = self.successResultOf(asked)
        return said

    def test_everybody(self) -> None:
        """Both answer; `here` asks nobody else; a node's name asks that one."""
        said = self.ask({"word": "x"})
        self.assertEqual(said.answers, {"n1": {"rows": ["own"]}, "n2": {"rows": ["x"]}})
        self.assertEqual((said.silent, said.note), ([], ""))
        self.assertEqual(self.ask({"word": "x"}, here=True).answers.keys(), {"n1"})
        self.assertEqual(self.ask({"word": "x", "node": "n2"}).answers.keys(), {"n2"})

    def test_a_worker_answers_for_its_node(self) -> None:
        """Who asks a node with workers asks each of them, and its supervisor."""
        self.second = Nodes(self.stores[1], "n2", lambda request: {"rows": ["worker"]}, "n1")
        said = self.ask({"word": "x", "node": "n1"})
        self.assertEqual(said.answers, {"n1": {"rows": ["own"]}, "n2": {"rows": ["worker"]}})
        self.assertEqual(self.ask({"word": "x", "node": "n2"}).answers.keys(), {"n2"})

    def test_silent(self) -> None:
        """A node that is known and gone is named; one that nobody knows is an error."""
        self.stores[1].go_away()
        self.stores[1].bus.close()
        self.stores[1]._world.hearers.pop(self.stores[1].bus.instance, None)
        said = self.ask({"word": "x"})
        self.assertEqual((said.answers.keys(), said.silent), ({"n1"}, ["n2"]))
        asked = self.first.ask({"word": "x", "node": "n9"})
        self.clock.pump([1.0] * 5)
        error = self.failureResultOf(asked, ApiError).value
        self.assertEqual(error.text, "there is no node n9; known are n1, n2")

    def test_errors(self) -> None:
        """What went wrong there is told as an error of that node, a fault without its detail."""

        def refuses(request: Request) -> Any:
            raise ApiError(404, "unknown_name", "there is no such thing")

        def breaks(request: Request) -> Any:
            raise RuntimeError("some detail")

        self.answer = refuses
        error = self.ask({"word": "x"}).answers["n2"]["error"]
        self.assertEqual((error["status"], error["text"]), (404, "there is no such thing"))
        self.answer = breaks
        error = self.ask({"word": "x"}).answers["n2"]["error"]
        self.assertEqual((error["status"], error["code"]), (500, "fault"))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_too_much(self) -> None:
        """An answer that no bus carries becomes an error that says what to do."""
        self.patch(cluster, "MOST_OCTETS", 100)
        self.answer = lambda request: {"rows": ["x" * 200]}
        error = self.ask({"word": "x"}).answers["n2"]["error"]
        self.assertEqual(error["code"], "too_much")
        self.assertIn("ask for fewer rows", error["text"])


class MixedTests(DoorCase):
    """A node whose neighbour fails."""

    @asynchronous
    async def test_others_rows_are_shown(self) -> None:
        """What one node cannot tell is noted, the others' rows are there all the same."""
        smsc = self.provider("a")
        self.write_network(smsc)
        first, second = self.pair()
        await self.upstream_bound(first, second)

        def breaks(request: object) -> None:
            raise RuntimeError("some detail")

        self.patch(second._office.operator._nodes, "_answer", breaks)
        reply = (await ask(first, "api/v1/show/binds")).json
        self.assertEqual({row["node"] for row in reply["rows"]}, {"n1"})
        self.assertEqual(reply["note"], "n2: a fault of ours; it is in the log of that node")
        reply = (await ask(first, "api/v1/trace?id=x")).json
        self.assertIn("n2: a fault of ours", reply["note"])
        reply = await ask(first, "api/v1/reconnect", {"target": "acme"})
        self.assertEqual([row["node"] for row in reply.json["done"]], ["n1"])
        reply = await ask(first, "api/v1/explain?account=demo&destination=45&node=n2")
        self.assertEqual((reply.status, reply.error["code"]), (500, "fault"))
        self.flushLoggedErrors(RuntimeError)

    @asynchronous
    async def test_older_node(self) -> None:
        """A question that this version does not know is refused by its name."""
        self.write_network(self.provider("a"))
        service = self.with_socket()
        error = self.assertRaises(ApiError, service._office.operator._answer, {"do": "sing"})
        self.assertEqual((error.status, error.code), (501, "unknown_question"))

    @asynchronous
    async def test_silent_node(self) -> None:
        """A node that is known and does not answer has a row that says so."""
        self.write_network(self.provider("a"))
        first, second = self.pair()
        await self.wait(lambda: len(self.stores[0]._world.nodes) == 2, "both known")
        self.patch(cluster, "WAIT", 0.2)
        self.stores[1]._world.hearers.pop(self.stores[1].bus.instance)
        reply = (await ask(first, "api/v1/show/nodes")).json
        rows = {row["node"]: row["state"] for row in reply["rows"]}
        self.assertEqual((rows, reply["silent"]), ({"n1": "up", "n2": "silent"}, ["n2"]))
        for node in rows:
            reply = (await ask(first, f"api/v1/show/nodes?name={node}")).json
            self.assertEqual([row["node"] for row in reply["rows"]], [node])
        reply = await ask(first, "api/v1/explain?account=demo&destination=45&node=n2")
        self.assertEqual((reply.status, reply.error["code"]), (503, "silent"))
        self.assertTrue(second.running)

    @asynchronous
    async def test_a_node_by_its_name(self) -> None:
        """Views that are about nodes can be asked for one of them; a name that none has is told."""
        self.write_network(self.provider("a"))
        first, second = self.pair()
        await self.wait(lambda: len(self.stores[0]._world.nodes) == 2, "both known")
        for view in ("nodes", "ledger"):
            for node in ("n1", "n2"):
                reply = (await ask(first, f"api/v1/show/{view}?name={node}")).json
                self.assertEqual([row["node"] for row in reply["rows"]], [node], view)
        reply = await ask(first, "api/v1/show/nodes?name=n9")
        self.assertEqual(reply.error["text"], "there is no node n9; known are n1, n2")
        self.assertTrue(second.running)
