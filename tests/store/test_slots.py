"""Slots of a cluster, and what its servers say of them."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.store.slots import SLOTS, Claim, is_arriving, newest, read_claim, slot_of

A, B, C = b"a" * 40, b"b" * 40, b"c" * 40
ASKED = "10.0.0.9"


def nodes(**epochs: int) -> bytes:
    """What CLUSTER NODES says of servers with these epochs."""
    line = "{} 10.0.0.1:6379@16379,host,shard-id=x master - 0 1700000000000 {} connected 0-5\n"
    return "".join(
        line.format(name * 40, epoch) for name, epoch in epochs.items()
    ).encode()


class SlotTests(SynchronousTestCase):
    """Where a tag belongs."""

    def test_known_answers(self):
        """The check value of CRC-16/XMODEM, and slots that servers give."""
        self.assertEqual(0x31C3 % SLOTS, slot_of(b"123456789"))
        for tag, slot in ((b"foo", 12182), (b"bar", 5061), (b"user1000", 3443), (b"", 0)):
            self.assertEqual(slot, slot_of(tag))

    def test_every_slot_is_below_the_last(self):
        """Networks divide over all of them."""
        found = {slot_of(b"network-%d" % number) for number in range(200_000)}
        self.assertEqual((0, SLOTS - 1, SLOTS), (min(found), max(found), len(found)))


class ClaimTests(SynchronousTestCase):
    """What one server says."""

    def claim(self, *slots: Any, said: Any = b"", slot: int = 7) -> Claim | None:
        return read_claim([*slots], said, slot, ASKED)

    def test_master_replicas_and_epoch(self):
        """Of the range that the slot is in, its ends included."""
        low = [0, 6, [b"10.0.0.1", 7001, A, []]]
        here = [7, 7, [b"10.0.0.2", 7002, B, []], [b"::1", 7003, C, []]]
        found = self.claim(low, here, said=nodes(a=9, b=3, c=8))
        self.assertEqual(Claim(("10.0.0.2", 7002), 3, (("::1", 7003),)), found)
        self.assertEqual(Claim(("10.0.0.1", 7001), 0), self.claim(low, here, slot=6))

    def test_a_slot_that_nobody_has(self):
        """Nobody is nobody."""
        self.assertIsNone(self.claim())
        self.assertIsNone(self.claim([8, 9, [b"10.0.0.1", 7001, A, []]]))

    def test_a_host_that_is_not_told_is_the_one_asked(self):
        """As by a server that does not know its own address (null), or has none (empty)."""
        for host in (None, b""):
            found = self.claim([7, 7, [host, 7001, A, []], [host, 7002, B, []]])
            self.assertEqual(Claim((ASKED, 7001), 0, ((ASKED, 7002),)), found)

    def test_a_name_that_is_missing(self):
        """Where names are preferred, one without a name is found by its address, if that is
        told."""
        hidden = [b"?", 7002, B, [b"ip", b""]]
        found = self.claim([7, 7, [b"?", 7001, A, [b"ip", b"10.0.0.1"]], hidden])
        self.assertEqual(Claim(("10.0.0.1", 7001), 0), found)
        self.assertIsNone(self.claim([7, 7, hidden]))

    def test_what_makes_no_sense(self):
        """Is no answer."""
        good = [7, 7, [b"10.0.0.1", 7001, A, []]]
        for slots, said in (
            (None, b""),
            (b"OK", b""),
            ([[7]], b""),
            ([[7, 7]], b""),
            ([[7, 7, [b"\xff", 7001, A, []]]], b""),
            ([[7, 7, [b"h", b"port", A, []]]], b""),
            ([[7, 7, [b"?", 7001, A]]], b""),
            ([good], None),
            ([good], b"a few words"),
            ([good], nodes(a=1).replace(b" 1 ", b" one ")),
        ):
            self.assertIsNone(read_claim(slots, said, 7, ASKED), (slots, said))


class ArrivingTests(SynchronousTestCase):
    """Whether keys of a slot are on their way to whoever answers."""

    def test_in_a_servers_own_words(self):
        """Only of that slot, only while they come, and never by what makes no sense."""
        line = b"%b 10.0.0.1:6379@16379 myself,master - 0 0 1 connected 0-5 %b\n"
        for mark, arrives in (
            (b"[7-<-%b]" % B, True),
            (b"[3-<-%b] [7-<-%b] [9-<-%b]" % (B, B, B), True),
            (b"[77-<-%b] [17-<-%b]" % (B, B), False),
            (b"[7->-%b]" % B, False),
            (b"", False),
        ):
            self.assertEqual(arrives, is_arriving(nodes(b=1) + line % (A, mark), 7), mark)
        self.assertFalse(is_arriving(None, 7))


class NewestTests(SynchronousTestCase):
    """Whom to believe."""

    def test_the_highest_epoch(self):
        """One that knows of the last failover outweighs any number that do not."""
        old, new = Claim(("a", 1), 3), Claim(("b", 2), 4)
        self.assertEqual(new, newest([old, old, new, old]))
        self.assertEqual(old, newest([old]))
        self.assertIsNone(newest([]))

    def test_equals(self):
        """What most say; names of one server may differ by who is asked."""
        one, other = Claim(("a", 1), 3), Claim(("b", 1), 3)
        self.assertEqual(other, newest([one, other, other]))
