"""The verbs, and how much an answer holds: what both the door and the command line are made of.

Pure data, and cheap to have: see :mod:`smppproxy.words`.
"""

from __future__ import annotations

import attrs

from smppproxy.admin.operation import OPERATE, Operation
from smppproxy.admin.schemas import Field, flag, record, text
from smppproxy.words import STRAYS, UNROUTED

MOST_ROWS = 10_000
"""Rows of one answer at most."""

USUAL_ROWS = 1000
"""Rows of one answer when nobody said how many."""


TARGET = text(
    "target",
    "acme, acme/a, acme/a/2, account:shop, account:shop#17 or node:n2",
    required=True,
    least=1,
    most=255,
    example="acme/a",
)
ONE_NODE = text("node", "only on this node, instead of on all", default="", most=64)


@attrs.frozen
class Verb:
    """Something to do: what it is done to, and with what.

    :ivar kinds: what its target may be, see :mod:`smppproxy.admin.targets`.
    """

    name: str
    help: str
    kinds: tuple[str, ...]
    role: str = OPERATE


PLACES = ("provider", "host", "bind")

VERBS: dict[str, Verb] = {
    verb.name: verb
    for verb in (
        Verb(
            "drain",
            "send it no more messages; what is under way is finished, then it is left",
            (*PLACES, "account", "node"),
        ),
        Verb(
            "isolate",
            "send it no more messages; receipts and MO messages are still taken from it",
            PLACES,
        ),
        Verb("resume", "use it again as the network says", (*PLACES, "account", "node")),
        Verb("kick", "unbind it; it may bind again at once", ("bind", "account", "session")),
        Verb("reconnect", "unbind what is bound and bind anew, now", PLACES),
    )
}


REPLAY = Operation(
    "POST",
    "/replay",
    "replay",
    OPERATE,
    "look for the owners of receipts and MO messages that have none, by the settings of now",
    (
        text("kind", "of what", required=True, choices=(*STRAYS, UNROUTED)),
        text("provider", "only its own", default="", most=64),
        text("since", "only what arrived then or later", format="date-time"),
        text("until", "only what arrived before", format="date-time"),
        text("id", "only this one, as show tells it", default="", most=255),
        text("number", "only of this number, or of numbers that end so", default="", most=32),
        flag("dry_run", "only say what would be found", default=False),
        flag("force", "give one receipt to the message of its id, whatever its number"),
    ),
    record(
        (
            text("kind"),
            flag("dry_run"),
            Field("counts", "object", "what became of how many"),
        )
    ),
)
