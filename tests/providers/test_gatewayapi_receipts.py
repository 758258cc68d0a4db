"""What the GatewayAPI documents promise about receipts (GW-20 to GW-38, GW-48, GW-49, GW-55)."""

from __future__ import annotations

from datetime import UTC, datetime

from smppproxy.receipts import errs
from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.fields import Message
from smppproxy.smpp.pdu import Pdu
from tests.providers.case import VECTORS, receipt_text
from tests.providers.memory import DESTINATION, MemoryCase
from tests.support.memory_peers import FakeClient, FakeUpstream, World, fields_of, mo, submit

GATEWAYAPI = 'preset = "gatewayapi"'

TRANSIENT_TOO = 0x11
"""registered_delivery that asks for intermediate receipts too."""

HOUR = 3600.0

# stat of the provider: word and message_state for the default dialect, word of this document's.
WORDS = {
    "ENROUTE": ("ENROUTE", 1, "ENROUTE"),
    "DELIVRD": ("DELIVRD", 2, "DELIVRD"),
    "EXPIRED": ("EXPIRED", 3, "EXPIRED"),
    "UNDELIV": ("UNDELIV", 5, "UNDELIV"),
    "ACCEPTD": ("ACCEPTD", 6, "ACCEPTD"),
    "UNKNOWN": ("UNKNOWN", 7, "UNKNOWN"),
    "REJECTD": ("REJECTD", 8, "REJECTD"),
    "BUFFERD": ("ENROUTE", 1, "BUFFERD"),
    "SCHEDULED": ("ENROUTE", 1, "BUFFERD"),
    "SKIPPED": ("REJECTD", 8, "REJECTD"),
}


def field(receipt: Message, name: bytes) -> bytes:
    """What stands behind ``name:`` in a receipt's line, to the next blank."""
    return receipt.short_message.partition(name + b":")[2].partition(b" ")[0]


class ReceiptCase(MemoryCase):
    """Messages that were accepted, and what the provider says of them."""

    def sent(
        self, client: FakeClient, upstream: FakeUpstream, count: int, first: int = 0
    ) -> list[bytes]:
        """So many accepted messages to numbers of their own; provider ids 6000, 6001 ..."""
        return [
            self.through(client, upstream, submit(2, number_of(n)), b"%d" % (6000 + n))[1]
            for n in range(first, first + count)
        ]

    def finals(self, upstream: FakeUpstream, count: int, first: int = 0) -> None:
        """DELIVRD for each of them."""
        for n in range(first, first + count):
            upstream.receipt(b"%d" % (6000 + n), number_of(n))

    def told(
        self, options: str, text: bytes, octets: bytes = b"", provider: str = GATEWAYAPI
    ) -> Message:
        """The receipt for V06 (or ``octets``) when the provider sends this line."""
        client, upstream = self.pair(self.world("gatewayapi", options, provider))
        self.through(client, upstream, octets or VECTORS["V06"])
        upstream.receipt(b"", DESTINATION, short_message=text)
        return self.delivered(client)


def number_of(n: int) -> bytes:
    """The destination of the n-th message."""
    return b"45%08d" % (10_000_000 + n)


def ids(pdus: list[Pdu]) -> list[bytes]:
    """The ids in these receipts."""
    return [field(fields_of(pdu), b"id") for pdu in pdus]


