"""Error numbers: GW-34, GW-35."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.receipts import errs
from tests.receipts import bounded

BASES = st.sampled_from(("dec", "hex", "gatewayapi", "opaque"))


class ErrTests(SynchronousTestCase):
    """In, and out again."""

    def test_gw34_gatewayapi(self) -> None:
        """126 is 0x107E and goes out as 126; 019 is absent subscriber, 0x1013."""
        for err, code in ((b"126", 0x107E), (b"019", 0x1013), (b"000", 0x1000), (b"null", 0)):
            normalised = errs.normalise(err, "gatewayapi")
            self.assertEqual(errs.gatewayapi_code(normalised), code)
        self.assertEqual(errs.three_digits(b"126"), (b"126", 126))

    def test_gw34_own_codes(self) -> None:
        """The receipts that we make ourselves use the same table."""
        for err, code in (
            (errs.ERR_UNSPECIFIED, 0x1001),
            (errs.ERR_INTERNAL_ROUTING, 0x1050),
            (errs.ERR_INVALID_VALIDITY, 0x1074),
            (errs.ERR_QUEUE_FULL, 0x1080),
            (errs.ERR_NETWORK_TIMEOUT, 0x1091),
        ):
            self.assertEqual(errs.gatewayapi_code(err), code)

    def test_gw35_three_digits(self) -> None:
        """Always three digits: padded, 999 for what does not fit, 000 for what is no number."""
        for err, expected in (
            (b"0", (b"000", 0)),
            (b"99", (b"099", 99)),
            (b"0000", (b"000", 0)),
            (b"00000000126", (b"126", 126)),
            (b"2306", (b"999", 2306)),
            (b"99999", (b"999", 99999)),
            (b"999999", (b"000", 0)),
            (b"", (b"000", 0)),
            (b"null", (b"000", 0)),
            (b"...", (b"000", 0)),
            (b"\xb2\xb2\xb2", (b"000", 0)),
        ):
            self.assertEqual(errs.three_digits(err), expected, err)

    def test_gw35_bases(self) -> None:
        """Hex by profile, or where it stands instead of decimals; words and opaque ones stay."""
        for err, base, expected in (
            (b"21b", "dec", b"539"),
            (b"21B", "gatewayapi", b"539"),
            (b"019", "hex", b"025"),
            (b"0fff", "hex", b"4095"),
            (b"21b", "opaque", b"21b"),
            (b"fade", "dec", b"fade"),
            (b"null", "hex", b"null"),
            (b"", "hex", b""),
            (b"0x12", "hex", b"0x12"),
            (b"1_0", "hex", b"1_0"),
        ):
            self.assertEqual(errs.normalise(err, base), expected, err)

    def test_gw35_network_error_code(self) -> None:
        """2306 is 03 0902; a number for more than two octets has no such value."""
        self.assertEqual(errs.network_error_code(2306), b"\x03\x09\x02")
        self.assertEqual(errs.network_error_code(0), b"\x03\x00\x00")
        self.assertEqual(errs.network_error_code(0x10000), b"")

    def test_err_of_network_error_code(self) -> None:
        """Type and number, or text that was put there; what is neither says nothing."""
        for value, expected in (
            (b"\x03\x00\x11", b"017"),
            (b"\x03\x09\x02", b"2306"),
            (b"000", b"000"),
            (b"\x09\x00\x01", b""),
            (b"\x03\x00", b""),
            (b"", b""),
        ):
            self.assertEqual(errs.err_of_network_error_code(value), expected)

    @bounded
    @given(st.binary(max_size=8), BASES)
    def test_any_octets(self, err: bytes, base: str) -> None:
        """Any octets give three digits."""
        digits, number = errs.three_digits(errs.normalise(err, base))
        self.assertRegex(digits, rb"\A[0-9]{3}\Z")
        self.assertGreaterEqual(number, 0)
