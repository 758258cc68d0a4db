"""The table of refusals against mission section 5, the code and the tests against the table."""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import attrs
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.smpp.constants import STATUS_NAMES
from smppproxy.smpp.refusals import (
    ANSWERS,
    AS_PROVIDER,
    NO_REFUSAL,
    REFUSALS,
    STATUSES,
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

PACKAGE = Path(__file__).resolve().parents[2] / "smppproxy"
#: Where a command_status means something else than a refusal of ours: file, constants, what.
OTHERWISE: dict[str, tuple[str, str]] = {
    "smpp/constants.py": ("*", "their values and names"),
    "smpp/refusals.py": ("*", "the table"),
    "routing/providers.py": ("*", "what a provider answered, by default of its profile"),
    "relay/verdicts.py": ("*", "what a provider answered"),
    "relay/tries.py": ("RALYBND RINVBNDSTS", "what a provider answered: our bind is broken"),
    "relay/messages.py": ("RINVDSTADR", "a provider is told of an MO message for nobody (M2)"),
    "relay/alarms.py": ("RINVCMDID RINVCMDLEN", "what a provider answered: it cannot read us"),
    "relay/retry.py": ("RSUBMITFAIL", "what a provider answered: the code that says least"),
    "relay/outbox.py": ("*", "what a client answered to a deliver_sm"),
    "relay/endings.py": ("RUNKNOWNERR", "the message is in doubt, nobody refused it (reading 1)"),
}
#: A test that provokes each refusal: its name, where the test is.
PROVOKED: dict[str, str] = {
    "command_length": "wire.test_listener.BeforeBindTests.test_f03_impossible_lengths",
    "command_id": "wire.test_keeping.AnswerTests.test_gw16_v23_is_answered_by_v24",
    "unexpected_response": "wire.test_listener.BoundTests.test_f35_answers_to_nothing",
    "unfinished_pdu": "wire.test_listener.BeforeBindTests.test_f05_unfinished_pdu",
    "never_bound":
        "wire.test_listener.BeforeBindTests.test_f24_f25_session_init_is_not_reset_by_octets",
    "already_bound": "wire.test_listener.BindTests.test_f28_second_bind",
    "address_not_allowed": "wire.test_listener.BindTests.test_f45_mg17_address",
    "tls_required": "wire.test_listener.BindTests.test_f45_mg03_tls_required",
    "version_not_allowed":
        "wire.test_admission.SettingsTests.test_mg02_only_the_versions_of_the_account",
    "credentials": "wire.test_listener.BindTests.test_gw14_oz05_wrong_password",
    "unknown_system_id": "wire.test_admission.SettingsTests.test_gw14_distinct_auth_errors",
    "system_type": "wire.test_admission.SettingsTests.test_sx07_required_system_type",
    "bind_type_not_allowed": "wire.test_listener.BindTests.test_mg04_bind_type",
    "too_many_binds": "wire.test_listener.BindTests.test_f45_mg28_too_many_binds",
    "not_ready": "wire.test_listener.BindTests.test_oz05_store_away_is_temporary",
    "account_disabled": "wire.test_listener.BindTests.test_f45_account_disabled",
    "bind_state": "wire.test_listener.BoundTests.test_f27_sx10_wrong_direction",
    "sm_length": "relay.test_rules.RefusedTests.test_layout_errors_of_an_account",
    "body_length": "relay.test_rules.RefusedTests.test_layout_errors_of_an_account",
    "source_addr_string": "relay.test_rules.RefusedTests.test_layout_errors_of_an_account",
    "destination_addr_string": "relay.test_rules.RefusedTests.test_layout_errors_of_an_account",
    "service_type_string": "relay.test_rules.RefusedTests.test_layout_errors_of_an_account",
    "other_string": "relay.test_rules.RefusedTests.test_layout_errors_of_an_account",
    "service_type": "relay.test_rules.RefusedTests.test_rows_18_to_38",
    "source_addr": "relay.test_rules.RefusedTests.test_rows_18_to_38",
    "source_addr_ton": "relay.test_rules.RefusedTests.test_rows_18_to_38",
    "source_addr_npi": "relay.test_rules.RefusedTests.test_rows_18_to_38",
    "destination_addr": "relay.test_rules.RefusedTests.test_rows_18_to_38",
    "no_route":
        "relay.test_submission.RulesInTheJourneyTests.test_account_errors_of_the_journey",
    "denied": "relay.test_routes.DenyTests.test_a_route_denies_with_its_own_status",
    "dest_addr_ton": "relay.test_rules.RefusedTests.test_rows_18_to_38",
    "dest_addr_npi": "relay.test_rules.RefusedTests.test_rows_18_to_38",
    "esm_class": "relay.test_rules.RefusedTests.test_rows_18_to_38",
    "priority_flag": "relay.test_rules.RefusedTests.test_rows_18_to_38",
    "schedule_delivery_time": "relay.test_rules.RefusedTests.test_rows_18_to_38",
    "validity_period": "relay.test_rules.RefusedTests.test_rows_18_to_38",
    "registered_delivery": "relay.test_rules.RefusedTests.test_rows_18_to_38",
    "replace_if_present": "relay.test_rules.RefusedTests.test_rows_18_to_38",
    "replace_if_present_flag": "relay.test_rules.RefusedTests.test_rows_18_to_38",
    "sm_default_msg_id": "relay.test_rules.RefusedTests.test_rows_18_to_38",
    "data_coding": "relay.test_rules.RefusedTests.test_rows_18_to_38",
    "data_coding_5_0": "relay.test_rules.RefusedTests.test_gw40_data_coding_to_a_5_0_bind",
    "payload": "relay.test_rules.RefusedTests.test_rows_18_to_38",
    "message_length": "relay.test_rules.RefusedTests.test_rows_18_to_38",
    "tlv_stream": "relay.test_rules.RefusedTests.test_layout_errors_of_an_account",
    "tlv_not_allowed": "relay.test_rules.RefusedTests.test_rows_18_to_38",
    "tlv_length": "relay.test_rules.RefusedTests.test_layout_errors_of_an_account",
    "tlv_missing": "relay.test_rules.RefusedTests.test_rows_18_to_38",
    "tlv_value": "relay.test_rules.RefusedTests.test_rows_18_to_38",
    "throttled":
        "relay.test_submission.RulesInTheJourneyTests.test_account_errors_of_the_journey",
    "too_many_outstanding":
        "relay.test_submission.RulesInTheJourneyTests.test_account_errors_of_the_journey",
    "queue_full": "relay.test_events.RefusedTests.test_queue_full",
    "store_down":
        "relay.test_submission.RulesInTheJourneyTests.test_account_errors_of_the_journey",
    "no_provider":
        "relay.test_submission.RulesInTheJourneyTests.test_account_errors_of_the_journey",
    "deadline": "relay.test_flow.TroubleTests.test_xc12_deadline",
    "unbinding":
        "smpp.test_session_faults.StateFaultTests.test_f30_new_submits_while_unbinding",
    "refused_upstream": "relay.test_events.RefusedTests.test_mg14_by_a_provider",
    "refused_upstream_otherwise": "relay.test_events.RefusedTests.test_mg14_by_a_provider",
    "not_bound": "wire.test_keeping.AnswerTests.test_row_44_v34_when_not_bound",
    "no_response": "wire.test_keeping.KeepingTests.test_f38_gw23_three_unanswered_in_a_row",
    "idle": "wire.test_keeping.KeepingTests.test_oz08_idle_after_five_minutes",
    "no_enquire_link_resp": "wire.test_listener.BoundTests.test_f40_oz06_silent_client",
    "draining": "wire.test_listener.LeavingTests.test_gw04_drain",
}


def constants_of(path: Path) -> Iterator[str]:
    """The constants of command_status that a file names, ESME_ROK aside."""
    for node in ast.walk(ast.parse(path.read_text())):
        name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
        if name.startswith("ESME_") and name != "ESME_ROK":
            yield name


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
        """46 rows, and 17 more names for what has two; one that stood twice would be missing."""
        self.assertEqual(len(REFUSALS), 46 + 17)

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

    def test_nobody_else_refuses(self) -> None:
        """A refusal is named and its command_status taken from the table, in every room.

        The simulator plays somebody else, who answers what its options say.
        """
        for path in sorted(PACKAGE.rglob("*.py")):
            file = path.relative_to(PACKAGE).as_posix()
            allowed, _ = OTHERWISE.get(file, ("", ""))
            if allowed != "*" and not file.startswith("simulator/"):
                self.assertLessEqual(
                    {*constants_of(path)}, {f"ESME_{each}" for each in allowed.split()}, file
                )
        for file in OTHERWISE:
            self.assertTrue([*constants_of(PACKAGE / file)], file)

    def test_every_refusal_is_provoked(self) -> None:
        """Each refusal of each row has a test that provokes it, and that test is there."""
        self.assertEqual(set(PROVOKED), set(REFUSALS))
        for name, test in PROVOKED.items():
            module, case, method = test.rsplit(".", 2)
            found = getattr(getattr(import_module(f"tests.{module}"), case), method, None)
            self.assertTrue(callable(found), f"{name}: {test}")

    def test_ready_made(self) -> None:
        """Without an account: a number with its name, for whatever has one; none is false."""
        self.assertEqual(
            {name: int(status) for name, status in STATUSES.items()},
            {
                name: refusal.command_status
                for name, refusal in REFUSALS.items()
                if refusal.command_status != AS_PROVIDER
            },
        )
        self.assertEqual(
            [status.name for status in STATUSES.values()], [*STATUSES]
        )
        self.assertFalse(NO_REFUSAL)

    def test_a_row_as_a_value(self) -> None:
        """A refusal is a plain value: it can be printed and written as JSON."""
        self.assertEqual(
            attrs.astuple(REFUSALS["schedule_delivery_time"]),
            (26, "schedule_delivery_time", "schedule_delivery_time given", "submit_sm_resp",
             0x61, "keep", ("GW-17",)),
        )  # fmt: skip
