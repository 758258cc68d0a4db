"""`explain` says beforehand what happens to a message, and why."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from smppproxy.service import SmppProxy
from tests.support.doors import DoorCase, asynchronous
from tests.support.doors import ask as ask_door
from tests.support.nodes import reactor

MORE = """
[account.strict]
password = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$2tzTBWZHVFPCWhlJGMcxKg"
strict_addresses = true
service_types = { "OTP" = "beta", "" = "" }

[account.off]
password = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$2tzTBWZHVFPCWhlJGMcxKg"
enabled = false

[provider.beta]
system_id = "x"
password = "y"
[provider.beta.host.a]
address = "127.0.0.1"
port = 1
[provider.beta.text]
transparent = false
codings = { gsm7 = 0 }

[[route]]
name = "denied"
prefixes = ["4690"]
deny = 0x0B

[[route]]
name = "sweden"
prefixes = ["46"]
targets = ["beta", { provider = "acme", backup = true, strip = "46", prepend = "0" }]

[[route]]
name = "night"
order = -1
prefixes = ["47"]
hours = "22:00-06:00"
targets = ["beta"]

[[route]]
name = "best"
prefixes = ["49"]
targets = ["beta", "acme"]
select = "quality"

[[route]]
name = "binary"
order = -1
prefixes = ["48"]
data_codings = [8]
tlvs = { 0x1403 = "0a" }
text = ["^code"]
targets = ["acme"]
"""


class ExplainTests(DoorCase):
    """A node with a provider that is bound and one that is not."""

    def setUp(self) -> Any:
        """The node, once it is bound."""
        super().setUp()
        self.smsc = self.provider("a", "b")
        self.write_network(self.smsc, more=MORE)
        # What is never answered is not waited for at the end of a test.
        text = self.network_file.read_text().replace("window = 50\n", "window = 50\ndrain = 0.2\n")
        self.network_file.write_text(text)
        self.service: SmppProxy = self.with_socket()
        return self.upstream_bound(self.service)

    async def explain(self, account: str, destination: str, **more: Any) -> Any:
        """What is said of a message."""
        query = urlencode({"account": account, "destination": destination, **more}, doseq=True)
        reply = await ask_door(self.service, f"api/v1/explain?{query}")
        self.assertEqual(reply.status, 200, reply.body)
        return reply.json

    @asynchronous
    async def test_plain(self) -> None:
        """The route that takes everything, its provider ready: that is where it goes."""
        told = await self.explain("demo", "4512345678")
        self.assertEqual((told["route"], told["chosen"]), ("all", "acme"))
        self.assertEqual(told["verdict"], "goes to acme")
        (target,) = told["targets"]
        self.assertEqual((target["state"], target["why"]), ("ready", ""))
        tried = {route["route"]: (route["fits"], route["why"]) for route in told["routes"]}
        self.assertEqual(tried["all"], (True, "it has no conditions"))
        self.assertEqual(tried["sweden"], (False, "none of its prefixes is one of the destination"))
        told = await self.explain("demo", "4712345678", at="2026-12-24T12:00:00Z")
        tried = {route["route"]: (route["asked"], route["why"]) for route in told["routes"]}
        fits = {route["route"]: route["prefix_fits"] for route in told["routes"]}
        self.assertEqual((fits["all"], fits["sweden"], fits["night"]), (True, False, True))
        self.assertEqual(tried["night"][0], True)
        self.assertTrue(tried["night"][1].startswith("hours: "), tried)

    @asynchronous
    async def test_quality(self) -> None:
        """What was measured of each for this prefix stands beside it, as in the view."""
        quality = self.service.relay.quality.quality
        now = reactor.seconds()
        for number in range(60):
            quality.ended("acme", b"49", number % 2 == 0, now, 1.5)
            quality.ended("beta", b"", True, now, 1.5)
        quality.ended("beta", b"49", True, now, 1.5)
        quality.look(now)
        told = await self.explain("demo", "4912345678")
        said = {target["provider"]: target["measured"] for target in told["targets"]}
        self.assertEqual(
            said,
            {"acme": "50.0% in 1.5 s, of 60 messages", "beta": "too few to say, of 1 messages"},
        )
        reply = await ask_door(self.service, "api/v1/show/quality")
        rows = {(row["provider"], row["prefix"]): row["ratio"] for row in reply.json["rows"]}
        self.assertEqual(
            rows, {("acme", "49"): "0.5", ("beta", "49"): "", ("beta", "all others"): "1.0"}
        )
        told = await self.explain("demo", "4512345678")
        self.assertEqual([target["measured"] for target in told["targets"]], [""])

    @asynchronous
    async def test_backup_with_rewriting(self) -> None:
        """A target that is not bound is passed over with its reason; a rewritten number is told."""
        told = await self.explain("demo", "46701234567", source="1204")
        self.assertEqual((told["route"], told["chosen"]), ("sweden", "acme"))
        beta, acme = told["targets"]
        self.assertEqual((beta["provider"], beta["state"]), ("beta", "absent"))
        self.assertEqual(acme["rewritten"], "to 0701234567 from 1204")

    @asynchronous
    async def test_what_is_told_is_what_happens(self) -> None:
        """Of messages to many numbers each goes where it was said, and is answered as it was."""
        ledger = self.service.relay.ledger
        for prefix, good in (("45", True), ("46", True), ("4690", False), ("48", True)):
            told = await self.explain("demo", f"{prefix}12345678")
            self.assertEqual(bool(told["chosen"]), good, prefix)
            before = (ledger.accepted, ledger.refused)
            one = self.client(self.service, count=1, prefixes=[prefix.encode()])
            await self.wait(lambda one=one: one.done, prefix)
            await one.stop()
            after = (ledger.accepted - before[0] > 0, ledger.refused - before[1] > 0)
            self.assertEqual(after[1], not good, prefix)

    @asynchronous
    async def test_deny(self) -> None:
        """A route that denies says with which command_status."""
        told = await self.explain("demo", "4690123")
        self.assertEqual((told["route"], told["chosen"], told["targets"]), ("denied", "", []))
        self.assertEqual(told["command_status"], "ESME_RINVDSTADR")
        self.assertTrue(told["verdict"].startswith("refused"))

    @asynchronous
    async def test_conditions(self) -> None:
        """Text, data_coding, TLVs and the time count as they do for a message."""
        fields = {"data_coding": 8, "tlvs": ["0x1403=0a"], "text": "code 12"}
        told = await self.explain("demo", "4812345678", **fields)
        self.assertEqual(told["route"], "binary")
        for other in ({"data_coding": 0}, {"tlvs": ["0x1403=0b"]}, {"text": "hello"}):
            told = await self.explain("demo", "4812345678", **(fields | other))
            self.assertEqual(told["route"], "all", other)
        told = await self.explain("demo", "4712345678", at="2026-12-24T23:00:00Z")
        self.assertEqual(told["route"], "night")
        self.assertEqual(told["verdict"], "refused: no provider reachable")
        told = await self.explain("demo", "4712345678", at="2026-12-24T12:00:00")
        self.assertEqual(told["route"], "all")

    @asynchronous
    async def test_account_rules(self) -> None:
        """What the account's own rules refuse is told before any route is asked."""
        told = await self.explain("strict", "abc")
        self.assertEqual((told["routes"], told["chosen"]), ([], ""))
        self.assertTrue(told["command_status"].startswith("ESME_RINV"), told)
        told = await self.explain("strict", "45" * 20)
        self.assertEqual(told["command_status"], "ESME_RINVDSTADR")
        told = await self.explain("off", "4512345678")
        self.assertEqual(told["notes"], ["the account is not enabled: it cannot bind"])

    @asynchronous
    async def test_message_that_selects(self) -> None:
        """A service_type that selects a provider puts it first (OZ-09)."""
        told = await self.explain("strict", "4512345678", service_type="OTP")
        self.assertEqual([each["provider"] for each in told["targets"]], ["beta", "acme"])
        self.assertTrue(told["because"].startswith("the message itself asks for beta"))
        self.assertEqual(told["chosen"], "acme")

    @asynchronous
    async def test_what_a_provider_cannot_carry(self) -> None:
        """A provider whose profile cannot take the text says so."""
        told = await self.explain("demo", "46701234567", text="\u4e2d\u6587")
        beta = told["targets"][0]
        self.assertEqual((beta["state"], beta["fits"]), ("unfit", False))
        self.assertIn("cannot carry it", beta["why"])

    @asynchronous
    async def test_long_and_parts(self) -> None:
        """A text beyond one PDU goes as message_payload; a part is one."""
        for more in ({"text": "x" * 300}, {"part": "true"}, {"message_class": "premium"}):
            told = await self.explain("demo", "4512345678", **more)
            self.assertEqual(told["chosen"], "acme", more)

    @asynchronous
    async def test_isolated(self) -> None:
        """An isolated provider is told as such, and the message is refused."""
        await ask_door(self.service, "api/v1/isolate", {"target": "acme"})
        told = await self.explain("demo", "4512345678")
        self.assertEqual((told["chosen"], told["command_status"]), ("", "ESME_RSYSERR"))
        (target,) = told["targets"]
        self.assertEqual(target["why"], "is isolated")

    @asynchronous
    async def test_full(self) -> None:
        """Where windows are full the message waits, and it is told for whom and why."""
        self.smsc.options.silence = 1.0
        esme = self.client(self.service, count=200, window=200)
        pool = self.service.relay.directory.pools["acme"]
        await self.wait(lambda: pool.backlog or esme.tally.submitted >= 50, "sent")
        for host in ("a", "b"):
            await ask_door(self.service, "api/v1/isolate", {"target": f"acme/{host}/1"})
        told = await self.explain("demo", "4512345678")
        self.assertEqual((told["chosen"], told["targets"][0]["state"]), ("", "isolated"))
        for host in ("a", "b"):
            await ask_door(self.service, "api/v1/resume", {"target": f"acme/{host}/1"})
        for upstream in self.service.relay.directory.upstreams:
            upstream.session.window.limit = 0
        told = await self.explain("demo", "4512345678")
        self.assertEqual(told["chosen"], "acme")
        self.assertTrue(told["verdict"].startswith("waits for acme, which "), told["verdict"])

    @asynchronous
    async def test_state_of_the_node(self) -> None:
        """A drained account, a draining node and a store that is away are noted."""
        await ask_door(self.service, "api/v1/drain", {"target": "account:demo"})
        await ask_door(self.service, "api/v1/drain", {"target": "node:node1"})
        self.stores[0].go_away()
        told = await self.explain("demo", "4512345678")
        self.assertEqual(len(told["notes"]), 3)
        self.stores[0].come_back()

    @asynchronous
    async def test_wrong(self) -> None:
        """No such account, node or time, and a text that no data_coding takes, are told."""
        for query, status, text in (
            ("account=dmo&destination=45", 404, 'there is no account dmo; did you mean "demo"?'),
            ("account=demo", 400, "destination is missing"),
            ("account=demo&destination=45&at=soon", 400, "at is no time"),
            ("account=demo&destination=45&tlvs=x", 400, "tlvs holds what it cannot; write it like"),
            ("account=demo&destination=%E4%B8%AD", 400, "destination holds what it cannot"),
            ("account=demo&destination=45&data_coding=0&text=%E4%B8%AD", 409, "the text does not"),
            ("account=demo&destination=45&node=n9", 404, "there is no node n9"),
        ):
            reply = await ask_door(self.service, f"api/v1/explain?{query}")
            self.assertEqual(reply.status, status, reply.body)
            self.assertTrue(reply.error["text"].startswith(text), reply.error["text"])


class OtherNodeTests(DoorCase):
    """`explain` as another node sees it."""

    @asynchronous
    async def test_node(self) -> None:
        """What holds on the node that is named: there the host is isolated, here it is not."""
        smsc = self.provider("a")
        self.write_network(smsc)
        first, second = self.pair()
        await self.upstream_bound(first, second)
        await ask_door(first, "api/v1/isolate", {"target": "acme", "node": "n2"})
        await self.wait(
            lambda: second.relay.directory.states.of("acme") == "isolate", "known there"
        )
        for node, chosen in (("", "acme"), ("n1", "acme"), ("n2", "")):
            query = f"account=demo&destination=45&node={node}"
            told = (await ask_door(first, f"api/v1/explain?{query}")).json
            self.assertEqual((told["node"], told["chosen"]), (node or "n1", chosen))
