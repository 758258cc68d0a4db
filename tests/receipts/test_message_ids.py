"""Provider ids and ours: XC-01, XC-02, D8."""

import re
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.receipts.message_ids import (
    IdProfile,
    format_client_message_id,
    key_of_response,
    keys_of_receipt,
)
from smppproxy.receipts.profile import Receipt, ReceiptProfile
from smppproxy.receipts.receipt import read_receipt
from smppproxy.smpp.build import deliver_sm
from smppproxy.smpp.constants import DELIVER_SM, TLV_MESSAGE_STATE, TLV_RECEIPTED_MESSAGE_ID
from smppproxy.smpp.pdu import Pdu
from tests.receipts import bounded

FIELD_IDS = (
    b"1",
    b"0",
    b"0000",
    b"0000436900",
    b"39f99dd5",
    b"39F99DD5",
    b"1_000",
    b"+447",
    b"0x1f",
    b"-1",
    b"msg_id_not_implemented",
    b"0a1b2c3d-1111-4222-8333-444455556666",
    b"3F179B310EDE971B2760C72B7F026E1C",
    b"A" * 65,
    b"9" * 65,
)


def receipt(text_id: bytes = b"", tlv_id: bytes = b"", prefer: str = "tlv") -> Receipt:
    """The receipt of a deliver_sm with these ids."""
    tlvs = [(TLV_MESSAGE_STATE, b"\x02")]
    if tlv_id:
        tlvs.append((TLV_RECEIPTED_MESSAGE_ID, tlv_id + b"\x00"))
    text = b"id:" + text_id + b" stat:DELIVRD" if text_id else b""
    raw = deliver_sm(1, esm_class=4, short_message=text, tlvs=tlvs)
    found = read_receipt(Pdu(DELIVER_SM, 0, 1, raw), ReceiptProfile(prefer=prefer))
    assert found is not None
    return found


def matches(profile: IdProfile, response: bytes, text_id: bytes = b"", tlv_id: bytes = b"") -> bool:
    """Whether a receipt with these ids is found under the id of the response."""
    return key_of_response(profile, response) in keys_of_receipt(profile, receipt(text_id, tlv_id))


