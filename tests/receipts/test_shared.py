"""What the receipts of a provider share is read once: nothing reads differently for it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from unittest import TestCase
from unittest.mock import patch

import attrs
from hypothesis import given
from hypothesis import strategies as st

from smppproxy.receipts import profile as module
from smppproxy.receipts.profile import Receipt, ReceiptProfile
from smppproxy.receipts.receipt import read_receipt
from smppproxy.receipts.text import parse_middle
from smppproxy.smpp import constants as c
from smppproxy.smpp.pdu import Pdu

_IDS = [b"1", b"abc123", b"0042", b"a-b", b"x" * 65, b"x" * 66, b"", b"1ext:2", b"a\tb"]
_WORDS = [b"DELIVRD", b"UNDELIV", b"ENROUTE", b"unheard", b"7", b"DELIVRD text:", b"ext:"]
_ERRS = [b"000", b"1", b"21b", b"", b"0ext:", b"12 ", b"99999"]
_DATES = [b"2611231130", b"261123113059", b"0", b""]
_COUNTS = [b"", b" sub:001 dlvrd:001", b" sub:... dlvrd:", b" sub:1", b" dlvrd:2 sub:1"]
_TEXTS = [
    b"", b" text:", b" Text:hello", b" text:id:9 stat:UNDELIV err:9 text:x", b" TEXT:loud",
    b" text:end\x00\x00", b"\x00", b" more:1", b" more:1 text:x", b"  text:x",
]  # fmt: skip

TEXTS = st.one_of(
    st.builds(
        lambda name, counts, submit, done, stat, err, text: (
            b"id:%b%b submit date:%b done date:%b stat:%b err:%b%b"
            % (name, counts, submit, done, stat, err, text)
        ),
        *map(st.sampled_from, (_IDS, _COUNTS, _DATES, _DATES, _WORDS, _ERRS, _TEXTS)),
    ),
    st.binary(max_size=40).map(lambda octets: b"id:" + octets),
)
TLVS = st.tuples(
    st.sampled_from([None, b"abc123\0", b"1\0", b"", b"other\0rest"]),
    st.sampled_from([None, b"\x02", b"\x05", b"\x00", b"\x63", b"\x02\x02"]),
    st.sampled_from([None, b"\x03\x00\x0a", b"\x00"]),
    st.sampled_from([None, b"ref", b"r" * 300]),
)
PROFILES = [
    ReceiptProfile(),
    ReceiptProfile(prefer="text", err="hex", tz="Europe/Stockholm"),
    ReceiptProfile(err="opaque", final_for=(("4670", frozenset({"ENROUTE"})),)),
    ReceiptProfile(detect_by_text=True, err="gatewayapi", addresses="as_submitted"),
]
_TAGS = (
    c.TLV_RECEIPTED_MESSAGE_ID,
    c.TLV_MESSAGE_STATE,
    c.TLV_NETWORK_ERROR_CODE,
    c.TLV_USER_MESSAGE_REFERENCE,
)

# Nothing; the id once more, one that is cut short, and one within another TLV's value.
_BEHIND = [b"", b"\0\x1e\0\2x\0", b"\0\x1e\0\7x", b"\0\x1e\0", b"\x14\0\0\5\0\x1e\0\1x", b"\0"]

Tlvs = tuple[bytes | None, bytes | None, bytes | None, bytes | None]


ELSEWHERE = "no number"
"""What no destination begins with."""


def pdu_of(
    text: bytes,
    esm_class: int,
    destination: bytes,
    tlvs: Tlvs,
    order: Sequence[int] = range(4),
    behind: bytes = b"",
) -> Pdu:
    """A deliver_sm with this text, these TLVs in this order, and octets behind them."""
    body = b"\0\1\1" + destination + b"\0\1\1" + b"12345\0" + bytes([esm_class]) + bytes(8)
    body += bytes([len(text)]) + text
    for place in order:
        tag, value = _TAGS[place], tlvs[place]
        if value is not None:
            body += tag.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value
    body += behind
    raw = (len(body) + 16).to_bytes(4, "big") + c.DELIVER_SM.to_bytes(4, "big") + bytes(8) + body
    return Pdu(c.DELIVER_SM, 0, 0, raw)


def slowly(pdu: Pdu, profile: ReceiptProfile) -> Receipt | None:
    """The receipt, with nothing looked up: so for a profile that names destinations."""
    elsewhere = (*profile.final_for, (ELSEWHERE, frozenset({"?"})))
    return read_receipt(pdu, attrs.evolve(profile, final_for=elsewhere))


class SharedTests(TestCase):
    """Receipts that were looked up are those that are read."""

    @given(
        TEXTS,
        st.sampled_from([0, c.ESM_RECEIPT, c.ESM_INTERMEDIATE, 0x10, c.ESM_RECEIPT | 0x40]),
        st.sampled_from([b"46701234567", b"573001", b""]),
        TLVS,
        st.permutations(range(4)),
        st.sampled_from(_BEHIND),
        st.sampled_from(PROFILES),
    )
    def test_the_same_as_read_whole(
        self,
        text: bytes,
        esm_class: int,
        destination: bytes,
        tlvs: Tlvs,
        order: list[int],
        behind: bytes,
        profile: ReceiptProfile,
    ) -> None:
        """Any text, TLVs in any order, octets behind them and profile: the first time and the
        next."""
        pdu = pdu_of(text[:254], esm_class, destination, tlvs, order, behind)
        expected = slowly(pdu, profile)
        self.assertEqual(expected, read_receipt(pdu, profile))
        self.assertEqual(expected, read_receipt(pdu, profile))

    def test_only_the_last_ones_are_kept(self) -> None:
        """A provider that writes something else each time costs bounded memory."""
        profile = ReceiptProfile()
        with patch.object(module, "_SHARED_KEPT", 3):
            for number in range(10):
                text = b"id:1 submit date: done date: stat:X%d err:0" % number
                read_receipt(pdu_of(text, 4, b"1", (None,) * 4), profile)
                self.assertLessEqual(len(profile.shared), 3)
        long = b"id:1 submit date: done date: stat:%b err:0" % (b"X" * 180)
        profile = ReceiptProfile()
        receipt = read_receipt(pdu_of(long, 4, b"1", (None,) * 4), profile)
        assert receipt is not None
        self.assertEqual(65, len(receipt.stat))
        self.assertEqual({}, profile.shared)

    def test_a_text_is_cut_at_its_own_key(self) -> None:
        """``ext:`` within a field is no key."""
        text = b"id:1 submit date: done date: stat:A err:0ext:b c"
        self.assertIsNone(parse_middle(b"1", text[4:45], b"b c"))
        profile = ReceiptProfile()
        receipt = read_receipt(pdu_of(text, 4, b"1", (None,) * 4), profile)
        assert receipt is not None
        self.assertEqual((b"0ext:b", {}), (receipt.err, profile.shared))

    def test_only_what_all_of_them_say_is_looked_up(self) -> None:
        """Ids, numbers and texts of a second receipt are its own, in every order of TLVs."""
        for order in permutations(range(3)):
            profile = ReceiptProfile()
            for name, number in ((b"abc", b"4670"), (b"defgh", b"4571")):
                text = b"id:%b submit date: done date: stat:DELIVRD err:0 text:%b" % (name, number)
                tlvs = (name + b"\0", b"\2", b"\3\0\1", None)
                receipt = read_receipt(pdu_of(text, 4, number, tlvs, (*order, 3)), profile)
                assert receipt is not None
                self.assertEqual(
                    ((name,), number, number, b"\3\0\1", name),
                    (receipt.message_ids, receipt.text, receipt.destination,
                     receipt.network_error_code, receipt.receipted_message_id),
                )  # fmt: skip
                self.assertEqual(1, len(profile.shared))

    def test_a_reference_is_never_looked_up(self) -> None:
        """A user_message_reference is one message's own."""
        profile = ReceiptProfile()
        for reference in (b"\0\1", b"\0\2"):
            text = b"id:1 submit date: done date: stat:DELIVRD err:0 text:"
            pdu = pdu_of(text, 4, b"4670", (b"1\0", b"\2", None, reference))
            receipt = read_receipt(pdu, profile)
            assert receipt is not None
            self.assertEqual((reference, {}), (receipt.user_message_reference, profile.shared))
