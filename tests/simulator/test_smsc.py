"""The simulated provider: every option, over real sockets, against the simulated client."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import ClientCreator, Protocol, connectionDone
from twisted.python.failure import Failure

from smppproxy.simulator import esme as simulated_client
from smppproxy.simulator import histories
from smppproxy.simulator.shapes import ID_FORMATS
from smppproxy.simulator.smsc import Smsc, SmscOptions
from smppproxy.smpp.constants import ESME_RALYBND, ESME_RBINDFAIL, ESME_RTHROTTLED
from smppproxy.smpp.timers import Timers
from tests.simulator.pair import PairCase, reactor


class Submitting(PairCase):
    """What a submit_sm gets."""

    async def test_every_message_is_answered_and_receipted(self) -> None:
        """Plain habits: each submit_sm gets an id of its own and one receipt, acknowledged."""
        smsc, esme = await self.run_through(200)
        self.assertEqual(histories.check_client(esme), [])
        self.assertEqual(histories.check_providers([esme], [smsc]), [])
        self.assertEqual(histories.check_acknowledged(smsc), [])
        self.assertEqual((smsc.counts.accepted, smsc.counts.receipts_acked), (200, 200))
        self.assertEqual({sent.stat for sent in esme.history}, {b"DELIVRD"})
        self.assertTrue(all(accepted.answered for accepted in smsc.history))

    async def test_errors_in_the_given_fractions(self) -> None:
        """``errors`` refuses with each status about as often as it says, and gives no receipt."""
        smsc, esme = await self.run_through(400, errors={0x0B: 0.2, 0x08: 0.3})
        statuses = [sent.status for sent in esme.history]
        self.assertTrue(40 < statuses.count(0x0B) < 130, statuses.count(0x0B))
        self.assertTrue(70 < statuses.count(0x08) < 180, statuses.count(0x08))
        self.assertEqual(smsc.counts.refused, 400 - statuses.count(0))
        self.assertEqual(histories.check_client(esme), [])

    async def test_only_one_source_is_unlucky(self) -> None:
        """``unlucky``: errors and undelivered are for messages of this source, for no others."""
        smsc = self.provider(errors={0x0B: 0.5}, undelivered=1.0, unlucky=b"smppproxy")
        ours = self.client(smsc.ports["a"], count=50)
        theirs = self.client(smsc.ports["a"], count=50, system_id=b"x", source=b"12345")
        await self.wait(lambda: ours.done and theirs.done and smsc.idle, "answers and receipts")
        self.assertTrue(5 < ours.tally.refused < 45, ours.tally.refused)
        self.assertEqual({sent.stat for sent in ours.history} - {b""}, {b"UNDELIV"})
        self.assertEqual(theirs.tally.refused, 0)
        self.assertEqual({sent.stat for sent in theirs.history}, {b"DELIVRD"})

    async def test_throttled_above_its_tps(self) -> None:
        """``tps``: what is beyond the rate is refused with ESME_RTHROTTLED."""
        smsc, esme = await self.run_through(100, tps=30)
        throttled = [sent for sent in esme.history if sent.status == ESME_RTHROTTLED]
        self.assertEqual(smsc.counts.throttled, len(throttled))
        self.assertGreater(len(throttled), 40)

    async def test_response_delay(self) -> None:
        """``response_delay``: no response comes earlier than the least of it."""
        _, esme = await self.run_through(20, response_delay=(0.02, 0.04))
        waits = [sent.answered_at - sent.submitted_at for sent in esme.history]
        self.assertGreaterEqual(min(waits), 0.019)

    async def test_delayed_refusals_come_too(self) -> None:
        """A refusal waits as long as an acceptance would."""
        _, esme = await self.run_through(5, response_delay=0.02, errors={0x0A: 1.0})
        self.assertEqual({sent.status for sent in esme.history}, {0x0A})
        self.assertEqual(esme.tally.refused, 5)

    async def test_silence(self) -> None:
        """``silence``: accepted, receipted, never answered: the client's side stays in doubt."""
        smsc = self.provider(silence=1.0)
        esme = self.client(smsc.ports["a"], count=10)
        await self.wait(lambda: len(esme.unknown) == 10, "receipts of unanswered messages")
        self.assertEqual(smsc.counts.unanswered, 10)
        self.assertEqual(esme.tally.accepted, 0)

    async def test_unreadable_submit_is_refused(self) -> None:
        """A body that breaks the field rules gets its own response with the field's status."""
        smsc = self.provider()
        esme = self.client(smsc.ports["a"], count=1, prefixes=(b"123456789012345",))
        await self.wait(lambda: esme.tally.refused == 1, "a refusal")
        self.assertEqual(smsc.counts.unreadable, 1)
        self.assertEqual(esme.history[0].status, 0x0B)


