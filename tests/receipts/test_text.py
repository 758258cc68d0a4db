"""The text of receipts: mission 3.2 to 3.4."""

import json
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.receipts import text
from smppproxy.receipts.dialects import NO_STATE, state_of
from smppproxy.receipts.text import (
    Fields,
    count_of,
    date_text,
    parse,
    parse_any,
    render,
    seconds_of,
)
from tests.receipts import bounded

HERE = Path(__file__).parent
SHAPES = json.loads((HERE / "receipts.json").read_text())
FIELD = json.loads((HERE / "field_receipts.json").read_text())
KEYS = ("id:", "sub:", "dlvrd:", "submit", "date:", "stat:", "err:", "text:", "x", "7", "\n")
WORD = st.text("abcdefXYZ0123456789.-_", min_size=1, max_size=12).map(str.encode)


class ShapesTests(SynchronousTestCase):
    """Known answers: every shape seen, with what it says."""

    def test_f72_shapes(self) -> None:
        """28 shapes are read with id, state and err; 4 that only look alike are no receipts."""
        read = 0
        for shape in SHAPES:
            fields = parse(bytes.fromhex(shape["hex"]))
            if shape.get("receipt") is False:
                self.assertIsNone(fields, shape["name"])
                continue
            assert fields is not None, shape["name"]
            state = state_of(fields.stat)[0]
            said = (
                fields.id.decode(),
                None if state == NO_STATE else state,
                fields.err.decode() or None,
            )
            self.assertEqual(
                said, (shape["id"], shape["message_state"], shape["err"]), shape["name"]
            )
            read += 1
        self.assertEqual((read, len(SHAPES)), (28, 32))

    def test_f72_other_projects(self) -> None:
        """The receipt texts that other projects test their readers with, field by field."""
        for case in FIELD:
            fields = parse(case["text"].encode("latin-1"))
            said = fields and {k: v.decode("latin-1") for k, v in fields._asdict().items()}
            self.assertEqual(said, case["fields"], case["text"])
        self.assertEqual(len(FIELD), 35)

    def test_both_readers_agree(self) -> None:
        """The one-match reader says what the whole grammar says, wherever it matches."""
        for shape in SHAPES:
            octets = bytes.fromhex(shape["hex"]).rstrip(b"\x00")
            self.assertEqual(parse(octets), parse_any(octets))


class GrammarTests(SynchronousTestCase):
    """The rules one by one."""

    def test_mg11_forged_receipt_in_the_text(self) -> None:
        """Once id and stat are read the text runs to the end: its id and stat are words."""
        fields = parse(b"id:42 stat:UNDELIV text:id:99 stat:DELIVRD err:1")
        assert fields is not None
        self.assertEqual((fields.id, fields.stat, fields.err), (b"42", b"UNDELIV", b""))
        self.assertEqual(fields.text, b"id:99 stat:DELIVRD err:1")

    def test_first_occurrence(self) -> None:
        """The first occurrence of a key wins, also when it is empty."""
        fields = parse(b"id:1 id:2 sub: stat:DELIVRD stat:EXPIRED sub:003")
        assert fields is not None
        self.assertEqual((fields.id, fields.sub, fields.stat), (b"1", b"", b"DELIVRD"))

    def test_key_spellings(self) -> None:
        """status, error, underscores, no separator, blanks before the colon."""
        fields = parse(b"Id :7 Submit_Date: 2511221015 donedate:2511221016 STATUS :ok error:5")
        self.assertEqual(
            fields, Fields(b"7", b"", b"", b"2511221015", b"2511221016", b"ok", b"5", b"")
        )

    def test_key_only_after_white_space(self) -> None:
        """``rapid:`` holds no ``id:``."""
        self.assertIsNone(parse(b"rapid:5 livestat:3"))
        self.assertIsNone(parse(b"id stat"))
        self.assertIsNone(parse(b"id: stat: err:000"))

    def test_long_id(self) -> None:
        """65 octets are an id, 66 are none."""
        for size, expected in ((65, b"x" * 65), (66, b"")):
            fields = parse(b"id:" + b"x" * size + b" stat:DELIVRD")
            assert fields is not None
            self.assertEqual(fields.id, expected)
        self.assertIsNone(parse(b"id:" + b"x" * 66))

    def test_trailing_nuls(self) -> None:
        """NULs at the end are no part of the last value."""
        fields = parse(b"id:1 stat:DELIVRD\x00\x00")
        assert fields is not None
        self.assertEqual(fields.stat, b"DELIVRD")
        self.assertIsNone(parse(b"\x00\x00"))

    def test_f72_ucs2(self) -> None:
        """A receipt whose whole text is UTF-16 is read."""
        line = "id:42 submit date:2511221015 done date:2511221016 stat:DELIVRD err:000"
        self.assertEqual(parse(line.encode("utf-16-be")), parse(line.encode()))

    @bounded
    @given(st.binary(max_size=300))
    def test_any_octets(self, octets: bytes) -> None:
        """Any octets are read or not, without an error; values stay within what was sent."""
        fields = parse(octets)
        if fields is not None:
            self.assertLessEqual(sum(map(len, fields)), len(octets))
            self.assertTrue(fields.id or fields.stat)

    @bounded
    @given(st.lists(st.sampled_from(KEYS)))
    def test_any_order(self, words: list[str]) -> None:
        """Keys in any order and number are read without an error, by both readers alike."""
        octets = " ".join(words).encode()
        self.assertEqual(parse(octets), parse_any(octets))

    @bounded
    @given(WORD, WORD, WORD, WORD, WORD, WORD, st.binary(max_size=20))
    def test_sx24_round_trip(
        self, id: bytes, sub: bytes, dlvrd: bytes, date: bytes, stat: bytes, err: bytes, rest: bytes
    ) -> None:
        """The canonical line with any words in it comes back, by both readers."""
        octets = b"id:%b sub:%b dlvrd:%b submit date:%b done date:%b stat:%b err:%b text:%b" % (
            id, sub, dlvrd, date, date, stat, err, rest,
        )  # fmt: skip
        expected = Fields(id, sub, dlvrd, date, date, stat, err, rest.rstrip(b"\x00"))
        self.assertEqual(parse(octets), expected)
        self.assertEqual(parse_any(octets.rstrip(b"\x00")), expected)

    def test_linear(self) -> None:
        """64 KB of blanks and half keys are read in one pass; a quadratic reader would not end."""
        for octets in (b"id" + b" " * 65000, b"id " * 21000, b"id:x " * 13000, b"sub:" * 16000):
            parse(octets)


