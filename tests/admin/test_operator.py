"""Views and verbs over real nodes: what is shown, what is done, and what is said of wrong names."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from twisted.logger import formatEvent

from smppproxy.admin import shared
from smppproxy.admin.catalogue import VIEWS
from smppproxy.routing.routes import Route
from smppproxy.service import SmppProxy
from smppproxy.store.interface import Arrival
from smppproxy.store.records import ReceiptRecord
from tests.support.doors import DoorCase, asynchronous
from tests.support.doors import ask as ask_door
from tests.support.logs import logged
from tests.support.processes import reactor


class OperatorCase(DoorCase):
    """Two nodes, a provider with hosts a and b, an account."""

    def setUp(self) -> Any:
        """Both nodes, once each has its binds."""
        super().setUp()
        self.smsc = self.provider("a", "b")
        self.write_network(self.smsc, ("demo", "shop"))
        # What is never answered is not waited for at the end of a test.
        text = self.network_file.read_text().replace("window = 50\n", "window = 50\ndrain = 0.2\n")
        self.network_file.write_text(text)
        self.first, self.second = self.pair()
        return self.upstream_bound(self.first, self.second)

    async def show(self, view: str, where: SmppProxy | None = None, **query: Any) -> Any:
        """A view, as JSON."""
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        reply = await ask_door(where or self.first, f"api/v1/show/{view}?{asked}")
        self.assertEqual(reply.status, 200, reply.body)
        return reply.json

    async def rows(self, view: str, where: SmppProxy | None = None, **query: Any) -> Any:
        """The rows of a view."""
        return (await self.show(view, where, **query))["rows"]

    async def do(self, verb: str, target: str, node: str = "", status: int = 200) -> Any:
        """A verb told to the first node; what it did, or why not."""
        reply = await ask_door(self.first, f"api/v1/{verb}", {"target": target, "node": node})
        self.assertEqual(reply.status, status, reply.body)
        return reply.json if status == 200 else reply.error["text"]


class ViewTests(OperatorCase):
    """What an operator sees."""

    @asynchronous
    async def test_every_view_has_its_columns(self) -> None:
        """Each view's rows have exactly the columns of the catalogue."""
        esme = self.client(self.first, count=5, system_id=b"demo", password=b"demo")
        await self.wait(lambda: esme.done, "traffic")
        for name, view in VIEWS.items():
            for row in await self.rows(name):
                self.assertEqual({*row}, {column.name for column in view.columns}, name)

    @asynchronous
    async def test_rows_of_all_nodes(self) -> None:
        """Every node is asked and its rows carry its name; `here` and `node` ask one."""
        rows = await self.rows("binds")
        names = [(row["node"], row["name"]) for row in rows]
        binds = ["acme/a/1", "acme/b/1"]
        self.assertEqual(names, [(node, bind) for node in ("n1", "n2") for bind in binds])
        self.assertEqual({row["state"] for row in rows}, {"bound"})
        for found in (await self.rows("binds", here="true"), await self.rows("binds", node="n1")):
            self.assertEqual({row["node"] for row in found}, {"n1"})
        self.assertEqual({row["node"] for row in await self.rows("hosts", node="n2")}, {"n2"})

    @asynchronous
    async def test_traffic_is_counted(self) -> None:
        """Sessions, counts and the ledger show what a client sent, on the node where it was."""
        esme = self.client(self.second, count=10, system_id=b"demo", password=b"demo")
        await self.wait(lambda: esme.done, "traffic")
        rows = {row["node"]: row for row in await self.rows("accounts", name="demo")}
        self.assertEqual((rows["n1"]["submitted"], rows["n1"]["binds"]), (0, 0))
        self.assertEqual((rows["n2"]["accepted"], rows["n2"]["delivered"]), (10, 10))
        (session,) = [row for row in await self.rows("binds") if row["side"] == "account"]
        self.assertEqual((session["node"], session["type"]), ("n2", "trx"))
        self.assertTrue(session["name"].startswith("demo#"))
        (client,) = self.second.relay.directory.clients["demo"]
        self.assertGreater(client.bound_at, 0)
        await self.wait(lambda: reactor.seconds() - client.bound_at > 0.1, "a moment")
        (session,) = [row for row in await self.rows("binds") if row["side"] == "account"]
        self.assertGreater(session["for"], 0)
        ledgers = {row["node"]: row for row in await self.rows("ledger")}
        self.assertEqual((ledgers["n2"]["submitted"], ledgers["n1"]["submitted"]), (10, 0))
        self.assertTrue(ledgers["all"]["balanced"], ledgers["all"]["imbalance"])
        self.assertEqual((ledgers["all"]["submitted"], ledgers["all"]["delivered"]), (10, 10))
        (provider,) = await self.rows("providers", node="n2")
        self.assertEqual((provider["accepted"], provider["binds"]), (10, "2/2"))
        hosts = await self.rows("hosts")
        self.assertEqual(sum(host["receipts"] for host in hosts), 10)

    @asynchronous
    async def test_sums(self) -> None:
        """With `sum` there is one row for what both nodes have one of: counts are added, limits
        are the same, states that differ stand beside each other."""
        for node in (self.first, self.second):
            esme = self.client(node, count=3, system_id=b"demo", password=b"demo", bind="tx")
            await self.wait(lambda esme=esme: esme.tally.accepted == 3, "sent")
        (row,) = await self.rows("accounts", name="demo", sum="true")
        self.assertEqual((row["node"], row["binds"], row["accepted"]), ("all", 2, 6))
        self.assertEqual(row["max_binds"], 10)
        await self.do("isolate", "acme/a", "n2")
        await self.wait(lambda: self.second.relay.directory.states.of("acme", "a") != "up", "there")
        rows = {row["host"]: row for row in await self.rows("hosts", sum="true")}
        self.assertEqual(rows["acme/a"]["admin"], "up; isolate")
        self.assertEqual((rows["acme/b"]["binds"], rows["acme/b"]["admin"]), ("2/2", "up"))
        accepted = sum(row["accepted"] for row in rows.values())
        self.assertEqual(accepted, 6)
        (row,) = await self.rows("providers", sum="true")
        self.assertEqual((row["binds"], row["window"]), ("4/4", 200))
        reply = await ask_door(self.first, "api/v1/show/binds?sum=true")
        self.assertEqual(reply.status, 400)

    @asynchronous
    async def test_no_place(self) -> None:
        """Where other nodes have all binds that a provider may have, nothing is down: the node
        says so, and together the nodes are as those that have a place are."""
        text = self.network_file.read_text().replace("window = 50", "window = 50\nbinds_total = 2")
        self.network_file.write_text(text)
        await self.stop(self.first)
        await self.stop(self.second)
        nodes = self.pair()
        binds = [node.binds for node in nodes]
        await self.wait(
            lambda: sum(row.state == "Bound" for each in binds for row in each()) == 2, "the binds"
        )
        self.first = nodes[0]
        rows = await self.rows("providers")
        self.assertEqual(sum(int(row["binds"].split("/")[1]) for row in rows), 2)
        rows = await self.rows("binds", name="acme")
        states = {(row["state"], row["down"]) for row in rows}
        self.assertEqual(states, {("bound", 0.0), ("unadmitted", 0.0)})
        self.assertTrue(all(row["for"] < 1000 for row in rows))
        (row,) = await self.rows("providers", sum="true")
        self.assertEqual((row["state"], row["binds"], row["why"]), ("up", "2/2", ""))

    @asynchronous
    async def test_names(self) -> None:
        """A name shows it and what lies below it; one that is not there says what is."""
        names = [row["name"] for row in await self.rows("binds", name="acme/a", here="true")]
        self.assertEqual(names, ["acme/a/1"])
        self.assertEqual(len(await self.rows("binds", name="acme", here="true")), 2)
        for view, name, text in (
            ("binds", "acme/c", 'there is no bind acme/c; did you mean "acme/b/1"?'),
            ("accounts", "shp", 'there is no account shp; did you mean "shop"?'),
            ("queues", "x", "there is no account x; known are demo, shop"),
            ("binds", "acme/", "there is no bind acme/"),
        ):
            reply = await ask_door(self.first, f"api/v1/show/{view}?name={name}")
            self.assertEqual(reply.status, 404)
            self.assertTrue(reply.error["text"].startswith(text), reply.error["text"])

    @asynchronous
    async def test_limit(self) -> None:
        """No more rows than asked for; that there are more is said."""
        answer = await self.show("config", limit=3)
        self.assertEqual((len(answer["rows"]), answer["more"]), (3, True))
        answer = await self.show("nodes", limit=2)
        self.assertEqual((len(answer["rows"]), answer["more"]), (2, False))

    @asynchronous
    async def test_inflight(self) -> None:
        """What is sent and not answered is listed with its bind, what waits without one."""
        self.smsc.options.silence = 1.0
        self.client(self.first, count=60, window=60, system_id=b"demo", password=b"demo")
        ledger = self.first.relay.ledger
        await self.wait(lambda: ledger.in_flight == 60, "sent")
        rows = await self.rows("inflight", here="true")
        self.assertEqual(len(rows), 60)
        sent = [row for row in rows if row["state"] == "sent"]
        self.assertEqual({row["bind"] for row in sent}, {"acme/a/1", "acme/b/1"})
        self.assertTrue(all(row["account"] == "demo" and row["destination"] for row in rows))
        self.assertEqual(len(await self.rows("inflight", name="acme/a")), len(
            [row for row in sent if row["bind"] == "acme/a/1"]
        ))

    @asynchronous
    async def test_queues_and_parked(self) -> None:
        """Receipts that wait for an account, whichever node they came to, are shown once."""
        esme = self.client(self.first, count=4, bind="tx", system_id=b"demo", password=b"demo")
        ledgers = [node.relay.ledger for node in (self.first, self.second)]
        await self.wait(lambda: sum(each.matched for each in ledgers) == 4, "queued")
        await esme.stop()
        rows = {(row["account"], row["queue"]): row for row in await self.rows("queues")}
        self.assertEqual(rows["demo", "receipts"]["waiting"], 4)
        self.assertEqual(rows["shop", "mo"]["waiting"], 0)
        self.assertEqual(await self.rows("parked"), [])

    @asynchronous
    async def test_what_has_no_owner(self) -> None:
        """Receipts in quarantine and parked ones are listed with id, provider and reason."""
        await self.stray((), 2)
        await self.stray((b"77",), 3)
        (row,) = await self.rows("orphans")
        self.assertEqual((row["kind"], row["provider"], row["reason"]),
                         ("quarantine", "acme", "no_id"))  # fmt: skip
        (row,) = await self.rows("parked")
        self.assertEqual((row["kind"], row["message_ids"], row["number"]), ("parked", "77", "45"))
        self.assertEqual(await self.rows("unrouted"), [])
        self.assertEqual(len(await self.rows("parked", name="acme")), 1)

    @asynchronous
    async def test_what_has_no_owner_is_found_behind_thousands(self) -> None:
        """A name is looked for in all there is, not among the newest; the newest tell what there
        is where nothing has that name."""
        receipt = ReceiptRecord(3, b"DELIVRD", b"", 0, -1, -1, b"", b"", True).pack()
        for first in range(0, 1100, 100):
            arrivals = [
                Arrival((b"%d" % key, b"X%d" % key), b"45", 1, 3, True, receipt)
                for key in range(first, first + 100)
            ]
            await self.stores[0].match(b"acme", arrivals, 60, {})
        for name in ("7", "X7"):
            (row,) = await self.rows("parked", name=name)
            self.assertEqual(row["message_ids"], "7 X7")
        self.assertEqual(len(await self.rows("parked", name=quote(row["id"]))), 1)
        self.assertEqual(len(await self.rows("parked", name="acme", limit=1050)), 1050)
        reply = await ask_door(self.first, "api/v1/show/parked?name=acne")
        self.assertEqual((reply.status, reply.error["code"]), (404, "unknown_name"))
        self.assertIn('did you mean "acme"', reply.error["text"])

    async def stray(self, keys: tuple[bytes, ...], state: int) -> None:
        """A receipt that finds no message."""
        receipt = ReceiptRecord(state, b"DELIVRD", b"", 0, -1, -1, b"", b"", True).pack()
        arrival = Arrival(keys, b"45", 1, state, True, receipt)
        await self.stores[0].match(b"acme", [arrival], 60, {})

    @asynchronous
    async def test_config_tells_no_password(self) -> None:
        """`show config` has every option of node and network, and no password, store or token."""
        rows = {(row["section"], row["option"]): row for row in await self.rows("config")}
        self.assertEqual(rows["node", "name"]["value"], '"n1"')
        self.assertEqual(rows["provider.acme", "window"]["value"], "50")
        self.assertEqual(rows["provider.acme.host.a", "address"]["value"], '"127.0.0.1"')
        self.assertEqual(rows["listener.plain", "port"]["value"], "0")
        self.assertIn(("provider.acme.text", "long"), rows)
        self.assertTrue(rows["provider.acme", "window"]["changed"])
        self.assertFalse(rows["provider.acme", "tps"]["changed"])
        for place in (("provider.acme", "password"), ("node", "store"), ("admin", "tokens"),
                      ("account.demo", "password")):  # fmt: skip
            self.assertEqual(rows[place]["value"], "(not shown)")
        text = str(rows)
        self.assertNotIn("secret", text)
        self.assertNotIn("argon2", text)

    @asynchronous
    async def test_routes(self) -> None:
        """Routes in their order, with what they ask and where they lead."""
        (row,) = await self.rows("routes")
        self.assertEqual((row["place"], row["route"], row["targets"]), (1, "all", "acme"))
        self.assertEqual(row["match"], "everything")

    def test_a_route_as_people_write_it(self) -> None:
        """Statuses by name, tags in hexadecimal."""
        route = Route(name="x", tlvs={0x1403: "any"}, deny=0x0B, failover=frozenset({0x45, 0x400}))
        row = shared._route(1, route)
        self.assertEqual(row["match"], 'tlvs = { 0x1403 = "any" }')
        self.assertEqual(
            row["options"], "deny = ESME_RINVDSTADR, failover = [ESME_RSUBMITFAIL, 0x400]"
        )

    @asynchronous
    async def test_store_away(self) -> None:
        """Without the store a node still shows what it knows; what only the store has is 503."""
        self.stores[0].go_away()
        answer = await self.show("binds")
        self.assertTrue({"n1"} <= {row["node"] for row in answer["rows"]})
        self.assertIn("the store is away", answer["note"])
        reply = await ask_door(self.first, "api/v1/show/queues")
        self.assertEqual((reply.status, reply.error["code"]), (503, "store_away"))
        (row,) = await self.rows("nodes", here="true")
        self.assertEqual(row["state"], "store away")
        self.stores[0].come_back()


