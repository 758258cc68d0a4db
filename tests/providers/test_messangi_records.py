"""What the Messangi document promises about events and counters (MG-01, MG-14, MG-30, MG-31)."""

from __future__ import annotations

from twisted.logger import LogEvent

from smppproxy.admin.metrics import NodeCollector, exposition
from smppproxy.smpp import constants as c
from tests.providers.case import VECTORS
from tests.providers.memory import DESTINATION, MemoryCase
from tests.support.logs import logged
from tests.support.memory_peers import World, submit
from tests.support.message_log import FIELDS, LoggedWorld

MESSANGI = 'preset = "messangi"'


class RecordTests(MemoryCase):
    """What is left of a message when it has passed."""

    def messangi(self, account: str = "") -> World:
        """The account with these lines, and a provider of the preset."""
        return self.world("messangi", account, MESSANGI, port="tls_port = 8775")

    def test_mg01_layer_by_layer(self) -> None:
        """What the client submitted, what the host accepted, what the client was told and what the
        receipt said are counted one after the other, each when it happens.
        """
        world = self.messangi()
        client, upstream = self.pair(world)
        account = world.relay.counts.account("esme01")
        host = world.relay.counts.host("acme", "a")

        def layers() -> tuple[int, int, int, int, int]:
            receipts = sum(host.receipts.values())
            delivered = sum(account.delivered.values())
            return (account.submitted, host.accepted, account.accepted, receipts, delivered)

        world.store.hold("record")
        client.receive(VECTORS["V06"])
        (pdu,) = upstream.submits()
        self.assertEqual(layers(), (1, 0, 0, 0, 0))
        upstream.accept((pdu, b"6000"))
        self.assertEqual(layers(), (1, 1, 0, 0, 0))
        world.store.release()
        self.assertEqual(layers(), (1, 1, 1, 0, 0))
        upstream.receipt(b"6000", DESTINATION)
        self.assertEqual(layers(), (1, 1, 1, 1, 0))
        client.acknowledge(client.deliveries())
        self.assertEqual(layers(), (1, 1, 1, 1, 1))

    def test_mg01_layer_by_layer_in_the_log(self) -> None:
        """The message log has what the client was told, what the operator's receipt said and what
        the client took of it as events of their own, in this order, each when it happens.
        """
        world = self.messangi()
        log = LoggedWorld(world)
        client, upstream = self.pair(world)
        world.store.hold("record")
        client.receive(VECTORS["V06"])
        upstream.accept((upstream.submits()[0], b"6000"))
        self.assertEqual(log.take(), [])
        world.store.release()
        self.assertEqual([event["event"] for event in log.take()], ["accepted"])
        upstream.receipt(b"6000", DESTINATION)
        self.assertEqual([event["event"] for event in log.take()], ["receipt"])
        client.acknowledge(client.deliveries())
        self.assertEqual([event["event"] for event in log.take()], ["delivered"])

    def test_mg14_three_events(self) -> None:
        """An accepted message with its final receipt leaves exactly three events, each with
        account, peer, session, sequence_number, the command_status by name, both message ids,
        provider, host, bind, node and time.
        """
        world = self.messangi()
        log = LoggedWorld(world)
        client, upstream = self.pair(world)
        _, message_id = self.through(client, upstream, VECTORS["V06"])
        upstream.receipt(b"6000", DESTINATION)
        (deliver_sm,) = client.deliveries()
        client.acknowledge([deliver_sm])
        world.advance(60)
        events = log.take()
        accepted, receipt, delivered = events
        self.assertEqual([event["event"] for event in events], ["accepted", "receipt", "delivered"])
        for event in events:
            self.assertEqual(set(FIELDS) - event.keys(), set())
            self.assertEqual(event["node"], "node1")
            self.assertEqual(event["account"], "esme01")
            self.assertEqual(event["command_status"], "ESME_ROK")
            self.assertEqual(event["client_message_id"], message_id.decode())
            self.assertEqual(event["provider_message_id"], "6000")
            self.assertEqual((event["provider"], event["host"]), ("acme", "a"))
            self.assertEqual(event["destination_addr"], DESTINATION.decode())
            self.assertRegex(event["time"], r"^2023-11-1\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual(accepted["sequence_number"], 2)
        self.assertEqual((accepted["session"], accepted["peer"]), (client.name, client.peer))
        self.assertEqual(accepted["bind"], upstream.name)
        self.assertEqual(receipt["sequence_number"], 1)
        self.assertEqual((receipt["session"], receipt["peer"]), (upstream.name, upstream.peer))
        self.assertEqual((receipt["verdict"], receipt["message_state"]), ("queued", "DELIVRD"))
        self.assertEqual(delivered["sequence_number"], deliver_sm.sequence_number)
        self.assertEqual((delivered["session"], delivered["peer"]), (client.name, client.peer))
        self.assertEqual((delivered["message_state"], delivered["final"]), ("DELIVRD", True))

    def test_mg14_refused_submits_in_the_log(self) -> None:
        """So does the message log, with one event for each of them however many there are."""
        world = self.messangi()
        log = LoggedWorld(world)
        client, upstream = self.pair(world)
        client.receive(*[VECTORS["V09"]] * 3)
        client.receive(submit(7, DESTINATION))
        upstream.refuse(c.ESME_RINVDSTADR, *upstream.submits())
        events = log.take()
        self.assertEqual([event["event"] for event in events], ["refused"] * 4)
        for event in events:
            self.assertEqual(set(FIELDS) - event.keys(), set())
        self.assertEqual({event["command_status"] for event in events[:3]}, {"ESME_RINVSCHED"})
        theirs = events[3]
        self.assertEqual(theirs["command_status"], "ESME_RINVDSTADR")
        self.assertEqual((theirs["provider"], theirs["host"]), ("acme", "a"))
        self.assertEqual((theirs["bind"], theirs["sequence_number"]), (upstream.name, 7))

    def events(self, found: list[LogEvent], *names: str) -> list[LogEvent]:
        """Those of these names."""
        return [event for event in found if event.get("event") in names]

    def test_mg14_refused_submits(self) -> None:
        """A submit_sm that is refused, by us or by the provider, is one event that tells account,
        peer, session, sequence_number, the command_status by name and why; host and provider where
        they said it.
        """
        world = self.messangi()
        client, upstream = self.pair(world)
        found = logged(self)
        client.receive(VECTORS["V09"])
        client.receive(submit(7, DESTINATION))
        upstream.refuse(c.ESME_RINVDSTADR, *upstream.submits())
        ours, theirs = self.events(found, "submit_refused")
        for event, status, number in (
            (ours, "ESME_RINVSCHED", 3),
            (theirs, "ESME_RINVDSTADR", 7),
        ):
            self.assertEqual(event["account"], "esme01")
            self.assertEqual(event["command_status"], status)
            self.assertEqual(event["sequence_number"], number)
            self.assertEqual((event["session"], event["peer"]), (client.name, client.peer))
            self.assertTrue(event["reason"])
        self.assertEqual((ours["provider"], ours["host"]), ("", ""))
        self.assertEqual((theirs["provider"], theirs["host"]), ("acme", "a"))

    def test_mg14_receipts(self) -> None:
        """A receipt that cannot be passed on is an event with provider, host, peer and session; so
        is a delivery that the client refuses. (A receipt that went its way is counted by state and
        host, not logged one by one: MG-30.)
        """
        world = self.messangi()
        client, upstream = self.pair(world)
        self.through(client, upstream, VECTORS["V06"])
        found = logged(self)
        upstream.receipt(b"", DESTINATION, short_message=b"garbage")
        upstream.receipt(b"6000", DESTINATION)
        client.acknowledge(client.deliveries(), c.ESME_RINVDSTADR)
        unreadable, refused = self.events(found, "receipt_unreadable", "delivery_refused")
        self.assertEqual((unreadable["provider"], unreadable["host"]), ("acme", "a"))
        self.assertEqual(
            (unreadable["session"], unreadable["peer"]), (upstream.name, upstream.peer)
        )
        self.assertEqual(refused["account"], "esme01")
        self.assertEqual(refused["command_status"], "ESME_RINVDSTADR")

    def test_mg30_counters(self) -> None:
        """Ten submits, eight delivered, one rejected, one throttled: node, account and host count
        exactly that, answers by code, receipts by state, and the time to the final one.
        """
        world = self.messangi("tps = 9\nburst = 9")
        client, upstream = self.pair(world)
        client.receive(*[submit(number, b"45%08d" % number) for number in range(10)])
        pdus = upstream.submits()
        upstream.accept(*[(pdu, b"%d" % (6000 + n)) for n, pdu in enumerate(pdus)])
        statuses = [status for _, status, _ in client.responses()]
        self.assertEqual(sorted(statuses), [0] * 9 + [c.ESME_RTHROTTLED])
        world.advance(4)
        for n in range(9):
            stat = b"REJECTD" if n == 8 else b"DELIVRD"
            upstream.receipt(b"%d" % (6000 + n), b"45%08d" % n, stat)
        self.assertEqual(len(client.texts()), 9)
        account = world.relay.counts.account("esme01")
        self.assertEqual((account.submitted, account.accepted), (10, 9))
        self.assertEqual(account.refused, {c.ESME_RTHROTTLED: 1})
        states = {c.STATE_DELIVERED: 8, c.STATE_REJECTED: 1}
        self.assertEqual(account.delivered, states)
        self.assertEqual((account.finals.count, account.finals.total), (9, 36.0))
        host = world.relay.counts.host("acme", "a")
        self.assertEqual((host.submitted, host.accepted, host.refused), (9, 9, {}))
        self.assertEqual(host.receipts, states)
        ledger = world.ledger
        self.assertEqual((ledger.submitted, ledger.accepted, ledger.refused), (10, 9, 1))
        self.assertEqual((ledger.receipts_in, ledger.matched, ledger.delivered), (9, 9, 9))
        self.assertEqual(ledger.imbalance(), {})

    def test_mg30_metrics(self) -> None:
        """The same counts, with their labels, are what dashboards scrape."""
        world = self.messangi()
        client, upstream = self.pair(world)
        self.through(client, upstream, VECTORS["V06"])
        upstream.receipt(b"6000", DESTINATION, b"REJECTD")
        client.texts()
        text = exposition(NodeCollector(world.relay, list)).decode()
        for line in (
            'smppproxy_account_submitted_total{account="esme01"} 1.0',
            'smppproxy_account_accepted_total{account="esme01"} 1.0',
            'smppproxy_account_receipts_delivered_total{account="esme01",state="REJECTD"} 1.0',
            'smppproxy_host_accepted_total{host="a",provider="acme"} 1.0',
            'smppproxy_host_receipts_total{host="a",provider="acme",state="REJECTD"} 1.0',
        ):
            self.assertIn(line, text.splitlines())

    def test_mg30_answers_by_code(self) -> None:
        """A host's refusals are counted by its own code, the account's by what it was told."""
        world = self.messangi()
        client, upstream = self.pair(world)
        for status in (c.ESME_RINVDSTADR, 0x410, c.ESME_RINVDSTADR):
            client.receive(VECTORS["V06"])
            upstream.refuse(status, *upstream.submits())
        host = world.relay.counts.host("acme", "a")
        self.assertEqual(host.refused, {c.ESME_RINVDSTADR: 2, 0x410: 1})
        account = world.relay.counts.account("esme01")
        self.assertEqual(account.refused, {c.ESME_RINVDSTADR: 2, c.ESME_RSUBMITFAIL: 1})

    def test_mg31_message_log(self) -> None:
        """By default the message log has no message's text, with mask_numbers no whole number
        either; "full" has the text, "off" leaves nothing, though it is counted all the same.
        """
        for options, whole, text, events in (
            ("", True, False, 4),
            ("mask_numbers = true", False, False, 4),
            ('message_log = "full"', True, True, 4),
            ('message_log = "off"', False, False, 0),
        ):
            world = self.messangi(options)
            log = LoggedWorld(world)
            client, upstream = self.pair(world)
            self.through(client, upstream, VECTORS["V06"])
            upstream.receipt(b"6000", DESTINATION)
            client.acknowledge(client.deliveries())
            client.receive(VECTORS["V09"])
            self.assertEqual(len(log.take()), events, options)
            self.assertEqual(DESTINATION in log.raw, whole, options)
            self.assertEqual(b'"text":' in log.raw, text, options)
            self.assertEqual(sum(log.tally.counts.values()), 3, options)

    def test_mg31_masked_numbers(self) -> None:
        """With mask_numbers no event holds a whole number; with message_log off refused messages
        leave no event at all.
        """
        for options, shown in (
            ("", [DESTINATION.decode()]),
            ("mask_numbers = true", ["4510***"]),
            ('message_log = "off"', []),
        ):
            client, _ = self.pair(self.messangi(options))
            found = logged(self)
            self.assertEqual(self.status(client, VECTORS["V09"]), c.ESME_RINVSCHED)
            events = self.events(found, "submit_refused")
            self.assertEqual([event["destination_addr"] for event in events], shown)
            if DESTINATION.decode() not in shown:
                self.assertNotIn(DESTINATION.decode(), repr(found))