class KeyTests(SynchronousTestCase):
    """One id, two spellings."""

    def test_xc02_the_five_pairs(self) -> None:
        """The pairs seen in the field match under the profile made for them, and not without it."""
        plain = IdProfile()
        for profile, response, text_id, tlv_id in (
            (IdProfile(resp="hex", receipt_text="dec"), b"39f99dd5", b"0972660181", b""),
            (IdProfile(strip_zeros=True), b"00B8BE19", b"B8BE19", b""),
            (IdProfile(resp="hex", receipt_text="hex"), b"B8BE19", b"00b8be19", b""),
            (IdProfile(fold_case=True), b"1101c1-8a", b"1101C1-8a", b""),
            (IdProfile("dec", "dec", "hex"), b"436949", b"0000436949", b"6aad5"),
        ):
            self.assertTrue(matches(profile, response, text_id), response)
            self.assertFalse(matches(plain, response, text_id), response)
            if tlv_id:
                self.assertTrue(matches(profile, response, tlv_id=tlv_id))
                self.assertEqual(len(keys_of_receipt(profile, receipt(text_id, tlv_id))), 1)

    def test_xc02_field_pairs_of_text_and_tlv(self) -> None:
        """Zero-padded decimal in the text, hex of the same number in the TLV: one key."""
        profile = IdProfile("dec", "dec", "hex")
        for text_id, tlv_id in (
            (b"0059113978", b"38601fa"),
            (b"1891273321", b"70BA8A69"),
            (b"0489708364", b"1d305b4c"),
            (b"0000436949", b"6aad5"),
            (b"0416342074", b"18d0e03a"),
        ):
            keys = keys_of_receipt(profile, receipt(text_id, tlv_id))
            self.assertEqual(keys, (text_id.lstrip(b"0"),))

    def test_f23_forms_are_octets(self) -> None:
        """In mode string every id comes back octet for octet, from text and from TLV (D8)."""
        profile = IdProfile()
        for provider_message_id in FIELD_IDS:
            self.assertEqual(key_of_response(profile, provider_message_id), provider_message_id)
            for found in (receipt(provider_message_id), receipt(b"", provider_message_id)):
                self.assertEqual(keys_of_receipt(profile, found), (provider_message_id,))

    def test_f23_no_number_is_guessed(self) -> None:
        """Signs, underscores and prefixes that Python would take are no number: strings stay."""
        for form in ("dec", "hex"):
            profile = IdProfile(form, form, form)
            for provider_message_id in (b"1_000", b"+447", b"0x1f", b"-1", b" 12", b"g1", b"\xb2"):
                self.assertEqual(key_of_response(profile, provider_message_id), provider_message_id)

    def test_f23_fallback_follows_the_string_settings(self) -> None:
        """What is no number of its base is a string, with strip_zeros and fold_case."""
        profile = IdProfile("dec", "dec", "dec", strip_zeros=True, fold_case=True)
        self.assertEqual(key_of_response(profile, b"00AbC-1"), b"abc-1")
        self.assertEqual(key_of_response(IdProfile(strip_zeros=True), b"0000"), b"0")
        self.assertEqual(key_of_response(IdProfile(resp="dec"), b"000"), b"0")
        self.assertEqual(key_of_response(IdProfile(strip_zeros=True), b""), b"")

    def test_xc03_order(self) -> None:
        """TLV first, text second; the other way where the profile prefers the text."""
        profile = IdProfile()
        self.assertEqual(keys_of_receipt(profile, receipt(b"5000", b"6000")), (b"6000", b"5000"))
        self.assertEqual(
            keys_of_receipt(profile, receipt(b"5000", b"6000", "text")), (b"5000", b"6000")
        )
        self.assertEqual(keys_of_receipt(profile, receipt()), ())

    def test_xc02_same_octets_two_bases(self) -> None:
        """Equal octets that are two numbers, by place, give both keys."""
        profile = IdProfile("dec", "dec", "hex")
        self.assertEqual(keys_of_receipt(profile, receipt(b"10", b"10")), (b"16", b"10"))

    def test_unknown_form(self) -> None:
        """A form that does not exist is refused when the profile is made."""
        self.assertRaises(ValueError, IdProfile, resp="octal")

    def test_xc02_keys_are_in_the_base_of_the_response(self) -> None:
        """A number's key is written as the response wrote it: the keys of "auto" stay good."""
        hexadecimal, decimal = IdProfile("hex", "dec", "hex"), IdProfile("dec", "dec", "hex")
        found = receipt(b"12107289", b"B8BE19")
        self.assertEqual(key_of_response(hexadecimal, b"00B8BE19"), b"b8be19")
        self.assertEqual(keys_of_receipt(hexadecimal, found), (b"b8be19",))
        self.assertEqual(key_of_response(decimal, b"0012107289"), b"12107289")
        self.assertEqual(keys_of_receipt(decimal, found), (b"12107289",))

    def test_xc02_auto_folds(self) -> None:
        """ "auto" in one place is enough: zeros and letter case mean nothing anywhere."""
        for profile in (IdProfile(resp="auto"), IdProfile(receipt_tlv="auto")):
            self.assertTrue(profile.auto and profile.strip_zeros and profile.fold_case)
            self.assertEqual(key_of_response(profile, b"00B8BE19-x"), b"b8be19-x")
        self.assertFalse(IdProfile("hex", "dec", "string").auto)

    def test_xc02_auto_five_pairs(self) -> None:
        """"auto" finds each of the five pairs, from the text and from the TLV."""
        profile = IdProfile("auto", "auto", "auto")
        for response, receipt_id in (
            (b"39f99dd5", b"0972660181"),
            (b"00B8BE19", b"B8BE19"),
            (b"B8BE19", b"00b8be19"),
            (b"1101c1-8a", b"1101C1-8a"),
            (b"6aad5", b"0000436949"),
            (b"436949", b"6aad5"),
        ):
            self.assertTrue(matches(profile, response, receipt_id), response)
            self.assertTrue(matches(profile, response, tlv_id=receipt_id), response)

    def test_xc02_auto_best_first(self) -> None:
        """What text and TLV agree on comes first; then same, dec->hex, hex->dec; then as it is."""
        profile = IdProfile("auto", "auto", "auto")
        self.assertEqual(
            keys_of_receipt(profile, receipt(b"0000436949", b"6AAD5")),
            (b"6aad5", b"436949", b"6AAD5", b"4417865", b"0000436949"),
        )
        self.assertEqual(
            keys_of_receipt(profile, receipt(b"0010")), (b"10", b"a", b"16", b"0010")
        )
        self.assertEqual(keys_of_receipt(profile, receipt(b"0A-1")), (b"a-1", b"0A-1"))
        self.assertEqual(keys_of_receipt(profile, receipt()), ())

    def test_xc02_auto_beside_a_known_base(self) -> None:
        """A place whose base is known is not tried in another."""
        by_response = IdProfile(resp="hex", receipt_text="auto")
        self.assertEqual(keys_of_receipt(by_response, receipt(b"16")), (b"16", b"10"))
        by_response = IdProfile(resp="dec", receipt_text="auto")
        self.assertEqual(keys_of_receipt(by_response, receipt(b"10")), (b"10", b"16"))
        for form, keys in (("dec", (b"16", b"10")), ("hex", (b"16", b"22")), ("string", (b"16",))):
            by_receipt = IdProfile(resp="auto", receipt_text=form)
            self.assertEqual(keys_of_receipt(by_receipt, receipt(b"16")), keys)
        mixed = IdProfile("dec", "auto", "hex")
        self.assertEqual(keys_of_receipt(mixed, receipt(b"", b"10")), (b"16",))

    def test_xc02_auto_only_numbers_have_two_bases(self) -> None:
        """32 hex digits are no number that anybody writes in decimals too."""
        profile = IdProfile("auto", "auto", "auto")
        long = b"3f179b310ede971b2760c72b7f026e1c"
        self.assertEqual(keys_of_receipt(profile, receipt(long)), (long,))

    @bounded
    @given(st.integers(0, 2**64), st.integers(0, 6), st.booleans())
    def test_xc02_any_number(self, number: int, zeros: int, upper: bool) -> None:
        """Hex in the response, padded decimal in the receipt: found for every number."""
        spelled = (b"%X" if upper else b"%x") % number
        decimal = b"0" * zeros + b"%d" % number
        self.assertTrue(matches(IdProfile(resp="hex", receipt_text="dec"), spelled, decimal))

    @bounded
    @given(st.binary(max_size=65), st.sampled_from(("string", "dec", "hex")))
    def test_any_id(self, octets: bytes, form: str) -> None:
        """Any octets have a key, empty only when they are."""
        profile = IdProfile(form, form, form, strip_zeros=True, fold_case=True)
        self.assertEqual(bool(key_of_response(profile, octets)), bool(octets))