class QueueTests(ReceiptCase):
    """What is kept, how long, and who gets it."""

    def test_gw20_receiver_needed(self) -> None:
        """With transmitters only, receipts wait; a receiver gets them; when it has gone, later ones
        wait again.
        """
        world = self.world("gatewayapi")
        sender, upstream = self.pair(world, command_id=c.BIND_TRANSMITTER)
        first, second = self.sent(sender, upstream, 2)
        self.finals(upstream, 1)
        world.advance(5)
        self.assertEqual(sender.deliveries(), [])
        receiver = world.client("esme01", command_id=c.BIND_RECEIVER)
        self.assertEqual(field(self.delivered(receiver), b"id"), first)
        receiver.lose()
        self.finals(upstream, 1, 1)
        world.advance(5)
        self.assertEqual(sender.deliveries(), [])
        receiver = world.client("esme01", command_id=c.BIND_RECEIVER)
        self.assertEqual(field(self.delivered(receiver), b"id"), second)

    def test_gw21_the_newest_are_kept(self) -> None:
        """With a limit of 100, of 150 finals that nobody takes the newest 100 are left; the dropped
        ones are counted, MO messages not among them.
        """
        options = "receipt_limit = 100\ndeliver_window = 200"
        world = self.world("gatewayapi", options)
        world.relay.opened([])
        sender, upstream = self.pair(world, command_id=c.BIND_TRANSMITTER)
        known = self.sent(sender, upstream, 150)
        upstream.receive(mo(500, b"1204"))
        self.finals(upstream, 150)
        world.advance(1)
        receiver = world.client("esme01", command_id=c.BIND_RECEIVER)
        pdus = receiver.deliveries()
        receipts = [pdu for pdu in pdus if fields_of(pdu).esm_class == c.ESM_RECEIPT]
        self.assertEqual(sorted(ids(receipts)), sorted(known[50:]))
        self.assertEqual(len(pdus), 101)
        world.advance(60)
        self.assertEqual(world.ledger.dropped, 50)

    def test_gw21_superseded_ones_go_first(self) -> None:
        """An intermediate receipt that a later one of its message has overtaken is dropped before
        an older final one.
        """
        world = self.world("gatewayapi", "receipt_limit = 3")
        sender, upstream = self.pair(world, command_id=c.BIND_TRANSMITTER)
        octets = [
            submit(2, number_of(n), registered_delivery=TRANSIENT_TOO) for n in range(3)
        ]
        known = [
            self.through(sender, upstream, each, b"%d" % (6000 + n))[1]
            for n, each in enumerate(octets)
        ]
        upstream.receipt(b"6000", number_of(0))
        upstream.receipt(b"6001", number_of(1), b"ENROUTE")
        upstream.receipt(b"6001", number_of(1))
        upstream.receipt(b"6002", number_of(2))
        receiver = world.client("esme01", command_id=c.BIND_RECEIVER)
        pdus = receiver.deliveries()
        self.assertEqual(sorted(ids(pdus)), sorted(known))
        self.assertEqual({field(fields_of(pdu), b"stat") for pdu in pdus}, {b"DELIVRD"})

    def test_gw22_forty_eight_hours(self) -> None:
        """A receipt that waited for 47 h 59 min is delivered, after 48 h 1 min it is not."""
        for waited, expected in ((47 * HOUR + 59 * 60, 1), (48 * HOUR + 60, 0)):
            world = self.world("gatewayapi")
            sender, upstream = self.pair(world, command_id=c.BIND_TRANSMITTER)
            self.sent(sender, upstream, 1)
            self.finals(upstream, 1)
            self.leap(world, waited)
            self.leap(world, 1)
            receiver = world.client("esme01", command_id=c.BIND_RECEIVER)
            self.assertEqual(len(receiver.deliveries()), expected)

    def test_gw23_answered_for_later(self) -> None:
        """0x64 and its like: the same receipt comes again after 10 s, then after 20 s."""
        for status in (0x08, 0x14, 0x45, 0x58, 0x64, 0x67, 0xFE, 0xFF):
            world = self.world("gatewayapi")
            client, upstream = self.pair(world)
            self.sent(client, upstream, 1)
            self.finals(upstream, 1)
            (first,) = client.deliveries()
            client.acknowledge([first], status)
            world.advance(9)
            self.assertEqual(client.deliveries(), [])
            world.advance(2)
            (second,) = client.deliveries()
            self.assertEqual(second.raw[16:], first.raw[16:])
            client.acknowledge([second], status)
            world.advance(18)
            self.assertEqual(client.deliveries(), [])
            world.advance(3)
            self.delivered(client)
            world.advance(1300)
            self.assertEqual(client.deliveries(), [])

    def test_gw23_refused_for_good(self) -> None:
        """Any other error is the client's last word: the receipt never comes again."""
        world = self.world("gatewayapi")
        client, upstream = self.pair(world)
        self.sent(client, upstream, 1)
        self.finals(upstream, 1)
        client.acknowledge(client.deliveries(), 0x0C)
        self.leap(world, HOUR)
        world.client("esme01")
        for each in world.clients:
            self.assertEqual(each.deliveries(), [])
        self.assertEqual(world.ledger.refused_by_client, 1)

    def test_gw23_session_lost_or_silent(self) -> None:
        """Without an answer it is due again on any receiver: at once when the session is lost,
        otherwise when the answer's time is over, which is 30 s here and not 60 (decisions 6).
        """
        world = self.world("gatewayapi")
        client, upstream = self.pair(world)
        self.sent(client, upstream, 1)
        self.finals(upstream, 1)
        (first,) = client.deliveries()
        other = world.client("esme01")
        client.lose()
        (second,) = other.deliveries()
        self.assertEqual(second.raw[16:], first.raw[16:])
        third = world.client("esme01")
        world.advance(29)
        self.assertEqual(third.deliveries(), [])
        world.advance(4)
        again = other.deliveries() + third.deliveries()
        self.assertEqual([pdu.raw[16:] for pdu in again], [first.raw[16:]])

    def test_gw24_nothing_after_the_final_one(self) -> None:
        """DELIVRD, then ENROUTE: both are acknowledged upstream, the client sees DELIVRD only."""
        client, upstream = self.pair(self.world("gatewayapi"))
        octets = submit(2, DESTINATION, registered_delivery=TRANSIENT_TOO)
        self.through(client, upstream, octets)
        numbers = [
            upstream.receipt(b"6000", DESTINATION, stat) for stat in (b"DELIVRD", b"ENROUTE")
        ]
        self.assertEqual(field(self.delivered(client), b"stat"), b"DELIVRD")
        self.assertEqual(client.deliveries(), [])
        self.assertEqual(upstream.answers(), [(number, 0) for number in numbers])

    def test_gw24_also_after_redelivery(self) -> None:
        """An ENROUTE that the client put off does not come after the final one on another node."""
        world = self.world("gatewayapi")
        other = World(beside=world, node="other")
        client, upstream = self.pair(world)
        octets = submit(2, DESTINATION, registered_delivery=TRANSIENT_TOO)
        self.through(client, upstream, octets)
        upstream.receipt(b"6000", DESTINATION, b"ENROUTE")
        client.acknowledge(client.deliveries(), 0x64)
        other.upstream("b").receipt(b"6000", DESTINATION)
        world.advance(1)
        self.assertEqual(field(self.delivered(client), b"stat"), b"DELIVRD")
        world.advance(60)
        self.assertEqual(client.deliveries(), [])

    def test_gw28_once_each(self) -> None:
        """300 receipts for three receivers are 300 deliver_sm, each id once."""
        known, counts, found = self.three_receivers(300)
        self.assertEqual(sum(counts), 300)
        self.assertEqual(sorted(found), sorted(known))

    def test_gw29_evenly(self) -> None:
        """Three receivers that answer at once get a third each."""
        _, counts, _ = self.three_receivers(300)
        self.assertTrue(all(90 <= count <= 110 for count in counts), counts)

    def three_receivers(self, count: int) -> tuple[list[bytes], list[int], list[bytes]]:
        """Ids sent; receipts per receiver; ids received."""
        world = self.world("gatewayapi")
        sender, upstream = self.pair(world, command_id=c.BIND_TRANSMITTER)
        receivers = [world.client("esme01", command_id=c.BIND_RECEIVER) for _ in range(3)]
        known = self.sent(sender, upstream, count)
        world.advance(1)  # a receipt on one session never overtakes an answer on another
        counts = [0, 0, 0]
        found = []
        for n in range(count):
            self.finals(upstream, 1, n)
            for place, receiver in enumerate(receivers):
                pdus = receiver.deliveries()
                receiver.acknowledge(pdus)
                counts[place] += len(pdus)
                found += ids(pdus)
        return known, counts, found

    def test_gw29_gw48_one_stops_answering(self) -> None:
        """A receiver that answers no more holds its window; the others share the rest."""
        world = self.world("gatewayapi")
        sender, upstream = self.pair(world, command_id=c.BIND_TRANSMITTER)
        silent, *others = [world.client("esme01", command_id=c.BIND_RECEIVER) for _ in range(3)]
        self.sent(sender, upstream, 90)
        world.advance(1)
        self.finals(upstream, 90)
        counts = [0, 0]
        for _ in range(90):
            for place, receiver in enumerate(others):
                pdus = receiver.deliveries()
                counts[place] += len(pdus)
                receiver.acknowledge(pdus)
        held = silent.deliveries()
        self.assertEqual(len(held), 10)
        self.assertEqual(sum(counts), 80)
        self.assertTrue(all(30 <= count <= 50 for count in counts), counts)

    def test_gw29_over_nodes(self) -> None:
        """Receivers on two nodes share what there is."""
        world = self.world("gatewayapi")
        other = World(beside=world, node="other")
        sender, upstream = self.pair(world, command_id=c.BIND_TRANSMITTER)
        here = world.client("esme01", command_id=c.BIND_RECEIVER)
        there = other.client("esme01", command_id=c.BIND_RECEIVER)
        known = self.sent(sender, upstream, 60)
        world.advance(1)
        self.finals(upstream, 60)
        found: dict[FakeClient, list[bytes]] = {here: [], there: []}
        for _ in range(20):
            world.advance(1)
            for receiver, seen in found.items():
                pdus = receiver.deliveries()
                seen += ids(pdus)
                receiver.acknowledge(pdus)
        self.assertEqual(sorted(found[here] + found[there]), sorted(known))
        self.assertTrue(found[here] and found[there])

    def test_gw30_another_connection(self) -> None:
        """A message sent through host a, its receipt through host b on another node: the client,
        bound to the first one, gets it.
        """
        world = self.world("gatewayapi")
        other = World(beside=world, node="other")
        client, upstream = self.pair(world)
        (message_id,) = self.sent(client, upstream, 1)
        self.finals(other.upstream("b"), 1)
        world.advance(2)
        self.assertEqual(field(self.delivered(client), b"id"), message_id)

    def test_gw48_window(self) -> None:
        """A receiver that never answers gets ten; three answers bring three more."""
        client, upstream = self.pair(self.world("gatewayapi"))
        self.sent(client, upstream, 20)
        self.finals(upstream, 20)
        pdus = client.deliveries()
        self.assertEqual(len(pdus), 10)
        client.acknowledge(pdus[:3])
        self.assertEqual(len(client.deliveries()), 3)
        self.assertEqual(client.closed_for, "")

    def test_gw49_answered_once_stored(self) -> None:
        """The provider has its answer at once, though no client is there to take the receipt; while
        the store is away it gets none, and none that says an error; afterwards nothing is lost.
        """
        world = self.world("gatewayapi", "", GATEWAYAPI)
        client, upstream = self.pair(world)
        known = self.sent(client, upstream, 2)
        client.lose()
        number = upstream.receipt(b"6000", number_of(0))
        self.assertEqual(upstream.answers(), [(number, 0)])
        world.store.go_away()
        number = upstream.receipt(b"6001", number_of(1))
        world.advance(20)
        self.assertEqual(upstream.answers(), [])
        world.store.come_back()
        world.advance(1)
        self.assertEqual(upstream.answers(), [(number, 0)])
        self.assertEqual(sorted(ids(world.client("esme01").deliveries())), sorted(known))

    def test_gw24_final_on_another_node(self) -> None:
        """An ENROUTE that a client on one node put off is not sent again once the final receipt
        went to a client on another node.
        """
        world = self.world("gatewayapi")
        other = World(beside=world, node="other")
        here, upstream = self.pair(world)
        there = other.client("esme01")
        octets = submit(2, DESTINATION, registered_delivery=TRANSIENT_TOO)
        self.through(here, upstream, octets)
        world.advance(1)
        upstream.receipt(b"6000", DESTINATION, b"ENROUTE")
        here.acknowledge(here.deliveries(), 0x64)
        other.upstream("b").receipt(b"6000", DESTINATION)
        self.assertEqual(field(self.delivered(there), b"stat"), b"DELIVRD")
        world.advance(60)
        self.assertEqual(here.deliveries(), [])


