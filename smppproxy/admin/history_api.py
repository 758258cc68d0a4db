"""What the operator's door can be asked for charts, and who one is at it. Pure data."""

from __future__ import annotations

from typing import Any

from smppproxy.admin.history import ACCOUNT, LEVELS, PROVIDER, QUANTILES, SLOTS, STEP, TOTALS
from smppproxy.admin.operation import READ, Operation
from smppproxy.admin.schemas import Field, flag, listing, number, record, text, whole

HOUR = SLOTS * STEP


def _numbers(kind: str) -> dict[str, Any]:
    """One number for each step; null: no node knows."""
    return listing({"type": kind, "nullable": True})


def _named(series: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": series,
        "required": [*series],
        "additionalProperties": False,
    }


_WHOLE, _SECONDS = _numbers("integer"), _numbers("number")

ANSWER = record(
    (
        text("node", "who answered"),
        number("at", "unix seconds"),
        Field("nodes", "strings", "whose numbers these are"),
        Field("silent", "strings", "nodes that are known and did not answer"),
        text("note", "what one should know about this answer"),
        whole("step", "seconds that one number is about"),
        whole("first", "unix seconds at which the first of them began"),
        whole("count", "how many of them there are in each series"),
    )
)
ANSWER["properties"] |= {
    "totals": _named({name: _WHOLE for name in (*TOTALS, *LEVELS)}),
    "answers": _named({name: _SECONDS for name in QUANTILES}),
    "finals": _named({name: _SECONDS for name in QUANTILES}),
    "providers": listing(
        _named({"provider": {"type": "string"}} | {name: _WHOLE for name in PROVIDER})
    ),
    "accounts": listing(
        _named({"account": {"type": "string"}} | {name: _WHOLE for name in ACCOUNT})
    ),
}
ANSWER["required"] += ["totals", "answers", "finals", "providers", "accounts"]

HISTORY = Operation(
    "GET",
    "/history",
    "history",
    READ,
    "the last hour in steps of two seconds: how much went through, and how long it took",
    (
        whole("seconds", "that are looked back", default=HOUR, least=STEP, most=HOUR),
        whole(
            "since", "only steps that began then or later, unix seconds",
            default=0, least=0, most=2**40,
        ),  # fmt: skip
        flag("named", "every provider and account too, not only the totals", default=False),
        flag("here", "only what the asked node knows", default=False),
        text("node", "only this node's numbers", default="", most=64),
    ),
    ANSWER,
)

WHOAMI = Operation(
    "GET",
    "/whoami",
    "whoami",
    READ,
    "who one is at this door, and what one may do",
    (),
    record(
        (
            text("node", "who answered"),
            text("program", "its release, commit and kind"),
            text("role", "read, operate or admin"),
            text("who", "a person, or what is known of one"),
            text("peer", "an address, or unix"),
            Field("may", "strings", "operations that one may ask for"),
        )
    ),
)