NUMBERS = st.integers(0, 4294967296 - 1000000000 - 1)


class ClientMessageIdTests(SynchronousTestCase):
    """The ids that clients get."""

    def test_xc01_decimal10(self) -> None:
        """1000000000 to 4294967295, then round again."""
        last = 4294967296 - 1000000000 - 1
        for number, expected in (
            (0, b"1000000000"),
            (390125333, b"1390125333"),
            (last, b"4294967295"),
            (last + 1, b"1000000000"),
        ):
            self.assertEqual(format_client_message_id(number, "decimal10"), expected)

    @bounded
    @given(NUMBERS, NUMBERS)
    def test_xc01_never_twice(self, one: int, other: int) -> None:
        """Two numbers have two ids in every form, each of the form's own shape."""
        for form, shape in (
            ("decimal10", rb"[1-4][0-9]{9}"),
            ("decimal19", rb"[1-9][0-9]{18}"),
            ("hex", rb"[0-9A-F]{8}"),
            ("uuid", rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
        ):
            a, b = format_client_message_id(one, form), format_client_message_id(other, form)
            self.assertEqual(a == b, one == other)
            self.assertTrue(re.fullmatch(shape, a), a)

    def test_hex_is_decimal10(self) -> None:
        """The 8 hex digits are the same 32-bit number, for SMPP 3.3."""
        self.assertEqual(format_client_message_id(0, "hex"), b"3B9ACA00")
        self.assertEqual(int(format_client_message_id(77, "hex"), 16), 1000000077)

    def test_decimal19_fits_63_bits(self) -> None:
        """Clients that keep ids in a signed 64-bit number can."""
        largest = 2**63 - 10**18 - 1
        self.assertEqual(int(format_client_message_id(largest, "decimal19")), 2**63 - 1)

    @bounded
    @given(st.integers(0, 2**62 - 1))
    def test_uuid(self, number: int) -> None:
        """A valid UUID of version 8 whose low 62 bits are the number."""
        value = UUID(format_client_message_id(number, "uuid").decode())
        self.assertEqual((value.version, value.variant), (8, UUID(int=1 << 63).variant))
        self.assertEqual(value.int & (1 << 62) - 1, number)

    def test_unknown_form(self) -> None:
        """A form that does not exist is an error."""
        self.assertRaises(ValueError, format_client_message_id, 1, "roman")