class ReplayTests(OperatorCase):
    """What has no owner is looked at again."""

    @asynchronous
    async def test_replay(self) -> None:
        """What was found, and what stays, is counted; a dry run changes nothing."""
        receipt = ReceiptRecord(2, b"DELIVRD", b"", 0, -1, -1, b"", b"", True).pack()
        arrival = Arrival((), b"45", 1, 2, True, receipt)
        await self.stores[0].match(b"acme", [arrival], 60, {})
        seen = logged(self)
        for dry_run in (True, False):
            said = {"kind": "quarantine", "dry_run": dry_run, "provider": "acme"}
            reply = await ask_door(self.first, "api/v1/replay", said)
            self.assertEqual(reply.status, 200, reply.body)
            counts = reply.json["counts"]
            self.assertEqual((counts["selected"], counts["left"]), (1, 1))
        reply = await ask_door(self.first, "api/v1/replay", {
            "kind": "quarantine", "since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00",
        })  # fmt: skip
        self.assertEqual(reply.json["counts"]["selected"], 0)
        told = [formatEvent(event) for event in seen if event.get("verb") == "replay"]
        self.assertEqual(3, len(told))
        self.assertTrue(all(text.endswith(": replay quarantine") for text in told), told)

    @asynchronous
    async def test_wrong(self) -> None:
        """Another kind, a time that is none, and force without an id are told."""
        for said, status, text in (
            ({"kind": "orphan"}, 400, "kind is none of orphans, quarantine, parked, unrouted"),
            ({"kind": "orphans", "since": "soon"}, 400, "since is no time; write 2026-12-24T18"),
            ({"kind": "orphans", "force": True}, 409, "only a single receipt can be forced"),
            ({"kind": "unrouted", "force": True, "id": "1"}, 409, "only a single receipt"),
        ):
            reply = await ask_door(self.first, "api/v1/replay", said)
            self.assertEqual(reply.status, status, reply.body)
            self.assertTrue(reply.error["text"].startswith(text), reply.error["text"])


