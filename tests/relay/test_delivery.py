"""Tests of ``relay.delivery``: what an account's receipts and MO messages look like."""

from __future__ import annotations

from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.receipts.profile import ReceiptProfile
from smppproxy.relay import delivery
from smppproxy.routing.mo import MoRoute
from smppproxy.smpp import constants as c
from tests.support.memory_peers import (
    FakeClient,
    FakeUpstream,
    World,
    fields_of,
    make_account,
    make_provider,
    mo,
    submit,
)

FINAL_ENROUTE = ReceiptProfile(final_for=(("45", frozenset({"ENROUTE"})),))


class ReceiptTests(SynchronousTestCase):
    """By the account's settings."""

    def receipt(
        self, stat: bytes = b"DELIVRD", provider: dict[str, Any] | None = None, **fields: Any
    ) -> tuple[bytes, int]:
        """(text, message_state) of the receipt of one message of such an account."""
        self.world = World([make_account(**fields)], [make_provider(**(provider or {}))])
        client, upstream = self.world.client(), self.world.upstream()
        client.receive(submit(1))
        upstream.accept((upstream.submits()[0], b"x"))
        upstream.receipt(b"x", stat=stat)
        (pdu,) = client.deliveries()
        received = fields_of(pdu)
        state = received.tlv(c.TLV_MESSAGE_STATE) or b"\0"
        return received.short_message, state[0]

    def test_gw37_dialect(self) -> None:
        """GW-37: words are those of the account's dialect."""
        for dialect, word, state in (("default", b"DELETED", 4), ("gatewayapi", b"UNDELIV", 5)):
            text, told = self.receipt(b"DELETED", dialect=dialect)
            self.assertIn(b" stat:%b " % word, text)
            self.assertEqual(state, told)

    def test_only_the_last_looks_are_kept(self) -> None:
        """Receipts that each say something else cost bounded memory, and are right."""
        self.patch(delivery, "LOOKS", 2)
        self.receipt()
        client, upstream = self.world.clients[0], self.world.upstreams[0]
        for number, stat in enumerate((b"UNDELIV", b"EXPIRED", b"UNDELIV", b"REJECTD"), 2):
            client.receive(submit(number))
            upstream.accept((upstream.submits()[0], b"x%d" % number))
            upstream.receipt(b"x%d" % number, stat=stat)
            (pdu,) = client.deliveries()
            self.assertIn(b" stat:%b " % stat, fields_of(pdu).short_message)
            looks = self.world.relay.directory.inboxes[client.account.key].looks
            self.assertLessEqual(len(looks), 2)

    def test_other_settings_other_looks(self) -> None:
        """A reload that changes how an account's receipts look changes those that follow; accounts
        whose receipts look alike remember them together."""
        self.receipt()
        client, upstream = self.world.clients[0], self.world.upstreams[0]
        directory = self.world.relay.directory
        inbox = directory.inboxes[client.account.key]
        first = inbox.looks
        for number, zone in enumerate(("UTC", "Europe/Copenhagen", "UTC"), 2):
            directory.inbox(attrs.evolve(client.account, receipt_tz=zone))
            client.receive(submit(number))
            upstream.accept((upstream.submits()[0], b"x%d" % number))
            upstream.receipt(b"x%d" % number)
            (pdu,) = client.deliveries()
            hour = b"23" if zone != "UTC" else b"22"
            self.assertIn(b" done date:231114%b14 " % hour, fields_of(pdu).short_message)
            self.assertEqual(zone == "UTC", inbox.looks is first)
        self.assertIs(first, directory.inbox(make_account(system_id="other")).looks)

    def test_gw31_references_are_their_own(self) -> None:
        """GW-31: receipts that differ in the client's reference alone each show theirs."""
        self.receipt()
        client, upstream = self.world.clients[0], self.world.upstreams[0]
        for number, reference in enumerate((b"\0\7", b"\0\x63", b"order-7"), 2):
            tlvs = [(c.TLV_USER_MESSAGE_REFERENCE, reference)]
            client.receive(submit(number, tlvs=tlvs))
            upstream.accept((upstream.submits()[0], b"x%d" % number))
            upstream.receipt(b"x%d" % number)
            (pdu,) = client.deliveries()
            received = fields_of(pdu)
            told = reference if len(reference) > 2 else b"%d" % reference[1]
            self.assertTrue(received.short_message.endswith(b" text:" + told))
            self.assertEqual(reference, received.tlv(c.TLV_USER_MESSAGE_REFERENCE))

    def test_gw27_receipt_tz(self) -> None:
        """GW-27: dates are in the account's zone."""
        self.assertIn(b" done date:2311142214 ", self.receipt()[0])
        self.assertIn(b" done date:2311142314 ", self.receipt(receipt_tz="Europe/Copenhagen")[0])

    def test_mg22_enroute_final_as(self) -> None:
        """MG-22: where ENROUTE is the last word it is told under the account's name for it."""
        provider = {"receipt": FINAL_ENROUTE}
        for name, state in (("ENROUTE", 1), ("ACCEPTD", 6), ("DELIVRD", 2)):
            text, told = self.receipt(b"ENROUTE", provider, enroute_final_as=name)
            self.assertIn(b" stat:%b " % name.encode(), text)
            self.assertEqual(state, told)

    def test_mg22_intermediate_enroute_keeps_its_name(self) -> None:
        """MG-22: an ENROUTE that is not the last word is ENROUTE."""
        text, _ = self.receipt(b"ENROUTE", enroute_final_as="DELIVRD", intermediate="always")
        self.assertIn(b" stat:ENROUTE ", text)

    def test_late_delivery(self) -> None:
        """Mission 3.5: DELIVRD after EXPIRED reaches accounts with late_delivery only."""
        for late in (False, True):
            world = World([make_account(late_delivery=late)])
            client, upstream = world.client(), world.upstream()
            client.receive(submit(1))
            upstream.accept((upstream.submits()[0], b"x"))
            upstream.receipt(b"x", stat=b"EXPIRED")
            upstream.receipt(b"x", stat=b"DELIVRD")
            self.assertEqual(1 + late, len(client.texts()))
            self.assertEqual({}, world.ledger.imbalance())

    def test_mg32_unknown_word(self) -> None:
        """MG-32, mission 3.5: a word that nobody knows is UNKNOWN downstream, counted and told."""
        self.assertIn(b" stat:UNKNOWN ", self.receipt(b"WHATEVER")[0])
        (upstream,) = self.world.upstreams
        upstream.receipt(b"y", stat=b"WHATEVER")
        upstream.receipt(b"y", stat=b"DELIVRD", tlvs=[(c.TLV_MESSAGE_STATE, b"\5")])
        events = self.world.ledger.events
        self.assertEqual((2, 1), (events["unknown_stat"], events["state_conflict"]))

    def test_gw34_err_base(self) -> None:
        """GW-34: err is read in the provider's base."""
        provider = {"receipt": ReceiptProfile(err="hex")}
        self.assertIn(b" err:000 ", self.receipt(b"DELIVRD", provider)[0])


