"""`tap` shows what passes, to those who may see it, and never changes or delays it."""

from __future__ import annotations

import json
import time
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import ClientCreator, Protocol

from smppproxy.admin import tapping
from smppproxy.admin.masking import masked
from smppproxy.admin.tapping import cut
from smppproxy.service import SmppProxy
from smppproxy.smpp import build
from smppproxy.smpp.constants import BIND_TRANSCEIVER, ESM_RECEIPT, ESM_UDHI, SUBMIT_SM
from smppproxy.smpp.fields import Bind, read_data_sm, read_message
from smppproxy.smpp.pdu import Pdu
from tests.support.doors import TOKENS, DoorCase, ask, asynchronous
from tests.support.nodes import reactor


class Listener(Protocol):
    """Reads an answer of lines."""

    transport: Any

    def __init__(self) -> None:
        self.octets = b""
        self.over: Deferred[None] = Deferred()
        self.is_over = False

    def dataReceived(self, data: bytes) -> None:
        """More."""
        self.octets += data

    def connectionLost(self, reason: Any = None) -> None:
        """The end."""
        self.is_over = True

    @property
    def rows(self) -> list[Any]:
        """The lines so far."""
        return [json.loads(line) for line in self.octets.splitlines() if line.startswith(b"{")]

    @property
    def commands(self) -> list[tuple[str, str]]:
        """Direction and command of each."""
        return [(row["direction"], row["command"]) for row in self.rows]


class TapCase(DoorCase):
    """A node with two hosts of a provider."""

    def setUp(self) -> Any:
        """The node, once it is bound."""
        super().setUp()
        self.smsc = self.provider("a", "b")
        self.write_network(self.smsc, ("demo", "shop"))
        self.service: SmppProxy
        self.service, self.url = self.with_port()
        return self.upstream_bound(self.service)

    async def listen(self, query: str, token: str = "operate:alice") -> Listener:
        """Somebody who looks on."""
        port = int(self.url.rpartition(":")[2])
        listener: Listener = await ClientCreator(reactor, Listener).connectTCP("127.0.0.1", port)
        head = f"Authorization: Bearer {TOKENS[token].decode()}\r\nConnection: close\r\n"
        asked = f"GET /api/v1/tap?{query} HTTP/1.1\r\nHost: n\r\n{head}\r\n"
        listener.transport.write(asked.encode())
        await self.wait(lambda: b"\r\n\r\n" in listener.octets, "begun")
        self.addCleanup(listener.transport.loseConnection)
        return listener


