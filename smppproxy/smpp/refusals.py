"""
What is answered when something is refused: one table, mission section 5, row for row.

An account may give a refusal another command_status (its ``errors``); a name is what that setting,
logs and counters call it. A row with several values has a name for each, and so has a row whose
causes an operator wants to tell apart. Whoever refuses names a refusal of this table and takes its
command_status from here: `STATUSES` where no account is known, else `refusal_of`.
"""

from collections.abc import Mapping
from typing import Final

import attrs

from smppproxy.smpp import constants as c

#: Forms of an answer. "its_resp" is the response of the refused request.
ANSWERS: Final = (
    "nothing",
    "generic_nack",
    "its_resp",
    "bind_resp",
    "submit_sm_resp",
    "unbind_resp",
    "unbind",
)
#: The command_status of row 42: the provider's own.
AS_PROVIDER: Final = -1


@attrs.define
class Refusal:
    """
    One refusal.

    :ivar row: in mission section 5.
    :ivar name: ours, unique.
    :ivar rule: what was broken.
    :ivar answer: one of `ANSWERS`.
    :ivar command_status: of the answer; 0 where nothing is answered, or `AS_PROVIDER`.
    :ivar session: "keep" or "close": answered, flushed, closed.
    :ivar ids: requirements it comes from, or the section of the mission that explains it.
    """

    row: int
    name: str
    rule: str
    answer: str
    command_status: int
    session: str
    ids: tuple[str, ...]


_KEEP, _CLOSE = "keep", "close"


def _row(
    row: int,
    ids: str,
    answer: str,
    session: str,
    *refusals: tuple[str, str, int],
) -> list[Refusal]:
    return [
        Refusal(row, name, rule, answer, command_status, session, tuple(ids.split()))
        for name, rule, command_status in refusals
    ]


def _submit(row: int, ids: str, *refusals: tuple[str, str, int]) -> list[Refusal]:
    return _row(row, ids, "submit_sm_resp", _KEEP, *refusals)


def _bind(row: int, ids: str, *refusals: tuple[str, str, int]) -> list[Refusal]:
    return _row(row, ids, "bind_resp", _CLOSE, *refusals)


_STREAM = [
    *_row(1, "OZ-15", "generic_nack", _CLOSE,
          ("command_length", "command_length below 16 or above the limit", c.ESME_RINVCMDLEN)),
    *_row(2, "GW-16", "generic_nack", _KEEP,
          ("command_id", "unknown or unsupported request", c.ESME_RINVCMDID)),
    *_row(3, "GW-16", "nothing", _KEEP,
          ("unexpected_response", "a response or generic_nack that nobody waits for", c.ESME_ROK)),
    *_row(4, "MG-07", "nothing", _CLOSE,
          ("unfinished_pdu", "a partial PDU older than 30 s", c.ESME_ROK),
          ("never_bound", "no bind in time", c.ESME_ROK)),
]  # fmt: skip

_BINDS = [
    *_row(5, "", "bind_resp", _KEEP,
          ("already_bound", "a bind on a bound session", c.ESME_RALYBND)),
    *_bind(6, "MG-17", ("address_not_allowed", "address not allowed", c.ESME_RBINDFAIL)),
    *_bind(7, "MG-03", ("tls_required", "TLS required, plain used", c.ESME_RBINDFAIL)),
    *_bind(8, "MG-02", ("version_not_allowed", "version not allowed", c.ESME_RBINDFAIL)),
    *_bind(9, "GW-14",
           ("credentials", "unknown system_id or wrong password", c.ESME_RINVPASWD),
           ("unknown_system_id", "unknown system_id, with distinct_auth_errors",
            c.ESME_RINVSYSID)),
    *_bind(10, "SX-07", ("system_type", "system_type required and wrong", c.ESME_RINVSYSTYP)),
    *_bind(11, "MG-04", ("bind_type_not_allowed", "bind type not allowed", c.ESME_RBINDFAIL)),
    *_bind(12, "MG-28", ("too_many_binds", "too many binds", c.ESME_RBINDFAIL)),
    *_bind(13, "OZ-05",
           ("not_ready", "store down, draining, accounts unreadable", c.ESME_RSYSERR)),
    *_bind(14, "", ("account_disabled", "account disabled", c.ESME_RBINDFAIL)),
]  # fmt: skip

