"""The simulated client over real sockets, against the simulated provider."""

from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import optionsForClientTLS

from smppproxy.simulator import histories
from smppproxy.simulator.certificate import self_signed
from smppproxy.simulator.esme import LOST, Esme, EsmeOptions
from smppproxy.simulator.smsc import Smsc
from smppproxy.smpp import build
from smppproxy.smpp.timers import Timers
from tests.simulator.pair import PairCase, reactor


class Sessions(PairCase):
    """Binding, losing and leaving."""

    async def test_each_kind_of_bind(self) -> None:
        """``bind``: trx, tx and rx, or tx with rx, each as many times as ``binds``."""
        smsc = self.provider()
        for kind, expected in (("trx", 2), ("tx", 2), ("rx", 2), ("txrx", 4)):
            esme = self.client(smsc.ports["a"], bind=kind, binds=2, count=5)
            await self.bound(esme, expected)
            if kind == "rx":
                self.assertEqual(esme.tally.submitted, 0)
            elif kind != "tx":
                await self.finished(esme, smsc)
                self.assertEqual(histories.check_client(esme), [])
            await esme.stop()
            self.assertEqual((esme.bound, esme.links), (0, []))

    async def test_the_port_opens_later(self) -> None:
        """A refused connection is tried again every ``reconnect_delay``."""
        smsc = Smsc(reactor)
        self.addCleanup(smsc.stop)
        port = smsc.listen("a")
        await smsc.crash("a")
        esme = self.client(port)
        await self.wait(lambda: esme.connections_failed >= 2, "two refused connections")
        smsc.restore("a")
        await self.wait(lambda: esme.bound == 1, "bound")

    async def test_stopped_while_it_waits_to_reconnect(self) -> None:
        """Stopping cancels the next attempt."""
        smsc = self.provider()
        await smsc.crash("a")
        esme = self.client(smsc.ports["a"], reconnect_delay=60.0)
        await self.wait(lambda: esme.connections_failed == 1)
        await esme.stop()
        self.assertEqual(esme.links, [])

    async def test_stopped_before_it_is_bound(self) -> None:
        """A session whose bind is unanswered is closed without an unbind."""
        silent = Factory.forProtocol(Protocol)
        listening = reactor.listenTCP(0, silent, interface="127.0.0.1")
        self.addCleanup(listening.stopListening)
        esme = self.client(listening.getHost().port)
        await self.wait(lambda: esme.links and esme.links[0].up)
        await esme.stop()
        self.assertEqual(esme.tally.binds, 0)

    async def test_lost_submits_are_remembered_not_resubmitted(self) -> None:
        """What was unanswered when the session ended stays LOST; the client goes on with others."""
        smsc = self.provider(silence=1.0, receipts=False)
        esme = self.client(smsc.ports["a"], count=20, window=10)
        await self.wait(lambda: smsc.counts.unanswered == 10)
        smsc.options.silence = 0.0
        smsc.drop("a")
        await self.wait(lambda: esme.tally.accepted == 10, "the other ten")
        self.assertEqual([sent.status for sent in esme.history], [LOST] * 10 + [0] * 10)
        self.assertEqual((esme.tally.lost, esme.tally.sessions_lost), (10, 1))

    async def test_late_answers_count(self) -> None:
        """An answer after the timeout still tells the client its id."""
        smsc = self.provider(response_delay=1.5, receipts=False)
        esme = self.client(
            smsc.ports["a"], count=2, registered_delivery=0, timers=Timers(response=0.2)
        )
        await self.wait(lambda: esme.tally.lost == 2, "given up")
        await self.wait(lambda: esme.tally.accepted == 2, "answered after all")
        self.assertEqual(esme.tally.lost, 0)

    async def test_tls(self) -> None:
        """``tls``: the same over TLS, the certificate verified."""
        smsc = Smsc(reactor)
        self.addCleanup(smsc.stop)
        own = self_signed("localhost")
        port = smsc.listen("a", tls=own.server)
        creator = optionsForClientTLS("localhost", trustRoot=own.trust_root)
        esme = self.client(port, count=20, tls=creator)
        await self.wait(lambda: esme.done and smsc.idle, "receipts over TLS")
        self.assertEqual(histories.check_client(esme), [])
        await smsc.crash("a")
        smsc.restore("a")
        await self.wait(lambda: esme.tally.binds == 2, "bound again over TLS")


