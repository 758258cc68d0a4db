"""The table of refusals against mission section 5."""

import attrs
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.smpp.constants import STATUS_NAMES
from smppproxy.smpp.refusals import (
    ANSWERS,
    AS_PROVIDER,
    REFUSALS,
    SUBMIT_ORDER,
    Refusal,
    status_of,
)

# Section 5, row for row: answer, values, session, ids.
SECTION_5 = {
    1: ("generic_nack", {0x02}, "close", "OZ-15"),
    2: ("generic_nack", {0x03}, "keep", "GW-16"),
    3: ("nothing", {0}, "keep", "GW-16"),
    4: ("nothing", {0}, "close", "MG-07"),
    5: ("bind_resp", {0x05}, "keep", ""),
    6: ("bind_resp", {0x0D}, "close", "MG-17"),
    7: ("bind_resp", {0x0D}, "close", "MG-03"),
    8: ("bind_resp", {0x0D}, "close", "MG-02"),
    9: ("bind_resp", {0x0E, 0x0F}, "close", "GW-14"),
    10: ("bind_resp", {0x53}, "close", "SX-07"),
    11: ("bind_resp", {0x0D}, "close", "MG-04"),
    12: ("bind_resp", {0x0D}, "close", "MG-28"),
    13: ("bind_resp", {0x08}, "close", "OZ-05"),
    14: ("bind_resp", {0x0D}, "close", ""),
    15: ("its_resp", {0x04}, "keep", "OZ-01 SX-10 MG-18"),
    16: ("its_resp", {0x01, 0x02}, "keep", "OZ-15"),
    17: ("submit_sm_resp", {0x0A, 0x0B, 0x15, 0x02}, "keep", "SX-14"),
    18: ("submit_sm_resp", {0x15}, "keep", "OZ-09"),
    19: ("submit_sm_resp", {0x0A}, "keep", "SX-14 MG-25"),
    20: ("submit_sm_resp", {0x48, 0x49}, "keep", "MG-26"),
    21: ("submit_sm_resp", {0x0B}, "keep", "SX-15"),
    22: ("submit_sm_resp", {0x50}, "keep", "GW-18"),
    23: ("submit_sm_resp", {0x51}, "keep", "GW-19"),
    24: ("submit_sm_resp", {0x43}, "keep", "4.4"),
    25: ("submit_sm_resp", {0x06}, "keep", "GW-50"),
    26: ("submit_sm_resp", {0x61}, "keep", "GW-17"),
    27: ("submit_sm_resp", {0x62}, "keep", "4.6"),
    28: ("submit_sm_resp", {0x07}, "keep", "XC-10"),
    29: ("submit_sm_resp", {0x42, 0x54}, "keep", ""),
    30: ("submit_sm_resp", {0x63}, "keep", ""),
    31: ("submit_sm_resp", {0x45, 0x104}, "keep", "GW-40"),
    32: ("submit_sm_resp", {0x45}, "keep", "GW-41"),
    33: ("submit_sm_resp", {0x01}, "keep", "SX-17 GW-44"),
    34: ("submit_sm_resp", {0xC0}, "keep", "GW-52"),
    35: ("submit_sm_resp", {0xC1}, "keep", "GW-46"),
    36: ("submit_sm_resp", {0xC2}, "keep", "GW-33 GW-43"),
    37: ("submit_sm_resp", {0xC3}, "keep", "4.5"),
    38: ("submit_sm_resp", {0xC4}, "keep", "GW-43 GW-47"),
    39: ("submit_sm_resp", {0x58}, "keep", "SX-22"),
    40: ("submit_sm_resp", {0x14}, "keep", "XC-12"),
    41: ("submit_sm_resp", {0x08}, "keep", "XC-12"),
    42: ("submit_sm_resp", {AS_PROVIDER}, "keep", "XC-11"),
    43: ("submit_sm_resp", {0x45}, "keep", "XC-11"),
    44: ("unbind_resp", {0x04}, "close", ""),
    45: ("nothing", {0}, "keep", "GW-23"),
    46: ("unbind", {0}, "close", "OZ-08 GW-04"),
}
# "Order for a submit": 15, 39, layout (16, 17, 34), fields in PDU order (18-30), TLV values
# (35-38), payload (31-33), route (21), queues (40, 41).
STAGES = ({15}, {39}, {16, 17, 34}, {*range(18, 31)}, {*range(35, 39)}, {31, 32, 33}, {21},
          {40, 41})  # fmt: skip


