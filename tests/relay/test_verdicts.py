"""Tests of ``relay.verdicts``: what a provider's answer means to a client."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.relay.verdicts import to_client
from smppproxy.routing.providers import AnswersProfile
from smppproxy.smpp import constants as c
from smppproxy.smpp.pdu import Pdu
from tests.support.memory_peers import make_account, make_provider


def verdict(status: int, command_id: int = c.SUBMIT_SM_RESP) -> int:
    """What the client hears."""
    return to_client(Pdu(command_id, status, 1, b""), make_provider(), make_account())


class PassedTests(SynchronousTestCase):
    """What an account, or a provider's profile, changes."""

    def test_xc11_pass_vendor_status(self) -> None:
        """XC-11: vendors' codes reach an account that wants them; others get 0x45."""
        account = make_account(pass_vendor_status=True)
        for status, told in ((0x400, 0x400), (0x4FF, 0x4FF), (0x500, 0x45), (0x104, 0x45)):
            pdu = Pdu(c.SUBMIT_SM_RESP, status, 1, b"")
            self.assertEqual(told, to_client(pdu, make_provider(), account))

    def test_refusals_as_the_account_wants_them(self) -> None:
        """Row 43 and what is not the message's fault are the account's; row 42 is the provider's.

        Each knows which refusal it is.
        """
        names = ("refused_upstream_otherwise", "throttled", "queue_full", "deadline")
        account = make_account(errors=dict(zip(names, range(0x71, 0x75), strict=True)))
        for status, told, name in (
            (0x410, 0x71, "refused_upstream_otherwise"),
            (c.ESME_RTHROTTLED, 0x72, "throttled"),
            (c.ESME_RMSGQFUL, 0x73, "queue_full"),
            (c.ESME_RSYSERR, 0x74, "deadline"),
            (c.ESME_RINVBNDSTS, 0x74, "deadline"),
            (c.ESME_RINVDSTADR, c.ESME_RINVDSTADR, "refused_upstream"),
        ):
            verdict = to_client(Pdu(c.SUBMIT_SM_RESP, status, 1, b""), make_provider(), account)
            self.assertEqual((told, name), (verdict, verdict.name))

    def test_xc12_profile(self) -> None:
        """XC-12: what the profile calls throttling is 0x58, and trouble 0x08 or 0x14."""
        provider = make_provider(
            answers=AnswersProfile(throttle=frozenset({0x410}), temporary=frozenset({0x411, 0x14}))
        )
        account = make_account(pass_vendor_status=True)
        for status, told in ((0x410, 0x58), (0x411, 0x08), (0x14, 0x14), (0x412, 0x412)):
            pdu = Pdu(c.SUBMIT_SM_RESP, status, 1, b"")
            self.assertEqual(told, to_client(pdu, provider, account))


class VerdictTests(SynchronousTestCase):
    """Mission section 5, rows 42 and 43, and XC-11."""

    def test_about_the_message(self) -> None:
        """Row 42: a standard code about the message passes unchanged."""
        for status in (0x01, 0x0A, 0x0B, 0x43, 0x45, *range(0x48, 0x52), 0x61, 0x62, 0x63):
            if status in c.STATUS_NAMES:
                self.assertEqual(status, verdict(status))
        for status in (0x08, 0x14, 0x58, 0xC0, 0xC1, 0xC2, 0xC3, 0xC4, 0xFF):
            self.assertEqual(status, verdict(status))

    def test_about_our_bind(self) -> None:
        """XC-12: what is wrong with our own bind is 0x08 to a client."""
        for status in (0x04, 0x05, 0x0D, 0x0E, 0x0F, 0x53):
            self.assertEqual(c.ESME_RSYSERR, verdict(status))

    def test_f22_vendor_codes(self) -> None:
        """XC-11: vendor codes, codes of SMPP 5.0 and nonsense are 0x45."""
        for status in (0x22, 0x100, 0x104, 0x400, 0x40D, 0x410, 0x4FF, 0xFFFFFFFF):
            self.assertEqual(c.ESME_RSUBMITFAIL, verdict(status))

    def test_about_the_form(self) -> None:
        """0x02 and 0x03 are our bug or theirs, not the client's: 0x45."""
        for status in (c.ESME_RINVCMDLEN, c.ESME_RINVCMDID):
            self.assertEqual(c.ESME_RSUBMITFAIL, verdict(status))

    def test_generic_nack(self) -> None:
        """A generic_nack is never OK; 0x58 says the same in it (SX-22)."""
        self.assertEqual(c.ESME_RSUBMITFAIL, verdict(0, c.GENERIC_NACK))
        self.assertEqual(c.ESME_RTHROTTLED, verdict(c.ESME_RTHROTTLED, c.GENERIC_NACK))

    def test_always_of_smpp_3_4(self) -> None:
        """Whatever a provider says, a client hears a code of SMPP 3.4 and never OK."""
        for status in [*range(0x600), 0x80000000, 0xFFFFFFFF]:
            said = verdict(status)
            self.assertIn(said, c.STATUS_NAMES)
            self.assertTrue(0 < said <= 0xFF)
