"""Comparing histories: each kind of wrong has its sentence, and a clean run has none."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.simulator import histories
from smppproxy.simulator.esme import LOST, Esme, EsmeOptions, Sent
from smppproxy.simulator.records import Accepted
from smppproxy.simulator.shapes import receipt_date, receipt_text
from smppproxy.simulator.smsc import Smsc

BALANCED = {
    "submitted": 10,
    "accepted": 7,
    "refused": 1,
    "in_doubt": 1,
    "in_flight": 1,
    "receipts_in": 9,
    "matched": 6,
    "parked": 2,
    "duplicated": 1,
    "delivered": 4,
    "queued": 1,
    "unwanted": 1,
    "lost": 0,
}


def ok(number: int, to: bytes, message_id: bytes, receipts: int = 0) -> Sent:
    """A message that was accepted."""
    return Sent(number, to, 0.0, status=0, message_id=message_id, receipts=receipts)


def client(*messages: Sent, **options: int) -> Esme:
    """A client with this history."""
    esme = Esme(Clock(), EsmeOptions(**options))  # type: ignore[arg-type]
    esme.history.extend(messages)
    return esme


def provider(*destinations: bytes) -> Smsc:
    """A provider that took one message to each of these."""
    smsc = Smsc(Clock())  # type: ignore[arg-type]
    for number, destination in enumerate(destinations):
        smsc.history.append(
            Accepted(
                number, b"%d" % number, b"%d" % number, "a", b"demo",
                (0, 0, b""), (1, 1, destination), 1, 0.0, 0.0, b"",
            )
        )  # fmt: skip
    return smsc


class Clients(SynchronousTestCase):
    """check_client."""

    def test_clean(self) -> None:
        """One OK with its receipt, one refusal, one lost: nothing wrong."""
        esme = client(
            ok(0, b"1", b"x", receipts=1),
            Sent(1, b"2", 0.0, status=8),
            Sent(2, b"3", 0.0, status=LOST),
        )
        self.assertEqual(histories.check_client(esme), [])

    def test_missing_receipts(self) -> None:
        """OK without a receipt is named, three examples at most."""
        esme = client(*(ok(n, b"%d" % n, b"id%d" % n) for n in range(5)))
        (sentence,) = histories.check_client(esme)
        self.assertEqual(
            sentence, "5 message(s) accepted without a receipt: '0', '1', '2' ..."
        )

    def test_no_receipt_asked_for(self) -> None:
        """A client that asked for none misses none."""
        esme = client(ok(0, b"1", b"x"), registered_delivery=0)
        self.assertEqual(histories.check_client(esme), [])

    def test_receipt_of_a_refused_message(self) -> None:
        """A receipt for what was never accepted is wrong."""
        esme = client(Sent(0, b"1", 0.0, status=8, receipts=1))
        self.assertIn("not accepted", histories.check_client(esme)[0])

    def test_the_same_id_twice(self) -> None:
        """Two messages under one message_id are wrong."""
        esme = client(
            ok(0, b"1", b"x", receipts=1), ok(1, b"2", b"x", receipts=1)
        )
        self.assertEqual(histories.check_client(esme), ["1 message_id(s) given twice: 'x'"])


class Providers(SynchronousTestCase):
    """check_providers."""

    def test_clean_missing_repeated_and_strange(self) -> None:
        """Each OK at a provider, not too often, and nothing else there."""
        esme = client(ok(0, b"1", b"x"), ok(1, b"2", b"y"))
        check = histories.check_providers
        self.assertEqual(check([esme], [provider(b"1"), provider(b"2")]), [])
        self.assertIn("at no provider: '2'", check([esme], [provider(b"1")])[0])
        twice = provider(b"1", b"1", b"2")
        self.assertIn("more than 1 time", check([esme], [twice])[0])
        self.assertEqual(check([esme], [twice], copies=2), [])
        self.assertIn("no client sent: '3'", check([esme], [provider(b"1", b"2", b"3")])[0])


class Ledgers(SynchronousTestCase):
    """check_ledger."""

    def test_balanced(self) -> None:
        """All equations hold."""
        self.assertEqual(histories.check_ledger(BALANCED), [])

    def test_each_equation(self) -> None:
        """One off anywhere is named with both sums."""
        for name, sentence in {
            "submitted": "submitted is 11, its parts are 10",
            "receipts_in": "receipts_in is 10, its parts are 9",
            "delivered": "matched is 6, its parts are 7",
            "lost": "lost is 1, its parts are 0",
        }.items():
            wrong = BALANCED | {name: BALANCED[name] + 1}
            self.assertEqual(histories.check_ledger(wrong), [sentence])

    def test_below_zero(self) -> None:
        """No count is negative."""
        wrong = BALANCED | {"in_flight": -1, "accepted": 9}
        self.assertEqual(histories.check_ledger(wrong), ["in_flight is -1"])


class Small(SynchronousTestCase):
    """The small functions."""

    def test_percentile(self) -> None:
        """Of nothing 0; else the value that so many do not exceed."""
        self.assertEqual(histories.percentile([], 0.5), 0.0)
        self.assertEqual(histories.percentile([3.0, 1.0, 2.0], 0.5), 2.0)
        self.assertEqual(histories.percentile(range(100), 0.99), 99)
        self.assertEqual(histories.percentile([1.0], 1.0), 1.0)

    def test_receipt_text(self) -> None:
        """The canonical line, three-digit counts, ten-digit dates, twenty octets of text."""
        text = receipt_text(b"42", b"UNDELIV", 0.0, 60.0, b"a text of more than twenty")
        self.assertEqual(
            text,
            b"id:42 sub:001 dlvrd:000 submit date:7001010000 done date:7001010001 "
            b"stat:UNDELIV err:001 text:a text of more than ",
        )

    def test_dates_are_kept_within_bounds(self) -> None:
        """A long run does not gather dates without end."""
        for minute in range(2500):
            receipt_date(minute * 60.0)
        self.assertEqual(receipt_date(86400.0 * 365), b"7101010000")
