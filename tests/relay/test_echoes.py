"""Tests of ``relay.echoes``: messages in doubt that a receipt finds by our reference (XC-05)."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.receipts.references import own_reference
from smppproxy.smpp import constants as c
from smppproxy.store.interface import NOT_SENT
from smppproxy.text.profile import TextProfile
from tests.support.memory_peers import (
    DESTINATION,
    FakeClient,
    FakeUpstream,
    World,
    fields_of,
    make_account,
    make_provider,
    submit,
)

PAYLOAD, REFERENCE = c.TLV_MESSAGE_PAYLOAD, c.TLV_USER_MESSAGE_REFERENCE
OK = (1, 0, b"1000000001")


class EchoTests(SynchronousTestCase):
    """A provider that brings our reference back."""

    def world(
        self, maximum: int = 20, **fields: Any
    ) -> tuple[World, FakeClient, FakeUpstream, bytes]:
        """A message whose host is lost before it answered; and our reference."""
        world = World(
            [make_account(**fields)],
            [make_provider(reference_echo=True, reference_max=maximum)],
        )
        client, a = world.client(), world.upstream("a")
        client.receive(submit(1, tlvs=[(c.TLV_USER_MESSAGE_REFERENCE, b"theirs")]))
        (pdu,) = a.submits()
        reference = dict(fields_of(pdu).tlvs)[c.TLV_USER_MESSAGE_REFERENCE]
        self.assertEqual(own_reference(b"1000000001", maximum), reference)
        a.lose()
        return world, client, a, reference

    def echo(
        self, upstream: FakeUpstream, reference: bytes, message_id: bytes = b"unheard", **more: Any
    ) -> None:
        tlvs = [(c.TLV_USER_MESSAGE_REFERENCE, reference)]
        upstream.receipt(message_id, tlvs=tlvs, **more)

    def test_xc05_receipt_is_the_answer(self) -> None:
        """XC-05: the receipt proves that the message was taken: OK with our id, then the receipt
        with the client's own reference, once."""
        world, client, _, reference = self.world()
        b = world.upstream("b", command_id=c.BIND_RECEIVER)
        self.assertEqual([], client.responses())
        self.echo(b, reference)
        self.assertEqual([OK], client.responses())
        (pdu,) = client.deliveries()
        fields = fields_of(pdu)
        self.assertIn(b"id:1000000001 ", fields.short_message)
        self.assertEqual(b"theirs", dict(fields.tlvs)[c.TLV_USER_MESSAGE_REFERENCE])
        client.acknowledge([pdu])
        self.echo(b, reference)
        world.advance(40)
        self.assertEqual([], client.texts())
        self.assertEqual([], client.responses())
        self.assertEqual([], world.upstream("a").submits())
        self.assertEqual((1, 0, 0), (
            world.ledger.accepted, world.ledger.in_doubt, world.ledger.resent
        ))
        self.assertEqual({}, world.ledger.imbalance())

    def test_xc05_both_copies_one_receipt(self) -> None:
        """XC-05: a second copy went out and both bring receipts: the client gets one of them."""
        for first in (True, False):
            world, client, _, reference = self.world()
            b = world.upstream("b")
            b.accept((b.submits()[0], b"second"))
            self.assertEqual([OK], client.responses())
            if first:
                self.echo(b, reference)
                b.receipt(b"second")
            else:
                b.receipt(b"second")
                self.echo(b, reference)
            self.assertEqual(1, len(client.texts()))
            self.assertEqual({}, world.ledger.imbalance())

    def test_xc05_proved_while_the_second_copy_is_out(self) -> None:
        """The receipt answers the client; the second copy is late, its receipt unwanted."""
        world, client, _, reference = self.world()
        b = world.upstream("b")
        (pdu,) = b.submits()
        self.echo(b, reference)
        self.assertEqual([OK], client.responses())
        b.accept((pdu, b"second"))
        b.receipt(b"second")
        self.assertEqual([], client.responses())
        self.assertEqual(1, len(client.texts()))
        self.assertEqual({}, world.ledger.imbalance())

    def test_xc05_wall_clock_moves_between_two_copies(self) -> None:
        """Both copies are lost, and the wall clock is put right in between: one message is found,
        not one of two."""
        world, client, a, reference = self.world()
        again = world.upstream("a")
        (_,) = again.submits()
        world.wall_offset -= 3600.0
        again.lose()
        self.echo(world.upstream("b", command_id=c.BIND_RECEIVER), reference)
        self.assertEqual(1, len(client.texts()))
        self.assertEqual({}, world.ledger.imbalance())

    def test_xc05_told_unknown_before(self) -> None:
        """A client that was told 0xFF gets no second answer, but its receipt."""
        world, client, _, reference = self.world(in_doubt="answer")
        self.assertEqual([(1, c.ESME_RUNKNOWNERR, b"")], client.responses())
        self.echo(world.upstream("b"), reference)
        self.assertEqual([], client.responses())
        self.assertEqual(1, len(client.texts()))

    def test_xc05_another_destination(self) -> None:
        """The same reference for another number proves nothing, and goes to nobody (D7)."""
        world, client, _, reference = self.world(maximum=2)
        b = world.upstream("b", command_id=c.BIND_RECEIVER)
        self.echo(b, reference, destination=b"4599999999")
        self.echo(b, b"\1\2", b"another")
        self.assertEqual([], client.responses())
        self.assertEqual([], client.texts())

    def test_xc05_client_gone(self) -> None:
        """The client left: its receipt waits for its next bind."""
        world, client, _, reference = self.world()
        client.lose()
        self.echo(world.upstream("b"), reference, destination=DESTINATION)
        self.assertEqual(1, len(world.client().texts()))

    def test_no_proof_without_a_map(self) -> None:
        """P1: while the map of the reference is not durable, a receipt is no answer."""
        world = World(providers=[make_provider(reference_echo=True, reference_max=20)])
        client, a = world.client(), world.upstream("a")
        client.receive(submit(1))
        world.store.fail_next("record", NOT_SENT)
        a.lose()
        b = world.upstream("b", command_id=c.BIND_RECEIVER)
        self.echo(b, own_reference(b"1000000001", 20))
        self.assertEqual([], client.responses())
        self.assertEqual(1, world.ledger.parked)

    def test_other_providers_are_left_alone(self) -> None:
        """Without reference_echo nothing is written for a message in doubt."""
        world = World()
        client, a = world.client(), world.upstream("a")
        client.receive(submit(1))
        a.lose()
        self.assertNotIn("record", world.store.calls)


