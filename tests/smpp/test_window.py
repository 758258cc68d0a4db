"""Which of our requests are unanswered."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.smpp.window import LAST_SEQUENCE_NUMBER, REMEMBERED, Window
from tests.smpp.samples import bounded


class WindowTests(SynchronousTestCase):
    """Open, close, expire, drain."""

    def test_open_and_close(self):
        """Numbers run from 1; a number gives its token back once."""
        window = Window(2)
        self.assertEqual(window.open("a", 1.0), 1)
        self.assertEqual(window.open("b", 2.0), 2)
        self.assertEqual((len(window), window.room), (2, 0))
        self.assertEqual(window.close(1), "a")
        self.assertIsNone(window.close(1))
        self.assertIsNone(window.close(77))
        self.assertEqual((len(window), window.room), (1, 1))

    def test_answers_in_any_order(self):
        """SX-20: the number alone says which request is answered."""
        window = Window(10)
        numbers = [window.open(token, 0.0) for token in "abc"]
        self.assertEqual([window.close(number) for number in reversed(numbers)], ["c", "b", "a"])

    def test_limit_can_change(self):
        """Room follows the limit, below nothing too."""
        window = Window(1)
        window.open("a", 0.0)
        window.open("b", 0.0)
        self.assertEqual(window.room, -1)
        window.limit = 5
        self.assertEqual(window.room, 3)

    def test_numbers_for_the_session_take_no_slot(self):
        """A bind or enquire_link uses the same counter and leaves the room alone."""
        window = Window(1)
        self.assertEqual(window.next_sequence_number(), 1)
        self.assertEqual(window.open("a", 0.0), 2)
        self.assertEqual(window.next_sequence_number(), 3)
        self.assertEqual(len(window), 1)

    def test_f34_wraps_at_0x7ffffffe(self):
        """After the last number comes 1; 0, 0x7fffffff and above are never used."""
        window = Window(10, first=LAST_SEQUENCE_NUMBER)
        self.assertEqual(window.open("a", 0.0), 0x7FFFFFFE)
        self.assertEqual(window.open("b", 0.0), 1)
        window = Window(10, first=LAST_SEQUENCE_NUMBER + 1)
        self.assertEqual(window.next_sequence_number(), 1)

    def test_f34_the_wrap_skips_what_waits(self):
        """A number whose request still waits is not given out again, nor one awaited late."""
        window = Window(10)
        for token in "abc":
            window.open(token, float(ord(token)))
        self.assertEqual(window.expire(float(ord("a")) + 60.0, 60.0), ["a"])
        window._next = LAST_SEQUENCE_NUMBER
        self.assertEqual(window.open("x", 200.0), LAST_SEQUENCE_NUMBER)
        self.assertEqual(window.open("y", 200.0), 4)
        window._next = 1
        self.assertEqual(window.next_sequence_number(), 5)

    def test_expire_oldest_first(self):
        """Only what is old enough expires, in the order sent."""
        window = Window(10)
        for token, sent in (("a", 0.0), ("b", 1.0), ("c", 2.0)):
            window.open(token, sent)
        self.assertEqual(window.expire(59.9, 60.0), [])
        self.assertEqual(window.expire(61.0, 60.0), ["a", "b"])
        self.assertEqual(window.oldest_sent(), 2.0)
        self.assertEqual((len(window), window.room), (1, 9))
        self.assertIsNone(window.close(1))

    def test_late_answers_find_their_request_once(self):
        """A tombstone gives its token once, for ten minutes."""
        window = Window(10)
        first = window.open("a", 0.0)
        second = window.open("b", 0.0)
        window.expire(60.0, 60.0)
        self.assertEqual(window.late(first), "a")
        self.assertIsNone(window.late(first))
        third = window.open("c", 600.0)
        window.expire(60.0 + REMEMBERED - 0.1, 600.0)
        self.assertEqual(window.expire(60.0 + REMEMBERED, 60.0), ["c"])
        self.assertIsNone(window.late(second))
        self.assertEqual(window.late(third), "c")

    def test_drain(self):
        """A lost session hands back all that waits, in order, and then holds nothing."""
        window = Window(10)
        numbers = [window.open(token, 0.0) for token in "abcd"]
        window.close(numbers[1])
        self.assertEqual(window.drain(), ["a", "c", "d"])
        self.assertEqual(window.drain(), [])
        self.assertEqual(len(window), 0)
        self.assertIsNone(window.oldest_sent())

    @bounded
    @given(st.lists(st.sampled_from("ooocex"), max_size=120), st.integers(1, 4))
    def test_every_request_comes_back_exactly_once(self, steps, timeout):
        """Whatever happens, a token is answered, expired or drained, never two of these."""
        window = Window(1000, first=LAST_SEQUENCE_NUMBER - 5)
        waiting: list[tuple[int, int]] = []
        sent, back = 0, []
        for now, step in enumerate(steps):
            if step == "o":
                waiting.append((window.open(sent, float(now)), sent))
                sent += 1
            elif step == "c" and waiting:
                number, _ = waiting[now % len(waiting)]
                token = window.close(number)
                back += [token] if token is not None else []
            elif step == "e":
                back += window.expire(float(now), float(timeout))
        back += window.drain()
        self.assertEqual(sorted(back), list(range(sent)))