class TapTests(TapCase):
    """What is shown to whom."""

    @asynchronous
    async def test_account(self) -> None:
        """Of an account: its bind, its submits, its receipts, and every answer, in their order;
        nothing of others, nothing of providers; the text is starred out."""
        listener = await self.listen("target=account:shop")
        other = self.client(self.service, count=3)
        esme = self.client(self.service, count=1, system_id=b"shop", password=b"shop")
        await self.wait(lambda: esme.done and other.done, "traffic")
        await self.wait(lambda: ("in", "deliver_sm_resp") in listener.commands, "seen")
        self.assertEqual(listener.commands[:6], [
            ("in", "bind_transceiver"), ("out", "bind_transceiver_resp"), ("in", "submit_sm"),
            ("out", "submit_sm_resp"), ("out", "deliver_sm"), ("in", "deliver_sm_resp"),
        ])  # fmt: skip
        self.assertEqual({row["side"] for row in listener.rows}, {"account"})
        submit = listener.rows[2]
        self.assertEqual(set(submit["fields"]["text"]), {"*"})
        self.assertTrue(submit["fields"]["destination_addr"].startswith("467"))
        self.assertTrue(submit["session"].startswith("shop#"))
        raw = bytes.fromhex(listener.rows[0]["octets"])
        self.assertIn(b"shop\0****\0", raw)

    @asynchronous
    async def test_session(self) -> None:
        """Of one session of an account: its PDUs, and not those of its other sessions."""
        esme = self.client(self.service, count=0, system_id=b"shop", password=b"shop")
        await self.wait(lambda: esme.bound, "bound")
        (client,) = self.service.relay.directory.clients["shop"]
        name = client.name.partition(" ")[0]
        listener = await self.listen(f"target=account:{name.replace('#', '%23')}")
        other = self.client(self.service, count=3, system_id=b"shop", password=b"shop")
        await self.wait(lambda: other.tally.accepted == 3, "traffic")
        await esme.stop()
        await self.wait(lambda: listener.rows, "its end")
        self.assertEqual({row["session"] for row in listener.rows}, {name})

    @asynchronous
    async def test_host(self) -> None:
        """Of a host: what goes to its binds and comes from them, nothing of the other host."""
        listener = await self.listen("target=acme/a")
        esme = self.client(self.service, count=20)
        await self.wait(lambda: esme.done, "traffic")
        taken = self.service.relay.counts.hosts["acme", "a"].submitted

        def shown() -> list[Any]:
            return [row for row in listener.rows if row["command"] == "submit_sm"]

        await self.wait(lambda: len(shown()) >= taken, "all of them")
        self.assertEqual(len(shown()), taken)
        self.assertEqual({row["session"] for row in listener.rows}, {"acme/a/1"})
        self.assertEqual({row["direction"] for row in shown()}, {"out"})

    @asynchronous
    async def test_number(self) -> None:
        """Of a number: its messages and receipts with their answers, on both sides."""
        listener = await self.listen("target=number:4670100000000")
        esme = self.client(self.service, count=5, prefixes=[b"46701"])
        await self.wait(lambda: esme.done, "traffic")
        await self.wait(lambda: len(listener.rows) == 8, "seen")
        self.assertEqual(sorted(listener.commands), sorted([
            ("in", "submit_sm"), ("out", "submit_sm"), ("in", "submit_sm_resp"),
            ("out", "submit_sm_resp"), ("in", "deliver_sm"), ("out", "deliver_sm_resp"),
            ("out", "deliver_sm"), ("in", "deliver_sm_resp"),
        ]))  # fmt: skip

    @asynchronous
    async def test_text_is_for_admins(self) -> None:
        """What messages say is for the role admin, who has to ask for it; others get 403."""
        reply = await ask(self.url, "api/v1/tap?target=acme&text=true", token="operate:alice")
        self.assertEqual((reply.status, reply.error["code"]), (403, "role_too_small"))
        reply = await ask(self.url, "api/v1/tap?target=acme", token="read")
        self.assertEqual(reply.status, 403)
        listener = await self.listen("target=account:demo&text=true&count=3", "admin")
        self.client(self.service, count=1)
        await self.wait(lambda: listener.is_over, "three PDUs")
        texts = [row["fields"].get("text", "") for row in listener.rows]
        self.assertEqual(len(texts), 3)
        self.assertIn("hello", texts[2])
        self.assertNotIn(b"demo\0demo\0", bytes.fromhex(listener.rows[0]["octets"]))

    @asynchronous
    async def test_end(self) -> None:
        """It ends after so many seconds, or when its listener goes; then nobody looks on."""
        ticker = self.service.ticker
        short = await self.listen("target=acme&seconds=1")
        long = await self.listen("target=acme")
        self.assertIsNotNone(ticker.tap)
        await self.wait(lambda: short.is_over, "a second")
        self.assertIsNotNone(ticker.tap)
        long.transport.loseConnection()
        await self.wait(lambda: ticker.tap is None, "nobody")

    @asynchronous
    async def test_refused_bind(self) -> None:
        """A bind that is refused is seen too, with the answer it got."""
        listener = await self.listen("target=account:shop")
        esme = self.client(self.service, count=0, system_id=b"shop", password=b"wrong")
        await self.wait(lambda: len(listener.rows) >= 2, "seen")
        await esme.stop()
        self.assertEqual(listener.rows[1]["command"], "bind_transceiver_resp")
        self.assertEqual(listener.rows[1]["command_status"], "ESME_RINVPASWD")

    @asynchronous
    async def test_wrong(self) -> None:
        """What is not there, what cannot be tapped, and one tap too many are told."""
        for target, status, text in (
            ("acme/z", 404, "there is no host acme/z"),
            ("account:shp", 404, "there is no account shp"),
            ("number:", 404, " is no number; write number:4512345678"),
            ("number:%2B", 404, "+ is no number; write number:4512345678"),
            ("node:node1", 409, "a node cannot be tapped"),
        ):
            reply = await ask(self.url, f"api/v1/tap?target={target}", token="admin")
            self.assertEqual(reply.status, status, target)
            self.assertTrue(reply.error["text"].startswith(text), reply.error["text"])
        self.patch(tapping, "MOST_TAPS", 1)
        await self.listen("target=acme")
        reply = await ask(self.url, "api/v1/tap?target=acme", token="admin")
        self.assertEqual((reply.status, reply.error["code"]), (409, "too_many"))

    @asynchronous
    async def test_flood_is_cut(self) -> None:
        """Beyond so many PDUs a second they are not shown but counted; the traffic goes on."""
        self.patch(tapping, "MOST_A_SECOND", 5)
        listener = await self.listen("target=account:demo")
        esme = self.client(self.service, count=50)
        await self.wait(lambda: esme.done, "traffic")
        shown, second = len(listener.rows), int(time.time())
        self.assertLess(shown, 50)
        await self.wait(lambda: int(time.time()) > second, "another second")
        await esme.stop()
        await self.wait(lambda: len(listener.rows) > shown, "again")
        self.assertGreater(sum(row["dropped"] for row in listener.rows), 100)

    @asynchronous
    async def test_fault_ends_the_tap_only(self) -> None:
        """An error while looking on ends the taps, and no session."""
        listener = await self.listen("target=account:demo")

        def broken(*_: object) -> None:
            raise RuntimeError("cannot look")

        self.patch(tapping, "row_of", broken)
        esme = self.client(self.service, count=5)
        await self.wait(lambda: esme.done, "traffic")
        await self.wait(lambda: listener.is_over, "ended")
        self.assertIsNone(self.service.ticker.tap)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)