class PartTests(SynchronousTestCase):
    """A message that went as three parts to such a provider."""

    def start(self, maximum: int = 20, taken: int = 0, wants: int = 1) -> None:
        """The host is lost when it has answered the first ``taken`` of them.

        :param wants: registered_delivery.
        """
        text = TextProfile(False, codings={"gsm7": 0, "ucs2": 8})
        provider = make_provider(reference_echo=True, reference_max=maximum, text=text)
        self.world = World([make_account()], [provider])
        self.client, a = self.world.client(), self.world.upstream("a")
        self.client.receive(
            submit(
                1,
                short_message=b"",
                registered_delivery=wants,
                tlvs=[(PAYLOAD, b"x" * 400)],
            )
        )
        pdus = a.submits()
        self.references = [fields_of(pdu).tlv(REFERENCE) for pdu in pdus]
        for number in range(taken):
            a.accept((pdus[number], b"id%d" % number))
        a.lose()
        self.b = self.world.upstream("b", command_id=c.BIND_RECEIVER)

    def echo(self, number: int, stat: bytes = b"DELIVRD") -> None:
        """The receipt of a part, under an id that nobody has heard."""
        tlvs = [(REFERENCE, self.references[number])]
        self.b.receipt(b"unheard %d" % number, stat=stat, tlvs=tlvs)

    def test_xc05_each_part_has_its_reference(self) -> None:
        """The id of the message and the part's number; integers that differ."""
        self.start()
        self.assertEqual([b"1000000001-%d" % each for each in (1, 2, 3)], self.references)
        self.start(maximum=2)
        self.assertEqual(3, len(set(self.references)))

    def test_xc05_all_parts_proved(self) -> None:
        """The receipts of all parts are the answer: OK, and one receipt, once."""
        for maximum in (20, 2):
            self.start(maximum)
            self.echo(0)
            self.echo(2)
            self.assertEqual([], self.client.responses())
            self.echo(1, b"UNDELIV")
            self.assertEqual([OK], self.client.responses())
            (pdu,) = self.client.deliveries()
            text = fields_of(pdu).short_message
            self.assertIn(b"id:1000000001 sub:003 dlvrd:002 ", text)
            self.assertIn(b" stat:UNDELIV ", text)
            self.client.acknowledge([pdu])
            self.echo(1)
            self.world.advance(40)
            self.assertEqual([], self.client.texts())
            self.assertEqual([], self.world.upstream("a").submits())
            self.assertEqual({}, self.world.ledger.imbalance())

    def test_xc05_some_answered_others_proved(self) -> None:
        """Parts that were answered are found by their ids, the others by their references."""
        self.start(taken=2)
        self.echo(2)
        self.assertEqual([OK], self.client.responses())
        self.assertEqual([], self.client.texts())
        self.b.receipt(b"id0")
        self.b.receipt(b"id1")
        self.assertEqual(1, len(self.client.texts()))
        self.assertEqual({}, self.world.ledger.imbalance())

    def test_xc05_second_copies_of_the_others(self) -> None:
        """A part that was proved is not sent again, the others are; one receipt in the end."""
        self.start(taken=1)
        self.echo(2)
        a = self.world.upstream("a")
        pdus = a.submits()
        self.assertEqual([self.references[1]], [fields_of(pdu).tlv(REFERENCE) for pdu in pdus])
        a.accept((pdus[0], b"second"))
        self.assertEqual([OK], self.client.responses())
        self.b.receipt(b"id0")
        self.echo(1)
        a.receipt(b"second")
        self.assertEqual(1, len(self.client.texts()))
        self.assertEqual({}, self.world.ledger.imbalance())

    def test_xc05_proved_first(self) -> None:
        """The order in which parts are proved and answered says nothing about which they are."""
        self.start()
        self.echo(2)
        a = self.world.upstream("a")
        first, second = a.submits()
        a.accept((second, b"two"), (first, b"one"))
        self.assertEqual([OK], self.client.responses())
        a.receipt(b"one")
        a.receipt(b"two")
        self.assertEqual(1, len(self.client.texts()))
        self.assertEqual({}, self.world.ledger.imbalance())

    def test_xc05_answered_before_the_host_was_lost(self) -> None:
        """A part that was refused, and the others with it, needs no receipt to be found."""
        self.start()
        world, client = self.world, self.client
        a = world.upstream("a")
        first, *_ = a.submits()
        a.refuse(c.ESME_RINVDSTADR, first)
        a.lose()
        self.echo(0)
        self.assertEqual(1, len(client.responses()))
        self.assertEqual({}, world.ledger.imbalance())

    def test_xc05_intermediate_receipt_of_a_part_waits_for_the_answer(self) -> None:
        """A receipt that proves one part only is not passed on before the message is answered."""
        self.start(wants=0x11)
        self.echo(0, b"ENROUTE")
        self.world.advance(1)
        self.assertEqual(([], []), (self.client.responses(), self.client.deliveries()))
        self.echo(1)
        self.echo(2)
        self.assertEqual([OK], self.client.responses())
        self.world.advance(1)
        (text,) = self.client.texts()
        self.assertIn(b" stat:ENROUTE ", text)

    def test_xc05_intermediate_receipt_of_a_part_follows_an_unknown_fate(self) -> None:
        """The other parts are refused, or nobody answers for them: 0xFF, then what waited."""
        for refused in (True, False):
            self.start(wants=0x11)
            self.echo(0, b"ENROUTE")
            if refused:
                a = self.world.upstream("a")
                a.refuse(c.ESME_RINVDSTADR, a.submits()[0])
            else:
                self.world.advance(30)
            self.assertEqual([(1, c.ESME_RUNKNOWNERR, b"")], self.client.responses())
            self.assertEqual([], self.client.deliveries())
            self.world.advance(1)
            (text,) = self.client.texts()
            self.assertIn(b" stat:ENROUTE ", text)
            self.assertEqual({}, self.world.ledger.imbalance())

    def test_xc05_receipt_of_an_answered_part_waits_for_the_others(self) -> None:
        """So does one that finds by its reference a part whose second copy has been answered."""
        self.start(wants=0x11)
        a = self.world.upstream("a")
        first, *others = a.submits()
        a.accept((first, b"again"))
        self.echo(0, b"ENROUTE")
        self.world.advance(1)
        self.assertEqual(([], []), (self.client.responses(), self.client.deliveries()))
        a.accept(*[(pdu, b"id%d" % at) for at, pdu in enumerate(others)])
        self.assertEqual([OK], self.client.responses())
        self.world.advance(1)
        self.assertEqual(1, len(self.client.texts()))
