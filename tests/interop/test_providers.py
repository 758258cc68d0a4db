"""Foreign providers: npm smpp and Net::SMPP behind a node, with the habits seen in the field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from tests.interop import actors
from tests.interop.bench import InteropCase
from tests.support import certificates, messages
from tests.support.foreign import ACCOUNT, MO_NUMBER, OUTSTANDING, PASSWORD
from tests.support.messages import Sample
from tests.support.processes import Actor, Event
from tests.support.running import RunningNode, Upstream

HEX_IDS = '[provider.NAME.ids]\nresp = "hex"\nreceipt_text = "dec"\nreceipt_tlv = "dec"\n'
ESME_RINVDSTADR, ESME_RSUBMITFAIL = 0x0B, 0x45
PADDED_IDS = "[provider.NAME.ids]\nstrip_zeros = true\n"


class ForeignProviderMixin:
    """The promises; a class with it names the provider, and the client that talks to the node."""

    kind = ""
    client_kind = ""
    node: RunningNode

    async def open(self: Any, tables: str = "", options: str = "", **habits: Any) -> Actor:
        """One host with these habits, and a node bound to it as transceiver."""
        host, port = await self.open_host(self.kind, "a", first=700, **habits)
        upstream = Upstream("foreign", [port], options, tables)
        self.node = await self.bound_node(upstream, host)
        provider: Actor = host
        return provider

    async def bound(self: Any) -> Actor:
        """A client of the node."""
        client: Actor = self.start(
            actors.client(self.client_kind, self.client_port(self.node.port))
        )
        await client.expect("connected")
        client.order("bind", mode="trx", system_id=ACCOUNT, password=PASSWORD)
        await client.expect("bound", status=0)
        return client

    async def submit(self: Any, client: Actor, number: int, sample: Sample = messages.GSM7) -> str:
        """Send one; the id that the client got."""
        client.order("submit", **sample.order(number))
        answer = await client.expect("submitted", tag=sample.tag)
        self.assertEqual(answer["status"], 0)
        message_id: str = answer["message_id"]
        return message_id

    async def receipt(self: Any, client: Actor, number: int, message_id: str) -> Event:
        """The receipt of the number-th message, with the client's id in both places."""
        receipt: Event = await client.expect("delivered")
        self.assertEqual(receipt["receipted_message_id"], message_id)
        self.assertIn(f"id:{message_id} ", receipt["text"])
        self.assertIn(" stat:DELIVRD ", receipt["text"])
        self.assertEqual(receipt["source_addr"], messages.GSM7.order(number)["to"])
        return receipt

    async def close(self: Any, *clients: Actor) -> None:
        """Unbind the clients; nothing came that nobody waited for; the captures are clean."""
        for client in clients:
            client.order("unbind")
            await client.expect("unbound", status=0)
            await client.expect("closed")
            self.assertEqual(client.unclaimed("delivered"), [])
            self.assertEqual(client.unclaimed("error"), [])
        await self.check_wire()

    async def several(self: Any, **setting: Any) -> None:
        """Twelve messages in a row (ids 700 to 711), each receipt found by its id."""
        provider = await self.open(**setting)
        client = await self.bound()
        for number in range(12):
            message_id = await self.submit(client, number)
            await self.receipt(client, number, message_id)
            await provider.expect("receipt_answered", number=700 + number, status=0)
        await self.close(client)

    # ------------------------------------------------------------- promises

    def test_every_kind_of_message(self: Any) -> Deferred[None]:
        """GSM-7, UCS2, UDH parts, SAR parts, message_payload arrive as they were sent."""

        async def go() -> None:
            provider = await self.open()
            client = await self.bound()
            for number, sample in enumerate(messages.ALL):
                message_id = await self.submit(client, number, sample)
                got = await provider.expect("submit")
                self.assertTrue(messages.same(sample, got), (sample, got))
                await self.receipt(client, number, message_id)
            await self.close(client)

        return Deferred.fromCoroutine(go())

    def test_transmitter_and_receiver(self: Any) -> Deferred[None]:
        """Bound twice, as TX and as RX: submits on one, receipts on the other."""

        async def go() -> None:
            host, port = await self.open_host(self.kind, "a", first=700)
            upstream = Upstream("foreign", [port], 'bind = "transmitter+receiver"')
            self.node = await self.run_node([upstream])
            binds = [await host.expect("bind") for _ in range(2)]
            for bind in binds:
                self.check_bind(bind)
                await self.node.expect_line(r"\bforeign\S* is bound")
            commands = {bind["command"] for bind in binds}
            self.assertEqual(commands, {"bind_transmitter", "bind_receiver"})
            client = await self.bound()
            message_id = await self.submit(client, 0)
            await self.receipt(client, 0, message_id)
            await self.close(client)

        return Deferred.fromCoroutine(go())

    def test_ten_outstanding(self: Any) -> Deferred[None]:
        """A window of ten is used to its end, and every answer finds its message."""

        async def go() -> None:
            provider = await self.open(options="window = 10", answer_after=500)
            client = await self.bound()
            tags = [str(number) for number in range(OUTSTANDING)]
            for number, tag in enumerate(tags):
                client.order("submit", **{**messages.GSM7.order(number), "tag": tag})
            for _ in tags:
                await provider.expect("submit")
            self.assertEqual(client.unclaimed("submitted"), [])
            answers = await gatherResults([client.expect("submitted", tag=tag) for tag in tags])
            for number, answer in enumerate(answers):
                message_id = answer["message_id"]
                receipt = await client.expect("delivered", receipted_message_id=message_id)
                self.assertEqual(receipt["source_addr"], messages.GSM7.order(number)["to"])
            await self.close(client)

        return Deferred.fromCoroutine(go())

    def test_hex_ids_against_decimal(self: Any) -> Deferred[None]:
        """The response writes ids in hex, the receipt in decimal."""
        return Deferred.fromCoroutine(self.several(tables=HEX_IDS, base=16, receipt_base=10))

    def test_padded_in_the_receipt(self: Any) -> Deferred[None]:
        """The receipt pads with zeros what the response does not."""
        return Deferred.fromCoroutine(self.several(tables=PADDED_IDS, receipt_width=10))

    def test_padded_in_the_response(self: Any) -> Deferred[None]:
        """The response pads with zeros what the receipt does not."""
        return Deferred.fromCoroutine(self.several(tables=PADDED_IDS, width=10))

    def test_receipts_without_tlvs(self: Any) -> Deferred[None]:
        """Only the text says which message it is; the client gets both all the same."""
        return Deferred.fromCoroutine(self.several(tlvs=False))

    def test_early_receipts(self: Any) -> Deferred[None]:
        """The receipt comes before the response: the client sees them in the right order, once."""

        async def go() -> None:
            provider = await self.open(receipt="early")
            client = await self.bound()
            for number in range(5):
                client.order("submit", **messages.GSM7.order(number))
                await provider.expect("submit")
                first = await client.await_event(
                    "answer or receipt", lambda seen: seen["event"] in ("submitted", "delivered")
                )
                self.assertEqual((first["event"], first.get("status")), ("submitted", 0))
                await self.receipt(client, number, first["message_id"])
                await provider.expect("receipt_answered", status=0)
            await self.close(client)

        return Deferred.fromCoroutine(go())

    def test_duplicates(self: Any) -> Deferred[None]:
        """A receipt that comes three times is acknowledged three times and delivered once."""

        async def go() -> None:
            provider = await self.open(copies=3)
            client = await self.bound()
            for number in range(3):
                message_id = await self.submit(client, number)
                await self.receipt(client, number, message_id)
                for _ in range(3):
                    await provider.expect("receipt_answered", number=700 + number, status=0)
            await self.close(client)

        return Deferred.fromCoroutine(go())

    def test_receipt_on_the_other_host(self: Any) -> Deferred[None]:
        """Host a takes the message, host b brings its receipt, and the other way round."""

        async def go() -> None:
            a, port_a = await self.open_host(self.kind, "a", first=700, receipt="none")
            b, port_b = await self.open_host(self.kind, "b", first=900, receipt="none")
            self.node = await self.bound_node(Upstream("foreign", [port_a, port_b]), a, b)
            client = await self.bound()
            taken_by = {"a": 0, "b": 0}
            for number in range(20):
                message_id = await self.submit(client, number)
                name, taker, other = ("a", a, b) if a.unclaimed("submit") else ("b", b, a)
                got = await taker.expect("submit")
                taken_by[name] += 1
                addresses = {"from": got["source_addr"], "to": got["destination_addr"]}
                other.order("receipt", number=got["number"], **addresses)
                await self.receipt(client, number, message_id)
                await other.expect("receipt_answered", number=got["number"], status=0)
            self.assertTrue(all(taken_by.values()), taken_by)
            await self.close(client)

        return Deferred.fromCoroutine(go())

    def test_refusals(self: Any) -> Deferred[None]:
        """The provider's own verdict reaches the client, with or without a body; no receipt."""
        return Deferred.fromCoroutine(self.refusal(ESME_RINVDSTADR, ESME_RINVDSTADR))

    def test_vendor_refusals(self: Any) -> Deferred[None]:
        """A vendor's status becomes ESME_RSUBMITFAIL: clients lose their link over 0x40d."""
        return Deferred.fromCoroutine(self.refusal(0x40D, ESME_RSUBMITFAIL))

    async def refusal(self: Any, status: int, told: int) -> None:
        """Three messages that the provider refuses; the bind stays and goes on."""
        await self.open(status=status)
        client = await self.bound()
        for number in range(3):
            client.order("submit", **messages.GSM7.order(number))
            answer = await client.expect("submitted")
            self.assertEqual(answer["status"], told)
            self.assertFalse(answer.get("message_id"))
        await self.close(client)

    def test_mobile_originated(self: Any) -> Deferred[None]:
        """An MO message reaches the account that owns its number."""

        async def go() -> None:
            provider = await self.open()
            client = await self.bound()
            hello = {"from": "447700900099", "to": MO_NUMBER, "text": "hello"}
            provider.order("message", **hello)
            message = await client.expect("delivered")
            self.assertEqual((message["text"], message["esm_class"]), ("hello", 0))
            await provider.expect("message_answered", status=0)
            await self.close(client)

        return Deferred.fromCoroutine(go())

    def test_enquire_link(self: Any) -> Deferred[None]:
        """The provider's enquire_link is answered."""

        async def go() -> None:
            provider = await self.open()
            provider.order("enquire")
            await provider.expect("enquire_answered", status=0)
            await self.check_wire()

        return Deferred.fromCoroutine(go())

    def test_wrong_password(self: Any) -> Deferred[None]:
        """A refused bind is told in the log with the provider's own code, and closed."""

        async def go() -> None:
            host, port = await self.open_host(self.kind, "a", password="another")
            self.node = await self.run_node([Upstream("foreign", [port])])
            bind = await host.expect("bind")
            self.assertFalse(bind["right"])
            await host.expect("closed")
            await self.node.expect_line("foreign.*ESME_RBINDFAIL")
            await self.check_wire()

        return Deferred.fromCoroutine(go())

    def test_unbind(self: Any) -> Deferred[None]:
        """A node that is told to stop unbinds, waits for the answer and closes."""

        async def go() -> None:
            provider = await self.open()
            await self.node.stop()
            self.assertEqual(self.node.exit_code, 0, self.node.told())
            await provider.expect("unbind")
            await provider.expect("closed")
            await self.check_wire()

        return Deferred.fromCoroutine(go())


class NodeSmppTests(ForeignProviderMixin, InteropCase):
    """The npm package smpp as provider, Net::SMPP as the node's client."""

    kind = "node"
    client_kind = "perl"

    def test_tls(self) -> Deferred[None]:
        """Over TLS, with the provider's name verified."""

        async def go() -> None:
            files = certificates.make(Path(self.mktemp()), "smsc.example")
            host = self.start(
                actors.provider("node", key=str(files.key), cert=str(files.certificate))
            )
            port = (await host.expect("listening"))["port"]
            options = f'tls = "required"\ntls_name = "smsc.example"\ntls_ca = "{files.ca}"'
            self.node = await self.bound_node(Upstream("foreign", [port], options), host)
            client = await self.bound()
            message_id = await self.submit(client, 0)
            await self.receipt(client, 0, message_id)

        return Deferred.fromCoroutine(go())


class NetSmppTests(ForeignProviderMixin, InteropCase):
    """Net::SMPP as provider, npm smpp as the node's client."""

    kind = "perl"
    client_kind = "node"
