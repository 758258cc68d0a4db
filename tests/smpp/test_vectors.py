"""V01 to V35, octet for octet: built where we send such a PDU, read where a peer does."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.fields import Bind, read_bind, read_bind_resp, read_message, read_message_id
from smppproxy.smpp.framing import Framer
from smppproxy.smpp.tlv import tlv
from tests.smpp.samples import one, vectors

ESME01 = Bind(b"esme01", b"secret08")

#: The fields that all submits share.
PLAIN: build.MessageFields = {
    "source_addr": b"12345",
    "dest_addr_ton": 1,
    "dest_addr_npi": 1,
    "destination_addr": b"4510203040",
    "registered_delivery": 1,
    "short_message": b"Hello World",
}
RECEIPT_TEXT = (
    b"id:1390125333 sub:001 dlvrd:001 submit date:2511221015 done date:2511221016"
    b" stat:DELIVRD err:000 text:4919"
)
UPSTREAM_TEXT = b"id:0000376017 submit date:2511221015 done date:2511221016 stat:DELIVRD err:000\0"


def submit(number: int, **changed: Any) -> bytes:
    """The plain submit with other fields."""
    fields: dict[str, Any] = {**PLAIN, **changed}
    return build.submit_sm(number, **fields)


def payload(*tlvs: tuple[int, bytes]) -> dict[str, Any]:
    """The plain submit's fields with its text elsewhere."""
    return {"short_message": b"", "tlvs": list(tlvs)}


#: What each vector is, said with the builders.
BUILT = {
    "V01": build.bind(c.BIND_TRANSCEIVER, 1, ESME01),
    "V02": build.bind_resp(c.BIND_TRANSCEIVER, 0, 1, b"smppproxy"),
    "V03": build.refusal(c.BIND_TRANSCEIVER, 1, c.ESME_RINVPASWD),
    "V04": build.bind(c.BIND_TRANSCEIVER, 1, Bind(b"esme01", b"secret08", b"sendexa")),
    "V05": build.bind(c.BIND_TRANSMITTER, 1, Bind(b"esme01", b"secret08", b"", 0x33)),
    "V06": submit(2),
    "V07": build.submit_sm_resp(2, b"1390125333"),
    "V08": build.refusal(c.SUBMIT_SM, 2, c.ESME_RTHROTTLED),
    "V09": submit(3, schedule_delivery_time=b"000001000000000R"),
    "V10": submit(4, dest_addr_ton=2),
    "V11": submit(5, dest_addr_ton=0, dest_addr_npi=0),
    "V12": submit(6, data_coding=8, short_message=b"\0H\0"),
    "V13": submit(7, data_coding=24, short_message=b"\0H\0i"),
    "V14": submit(8, data_coding=240, short_message=b"\0"),
    "V15": submit(9, short_message=b"caf\xe9"),
    "V16": submit(10, tlvs=[(0x0204, b"\x13\x37")]),
    "V17": submit(11, tlvs=[(0x0204, b"order-2025-11-22-000000042")]),
    "V18": submit(12, **payload((0x0424, b"a" * 300))),
    "V19": submit(13, tlvs=[(0x0424, b"abc")]),
    "V20": submit(14, tlvs=[(0x2900, b"premium")]),
    "V21": submit(15, tlvs=[(0x0005, b"\1")]),
    "V24": build.generic_nack(c.ESME_RINVCMDID, 17),
    "V25": build.enquire_link(18),
    "V26": build.enquire_link_resp(18),
    "V27": build.deliver_sm(
        1,
        source_addr_ton=1,
        source_addr_npi=1,
        source_addr=b"4510203040",
        destination_addr=b"12345",
        esm_class=4,
        short_message=RECEIPT_TEXT,
        tlvs=[
            (0x001E, b"1390125333\0"),
            (0x0427, b"\2"),
            (0x0423, b"\3\0\0"),
            (0x0204, b"\x13\x37"),
        ],
    ),
    "V28": build.deliver_sm_resp(1),
    "V29": build.deliver_sm(
        7,
        source_addr=b"32163552000",
        destination_addr=b"77788",
        esm_class=4,
        tlvs=[(0x0424, UPSTREAM_TEXT), (0x001E, b"5bcd1\0"), (0x0427, b"\2")],
    ),
    "V30": build.deliver_sm(
        8,
        source_addr_ton=1,
        source_addr_npi=1,
        source_addr=b"4510203040",
        destination_addr=b"1204",
        short_message=b"STOP",
    ),
    "V34": build.unbind(21),
    "V35": build.unbind_resp(21),
}
#: Shapes that we never send.
READ_ONLY = {"V22", "V23", "V31", "V32", "V33"}


class VectorTests(SynchronousTestCase):
    """All 35 of them."""

    def test_all_are_here(self):
        """35 vectors, each built or read."""
        names = set(vectors())
        self.assertEqual(names, {f"V{number:02d}" for number in range(1, 36)})
        self.assertEqual(names, set(BUILT) | READ_ONLY)

    def test_builders_give_these_octets(self):
        """Every vector that can be built is, octet for octet."""
        listed = vectors()
        for name, octets in BUILT.items():
            self.assertEqual(octets.hex(), listed[name].hex(), name)

    def test_all_but_one_are_framed(self):
        """V31 is no PDU; all others are one each."""
        for name, octets in vectors().items():
            pdus, error = Framer().feed(octets)
            self.assertEqual((len(pdus), error is None), (0, False) if name == "V31" else (1, True))

    def test_binds_are_read(self):
        """V01, V04, V05 and V02."""
        listed = vectors()
        self.assertEqual(read_bind(one(listed["V01"])), ESME01)
        self.assertEqual(read_bind(one(listed["V04"])).system_type, b"sendexa")
        self.assertEqual(read_bind(one(listed["V05"])).interface_version, 0x33)
        self.assertEqual(read_bind_resp(one(listed["V02"])), (b"smppproxy", 0x34))
        self.assertEqual(read_bind_resp(one(listed["V03"])), (b"", 0))

    def test_messages_are_read_and_written_back(self):
        """Each message vector that is sound comes back from its fields octet for octet."""
        for name, octets in vectors().items():
            pdus, _ = Framer().feed(octets)
            if not pdus or pdus[0].command_id not in (c.SUBMIT_SM, c.DELIVER_SM):
                continue
            if name in ("V19", "V22", "V33"):
                continue
            (pdu,) = pdus
            again = build.message(pdu.command_id, pdu.sequence_number, read_message(pdu))
            self.assertEqual(again.hex(), octets.hex(), name)

    def test_v07_and_v28_ids(self):
        """The id of an answer, and the NUL that stands for none."""
        self.assertEqual(read_message_id(one(vectors()["V07"])), b"1390125333")
        self.assertEqual(read_message_id(one(vectors()["V08"])), b"")
        self.assertEqual(read_message_id(one(vectors()["V28"])), b"")

    def test_v22_uncounted_nul(self):
        """Text and SAR fields are read as if the NUL were not there (GW-53)."""
        message = read_message(one(vectors()["V22"]))
        self.assertEqual(message.short_message, b"part one")
        octets = b"".join(tlv(tag, value) for tag, value in message.tlvs)
        self.assertTrue(vectors()["V22"].endswith(b"\0" + octets))

    def test_v19_and_v33_are_refused(self):
        """Two texts are 0xC1, a text that is not there 0x01."""
        for name, status in (("V19", 0xC1), ("V33", 0x01)):
            error = self.assertRaises(BodyError, read_message, one(vectors()[name]))
            self.assertEqual(error.command_status, status)
