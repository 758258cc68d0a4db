"""What stands in a body, and which code names what is wrong there."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.fields import (
    Bind,
    Message,
    read_bind,
    read_bind_resp,
    read_data_sm,
    read_message,
    read_message_id,
    walk_message,
)
from smppproxy.smpp.pdu import Pdu
from smppproxy.smpp.tlv import tlv
from tests.smpp.samples import bounded, messages, one, vectors

EMPTY: dict[str, Any] = {}
SAMPLE: dict[str, Any] = {
    "service_type": b"CMT",
    "source_addr_ton": 5,
    "source_addr": b"Acme Shop",
    "dest_addr_ton": 1,
    "dest_addr_npi": 1,
    "destination_addr": b"4510203040",
    "schedule_delivery_time": b"000001000000000R",
    "validity_period": b"000002000000000R",
    "registered_delivery": 1,
    "short_message": b"Hello World",
}


def submit(**fields: Any) -> bytes:
    """A submit_sm of these fields."""
    return build.submit_sm(1, **fields)


def pdu_of(command_id: int, body: bytes) -> Pdu:
    """A PDU with this body."""
    return Pdu(command_id, 0, 1, build.header(command_id, 0, 1) + body)


def reframed(raw: bytes) -> bytes:
    """The same octets with a command_length that fits them."""
    return len(raw).to_bytes(4, "big") + raw[4:]


class BindTests(SynchronousTestCase):
    """Bind requests and their answers."""

    def refused(self, body: bytes) -> int:
        """The status under which this body of a bind is refused."""
        pdu = pdu_of(c.BIND_TRANSCEIVER, body)
        status: int = self.assertRaises(BodyError, read_bind, pdu).command_status
        return status

    def test_sx06_long_ids_and_secrets(self):
        """36-character ids and 64-character secrets are taken, up to 255 octets each."""
        for length in (36, 64, 255):
            fields = Bind(b"i" * length, b"s" * length)
            self.assertEqual(read_bind(one(build.bind(9, 1, fields))), fields)

    def test_f10_string_without_end(self):
        """Each string that has no NUL, or is too long, is refused by its own code."""
        self.assertEqual(self.refused(b"esme01"), 0x0E)
        self.assertEqual(self.refused(b"i" * 256 + b"\0"), 0x0E)
        self.assertEqual(self.refused(b"esme01\0secret08"), 0x0E)
        self.assertEqual(self.refused(b"esme01\0" + b"s" * 256 + b"\0"), 0x0E)
        self.assertEqual(self.refused(b"esme01\0secret08\0" + b"t" * 13 + b"\0"), 0x53)
        self.assertEqual(self.refused(b"esme01\0secret08\0\0\x34\0\0" + b"r" * 41 + b"\0"), 0x02)

    def test_f11_body_ends_early(self):
        """A body that stops before a field is 0x02, within a string that string's code."""
        body = b"esme01\0secret08\0sendexa\0\x34\0\0"
        codes = [self.refused(body[:end]) for end in range(len(body) + 1)]
        self.assertEqual(codes, [2] + [0x0E] * 6 + [2] + [0x0E] * 8 + [2] + [0x53] * 7 + [2] * 4)

    def test_octets_behind_the_bind_are_left_alone(self):
        """TLVs or padding behind address_range do not refuse a bind."""
        raw = vectors()["V01"] + tlv(0x1400, b"x")
        self.assertEqual(read_bind(pdu_of(9, raw[16:])).system_id, b"esme01")

    def test_f21_bind_resp_of_any_shape(self):
        """No body, no NUL, no TLV, a TLV without a value, a broken one: all are read."""
        for body, expected in (
            (b"", (b"", 0)),
            (b"\0", (b"", 0)),
            (b"smsc", (b"smsc", 0)),
            (b"smsc\0", (b"smsc", 0)),
            (b"smsc\0" + tlv(0x0210, b"\x34"), (b"smsc", 0x34)),
            (b"smsc\0" + tlv(0x1400, b"?") + tlv(0x0210, b"\x33"), (b"smsc", 0x33)),
            (b"smsc\0" + tlv(0x0210, b""), (b"smsc", 0)),
            (b"smsc\0" + bytes.fromhex("0210 0009 34"), (b"smsc", 0)),
        ):
            self.assertEqual(read_bind_resp(pdu_of(c.BIND_TRANSCEIVER_RESP, body)), expected)


