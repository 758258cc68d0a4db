"""Events of the message log that go beyond a message that goes well."""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.admin.message_log import kept, rows
from smppproxy.admin.message_log.lines import Lines
from smppproxy.admin.message_log.pieces import inside, said
from smppproxy.admin.message_log.tally import Tally
from smppproxy.routing.mo import MoRoute
from smppproxy.smpp import constants as c
from smppproxy.store.records import ReceiptRecord
from tests.relay.presets import preset_provider
from tests.support.memory_peers import World, make_account, make_provider, mo, submit
from tests.support.message_log import FIELDS, LoggedWorld

TO = b"4510203040"


class EventCase(SynchronousTestCase):
    """A world with a message log."""

    def begin(self, *accounts: Any, **options: Any) -> None:
        """An account acme and a provider, unless said otherwise; a client and a bind."""
        self.world = World(accounts or [make_account()], **options)
        self.log = LoggedWorld(self.world)
        self.client = self.world.client()
        self.upstream = self.world.upstream()

    def only(self) -> dict[str, Any]:
        """The one event that there is."""
        (event,) = self.log.take()
        self.assertEqual(set(FIELDS) - event.keys(), set())
        return event

    def accepted(self, message_id: bytes = b"77", octets: bytes = b"") -> dict[str, Any]:
        """One message is taken: its event."""
        self.client.receive(octets or submit(1, TO))
        self.upstream.accept(*[(pdu, message_id) for pdu in self.upstream.submits()])
        return self.only()


class SubmitTests(EventCase):
    """What becomes of submit_sm."""

    def test_in_doubt_and_answered(self) -> None:
        """A message whose host went is told as in doubt: where it was, and its id."""
        self.begin(make_account(in_doubt="answer"))
        self.client.receive(submit(1, TO))
        self.upstream.lose()
        event = self.only()
        self.assertEqual(event["event"], "in_doubt")
        self.assertEqual(event["command_status"], "ESME_RUNKNOWNERR")
        self.assertEqual((event["provider"], event["host"], event["bind"]), ("p", "a", ""))
        self.assertTrue(event["client_message_id"])
        result = {count[4] for count in self.log.counts()}
        self.assertEqual(result, {"ESME_RUNKNOWNERR"})

    def test_resent_and_accepted(self) -> None:
        """A second copy is an event of its own, and its acceptance says so."""
        self.begin()
        other = self.world.upstream("b")
        self.client.receive(submit(1, TO))
        first, second = self.upstream, other
        if not first.submits():
            first, second = other, self.upstream
        first.lose()
        event = self.only()
        self.assertEqual((event["event"], event["bind"]), ("resent", second.name))
        second.accept(*[(pdu, b"9") for pdu in second.submits()])
        accepted = self.only()
        self.assertTrue(accepted["resent"])
        self.assertEqual(accepted["client_message_id"], event["client_message_id"])

    def test_abandoned(self) -> None:
        """A message whose client went before it was sent is one event."""
        self.begin(providers=[make_provider(window=1)])
        self.client.receive(submit(1, TO), submit(2, TO))
        self.client.lose()
        self.world.advance(31)
        self.assertEqual([event["event"] for event in self.log.take()], ["abandoned"])

    def test_several_parts(self) -> None:
        """A message that went as several submit_sm has all the ids that they were given."""
        self.begin(providers=[preset_provider("default", window=10)])
        payload = ((c.TLV_MESSAGE_PAYLOAD, b"x" * 300),)
        self.client.receive(submit(1, TO, short_message=b"", tlvs=payload))
        pdus = self.upstream.submits()
        self.upstream.accept(*[(pdu, b"%d" % n) for n, pdu in enumerate(pdus, 70)])
        event = self.only()
        self.assertEqual((event["parts"], event["provider_message_id"]), (len(pdus), "70"))
        self.assertEqual(event["provider_message_ids"], ["70", "71"])

    def test_no_id(self) -> None:
        """A provider that gives no id leaves the event without one."""
        self.begin()
        event = self.accepted(b"")
        self.assertEqual((event["provider_message_id"], event["provider"]), ("", "p"))
        self.assertTrue(event["client_message_id"])

    def test_the_clients_reference(self) -> None:
        """user_message_reference is told as clients write it: two octets as a number (GW-33)."""
        self.begin()
        for octets, shown in ((b"\x13\x37", "4919"), (b"order-7\0", "order-7")):
            tlvs = ((c.TLV_USER_MESSAGE_REFERENCE, octets),)
            event = self.accepted(octets=submit(1, TO, tlvs=tlvs))
            self.assertEqual(event["user_message_reference"], shown)

    def test_what_cannot_be_read(self) -> None:
        """A submit_sm without a readable layout is told all the same, without a text."""
        for wish in ("metadata", "full"):
            self.begin(make_account(message_log=wish))
            whole = submit(1, TO)
            self.client.receive((len(whole) - 30).to_bytes(4, "big") + whole[4:-30])
            event = self.only()
            self.assertEqual((event["event"], event["destination_addr"]), ("refused", ""))
            self.assertNotIn("text", event)

    def test_the_text(self) -> None:
        """message_log = "full": the text by its data_coding; octets in hex where it is none."""
        self.begin(make_account(message_log="full"))
        for octets, options, field, shown in (
            (b"caf\x05", {}, "text", "caf\u00e9"),
            ("\u0416".encode("utf-16-be"), {"data_coding": 8}, "text", "\u0416"),
            (b"\x00\xff", {"data_coding": 4}, "octets", "00ff"),
            (b"\xd8", {"data_coding": 8}, "octets", "d8"),
            (b"\x05\x00\x03\x01\x02\x01half", {"esm_class": 0x40}, "text", "half"),
        ):
            event = self.accepted(octets=submit(1, TO, short_message=octets, **options))
            self.assertEqual(event[field], shown)
        payload = ((c.TLV_MESSAGE_PAYLOAD, b"long"),)
        event = self.accepted(octets=submit(1, TO, tlvs=payload, short_message=b""))
        self.assertEqual(event["text"], "long")


