"""Days and hours on the clocks of zones."""

from datetime import UTC, datetime
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.routing.conditions import Question, Times
from smppproxy.routing.route_rules import DAYS, minutes_of
from smppproxy.routing.routes import Route, RouteTable
from smppproxy.routing.rules import RuleError
from tests.routing.messages import explain, pick, to

WEEK = frozenset(DAYS)


def at(text: str) -> float:
    """Unix time of a UTC date such as "2026-11-23 12:00"."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


class TimesTest(SynchronousTestCase):
    """When a route asks for the time."""

    def test_hours_in_a_zone(self) -> None:
        """The hours of Copenhagen begin an hour earlier in summer, by the clock of UTC."""
        times = Times(WEEK, "08:00-20:00", "Europe/Copenhagen")
        for text, holds in {
            "2026-01-15 06:59": False,
            "2026-01-15 07:00": True,
            "2026-01-15 18:59": True,
            "2026-01-15 19:00": False,
            "2026-07-15 05:59": False,
            "2026-07-15 06:00": True,
            "2026-07-15 17:59": True,
            "2026-07-15 18:00": False,
        }.items():
            self.assertEqual(times.hold(at(text)), holds, text)

    def test_the_hour_that_spring_skips(self) -> None:
        """02:00 to 03:00 does not come on 29 March 2026; 01:00 to 04:00 is two hours long."""
        skipped = Times(WEEK, "02:00-03:00", "Europe/Copenhagen")
        longer = Times(WEEK, "01:00-04:00", "Europe/Copenhagen")
        minutes = [at("2026-03-28 23:00") + 60 * minute for minute in range(24 * 60)]
        self.assertEqual(sum(skipped.hold(each) for each in minutes), 0)
        self.assertEqual(sum(longer.hold(each) for each in minutes), 120)

    def test_the_hour_that_autumn_repeats(self) -> None:
        """02:00 to 03:00 comes twice on 25 October 2026."""
        twice = Times(WEEK, "02:00-03:00", "Europe/Copenhagen")
        minutes = [at("2026-10-24 22:00") + 60 * minute for minute in range(25 * 60)]
        self.assertEqual(sum(twice.hold(each) for each in minutes), 120)

    def test_past_midnight(self) -> None:
        """The night of Friday goes on until Saturday morning, and Friday's morning is not in it."""
        night = Times(frozenset({"fri"}), "22:00-06:00", "UTC")
        for text, holds in {
            "2026-11-27 05:00": False,  # Friday
            "2026-11-27 21:59": False,
            "2026-11-27 22:00": True,
            "2026-11-28 05:59": True,
            "2026-11-28 06:00": False,
            "2026-11-28 22:00": False,
        }.items():
            self.assertEqual(night.hold(at(text)), holds, text)

    def test_the_day_of_the_zone(self) -> None:
        """Monday begins in Auckland while it is Sunday in UTC; a day alone needs no hours."""
        monday = Times(frozenset({"mon"}), "", "Pacific/Auckland")
        self.assertFalse(monday.hold(at("2026-11-22 10:59")))
        self.assertTrue(monday.hold(at("2026-11-22 11:00")))
        self.assertTrue(monday.hold(at("2026-11-23 10:59")))
        self.assertEqual(monday.told(at("2026-11-22 11:00")), "mon 00:00 Pacific/Auckland")

    def test_to_the_end_of_the_day(self) -> None:
        """24:00 is the end of the day."""
        self.assertEqual(minutes_of("20:00-24:00"), (1200, 1440))
        self.assertTrue(Times(WEEK, "20:00-24:00", "UTC").hold(at("2026-11-23 23:59")))
        self.assertFalse(Times(WEEK, "20:00-24:00", "UTC").hold(at("2026-11-24 00:00")))

    def test_equal_times_are_one(self) -> None:
        """Routes with the same hours look at the clock once."""
        self.assertEqual(Times(WEEK, "20:00-24:00", "UTC"), Times(WEEK, "20:00-24:00", "UTC"))
        self.assertNotEqual(Times(WEEK, "20:00-24:00", "UTC"), Times(WEEK, "", "UTC"))
        self.assertNotEqual(Times(WEEK, "", "UTC"), "always")

    def test_once_a_minute(self) -> None:
        """The clock of a zone is looked at once a minute, and at once when time goes back."""
        looked: list[float] = []
        hold = Times.hold

        def counted(times: Times, wall: float) -> bool:
            looked.append(wall)
            return hold(times, wall)

        self.patch(Times, "hold", counted)
        table = RouteTable([Route("day", hours="08:00-20:00", targets=to("a"))])
        noon = at("2026-11-23 12:00")
        for wall in (noon, noon + 59.9, noon + 60, noon + 61, noon + 60.5, noon - 1):
            self.assertIsNotNone(pick(table, wall=wall))
        self.assertEqual(looked, [noon, noon + 60, noon - 1])
        self.assertIsNone(pick(table, wall=noon + 8 * 3600))


