"""Tests of ``relay.deliver``: from a provider's deliver_sm into the accounts' queues."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.receipts.message_ids import IdProfile
from smppproxy.relay.answers import UNANSWERED
from smppproxy.relay.messages import message_body
from smppproxy.routing.mo import MoRoute
from smppproxy.routing.routes import Route, Target
from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.pdu import Pdu
from smppproxy.smpp.tlv import tlv
from smppproxy.store.interface import NOT_SENT, UNKNOWN
from smppproxy.store.leftovers import UNROUTED
from tests.support.memory_peers import (
    DESTINATION,
    FakeClient,
    FakeUpstream,
    World,
    fields_of,
    make_account,
    make_provider,
    mo,
    receipt,
    submit,
)


def sent(
    world: World, client: FakeClient, upstream: FakeUpstream, message_id: bytes, **fields: Any
) -> bytes:
    """One message through the given host; our id of it."""
    client.receive(submit(1, **fields))
    (pdu,) = upstream.submits()
    upstream.accept((pdu, message_id))
    ((_, status, ours),) = client.responses()
    if status:
        raise AssertionError(f"refused with {status:#x}")
    return ours


class ReceiptTests(SynchronousTestCase):
    """Receipts, and the messages they are about."""

    def setUp(self) -> None:
        self.world = World()
        self.client, self.upstream = self.world.client(), self.world.upstream()
        self.ledger = self.world.ledger

    def tearDown(self) -> None:
        self.assertEqual({}, self.ledger.imbalance())

    def sent(self, message_id: bytes = b"x", **fields: Any) -> bytes:
        return sent(self.world, self.client, self.upstream, message_id, **fields)

    def test_receipt_comes_home(self) -> None:
        """The client gets its receipt with our id in text and TLV, addresses turned round."""
        ours = self.sent()
        self.upstream.receipt(b"x")
        (pdu,) = self.client.deliveries()
        fields = fields_of(pdu)
        self.assertEqual(c.ESM_RECEIPT, fields.esm_class)
        self.assertEqual((DESTINATION, b"shop"), (fields.source_addr, fields.destination_addr))
        self.assertTrue(fields.short_message.startswith(b"id:%b sub:001 dlvrd:001 " % ours))
        self.assertIn(b" done date:2311142214 stat:DELIVRD err:000 ", fields.short_message)
        self.assertEqual(ours + b"\0", fields.tlv(c.TLV_RECEIPTED_MESSAGE_ID))
        self.assertEqual(bytes([c.STATE_DELIVERED]), fields.tlv(c.TLV_MESSAGE_STATE))
        self.client.acknowledge([pdu])
        self.assertEqual([(1, 0)], self.upstream.answers())
        ledger = self.ledger
        self.assertEqual((1, 1, 0), (ledger.matched, ledger.delivered, ledger.queued))
        self.assertEqual((0, 0), self.world.sizes())

    def test_d1_answer_only_after_the_store_has_it(self) -> None:
        """D1: the provider hears nothing while the store does not have its receipt."""
        self.sent()
        self.world.store.hold("match")
        self.upstream.receipt(b"x")
        self.assertEqual([], self.upstream.unseen)
        self.assertEqual(1, self.ledger.withheld)
        self.assertEqual({}, self.ledger.imbalance())
        self.world.store.release()
        self.assertEqual([(1, 0)], self.upstream.answers())
        self.assertEqual(0, self.ledger.withheld)

    def test_one_store_call_and_one_write_for_a_read(self) -> None:
        """A read of receipts is one store call and one write of answers."""
        self.client.receive(*(submit(number) for number in range(1, 6)))
        pdus = self.upstream.submits()
        self.upstream.accept(*((pdu, b"%d" % pdu.sequence_number) for pdu in pdus))
        writes = self.upstream.writes
        self.upstream.receive(
            *(receipt(number, b"%d" % pdu.sequence_number) for number, pdu in enumerate(pdus, 1))
        )
        self.assertEqual(1, self.world.store.calls.count("match"))
        self.assertEqual(writes + 1, self.upstream.writes)
        self.assertEqual([(number, 0) for number in range(1, 6)], self.upstream.answers())
        self.assertEqual(5, len(self.client.texts()))

    def test_f73_duplicates(self) -> None:
        """F73: the same receipt a hundred times is one receipt for the client, each answered OK."""
        self.sent()
        for _ in range(100):
            self.upstream.receipt(b"x")
        self.assertEqual(1, len(self.client.texts()))
        self.assertEqual(100, len([1 for _, status in self.upstream.answers() if status == 0]))
        self.assertEqual((1, 99), (self.ledger.matched, self.ledger.duplicated))

    def test_f73_duplicates_before_the_answer(self) -> None:
        """F73: the same receipt twice before the submit_sm_resp is parked once."""
        self.client.receive(submit(1))
        (pdu,) = self.upstream.submits()
        self.upstream.receipt(b"x")
        self.upstream.receipt(b"x")
        self.upstream.accept((pdu, b"x"))
        self.assertEqual(1, len(self.client.texts()))
        self.assertEqual((1, 1, 0), (
            self.ledger.parked_in, self.ledger.duplicated, self.ledger.parked
        ))

    def test_f73_after_the_final_one(self) -> None:
        """F73, GW-24: what comes after a final receipt is acknowledged and dropped."""
        self.sent(registered_delivery=0x11)
        self.upstream.receipt(b"x")
        self.upstream.receipt(b"x", stat=b"ENROUTE")
        self.assertEqual(1, len(self.client.texts()))
        self.assertEqual([(1, 0), (2, 0)], self.upstream.answers())
        self.assertEqual(1, self.ledger.duplicated)

    def test_gw24_intermediate_then_final(self) -> None:
        """GW-24: an ENROUTE before a DELIVRD reaches who asked for it, both in order."""
        self.sent(registered_delivery=0x11)
        self.upstream.receipt(b"x", stat=b"ENROUTE")
        self.upstream.receipt(b"x")
        stats = [text.split(b"stat:")[1][:7] for text in self.client.texts()]
        self.assertEqual([b"ENROUTE", b"DELIVRD"], stats)

    def test_unwanted(self) -> None:
        """XC-10: what was not asked for is acknowledged, counted and goes nowhere."""
        self.sent(b"x", registered_delivery=0)
        self.sent(b"y", registered_delivery=2)
        self.upstream.receipt(b"x")
        self.upstream.receipt(b"y")
        self.assertEqual([], self.client.texts())
        self.assertEqual([(1, 0), (2, 0)], self.upstream.answers())
        self.assertEqual((2, 2, 0), (
            self.ledger.matched, self.ledger.unwanted, self.ledger.queued
        ))

    def test_f75_receipt_for_another_number_is_quarantined(self) -> None:
        """D7: an id that fits and a number that does not: quarantine, OK, and nobody gets it."""
        self.sent()
        self.upstream.receipt(b"x", b"4599999999")
        self.assertEqual([], self.client.texts())
        self.assertEqual([(1, 0)], self.upstream.answers())
        self.assertEqual(1, self.ledger.quarantined)
        self.assertEqual(1, len(self.world.shared.quarantine))

    def test_unreadable(self) -> None:
        """MG-11: a receipt without any id is answered OK and counted, not parked."""
        self.upstream.receive(
            build.deliver_sm(
                1, source_addr=DESTINATION, esm_class=c.ESM_RECEIPT, short_message=b"delivered"
            )
        )
        self.assertEqual([(1, 0)], self.upstream.answers())
        self.assertEqual((1, 1), (self.ledger.receipts_in, self.ledger.unreadable))
        self.assertEqual([], [call for call in self.world.store.calls if call == "match"])

    def test_broken_deliver_sm(self) -> None:
        """A deliver_sm whose fields break off is refused with their code; the session stays."""
        broken = build.deliver_sm(1, source_addr=b"4512345678")[:-8]
        self.upstream.receive((len(broken)).to_bytes(4, "big") + broken[4:])
        self.assertEqual([(1, c.ESME_RINVCMDLEN)], self.upstream.answers())
        self.assertEqual(1, self.ledger.events["unreadable_deliver_sm"])
        self.assertEqual(0, self.ledger.receipts_in)

    def test_receipt_in_data_sm(self) -> None:
        """Decisions 14: a receipt in data_sm is read, and answered with data_sm_resp."""
        ours = self.sent()
        self.upstream.receive(
            build.data_sm(
                7,
                source_addr=DESTINATION,
                esm_class=c.ESM_RECEIPT,
                tlvs=[
                    (c.TLV_RECEIPTED_MESSAGE_ID, b"x\0"),
                    (c.TLV_MESSAGE_STATE, bytes([c.STATE_DELIVERED])),
                ],
            )
        )
        (answer,) = self.upstream.look(c.DATA_SM_RESP)
        self.assertEqual((7, 0), (answer.sequence_number, answer.command_status))
        self.assertIn(b"id:%b " % ours, self.client.texts()[0])

    def test_done_date_unknown(self) -> None:
        """A receipt that tells no done date gets the time at which it came."""
        self.sent()
        self.upstream.receive(
            build.deliver_sm(
                1,
                source_addr=DESTINATION,
                esm_class=c.ESM_RECEIPT,
                short_message=b"id:x stat:DELIVRD",
            )
        )
        self.assertIn(b" done date:2311142230 ", self.client.texts()[0])

    def test_gw02_no_tlvs_below_3_4(self) -> None:
        """GW-02: a client bound with 0x33 gets no TLVs, one bound with 0x00 or 0x50 does."""
        for version, some in ((0x33, False), (0x00, True), (0x50, True)):
            self.client.lose()
            self.client = self.world.client(interface_version=version)
            self.sent(b"%d" % version)
            self.upstream.receipt(b"%d" % version)
            (pdu,) = self.client.deliveries()
            self.client.acknowledge([pdu])
            self.assertEqual(some, bool(fields_of(pdu).tlvs))

    def test_overlong_words_are_cut(self) -> None:
        """What a provider writes is bounded before it is stored."""
        self.sent()
        self.upstream.receive(
            build.deliver_sm(
                1,
                source_addr=DESTINATION,
                esm_class=c.ESM_RECEIPT,
                short_message=b"id:x stat:DELIVRD err:" + b"9" * 60 + b" text:" + b"t" * 100,
                tlvs=[(c.TLV_NETWORK_ERROR_CODE, b"\3" * 500)],
            )
        )
        self.assertEqual(1, len(self.client.texts()))


class ProvidersTests(SynchronousTestCase):
    """Several providers, hosts and nodes."""

    def test_f74_two_providers_with_equal_ids(self) -> None:
        """F74: the same id at two providers is two messages; each receipt finds its own account."""
        world = World(
            [make_account("one"), make_account("two")],
            [make_provider("p"), make_provider("q")],
            [
                Route("one", accounts=frozenset({"one"}), targets=(Target("p"),)),
                Route("two", accounts=frozenset({"two"}), targets=(Target("q"),)),
            ],
        )
        one, two = world.client("one"), world.client("two")
        p, q = world.upstream(provider="p"), world.upstream(provider="q")
        first = sent(world, one, p, b"x")
        second = sent(world, two, q, b"x")
        q.receipt(b"x")
        self.assertEqual([], one.texts())
        self.assertIn(b"id:%b " % second, two.texts()[0])
        p.receipt(b"x")
        self.assertIn(b"id:%b " % first, one.texts()[0])
        self.assertEqual([], two.texts())
        self.assertEqual({}, world.ledger.imbalance())

    def test_d7_parked_and_for_another_number(self) -> None:
        """A parked receipt that does not fit its message goes to quarantine, and that is told."""
        world = World()
        client, upstream = world.client(), world.upstream()
        upstream.receipt(b"x", b"4587654321")
        client.receive(submit(1))
        (pdu,) = upstream.submits()
        upstream.accept((pdu, b"x"))
        ledger = world.ledger
        self.assertEqual((1, 1, 1), (ledger.parked_in, ledger.parked_out, ledger.quarantined))
        self.assertEqual((0, 0), (ledger.matched, ledger.unwanted))
        self.assertEqual({}, ledger.imbalance())
        self.assertEqual([], client.texts())
        self.assertIn(("receipt_quarantined", "", ""), world.relay._events._limited._waiting)

    def test_f76_on_the_other_host(self) -> None:
        """F76, D6: a receipt may come on the other host, on another bind, or after a reconnect."""
        world = World()
        client, a, b = world.client(), world.upstream("a"), world.upstream("b")
        b.writable = False
        for place in ("other host", "other bind", "reconnect"):
            ours = sent(world, client, a, place.encode().replace(b" ", b""))
            upstream = b if place == "other host" else world.upstream("a")
            upstream.receipt(place.encode().replace(b" ", b""))
            self.assertIn(b"id:%b " % ours, client.texts()[0], place)
            if place != "other host":
                upstream.lose()

    def test_f76_after_our_restart(self) -> None:
        """F76, D6: a receipt that comes after our restart still finds its account."""
        before = World()
        ours = sent(before, before.client(), before.upstream(), b"x")
        world = World(after=before)
        world.upstream().receipt(b"x")
        self.assertIn(b"id:%b " % ours, world.client().texts()[0])

    def test_f76_on_another_node(self) -> None:
        """F76, D6: the other node gets the receipt, and this one hands it out within a second."""
        here = World(node="one")
        there = World(beside=here, node="two")
        client = here.client()
        ours = sent(here, client, here.upstream("a"), b"x")
        there.upstream("b").receipt(b"x")
        self.assertEqual([], client.unseen)
        here.advance(1)
        self.assertIn(b"id:%b " % ours, client.texts()[0])

    def test_other_spellings_of_an_id(self) -> None:
        """XC-02: the provider's profile finds a hex id by the decimal one of its receipt."""
        ids = IdProfile(resp="hex", receipt_text="dec", receipt_tlv="hex")
        world = World(providers=[make_provider(ids=ids)])
        client, upstream = world.client(), world.upstream()
        ours = sent(world, client, upstream, b"39f99dd5")
        upstream.receipt(b"0972660181")
        self.assertIn(b"id:%b " % ours, client.texts()[0])


