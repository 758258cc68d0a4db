"""Tests of ``relay.groups``: one client message as several submit_sm."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.routing.routes import Route, Target
from smppproxy.smpp import constants as c
from smppproxy.smpp.pdu import Pdu
from tests.relay.presets import VECTORS, preset_provider
from tests.support.memory_peers import (
    FakeUpstream,
    World,
    fields_of,
    make_account,
    make_provider,
    submit,
)


def world_of(**account: Any) -> World:
    """A world whose only provider wants headers."""
    return World([make_account(**account)], [preset_provider("default", window=10)])


def long_message(sequence_number: int = 1, parts: int = 3, **fields: Any) -> bytes:
    """A payload that takes so many parts."""
    text = b"x" * (153 * parts)
    fields = {"short_message": b"", "tlvs": [(c.TLV_MESSAGE_PAYLOAD, text)]} | fields
    return submit(sequence_number, **fields)


def accept(upstream: FakeUpstream, pdus: list[Pdu], first: int = 6001) -> None:
    """Each accepted in a read of its own, with numbers for ids."""
    for number, pdu in enumerate(pdus, first):
        upstream.accept((pdu, b"%d" % number))


class AcceptedTests(SynchronousTestCase):
    """One answer, one id."""

    def test_gw44_v18_is_split(self) -> None:
        """GW-44: V18 to a provider without payloads: 153 and 147 septets, one id, one answer."""
        world = world_of()
        client, upstream = world.client(), world.upstream()
        client.receive(VECTORS["V18"])
        pdus = upstream.submits()
        fields = [fields_of(pdu) for pdu in pdus]
        self.assertEqual([6 + 153, 6 + 147], [len(each.short_message) for each in fields])
        self.assertEqual([0x40, 0x40], [each.esm_class for each in fields])
        self.assertEqual([b"\x02\x01", b"\x02\x02"], [each.short_message[4:6] for each in fields])
        self.assertEqual(1, len({each.short_message[3] for each in fields}))
        self.assertEqual([1, 1], [each.registered_delivery for each in fields])
        upstream.accept((pdus[0], b"6001"))
        self.assertEqual([], client.responses())
        upstream.accept((pdus[1], b"6002"))
        self.assertEqual([(12, 0, b"1000000001")], client.responses())
        self.assertEqual((1, 1), (world.ledger.submitted, world.ledger.accepted))
        self.assertEqual(0, client.outstanding)
        self.assertEqual({}, world.ledger.imbalance())

    def test_gw45_long_short_message(self) -> None:
        """GW-45: 255 octets in short_message are two parts."""
        world = world_of()
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1, short_message=b"x" * 255))
        self.assertEqual(2, len(upstream.submits()))

    def test_p1_all_maps_in_one_step(self) -> None:
        """P1: the client has its id when the maps of all parts are durable, in one store call."""
        world = world_of()
        client, upstream = world.client(), world.upstream()
        client.receive(long_message())
        world.store.hold("record")
        accept(upstream, upstream.submits())
        self.assertEqual([], client.responses())
        self.assertEqual(1, world.store.calls.count("record"))
        world.store.release()
        self.assertEqual([(1, 0, b"1000000001")], client.responses())

    def test_xc06_parts_stay_on_one_bind(self) -> None:
        """XC-06: all parts of a message go to one bind, different messages to all of them."""
        world = world_of(window=100)
        upstreams = [world.upstream(host) for host in "aabb"]
        client = world.client()
        used: set[str] = set()
        for number in range(40):
            client.receive(long_message(number + 1))
            got = {each.name: each.submits() for each in upstreams}
            got = {name: pdus for name, pdus in got.items() if pdus}
            self.assertEqual([3], [len(pdus) for pdus in got.values()])
            used |= set(got)
            for upstream in upstreams:
                accept(upstream, got.get(upstream.name, []))
        self.assertEqual(4, len(used))

    def test_parts_wait_for_room_in_the_window(self) -> None:
        """MG-05: parts that the window has no room for follow, in their order."""
        world = World([make_account()], [preset_provider("default", window=2)])
        client, upstream = world.client(), world.upstream()
        client.receive(long_message(parts=5))
        numbers: list[int] = []
        while pdus := upstream.submits():
            self.assertLessEqual(len(pdus), 2)
            numbers += [fields_of(pdu).short_message[5] for pdu in pdus]
            accept(upstream, pdus, 6000 + len(numbers))
        self.assertEqual([1, 2, 3, 4, 5], numbers)
        self.assertEqual([(1, 0, b"1000000001")], client.responses())

    def test_throttle_does_not_cut_a_message(self) -> None:
        """An account that is throttled at a full window is so for whole messages only."""
        provider = preset_provider("default", window=2)
        world = World([make_account(window_full="throttle")], [provider])
        client, upstream = world.client(), world.upstream()
        client.receive(long_message())
        self.assertEqual([], client.responses())
        client.receive(submit(2))
        self.assertEqual([(2, c.ESME_RTHROTTLED, b"")], client.responses())
        accept(upstream, upstream.submits())
        accept(upstream, upstream.submits(), 6003)
        self.assertEqual([(1, 0, b"1000000001")], client.responses())

    def test_xc08_one_id_for_all_parts(self) -> None:
        """XC-08: OK without an id is success; the receipt of the part that has one is for all."""
        world = world_of()
        client, upstream = world.client(), world.upstream()
        client.receive(long_message())
        one, two, three = upstream.submits()
        upstream.accept((one, b""), (two, b""), (three, b"77"))
        self.assertEqual([(1, 0, b"1000000001")], client.responses())
        upstream.receipt(b"77")
        (text,) = client.texts()
        self.assertIn(b"id:1000000001 ", text)
        self.assertIn(b" stat:DELIVRD ", text)

    def test_f22_no_id_at_all(self) -> None:
        """F22: OK without any id is OK with ours, once, and counted once."""
        world = world_of()
        client, upstream = world.client(), world.upstream()
        client.receive(long_message())
        upstream.accept(*((pdu, b"") for pdu in upstream.submits()))
        self.assertEqual([(1, 0, b"1000000001")], client.responses())
        self.assertEqual(1, world.ledger.no_provider_id)
        self.assertEqual({}, world.ledger.imbalance())


class ReceiptTests(SynchronousTestCase):
    """One receipt (mission 3.6)."""

    def receipts(self, *stats: bytes, total: int = 3) -> list[bytes]:
        world = world_of()
        client, upstream = world.client(), world.upstream()
        client.receive(long_message(parts=total))
        accept(upstream, upstream.submits())
        for number, stat in enumerate(stats, 6001):
            upstream.receipt(b"%d" % number, stat=stat)
        self.assertEqual({}, world.ledger.imbalance())
        return client.texts()

    def test_gw44_one_receipt_for_all_parts(self) -> None:
        """GW-44: one receipt after both parts are final, sub:002 dlvrd:002."""
        self.assertEqual([], self.receipts(b"DELIVRD", total=2))
        (text,) = self.receipts(b"DELIVRD", b"DELIVRD", total=2)
        self.assertIn(b"id:1000000001 sub:002 dlvrd:002 ", text)
        self.assertIn(b" stat:DELIVRD ", text)

    def test_the_worst_part_counts(self) -> None:
        """Mission 3.6: REJECTD before UNDELIV before EXPIRED before DELETED before UNKNOWN."""
        words = [b"REJECTD", b"UNDELIV", b"EXPIRED", b"DELETED"]
        for place, worst in enumerate(words):
            better = words[place + 1] if place < 3 else b"DELIVRD"
            (text,) = self.receipts(better, worst, b"DELIVRD")
            self.assertIn(b" stat:%b " % worst, text)
            self.assertIn(b" sub:003 dlvrd:00%d " % (1 if place < 3 else 2), text)

    def test_a_receipt_before_its_answer(self) -> None:
        """MG-20: receipts of parts that come before the last answer wait for it."""
        world = world_of()
        client, upstream = world.client(), world.upstream()
        client.receive(long_message(parts=2))
        one, two = upstream.submits()
        upstream.accept((one, b"6001"))
        upstream.receipt(b"6001")
        upstream.receipt(b"6002")
        self.assertEqual([], client.texts())
        upstream.accept((two, b"6002"))
        self.assertEqual(1, len(client.responses()))
        self.assertEqual(1, len(client.texts()))
        ledger = world.ledger
        self.assertEqual({}, ledger.imbalance())
        # One of the two is the message's receipt, the other went into it.
        self.assertEqual((2, 2, 0), (ledger.parked_in, ledger.parked_out, ledger.parked))
        self.assertEqual((1, 1, 0), (ledger.matched, ledger.merged, ledger.unwanted))
        self.assertEqual((1, 0), (ledger.delivered, ledger.queued))


class RefusedTests(SynchronousTestCase):
    """A part refused is the message refused (mission 3.6)."""

    def test_one_part_refused(self) -> None:
        """The message gets that code once; receipts of accepted parts are known and not passed."""
        world = world_of()
        client, upstream = world.client(), world.upstream()
        client.receive(long_message())
        one, two, three = upstream.submits()
        upstream.accept((one, b"6001"))
        upstream.refuse(c.ESME_RINVDSTADR, two)
        self.assertEqual([(1, c.ESME_RINVDSTADR, b"")], client.responses())
        upstream.accept((three, b"6003"))
        for message_id in (b"6001", b"6003"):
            upstream.receipt(message_id)
        self.assertEqual([], client.responses())
        self.assertEqual([], client.texts())
        self.assertEqual((1, 2), (world.ledger.refused, world.ledger.unwanted))
        self.assertEqual(1, world.ledger.events["parts_in_vain"])
        self.assertEqual({}, world.ledger.imbalance())

    def test_two_parts_refused(self) -> None:
        """A second refusal of the same message says nothing new."""
        world = world_of()
        client, upstream = world.client(), world.upstream()
        client.receive(long_message())
        upstream.refuse(c.ESME_RINVDSTADR, *upstream.submits())
        self.assertEqual([(1, c.ESME_RINVDSTADR, b"")], client.responses())
        self.assertEqual(1, world.ledger.refused)
        self.assertEqual(0, world.ledger.events["parts_in_vain"])

    def test_parts_not_sent_are_not_sent(self) -> None:
        """Parts that still wait are dropped; what came behind them goes out."""
        world = World([make_account()], [preset_provider("default", window=2)])
        client, upstream = world.client(), world.upstream()
        client.receive(long_message(parts=5), submit(2))
        one, two = upstream.submits()
        upstream.refuse(c.ESME_RINVDSTADR, one)
        upstream.accept((two, b"6002"))
        (pdu,) = upstream.submits()
        self.assertEqual(b"hello", fields_of(pdu).short_message)
        upstream.accept((pdu, b"6006"))
        self.assertEqual(
            [(1, c.ESME_RINVDSTADR, b""), (2, 0, b"1000000002")], client.responses()
        )
        self.assertEqual({}, world.ledger.imbalance())

    def test_parts_waited_too_long(self) -> None:
        """Parts without room for 30 s are the end of their message, told once."""
        world = World([make_account()], [preset_provider("default", window=2)])
        client, upstream = world.client(), world.upstream()
        client.receive(long_message(parts=5))
        world.advance(32)
        self.assertEqual([(1, c.ESME_RMSGQFUL, b"")], client.responses())
        self.assertEqual(1, world.ledger.refused)
        accept(upstream, upstream.submits())
        self.assertEqual([], client.responses())
        self.assertEqual({}, world.ledger.imbalance())

    def test_store_fails_for_parts_in_vain(self) -> None:
        """A store that cannot keep the maps of parts in vain changes no answer."""
        world = world_of()
        client, upstream = world.client(), world.upstream()
        client.receive(long_message())
        one, two, _ = upstream.submits()
        upstream.accept((one, b"6001"))
        world.store.fail_next("record")
        upstream.refuse(c.ESME_RINVDSTADR, two)
        self.assertEqual([(1, c.ESME_RINVDSTADR, b"")], client.responses())
        self.assertEqual({}, world.ledger.imbalance())


class DoubtTests(SynchronousTestCase):
    """XC-07 for each part."""

    def test_xc07_a_lost_part_is_sent_again(self) -> None:
        """XC-07: only the parts that were not answered are sent again, and the message is OK."""
        world = world_of()
        client, a, b = world.client(), world.upstream("a"), world.upstream("b")
        client.receive(long_message())
        first, other = (a, b) if a.unseen else (b, a)
        one, two, three = first.submits()
        first.accept((one, b"6001"))
        first.lose()
        again = other.submits()
        self.assertEqual([two.raw[16:], three.raw[16:]], [pdu.raw[16:] for pdu in again])
        accept(other, again, 6002)
        self.assertEqual([(1, 0, b"1000000001")], client.responses())
        self.assertEqual(2, world.ledger.lost_responses)
        self.assertEqual({}, world.ledger.imbalance())

    def test_xc07_answer(self) -> None:
        """XC-07: an account that wants no second copy hears 0xFF once."""
        world = world_of(in_doubt="answer")
        client, upstream = world.client(), world.upstream()
        client.receive(long_message())
        one, _, _ = upstream.submits()
        upstream.accept((one, b"6001"))
        upstream.lose()
        self.assertEqual([(1, c.ESME_RUNKNOWNERR, b"")], client.responses())
        self.assertEqual((1, 1), (world.ledger.in_doubt, world.ledger.events["parts_in_vain"]))
        self.assertEqual({}, world.ledger.imbalance())

    def test_nothing_sent_goes_to_the_next_provider(self) -> None:
        """Parts of which none was sent become one message again for the route's next provider."""
        providers = [preset_provider("default", "s", window=2), make_provider("t")]
        routes = [Route("both", targets=(Target("s"), Target("t", backup=True)))]
        world = World([make_account()], providers, routes)
        client, first = world.client(), world.upstream(provider="s")
        client.receive(submit(1), submit(2), long_message(3))
        second = world.upstream(provider="t")
        first.drain()
        (pdu,) = second.submits()
        self.assertEqual(long_message(3)[16:], pdu.raw[16:])
        second.accept((pdu, b"9"))
        self.assertEqual([(3, 0, b"1000000003")], client.responses())
        self.assertEqual(2, len(first.submits()))

    def test_p6_client_gone_while_parts_wait(self) -> None:
        """P6: parts whose client went are not sent; in doubt if some were, else abandoned."""
        for before, expected in (((), (1, 0)), ((submit(1), submit(2)), (0, 1))):
            world = World([make_account()], [preset_provider("default", window=2)])
            client, upstream = world.client(), world.upstream()
            client.receive(*before, long_message(3))
            pdus = upstream.submits()
            client.lose()
            accept(upstream, pdus)
            self.assertEqual([], upstream.submits())
            ledger = world.ledger
            self.assertEqual(expected, (ledger.in_doubt, ledger.events["abandoned"]))
            self.assertEqual({}, ledger.imbalance())
