"""State words, finality, wishes and dialects: mission 3.5, XC-10."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.receipts.dialects import (
    DIALECTS,
    NO_STATE,
    STATES,
    WANT_ANY,
    WANT_FAILURE,
    WANT_INTERMEDIATE,
    WANT_SUCCESS,
    downstream,
    kind_of,
    state_of,
    wanted,
)
from tests.receipts import bounded

# Row by row: words, state, then (stat, message_state) sent by default and in dialect gatewayapi.
TABLE = (
    ("SCHEDULED STAGED QUEUE", 0, ("ENROUTE", 1), ("BUFFERD", 1)),
    ("BUFFERD BUFFRED BUFFERED DEQUEUED", 1, ("ENROUTE", 1), ("BUFFERD", 1)),
    ("ENROUTE ACKED SUBMITD SENT INCOMPLETE", 1, ("ENROUTE", 1), ("ENROUTE", 1)),
    ("DELIVRD DELIVERED DELIVERD", 2, ("DELIVRD", 2), ("DELIVRD", 2)),
    ("EXPIRED EXHAUSTED", 3, ("EXPIRED", 3), ("EXPIRED", 3)),
    ("DELETED CANCELED CANCELLED", 4, ("DELETED", 4), ("UNDELIV", 5)),
    (
        "UNDELIV UNDELIVERABLE UNDELIVRD FAILED NOROUTE INVALID_ROUTING",
        5,
        ("UNDELIV", 5),
        ("UNDELIV", 5),
    ),
    ("ACCEPTD ACCEPTED", 6, ("ACCEPTD", 6), ("ACCEPTD", 6)),
    ("UNKNOWN", 7, ("UNKNOWN", 7), ("UNKNOWN", 7)),
    (
        "REJECTD REJECTED DND_REJECTED BLIST BLACKLISTED CODE_NOT_ALLOWED SEGMENTS_EXCEEDED",
        8,
        ("REJECTD", 8),
        ("REJECTD", 8),
    ),
    ("SKIPPED", 9, ("REJECTD", 8), ("REJECTD", 8)),
)


class StateTests(SynchronousTestCase):
    """What words mean."""

    def test_gw36_every_word(self) -> None:
        """Each word of the table has its state in any letter case, and nothing else is in it."""
        words = 0
        for row, state, _, _ in TABLE:
            for word in row.split():
                for spelling in (word, word.lower(), word.title()):
                    self.assertEqual(state_of(spelling.encode())[0], state, spelling)
                words += 1
        self.assertEqual(len(STATES), words)

    def test_gw36_gw37_sent(self) -> None:
        """Each row goes out as the table says; BUFFERD only in its one dialect."""
        for row, state, default, gatewayapi in TABLE:
            for word in row.split():
                stat = word.encode()
                for dialect, (sent, number) in (("default", default), ("gatewayapi", gatewayapi)):
                    self.assertEqual(
                        downstream(DIALECTS[dialect], state, stat), (sent.encode(), number)
                    )

    def test_gw36_by_state_alone(self) -> None:
        """Without a word the state decides; a state that is none is UNKNOWN."""
        for dialect in DIALECTS.values():
            self.assertEqual(downstream(dialect, 2, b""), (b"DELIVRD", 2))
            self.assertEqual(downstream(dialect, 1, b""), (b"ENROUTE", 1))
            for state in (NO_STATE, 7, 10, 255):
                self.assertEqual(downstream(dialect, state, b"0"), (b"UNKNOWN", 7))

    def test_gw37_the_state_wins(self) -> None:
        """BUFFERD beside message_state 2 is no BUFFERD."""
        self.assertEqual(downstream(DIALECTS["gatewayapi"], 2, b"BUFFERD"), (b"DELIVRD", 2))

    def test_mg32_first_letters(self) -> None:
        """Words that only begin like a known one."""
        for word, state in (
            (b"DELIVRD_OK", 2),
            (b"undelivered", 5),
            (b"EXPIRY", 3),
            (b"REJ", 8),
            (b"DELETION", 4),
            (b"ACCPTED", 6),
        ):
            self.assertEqual(state_of(word)[0], state, word)

    def test_mg32_unheard_of(self) -> None:
        """Anything else says nothing: not even a number does."""
        for word in (b"", b"0", b"2", b"GONE", b"XDELIVRD", b"\xff"):
            self.assertEqual(state_of(word), (NO_STATE, ""))

    def test_mg23_rejected(self) -> None:
        """REJECTD is 8, and as a final state a failure."""
        self.assertEqual(state_of(b"REJECTD"), (8, "REJECTD"))
        self.assertEqual(kind_of(8, True, False), WANT_FAILURE)


class WishTests(SynchronousTestCase):
    """registered_delivery against what a receipt is."""

    def test_xc10_matrix(self) -> None:
        """{0, 1, 2, 3, 0x10, 0x11, 0x20} x {ENROUTE, DELIVRD, UNDELIV}."""
        kinds = (kind_of(1, False, False), kind_of(2, True, False), kind_of(5, True, False))
        for registered_delivery, expected in {
            0: (False, False, False),
            1: (False, True, True),
            2: (False, False, True),
            3: (True, True, True),
            0x10: (True, False, False),
            0x11: (True, True, True),
            0x20: (False, False, False),
        }.items():
            bits = wanted(registered_delivery, True, "asked")
            self.assertEqual(
                tuple(bool(bits & kind) for kind in kinds), expected, registered_delivery
            )

    def test_xc10_real_clients(self) -> None:
        """Kannel's 0x11 and rusmppyc's 0x1d are read by their bits."""
        self.assertEqual(wanted(0x11, True, "asked"), WANT_ANY)
        self.assertEqual(wanted(0x1D, True, "asked"), WANT_ANY)
        self.assertEqual(wanted(0x0D, True, "asked"), WANT_SUCCESS | WANT_FAILURE)

    def test_xc10_account(self) -> None:
        """An account's settings add or take away; no receipt asked stays none."""
        self.assertEqual(wanted(1, True, "always"), WANT_ANY)
        self.assertEqual(wanted(2, True, "always"), WANT_FAILURE | WANT_INTERMEDIATE)
        self.assertEqual(wanted(0, True, "always"), 0)
        self.assertEqual(wanted(0x11, True, "never"), WANT_SUCCESS | WANT_FAILURE)
        self.assertEqual(wanted(0x10, True, "never"), 0)
        for intermediate in ("asked", "always", "never"):
            self.assertEqual(wanted(0x1F, False, intermediate), 0)

    @bounded
    @given(st.integers(0, 255), st.sampled_from(("asked", "always", "never")))
    def test_xc10_any_octet(self, registered_delivery: int, intermediate: str) -> None:
        """Bits 2, 3 and 5 to 7 change nothing here."""
        self.assertEqual(
            wanted(registered_delivery, True, intermediate),
            wanted(registered_delivery & 0x13, True, intermediate),
        )

    def test_gw24_unknown_outcome(self) -> None:
        """UNKNOWN goes to whoever asked for any outcome, unless it is marked intermediate."""
        self.assertEqual(kind_of(7, False, False), WANT_ANY)
        self.assertEqual(kind_of(7, False, True), WANT_INTERMEDIATE)
        self.assertEqual(kind_of(7, True, False), WANT_FAILURE)