class StoreTroubleTests(SynchronousTestCase):
    """Receipts while the store is away."""

    def world(self, **fields: Any) -> tuple[World, FakeClient, FakeUpstream]:
        world = World(
            providers=[make_provider(**fields)],
            mo_routes=[MoRoute("acme", numbers=frozenset({"1234"}))],
        )
        client, upstream = world.client(), world.upstream()
        sent(world, client, upstream, b"x")
        world.store.go_away()
        return world, client, upstream

    def test_withheld_until_the_store_is_back(self) -> None:
        """Reading 4: without a temp_answer the provider waits, however long; then OK, once."""
        world, client, upstream = self.world()
        upstream.receipt(b"x")
        world.advance(600)
        self.assertEqual([], upstream.unseen)
        self.assertEqual(1, world.ledger.withheld)
        world.store.come_back()
        self.assertEqual([(1, 0)], upstream.answers())
        world.advance(1)
        self.assertEqual(1, len(client.texts()))
        self.assertEqual({}, world.ledger.imbalance())

    def test_temp_answer_after_5_seconds(self) -> None:
        """Reading 4: with a temp_answer the provider gets it after 5 s, and sends again later."""
        world, client, upstream = self.world(temp_answer=c.ESME_RX_T_APPN)
        upstream.receipt(b"x")
        world.advance(4)
        self.assertEqual([], upstream.unseen)
        world.advance(2)
        self.assertEqual([(1, c.ESME_RX_T_APPN)], upstream.answers())
        self.assertEqual((0, 0), (world.ledger.withheld, world.ledger.receipts_in))
        world.store.come_back()
        upstream.receipt(b"x")
        self.assertEqual([(2, 0)], upstream.answers())
        world.advance(1)
        self.assertEqual(1, len(client.texts()))
        self.assertEqual({}, world.ledger.imbalance())

    def test_mo_too(self) -> None:
        """MO messages are withheld, or answered with the temp_answer, in the same way."""
        world, client, upstream = self.world(temp_answer=c.ESME_RX_T_APPN)
        upstream.receive(mo(5))
        world.advance(6)
        self.assertEqual([(5, c.ESME_RX_T_APPN)], upstream.answers())
        self.assertEqual(0, world.ledger.withheld)
        self.assertEqual({}, world.ledger.imbalance())

    def test_failed_without_temp_answer(self) -> None:
        """A store that fails for good: no answer, and the provider sends again on its own."""
        world, client, upstream = self.world()
        world.store.come_back()
        world.store.fail_next("match", NOT_SENT)
        upstream.receipt(b"x")
        self.assertEqual([], upstream.unseen)
        self.assertEqual(1, world.ledger.events["deliver_sm_not_stored"])
        upstream.receipt(b"x")
        self.assertEqual([(2, 0)], upstream.answers())
        self.assertEqual(1, len(client.texts()))
        self.assertEqual({}, world.ledger.imbalance())

    def test_f78_flood(self) -> None:
        """F78: a bind with too many unanswered deliver_sm is not read; then it is again."""
        world, client, upstream = self.world()
        for number in range(1, UNANSWERED + 2):
            self.assertFalse(upstream.held)
            upstream.receive(receipt(number, b"unknown%d" % number))
        self.assertTrue(upstream.held)
        world.store.come_back()
        self.assertFalse(upstream.held)
        self.assertEqual(UNANSWERED + 1, len(upstream.answers()))
        self.assertEqual(UNANSWERED + 1, world.ledger.parked)

    def test_f78_read_again_only_when_few_are_left(self) -> None:
        """F78: an answer to a few of very many does not open the bind again."""
        world, client, upstream = self.world()
        world.store.come_back()
        world.store.hold("match")
        upstream.receive(receipt(1, b"one"))
        many = range(1, 2 * UNANSWERED)
        upstream.receive(*(receipt(number + 1, b"%d" % number) for number in many))
        self.assertTrue(upstream.held)
        _, run, waiting = world.store._held.pop(0)
        run().chainDeferred(waiting)
        self.assertEqual([(1, 0)], upstream.answers())
        self.assertTrue(upstream.held)
        world.store.release()
        self.assertFalse(upstream.held)

    def test_bind_lost_meanwhile(self) -> None:
        """The bind is lost while its receipts wait: they are stored all the same, unanswered."""
        world, client, upstream = self.world()
        upstream.receipt(b"x")
        upstream.lose()
        world.store.come_back()
        world.advance(1)
        self.assertEqual(1, len(client.texts()))
        self.assertEqual({}, world.ledger.imbalance())