_LAYOUT = [
    *_row(15, "OZ-01 SX-10 MG-18", "its_resp", _KEEP,
          ("bind_state",
           "request before the bind, submit_sm on a receiver or MO-only account, "
           "deliver_sm from a client", c.ESME_RINVBNDSTS)),
    *_row(16, "OZ-15", "its_resp", _KEEP,
          ("sm_length", "body shorter than sm_length says", c.ESME_RINVMSGLEN),
          ("body_length", "body shorter than its other fields say", c.ESME_RINVCMDLEN)),
    *_submit(17, "SX-14",
             ("source_addr_string", "source_addr without NUL or too long", c.ESME_RINVSRCADR),
             ("destination_addr_string", "destination_addr without NUL or too long",
              c.ESME_RINVDSTADR),
             ("service_type_string", "service_type without NUL", c.ESME_RINVSERTYP),
             ("other_string", "another string without NUL or too long", c.ESME_RINVCMDLEN)),
]  # fmt: skip

_FIELDS = [
    *_submit(18, "OZ-09",
             ("service_type", "service_type over 5 octets, or not mapped", c.ESME_RINVSERTYP)),
    *_submit(19, "SX-14 MG-25",
             ("source_addr", "source address bad or not provisioned", c.ESME_RINVSRCADR)),
    *_submit(20, "MG-26",
             ("source_addr_ton", "source TON not allowed (strict)", c.ESME_RINVSRCTON),
             ("source_addr_npi", "source NPI not allowed (strict)", c.ESME_RINVSRCNPI)),
    *_submit(21, "SX-15",
             ("destination_addr", "destination bad", c.ESME_RINVDSTADR),
             ("no_route", "no route for the destination", c.ESME_RINVDSTADR),
             ("denied", "a route denies it, by default with its own command_status",
              c.ESME_RINVDSTADR)),
    *_submit(22, "GW-18", ("dest_addr_ton", "destination TON not 0 or 1", c.ESME_RINVDSTTON)),
    *_submit(23, "GW-19",
             ("dest_addr_npi", "destination NPI not allowed (strict)", c.ESME_RINVDSTNPI)),
    *_submit(24, "4.4",
             ("esm_class", "bad type bits, or UDH bit without a sound UDH", c.ESME_RINVESMCLASS)),
    *_submit(25, "GW-50", ("priority_flag", "priority_flag above 3", c.ESME_RINVPRTFLG)),
    *_submit(26, "GW-17",
             ("schedule_delivery_time", "schedule_delivery_time given", c.ESME_RINVSCHED)),
    *_submit(27, "4.6",
             ("validity_period", "validity_period malformed or past", c.ESME_RINVEXPIRY)),
    *_submit(28, "XC-10",
             ("registered_delivery", "reserved bits 5 to 7 set", c.ESME_RINVREGDLVFLG)),
    *_submit(29, "",
             ("replace_if_present", "replace_if_present_flag 1", c.ESME_RINVSUBREP),
             ("replace_if_present_flag", "replace_if_present_flag other than 0 and 1",
              c.ESME_RINVREPFLAG)),
    *_submit(30, "", ("sm_default_msg_id", "sm_default_msg_id not 0", c.ESME_RINVDFTMSGID)),
]  # fmt: skip

_PAYLOAD = [
    *_submit(31, "GW-40",
             ("data_coding", "data_coding not supported", c.ESME_RSUBMITFAIL),
             ("data_coding_5_0", "data_coding not supported, on a 5.0 bind", c.ESME_RINVDCS)),
    *_submit(32, "GW-41", ("payload", "payload does not decode", c.ESME_RSUBMITFAIL)),
    *_submit(33, "SX-17 GW-44",
             ("message_length", "odd UCS2, over max_parts or max_payload, part too long",
              c.ESME_RINVMSGLEN)),
]  # fmt: skip

_TLVS = [
    *_submit(34, "GW-52", ("tlv_stream", "TLV area unreadable", c.ESME_RINVOPTPARSTREAM)),
    *_submit(35, "GW-46",
             ("tlv_not_allowed", "short_message and payload; SAR and UDH",
              c.ESME_ROPTPARNOTALLWD)),
    *_submit(36, "GW-33 GW-43", ("tlv_length", "TLV of wrong size", c.ESME_RINVPARLEN)),
    *_submit(37, "4.5",
             ("tlv_missing", "part of SAR missing, required vendor TLV missing",
              c.ESME_RMISSINGOPTPARAM)),
    *_submit(38, "GW-43 GW-47",
             ("tlv_value", "TLV value out of range, unknown message class",
              c.ESME_RINVOPTPARAMVAL)),
]  # fmt: skip

