"""What is remembered of the last messages."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.relay import recent as module
from smppproxy.relay.recent import Recent
from smppproxy.smpp.constants import ENQUIRE_LINK, SUBMIT_SM
from smppproxy.smpp.pdu import Pdu


def pdus(*numbers: int, size: int = 100, command_id: int = SUBMIT_SM) -> list[Pdu]:
    """PDUs that begin with their numbers."""
    return [
        Pdu(command_id, 0, number, b"%d" % number + bytes(size - len(b"%d" % number)))
        for number in numbers
    ]


def numbers(found: list[tuple[str, bytes]]) -> list[tuple[str, int]]:
    return [(account, int(raw.rstrip(b"\0"))) for account, raw in found]


class RecentTests(SynchronousTestCase):
    """The last ones, newest first."""

    def setUp(self) -> None:
        self.recent = Recent()

    def test_the_newest_come_first(self) -> None:
        """Over reads and within a read; no more than asked for."""
        self.recent.fresh.append(("a", pdus(1, 2)))
        self.recent.count()
        self.recent.fresh.append(("b", pdus(3)))
        self.assertEqual(numbers(self.recent.messages(9)), [("b", 3), ("a", 2), ("a", 1)])
        self.assertEqual(numbers(self.recent.messages(2)), [("b", 3), ("a", 2)])

    def test_only_messages(self) -> None:
        """Whatever else a client sends is no message."""
        self.recent.fresh.append(("a", pdus(1, command_id=ENQUIRE_LINK) + pdus(2)))
        self.assertEqual(numbers(self.recent.messages(9)), [("a", 2)])

    def test_the_oldest_go(self) -> None:
        """As many are kept as there is room for, in messages and in octets."""
        self.patch(module, "TOGETHER", 1)
        self.patch(module, "MOST_MESSAGES", 4)
        for number in range(10):
            self.recent.fresh.append(("a", pdus(number, number + 100)))
        self.assertEqual(
            [number for _, number in numbers(self.recent.messages(99))], [109, 9, 108, 8]
        )
        self.patch(module, "MOST_OCTETS", 250)
        self.assertEqual([number for _, number in numbers(self.recent.messages(99))], [109, 9])
        self.recent.fresh.append(("a", pdus(1, size=300)))
        self.assertEqual(self.recent.messages(99), [])

    def test_reads_go_together(self) -> None:
        """Fifty reads, or as many as hold fifty messages, are one entry of what is kept."""
        for number in range(120):
            self.recent.fresh.append(("a", pdus(number)))
        self.recent.fresh += [("a", pdus(*range(60))), ("a", pdus(7))]
        self.recent.count()
        entries = [(len(reads), messages) for reads, messages, _ in self.recent._kept]
        self.assertEqual([(50, 50), (50, 50), (21, 80), (1, 1)], entries)
        self.patch(module, "MOST_MESSAGES", 100)
        self.recent.count()
        self.assertEqual(81, len(self.recent.messages(999)))

    def test_a_read_is_not_kept(self) -> None:
        """A read that is one PDU is given back to who made room for much more; it is copied."""
        read = pdus(1)
        self.recent.fresh.append(("a", read))
        ((account, raw),) = self.recent.messages(9)
        self.assertEqual(("a", read[0].raw), (account, raw))
        self.assertIsNot(read[0].raw, raw)

    def test_a_flood_between_two_counts(self) -> None:
        """Only the newest reads are counted at all."""
        self.patch(module, "MOST_FRESH", 3)
        for number in range(10):
            self.recent.fresh.append(("a", pdus(number)))
        self.assertEqual([number for _, number in numbers(self.recent.messages(99))], [9, 8, 7])

    def test_what_could_not_be_kept_is_not_counted(self) -> None:
        """Of a second that holds more than is kept only the newest reads are looked at, and what
        was kept before goes."""
        self.patch(module, "MOST_MESSAGES", 4)
        self.recent.fresh.append(("a", pdus(7)))
        self.recent.count()
        for number in range(10):
            self.recent.fresh.append(("a", pdus(number, number + 100)))
        self.assertEqual(
            [number for _, number in numbers(self.recent.messages(99))], [109, 9, 108, 8]
        )
        self.assertEqual([4], [messages for _, messages, _ in self.recent._kept])
