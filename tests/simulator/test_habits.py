"""The habits that a profile adds to the simulated provider, over sockets."""

from typing import Any

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from smppproxy.routing.providers import SendProfile
from smppproxy.simulator import histories
from smppproxy.simulator.demands import Demands
from smppproxy.simulator.esme import Esme
from smppproxy.simulator.options import SmscOptions
from smppproxy.simulator.presets import options_for
from smppproxy.simulator.smsc import Smsc, SmscLink
from smppproxy.smpp import build
from smppproxy.smpp.constants import (
    BIND_TRANSCEIVER,
    DELIVER_SM,
    ESME_RMSGQFUL,
    SUBMIT_SM_RESP,
    TLV_MESSAGE_PAYLOAD,
    TLV_RECEIPTED_MESSAGE_ID,
)
from smppproxy.smpp.fields import Bind, read_message, read_message_id
from smppproxy.smpp.timers import Timers
from smppproxy.text.profile import TextProfile
from tests.simulator.pair import PairCase, reactor
from tests.support.peers import FakeClient


class Limits(PairCase):
    """Windows, rates, binds and silence."""

    async def test_submit_window(self) -> None:
        """``submit_window``: more unanswered submit_sm are refused with ``throttle``."""
        options: dict[str, Any] = {"submit_window": 4, "throttle": ESME_RMSGQFUL}
        smsc = self.provider(response_delay=0.02, **options)
        esme = self.client(smsc.ports["a"], count=10, window=10)
        await self.finished(esme, smsc)
        statuses = [sent.status for sent in esme.history]
        self.assertEqual((statuses.count(0), statuses.count(ESME_RMSGQFUL)), (4, 6))
        self.assertEqual((smsc.counts.beyond_window, smsc.counts.most_unanswered), (6, 10))
        patient = self.client(smsc.ports["a"], count=20, window=4, system_id=b"patient")
        await self.finished(patient, smsc)
        self.assertEqual({sent.status for sent in patient.history}, {0})

    async def test_throttle(self) -> None:
        """``throttle`` is the status of what is beyond ``tps``, too."""
        smsc, esme = await self.run_through(20, tps=10, throttle=ESME_RMSGQFUL)
        refused = [sent for sent in esme.history if sent.status]
        self.assertEqual({sent.status for sent in refused}, {ESME_RMSGQFUL})
        self.assertEqual(smsc.counts.throttled, len(refused))

    async def test_who_may_bind(self) -> None:
        """``system_type``, ``interface_version``, ``max_password``, ``bind_full``."""
        smsc = self.provider(
            system_type=b"them", interface_version=0x34, max_password=4, max_binds=1,
            bind_full=0x0D,
        )  # fmt: skip
        port = smsc.ports["a"]
        good: dict[str, Any] = {"system_type": b"them", "password": b"1234"}
        first = self.client(port, **good)
        await self.bound(first)
        statuses = []
        refuse = build.bind_resp

        def told(command_id: int, status: int, *rest: Any) -> bytes:
            statuses.append(status)
            return refuse(command_id, status, *rest)

        self.patch(build, "bind_resp", told)
        for change in (
            {"system_type": b"us"}, {"interface_version": 0x33}, {"password": b"12345"}, {}
        ):  # fmt: skip
            options: dict[str, Any] = {**good, **change, "reconnect_delay": 60.0}
            other = self.client(port, **options)
            await self.refused(other)
        self.assertEqual(statuses, [0x53, 0x0D, 0x0E, 0x0D])
        self.assertEqual(smsc.counts.binds, 1)

    async def refused(self, esme: Esme) -> None:
        """Until a bind of its was refused."""
        await self.wait(lambda: esme.tally.binds_refused, "a refusal")

    def test_idle_timeout(self) -> None:
        """``idle_timeout``: who says nothing for so long is closed; every octet begins it anew."""
        clock: Any = Clock()
        timers = Timers(enquire_link=0.0)
        smsc = Smsc(clock, SmscOptions(idle_timeout=60.0, timers=timers))
        link = SmscLink(smsc, "a")
        transport = StringTransport()
        transport.setTcpNoDelay = lambda _: None  # type: ignore[attr-defined]
        link.makeConnection(transport)
        fields = Bind(b"us", b"", b"", 0x34, 0, 0, b"")
        link.dataReceived(build.bind(BIND_TRANSCEIVER, 1, fields))
        for number in range(2, 5):
            clock.advance(59)
            link.tick()
            link.dataReceived(build.enquire_link(number))
        self.assertFalse(transport.disconnecting)
        clock.advance(61)
        link.tick()
        self.assertTrue(transport.disconnecting)
        self.assertEqual(smsc.counts.silent, 1)


