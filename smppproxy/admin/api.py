"""What the operator's door can be asked: the one table of views and verbs.

The HTTP paths, who may use them, what their parameters may be, the OpenAPI document and the
command line's ``show`` and verbs are all made of it and of the vocabulary. Pure data: it starts
nothing and asks nobody.
"""

from __future__ import annotations

from typing import Any

from smppproxy.admin.catalogue import NODE, VIEWS, View
from smppproxy.admin.history_api import HISTORY, WHOAMI
from smppproxy.admin.network_api import NETWORK
from smppproxy.admin.operation import ADMIN, OPERATE, READ, Operation
from smppproxy.admin.schemas import (
    OCTETS,
    Field,
    flag,
    listing,
    number,
    record,
    text,
    whole,
)
from smppproxy.admin.vocabulary import MOST_ROWS, ONE_NODE, REPLAY, TARGET, USUAL_ROWS, VERBS, Verb
from smppproxy.words import CONFIGURED, EVERYTHING, LOG_LEVELS, LOG_ROOMS, ROLES

__all__ = ["ADMIN", "OPERATE", "OPERATIONS", "PREFIX", "READ", "Operation"]

PREFIX = "/api/v1"

CLUSTER = (
    flag("here", "only what the asked node knows", default=False),
    text("node", "only this node's rows", default="", most=64),
)
SUM = flag("sum", "one row for what several nodes have a row of", default=False)
PAGE = (
    text("name", "only rows of this name, or of what lies below it", default="", most=255),
    whole("limit", "rows at most", default=USUAL_ROWS, least=1, most=MOST_ROWS),
)


def _answer_of(view: View) -> dict[str, Any]:
    head = (
        text("view"),
        text("node", "who answered"),
        number("at", "unix seconds"),
        Field("silent", "strings", "nodes that are known and did not answer"),
        text("note", "what one should know about this answer"),
        flag("more", "there are more rows than the limit"),
    )
    answer = record(head)
    answer["properties"]["rows"] = listing(record(view.columns))
    answer["required"].append("rows")
    return answer


DONE = record(
    (
        text("verb"),
        text("target"),
        text("note", "what one should know about this answer"),
        Field("silent", "strings", "nodes that are known and did not answer"),
    )
)
DONE["properties"]["done"] = listing(
    record((NODE, text("target"), text("was"), text("now"), text("note")))
)
DONE["required"].append("done")


def _show(view: View) -> Operation:
    more: tuple[Field, ...] = CLUSTER if view.asked == "nodes" else ()
    more += (SUM,) if view.sums else ()
    return Operation(
        "GET",
        f"/show/{view.name}",
        "show",
        READ,
        view.help,
        (*PAGE, *more),
        _answer_of(view),
        view.name,
    )


def _do(verb: Verb) -> Operation:
    return Operation(
        "POST", f"/{verb.name}", "do", verb.role, verb.help, (TARGET, ONE_NODE), DONE
    )


EXPLAINED = record(
    (
        NODE,
        text("account"),
        text("destination"),
        Field("notes", "strings", "what keeps the account from sending anything"),
        text("route", "that decides"),
        text("because", "how the order of the providers came about"),
        text("chosen", "the provider it would go to, or wait for"),
        text("verdict", "what would become of it"),
        text("command_status", "that would be answered, where it is refused"),
    )
)
EXPLAINED["properties"]["routes"] = listing(
    record(
        (
            whole("place", "in the file"),
            text("route"),
            whole("order"),
            text("prefix", "the longest of its prefixes that the destination has"),
            flag("prefix_fits", "there is one, or it asks for none"),
            flag("asked", "no route before it has decided"),
            flag("fits"),
            text("why"),
        )
    )
)
EXPLAINED["properties"]["targets"] = listing(
    record(
        (
            text("provider"),
            text("state", "ready, or why it takes nothing now"),
            text("why"),
            flag("bound"),
            flag("fits", "it can carry the message"),
            text("rewritten", "what it is told instead"),
            text("price"),
            text("measured", "its quality, where the route goes by that"),
        )
    )
)
EXPLAINED["required"] += ["routes", "targets"]

LOG = Operation(
    "POST",
    "/log",
    "log",
    OPERATE,
    "log more or less of a part of the program, until the node ends",
    (
        text(
            "room",
            "a part of the program; all: what has no level of its own",
            required=True,
            choices=(EVERYTHING, *LOG_ROOMS),
        ),
        text(
            "level",
            "the least that is logged; configured: what the node file says",
            required=True,
            choices=(*LOG_LEVELS, CONFIGURED),
        ),
        ONE_NODE,
    ),
    DONE,
)

