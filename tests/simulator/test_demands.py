"""What a simulated provider takes: each demand of a profile, met and not met."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.routing.addresses import AddressProfile
from smppproxy.routing.providers import SendProfile
from smppproxy.simulator.demands import Demands, text_of
from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.fields import walk_message
from smppproxy.text import gsm0338
from smppproxy.text.profile import TextProfile

HEADER = b"\x05\x00\x03\x07\x02\x01"
SAR = [
    (c.TLV_SAR_MSG_REF_NUM, b"\0\7"),
    (c.TLV_SAR_TOTAL_SEGMENTS, b"\2"),
    (c.TLV_SAR_SEGMENT_SEQNUM, b"\1"),
]


def status(demands: Demands, **fields: Any) -> int:
    """What a submit_sm with these fields gets."""
    raw = build.submit_sm(1, **fields)
    return demands.check(raw, walk_message(raw))


def texts(**options: Any) -> Demands:
    """The demands of a text profile."""
    return Demands(text=TextProfile(transparent=False, **options))


class Texts(SynchronousTestCase):
    """Data codings, decoding, forms and lengths."""

    def test_nothing_is_demanded(self) -> None:
        """Without profiles everything is taken."""
        self.assertEqual(status(Demands(), data_coding=77, short_message=b"\xff\x1b"), 0)

    def test_data_coding(self) -> None:
        """Only what the profile lists is taken; the rest is refused with 0x45."""
        demands = texts(codings={"gsm7": 0, "latin1": 1, "ucs2": 8})
        for data_coding in range(256):
            taken = data_coding in (0, 1, 8)
            self.assertEqual(
                status(demands, data_coding=data_coding, short_message=b"ab"), 0 if taken else 0x45
            )

    def test_what_does_not_decode(self) -> None:
        """Text that is none in its coding is refused; binary is any octets."""
        demands = texts()
        for data_coding, octets, expected in (
            (0, b"\x80", 0x45),
            (0, b"ends with \x1b", 0x45),
            (0, b"\x1b\x65", 0),
            (8, b"odd", 0x01),
            (8, b"\xd8\x00", 0x45),
            (4, b"\xff\x1b", 0),
        ):
            got = status(demands, data_coding=data_coding, short_message=octets)
            self.assertEqual(got, expected, octets)

    def test_default_alphabet(self) -> None:
        """data_coding 0 is what the profile says."""
        for alphabet, octets, expected in (
            ("utf-8", "é".encode(), 0),
            ("utf-8", b"\xe9", 0x45),
            ("ascii", b"{}", 0),
            ("ascii", b"\xe9", 0x45),
            ("ascii-gsm-safe", b"plain", 0),
            ("ascii-gsm-safe", b"me@home", 0x45),
        ):
            got = status(texts(default_alphabet=alphabet), short_message=octets)
            self.assertEqual(got, expected, (alphabet, octets))
        elsewhere = texts(codings={"ascii": 0, "gsm7": 4, "ucs2": 8})
        self.assertEqual(status(elsewhere, data_coding=4, short_message=b"\x1b\x65"), 0)

    def test_packed(self) -> None:
        """Packed septets are unpacked behind their header."""
        demands = texts(gsm7="packed")
        packed = HEADER + gsm0338.pack(b"hello" * 20, gsm0338.fill_bits(len(HEADER)))
        raw = build.submit_sm(1, esm_class=c.ESM_UDHI, short_message=packed)
        self.assertEqual(demands.check(raw, walk_message(raw)), 0)
        self.assertEqual(text_of(demands.read(raw, walk_message(raw))), "hello" * 20)

    def test_flash(self) -> None:
        """Class 0 by TLV or by data_coding, as the profile has it."""
        subunit = [(c.TLV_DEST_ADDR_SUBUNIT, b"\1")]
        self.assertEqual(status(texts(flash="tlv"), short_message=b"a", tlvs=subunit), 0)
        for flash, codes in (("dcs-16-24", (16, 24)), ("dcs-24-240", (240, 24)), ("none", ())):
            demands = texts(flash=flash)
            self.assertEqual(status(demands, short_message=b"a", tlvs=subunit), 0xC1)
            for data_coding in (16, 24, 240):
                expected = 0 if data_coding in codes else 0x45
                got = status(demands, data_coding=data_coding, short_message=b"ab")
                self.assertEqual(got, expected, (flash, data_coding))

    def test_forms_of_long_messages(self) -> None:
        """message_payload, SAR and header only where the profile takes them."""
        payload: dict[str, Any] = {"tlvs": [(c.TLV_MESSAGE_PAYLOAD, b"x" * 300)]}
        sar: dict[str, Any] = {"short_message": b"part", "tlvs": SAR}
        udh: dict[str, Any] = {"short_message": HEADER + b"part", "esm_class": c.ESM_UDHI}
        for long, got in (
            ("udh", (0xC1, 0xC1, 0)),
            ("sar", (0xC1, 0, 0)),
            ("payload", (0, 0, 0)),
        ):
            demands = texts(long=long)
            found = tuple(status(demands, **fields) for fields in (payload, sar, udh))
            self.assertEqual(found, got, long)
        self.assertEqual(status(texts(long="sar", udh=False), **udh), 0x43)

    def test_lengths(self) -> None:
        """What one SMS does not hold is refused, as are more parts than max_parts."""
        self.assertEqual(status(texts(), short_message=b"x" * 160), 0)
        self.assertEqual(status(texts(), short_message=b"x" * 161), 0x01)
        self.assertEqual(status(texts(default_alphabet="utf-8"), short_message=b"x" * 160), 0)
        demands = texts(long="payload", max_parts=2)
        for octets, expected in ((306, 0), (307, 0x01)):
            tlvs = [(c.TLV_MESSAGE_PAYLOAD, b"x" * octets)]
            self.assertEqual(status(demands, tlvs=tlvs), expected)

    def test_broken_header(self) -> None:
        """A header that runs past the message is refused with its own status."""
        self.assertEqual(status(texts(), esm_class=c.ESM_UDHI, short_message=b"\x09"), 0x43)

    def test_segments(self) -> None:
        """One for what one SMS holds, else as many as it is cut into."""
        demands = texts(long="payload")
        for octets, expected in ((160, 1), (161, 2), (306, 2), (307, 3)):
            raw = build.submit_sm(1, tlvs=[(c.TLV_MESSAGE_PAYLOAD, b"x" * octets)])
            self.assertEqual(demands.segments(raw, walk_message(raw)), expected)

    @given(st.integers(0, 255), st.integers(0, 255), st.binary(max_size=200))
    def test_never_raises(self, esm_class: int, data_coding: int, octets: bytes) -> None:
        """Whatever comes is taken or refused; what is taken can be read."""
        demands = texts()
        raw = build.submit_sm(
            1, esm_class=esm_class, data_coding=data_coding, short_message=octets
        )
        offsets = walk_message(raw)
        if not demands.check(raw, offsets):
            text_of(demands.read(raw, offsets))


class Others(SynchronousTestCase):
    """Addresses, wishes and TLVs."""

    def test_addresses(self) -> None:
        """What the profile would rewrite is refused by the field that differs."""
        profile = AddressProfile(
            dest_ton=1, dest_npi=1, plus="strip", alpha_ton=5, alpha_npi=0, short_ton=3,
            short_npi=0, msisdn_ton=1, msisdn_npi=1, alpha_max=11,
        )  # fmt: skip
        good: dict[str, Any] = {
            "source_addr_ton": 5, "source_addr": b"Sender", "dest_addr_ton": 1, "dest_addr_npi": 1,
            "destination_addr": b"46701234567",
        }  # fmt: skip
        demands = Demands(address=profile)
        self.assertEqual(status(demands, **good), 0)
        for field, value, expected in (
            ("source_addr_ton", 0, 0x48),
            ("source_addr_npi", 1, 0x49),
            ("source_addr", b"TwelveLetter", 0x0A),
            ("dest_addr_ton", 0, 0x50),
            ("dest_addr_npi", 0, 0x51),
            ("destination_addr", b"+46701234567", 0x0B),
        ):
            self.assertEqual(status(demands, **{**good, field: value}), expected, field)

    def test_wishes(self) -> None:
        """Schedules, the form of validity_period and the highest priority."""
        relative, absolute = b"000001000000000R", b"301231235959000+"
        strict = Demands(send=SendProfile(schedule=False, validity="relative", priority_max=0))
        for fields, expected in (
            ({}, 0),
            ({"validity_period": relative}, 0),
            ({"validity_period": absolute}, 0x62),
            ({"schedule_delivery_time": relative}, 0x61),
            ({"priority_flag": 1}, 0x06),
        ):
            given_: dict[str, Any] = fields
            self.assertEqual(status(strict, **given_), expected, fields)
        for validity, period, expected in (
            ("absolute", relative, 0x62),
            ("absolute", absolute, 0),
            ("none", absolute, 0x62),
            ("pass", absolute, 0),
        ):
            demands = Demands(send=SendProfile(validity=validity))
            self.assertEqual(status(demands, validity_period=period), expected)

    def test_tlvs_required(self) -> None:
        """Without them 0xC3."""
        demands = Demands(tlvs_required=frozenset({0x1414}))
        self.assertEqual(status(demands, short_message=b"x"), 0xC3)
        self.assertEqual(status(demands, short_message=b"x", tlvs=[(0x1414, b"OTP")]), 0)
