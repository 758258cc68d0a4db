"""Tests of ``relay.events``: what the log tells of refused messages, and how often."""

from __future__ import annotations

from typing import Any

from twisted.logger import LogEvent, LogLevel, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.relay import limited
from smppproxy.relay.events import Events, shown
from smppproxy.relay.ledger import Ledger
from smppproxy.routing.accounts import Account
from smppproxy.smpp import build, refusals
from smppproxy.smpp import constants as c
from smppproxy.smpp.refusals import named, refusal_of
from tests.support.logs import logged
from tests.support.memory_peers import World, make_account, make_provider, mo, receipt, submit


class NamedTests(SynchronousTestCase):
    """A command_status that knows its refusal."""

    def test_of_the_table(self) -> None:
        """It is the int of the table, with the refusal's name, always the same object."""
        status = refusal_of("no_route", {})
        self.assertEqual(status, c.ESME_RINVDSTADR)
        self.assertEqual((status.name, status.counter), ("no_route", "refused_no_route"))
        self.assertIs(status, refusal_of("no_route", {}))
        self.assertEqual(build.header(1, status, 1), build.header(1, int(status), 1))

    def test_of_the_account(self) -> None:
        """An account's own value keeps the name."""
        status = refusal_of("throttled", {"throttled": 0x14})
        self.assertEqual((status, status.name), (0x14, "throttled"))

    def test_counter(self) -> None:
        """A name that says refused does not say it twice."""
        self.assertEqual(named("refused_upstream", 0xB).counter, "refused_upstream")

    def test_providers_codes_fill_no_memory(self) -> None:
        """Beyond a limit they are made anew each time."""
        self.patch(refusals, "MOST_KINDS", 0)
        one = named("refused_upstream", 0x7FFF)
        self.assertIsNot(one, named("refused_upstream", 0x7FFF))
        self.assertEqual(one, 0x7FFF)


class ShownTests(SynchronousTestCase):
    """Numbers in events."""

    def test_mg31_mask(self) -> None:
        """Four digits and asterisks, so that neither the number nor its length is told."""
        plain, masked = make_account(), make_account(mask_numbers=True)
        self.assertEqual(shown(b"4512345678", plain), "4512345678")
        self.assertEqual(shown(b"4512345678", None), "4512345678")
        self.assertEqual(shown(b"4512345678", masked), "4512***")
        self.assertEqual(shown(b"451234567890", masked), "4512***")
        self.assertEqual(shown(b"451", masked), "451***")
        self.assertEqual(shown(b"caf\xe9", plain), "caf\xe9")


class EventCase(SynchronousTestCase):
    """Looks at what the log is told."""

    def setUp(self) -> None:
        self.log = logged(self)

    def told(self, event: str) -> list[LogEvent]:
        """The events of this name."""
        return [each for each in self.log if each.get("event") == event]


class TellTests(EventCase):
    """At once, then once a second."""

    def setUp(self) -> None:
        super().setUp()
        self.now = 100.0
        self.ledger = Ledger()
        self.events = Events(self.ledger, lambda: self.now)

    def tell(self, number: int, subject: str = "acme", reason: str = "no_route") -> None:
        self.events.tell(
            "odd", subject, reason, lambda: {"log_format": "{count} odd", "number": number}
        )

    def seen(self) -> list[tuple[int, int]]:
        """(number, count) of each event."""
        return [(each["number"], each["count"]) for each in self.told("odd")]

    def test_first_at_once_then_one_a_second(self) -> None:
        """A thousand of them are two events: the first one, and all the others after a second."""
        for number in range(1000):
            self.tell(number)
        self.assertEqual([(0, 1)], self.seen())
        self.events.tick(100.9)
        self.assertEqual([(0, 1)], self.seen())
        self.events.tick(101.0)
        self.assertEqual([(0, 1), (1, 999)], self.seen())
        self.assertEqual("999 odd", formatEvent(self.told("odd")[1]))

    def test_goes_on(self) -> None:
        """As long as they come there is one event a second."""
        for second in range(1, 6):
            for number in range(10):
                self.tell(second * 10 + number)
            self.now += 1
            self.events.tick(self.now)
        self.assertEqual([(10, 1), (11, 9), (20, 10), (30, 10), (40, 10), (50, 10)], self.seen())

    def test_at_once_again(self) -> None:
        """After a second of silence the next one is told at once."""
        self.tell(1)
        self.events.tick(101.0)
        self.now = 101.5
        self.tell(2)
        self.assertEqual([(1, 1), (2, 1)], self.seen())

    def test_each_reason_and_subject(self) -> None:
        """One account's flood hides neither another reason nor another account."""
        self.tell(1)
        self.tell(2, reason="throttled")
        self.tell(3, subject="other")
        self.assertEqual([(1, 1), (2, 1), (3, 1)], self.seen())

    def test_bounded(self) -> None:
        """Beyond the most kinds that are remembered they are only counted."""
        self.patch(limited, "MOST_KINDS", 2)
        for number in range(4):
            self.tell(number, subject=str(number))
        self.assertEqual([(0, 1), (1, 1)], self.seen())
        self.assertEqual(2, self.ledger.events["events_untold"])