_TRAFFIC = [
    *_submit(39, "SX-22",
             ("throttled", "TPS exceeded", c.ESME_RTHROTTLED),
             ("too_many_outstanding", "more than max_outstanding unanswered",
              c.ESME_RTHROTTLED)),
    *_submit(40, "XC-12", ("queue_full", "account or provider queue full", c.ESME_RMSGQFUL)),
    *_submit(41, "XC-12",
             ("store_down", "store down", c.ESME_RSYSERR),
             ("no_provider", "no provider reachable", c.ESME_RSYSERR),
             ("deadline", "deadline passed", c.ESME_RSYSERR),
             ("unbinding", "a request behind an unbind", c.ESME_RSYSERR)),
    *_submit(42, "XC-11",
             ("refused_upstream", "refused by the provider for the message itself", AS_PROVIDER)),
    *_submit(43, "XC-11",
             ("refused_upstream_otherwise", "refused by the provider with another or vendor code",
              c.ESME_RSUBMITFAIL)),
]  # fmt: skip

_ENDS = [
    *_row(44, "", "unbind_resp", _CLOSE,
          ("not_bound", "unbind when not bound", c.ESME_RINVBNDSTS)),
    *_row(45, "GW-23", "nothing", _KEEP,
          ("no_response", "a client does not answer in time; three in a row: unbind and close",
           c.ESME_ROK)),
    *_row(46, "OZ-08 GW-04", "unbind", _CLOSE,
          ("idle", "idle for too long", c.ESME_ROK),
          ("no_enquire_link_resp", "enquire_link unanswered", c.ESME_ROK),
          ("draining", "the node stops", c.ESME_ROK)),
]  # fmt: skip

#: All refusals by name, in the order of the rows.
REFUSALS: Final[dict[str, Refusal]] = {
    refusal.name: refusal
    for refusal in (
        *_STREAM, *_BINDS, *_LAYOUT, *_FIELDS, *_PAYLOAD, *_TLVS, *_TRAFFIC, *_ENDS
    )
}  # fmt: skip

# The fields of rows 18 to 30 as they stand in the PDU; the route is looked for after them.
_FIELD_ROWS = (18, 20, 19, 22, 23, 21, *range(24, 31))
_ORDER = (15, 39, 16, 17, 34, *_FIELD_ROWS, *range(35, 39), 31, 32, 33)

_BY_ROUTES = ("no_route", "denied")

#: Names in the order in which a submit_sm is held against them: throttling comes before the body is
#: read, so that an attack is cheap; then the layout, the fields, TLVs, payload, route and queues.
#: The first that is broken is the one named.
SUBMIT_ORDER: Final[tuple[str, ...]] = (
    *(
        refusal.name
        for row in _ORDER
        for refusal in REFUSALS.values()
        if refusal.row == row and refusal.name not in _BY_ROUTES
    ),
    *_BY_ROUTES,
    *(refusal.name for refusal in REFUSALS.values() if refusal.row in (40, 41)),
)


def status_of(name: str, errors: Mapping[str, int]) -> int:
    """
    The command_status of a refusal towards an account with these ``errors``.

    Raises KeyError for a name that is not in `REFUSALS`.
    """
    return errors.get(name) or REFUSALS[name].command_status


class RefusalStatus(int):
    """
    The command_status of a refusal that knows which one it is.

    :ivar name: in `REFUSALS`; "" of `NO_REFUSAL`.
    :ivar counter: what the ledger calls it.
    """

    name: str
    counter: str


#: Kinds of command_status that are kept ready made; providers' own may be of very many kinds.
MOST_KINDS: Final = 10_000
_KNOWN: dict[tuple[str, int], RefusalStatus] = {}


def named(name: str, command_status: int) -> RefusalStatus:
    """This command_status, as the refusal of that name."""
    status = _KNOWN.get((name, command_status))
    if status is None:
        status = RefusalStatus(command_status)
        status.name = name
        status.counter = name if name.startswith("refused_") else "refused_" + name
        if len(_KNOWN) < MOST_KINDS:
            _KNOWN[name, command_status] = status
    return status


def refusal_of(name: str, errors: Mapping[str, int]) -> RefusalStatus:
    """As `status_of`, with the refusal's name."""
    return named(name, status_of(name, errors))


#: The command_status of each refusal by its name, as the table has it.
STATUSES: Final[dict[str, RefusalStatus]] = {
    refusal.name: named(refusal.name, refusal.command_status)
    for refusal in REFUSALS.values()
    if refusal.command_status != AS_PROVIDER
}
#: Nothing is refused: 0, and false like it.
NO_REFUSAL: Final = named("", c.ESME_ROK)