class Messages(PairCase):
    """What is taken, and what becomes of it."""

    async def test_demands(self) -> None:
        """``demands``: what is against them is refused, counted and not kept."""
        demands = Demands(
            text=TextProfile(transparent=False, codings={"gsm7": 0}), send=SendProfile()
        )
        smsc = self.provider(demands=demands)
        esme = self.client(smsc.ports["a"], count=3, data_coding=8)
        await self.wait(lambda: esme.tally.refused == 3)
        self.assertEqual({sent.status for sent in esme.history}, {0x45})
        self.assertEqual((smsc.counts.unwanted, smsc.history), (3, []))

    async def test_failures(self) -> None:
        """``failures``: the words of undelivered messages, in turn."""
        _, esme = await self.run_through(
            6, undelivered=1.0, failures=(b"EXPIRED", b"REJECTD", b"SKIPPED")
        )
        words = sorted(sent.stat for sent in esme.history)
        self.assertEqual(words, [b"EXPIRED"] * 2 + [b"REJECTD"] * 2 + [b"SKIPPED"] * 2)
        self.assertRaises(ValueError, SmscOptions, failures=())

    async def test_outcomes(self) -> None:
        """``outcomes``: a word by the destination, ENROUTE as a last one too."""
        smsc = self.provider(outcomes={b"57": b"ENROUTE", b"58": b"EXPIRED"})
        esme = self.client(smsc.ports["a"], count=6, prefixes=(b"57001", b"58001", b"59001"))
        await self.finished(esme, smsc)
        words = [sent.stat for sent in esme.history[:3]]
        self.assertEqual(words, [b"ENROUTE", b"EXPIRED", b"DELIVRD"])
        self.assertEqual(histories.check_client(esme), [])

    async def test_success_is_not_told_to_who_wants_failures(self) -> None:
        """ACCEPTD as a last word is none of them."""
        smsc = self.provider(outcomes={b"": b"ACCEPTD"})
        esme = self.client(smsc.ports["a"], count=2, registered_delivery=2)
        await self.wait(lambda: esme.tally.accepted == 2 and smsc.idle)
        self.assertEqual(smsc.counts.receipts_sent, 0)

    async def test_per_segment(self) -> None:
        """``per_segment``: a receipt for each SMS that a message takes."""
        demands = Demands(text=TextProfile(transparent=False, long="payload"))
        smsc = self.provider(demands=demands, per_segment=True)
        client = await FakeClient.connect(self, smsc.ports["a"])
        await client.bind(b"us", b"")
        for octets, receipts in ((160, 1), (400, 3)):
            payload = [(TLV_MESSAGE_PAYLOAD, b"x" * octets)]
            client.send(build.submit_sm(2, registered_delivery=1, tlvs=payload))
            resp = await client.expect(SUBMIT_SM_RESP)
            told = await client.expect_many(receipts, DELIVER_SM)
            ids = {dict(read_message(pdu).tlvs)[TLV_RECEIPTED_MESSAGE_ID] for pdu in told}
            self.assertEqual(ids, {read_message_id(resp) + b"\0"})
        self.assertEqual(smsc.counts.receipts_sent, 4)

    async def test_a_preset(self) -> None:
        """A client that keeps to the profile has every message delivered by its provider."""
        smsc = Smsc(reactor, options_for("gatewayapi"))
        smsc.listen("a")
        self.addCleanup(smsc.stop)
        esme = self.client(smsc.ports["a"], count=30, window=10)
        await self.finished(esme, smsc)
        self.assertEqual(histories.check_client(esme), [])
        self.assertEqual({len(sent.message_id) for sent in esme.history}, {8})
