"""The lean provider in memory, and the few facts that are read of a receipt."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.simulator.load.hosts import read, told
from smppproxy.simulator.load.provider import HostSession, LeanOptions, LeanSmsc
from smppproxy.simulator.load.reading import BodyError, facts
from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.fields import Bind, read_message, read_message_id
from tests.simulator.load.written import pdus

WALL = 1_795_435_200.0


class ProviderCase(SynchronousTestCase):
    """A provider with sessions."""

    def start(self, **options: Any) -> LeanSmsc:
        """A provider without sessions."""
        self.smsc = LeanSmsc(LeanOptions(**options))
        return self.smsc

    def bound(self, command_id: int = c.BIND_TRANSCEIVER, password: bytes = b"pw") -> HostSession:
        """A session that is bound, if it may."""
        session = HostSession()
        fields = Bind(b"us", password, b"", 0x34, 0, 0, b"")
        self.heard(session, build.bind(command_id, 1, fields))
        return session

    def heard(self, session: HostSession, data: bytes, now: float = 10.0) -> None:
        """One read."""
        self.smsc.received(session, data, now, WALL)

    def submit(
        self, session: HostSession, number: int = 1, now: float = 10.0, asked: int = 1
    ) -> None:
        """One submit_sm."""
        raw = build.submit_sm(
            number, source_addr=b"Acme", source_addr_ton=5, dest_addr_ton=1, dest_addr_npi=1,
            destination_addr=b"4512345678", registered_delivery=asked, short_message=b"hello",
            data_coding=8,
        )  # fmt: skip
        self.heard(session, raw, now)


class ProviderTests(ProviderCase):
    """Answers and receipts."""

    def test_message(self) -> None:
        """An answer, and its receipt from the destination to the source."""
        self.start()
        session = self.bound()
        pdus(session)
        self.submit(session, 7)
        answer, receipt = pdus(session)
        self.assertEqual((answer.sequence_number, read_message_id(answer)), (7, b"1"))
        message = read_message(receipt)
        self.assertEqual((message.source_addr, message.destination_addr), (b"4512345678", b"Acme"))
        self.assertEqual((message.dest_addr_ton, message.source_addr_ton), (5, 1))
        self.assertEqual((message.esm_class, message.data_coding), (c.ESM_RECEIPT, 8))
        self.assertEqual(message.tlv(c.TLV_RECEIPTED_MESSAGE_ID), b"1\0")
        self.assertEqual(message.tlv(c.TLV_MESSAGE_STATE), b"\2")
        self.assertIn(b"id:1 sub:001 dlvrd:001 submit date:2611231200", message.short_message)
        self.assertEqual(facts(receipt.raw), (c.ESM_RECEIPT, b"4512345678", b"1"))
        self.heard(session, build.deliver_sm_resp(receipt.sequence_number))
        self.assertEqual(self.smsc.totals()["receipts_acked"], 1)

    def test_no_receipt(self) -> None:
        """None where none is asked for, or with none at all."""
        self.start()
        session = self.bound()
        self.submit(session, asked=0)
        self.assertEqual(len(pdus(session)), 2)
        self.start(receipts=False)
        session = self.bound()
        self.submit(session)
        self.assertEqual(len(pdus(session)), 2)

    def test_processes_never_meet(self) -> None:
        """Each has every so-many-th number, in the form that is asked for."""
        self.start(place=1, step=3, id_format="HEX", receipts=False)
        session = self.bound()
        pdus(session)
        for _ in range(4):
            self.submit(session)
        self.assertEqual([read_message_id(pdu) for pdu in pdus(session)], [b"2", b"5", b"8", b"B"])

    def test_window(self) -> None:
        """Receipts wait for room, and a refused one comes again later or never."""
        self.start(window=1)
        session = self.bound()
        self.submit(session)
        self.submit(session)
        first = pdus(session)[-2]
        self.assertEqual(first.command_id, c.DELIVER_SM)
        self.heard(session, build.deliver_sm_resp(first.sequence_number, c.ESME_RX_T_APPN))
        (second,) = pdus(session)
        self.heard(session, build.deliver_sm_resp(second.sequence_number, c.ESME_RX_P_APPN))
        self.assertEqual(round(self.smsc.next_due(10.0), 2), 1.0)
        self.assertEqual([*self.smsc.run_due(10.5)], [])
        self.assertEqual([*self.smsc.run_due(11.1)], [session])
        self.assertEqual(len(pdus(session)), 1)
        totals = self.smsc.totals()
        self.assertEqual((totals["deliveries_retried"], totals["deliveries_refused"]), (1, 1))

    def test_sequence_numbers_wrap(self) -> None:
        """1 to 0x7ffffffe, and again."""
        self.start()
        session = self.bound()
        session.sequence = 0x7FFFFFFE
        self.submit(session)
        self.submit(session)
        receipts = [pdu for pdu in pdus(session) if pdu.command_id == c.DELIVER_SM]
        self.assertEqual([pdu.sequence_number for pdu in receipts], [0x7FFFFFFE, 1])

    def test_delays(self) -> None:
        """Answers and receipts leave when they are due, and what is due later waits."""
        self.start(response_delay=(0.1, 0.1), receipt_delay=(0.5, 0.5))
        session = self.bound()
        pdus(session)
        self.submit(session)
        self.assertEqual(pdus(session), [])
        self.assertEqual(round(self.smsc.next_due(10.0), 2), 0.1)
        self.smsc.run_due(10.2)
        self.assertEqual([pdu.command_id for pdu in pdus(session)], [c.SUBMIT_SM_RESP])
        self.smsc.run_due(10.7)
        self.assertEqual([pdu.command_id for pdu in pdus(session)], [c.DELIVER_SM])
        self.assertEqual(self.smsc.next_due(10.7), float("inf"))

    def test_lost_session(self) -> None:
        """Receipts of a lost session go to another one; without any they wait for the next."""
        self.start(response_delay=(0.1, 0.1), receipt_delay=(0.2, 0.2))
        one, other = self.bound(), self.bound()
        pdus(other)
        self.submit(one)
        self.smsc.closed(one)
        self.smsc.run_due(11.0)
        (receipt,) = pdus(other)
        self.assertEqual(receipt.command_id, c.DELIVER_SM)
        self.smsc.closed(other)
        third = self.bound()
        self.assertEqual([pdu.command_id for pdu in pdus(third)],
                         [c.BIND_TRANSCEIVER_RESP, c.DELIVER_SM])  # fmt: skip

    def test_transmitter(self) -> None:
        """Its receipts go to the receiver, whenever that comes."""
        self.start()
        transmitter = self.bound(c.BIND_TRANSMITTER)
        self.submit(transmitter)
        self.assertEqual(len(pdus(transmitter)), 2)
        self.smsc.run_due(11.0)
        receiver = self.bound(c.BIND_RECEIVER)
        self.assertEqual(pdus(receiver)[-1].command_id, c.DELIVER_SM)

    def test_a_receiver_is_written_to_at_once(self) -> None:
        """Nothing need come from it before it gets a receipt of what a transmitter submitted."""
        self.start()
        transmitter, receiver = self.bound(c.BIND_TRANSMITTER), self.bound(c.BIND_RECEIVER)
        pdus(receiver)
        self.submit(transmitter)
        self.assertLess(self.smsc.next_due(10.0), 0.1)
        self.assertIn(receiver, self.smsc.run_due(11.0))
        self.assertEqual([pdu.command_id for pdu in pdus(receiver)], [c.DELIVER_SM])

    def test_refusals(self) -> None:
        """A mix of statuses, messages that cannot be read, UNDELIV."""
        self.start(errors={0x58: 0.5}, undelivered=1.0)
        session = self.bound()
        pdus(session)
        for _ in range(50):
            self.submit(session)
        self.heard(session, build.header(c.SUBMIT_SM, 0, 9))
        found = pdus(session)
        statuses = {pdu.command_status for pdu in found}
        self.assertEqual(statuses, {0, 0x58, c.ESME_RINVCMDLEN})
        receipts = [read_message(pdu) for pdu in found if pdu.command_id == c.DELIVER_SM]
        self.assertTrue(all(b"stat:UNDELIV" in each.short_message for each in receipts))
        totals = self.smsc.totals()
        self.assertEqual(totals["accepted"] + totals["refused"], 51)

    def test_binds(self) -> None:
        """Only those that may; a bind that cannot be read is refused too."""
        self.start(accounts={b"us": b"right"})
        self.assertTrue(self.bound().closing)
        self.assertFalse(self.bound(password=b"right").closing)
        session = HostSession()
        self.heard(session, build.header(c.BIND_TRANSCEIVER, 0, 1))
        self.assertTrue(session.closing)
        self.assertEqual(self.smsc.totals()["binds_refused"], 2)

    def test_sessions(self) -> None:
        """enquire_link, unbind, what is unknown, what is lost."""
        self.start()
        session = self.bound()
        pdus(session)
        self.heard(session, build.enquire_link(2) + build.header(c.QUERY_SM, 0, 3)
                   + build.header(c.QUERY_SM_RESP, 0, 3) + build.unbind(4))  # fmt: skip
        self.assertEqual(
            [pdu.command_id for pdu in pdus(session)],
            [c.ENQUIRE_LINK_RESP, c.GENERIC_NACK, c.UNBIND_RESP],
        )
        self.assertTrue(session.closing)
        other = self.bound()
        self.heard(other, b"\0\0\0\1" * 4)
        self.assertTrue(other.closing)

    def test_told(self) -> None:
        """Options survive the way to another process."""
        import json

        options = LeanOptions(accounts={b"a": b"\xe9"}, errors={0x58: 0.1}, place=1, step=2,
                              response_delay=(0.1, 0.2))  # fmt: skip
        self.assertEqual(read({"options": json.loads(json.dumps(told(options)))}), options)


class FactsTests(SynchronousTestCase):
    """What is found without decoding a receipt is what decoding it finds."""

    @given(
        st.binary(max_size=20).filter(lambda each: 0 not in each),
        st.binary(max_size=20).filter(lambda each: 0 not in each),
        st.sampled_from([b"id:12 stat:X", b"id:1", b"", b"hello", b"stat:DELIVRD id:34 x", b"id:"]),
        st.sampled_from([0, 4, 0x20]),
        st.booleans(),
        st.sampled_from([b"", b"000001000000000R"]),
    )
    def test_both_ways(
        self, source: bytes, destination: bytes, text: bytes, esm_class: int, tlv: bool,
        validity: bytes,
    ) -> None:  # fmt: skip
        """The straight way says what the careful one says, where a text has an id."""
        tlvs = [(c.TLV_RECEIPTED_MESSAGE_ID, b"12\0")] if tlv else []
        raw = build.deliver_sm(
            1, source_addr=source, destination_addr=destination, esm_class=esm_class,
            short_message=text, tlvs=tlvs, validity_period=validity,
        )  # fmt: skip
        found = facts(raw)
        self.assertEqual(found[:2], (esm_class, source))
        self.assertIn(found[2], (b"12", b"1", b"34", b""))

    def test_forms(self) -> None:
        """TLV, text, message_payload; no deliver_sm at all."""
        text = b"id:7 stat:X"
        made = build.deliver_sm(1, source_addr=b"1", service_type=b"x", short_message=text)
        self.assertEqual(facts(made), (0, b"1", b"7"))
        made = build.deliver_sm(1, tlvs=[(c.TLV_MESSAGE_PAYLOAD, b"id:8 stat:X")])
        self.assertEqual(facts(made)[2], b"8")
        self.assertRaises(BodyError, facts, build.header(c.DELIVER_SM, 0, 1))