class PartsTests(SynchronousTestCase):
    """A message that went as several."""

    def test_gw44_sub_and_dlvrd(self) -> None:
        """GW-44, GW-26: one receipt with the true counts of parts, when all of them are final."""
        profile = make_provider().text
        profile.transparent = False
        world = World(providers=[make_provider(text=profile)])
        client, upstream = world.client(), world.upstream()
        payload = [(c.TLV_MESSAGE_PAYLOAD, b"a" * 300)]
        client.receive(submit(1, short_message=b"", tlvs=payload))
        pdus = upstream.submits()
        self.assertEqual(2, len(pdus))
        upstream.accept(*((pdu, b"%d" % pdu.sequence_number) for pdu in pdus))
        self.assertEqual([(1, 0, b"1000000001")], client.responses())
        upstream.receipt(b"%d" % pdus[0].sequence_number)
        self.assertEqual([], client.deliveries())
        self.assertEqual((1, 0), (world.ledger.merged, world.ledger.matched))
        upstream.receipt(b"%d" % pdus[1].sequence_number, stat=b"UNDELIV")
        (text,) = client.texts()
        self.assertIn(b" sub:002 dlvrd:001 ", text)
        self.assertIn(b" stat:UNDELIV ", text)
        self.assertEqual({}, world.ledger.imbalance())


class MoTests(SynchronousTestCase):
    """MO messages."""

    def world(self, service: str = "both") -> tuple[World, FakeUpstream]:
        world = World(
            [make_account(service=service)],
            mo_routes=[MoRoute("acme", numbers=frozenset({"1234"}))],
        )
        return world, world.upstream()

    def old(self, world: World) -> FakeClient:
        """A session bound as 3.3."""
        return world.client(interface_version=0x33, command_id=c.BIND_RECEIVER)

    def test_gw02_no_tlvs_below_3_4(self) -> None:
        """GW-02: a session bound below 0x34 gets an MO without TLVs, its text all the same."""
        world, upstream = self.world()
        client = self.old(world)
        tlvs = [(0x1403, b"x")]
        upstream.receive(
            mo(1, tlvs=tlvs),
            mo(2, short_message=b"", tlvs=[(c.TLV_MESSAGE_PAYLOAD, b"p" * 300), *tlvs]),
            mo(3, short_message=b"", tlvs=tlvs),
        )
        pdus = client.deliveries()
        self.assertEqual(
            [b"STOP", b"p" * 254, b""], [fields_of(pdu).short_message for pdu in pdus]
        )
        self.assertEqual([[], [], []], [fields_of(pdu).tlvs for pdu in pdus])

    def test_mg18_account_for_submits(self) -> None:
        """MG-18: an MO message for the number of an "mt" account is unrouted: kept and counted."""
        world, upstream = self.world("mt")
        client = world.client()
        upstream.receive(mo(1))
        self.assertEqual([(1, 0)], upstream.answers())
        self.assertEqual([], client.deliveries())
        self.assertEqual(1, world.ledger.mo_unrouted)
        world, upstream = self.world("mo")
        client = world.client()
        upstream.receive(mo(1))
        self.assertEqual(1, len(client.deliveries()))

    def test_mg19_no_receipts(self) -> None:
        """MG-19: receipts = false: registered_delivery is taken, and nothing follows."""
        world = World([make_account(receipts=False)])
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1))
        upstream.accept((upstream.submits()[0], b"x"))
        upstream.receipt(b"x")
        self.assertEqual([], client.deliveries())
        self.assertEqual((1, 1), (world.ledger.accepted, world.ledger.unwanted))