class MessageIdTests(SynchronousTestCase):
    """The one field of an answer."""

    def test_f21_of_any_shape(self):
        """No body, no NUL, a NUL alone, TLVs behind it: the id is what stands there."""
        for body, expected in (
            (b"", b""),
            (b"\0", b""),
            (b"9", b"9"),
            (b"1390125333\0", b"1390125333"),
            (b"0xAB_01\0" + tlv(0x001D, b"why"), b"0xAB_01"),
            (b"\xff" * 70 + b"\0", b"\xff" * 70),
        ):
            self.assertEqual(read_message_id(pdu_of(c.SUBMIT_SM_RESP, body)), expected)


class WalkTests(SynchronousTestCase):
    """The hot walk, its offsets and its refusals."""

    def refused(self, raw: bytes) -> int:
        """The status under which these octets of a submit_sm are refused."""
        status: int = self.assertRaises(BodyError, walk_message, raw).command_status
        return status

    @bounded
    @given(messages)
    def test_offsets(self, fields):
        """The six offsets say where each part stands."""
        raw = build.message(c.SUBMIT_SM, 1, fields)
        source_at, dest_at, esm_at, flags_at, sm_at, tlv_at = walk_message(raw)
        self.assertEqual(raw[16 : source_at - 1], fields.service_type)
        self.assertEqual(raw[source_at], fields.source_addr_ton)
        self.assertEqual(raw[source_at + 2 : dest_at - 1], fields.source_addr)
        self.assertEqual(raw[dest_at + 1], fields.dest_addr_npi)
        self.assertEqual(raw[dest_at + 2 : esm_at - 1], fields.destination_addr)
        self.assertEqual(
            raw[esm_at : esm_at + 3],
            bytes((fields.esm_class, fields.protocol_id, fields.priority_flag)),
        )
        self.assertEqual(raw[flags_at], fields.registered_delivery)
        self.assertEqual(raw[flags_at + 2], fields.data_coding)
        self.assertEqual(raw[sm_at - 1], len(fields.short_message))
        self.assertEqual(raw[sm_at : sm_at + raw[sm_at - 1]], fields.short_message)
        self.assertEqual(raw[tlv_at:], b"".join(tlv(*pair) for pair in fields.tlvs))

    def test_f10_string_too_long(self):
        """One octet over its limit refuses a string by its own code; the limit is taken.

        The times have 0x61 and 0x62 in F10; the mission wins with the "0x02 otherwise" of row 17.
        """
        for name, limit, status in (
            ("service_type", 5, 0x15),
            ("source_addr", 20, 0x0A),
            ("destination_addr", 20, 0x0B),
            ("schedule_delivery_time", 16, 0x02),
            ("validity_period", 16, 0x02),
        ):
            for base in EMPTY, SAMPLE:
                walk_message(submit(**{**base, name: b"7" * limit}))
                for length in (limit + 1, limit + 40, 300):
                    raw = submit(**{**base, name: b"7" * length})
                    self.assertEqual(self.refused(raw), status, name)

    def test_f11_truncated_at_every_offset(self):
        """A body cut anywhere is refused, never read past its end; the code is the cut field's."""
        raw = submit(**SAMPLE)
        _, dest_at, esm_at, flags_at, sm_at, _ = walk_message(raw)
        for end in range(16, len(raw)):
            status = self.refused(reframed(raw[:end]))
            expected = {0x02, 0x15, 0x0A, 0x0B} if end < sm_at else {0x01}
            self.assertIn(status, expected, end)
        self.assertEqual(self.refused(reframed(raw[:16])), 0x02)
        self.assertEqual(self.refused(reframed(raw[:18])), 0x15)
        self.assertEqual(self.refused(reframed(raw[: dest_at - 1])), 0x0A)
        self.assertEqual(self.refused(reframed(raw[: esm_at - 1])), 0x0B)
        self.assertEqual(self.refused(reframed(raw[: flags_at - 1])), 0x02)
        self.assertEqual(self.refused(reframed(raw[: flags_at + 2])), 0x02)

    def test_f12_sm_length_above_what_is_there(self):
        """V33, and every sm_length that is too large, is 0x01."""
        self.assertEqual(self.refused(vectors()["V33"]), 0x01)
        raw = bytearray(vectors()["V06"])
        sm_at = walk_message(bytes(raw))[4]
        for sm_length in range(12, 256):
            raw[sm_at - 1] = sm_length
            self.assertEqual(self.refused(bytes(raw)), 0x01)

    def test_f12_sm_length_below_what_is_there(self):
        """The octets that are left over are no TLVs: 0xC0."""
        raw = bytearray(vectors()["V06"])
        sm_at = walk_message(bytes(raw))[4]
        raw[sm_at - 1] = 3
        self.assertEqual(self.refused(bytes(raw)), 0xC0)

    def test_gw45_255_octets(self):
        """sm_length 254 and 255 are taken."""
        for length in (254, 255):
            walk_message(build.submit_sm(1, short_message=b"x" * length))

    def test_f13_tlv_past_the_end(self):
        """A length that runs past the end, and one to three stray octets, are 0xC0."""
        for tail in ("0204 0009 13", "01", "0102", "010203", "0005000101 ff"):
            raw = reframed(vectors()["V06"] + bytes.fromhex(tail))
            self.assertEqual(self.refused(raw), 0xC0)

    def test_f13_tlv_of_a_wrong_size(self):
        """A TLV whose size the standard fixes is 0xC2 in any other."""
        for tag in (0x0005, 0x020A, 0x020B, 0x020C, 0x020E, 0x020F):
            self.assertEqual(self.refused(build.submit_sm(1, tlvs=[(tag, b"123")])), 0xC2)
            self.assertEqual(self.refused(build.submit_sm(1, tlvs=[(tag, b"")])), 0xC2)

    def test_gw33_user_message_reference(self):
        """Up to 255 octets of reference are taken, also none; 256 are 0xC2."""
        for length in (0, 1, 2, 26, 255):
            walk_message(build.submit_sm(1, tlvs=[(0x0204, bytes(length))]))
        self.assertEqual(self.refused(build.submit_sm(1, tlvs=[(0x0204, bytes(256))])), 0xC2)

    def test_f13_text_twice(self):
        """V19: short_message beside message_payload is 0xC1; one of them empty is not."""
        self.assertEqual(self.refused(vectors()["V19"]), 0xC1)
        walk_message(build.submit_sm(1, short_message=b"x", tlvs=[(0x0424, b"")]))
        walk_message(build.submit_sm(1, tlvs=[(0x0424, b"x")]))

    def test_f13_unknown_tlvs_pass(self):
        """What nobody knows the size of is taken in any, duplicates too."""
        fields = [(0x2900, b"premium"), (0x1403, b""), (0x2900, bytes(500))]
        raw = build.submit_sm(1, tlvs=fields)
        self.assertEqual(read_message(one(raw)).tlvs, fields)

    def test_f14_many_tlvs(self):
        """256 TLVs are taken, also big ones; 257 are 0xC0."""
        walk_message(build.submit_sm(1, tlvs=[(0x1400, b"xyz")] * 256))
        self.assertEqual(self.refused(build.submit_sm(1, tlvs=[(0x1400, b"")] * 257)), 0xC0)

    def test_gw53_uncounted_nul(self):
        """V22: TLVs begin behind the stray NUL, its SAR fields are read."""
        raw = vectors()["V22"]
        sm_at, tlv_at = walk_message(raw)[4:]
        self.assertEqual(tlv_at, sm_at + raw[sm_at - 1] + 1)
        self.assertEqual(
            read_message(one(raw)).tlvs, [(0x020C, b"\0\x2a"), (0x020E, b"\2"), (0x020F, b"\1")]
        )
        raw = reframed(vectors()["V06"] + b"\0")
        self.assertEqual(walk_message(raw)[5], len(raw))
        self.assertEqual(read_message(one(raw)).tlvs, [])

    def test_a_deliver_sm_is_read_whatever_its_tlvs_are(self):
        """A receipt with a broken last TLV, a text twice or an odd size keeps all that is good."""
        good = [(0x001E, b"6aad5\0"), (0x0427, b"\2")]
        raw = build.deliver_sm(1, esm_class=4, short_message=b"id:1", tlvs=good)
        broken = reframed(raw + bytes.fromhex("1403 0041 3132"))
        self.assertEqual(read_message(one(broken)).tlvs, good)
        both = build.deliver_sm(1, short_message=b"x", tlvs=[(0x0424, b"y"), (0x0426, b"")])
        self.assertEqual(read_message(one(both)).tlv(0x0424), b"y")

    @bounded
    @given(st.binary(max_size=120), st.sampled_from([4, 5]))
    def test_any_body(self, body, command_id):
        """Whatever the octets are: offsets in order within them, or a code that exists."""
        raw = reframed(build.header(command_id, 0, 1) + body)
        try:
            offsets = walk_message(raw)
        except BodyError as error:
            self.assertIn(error.command_status, c.STATUS_NAMES)
        else:
            self.assertEqual(sorted(offsets), list(offsets))
            self.assertLessEqual(offsets[-1], len(raw))
            self.assertEqual(read_message(one(raw)).service_type, raw[16 : offsets[0] - 1])

    @bounded
    @given(messages, st.data())
    def test_any_octet_flipped(self, fields, data):
        """One wrong octet in a good body is read or refused like any other body."""
        raw = bytearray(build.message(c.SUBMIT_SM, 1, fields))
        at = data.draw(st.integers(16, len(raw) - 1))
        raw[at] = data.draw(st.integers(0, 255))
        try:
            walk_message(bytes(raw))
        except BodyError as error:
            self.assertIn(error.command_status, c.STATUS_NAMES)


