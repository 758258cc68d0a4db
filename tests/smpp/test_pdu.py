"""One PDU as a value."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.fields import Bind
from smppproxy.smpp.pdu import Pdu
from tests.smpp.samples import bounded, one, sequence_numbers


class PduTests(SynchronousTestCase):
    """A PDU keeps its octets and gives them back under another number."""

    @bounded
    @given(sequence_numbers, sequence_numbers, st.binary(max_size=200))
    def test_resequenced_changes_two_header_fields_only(self, status, number, body):
        """command_status becomes 0 and sequence_number the new one; all other octets stay."""
        raw = build.header(c.SUBMIT_SM, status, 7) + body
        pdu = Pdu(c.SUBMIT_SM, status, 7, raw)
        again = pdu.resequenced(number)
        self.assertEqual(again, raw[:8] + bytes(4) + number.to_bytes(4, "big") + body)
        self.assertEqual(pdu.raw, raw)

    def test_repr_names_the_header(self):
        """The repr has names, number and length."""
        pdu = one(build.refusal(c.SUBMIT_SM, 3, 0x58))
        self.assertEqual(repr(pdu), "<submit_sm_resp ESME_RTHROTTLED sequence_number=3 length=16>")

    def test_repr_never_shows_a_password(self):
        """A bind may be logged: nothing of its body is in the repr, nor the secret in `Bind`'s."""
        fields = Bind(b"esme01", b"secret08")
        pdu = one(build.bind(c.BIND_TRANSCEIVER, 1, fields))
        self.assertNotIn("secret", repr(pdu) + repr(fields))