class NumbersTests(TapCase):
    """An account whose numbers are not to be seen."""

    @asynchronous
    async def test_masked(self) -> None:
        """Numbers show their first digits only, on its own sessions and on the providers'."""
        text = self.network_file.read_text().replace(
            "[account.shop]", "[account.shop]\nmask_numbers = true"
        )
        self.network_file.write_text(text)
        self.service.reload()
        await self.wait(lambda: self.service.network.accounts["shop"].mask_numbers, "taken")
        client = await self.listen("target=account:shop")
        provider = await self.listen("target=acme")
        esme = self.client(self.service, count=1, system_id=b"shop", password=b"shop")
        await self.wait(lambda: esme.done, "traffic")
        for listener in (client, provider):
            await self.wait(
                lambda listener=listener: [
                    row for row in listener.rows if row["command"] == "submit_sm"
                ],
                "seen",
            )
            row = next(row for row in listener.rows if row["command"] == "submit_sm")
            self.assertTrue(row["fields"]["destination_addr"].startswith("4670*"), row["fields"])


class MaskingTests(DoorCase):
    """Stars instead of what is not to be seen, octet for octet."""

    def test_lengths_stay(self) -> None:
        """Every other field, and the length, is as it was; headers and receipts stay readable."""
        plain = build.submit_sm(
            1, source_addr=b"1204", destination_addr=b"4512345678", short_message=b"secret"
        )
        shown = masked(plain, False, True)
        self.assertEqual(len(shown), len(plain))
        message = read_message(Pdu(SUBMIT_SM, 0, 1, shown))
        self.assertEqual(message.short_message, b"******")
        self.assertEqual((message.destination_addr, message.source_addr), (b"4512******", b"1204"))
        self.assertEqual(masked(plain, True, False), plain)

    def test_headers(self) -> None:
        """A user data header stays, so that parts can be told."""
        header = b"\x05\x00\x03\x07\x02\x01"
        raw = build.submit_sm(
            1, destination_addr=b"45", esm_class=ESM_UDHI, short_message=header + b"abc"
        )
        self.assertEqual(
            read_message(Pdu(SUBMIT_SM, 0, 1, masked(raw, False, False))).short_message,
            header + b"***",
        )

    def test_payload(self) -> None:
        """message_payload is starred out wherever it stands; other TLVs stay."""
        tlvs = [(0x1403, b"keep"), (0x0424, b"secret"), (0x0204, b"\x00\x01")]
        raw = build.submit_sm(1, destination_addr=b"45", tlvs=tlvs)
        shown = read_message(Pdu(SUBMIT_SM, 0, 1, masked(raw, False, False))).tlvs
        self.assertEqual(shown, [(0x1403, b"keep"), (0x0424, b"******"), (0x0204, b"\x00\x01")])

    def test_receipts(self) -> None:
        """Of a receipt only what it quotes of the message is starred out."""
        text = b"id:7 sub:001 dlvrd:001 stat:DELIVRD err:000 Text:secret"
        raw = build.deliver_sm(
            1, source_addr=b"45", esm_class=ESM_RECEIPT, short_message=text
        )
        shown = masked(raw, False, False)
        self.assertIn(b"stat:DELIVRD err:000 Text:******", shown)
        raw = build.deliver_sm(1, source_addr=b"45", esm_class=ESM_RECEIPT, short_message=b"id:7")
        self.assertEqual(masked(raw, False, False), raw)

    def test_binds(self) -> None:
        """A password is never shown, whoever asks."""
        raw = build.bind(BIND_TRANSCEIVER, 1, Bind(b"shop", b"secret", b"", 0x34, 0, 0, b""))
        for shows in (False, True):
            self.assertIn(b"shop\0******\0", masked(raw, shows, False))

    def test_data_sm(self) -> None:
        """data_sm has its text in a TLV, and numbers."""
        raw = build.data_sm(
            1, source_addr=b"120456", destination_addr=b"4512345678", short_message=b"secret"
        )
        message = read_data_sm(Pdu(0x103, 0, 1, masked(raw, False, True)))
        self.assertEqual(message.short_message, b"******")
        self.assertEqual((message.source_addr, message.destination_addr),
                         (b"1204**", b"4512******"))  # fmt: skip

    def test_what_cannot_be_read(self) -> None:
        """A body that makes no sense is starred out whole."""
        for command_id in (BIND_TRANSCEIVER, SUBMIT_SM, 0x103):
            raw = b"\0\0\0\x14" + command_id.to_bytes(4, "big") + bytes(8) + b"abcd"
            self.assertEqual(masked(raw, True, True)[16:], b"****")
        raw = b"\0\0\0\x14\0\0\0\x15" + bytes(8) + b"abcd"
        self.assertEqual(masked(raw, False, True), raw)

    def test_cut(self) -> None:
        """Whole PDUs only; what makes no sense ends it."""
        one = build.enquire_link(1)
        self.assertEqual(cut(one + one + one[:7]), [one, one])
        self.assertEqual(cut(one + bytes(16) + one), [one])