class ReceiptTests(EventCase):
    """What providers send."""

    def test_verdicts(self) -> None:
        """Parked, duplicate, superseded, quarantined and unreadable receipts say so, with whose
        they are where that is known.
        """
        self.begin()
        self.upstream.receipt(b"early", TO)
        self.assertEqual(self.only()["verdict"], "parked")
        message_id = self.accepted()["client_message_id"]
        for verdict, whose, to, stat in (
            ("queued", ("acme", message_id), TO, b"DELIVRD"),
            ("duplicate", ("acme", message_id), TO, b"DELIVRD"),
            ("superseded", ("acme", message_id), TO, b"UNDELIV"),
            ("quarantined", ("", ""), b"4599999999", b"DELIVRD"),
        ):
            self.upstream.receipt(b"77", to, stat)
            event = self.only()
            self.assertEqual(event["verdict"], verdict)
            self.assertEqual((event["account"], event["client_message_id"]), whose)
            self.assertEqual(event["provider_message_id"], "77")
        self.upstream.receipt(b"", TO, short_message=b"garbage")
        self.assertEqual(self.only()["verdict"], "unreadable")

    def test_a_client_that_refuses(self) -> None:
        """A delivery that was refused says with what, and whether it is tried again."""
        self.begin()
        self.accepted()
        self.upstream.receipt(b"77", TO)
        self.only()
        self.client.acknowledge(self.client.deliveries(), c.ESME_RMSGQFUL)
        event = self.only()
        self.assertEqual(event["event"], "delivery_refused")
        self.assertEqual((event["command_status"], event["again"]), ("ESME_RMSGQFUL", True))
        self.world.advance(11)
        self.client.acknowledge(self.client.deliveries(), c.ESME_RINVDSTADR)
        event = self.only()
        self.assertEqual((event["event"], event["attempts"]), ("delivery_refused", 2))
        self.assertNotIn("again", event)

    def test_mo(self) -> None:
        """An MO message is an event when it comes, with its text where the account wants that, and
        one when it is taken; one for nobody says so.
        """
        routes = [MoRoute("acme", frozenset({"1234"}))]
        for wish, text in (("full", "STOP"), ("metadata", None), ("off", None)):
            self.begin(make_account(message_log=wish), mo_routes=routes)
            self.upstream.receive(mo(1), mo(2, b"999", short_message=b"for nobody"))
            self.client.acknowledge(self.client.deliveries())
            found = {event.get("verdict", event["event"]): event for event in self.log.take()}
            if wish == "off":
                self.assertEqual(found, {})
                continue
            self.assertEqual(set(found), {"queued", "unrouted", "delivered"})
            self.assertEqual(found["queued"].get("text"), text)
            self.assertEqual((found["queued"]["account"], found["queued"]["event"]), ("acme", "mo"))
            self.assertEqual(found["delivered"]["kind"], "mo")
            for name in ("source_addr", "destination_addr"):
                self.assertTrue(found["queued"][name])
                self.assertEqual(found["delivered"][name], found["queued"][name])
            counted = sorted(count[1] for count in self.log.counts() if count[4] == "MO")
            self.assertEqual(counted, ["", "acme"])