class RefusedTests(EventCase):
    """submit_sm that are refused."""

    def refused(self, *accounts: Account, **options: Any) -> LogEvent:
        """The event of one submit_sm without a route."""
        world = World(accounts, routes=(), **options)
        client = world.client()
        client.receive(submit(77))
        self.assertEqual(1, len(client.responses()))
        (event,) = self.told("submit_refused")
        return event

    def test_mg14_fields(self) -> None:
        """Whose it was, from where, which one, what was answered, and why."""
        event = self.refused()
        wanted = {
            "account": "acme",
            "session": "acme#0",
            "peer": "192.0.2.1",
            "sequence_number": 77,
            "command_status": "ESME_RINVDSTADR",
            "reason": "no_route",
            "destination_addr": "4512345678",
            "provider": "",
            "host": "",
            "count": 1,
            "log_level": LogLevel.info,
        }
        self.assertEqual(wanted, {name: event[name] for name in wanted})
        self.assertEqual("1 submit_sm of acme refused: no_route", formatEvent(event))

    def test_mg14_by_a_provider(self) -> None:
        """A provider's refusal names provider and host."""
        world = World()
        client, upstream = world.client(), world.upstream("b")
        client.receive(submit(1), submit(2))
        first, second = upstream.submits()
        upstream.refuse(c.ESME_RINVDSTADR, first)
        upstream.refuse(0x410, second)
        self.assertEqual(
            [
                ("refused_upstream", "ESME_RINVDSTADR", "p", "b"),
                ("refused_upstream_otherwise", "ESME_RSUBMITFAIL", "p", "b"),
            ],
            [
                (each["reason"], each["command_status"], each["provider"], each["host"])
                for each in self.told("submit_refused")
            ],
        )

    def test_one_per_read_and_reason(self) -> None:
        """A read with five refusals for two reasons is two events, each with its first one."""
        world = World([make_account(tps=3, burst=3)], routes=())
        client = world.client()
        client.receive(*(submit(number) for number in range(1, 6)))
        self.assertEqual(
            [("throttled", 4, 1), ("no_route", 1, 1)],
            [
                (each["reason"], each["sequence_number"], each["count"])
                for each in self.told("submit_refused")
            ],
        )
        world.advance(2)
        self.assertEqual(
            [("throttled", 5, 1), ("no_route", 2, 2)],
            [
                (each["reason"], each["sequence_number"], each["count"])
                for each in self.told("submit_refused")[2:]
            ],
        )

    def test_layout(self) -> None:
        """What cannot be read has no number to show."""
        world = World()
        client = world.client()
        body = b"\0\0\0" + b"4" * 30
        client.receive(_pdu(9, body))
        (event,) = self.told("submit_refused")
        self.assertEqual(
            ("source_addr_string", "ESME_RINVSRCADR", ""),
            (event["reason"], event["command_status"], event["destination_addr"]),
        )
        self.assertEqual(1, world.ledger.events["refused_source_addr_string"])

    def test_queue_full(self) -> None:
        """A message that waited too long for a window was refused for that (row 40)."""
        world = World(providers=[make_provider(window=1, response_timeout=300.0)])
        client = world.client()
        world.upstream()
        client.receive(submit(1), submit(2))
        world.advance(32)
        (event,) = self.told("submit_refused")
        self.assertEqual((2, "queue_full"), (event["sequence_number"], event["reason"]))

    def test_mg31_mask_numbers(self) -> None:
        """The event of an account that wants it shows no whole number."""
        event = self.refused(make_account(mask_numbers=True))
        self.assertEqual("4512***", event["destination_addr"])
        self.assertNotIn("4512345678", repr(event))

    def test_mg31_off(self) -> None:
        """message_log = "off": no such events; the counters count all the same."""
        world = World([make_account(message_log="off", in_doubt="answer")], routes=None)
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1), submit(2))
        first, _ = upstream.submits()
        upstream.refuse(c.ESME_RINVDSTADR, first)
        upstream.lose()
        self.assertEqual([], self.told("submit_refused") + self.told("submit_in_doubt"))
        self.assertEqual({c.ESME_RINVDSTADR: 1}, client.counts.refused)
        self.assertEqual(1, client.counts.in_doubt)

    def test_in_doubt(self) -> None:
        """Messages whose fate is unknown: one event for a window that is lost, and its rest."""
        world = World([make_account(in_doubt="answer")])
        client, upstream = world.client(), world.upstream()
        client.receive(*(submit(number) for number in range(1, 6)))
        upstream.lose()
        world.advance(1)
        first, rest = self.told("submit_in_doubt")
        self.assertEqual((1, 1), (first["sequence_number"], first["count"]))
        self.assertEqual((2, 4), (rest["sequence_number"], rest["count"]))
        self.assertEqual("ESME_RUNKNOWNERR", first["command_status"])
        self.assertEqual(LogLevel.warn, first["log_level"])