class Submitting(PairCase):
    """Rate, count and windows."""

    async def test_rate(self) -> None:
        """``rate``: as many a second as asked, over all sessions, spread evenly."""
        smsc = self.provider("a")
        esme = self.client(smsc.ports["a"], rate=100.0, binds=2)
        await self.wait(lambda: esme.tally.submitted >= 40)
        took = reactor.seconds() - esme.history[0].submitted_at
        self.assertGreater(took, 0.35)
        esme.quit()
        await self.wait(lambda: esme.done, "receipts of all")
        submitted = esme.tally.submitted
        await self.wait(lambda: smsc.idle)
        self.assertEqual(esme.tally.submitted, submitted)

    async def test_another_rate(self) -> None:
        """A rate that changes counts from then on: nothing is owed, nothing was too much."""
        smsc = self.provider("a")
        esme = self.client(smsc.ports["a"], rate=1000.0)
        await self.wait(lambda: esme.tally.submitted >= 200)
        esme.change_rate(50.0)
        before, moment = esme.tally.submitted, reactor.seconds()
        await self.wait(lambda: esme.tally.submitted >= before + 5)
        esme.change_rate(1000.0)
        self.assertLess(esme.tally.submitted - before, 50 * (reactor.seconds() - moment) + 20)
        await self.wait(lambda: esme.tally.submitted >= before + 200)

    async def test_count_and_window(self) -> None:
        """``count`` messages and no more; never more than ``window`` unanswered."""
        smsc = self.provider(response_delay=0.05)
        esme = self.client(smsc.ports["a"], count=25, window=10)
        await self.wait(lambda: smsc.counts.submits == 10)
        self.assertEqual(esme.tally.submitted, 10)
        self.assertEqual(esme.pending, 10)
        await self.wait(lambda: esme.done)
        self.assertEqual(len(esme.history), 25)

    async def test_prefixes(self) -> None:
        """``prefixes`` in turn, each destination carries the number of its message."""
        smsc = self.provider()
        esme = self.client(smsc.ports["a"], count=3, prefixes=(b"4670", b"49171"))
        await self.wait(lambda: esme.done)
        destinations = [accepted.destination[2] for accepted in smsc.history]
        self.assertEqual(destinations, [b"467000000000", b"4917100000001", b"467000000002"])

    async def test_thousands_a_second(self) -> None:
        """Without a rate it is bounded by its windows only: 3,000 messages with receipts."""
        _, esme = await self.run_through(3000)
        self.assertEqual(histories.check_client(esme), [])


class Hearing(PairCase):
    """What comes from the server."""

    async def test_a_stranger_s_receipt(self) -> None:
        """A receipt with an id of ours for a number that is not the message's is foreign."""
        smsc, esme = await self.run_through(1)
        link = smsc.links("a")[0]
        raw = build.deliver_sm(
            77,
            source_addr=b"49999",
            destination_addr=esme.options.source,
            esm_class=4,
            short_message=b"id:1 stat:DELIVRD text:",
        )
        link.send(raw)
        await self.wait(lambda: esme.foreign, "the stranger's receipt")
        self.assertIn("someone else", histories.check_client(esme)[0])

    async def test_a_receipt_without_an_id(self) -> None:
        """A receipt that names no message is unknown."""
        smsc, esme = await self.run_through(1)
        raw = build.deliver_sm(77, source_addr=b"1", esm_class=4, short_message=b"")
        smsc.links("a")[0].send(raw)
        await self.wait(lambda: esme.unknown)
        self.assertIn("unknown message_id", histories.check_client(esme)[0])

    async def test_unreadable_delivery(self) -> None:
        """A deliver_sm whose body breaks the field rules is refused and counted."""
        smsc, esme = await self.run_through(1)
        raw = bytearray(build.deliver_sm(77, short_message=b"x"))
        raw[-2] = 200
        smsc.links("a")[0].send(bytes(raw))
        await self.wait(lambda: esme.tally.unreadable == 1)

    async def test_refuses_some(self) -> None:
        """``deliver_status``: a fraction is refused, the others are taken."""
        smsc = self.provider(retry=0.01)
        esme = self.client(smsc.ports["a"], count=60, deliver_status={0x64: 0.5})
        await self.wait(lambda: esme.done and smsc.idle, "all taken in the end")
        self.assertGreater(smsc.counts.deliveries_retried, 5)
        self.assertEqual(smsc.counts.receipts_acked, 60)

    def test_password_is_not_shown(self) -> None:
        """The options' repr holds no password."""
        self.assertNotIn("secret", repr(EsmeOptions(password=b"secret")))

    def test_unknown_bind_is_refused(self) -> None:
        """A kind of bind that is not there is an error when the options are made."""
        with self.assertRaises(ValueError):
            EsmeOptions(bind="both")

    def test_idle_client(self) -> None:
        """A client that was never started has nothing pending."""
        esme = Esme(reactor)
        self.assertEqual((esme.pending, esme.bound, esme.done), (0, 0, False))