class DataSmTests(SynchronousTestCase):
    """data_sm, in which some providers send receipts."""

    def test_long_addresses(self):
        """64 octets of address are taken, 65 are refused by the address's code."""
        read = read_data_sm(one(build.data_sm(1, source_addr=b"s" * 64)))
        self.assertEqual(read.source_addr, b"s" * 64)
        self.assertEqual(read.short_message, b"")
        for name, status in (("source_addr", 0x0A), ("destination_addr", 0x0B)):
            pdu = one(build.data_sm(1, **dict[str, Any]({name: b"s" * 65})))
            self.assertEqual(self.assertRaises(BodyError, read_data_sm, pdu).command_status, status)

    def test_f11_body_ends_early(self):
        """A body cut before its TLVs is refused."""
        raw = build.data_sm(1, source_addr=b"12", destination_addr=b"34")
        for end in range(16, len(raw)):
            self.assertRaises(BodyError, read_data_sm, one(reframed(raw[:end])))

    def test_broken_tlvs(self):
        """They are read up to where they break, as in a deliver_sm."""
        raw = build.data_sm(1, tlvs=[(0x001E, b"1\0")])
        pdu = one(reframed(raw + b"\1\2\3"))
        self.assertEqual(read_data_sm(pdu).tlvs, [(0x001E, b"1\0")])


class MessageTests(SynchronousTestCase):
    """The value of a message."""

    def test_tlv(self):
        """The first TLV of a tag, or None."""
        message = Message(tlvs=[(1, b"a"), (1, b"b")])
        self.assertEqual(message.tlv(1), b"a")
        self.assertIsNone(message.tlv(2))

    def test_repr_hides_the_text(self):
        """What a person wrote is not in a repr."""
        self.assertNotIn("private", repr(Message(short_message=b"private")))
