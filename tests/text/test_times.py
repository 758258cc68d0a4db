"""Validity and schedule: mission 4.6."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.text.times import (
    Moment,
    TimeFormError,
    absolute,
    check_schedule,
    check_validity,
    expiry,
    parse,
    relative,
    render,
)
from tests.text import bounded

NOW = datetime(2025, 11, 21, 12, 0, 0, tzinfo=UTC).timestamp()


class ParseTests(SynchronousTestCase):
    """The two forms and nothing else."""

    def test_relative(self) -> None:
        """From now; the example of SMPP 3.4, 7.1.1.2, and the schedule of V09."""
        self.assertEqual(parse(b"000000000100000R"), Moment(True, 60))
        self.assertEqual(parse(b"000001000000000R"), Moment(True, 86_400))
        years = parse(b"020610233429000R")
        days = 2 * 365 + 6 * 30 + 10
        self.assertEqual(years, Moment(True, days * 86_400 + 23 * 3600 + 34 * 60 + 29))

    def test_absolute(self) -> None:
        """Local time ahead of or behind UTC by quarters of an hour, with tenths of a second."""
        self.assertEqual(parse(b"251121120000000+"), Moment(False, NOW))
        self.assertEqual(parse(b"251121140000008+"), Moment(False, NOW))
        self.assertEqual(parse(b"251121070000020-"), Moment(False, NOW))
        self.assertEqual(parse(b"251121120000500+"), Moment(False, NOW + 0.5))

    def test_empty(self) -> None:
        """No time at all."""
        self.assertIsNone(parse(b""))

    def test_refused(self) -> None:
        """Wrong letters, lengths, days, hours and zones."""
        for value in (
            b"0",
            b"000000000100000",
            b"000000000100000r",
            b"000000000100000R0",
            b"00000000010000 R",
            b"000000000100100R",
            b"000000000100004R",
            b"251321120000000+",
            b"250230120000000+",
            b"251121250000000+",
            b"251121126000000-",
            b"251121120000049+",
            b"251121120000000Z",
            b"\xff" * 16,
        ):
            self.assertRaises(TimeFormError, parse, value)

    @bounded
    @given(st.one_of(st.binary(max_size=17), st.from_regex(rb"[0-9]{15}[-+R]", fullmatch=True)))
    def test_any_octets(self, value: bytes) -> None:
        """Octets are a time or get a status, before and after rendering."""
        for form in ("relative", "absolute", "none"):
            rendered = render(value, NOW, form)
            self.assertIn(check_validity(rendered, NOW), (0, 0x62))
        self.assertIn(check_schedule(value, NOW), (0, 0x61))


class CheckTests(SynchronousTestCase):
    """What a client is told."""

    def test_validity(self) -> None:
        """Empty and to come: fine. Over, no time at all, or none left: 0x62."""
        for value in (b"", b"000000000100000R", b"251121120001000+"):
            self.assertEqual(check_validity(value, NOW), 0)
        for value in (b"tomorrow", b"251121120000000+", b"000000000000000R"):
            self.assertEqual(check_validity(value, NOW), 0x62)

    def test_gw17_schedule(self) -> None:
        """Empty, now and to come: fine. Over or no time: 0x61."""
        for value in (b"", b"000000000000000R", b"251121120000000+"):
            self.assertEqual(check_schedule(value, NOW), 0)
        for value in (b"tomorrow", b"251121115959000+"):
            self.assertEqual(check_schedule(value, NOW), 0x61)

    def test_expiry(self) -> None:
        """When a waiting message is over; never, without a time."""
        self.assertEqual(expiry(b"000000000100000R", NOW), NOW + 60)
        self.assertEqual(expiry(b"251121120000000+", NOW - 5), NOW)
        self.assertIsNone(expiry(b"", NOW))
        self.assertIsNone(expiry(b"soon", NOW))


class RenderTests(SynchronousTestCase):
    """A provider's form."""

    def test_copied(self) -> None:
        """What has the form already, and what is no time, stays as it came."""
        for value, form in (
            (b"", "relative"),
            (b"", "absolute"),
            (b"000000990000000R", "relative"),
            (b"251121140000008+", "absolute"),
            (b"soon", "absolute"),
        ):
            self.assertEqual(render(value, NOW, form), value)

    def test_changed(self) -> None:
        """Relative to absolute in UTC, absolute to relative, anything to none."""
        self.assertEqual(render(b"000001000000000R", NOW, "absolute"), b"251122120000000+")
        self.assertEqual(render(b"251121140130008+", NOW, "relative"), b"000000000130000R")
        self.assertEqual(render(b"251121140130008+", NOW, "none"), b"")

    def test_bounds(self) -> None:
        """At least a second, at most what two digits hold; 31 days are still days."""
        self.assertEqual(relative(-5), b"000000000001000R")
        self.assertEqual(relative(0.2), b"000000000001000R")
        self.assertEqual(relative(31 * 86_400 + 1), b"000031000001000R")
        self.assertEqual(relative(32 * 86_400), b"000102000000000R")
        self.assertEqual(relative(1e12), b"991100000000000R")
        self.assertEqual(absolute(1e12), b"991231235959000+")
        self.assertEqual(absolute(NOW - 0.5), b"251121120000000+")

    @bounded
    @given(st.integers(1, 3_000_000_000))
    def test_relative_round_trip(self, seconds: int) -> None:
        """A rendered relative time reads as what it was."""
        self.assertEqual(parse(relative(seconds)), Moment(True, seconds))

    @bounded
    @given(st.integers(946_684_800, 4_102_444_799))
    def test_absolute_round_trip(self, seconds: int) -> None:
        """So does an absolute one, from 2000 to 2099."""
        self.assertEqual(parse(absolute(seconds)), Moment(False, seconds))
