"""What becomes due on a session, tick by tick."""

from math import inf

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.session import ESME, SMSC, Session
from smppproxy.smpp.timers import Timers
from tests.smpp.samples import facts, session_in, vectors


class TickTests(SynchronousTestCase):
    """What becomes due."""

    def test_nothing_due(self):
        """An idle bound session is one comparison, and silent until its enquire_link."""
        session = session_in(SMSC, "bound_trx")
        self.assertEqual([session.tick(now / 2) for now in range(60)], [None] * 60)

    def test_clock_starts_with_the_first_tick_or_read(self):
        """Without `start`, the session-init time is counted from there."""
        session = Session(SMSC, Timers())
        self.assertIsNone(session.tick(100.0))
        self.assertIsNone(session.tick(109.9))
        ticked = session.tick(110.0)
        assert ticked is not None
        self.assertEqual(ticked.close, "no bind in time")
        session = Session(SMSC, Timers())
        session.receive(b"", 100.0)
        self.assertIsNone(session.tick(109.9))
        self.assertIsNotNone(session.tick(110.0))

    def test_closed(self):
        """A closed session has nothing due, ever."""
        for role in (SMSC, ESME):
            session = session_in(role, "closed")
            self.assertIsNone(session.tick(1e9))
            self.assertEqual(session.due, inf)

    def test_requests_that_expire(self):
        """Their tokens are handed out, oldest first; the session stays."""
        session = session_in(ESME, "bound_trx", Timers(probe_after=0.0, enquire_link=0.0))
        session.window.open("a", 1.0)
        session.window.open("b", 2.0)
        self.assertIsNone(session.tick(60.9))
        ticked = session.tick(62.0)
        assert ticked is not None
        self.assertEqual((ticked.expired, ticked.reply, ticked.close), (["a", "b"], b"", ""))
        self.assertEqual(session.state, "bound_trx")

    def test_expiry_comes_in_time_on_a_coarse_clock(self):
        """Ticked once a second, a request expires in the second of its 60th."""
        session = session_in(ESME, "bound_trx", Timers(enquire_link=0.0))
        session.window.open("a", 3.0)
        when = None
        for second in range(4, 70):
            session._watch.heard = float(second)
            ticked = session.tick(float(second))
            if ticked is not None and ticked.expired:
                when = second
                break
        self.assertEqual(when, 63)

    def test_probe_of_a_silent_peer(self):
        """F54: 5 s after a request with nothing heard since an enquire_link, dead 5 s later."""
        session = session_in(ESME, "bound_trx")
        session.tick(0.0)
        session.window.open("a", 2.0)
        replies = {}
        for second in range(1, 18):
            ticked = session.tick(float(second))
            if ticked is not None:
                replies[second] = (ticked.reply, ticked.close)
        self.assertEqual(
            replies, {7: (build.enquire_link(3), ""), 12: (b"", "enquire_link not answered")}
        )
        self.assertEqual(session.window.drain(), ["a"])

    def test_no_probe_of_a_peer_that_is_heard(self):
        """A slow provider that answers others is not probed and not dead."""
        session = session_in(ESME, "bound_trx")
        session.window.open("slow", 0.0)
        for second in range(1, 50):
            number = session.window.open("fast", float(second))
            session.receive(build.submit_sm_resp(number, b"1"), float(second))
            self.assertIsNone(session.tick(float(second)))

    def test_gw05_probe_out_of_turn(self):
        """A bound session may be asked at any time; its answer is no oddity, silence ends it."""
        session = session_in(SMSC, "bound_rx")
        self.assertEqual(session.probe(5.0), build.enquire_link(1))
        received = session.receive(build.enquire_link_resp(1), 6.0)
        self.assertEqual(received.oddities, [])
        self.assertIsNone(session.tick(16.0))
        self.assertEqual(session.probe(20.0), build.enquire_link(2))
        self.assertIsNone(session.tick(29.9))
        ticked = session.tick(30.0)
        assert ticked is not None
        self.assertEqual(ticked.close, "enquire_link not answered")
        self.assertEqual(session.probe(31.0), b"")

    def test_oz08_idle(self):
        """An idle session is unbound, then closed."""
        session = session_in(SMSC, "bound_trx", Timers(idle=300.0, enquire_link=0.0))
        for second in range(0, 300, 5):
            self.assertIsNone(session.tick(float(second)))
        ticked = session.tick(300.0)
        assert ticked is not None
        self.assertEqual((facts(ticked.reply)[0][0], session.state), (c.UNBIND, "unbinding"))
        self.assertEqual(session.tick(301.0), None)
        ticked = session.tick(302.0)
        assert ticked is not None
        self.assertEqual(ticked.close, "unbind not answered")

    def test_while_we_do_not_read(self):
        """A silence of our own making ends nothing: no enquiry, no expiry, no unfinished PDU."""
        session = session_in(SMSC, "bound_trx", Timers(response=30.0))
        session.window.open("receipt", 0.0)
        session.receive(vectors()["V06"][:20], 0.0)
        session.reading = False
        for second in range(1, 200):
            self.assertIsNone(session.tick(float(second)))
        session.reading = True
        received = session.receive(vectors()["V06"][20:] + build.deliver_sm_resp(1), 200.0)
        self.assertEqual((len(received.requests), len(received.responses)), (1, 1))
        self.assertIsNone(session.tick(201.0))