class VerbTests(OperatorCase):
    """What an operator does."""

    @asynchronous
    async def test_isolate_and_resume_a_host(self) -> None:
        """An isolated host stays bound on every node and gets no submit_sm; resumed, it does."""
        done = await self.do("isolate", "acme/a")
        self.assertEqual(done["done"], [
            {"node": "all", "target": "acme/a", "was": "up", "now": "isolate", "note": ""}
        ])  # fmt: skip
        await self.wait(lambda: self.states("acme", "a") == {"isolate"}, "known everywhere")
        rows = {row["name"]: row for row in await self.rows("binds", node="n2")}
        self.assertEqual((rows["acme/a/1"]["admin"], rows["acme/a/1"]["state"]),
                         ("isolate", "bound"))  # fmt: skip
        self.assertEqual(rows["acme/b/1"]["admin"], "up")
        esme = self.client(self.second, count=20, system_id=b"demo", password=b"demo")
        await self.wait(lambda: esme.done, "traffic")
        counts = self.second.relay.counts.hosts
        self.assertEqual((counts["acme", "a"].submitted, counts["acme", "b"].submitted), (0, 20))
        done = await self.do("resume", "acme/a")
        self.assertEqual((done["done"][0]["was"], done["done"][0]["now"]), ("isolate", "up"))
        await self.wait(lambda: self.states("acme", "a") == {"up"}, "resumed")

    def states(self, provider: str, host: str) -> set[str]:
        """What each node wants of a host."""
        nodes = (self.first, self.second)
        return {node.relay.directory.states.of(provider, host) for node in nodes}

    @asynchronous
    async def test_drain_unbinds_on_all_nodes(self) -> None:
        """A drained host is unbound once nothing is outstanding, and bound again when resumed."""
        await self.do("drain", "acme/b")
        await self.wait(lambda: len(self.smsc.links(bound=True)) == 2, "host b is left")
        rows = await self.rows("hosts", name="acme/b")
        self.assertEqual({(row["state"], row["admin"]) for row in rows}, {("down", "drain")})
        await self.do("resume", "acme/b")
        await self.wait(lambda: len(self.smsc.links(bound=True)) == 4, "host b is back")

    @asynchronous
    async def test_one_node(self) -> None:
        """With a node's name only that node leaves the host."""
        await self.do("drain", "acme/b", "n2")
        await self.wait(lambda: len(self.smsc.links(bound=True)) == 3, "left by one")
        rows = {row["node"]: row for row in await self.rows("hosts", name="acme/b")}
        self.assertEqual((rows["n1"]["state"], rows["n2"]["state"]), ("up", "down"))
        text = await self.do("drain", "acme/b", "n3", 404)
        self.assertIn("there is no node n3", text)

    @asynchronous
    async def test_reconnect(self) -> None:
        """Every node binds anew; what is told says how many binds."""
        before = self.smsc.counts.binds
        done = await self.do("reconnect", "acme/a/1")
        self.assertEqual([row["note"] for row in done["done"]], ["1 bind made anew"] * 2)
        await self.wait(lambda: self.smsc.counts.binds == before + 2, "bound anew")
        done = await self.do("reconnect", "acme", "n2")
        self.assertEqual([(row["node"], row["note"]) for row in done["done"]],
                         [("n2", "2 binds made anew")])  # fmt: skip
        await self.wait(lambda: self.smsc.counts.binds == before + 4, "bound anew")

    @asynchronous
    async def test_kick_a_bind(self) -> None:
        """The connection of a bind to a provider is ended on the node that is named; it is bound
        again, and nothing else is touched."""
        before = self.smsc.counts.binds
        done = await self.do("kick", "acme/a/1", "n2")
        self.assertEqual(
            [(row["node"], row["note"]) for row in done["done"]],
            [("n2", "its connection is ended; it binds again")],
        )
        await self.wait(lambda: self.smsc.counts.binds == before + 1, "bound again")
        await self.do("isolate", "acme/a")
        await self.do("resume", "acme/a")
        self.assertEqual(self.smsc.counts.binds, before + 1)

    @asynchronous
    async def test_kick(self) -> None:
        """A kicked session is unbound on the node where it is; its client may come back."""
        esme = self.client(self.second, count=0, system_id=b"demo", password=b"demo")
        await self.wait(lambda: esme.bound, "bound")
        (session,) = [row for row in await self.rows("binds") if row["side"] == "account"]
        done = await self.do("kick", f"account:{session['name']}")
        self.assertEqual([(row["node"], row["now"]) for row in done["done"]], [("n2", "unbound")])
        name = session["name"]
        others = self.second.relay.directory.clients
        await self.wait(
            lambda: [one.name for one in others.get("demo", ()) if not one.name.startswith(name)],
            "back with another session",
        )

    @asynchronous
    async def test_drain_account(self) -> None:
        """A drained account is unbound and kept out, everywhere, until it is resumed."""
        esme = self.client(self.first, count=0, system_id=b"demo", password=b"demo")
        await self.wait(lambda: esme.bound, "bound")
        done = await self.do("drain", "account:demo")
        self.assertEqual(done["done"], [
            {"node": "all", "target": "account:demo", "was": "up", "now": "drain", "note": ""}
        ])  # fmt: skip
        await self.wait(lambda: self.second.relay.directory.states.barred == {"demo"}, "known")
        await self.wait(lambda: not self.first.relay.directory.clients, "unbound")
        rows = await self.rows("accounts", name="demo")
        self.assertEqual({row["admin"] for row in rows}, {"drain"})
        refused = self.first.relay.ledger.events
        await self.wait(lambda: refused["bind_refused"] > 0, "kept out")
        await self.do("resume", "account:demo")
        await self.wait(lambda: self.first.relay.directory.clients, "back")

    @asynchronous
    async def test_drain_node(self) -> None:
        """A drained node lets nobody in and is not ready; its binds stay; it can be resumed."""
        esme = self.client(self.second, count=0, system_id=b"demo", password=b"demo")
        await self.wait(lambda: esme.bound, "bound")
        done = await self.do("drain", "node:n2")
        self.assertEqual([(row["node"], row["now"]) for row in done["done"]], [("n2", "drain")])
        await self.wait(lambda: not self.second.relay.directory.clients, "unbound")
        self.assertEqual((await ask_door(self.second, "readyz")).status, 503)
        self.assertEqual((await ask_door(self.first, "readyz")).status, 200)
        states = {row["node"]: row["state"] for row in await self.rows("nodes")}
        self.assertEqual(states, {"n1": "up", "n2": "draining"})
        self.assertEqual(len(self.smsc.links(bound=True)), 4)
        done = await self.do("drain", "node:n2")
        self.assertEqual(done["done"][0]["was"], "drain")
        await self.do("resume", "node:n2")
        self.assertEqual((await ask_door(self.second, "readyz")).status, 200)
        esme.options.port = self.second.listeners[0].port
        await self.wait(lambda: self.second.relay.directory.clients, "back")

    @asynchronous
    async def test_wrong_targets(self) -> None:
        """What does not exist says what does; what a verb cannot do says what it takes."""
        for verb, target, status, text in (
            ("drain", "amce", 404, 'there is no provider amce; did you mean "acme"?'),
            ("drain", "acme/c", 404, "there is no host acme/c"),
            ("drain", "acme/a/9", 404, 'there is no bind acme/a/9; did you mean "acme/a/1"?'),
            ("drain", "demo", 404, "there is no provider demo; known are acme; there is an acc"),
            ("drain", "account:dmo", 404, 'there is no account dmo; did you mean "demo"?'),
            ("kick", "account:demo#99", 404, "there is no session demo#99"),
            ("drain", "node:n9", 404, "there is no node n9; known are n1, n2"),
            ("drain", "a/b/c/d", 404, "there is nothing like a/b/c/d; write acme, acme/a"),
            ("drain", "/", 404, "there is nothing like /"),
            ("kick", "provider:acme", 409, "a provider cannot be told to kick; it takes bind"),
            ("isolate", "node:n1", 409, "a node cannot be told to isolate"),
            ("reconnect", "account:demo", 409, "an account cannot be told to reconnect"),
        ):
            told = await self.do(verb, target, "", status)
            self.assertTrue(told.startswith(text), f"{verb} {target}: {told}")