class Ids(PairCase):
    """The forms of message ids."""

    async def test_each_form(self) -> None:
        """``id_format``: response and receipt carry the id in that form, and it matches."""
        for form, example in {
            "dec": b"255",
            "hex": b"ff",
            "HEX": b"FF",
            "padded": b"0000000255",
            "padded-hex": b"000000FF",
        }.items():
            smsc, esme = await self.run_through(1, id_format=form, id_start=255)
            self.assertEqual(esme.history[0].message_id, example)
            self.assertEqual(smsc.history[0].message_id, example)
            self.assertEqual(histories.check_client(esme), [])

    async def test_uuid(self) -> None:
        """UUIDs of 36 characters and hex of 32: none twice, the same again in another run."""
        for form, length in (("uuid", 36), ("hex32", 32)):
            _, esme = await self.run_through(10, id_format=form)
            ids = [sent.message_id for sent in esme.history]
            self.assertEqual({len(known) for known in ids}, {length})
            self.assertEqual(len(set(ids)), 10)
            self.assertEqual(ID_FORMATS[form](7), ID_FORMATS[form](7))

    async def test_constant_and_empty(self) -> None:
        """Ids that tell nothing, as two real servers give them."""
        for form, value in (("constant", b"msg_id_not_implemented"), ("empty", b"")):
            smsc = self.provider(id_format=form, receipts=False)
            esme = self.client(smsc.ports["a"], count=3, registered_delivery=0)
            await self.finished(esme, smsc)
            self.assertEqual([sent.message_id for sent in esme.history], [value] * 3)

    async def test_another_form_in_the_receipt(self) -> None:
        """``receipt_id_format`` and ``tlv_id_format``: text and TLV show the same number apart."""
        smsc = self.provider(
            id_format="hex", receipt_id_format="padded", tlv_id_format="HEX", id_start=171
        )
        esme = self.client(smsc.ports["a"], count=1)
        await self.wait(lambda: esme.unknown, "the receipt")
        heard = esme.unknown[0]
        self.assertEqual(esme.history[0].message_id, b"ab")
        self.assertEqual(heard.message_id, b"AB")
        self.assertTrue(heard.text.startswith(b"id:0000000171 "), heard.text)

    def test_unknown_form_is_refused(self) -> None:
        """A form that is not there is an error when the options are made."""
        for option in ("id_format", "receipt_id_format", "tlv_id_format", "shape", "unbind"):
            with self.assertRaises(ValueError):
                SmscOptions(**{option: "octal"})  # type: ignore[arg-type]