class LineTests(ReceiptCase):
    """The receipt's PDU and its line."""

    def at(self, world: World, year: int, *rest: int) -> None:
        """Let it be this moment, UTC."""
        moment = datetime(year, *rest, tzinfo=UTC).timestamp()  # type: ignore[misc, arg-type]
        world.clock.advance(moment - world.unix())

    def test_gw25_gw55_octet_for_octet(self) -> None:
        """V27, with this run's id: the canonical line, empty times and flags, the addresses of the
        submit_sm swapped with their TON and NPI, and the four TLVs.
        """
        world = self.world("gatewayapi", "", GATEWAYAPI)
        client, upstream = self.pair(world)
        self.at(world, 2025, 11, 22, 10, 15, 59)
        _, message_id = self.through(client, upstream, VECTORS["V16"])
        upstream.receipt(b"", DESTINATION, short_message=receipt_text("6000", text="4919"))
        (pdu,) = client.deliveries()
        expected = VECTORS["V27"].replace(b"1390125333", message_id)
        self.assertEqual(pdu.raw[:12] + pdu.raw[16:], expected[:12] + expected[16:])

    def test_gw26_counts_decide_nothing(self) -> None:
        """sub:001 dlvrd:000 with DELIVRD, as this provider's own example has it, is delivered."""
        text = receipt_text("6000").replace(b"dlvrd:001", b"dlvrd:000")
        receipt = self.told("", text)
        self.assertEqual(field(receipt, b"stat"), b"DELIVRD")
        self.assertEqual((field(receipt, b"sub"), field(receipt, b"dlvrd")), (b"001", b"001"))
        self.assertEqual(dict(receipt.tlvs)[c.TLV_MESSAGE_STATE], b"\x02")
        text = receipt_text("6000", "UNDELIV")
        self.assertEqual(field(self.told("", text), b"dlvrd"), b"000")

    def test_gw27_dates(self) -> None:
        """Ten digits of UTC; the submit date is ours, whatever the provider's receipt says."""
        for options, hour in (("", b"10"), ('receipt_tz = "Europe/Copenhagen"', b"11")):
            world = self.world("gatewayapi", options, GATEWAYAPI)
            client, upstream = self.pair(world)
            self.at(world, 2025, 11, 22, 10, 15, 59)
            self.through(client, upstream, VECTORS["V06"])
            text = receipt_text("6000").replace(b"2511221015", b"2501010000")
            upstream.receipt(b"", DESTINATION, short_message=text)
            receipt = self.delivered(client)
            self.assertEqual(field(receipt, b"submit date"), b"251122" + hour + b"15")
            self.assertEqual(field(receipt, b"done date"), b"251122" + hour + b"16")

    def test_gw31_gw32_reference(self) -> None:
        """text: shows the first 20 characters of user_message_reference, the TLV all of it, octet
        for octet; without a reference both are empty, whatever text the provider gave.
        """
        for vector, shown, echoed in (
            ("V16", b"4919", bytes.fromhex("1337")),
            ("V17", b"order-2025-11-22-000", b"order-2025-11-22-000000042"),
            ("V06", b"", None),
        ):
            with_text = receipt_text("6000", text="Hello World")
            receipt = self.told("", with_text, VECTORS[vector])
            self.assertTrue(receipt.short_message.endswith(b" text:" + shown), receipt)
            tlvs = dict(receipt.tlvs)
            self.assertEqual(tlvs.get(c.TLV_USER_MESSAGE_REFERENCE), echoed)

    def test_gw31_not_printable(self) -> None:
        """What is no printable ASCII is shown as ?, so that no reader stumbles; the TLV has it."""
        reference = "tid\n\x00å".encode("latin-1")
        octets = submit(2, DESTINATION, tlvs=[(c.TLV_USER_MESSAGE_REFERENCE, reference)])
        receipt = self.told("", receipt_text("6000"), octets)
        self.assertTrue(receipt.short_message.endswith(b" text:tid???"))
        self.assertEqual(dict(receipt.tlvs)[c.TLV_USER_MESSAGE_REFERENCE], reference)

    def test_gw33_lengths(self) -> None:
        """1 to 255 octets come back exactly; two are a number, others characters without the NULs
        at their end, none at all is no reference; 256 get 0xC2.
        """
        for reference, shown in (
            (b"7", b"7"),
            (b"\x00\x07", b"7"),
            (b"abc\0", b"abc"),
            (b"x" * 254, b"x" * 20),
            (b"x" * 255, b"x" * 20),
            (b"", b""),
        ):
            octets = submit(2, DESTINATION, tlvs=[(c.TLV_USER_MESSAGE_REFERENCE, reference)])
            receipt = self.told("", receipt_text("6000"), octets)
            self.assertTrue(receipt.short_message.endswith(b" text:" + shown))
            echoed = dict(receipt.tlvs).get(c.TLV_USER_MESSAGE_REFERENCE, b"")
            self.assertEqual(echoed, reference)
        client, _ = self.pair(self.world("gatewayapi"))
        octets = submit(2, DESTINATION, tlvs=[(c.TLV_USER_MESSAGE_REFERENCE, b"x" * 256)])
        self.assertEqual(self.status(client, octets), c.ESME_RINVPARLEN)

    def test_gw34_err(self) -> None:
        """The provider's err is its error code less 0x1000, in decimal: 126 is 0x107E, 019 is
        0x1013; it is passed on as it came. Receipts of our own take theirs from the same table.
        """
        for err, code in (("126", 0x107E), ("019", 0x1013)):
            self.assertEqual(errs.gatewayapi_code(err.encode()), code)
            receipt = self.told("", receipt_text("6000", "UNDELIV", err))
            self.assertEqual(field(receipt, b"err"), err.encode())
        self.assertEqual(
            (errs.ERR_UNSPECIFIED, errs.ERR_INTERNAL_ROUTING, errs.ERR_INVALID_VALIDITY),
            (b"001", b"080", b"116"),
        )
        self.assertEqual((errs.ERR_QUEUE_FULL, errs.ERR_NETWORK_TIMEOUT), (b"128", b"145"))

    def test_gw35_err_beyond_three_digits(self) -> None:
        """err:2306 goes on as err:999 with the number in network_error_code: 03 0902."""
        for options in ("", 'dialect = "default"'):
            receipt = self.told(options, receipt_text("6000", "REJECTD", "2306"))
            self.assertEqual(field(receipt, b"err"), b"999")
            tlvs = dict(receipt.tlvs)
            self.assertEqual(tlvs[c.TLV_NETWORK_ERROR_CODE], bytes.fromhex("030902"))

    def test_gw36_gw37_words(self) -> None:
        """Each word of the provider comes out as its row of the table says: BUFFERD, which is no
        state of SMPP, only to accounts of this dialect, to others ENROUTE; message_state 1 in both.
        """
        octets = submit(2, DESTINATION, registered_delivery=TRANSIENT_TOO)
        for stat, (default, state, own) in WORDS.items():
            for dialect, word in (("default", default), ("gatewayapi", own)):
                options = f'dialect = "{dialect}"'
                receipt = self.told(options, receipt_text("6000", stat), octets)
                self.assertEqual(field(receipt, b"stat"), word.encode(), stat)
                tlvs = dict(receipt.tlvs)
                self.assertEqual(tlvs[c.TLV_MESSAGE_STATE], bytes((state,)), stat)

    def test_gw36_deleted(self) -> None:
        """DELETED goes out to others; this document has no such word and says UNDELIV."""
        for options, word in (('dialect = "default"', b"DELETED"), ("", b"UNDELIV")):
            receipt = self.told(options, receipt_text("6000", "DELETED"))
            self.assertEqual(field(receipt, b"stat"), word)

    def test_gw38_acceptd_is_final(self) -> None:
        """ACCEPTD of this provider is a last word: registered_delivery 1 brings it, and nothing
        comes after it. Of another provider it is not, and is not told unasked.
        """
        client, upstream = self.pair(self.world("gatewayapi", "", GATEWAYAPI))
        self.through(client, upstream, VECTORS["V06"])
        upstream.receipt(b"6000", DESTINATION, b"ACCEPTD")
        self.assertEqual(field(self.delivered(client), b"stat"), b"ACCEPTD")
        upstream.receipt(b"6000", DESTINATION, b"DELIVRD")
        self.assertEqual(client.deliveries(), [])
        client, upstream = self.pair(self.world("gatewayapi"))
        self.through(client, upstream, VECTORS["V06"])
        upstream.receipt(b"6000", DESTINATION, b"ACCEPTD")
        self.assertEqual(client.deliveries(), [])

    def test_gw49_gw55_answer_upstream(self) -> None:
        """Our deliver_sm_resp is 17 octets, as V28, also for a receipt in message_payload (V29)."""
        world = self.world("gatewayapi", "", GATEWAYAPI)
        _, upstream = self.pair(world)
        upstream.receive(VECTORS["V29"])
        (answer,) = upstream.look(c.DELIVER_SM_RESP)
        self.assertEqual(answer.raw, build.deliver_sm_resp(7))
        self.assertEqual(answer.raw[:12], VECTORS["V28"][:12])