class MoTests(SynchronousTestCase):
    """MO messages."""

    def setUp(self) -> None:
        self.world = World(
            [make_account("one"), make_account("two", mo_limit=2)],
            mo_routes=[
                MoRoute("one", numbers=frozenset({"1234"})),
                MoRoute("two", prefixes=("4570",)),
            ],
        )
        self.one, self.two = self.world.client("one"), self.world.client("two")
        self.upstream = self.world.upstream()
        self.ledger = self.world.ledger

    def test_sx23_to_the_account_of_the_number(self) -> None:
        """SX-23: an MO goes to the account that owns its number, octet for octet."""
        pdu = mo(1, short_message=bytes(range(140)), data_coding=8, tlvs=[(0x1401, b"v")])
        self.upstream.receive(pdu, mo(2, b"+457012345678"))
        (got,) = self.one.deliveries()
        self.assertEqual(pdu[16:], got.raw[16:])
        self.assertEqual(b"+457012345678", fields_of(self.two.deliveries()[0]).destination_addr)
        self.assertEqual([(1, 0), (2, 0)], sorted(self.upstream.answers()))
        self.one.acknowledge([got])
        self.assertEqual((2, 1), (self.ledger.mo_in, self.ledger.mo_delivered))
        self.assertEqual((0, 0), self.world.sizes("one", b"m:"))
        self.assertEqual((0, 1), self.world.sizes("two", b"m:"))

    def test_sx23_unrouted(self) -> None:
        """SX-23: an MO for nobody's number is kept, answered OK and counted."""
        self.upstream.receive(mo(1, b"999"))
        self.assertEqual([(1, 0)], self.upstream.answers())
        self.assertEqual((1, 1), (self.ledger.mo_in, self.ledger.mo_unrouted))
        self.assertEqual(1, len(self.world.shared.queues[UNROUTED]))

    def test_answer_only_after_the_store_has_it(self) -> None:
        """M1: the provider hears OK once the MO is stored."""
        self.world.store.hold("put_messages")
        self.upstream.receive(mo(1))
        self.assertEqual([], self.upstream.unseen)
        self.world.store.release()
        self.assertEqual([(1, 0)], self.upstream.answers())

    def test_own_limit(self) -> None:
        """M1: the MO queue has a limit of its own; what it pushes out is counted."""
        self.two.lose()
        self.upstream.receive(*(mo(number, b"4570%d" % number) for number in range(5)))
        self.assertEqual(3, self.ledger.events["mo_dropped"])
        self.assertEqual((2, 0), self.world.sizes("two", b"m:"))

    def test_mo_in_data_sm(self) -> None:
        """An MO in data_sm goes out as deliver_sm with the same message_payload."""
        self.upstream.receive(
            build.data_sm(
                3,
                source_addr_ton=1,
                source_addr=DESTINATION,
                destination_addr=b"1234",
                data_coding=8,
                short_message=b"STOP" * 100,
            )
        )
        self.assertEqual(3, self.upstream.look(c.DATA_SM_RESP)[0].sequence_number)
        fields = fields_of(self.one.deliveries()[0])
        self.assertEqual(b"STOP" * 100, fields.tlv(c.TLV_MESSAGE_PAYLOAD))
        self.assertEqual((1, DESTINATION, b"1234", 8), (
            fields.source_addr_ton, fields.source_addr, fields.destination_addr, fields.data_coding
        ))

    def test_broken_data_sm(self) -> None:
        """A data_sm that breaks off is refused with a data_sm_resp."""
        raw = build.data_sm(3, source_addr=b"1")[:20]
        self.upstream.receive((20).to_bytes(4, "big") + raw[4:])
        self.assertEqual(
            [(3, c.ESME_RINVCMDLEN)],
            [
                (pdu.sequence_number, pdu.command_status)
                for pdu in self.upstream.look(c.DATA_SM_RESP)
            ],
        )

    def test_no_octet_beyond_the_last_field(self) -> None:
        """Quirks 5.7: a stray NUL or a broken TLV behind an MO's text is not passed on."""
        clean = mo(1)
        for rest, kept in (
            (b"\0", b""),
            (tlv(0x1401, b"v"), tlv(0x1401, b"v")),
            (b"\0" + tlv(0x1401, b"v"), tlv(0x1401, b"v")),
            (tlv(0x1401, b"v") + b"\x14\x02\x00\x09short", tlv(0x1401, b"v")),
        ):
            raw = (len(clean + rest)).to_bytes(4, "big") + clean[4:] + rest
            self.assertEqual(clean[16:] + kept, message_body(Pdu(c.DELIVER_SM, 0, 1, raw)))

    def test_mixed_read(self) -> None:
        """Receipts, MO messages and nonsense of one read: each gets its own answer, OK or not."""
        ours = sent(self.world, self.one, self.upstream, b"x")
        broken = build.deliver_sm(3, source_addr=b"4512345678")[:-8]
        broken = (len(broken)).to_bytes(4, "big") + broken[4:]
        self.upstream.receive(receipt(1, b"x"), mo(2), broken, receipt(4, b"nobody"))
        self.assertEqual(
            [(1, 0), (2, 0), (3, c.ESME_RINVCMDLEN), (4, 0)], sorted(self.upstream.answers())
        )
        texts = self.one.texts()
        self.assertEqual([True, False], [b"id:%b " % ours in text for text in texts])
        self.assertEqual({}, self.ledger.imbalance())


class UnknownFateTests(SynchronousTestCase):
    """The store did what was asked and its answer was lost."""

    def test_receipt_stored_and_answer_lost(self) -> None:
        """The provider sends again and the client gets the receipt once."""
        world = World(providers=[make_provider(temp_answer=c.ESME_RSYSERR)])
        client, upstream = world.client(), world.upstream()
        sent(world, client, upstream, b"x")
        world.store.fail_next("match", UNKNOWN)
        upstream.receipt(b"x")
        self.assertEqual([(1, c.ESME_RSYSERR)], upstream.answers())
        upstream.receipt(b"x")
        self.assertEqual([(2, 0)], upstream.answers())
        world.advance(1)
        self.assertEqual(1, len(client.texts()))