class Receipts(PairCase):
    """The habits of receipts."""

    async def test_each_shape_reaches_the_client(self) -> None:
        """``shape``: the id is found wherever the provider puts it."""
        for shape in ("both", "text", "tlv", "payload", "data_sm"):
            smsc, esme = await self.run_through(5, shape=shape)
            self.assertEqual(histories.check_client(esme), [], shape)
            self.assertEqual(smsc.counts.receipts_acked, 5, shape)

    async def test_data_sm_receipts_keep_their_window(self) -> None:
        """data_sm_resp free the window as deliver_sm_resp do, also hundreds of them."""
        smsc, esme = await self.run_through(300, shape="data_sm", window=10)
        self.assertEqual(smsc.counts.receipts_acked, 300)
        self.assertEqual(esme.tally.sessions_lost, 0)

    async def test_early(self) -> None:
        """``early``: the receipt leaves before the response of its submit_sm."""
        _, esme = await self.run_through(10, early=1.0)
        self.assertTrue(all(sent.late for sent in esme.history))
        self.assertEqual(esme.unknown, [])
        self.assertIn("10 message(s) with a receipt before", histories.check_client(esme)[0])

    async def test_other_host(self) -> None:
        """``other_host``: submitted on a, receipted on b; on a again when b has no receiver."""
        smsc = self.provider("a", "b", other_host=1.0)
        esme = self.client(smsc.ports["a"], count=5, bind="tx")
        other = self.client(smsc.ports["b"], bind="rx")
        await self.wait(lambda: len(other.unknown) == 5, "receipts on b")
        self.assertEqual(esme.tally.receipts, 0)
        self.assertEqual(smsc.accepted_on, {"a": 5})

    async def test_one_host_has_no_other(self) -> None:
        """``other_host`` of a provider with one host changes nothing."""
        _, esme = await self.run_through(3, other_host=1.0)
        self.assertEqual(histories.check_client(esme), [])

    async def test_duplicates(self) -> None:
        """``duplicates``: final receipts come twice, and the client's history says so."""
        smsc, esme = await self.run_through(10, duplicates=1.0)
        self.assertEqual(smsc.counts.duplicates_sent, 10)
        self.assertEqual(esme.tally.duplicated, 10)
        self.assertIn("10 repeated receipts", histories.check_client(esme)[0])
        self.assertEqual(histories.check_client(esme, exactly_once=False), [])
        self.assertEqual(histories.check_client(esme, allowed_duplicates=10), [])

    async def test_undelivered(self) -> None:
        """``undelivered``: the receipt says UNDELIV."""
        _, esme = await self.run_through(5, undelivered=1.0)
        self.assertEqual({sent.stat for sent in esme.history}, {b"UNDELIV"})

    async def test_intermediate(self) -> None:
        """``intermediate``: an ENROUTE notification precedes the final receipt where asked for."""
        smsc = self.provider(intermediate=True)
        esme = self.client(smsc.ports["a"], count=4, registered_delivery=0x11)
        await self.wait(lambda: esme.done and smsc.idle, "both receipts")
        self.assertEqual([sent.intermediate for sent in esme.history], [1] * 4)
        self.assertEqual([sent.receipts for sent in esme.history], [1] * 4)
        self.assertEqual(histories.check_client(esme), [])

    async def test_only_what_was_asked_for(self) -> None:
        """registered_delivery 0: none; 2: failures only."""
        smsc = self.provider()
        silent = self.client(smsc.ports["a"], count=3, registered_delivery=0)
        failures = self.client(smsc.ports["a"], count=3, registered_delivery=2, system_id=b"x")
        await self.wait(lambda: silent.done and failures.done, "answers")
        self.assertEqual(smsc.counts.accepted, 6)
        smsc.options.undelivered = 1.0
        more = self.client(smsc.ports["a"], count=3, registered_delivery=2, system_id=b"y")
        await self.wait(lambda: more.tally.receipted == 3, "receipts of failures")
        self.assertEqual(smsc.counts.receipts_sent, 3)

    async def test_receipt_delay(self) -> None:
        """``receipt_delay``: no receipt comes earlier than the least of it."""
        _, esme = await self.run_through(10, receipt_delay=(0.03, 0.05))
        waits = [sent.receipt_at - sent.answered_at for sent in esme.history]
        self.assertGreaterEqual(min(waits), 0.025)

    async def test_window_is_kept(self) -> None:
        """``window``: a receiver that does not answer gets so many and no more."""
        smsc = self.provider(window=3)
        esme = self.client(smsc.ports["a"], count=10, deliver_silence=1.0)
        await self.wait(lambda: esme.tally.receipted == 3 and smsc.mailbox.waiting == 7)
        self.assertEqual(smsc.mailbox.unacknowledged, 3)
        self.assertFalse(smsc.idle)

    async def test_delivered_again_after_reconnect(self) -> None:
        """What was not acknowledged when the connection went comes again on the next one."""
        smsc = self.provider()
        esme = self.client(smsc.ports["a"], count=5, deliver_silence=1.0)
        await self.wait(lambda: esme.tally.receipted == 5, "unacknowledged receipts")
        esme.options.deliver_silence = 0.0
        smsc.drop("a")
        await self.wait(lambda: smsc.counts.receipts_acked == 5, "the receipts again")
        self.assertEqual(smsc.counts.deliveries_retried, 5)
        self.assertEqual(esme.tally.duplicated, 5)

    async def test_delivered_again_after_a_timeout(self) -> None:
        """What is not answered in time comes again on the same connection."""
        smsc = self.provider(timers=Timers(response=0.2))
        esme = self.client(smsc.ports["a"], count=2, deliver_silence=1.0)
        await self.wait(lambda: esme.tally.receipted == 2, "unacknowledged receipts")
        esme.options.deliver_silence = 0.0
        await self.wait(lambda: smsc.counts.receipts_acked == 2, "the receipts again")
        self.assertEqual(esme.tally.duplicated, 2)

    async def test_temporary_and_final_refusals(self) -> None:
        """A temporary refusal is tried again after ``retry``, another one is the end of it."""
        smsc = self.provider(retry=0.02)
        esme = self.client(smsc.ports["a"], count=4, deliver_status={0x64: 1.0})
        await self.wait(lambda: smsc.counts.deliveries_retried >= 4, "a second try")
        esme.options.deliver_status = {0x0B: 1.0}
        await self.wait(lambda: smsc.counts.deliveries_refused == 4 and smsc.idle, "the end")
        self.assertEqual(smsc.counts.receipts_acked, 0)
        self.assertIn("never acknowledged", histories.check_acknowledged(smsc)[0])


