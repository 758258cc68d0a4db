"""How PDUs are written."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.fields import (
    Bind,
    Message,
    read_bind,
    read_bind_resp,
    read_data_sm,
    read_message,
    read_message_id,
)
from tests.smpp.samples import binds, bounded, free_tags, messages, octets, one, sequence_numbers


class RoundTripTests(SynchronousTestCase):
    """What is written is what is read."""

    @bounded
    @given(binds, st.sampled_from(sorted(c.BINDS)), sequence_numbers)
    def test_bind(self, fields, command_id, number):
        """All fields of a bind come back, of all three kinds."""
        pdu = one(build.bind(command_id, number, fields))
        self.assertEqual((pdu.command_id, pdu.sequence_number), (command_id, number))
        self.assertEqual(read_bind(pdu), fields)

    @bounded
    @given(messages, st.sampled_from([c.SUBMIT_SM, c.DELIVER_SM]), sequence_numbers)
    def test_message(self, fields, command_id, number):
        """All fields of a submit_sm and a deliver_sm come back, unknown TLVs as they were."""
        pdu = one(build.message(command_id, number, fields))
        self.assertEqual(read_message(pdu), fields)
        self.assertEqual(build.message(command_id, number, read_message(pdu)), pdu.raw)

    @bounded
    @given(messages, st.binary(min_size=1, max_size=600))
    def test_data_sm(self, fields, payload):
        """The fields that a data_sm has come back; the text travels as message_payload."""
        pdu = one(
            build.data_sm(
                3,
                source_addr=fields.source_addr,
                destination_addr=fields.destination_addr,
                esm_class=fields.esm_class,
                data_coding=fields.data_coding,
                registered_delivery=fields.registered_delivery,
                short_message=payload,
                tlvs=fields.tlvs,
            )
        )
        read = read_data_sm(pdu)
        self.assertEqual(read.short_message, payload)
        self.assertEqual(read.source_addr, fields.source_addr)
        self.assertEqual(read.destination_addr, fields.destination_addr)
        self.assertEqual(
            (read.esm_class, read.data_coding, read.registered_delivery),
            (fields.esm_class, fields.data_coding, fields.registered_delivery),
        )
        self.assertEqual(read.tlvs, [(c.TLV_MESSAGE_PAYLOAD, payload), *fields.tlvs])

    @bounded
    @given(octets(65), sequence_numbers)
    def test_message_id(self, message_id, number):
        """An id comes back octet for octet; nothing stands behind it (GW-54)."""
        pdu = one(build.submit_sm_resp(number, message_id))
        self.assertEqual(read_message_id(pdu), message_id)
        self.assertEqual(len(pdu.raw), 17 + len(message_id))

    @bounded
    @given(st.sampled_from(sorted(c.BINDS)), octets(255))
    def test_bind_resp(self, command_id, system_id):
        """Our system_id and version come back from an accepted bind."""
        pdu = one(build.bind_resp(command_id, 0, 1, system_id))
        self.assertEqual(pdu.command_id, command_id | c.RESPONSE)
        self.assertEqual(read_bind_resp(pdu), (system_id, 0x34))

    @bounded
    @given(st.lists(st.tuples(free_tags, st.binary(max_size=9)), max_size=4))
    def test_tlvs_may_be_any_iterable(self, pairs):
        """A generator of TLVs is as good as a list, and a value of its own is made of it."""
        self.assertEqual(
            build.submit_sm(1, tlvs=(pair for pair in pairs)), build.submit_sm(1, tlvs=pairs)
        )
        self.assertIsNot(Message(tlvs=pairs).tlvs, pairs)


class ShapeTests(SynchronousTestCase):
    """The forms that every client and server measured can read."""

    def test_refused_bind_has_a_body(self):
        """Two client libraries read a refusal only with a system_id; the version is left out."""
        pdu = one(build.bind_resp(c.BIND_TRANSCEIVER, 0x0E, 1, b"smppproxy"))
        self.assertEqual(pdu.raw[16:], b"smppproxy\0")
        self.assertEqual(pdu.command_status, 0x0E)

    def test_gw02_no_version_for_old_clients(self):
        """To a client of 3.3 the bind_resp carries no TLV."""
        pdu = one(build.bind_resp(c.BIND_TRANSMITTER, 0, 1, b"smppproxy", with_version=False))
        self.assertEqual(pdu.raw[16:], b"smppproxy\0")

    def test_refusal_is_a_header(self):
        """Of the request's own kind, by PDU or by command_id, without a body."""
        request = one(build.submit_sm(9))
        refused = build.refusal(request, 9, 0x14)
        self.assertEqual(refused, build.refusal(c.SUBMIT_SM, 9, 0x14))
        self.assertEqual(refused, build.header(c.SUBMIT_SM_RESP, 0x14, 9))

    def test_deliver_sm_resp(self):
        """17 octets, good or bad."""
        self.assertEqual(one(build.deliver_sm_resp(5)).raw[16:], b"\0")
        bad = one(build.deliver_sm_resp(5, 0x64))
        self.assertEqual((bad.command_status, bad.raw[16:]), (0x64, b"\0"))

    def test_data_sm_resp(self):
        """A message_id, empty unless given."""
        self.assertEqual(one(build.data_sm_resp(5)).raw[16:], b"\0")
        self.assertEqual(one(build.data_sm_resp(5, message_id=b"x")).raw[16:], b"x\0")

    def test_f34_any_sequence_number_is_echoed(self):
        """0 and everything above our own range are written as they came."""
        for number in (0, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
            for data in (
                build.enquire_link_resp(number),
                build.submit_sm_resp(number, b"1"),
                build.deliver_sm_resp(number),
                build.unbind_resp(number),
                build.generic_nack(3, number),
                build.refusal(c.SUBMIT_SM, number, 4),
            ):
                self.assertEqual(one(data).sequence_number, number)

    def test_what_cannot_be_written(self):
        """A NUL in a string, 256 octets of text and a number above an octet are ValueErrors."""
        self.assertRaises(ValueError, build.submit_sm, 1, source_addr=b"1\x002")
        self.assertRaises(ValueError, build.submit_sm, 1, short_message=bytes(256))
        self.assertRaises(ValueError, build.submit_sm, 1, source_addr_ton=256)
        self.assertRaises(ValueError, build.bind, c.BIND_RECEIVER, 1, Bind(b"a\0b"))
