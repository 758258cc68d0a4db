"""Which silence has lasted too long. Time is a number here."""

from math import inf

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.smpp.timers import CLOSE_REASONS, EARLY, Timers, Watch, apart


class WatchTests(SynchronousTestCase):
    """Each wait alone, to the tenth of a second."""

    def watch(self, **changed: float) -> Watch:
        """A watch that waits for nothing."""
        return Watch(Timers(**changed))

    def bound(self, **changed: float) -> Watch:
        """The watch of a session bound and heard at 0."""
        watch = self.watch(**changed)
        watch.bound = True
        watch.heard = 0.0
        return watch

    def test_defaults(self):
        """The promised seconds."""
        timers = Timers()
        self.assertEqual((timers.session_init, timers.bind, timers.response), (10.0, 30.0, 60.0))
        self.assertEqual((timers.enquire_link, timers.enquire_answer), (30.0, 10.0))
        self.assertEqual((timers.probe_after, timers.partial_pdu), (5.0, 30.0))
        self.assertEqual((timers.idle, timers.unbind), (0.0, 2.0))

    def test_nothing_to_wait_for(self):
        """A fresh watch is never overdue and needs no look."""
        watch = self.watch()
        self.assertEqual(watch.overdue(1e9), "")
        self.assertEqual(watch.next_look(0.0, None), inf)
        self.assertFalse(watch.enquiry_due(1e9, 0.0))
        self.assertFalse(watch.idle(1e9))

    def test_plain_waits(self):
        """Each ends in its own reason at its own second, and asks for a look at it."""
        for name, limit, reason in (
            ("init_since", 10.0, "no bind in time"),
            ("bind_since", 30.0, "bind not answered"),
            ("partial_since", 30.0, "unfinished PDU"),
            ("unbind_since", 2.0, "unbind not answered"),
        ):
            watch = self.watch()
            setattr(watch, name, 100.0)
            self.assertEqual(watch.next_look(100.0, None), 100.0 + limit)
            self.assertEqual(watch.overdue(99.9 + limit), "")
            self.assertEqual(watch.overdue(100.0 + limit), reason)
            self.assertIn(reason, CLOSE_REASONS)

    def test_silence_is_enquired_and_then_ended(self):
        """30 s of silence ask for an enquire_link; 10 more without anything end the session."""
        watch = self.bound()
        self.assertFalse(watch.enquiry_due(29.9, None))
        self.assertTrue(watch.enquiry_due(30.0, None))
        watch.ask(30.0, watch.enquiry_due(30.0, None))
        self.assertFalse(watch.enquiry_due(35.0, None))
        self.assertEqual(watch.next_look(30.0, None), 40.0)
        self.assertEqual(watch.overdue(39.9), "")
        self.assertEqual(watch.overdue(40.0), "enquire_link not answered")

    def test_anything_heard_answers_an_enquiry(self):
        """Only silence counts: whatever comes shows that the peer is there."""
        watch = self.bound()
        watch.ask(30.0, 10.0)
        watch.heard = 30.0
        self.assertEqual(watch.overdue(41.0), "")
        self.assertFalse(watch.enquiry_due(41.0, None))
        self.assertTrue(watch.enquiry_due(60.0, None))

    def test_an_old_request_is_probed(self):
        """The oldest request 5 s old and nothing heard for as long: ask; heard lately: do not."""
        watch = self.bound()
        self.assertEqual(watch.next_look(1.0, 1.0), 6.0)
        self.assertFalse(watch.enquiry_due(5.9, 1.0))
        self.assertTrue(watch.enquiry_due(6.0, 1.0))
        watch.heard = 18.0
        self.assertFalse(watch.enquiry_due(20.0, 1.0))

    def test_f54_the_last_answer_before_the_line_went_dead(self):
        """It came just after the oldest request that is unanswered now went out, and is no sign of
        life: 5 s after it we ask.
        """
        watch = self.bound()
        watch.heard = 1.05
        self.assertEqual(watch.next_look(1.1, 1.0), 6.05)
        self.assertFalse(watch.enquiry_due(6.0, 1.0))
        self.assertEqual(watch.enquiry_due(6.05, 1.0), 5.0)

    def test_f54_a_probe_is_answered_in_five_seconds(self):
        """Half-open under traffic is dead 10 s after the first request that nobody answered; an
        answer time shorter than that holds for probes too.
        """
        watch = self.bound()
        self.assertEqual(watch.enquiry_due(6.0, 1.0), 5.0)
        watch.ask(6.0, 5.0)
        self.assertEqual(watch.next_look(6.0, 1.0), 11.0)
        self.assertEqual((watch.overdue(10.9), bool(watch.overdue(11.0))), ("", True))
        self.assertEqual(self.bound(enquire_answer=2.0).enquiry_due(6.0, 1.0), 2.0)

    def test_switched_off(self):
        """0 switches off enquiries and probes; expiry is still looked for."""
        watch = self.bound(enquire_link=0.0, probe_after=0.0)
        self.assertFalse(watch.enquiry_due(1000.0, 1.0))
        self.assertEqual(watch.next_look(0.0, None), 60.0)
        self.assertEqual(watch.next_look(0.0, 1.0), 61.0)

    def test_a_bound_session_looks_again_soon(self):
        """A request sent after this look must be probed in time: 5 s at the latest."""
        watch = self.bound()
        self.assertEqual(watch.next_look(0.0, None), 5.0)
        self.assertEqual(watch.next_look(28.0, None), 30.0)

    def test_expiry_is_looked_for(self):
        """Also while unbinding, when silence is no longer watched."""
        watch = self.watch()
        self.assertEqual(watch.next_look(50.0, 20.0), 80.0)

    def test_idle(self):
        """The idle time is counted from the last PDU, and off by default."""
        watch = self.bound(idle=300.0, enquire_link=0.0)
        self.assertFalse(watch.idle(299.9))
        self.assertTrue(watch.idle(300.0))
        self.assertEqual(watch.next_look(298.0, None), 300.0)
        self.assertFalse(self.bound().idle(1e9))

    def test_what_was_not_read_was_not_silent(self):
        """After a pause of our own making every silence starts afresh."""
        watch = self.bound()
        watch.ask(30.0, 10.0)
        watch.excuse(39.0)
        self.assertEqual(watch.overdue(41.0), "")
        self.assertEqual((watch.heard, watch.partial_since), (39.0, inf))
        watch.partial_since = 10.0
        watch.excuse(39.5)
        self.assertEqual(watch.partial_since, 39.5)


class ApartTests(SynchronousTestCase):
    """Many sessions that wait for the same time."""

    def test_never_later_and_a_quarter_earlier_at_most(self):
        """Number 0 waits for all of it; 0 seconds, which switch a time off, stay 0."""
        self.assertEqual(apart(30.0, 0), 30.0)
        self.assertEqual(apart(0.0, 7), 0.0)
        times = [apart(30.0, number) for number in range(100_000)]
        self.assertEqual(max(times), 30.0)
        self.assertGreaterEqual(min(times), 30.0 * (1 - EARLY))

    def test_any_numbers_in_a_row_are_spread_evenly(self):
        """Of a thousand, wherever they begin, each tenth of the room has about a tenth."""
        for begin in (0, 12_345, 9_999_000):
            counts = [0] * 10
            for number in range(begin, begin + 1000):
                counts[min(9, int((1 - apart(1.0, number)) / EARLY * 10))] += 1
            self.assertLessEqual(max(counts) - min(counts), 6)