class MobileOriginated(PairCase):
    """MO messages."""

    async def test_mo_rate(self) -> None:
        """``mo_rate``: each bound system_id gets its share, or only the account named."""
        smsc = self.provider(mo_rate=100.0, mo_account=b"one")
        one = self.client(smsc.ports["a"], bind="rx", system_id=b"one")
        two = self.client(smsc.ports["a"], bind="rx", system_id=b"two")
        await self.wait(lambda: one.tally.mo >= 5, "MO messages")
        self.assertEqual(two.tally.mo, 0)
        smsc.options.mo_account = b""
        await self.wait(lambda: two.tally.mo >= 5 and smsc.counts.mo_acked >= 10, "for both")

    async def test_one_mo(self) -> None:
        """``send_mo``: one message with the given numbers and text."""
        smsc = self.provider("a", "b")
        esme = self.client(smsc.ports["b"])
        smsc.send_mo(b"demo", b"777", b"ping", b"46709", host="b")
        await self.wait(lambda: esme.mo, "the MO message")
        heard = esme.mo[0]
        self.assertEqual((heard.source, heard.destination, heard.text), (b"46709", b"777", b"ping"))


class Binding(PairCase):
    """Who may bind, and how sessions end."""

    async def test_refuse_bind(self) -> None:
        """``refuse_bind``: every bind gets the status, and the client tries again."""
        smsc = self.provider(refuse_bind=0x0D)
        esme = self.client(smsc.ports["a"])
        await self.wait(lambda: esme.tally.binds_refused >= 2, "two refusals")
        self.assertEqual(smsc.counts.binds, 0)
        self.assertEqual(smsc.links(bound=True), [])

    async def test_accounts(self) -> None:
        """``accounts``: the right password binds, a wrong one and a stranger do not."""
        smsc = self.provider(accounts={b"demo": b"demo"})
        good = self.client(smsc.ports["a"])
        wrong = self.client(smsc.ports["a"], password=b"else")
        stranger = self.client(smsc.ports["a"], system_id=b"else")
        await self.wait(
            lambda: good.bound and wrong.tally.binds_refused and stranger.tally.binds_refused
        )
        self.assertEqual(smsc.counts.binds, 1)

    async def test_empty_system_id(self) -> None:
        """A bind without a system_id is refused even where anyone may bind."""
        smsc = self.provider()
        esme = self.client(smsc.ports["a"], system_id=b"")
        await self.wait(lambda: esme.tally.binds_refused, "a refusal")
        self.assertEqual(smsc.counts.binds, 0)

    async def test_unreadable_bind(self) -> None:
        """A bind whose body breaks the field rules is refused."""
        smsc = self.provider()
        esme = self.client(smsc.ports["a"], system_type=b"x" * 200)
        await self.wait(lambda: esme.tally.binds_refused, "a refusal")
        self.assertEqual(smsc.counts.binds_refused, esme.tally.binds_refused)

    async def test_max_binds(self) -> None:
        """``max_binds``: one more gets ESME_RALYBND; each host counts for itself."""
        smsc = self.provider("a", "b", max_binds=1)
        first = self.client(smsc.ports["a"])
        await self.wait(lambda: first.bound)
        second = self.client(smsc.ports["a"])
        elsewhere = self.client(smsc.ports["b"])
        await self.wait(lambda: second.tally.binds_refused and elsewhere.bound)
        self.assertEqual((ESME_RALYBND, ESME_RBINDFAIL), (0x05, 0x0D))

    async def test_unbind_habits(self) -> None:
        """``unbind``: answered, closed without an answer, or ignored until the client gives up."""
        for habit in ("answer", "close", "ignore"):
            smsc = self.provider(unbind=habit)
            esme = self.client(smsc.ports["a"], timers=Timers(unbind=0.1))
            await self.bound(esme)
            await esme.stop()
            await smsc.crash("a")
            self.assertEqual(smsc.counts.unbinds, 1, habit)
            self.assertEqual(esme.links, [])

    async def test_planned_stop_of_a_host(self) -> None:
        """``unbind(host)``: its sessions are asked to go; the client answers and comes back."""
        smsc = self.provider()
        esme = self.client(smsc.ports["a"])
        await self.wait(lambda: esme.bound)
        smsc.unbind("a")
        await self.wait(lambda: esme.tally.binds == 2, "bound again")

    async def crossed(self, farewell: float, silence: float) -> tuple[int, int]:
        """Five submits and an unbind cross: how many are accepted, how many lost."""
        self.patch(simulated_client, "FAREWELL", farewell)
        smsc = self.provider(response_delay=0.2, silence=silence, receipts=False)
        esme = self.client(smsc.ports["a"], count=5)
        await self.wait(lambda: esme.tally.submitted == 5, "submitted")
        smsc.unbind("a")
        await self.wait(lambda: esme.tally.sessions_lost == 1, "unbound")
        return esme.tally.accepted, esme.tally.lost

    async def test_submits_that_cross_an_unbind(self) -> None:
        """The client waits for their answers before it answers the unbind, but not for ever."""
        self.assertEqual(await self.crossed(20.0, silence=0.0), (5, 0))
        self.assertEqual(await self.crossed(0.1, silence=1.0), (0, 5))

    async def test_crash_and_restore(self) -> None:
        """A crashed host refuses connections until it is back on its port; ids go on."""
        smsc = self.provider("a", "b")
        esme = self.client(smsc.ports["a"], rate=200.0)
        await self.wait(lambda: smsc.counts.accepted >= 10, "traffic")
        before = smsc.counts.accepted
        await smsc.crash("a")
        self.assertEqual((smsc.links("a"), smsc.listens("a")), ([], False))
        await smsc.crash("a")
        self.assertEqual(smsc.restore("a"), smsc.ports["a"])
        await self.wait(lambda: smsc.counts.accepted >= before + 10, "traffic again")
        esme.quit()
        await self.wait(lambda: esme.tally.receipted >= esme.tally.accepted, "receipts")
        numbers = [accepted.number for accepted in smsc.history]
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)))

    async def test_receipts_of_a_crashed_host_come_on_the_other(self) -> None:
        """Hosts share what is undelivered: the receipt of a message on a comes over b."""
        smsc = self.provider("a", "b", receipt_delay=0.1)
        esme = self.client(smsc.ports["a"], count=5)
        other = self.client(smsc.ports["b"], bind="rx")
        await self.wait(lambda: esme.tally.accepted == 5 and other.bound)
        await smsc.crash("a")
        await self.wait(lambda: len(other.unknown) == 5, "the receipts on b")

    async def test_who_does_not_bind_is_closed(self) -> None:
        """``timers``: a connection without a bind ends after ``session_init``."""
        smsc = self.provider(timers=Timers(session_init=0.2))
        ended: Deferred[None] = Deferred()

        class Silent(Protocol):
            def connectionLost(self, reason: Failure = connectionDone) -> None:
                ended.callback(None)

        ClientCreator(reactor, Silent).connectTCP("127.0.0.1", smsc.ports["a"])
        await ended
        await self.wait(lambda: not smsc.links())

    async def test_who_is_silent_is_asked(self) -> None:
        """``timers``: enquire_link after so much silence; an answer keeps the session."""
        smsc = self.provider(timers=Timers(enquire_link=0.5, enquire_answer=5.0))
        asked: list[bytes] = []
        esme = self.client(smsc.ports["a"], bind="rx")
        await self.bound(esme)
        link = smsc.links()[0]
        send = link.send

        def watched(data: bytes) -> None:
            asked.append(data)
            send(data)

        self.patch(link, "send", watched)
        await self.wait(lambda: len(asked) >= 2, "two enquire_link")
        self.assertEqual({data[4:8] for data in asked}, {b"\0\0\0\x15"})
        self.assertEqual(esme.tally.sessions_lost, 0)

    def test_nothing_is_delivered_once_it_is_stopped(self) -> None:
        """What is queued after the end stays queued."""
        smsc = Smsc(reactor)
        smsc.mailbox.close()
        smsc.send_mo(b"demo")
        smsc.mailbox.flush()
        self.assertEqual((smsc.mailbox.waiting, smsc.counts.mo_sent), (1, 0))

    def test_stop_before_anything(self) -> Any:
        """A provider that never listened can be stopped."""
        return Smsc(reactor).stop()
