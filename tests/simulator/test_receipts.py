"""Receipts of a simulated provider, octet by octet."""

from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.simulator.options import SmscOptions
from smppproxy.simulator.receipts import outcome_of, receipt
from smppproxy.simulator.records import Accepted
from smppproxy.smpp import constants as c
from smppproxy.smpp.fields import Message, read_data_sm, read_message
from smppproxy.smpp.pdu import Pdu

WHEN = 1_763_806_500.0
"""2025-11-22 10:15 UTC."""

ACCEPTED = Accepted(
    number=7,
    message_id=b"7",
    receipt_id=b"0007",
    host="a",
    system_id=b"us",
    source=(5, 0, b"Sender"),
    destination=(1, 1, b"573001234567"),
    registered_delivery=1,
    accepted_at=0.0,
    submitted=WHEN,
    text=b"the text of the message, more than twenty",
    tlvs=[(c.TLV_USER_MESSAGE_REFERENCE, b"order-4711-and-some-more-of-it")],
)


def made(stat: bytes = b"DELIVRD", final: bool = True, **options: Any) -> Message:
    """The receipt of one message."""
    accepted = options.pop("accepted", ACCEPTED)
    raw = receipt(SmscOptions(**options), accepted, stat, final, WHEN + 61)
    pdu = Pdu(int.from_bytes(raw[4:8], "big"), 0, 0, raw)
    return read_data_sm(pdu) if pdu.command_id == c.DATA_SM else read_message(pdu)


class Receipts(SynchronousTestCase):
    """Each option of the text and of the TLVs."""

    def test_usual(self) -> None:
        """The canonical line, and both TLVs."""
        message = made()
        self.assertEqual(
            message.short_message,
            b"id:0007 sub:001 dlvrd:001 submit date:2511221015 done date:2511221016 "
            b"stat:DELIVRD err:000 text:the text of the mess",
        )
        self.assertEqual(message.esm_class, c.ESM_RECEIPT)
        self.assertEqual(
            message.tlvs,
            [(c.TLV_RECEIPTED_MESSAGE_ID, b"0007\0"), (c.TLV_MESSAGE_STATE, b"\2")],
        )
        self.assertEqual(message.source_addr, b"573001234567")
        self.assertEqual(made(b"ENROUTE", final=False).esm_class, c.ESM_INTERMEDIATE)

    def test_err(self) -> None:
        """``err``: the provider's form, zeros where all is well."""
        for form, shown in (
            ("dec", b"001"), ("hex", b"21b"), ("gatewayapi", b"126"), ("opaque", b"E-17")
        ):  # fmt: skip
            self.assertIn(b" err:%b " % shown, made(b"REJECTD", err=form).short_message)
            self.assertIn(b" err:000 ", made(b"ACCEPTD", err=form).short_message)

    def test_dates(self) -> None:
        """``dates`` and ``tz``."""
        for form, tz, shown in (
            ("minute", "UTC", b"2511221016"),
            ("second", "UTC", b"251122101601"),
            ("century", "UTC", b"20251122101601"),
            ("minute", "America/Bogota", b"2511220516"),
        ):
            text = made(dates=form, tz=tz).short_message
            self.assertIn(b"done date:%b stat" % shown, text)

    def test_lean(self) -> None:
        """``lean``: no counters, no text."""
        text = made(lean=True).short_message
        self.assertEqual(
            text,
            b"id:0007 submit date:2511221015 done date:2511221016 stat:DELIVRD err:000",
        )

    def test_shown(self) -> None:
        """``shown``: the message, the reference, or nothing (GW-31, GW-33)."""

        def shown(what: str, accepted: Accepted = ACCEPTED) -> bytes:
            return made(shown=what, accepted=accepted).short_message.partition(b"text:")[2]

        self.assertEqual(shown("nothing"), b"")
        self.assertEqual(shown("reference"), b"order-4711-and-some-")
        number = attrs.evolve(ACCEPTED, tlvs=[(c.TLV_USER_MESSAGE_REFERENCE, b"\x13\x37")])
        self.assertEqual(shown("reference", number), b"4919")
        self.assertEqual(shown("reference", attrs.evolve(ACCEPTED, tlvs=[])), b"")

    def test_reference_max(self) -> None:
        """``reference_max``: so much of the reference comes back in its TLV."""
        for most, echoed in ((0, None), (2, b"or"), (20, b"order-4711-and-some-")):
            tlvs = dict(made(reference_max=most).tlvs)
            self.assertEqual(tlvs.get(c.TLV_USER_MESSAGE_REFERENCE), echoed)

    def test_shapes(self) -> None:
        """``shape``: where text and TLVs are."""
        for shape, text, tags in (
            ("both", True, {0x1E, 0x427}),
            ("text", True, set()),
            ("tlv", False, {0x1E, 0x427}),
            ("payload", False, {0x1E, 0x427, 0x424}),
            ("data_sm", True, {0x1E, 0x427, 0x424}),
        ):
            message = made(shape=shape)
            self.assertEqual(bool(message.short_message), text, shape)
            self.assertEqual({tag for tag, _ in message.tlvs}, tags, shape)

    def test_tlv_id_format(self) -> None:
        """``tlv_id_format``: another form of the same number."""
        tlvs = made(tlv_id_format="padded-hex").tlvs
        self.assertIn((c.TLV_RECEIPTED_MESSAGE_ID, b"00000007\0"), tlvs)

    def test_outcomes(self) -> None:
        """``outcomes``: the longest prefix of the destination, a + aside."""
        options = SmscOptions(outcomes={b"5": b"EXPIRED", b"573": b"ENROUTE", b"4": b"DELETED"})
        self.assertEqual(outcome_of(options, ACCEPTED), b"ENROUTE")
        plus = attrs.evolve(ACCEPTED, destination=(1, 1, b"+46701"))
        self.assertEqual(outcome_of(options, plus), b"DELETED")
        self.assertEqual(outcome_of(SmscOptions(), ACCEPTED), b"")
