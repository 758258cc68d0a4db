"""A receipt beside others: GW-24, late_delivery, aggregation (mission 3.5, 3.6)."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.receipts.dialects import NO_STATE, NORMALISED
from smppproxy.receipts.outcomes import (
    PASS,
    REPEATED,
    SEVERITY,
    SUPERSEDED,
    delivered,
    judge,
    merge,
    worst,
)
from tests.receipts import bounded

ENROUTE, DELIVRD, EXPIRED, DELETED, UNDELIV, ACCEPTD, UNKNOWN, REJECTD = range(1, 9)
FINALS = (DELIVRD, EXPIRED, DELETED, UNDELIV, REJECTD)


class JudgeTests(SynchronousTestCase):
    """What comes after what."""

    def test_gw24_before_the_last_word(self) -> None:
        """Every state is told once."""
        for state in NORMALISED:
            self.assertEqual(judge(b"", NO_STATE, state, False), PASS)
            self.assertEqual(judge(bytes([state]), NO_STATE, state, False), REPEATED)

    def test_gw24_nothing_transient_after_the_last_word(self) -> None:
        """DELIVRD, then ENROUTE: the client sees one receipt, whatever the account wants."""
        for final, state, late in product(FINALS, (0, ENROUTE, ACCEPTD, UNKNOWN), (True, False)):
            self.assertEqual(judge(bytes([final]), final, state, late), SUPERSEDED)

    def test_gw24_of_two_last_words_the_first_stays(self) -> None:
        """Another last word is dropped, the same one is a repetition."""
        for first, then in product(FINALS, FINALS):
            expected = REPEATED if first == then else SUPERSEDED
            self.assertEqual(judge(bytes([first]), first, then, False), expected)

    def test_late_delivery(self) -> None:
        """DELIVRD after EXPIRED or UNKNOWN reaches accounts that want it, once."""
        for first in (*FINALS, UNKNOWN):
            for then in FINALS:
                passed = judge(bytes([first]), first, then, True) == PASS
                self.assertEqual(passed, then == DELIVRD and first in (EXPIRED, UNKNOWN))
        self.assertEqual(judge(bytes([EXPIRED]), EXPIRED, DELIVRD, False), SUPERSEDED)
        self.assertEqual(judge(bytes([EXPIRED, DELIVRD]), DELIVRD, DELIVRD, True), REPEATED)
        self.assertEqual(judge(bytes([EXPIRED, DELIVRD]), DELIVRD, EXPIRED, True), REPEATED)


class MergeTests(SynchronousTestCase):
    """One outcome of several parts."""

    def test_xc09_segments(self) -> None:
        """DELIVRD, DELIVRD, UNDELIV: one UNDELIV, two of three delivered."""
        states = [DELIVRD, DELIVRD, UNDELIV]
        self.assertEqual((merge(states), worst(states), delivered(states)), (UNDELIV, 2, 2))

    def test_xc09_delivered_only_if_all_are(self) -> None:
        """DELIVRD for all parts; one part of any other state and it is that state."""
        self.assertEqual(merge([DELIVRD] * 5), DELIVRD)
        for state in NORMALISED:
            self.assertEqual(merge([DELIVRD, state, DELIVRD]), state)

    def test_xc09_severity(self) -> None:
        """REJECTD > UNDELIV > EXPIRED > DELETED > UNKNOWN, in any order of parts."""
        order = (REJECTD, UNDELIV, EXPIRED, DELETED, UNKNOWN, DELIVRD)
        for place, state in enumerate(order):
            for better in order[place:]:
                self.assertEqual(merge([state, better]), state)
                self.assertEqual(merge([better, state]), state)

    def test_xc09_err_of_the_worst(self) -> None:
        """The first of the worst parts tells err and word."""
        self.assertEqual(worst([DELIVRD, EXPIRED, UNDELIV, UNDELIV, EXPIRED]), 2)

    def test_mg22_final_enroute_among_parts(self) -> None:
        """A part whose last word is ENROUTE is less than delivered and no failure."""
        self.assertEqual(merge([DELIVRD, ENROUTE]), ENROUTE)
        self.assertEqual(merge([DELIVRD, ACCEPTD]), ACCEPTD)
        self.assertEqual(merge([ENROUTE, UNKNOWN]), UNKNOWN)

    def test_every_state_has_its_place(self) -> None:
        """The order holds each state of the table once; a state that is in no table is unknown."""
        self.assertEqual(sorted(SEVERITY), sorted(NORMALISED))
        self.assertEqual(merge([DELIVRD, 99]), 99)
        self.assertEqual(merge([REJECTD, 99]), REJECTD)
        self.assertRaises(ValueError, merge, [])

    @bounded
    @given(st.lists(st.sampled_from(SEVERITY), min_size=1, max_size=20))
    def test_xc09_any_parts(self, states: list[int]) -> None:
        """The outcome is one of the parts', and their order does not matter."""
        self.assertIn(merge(states), states)
        self.assertEqual(merge(states), merge(states[::-1]))
        self.assertEqual(delivered(states) == len(states), merge(states) == DELIVRD)