class ProviderTests(EventCase):
    """What providers send that nobody can use, and what clients do not take."""

    def test_unreadable_receipts(self) -> None:
        """A flood of receipts without an id is two events."""
        world = World()
        upstream = world.upstream()
        for _ in range(100):
            upstream.receive(receipt(upstream.next_sequence_number(), b""))
        world.advance(1)
        first, rest = self.told("receipt_unreadable")
        self.assertEqual(
            ("p", "a", b"DELIVRD", 1, 99),
            (first["provider"], first["host"], first["stat"], first["count"], rest["count"]),
        )
        self.assertEqual(100, world.ledger.unreadable)

    def test_quarantine(self) -> None:
        """Receipts that do not fit are told with their number."""
        world = World()
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1))
        upstream.accept((upstream.submits()[0], b"x"))
        numbers = [upstream.next_sequence_number() for _ in range(3)]
        upstream.receive(*(receipt(each, b"x", b"9999999%d" % each) for each in numbers))
        world.advance(1)
        self.assertEqual([1, 2], [each["count"] for each in self.told("receipt_quarantined")])

    def test_unrouted(self) -> None:
        """An MO message for a number that nobody owns."""
        world = World()
        upstream = world.upstream()
        upstream.receive(mo(1), mo(2))
        world.advance(1)
        self.assertEqual(
            [("1234", 1), ("1234", 1)],
            [(each["destination_addr"], each["count"]) for each in self.told("mo_unrouted")],
        )

    def test_mg31_unrouted_and_masked(self) -> None:
        """Its number is masked as soon as one account wants numbers to be."""
        world = World([make_account(), make_account("careful", mask_numbers=True)])
        world.upstream().receive(mo(1, b"45123456"))
        (event,) = self.told("mo_unrouted")
        self.assertEqual("4512***", event["destination_addr"])

    def test_delivery_refused(self) -> None:
        """A client that refuses receipts for good: with its status by name, once a second."""
        world = World()
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1), submit(2))
        upstream.accept(*((pdu, b"%d" % pdu.sequence_number) for pdu in upstream.submits()))
        upstream.receipt(b"2")
        upstream.receipt(b"3")
        client.acknowledge(client.deliveries(), c.ESME_RINVDSTADR)
        world.advance(1)
        first, second = self.told("delivery_refused")
        self.assertEqual(
            ("acme", "acme#0", "ESME_RINVDSTADR", 1, 1),
            (
                first["account"],
                first["session"],
                first["command_status"],
                first["count"],
                second["count"],
            ),
        )


def _pdu(sequence_number: int, body: bytes) -> bytes:
    """A submit_sm with this body."""
    head = build.header(c.SUBMIT_SM, 0, sequence_number)
    return (len(head) + len(body)).to_bytes(4, "big") + head[4:] + body