class RuleTest(SynchronousTestCase):
    """What conditions may say."""

    def refused(self, said: str, **options: Any) -> None:
        """A route with these options is refused in these words."""
        error = self.assertRaises(RuleError, Route, "x", targets=to("a"), **options)
        self.assertIn(said, str(error))

    def test_hours(self) -> None:
        """A part of one day."""
        for wrong in ("8-20", "08:00", "25:00-26:00", "08:00-24:30", "24:00-06:00", 8):
            self.refused("", hours=wrong)
        self.refused("is no part of a day", hours="08:60-09:00")
        self.refused("goes beyond the day", hours="08:00-24:01")
        self.refused("ends where it begins", hours="08:00-08:00")

    def test_zone(self) -> None:
        """A name of the zone database."""
        for wrong in ("Denmark/Copenhagen", "", "../../etc/passwd", 1):
            self.refused("is not a time zone", tz=wrong)

    def test_senders(self) -> None:
        """Whole, or a beginning."""
        self.refused("is not a list", sources="Acme")
        self.refused("is not text", sources=frozenset({1}))
        self.refused("its * before the end", sources=frozenset({"4*6"}))
        self.refused("is too long", sources=frozenset({"x" * 21}))
        Route("x", targets=to("a"), sources=frozenset({"x" * 20 + "*"}))

    def test_words(self) -> None:
        """Short texts."""
        self.refused("is not a list", service_types="OTP")
        self.refused("is not text", service_types=frozenset({1}))
        self.refused("is too long", service_types=frozenset({"x" * 6}))

    def test_patterns(self) -> None:
        """What Python's re takes."""
        self.refused("is not a list", text="code")
        self.refused("is not a regular expression", text=(1,))
        self.refused("is not a regular expression", text=("",))
        self.refused("missing )", text=("(code",))

    def test_tlvs(self) -> None:
        """Any value, or octets."""
        for wrong in ("0x01", "1", "abc", 1):
            self.refused("is no value of a TLV", tlvs={5: wrong})

    def test_digits(self) -> None:
        """Digits to strip and to put in front."""
        for wrong in (1, "+45", "4" * 21, "x"):
            self.assertRaises(RuleError, lambda w=wrong: to_target(w))

    def test_contradictions(self) -> None:
        """Targets or a status, and shares that make 100."""
        self.assertRaises(RuleError, Route, "x", targets=to("a"), deny=8)
        self.refused("1 % together", select="split")


def to_target(strip: Any) -> object:
    """A target that strips this."""
    from smppproxy.routing.routes import Target

    return Target("a", strip=strip)


class QuestionTest(SynchronousTestCase):
    """The questions themselves."""

    def test_a_question_is_of_some_kind(self) -> None:
        """The base asks nothing."""
        self.assertRaises(NotImplementedError, Question(1).fits, b"", (), 0.0, b"")

    def test_long_lists_are_cut_when_explained(self) -> None:
        """An explanation stays readable."""
        names = frozenset(f"a{n:02}" for n in range(12))
        table = RouteTable([Route("x", accounts=names, targets=to("a"))])
        (asked,) = explain(table).asked
        self.assertTrue(asked.why.endswith("a09, 2 more"), asked.why)
        self.assertEqual(explain(table).as_json()["route"], None)
