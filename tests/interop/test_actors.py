"""The foreign programs understand each other, so that a failure elsewhere is not theirs."""

from __future__ import annotations

from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from tests.interop.actors import client, provider
from tests.interop.capture import Capture, Relay, dissect
from tests.interop.kannel import ACCEPTED, DELIVERED, Kannel
from tests.support import messages
from tests.support.processes import Actor, reactor


class ForeignersTests(TestCase):
    """Each foreign client against each foreign provider, without smppproxy."""

    timeout = 240

    def start(self, actor: Actor) -> Actor:
        """Start it, and end it with the test."""
        actor.start()
        self.addCleanup(actor.stop)
        return actor

    async def meet(self, client_kind: str, provider_kind: str) -> None:
        """Bind, every kind of message, a receipt for each, unbind."""
        upstream = self.start(provider(provider_kind))
        port = (await upstream.expect("listening"))["port"]
        self.capture = Capture(Path(self.mktemp()))
        relay = Relay(reactor, self.capture, port)
        self.addCleanup(relay.stop)
        esme = self.start(client(client_kind, relay.port))
        await esme.expect("connected")
        esme.order("bind", mode="trx", system_id="smppproxy", password="upstream")
        await esme.expect("bound", status=0)
        samples = [m for m in messages.ALL if not (client_kind == "php" and m.payload)]
        for number, sample in enumerate(samples):
            esme.order("submit", **sample.order(number))
            got = await upstream.expect("submit")
            if client_kind != "php":
                self.assertTrue(messages.same(sample, got), (sample, got))
            answer = await esme.expect("submitted", tag=sample.tag, status=0)
            self.assertEqual(answer["message_id"], got["message_id"])
            receipt = await esme.expect("delivered")
            self.assertEqual(receipt["receipted_message_id"], got["message_id"])
            await upstream.expect("receipt_answered", status=0)
        esme.order("unbind")
        await esme.expect("unbound", status=0)
        await esme.expect("closed")
        self.capture.close()
        seen = await dissect(self.capture.path)
        self.assertEqual(seen.pdus, 4 * (len(samples) + 1))
        self.assertEqual(seen.wrong_answers, [])
        # The dissector must see what is wrong, else its silence elsewhere says nothing.
        self.assertEqual(len(seen.wrong_requests), len(samples) if client_kind == "php" else 0)

    def test_node_to_node(self) -> Deferred[None]:
        """npm smpp against itself."""
        return Deferred.fromCoroutine(self.meet("node", "node"))

    def test_node_to_perl(self) -> Deferred[None]:
        """npm smpp against Net::SMPP."""
        return Deferred.fromCoroutine(self.meet("node", "perl"))

    def test_perl_to_node(self) -> Deferred[None]:
        """Net::SMPP against npm smpp."""
        return Deferred.fromCoroutine(self.meet("perl", "node"))

    def test_perl_to_perl(self) -> Deferred[None]:
        """Net::SMPP against itself."""
        return Deferred.fromCoroutine(self.meet("perl", "perl"))

    def test_php_shape_to_node(self) -> Deferred[None]:
        """The shape of GW-53 against npm smpp, which reads past the stray NUL."""
        return Deferred.fromCoroutine(self.meet("php", "node"))

    def test_kannel_to_node(self) -> Deferred[None]:
        """Kannel as transceiver against npm smpp."""
        return Deferred.fromCoroutine(self.kannel_meets("trx"))

    def test_two_kannel_binds_to_node(self) -> Deferred[None]:
        """Kannel as transmitter and receiver against npm smpp."""
        return Deferred.fromCoroutine(self.kannel_meets("tx", "rx"))

    async def kannel_meets(self, *modes: str) -> None:
        """Every kind of message through Kannel's HTTP side, both kinds of receipts back."""
        upstream = self.start(provider("node"))
        port = (await upstream.expect("listening"))["port"]
        kannel = Kannel(Path(self.mktemp()).resolve(), port, modes, "smppproxy", "upstream")
        self.addCleanup(kannel.stop)
        await kannel.start()
        for _ in modes:
            await upstream.expect("bind", right=True)
        for number, sample in enumerate(messages.ALL):
            await kannel.send(sample, number)
            got = await upstream.expect("submit")
            self.assertTrue(messages.same(sample, got), (sample, got))
            for kind in (ACCEPTED, DELIVERED):
                receipt = await kannel.receipt(sample, number, kind)
                self.assertEqual(receipt["id"], got["message_id"])
