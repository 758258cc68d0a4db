"""Where one PDU ends and the next begins."""

import time

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.errors import FramingError
from smppproxy.smpp.framing import Framer
from tests.smpp.samples import bounded, vectors

FOREIGN = {
    "HTTP": b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n",
    "HTTP answer": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "TLS": bytes.fromhex("16030100f8010000f40303") + bytes(range(64)),
    "AMQP": b"AMQP\x00\x00\x09\x01",
    "SSH": b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
}


def verdict(error: FramingError | None) -> tuple[int, int]:
    """(command_status, sequence_number) of the error that ended a stream; (0, 0) without one."""
    return (error.command_status, error.sequence_number) if error else (0, 0)


class FramerTests(SynchronousTestCase):
    """One read in, whole PDUs out."""

    def test_empty_read(self):
        """Nothing in, nothing out."""
        self.assertEqual(Framer().feed(b""), ([], None))

    def test_header_facts(self):
        """command_id, command_status, sequence_number and all octets are the header's."""
        (pdu,), error = Framer().feed(vectors()["V08"])
        self.assertIsNone(error)
        self.assertEqual(
            (pdu.command_id, pdu.command_status, pdu.sequence_number, pdu.raw),
            (c.SUBMIT_SM_RESP, 0x58, 2, vectors()["V08"]),
        )

    def test_f01_split_at_every_boundary(self):
        """Cut in two at any octet, three PDUs come out the same, and nothing stays behind."""
        stream = vectors()["V01"] + vectors()["V06"] + vectors()["V25"]
        whole = [pdu.raw for pdu in Framer().feed(stream)[0]]
        self.assertEqual(len(whole), 3)
        for at in range(len(stream) + 1):
            framer = Framer()
            first, _ = framer.feed(stream[:at])
            second, _ = framer.feed(stream[at:])
            self.assertEqual([pdu.raw for pdu in first + second], whole)
            self.assertEqual(framer.pending, 0)

    def test_f01_one_octet_at_a_time(self):
        """The same when each octet comes alone; `pending` counts what is held."""
        framer = Framer()
        raw = vectors()["V06"]
        for count, octet in enumerate(raw[:-1], 1):
            self.assertEqual(framer.feed(bytes([octet])), ([], None))
            self.assertEqual(framer.pending, count)
        pdus, _ = framer.feed(raw[-1:])
        self.assertEqual([pdu.raw for pdu in pdus], [raw])

    def test_f01_a_long_pdu_octet_by_octet_costs_its_length(self):
        """64 KiB that come one octet at a time take less than a second of this processor."""
        raw = build.submit_sm(1, tlvs=[(c.TLV_MESSAGE_PAYLOAD, bytes(65_000))])
        framer = Framer(c.MAX_PDU)
        pdus = []
        began = time.process_time()
        for at in range(len(raw)):
            pdus += framer.feed(raw[at : at + 1])[0]
        self.assertLess(time.process_time() - began, 1.0)
        self.assertEqual([pdu.raw for pdu in pdus], [raw])

    @bounded
    @given(
        st.lists(st.binary(max_size=90), min_size=1, max_size=12),
        st.lists(st.integers(0, 600), max_size=10),
    )
    def test_f01_split_invariance(self, bodies, cuts):
        """However a stream is cut into reads, the same PDUs come out."""
        pdus = [
            (16 + len(body)).to_bytes(4, "big") + bytes((0, 0, 0, 4)) + bytes(8) + body
            for body in bodies
        ]
        stream = b"".join(pdus)
        edges = [0, *sorted(min(at, len(stream)) for at in cuts), len(stream)]
        framer = Framer()
        seen = []
        for start, stop in zip(edges, edges[1:], strict=False):
            found, error = framer.feed(stream[start:stop])
            self.assertIsNone(error)
            seen += [pdu.raw for pdu in found]
        self.assertEqual(seen, pdus)

    def test_f02_many_in_one_read(self):
        """200 PDUs in one segment come out in order."""
        stream = b"".join(build.submit_sm(number) for number in range(200))
        pdus, error = Framer().feed(stream)
        self.assertIsNone(error)
        self.assertEqual([pdu.sequence_number for pdu in pdus], list(range(200)))

    def test_f03_command_length_below_a_header(self):
        """Each value 0..15 ends the stream with 0x02 and the header's sequence_number."""
        for length in range(16):
            framer = Framer()
            raw = length.to_bytes(4, "big") + bytes.fromhex("00000004 00000000 00000007")
            pdus, error = framer.feed(raw)
            self.assertEqual(pdus, [])
            self.assertEqual(verdict(error), (2, 7))
            self.assertEqual(framer.pending, 0)

    def test_f03_header_not_all_there(self):
        """V31 is 12 octets: its sequence_number was never seen, so it is 0."""
        pdus, error = Framer().feed(vectors()["V31"])
        self.assertEqual(pdus, [])
        self.assertEqual(verdict(error), (2, 0))

    def test_f03_good_pdus_before_the_bad_one(self):
        """They are still handed out; afterwards nothing is."""
        framer = Framer()
        pdus, error = framer.feed(vectors()["V25"] + bytes(16) + vectors()["V25"])
        self.assertEqual([pdu.raw for pdu in pdus], [vectors()["V25"]])
        self.assertIsNotNone(error)
        self.assertEqual(framer.feed(vectors()["V25"]), ([], None))

    def test_f04_command_length_above_the_limit(self):
        """Decided from the first four octets: nothing of such a PDU is kept."""
        for length in (1025, 70_001, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
            framer = Framer(1024)
            pdus, error = framer.feed(length.to_bytes(4, "big"))
            self.assertEqual(pdus, [])
            self.assertEqual(verdict(error), (2, 0))
            self.assertEqual(framer.pending, 0)

    def test_f04_the_limit_itself_is_taken(self):
        """A PDU of exactly the limit is good, also after the limit was raised."""
        framer = Framer()
        self.assertEqual(framer.max_length, c.MAX_PDU_BEFORE_BIND)
        for limit in (1024, 70_000):
            framer.max_length = limit
            raw = limit.to_bytes(4, "big") + bytes(limit - 4)
            pdus, error = framer.feed(raw)
            self.assertIsNone(error)
            self.assertEqual(len(pdus[0].raw), limit)

    def test_f04_bad_length_that_arrives_in_pieces(self):
        """The length is judged as soon as its fourth octet is there."""
        framer = Framer()
        self.assertEqual(framer.feed(b"\x7f\xff\xff"), ([], None))
        _, error = framer.feed(b"\xff")
        self.assertIsNotNone(error)

    def test_f06_length_smaller_than_the_body(self):
        """What follows the frame is taken for the next PDU: good octets or a lost stream."""
        raw = vectors()["V06"]
        short = (len(raw) - 11).to_bytes(4, "big") + raw[4:]
        pdus, error = Framer().feed(short)
        self.assertEqual(len(pdus), 1)
        self.assertIsNotNone(error)

    def test_f16_other_protocols(self):
        """HTTP, TLS, AMQP and SSH are all a command_length out of bounds: one error, no PDU."""
        for name, data in FOREIGN.items():
            framer = Framer(c.MAX_PDU)
            pdus, error = framer.feed(data)
            self.assertEqual(pdus, [], name)
            self.assertEqual(verdict(error)[0], 2, name)
            self.assertEqual(framer.feed(data), ([], None))

    @bounded
    @given(st.lists(st.binary(max_size=200), max_size=6))
    def test_any_octets_are_framed_or_refused(self, reads):
        """Whatever comes, feed returns; PDUs and what is held are never longer than the limit."""
        framer = Framer()
        for data in reads:
            pdus, _ = framer.feed(data)
            self.assertTrue(all(16 <= len(pdu.raw) <= 1024 for pdu in pdus))
            self.assertLess(framer.pending, 1024)
