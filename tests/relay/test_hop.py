"""The far side of a hop, and the preference of own binds, without sockets."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.relay.hop import DOUBT, NO_BIND, OURS, TOO_LONG, outcome_of, own_answer
from smppproxy.smpp.build import header
from smppproxy.smpp.constants import SUBMIT_SM_RESP
from smppproxy.smpp.framing import Framer
from smppproxy.smpp.window import Window


class OutcomeTests(SynchronousTestCase):
    """What is no provider's answer."""

    def test_ours_are_told_from_a_providers(self) -> None:
        """A provider's own code of that number, with or without a body, stays its own."""
        for outcome in (NO_BIND, TOO_LONG, DOUBT):
            (pdu,), _ = Framer(1000).feed(own_answer(outcome, 77))
            self.assertEqual((outcome_of(pdu), pdu.sequence_number), (outcome, 77))
            (pdu,), _ = Framer(1000).feed(header(SUBMIT_SM_RESP, outcome, 77))
            self.assertEqual(outcome_of(pdu), 0)
        self.assertTrue(all(0x400 <= outcome < 0x500 for outcome in OURS))

    def test_a_doubted_message_finds_its_late_answer(self) -> None:
        """The window remembers it under its number, once."""
        window = Window(10)
        window.remember(5, "token", 0.0)
        self.assertEqual(window.late(5), "token")
        self.assertIsNone(window.late(5))
