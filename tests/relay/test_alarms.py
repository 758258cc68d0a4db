"""A provider that does not take our submit_sm for one: told once, with octets, without secrets."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.relay.alarms import redacted
from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.fields import read_message
from smppproxy.smpp.pdu import Pdu
from tests.support.logs import logged
from tests.support.memory_peers import World, make_account, make_provider, submit

TO = b"4510203040"


class AlarmTests(SynchronousTestCase):
    """Answers about the form of a PDU."""

    def alarms(self, account: dict[str, Any], *answers: tuple[int, bool], **provider: Any) -> Any:
        """One submit_sm for each ``(command_status, as a generic_nack)``; the alarms of it."""
        self.world = World([make_account(**account)], [make_provider(**provider)])
        client, upstream = self.world.client(), self.world.upstream()
        found = logged(self)
        for status, nack in answers:
            client.receive(submit(7, TO, short_message=b"secret"))
            (pdu,) = upstream.submits()
            if nack:
                upstream.receive(build.header(c.GENERIC_NACK, status, pdu.sequence_number))
            else:
                upstream.refuse(status, pdu)
            self.sent = pdu
        return [event for event in found if event.get("event") == "pdu_not_taken"]

    def test_both_pdus(self) -> None:
        """ESME_RINVCMDLEN, ESME_RINVCMDID and any generic_nack about the form: an error with who
        said it of which message, both PDUs in hex, the text blanked.
        """
        for answer in ((c.ESME_RINVCMDLEN, False), (c.ESME_RINVCMDID, False), (0x03, True)):
            (event,) = self.alarms({}, answer)
            self.assertEqual(event["log_level"].name, "error")
            self.assertTrue(event["alarm"])
            self.assertEqual((event["provider"], event["host"]), ("p", "a"))
            self.assertEqual(event["account"], "acme")
            raw = bytes.fromhex(event["submit_sm"])
            self.assertEqual(len(raw), len(self.sent.raw))
            self.assertEqual(raw, self.sent.raw.replace(b"secret", b"******"))
            got = bytes.fromhex(event["answer"])
            self.assertEqual(got[8:12], answer[0].to_bytes(4, "big"))

    def test_what_is_none(self) -> None:
        """Refusals about the message, and throttling in a generic_nack, are no alarm."""
        answers = ((c.ESME_RINVDSTADR, False), (c.ESME_RTHROTTLED, True))
        self.assertEqual(self.alarms({}, *answers), [])

    def test_rate(self) -> None:
        """A thousand of them are two events: the first one, and how many there were."""
        (event,) = self.alarms({}, *[(c.ESME_RINVCMDLEN, False)] * 1000)
        self.assertEqual(event["count"], 1)
        found = logged(self)
        self.world.advance(1)
        (event,) = [each for each in found if each.get("event") == "pdu_not_taken"]
        self.assertEqual(event["count"], 999)

    def test_mg31_what_is_shown(self) -> None:
        """Text only where the account has its log in full, whole numbers unless it masks them,
        nothing of the message where its log is off.
        """
        for account, seen, hidden in (
            ({"message_log": "full"}, (b"secret", TO), ()),
            ({"mask_numbers": True}, (b"4510******",), (b"secret", TO)),
        ):
            (event,) = self.alarms(account, (c.ESME_RINVCMDLEN, False))
            raw = bytes.fromhex(event["submit_sm"])
            for octets in seen:
                self.assertIn(octets, raw)
            for octets in hidden:
                self.assertNotIn(octets, raw)
            self.assertEqual(read_message(Pdu(4, 0, 7, raw)).source_addr_ton, 5)
        (event,) = self.alarms({"message_log": "off"}, (c.ESME_RINVCMDLEN, False))
        self.assertEqual(event["submit_sm"], "")

    def test_payload(self) -> None:
        """A text in message_payload is blanked too; TLVs that run over the end do no harm."""
        account = make_account()
        payload = [(c.TLV_USER_MESSAGE_REFERENCE, b"ref"), (c.TLV_MESSAGE_PAYLOAD, b"secret")]
        raw = submit(1, TO, short_message=b"", tlvs=payload)
        shown = redacted(raw, account)
        self.assertEqual(shown, raw.replace(b"secret", b"******"))
        self.assertEqual(redacted(raw[:40], account), raw[:16])