def of_row(row: int) -> list[Refusal]:
    """The refusals of one row."""
    return [refusal for refusal in REFUSALS.values() if refusal.row == row]


class RefusalTests(SynchronousTestCase):
    """One table, equal to the mission's."""

    def test_every_row(self) -> None:
        """All 46 rows: the answer, each of its values, what becomes of the session, the ids."""
        self.assertEqual({refusal.row for refusal in REFUSALS.values()}, set(SECTION_5))
        for row, (answer, values, session, ids) in SECTION_5.items():
            found = of_row(row)
            self.assertEqual({refusal.command_status for refusal in found}, values, row)
            for refusal in found:
                self.assertEqual(refusal.answer, answer, row)
                self.assertEqual(refusal.session, session, row)
                self.assertEqual(" ".join(refusal.ids), ids, row)

    def test_rows_stand_in_order(self) -> None:
        """The table reads like the mission's; every refusal says what was broken."""
        rows = [refusal.row for refusal in REFUSALS.values()]
        self.assertEqual(rows, sorted(rows))
        for name, refusal in REFUSALS.items():
            self.assertEqual(name, refusal.name)
            self.assertRegex(name, r"\A[a-z][a-z0-9_]*\Z")
            self.assertTrue(refusal.rule)
            self.assertIn(refusal.answer, ANSWERS)

    def test_values_have_names(self) -> None:
        """Nothing is answered that SMPP does not know."""
        for refusal in REFUSALS.values():
            if refusal.command_status != AS_PROVIDER:
                self.assertIn(refusal.command_status, STATUS_NAMES)

    def test_names_are_unique(self) -> None:
        """46 rows, and 16 more names for what has two; one that stood twice would be missing."""
        self.assertEqual(len(REFUSALS), 46 + 16)

    def test_order_of_a_submit(self) -> None:
        """Throttling before the body, then layout, fields as in the PDU, TLVs, payload, route."""
        rows = [REFUSALS[name].row for name in SUBMIT_ORDER]
        route = SUBMIT_ORDER.index("no_route")
        before = [next(i for i, stage in enumerate(STAGES) if row in stage) for row in rows[:route]]
        self.assertEqual(before, sorted(before))
        self.assertEqual(set(rows[:route]), set().union(*STAGES[:6]))
        self.assertEqual(set(rows[route:]), set().union(*STAGES[6:]))
        self.assertEqual(len(set(SUBMIT_ORDER)), len(SUBMIT_ORDER))
        fields = rows[rows.index(18) : rows.index(35)]
        self.assertEqual(
            list(dict.fromkeys(fields)), [18, 20, 19, 22, 23, 21, 24, 25, 26, 27, 28, 29, 30]
        )

    def test_every_refusal_of_a_submit_has_its_place(self) -> None:
        """What a submit_sm can be refused with by us is in the order."""
        ours = {
            refusal.name
            for refusal in REFUSALS.values()
            if refusal.answer in ("submit_sm_resp", "its_resp") and refusal.row not in (42, 43)
        }
        self.assertEqual(set(SUBMIT_ORDER), ours)

    def test_an_account_may_say_it_otherwise(self) -> None:
        """``errors`` of an account wins; without it the table speaks; other names are errors."""
        self.assertEqual(status_of("throttled", {}), 0x58)
        self.assertEqual(status_of("throttled", {"throttled": 0x14}), 0x14)
        self.assertEqual(status_of("queue_full", {"throttled": 0x14}), 0x14)
        self.assertRaises(KeyError, status_of, "nothing_like_it", {})

    def test_a_row_as_a_value(self) -> None:
        """A refusal is a plain value: it can be printed and written as JSON."""
        self.assertEqual(
            attrs.astuple(REFUSALS["schedule_delivery_time"]),
            (26, "schedule_delivery_time", "schedule_delivery_time given", "submit_sm_resp",
             0x61, "keep", ("GW-17",)),
        )  # fmt: skip
