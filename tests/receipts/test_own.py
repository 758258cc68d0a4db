"""Receipts of our own making: GW-34, MG-21."""

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.receipts.dialects import FINAL_BY_DEFAULT, NORMALISED, STATES
from smppproxy.receipts.errs import gatewayapi_code
from smppproxy.receipts.own import ON_NO_RECEIPT, OWN, OwnReceipt
from tests.receipts.bodies import receipt_body


def line(own: OwnReceipt, dialect: str) -> bytes:
    """The text that a client gets."""
    body = receipt_body(
        b"1390125333", 0, 0, b"12345", 1, 1, b"4510203040", 1763806559, 1763806560,
        own.state, own.stat, own.err, dialect=dialect, final=True,
    )  # fmt: skip
    return body[body.index(b"id:") : body.index(b" text:")]


class OwnTests(SynchronousTestCase):
    """What they say."""

    def test_mg21_on_no_receipt(self) -> None:
        """Nothing, or one receipt with stat UNKNOWN or EXPIRED and err 145: network time-out."""
        self.assertIsNone(ON_NO_RECEIPT["nothing"])
        for word in (b"UNKNOWN", b"EXPIRED"):
            own = ON_NO_RECEIPT[word.decode()]
            assert own is not None
            for dialect in ("default", "gatewayapi"):
                self.assertTrue(line(own, dialect).endswith(b" stat:" + word + b" err:145"))

    def test_gw34_codes(self) -> None:
        """0x1050 internal routing, 0x1080 queue full, 0x1074 validity, 0x1091 time-out, 0x1001."""
        codes = {name: gatewayapi_code(own.err) for name, own in OWN.items()}
        self.assertEqual(
            codes,
            {
                "no_provider": 0x1050,
                "queue_full": 0x1080,
                "validity_passed": 0x1074,
                "no_answer": 0x1091,
                "refused": 0x1001,
            },
        )

    def test_words_and_states_agree(self) -> None:
        """Each word is the one of its state, and but for UNKNOWN a last word."""
        for own in (*OWN.values(), *filter(None, ON_NO_RECEIPT.values())):
            self.assertEqual(STATES[own.stat], (own.state, NORMALISED[own.state]))
            self.assertIn(own.stat.decode(), FINAL_BY_DEFAULT | {"UNKNOWN"})