class NumbersTests(SynchronousTestCase):
    """Counts and dates."""

    def test_gw26_counts(self) -> None:
        """Digits are numbers, anything else is unknown."""
        for octets, expected in (
            (b"001", 1),
            (b"13", 13),
            (b"", -1),
            (b"null", -1),
            (b"...", -1),
            (b"-1", -1),
            (b"99999", -1),
            (b"\xb2", -1),
        ):
            self.assertEqual(count_of(octets), expected)

    def test_gw27_dates(self) -> None:
        """10, 12 (both kinds) and 14 digits are UTC; what is none is unknown."""
        minute = 1763806500  # 2025-11-22 10:15 UTC
        for octets, expected in (
            (b"2511221015", minute),
            (b"251122101530", minute + 30),
            (b"202511221015", minute),
            (b"20251122101530", minute + 30),
            (b"201211101530", 1607681730),  # 2020-12-11: the next two are not above 12
            (b"201312011530", 1385911800),  # 2013-12-01: they are
            (b"0000000000", 0),
            (b"000000000000", 0),
            (b"00000000000000", 0),
            (b"2513221015", 0),
            (b"2511321015", 0),
            (b"2511222460", 0),
            (b"251122", 0),
            (b"19691231235959", 0),
            (b"", 0),
            (b"null", 0),
            (b"25112210\xb25", 0),
        ):
            self.assertEqual(seconds_of(octets, None), expected, octets)

    def test_gw27_provider_zone(self) -> None:
        """A provider's own zone, its summer time included; a date out of reach is unknown."""
        zone = ZoneInfo("Europe/Copenhagen")
        self.assertEqual(seconds_of(b"2511221115", zone), 1763806500)
        self.assertEqual(seconds_of(b"2507011200", zone), 1751364000)
        self.assertEqual(seconds_of(b"00010101000000", zone), 0)

    @bounded
    @given(st.binary(max_size=16) | st.text("0123456789", max_size=15).map(str.encode))
    def test_any_date(self, octets: bytes) -> None:
        """Any octets are a date or unknown, never an error."""
        self.assertGreaterEqual(seconds_of(octets, None), 0)

    @bounded
    @given(st.integers(946684800, 4102444799))
    def test_gw27_round_trip(self, seconds: int) -> None:
        """Ten digits say the minute, and nothing of the second."""
        self.assertEqual(seconds_of(date_text(seconds), None), seconds // 60 * 60)

    def test_gw27_ten_digits(self) -> None:
        """The requirement's own example, and ten zeros for a time unknown or out of range."""
        self.assertEqual(date_text(1763806559), b"2511221015")
        for seconds in (0, -1, 4102444800):
            self.assertEqual(date_text(seconds), b"0000000000")

    def test_bounded(self) -> None:
        """The minutes kept are bounded, whatever times come."""
        for minute in range(1, 10_000):
            date_text(minute * 60)
        self.assertLessEqual(len(text._utc_minutes), 4096)
        self.assertEqual(date_text(0), b"0000000000")

    def test_bounded_zones(self) -> None:
        """The zones kept are bounded too; UTC is always among them."""
        for hours in range(-12, 13):
            for name in (f"Etc/GMT{hours:+d}", "Europe/London", "Asia/Tokyo"):
                self.patch(text, "_ZONES_KEPT", 4)
                date_text(1763806559, name)
                self.assertLessEqual(len(text._zones), 4)
        self.assertEqual(date_text(1763806559, "Etc/GMT-3"), b"2511221315")
        self.assertEqual(date_text(1763806559), b"2511221015")
        self.assertIs(text._zones["UTC"][1], text._utc_minutes)


class RenderTests(SynchronousTestCase):
    """The line that is sent."""

    def test_gw25_line(self) -> None:
        """Octet for octet the line of mission 3.3."""
        counts, ending = render(1, 1, b"2511221016", b"DELIVRD", b"000", b"order-1")
        self.assertEqual(
            b"id:1390125333" + counts + b"2511221015" + ending,
            b"id:1390125333 sub:001 dlvrd:001 submit date:2511221015 done date:2511221016"
            b" stat:DELIVRD err:000 text:order-1",
        )

    def test_sx24_own_line_is_read(self) -> None:
        """What is written is read back."""
        counts, ending = render(3, 2, b"2511221016", b"UNDELIV", b"019", b"")
        self.assertEqual(
            parse(b"id:4294967295" + counts + b"2511221015" + ending),
            Fields(
                b"4294967295", b"003", b"002", b"2511221015", b"2511221016", b"UNDELIV", b"019", b""
            ),
        )