class RuleTests(EventCase):
    """Who leaves what."""

    def test_receipts_of_nobody(self) -> None:
        """What has no owner is as masked as the strictest account, and gone if all are off."""
        for accounts, shown in (
            ([make_account()], TO.decode()),
            ([make_account(), make_account("other", mask_numbers=True)], "4510***"),
            ([make_account(), make_account("other", message_log="off")], "4510***"),
            ([make_account(message_log="off")], None),
        ):
            self.begin(*accounts)
            self.upstream.receipt(b"nobody", TO)
            self.upstream.receipt(b"", TO, short_message=b"garbage")
            events = self.log.take()
            self.assertEqual({each["destination_addr"] for each in events}, {shown} - {None})

    def test_off(self) -> None:
        """An account that is off leaves nothing, whatever happens; it is counted."""
        self.begin(make_account(message_log="off", in_doubt="answer"))
        self.client.receive(submit(1, TO))
        self.upstream.accept(*[(pdu, b"7") for pdu in self.upstream.submits()])
        self.upstream.receipt(b"7", TO)
        self.client.acknowledge(self.client.deliveries())
        self.client.receive(submit(2, TO))
        self.upstream.refuse(c.ESME_RINVDSTADR, *self.upstream.submits())
        self.client.receive(submit(3, TO))
        self.upstream.lose()
        self.assertEqual(self.log.take(), [])
        results = sorted(count[4] for count in self.log.counts())
        self.assertEqual(results, ["DELIVRD", "ESME_RINVDSTADR", "ESME_ROK", "ESME_RUNKNOWNERR"])

    def test_a_change_of_the_network(self) -> None:
        """What an account wants from now on holds from now on, on the sessions that it has."""
        self.begin()
        self.accepted()
        changed = make_account(message_log="off")
        self.world.accounts = {"acme": changed}
        world = self.world
        world.relay.use(world.accounts, world.routes, world.mo, world.now)
        self.client.account = changed
        self.client.receive(submit(1, TO))
        self.upstream.accept(*[(pdu, b"8") for pdu in self.upstream.submits()])
        self.assertEqual(self.log.take(), [])

    def test_sessions_that_ended(self) -> None:
        """Are forgotten, and their numbers never given again."""
        self.begin()
        self.accepted()
        self.client.lose()
        self.world.advance(31)
        self.client = self.world.client()
        for message_id in (b"78", b"79"):
            self.assertEqual(self.accepted(message_id)["session"], self.client.name)
        self.assertEqual(len(self.log.facts._numbers), 2)
        self.assertEqual(len(self.log.lines._parties.clients), 1)


class FormTests(SynchronousTestCase):
    """Lines and their parts."""

    def test_quoted(self) -> None:
        """Octets of any value become a JSON string of as many characters."""
        for octets in (b"", b"4510203040", b'a "quoted" \\ thing\n', bytes(range(256))):
            self.assertEqual(json.loads(b'"%b"' % inside(octets)), octets.decode("latin-1"))

    def test_no_text(self) -> None:
        """A message that could not be read has none."""
        self.assertEqual(said(None), b"")
        self.assertIn(b'"octets":"05"', said((0, True, "gsm7", b"\x05")))

    def test_lost(self) -> None:
        """A gap is told where it is."""
        lines = Lines("node1", Tally())
        lines.add((rows.LOST, 17))
        (line,) = lines.take()
        event = json.loads(line)
        self.assertEqual((event["event"], event["count"], event["node"]), ("lost", 17, "node1"))

    def test_records_that_cannot_be_read(self) -> None:
        """A delivery of something that is no receipt is passed over; what comes after is not."""
        lines = Lines("node1", Tally())
        lines.add((rows.TIME, 1.7e9))
        lines.add((rows.CLIENT, 0, "acme", "192.0.2.1", "acme#0"))
        odd, good = (1, 0, False, 1, b"?", b"?"), (2, 0x45, True, 1, b"", b"")
        lines.add((rows.ANSWERED, 0.0, 0, [odd, good]))
        (line,) = lines.take()
        event = json.loads(line)
        self.assertEqual((event["event"], event["sequence_number"]), ("delivery_refused", 2))
        self.assertEqual(event["command_status"], "ESME_RSUBMITFAIL")

    def test_bounds(self) -> None:
        """What is kept ready made is bounded, and made anew beyond that."""
        self.patch(kept, "MOST", 1)
        texts = kept.Kept()
        for number in (0x400, 0x401, 0x400):
            self.assertEqual(texts.status(number), b"0x%08x" % number)
            self.assertEqual(texts.date(1_700_000_000 + number)[:11], b"2023-11-14T")
            self.assertEqual(texts.route(f"r{number}"), b'"r%d"' % number)
            self.assertEqual(
                texts.place(b"p%d/a" % number), b'"provider":"p%d","host":"a","bind":""' % number
            )
            record = ReceiptRecord(2, b"DELIVRD", b"%03d" % number, 0, -1, -1, b"", b"", True)
            word, final, told = texts.head(record.pack())
            self.assertEqual((word, final), ("DELIVRD", True))
            self.assertIn(b'"err":"%d"' % number, told)
        self.assertEqual(texts.date(0), b"")
        for several in (texts.routes, texts.places, texts.heads):
            self.assertEqual(len(several), 1)

    def test_time(self) -> None:
        """ISO 8601, UTC, with milliseconds; and the hour that it is in."""
        texts = kept.Kept()
        for seconds, shown in (
            (1_700_000_000.25, "2023-11-14T22:13:20.250Z"),
            (1_700_000_000.25, "2023-11-14T22:13:20.250Z"),
            (1_700_000_000.0, "2023-11-14T22:13:20.000Z"),
            (1_699_999_999.999, "2023-11-14T22:13:19.999Z"),
        ):
            self.assertEqual(texts.at(seconds), shown.encode())
            self.assertEqual(texts.hour, 1_699_999_200)
        self.assertEqual(texts.date(1_699_999_999), b"2023-11-14T22:13:19.000Z")