TLV = "0x[0-9A-Fa-f]{4}=([0-9A-Fa-f]{2}){0,500}"
"""A TLV as explain takes it."""

EXPLAIN = Operation(
    "GET",
    "/explain",
    "explain",
    READ,
    "where a message would go, and why: every route tried, every provider with its state",
    (
        text("account", required=True, least=1, most=255, example="demo"),
        text(
            "destination", required=True, least=1, most=255, pattern=OCTETS, example="4512345678"
        ),
        text("source", "the sender", default="", most=255, pattern=OCTETS),
        text("text", "of the message", default="hello", most=1000, lines=True),
        whole("data_coding", "default: 0, or 8 where the text needs it", least=0, most=255),
        whole("source_ton", "default: as the sender looks", least=0, most=255),
        whole("dest_ton", "default: 1, international", default=1, least=0, most=255),
        text("service_type", default="", most=255, pattern=OCTETS),
        whole("priority", default=0, least=0, most=255),
        text("message_class", default="", most=255, pattern=OCTETS),
        Field("tlvs", "strings", "TAG=HEX", pattern=TLV, example="0x1403=0a0b"),
        flag("part", "it is a part of a long message", default=False),
        text("at", "another moment, e.g. 2026-12-24T18:00:00Z; default: now", format="date-time"),
        ONE_NODE,
    ),
    EXPLAINED,
)

TRACE = Operation(
    "GET",
    "/trace",
    "trace",
    READ,
    "every hop of a message: by our id, the provider's, the client's reference, or a number",
    (
        text("id", "or a reference, or a number", required=True, least=1, most=255, example="45"),
        whole("limit", "messages at most, the newest", default=20, least=1, most=1000),
    ),
    record(
        (
            text("query"),
            text("note", "what one should know about this answer"),
            Field("silent", "strings", "nodes that are known and did not answer"),
        )
    ),
    patience=50.0,
)
TRACE.answer["properties"]["hops"] = listing({"type": "object"})
TRACE.answer["required"].append("hops")

REPORT = Operation(
    "GET",
    "/report",
    "report",
    READ,
    "the traffic by hour, account, provider, country and result, of up to 31 days",
    (
        text("since", "hours from then on; default: a day before until", format="date-time"),
        text("until", "hours before then; default: now", format="date-time"),
        text("account", "only this one", default="", most=255),
        text("provider", "only this one", default="", most=64),
    ),
    record((text("note", "what one should know about this answer"),)),
)
REPORT.answer["properties"]["rows"] = listing(
    record(
        (
            text("hour", "its beginning, UTC"),
            text("account"),
            text("provider"),
            text("country", "the calling code of whom the message was for"),
            text("result", "a command_status, the state of a final receipt, or MO"),
            whole("count"),
        )
    )
)
REPORT.answer["required"].append("rows")

TAP = Operation(
    "GET",
    "/tap",
    "tap",
    OPERATE,
    "the PDUs of this node's sessions while they pass; one JSON object a line",
    (
        text(
            "target",
            "acme, acme/a, acme/a/2, account:shop, account:shop#17 or number:4512345678",
            required=True,
            least=1,
            most=255,
            example="acme/a",
        ),
        flag("text", "show what messages say and all numbers; for the role admin", default=False),
        whole("seconds", "then it ends; 0: it does not", default=0, least=0, most=86_400),
        whole("count", "PDUs after which it ends; 0: it does not", default=0, least=0),
    ),
    record(
        (
            text("time"),
            NODE,
            text("session"),
            text("side", "account or provider"),
            text("peer"),
            text("direction", "in: it came to us"),
            text("command"),
            text("command_status"),
            whole("sequence_number"),
            Field("fields", "object"),
            text("octets", "in hexadecimal, with stars for what is not to be seen"),
            whole("dropped", "PDUs before this one that are not shown: there was no room"),
        )
    ),
    stream=True,
)

OPERATIONS: dict[tuple[str, str], Operation] = {
    (operation.path, operation.method): operation
    for operation in (
        *(_show(view) for view in VIEWS.values()),
        *(_do(verb) for verb in VERBS.values()),
        EXPLAIN,
        LOG,
        *NETWORK,
        REPLAY,
        TRACE,
        REPORT,
        HISTORY,
        WHOAMI,
        TAP,
    )
}
"""By path below :data:`PREFIX` and method."""


def is_allowed(role: str, least: str) -> bool:
    """Whether a role may do what needs this one."""
    return ROLES.index(role) >= ROLES.index(least)
