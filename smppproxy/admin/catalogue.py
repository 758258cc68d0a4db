"""The views: what an operator can look at, column by column. Pure data."""

from __future__ import annotations

import attrs

from smppproxy.admin.schemas import Field, flag, number, text, whole
from smppproxy.words import LEDGER_FIELDS


@attrs.frozen
class View:
    """Something to look at: rows with the same columns.

    :ivar asked: ``nodes``: every node is asked and its rows carry its name; ``store``: all nodes
        share it, one answer is enough; ``here``: it is the same wherever it is asked.
    :ivar names: columns that the parameter ``name`` is compared with.
    :ivar noun: what one row is, for sentences.
    :ivar sums: the rows of several nodes about one thing can be shown as one.
    :ivar upright: a table shows a row as a column, as there are few of them and they are long.
    """

    name: str
    help: str
    noun: str
    names: tuple[str, ...]
    columns: tuple[Field, ...]
    asked: str = "nodes"
    upright: bool = False
    sums: bool = False


NO_PLACE = "unadmitted"
"""The state, on one node, of what other nodes have all binds of."""

NODE = text("node", "the node whose row this is")
LOADS = (
    number("rate_1m", "submit_sm a second, mean of the last minute"),
    number("rate_5m", "of the last five minutes", wide=True),
    number("rate_15m", "of the last fifteen minutes", wide=True),
)

STRAY = (
    text("id", "what replay calls it"),
    text("kind", "orphans, quarantine or parked"),
    text("provider"),
    text("host", "that brought it", wide=True),
    text("reason"),
    text("arrived", "UTC"),
    text("message_ids", "under which it was looked for"),
    text("number", "the last digits of who got the message"),
    text("state", "what it says"),
    text("stat", "in the provider's own word", wide=True),
    flag("final"),
    flag("readable", "a replay reads it again by the settings of now", wide=True),
)

VIEWS: dict[str, View] = {
    view.name: view
    for view in (
        View(
            "binds",
            "every bound session: binds to providers, and clients' sessions",
            "bind",
            ("name", "of"),
            (
                NODE,
                text("side", "provider or account"),
                text("name", "acme/a/2 or shop#17"),
                text("of", "the provider or account it belongs to", wide=True),
                text("type", "trx, tx or rx"),
                text("state", "of the session; what is not bound says what it does"),
                text("admin", "what the operator wants of it: up, isolate, drain or down"),
                number("for", "seconds in this state"),
                number("down", "seconds since it was last bound", wide=True),
                text("peer", "the other side's address"),
                whole("window", "requests that may be unanswered"),
                whole("outstanding", "submit_sm without an answer"),
                whole("deliveries", "deliver_sm without an answer"),
                text("last_error", "why it was last lost or refused"),
                flag("alarm", "the provider refuses our credentials", wide=True),
            ),
        ),
        View(
            "providers",
            "every provider: its state, windows, backlog and counts",
            "provider",
            ("provider",),
            (
                NODE,
                text("provider"),
                text("preset", wide=True),
                text("state", "up, partly or down; unadmitted: other nodes have all binds"),
                text("admin"),
                text("binds", "bound of all"),
                whole("window", "of all its binds", wide=True),
                whole("outstanding", "submit_sm without an answer"),
                whole("backlog", "messages that wait for room in a window"),
                text("why", "why it takes no message now"),
                text("ids", "how it spells its message ids, where that is learned", wide=True),
                whole("submitted"),
                whole("accepted"),
                whole("refused"),
                whole("in_doubt"),
                whole("receipts"),
                whole("mo", wide=True),
                *LOADS,
            ),
            sums=True,
        ),
        View(
            "hosts",
            "every host of every provider",
            "host",
            ("host", "provider"),
            (
                NODE,
                text("host", "acme/a"),
                text("provider", wide=True),
                text("address"),
                flag("tls", wide=True),
                text("state", "up, partly or down; unadmitted: other nodes have all binds"),
                text("admin"),
                text("why", "why it takes no message now"),
                text("binds", "bound of all"),
                whole("outstanding"),
                whole("submitted"),
                whole("accepted"),
                whole("refused"),
                Field("refusals", "object", "refused by command_status", wide=True),
                whole("in_doubt"),
                whole("receipts"),
                whole("unreadable", wide=True),
                whole("mo", wide=True),
                *LOADS,
            ),
            sums=True,
        ),
        View(
            "accounts",
            "every account: its sessions and counts",
            "account",
            ("account",),
            (
                NODE,
                text("account"),
                flag("enabled"),
                text("admin"),
                whole("binds", "sessions bound"),
                whole("max_binds"),
                whole("outstanding", "submit_sm without an answer"),
                whole("submitted"),
                whole("accepted"),
                whole("refused"),
                Field("refusals", "object", "refused by command_status", wide=True),
                whole("in_doubt"),
                whole("receipts_queued", "receipts put into its queue", wide=True),
                whole("delivered", "receipts that it acknowledged"),
                whole("receipts_refused", "receipts that it refused for good", wide=True),
                whole("mo_delivered", wide=True),
                whole("unacked", "deliver_sm without an answer", wide=True),
                *LOADS,
            ),
            sums=True,
        ),
        View(
            "queues",
            "what waits for each account, over all nodes",
            "account",
            ("account",),
            (
                text("account"),
                text("queue", "receipts or mo"),
                whole("waiting"),
                whole("in_hands", "handed to a node and not acknowledged"),
                number("oldest", "seconds since the oldest of them came into the queue"),
                whole("limit", "entries it holds at most"),
                whole("keep", "seconds that it keeps them"),
                whole("dropped", "pushed out by its limits since the store began"),
            ),
            "store",
        ),
        View(
            "inflight",
            "messages without an outcome, and those in doubt",
            "message",
            ("account", "bind", "client_message_id", "destination"),
            (
                NODE,
                text("state", "sent, waiting or in doubt"),
                text("account"),
                text("client_message_id"),
                text("source"),
                text("destination"),
                text("bind", "where it was sent"),
                whole("sequence_number", "under which it was sent"),
                whole("attempts"),
                number("age", "seconds since it came"),
            ),
        ),
        View(
            "parked",
            "receipts that wait for the answer to their submit_sm; the newest first",
            "receipt",
            ("provider", "id", "message_ids"),
            STRAY,
            "store",
        ),
        View(
            "orphans",
            "receipts without an owner, and those in quarantine; the newest first",
            "receipt",
            ("provider", "id", "message_ids", "kind"),
            STRAY,
            "store",
        ),
        View(
            "unrouted",
            "MO messages for nobody; the newest first",
            "message",
            ("provider", "id", "number", "source"),
            (
                text("id", "what replay calls it"),
                text("provider"),
                text("arrived", "UTC"),
                text("source"),
                text("number", "it was sent to"),
                whole("octets", wide=True),
                text("route", "where a replay would bring it"),
            ),
            "store",
        ),
        View(
            "ledger",
            "what came, what went and what is here; it must add up",
            "node",
            ("node",),
            (
                NODE,
                *(whole(field) for field in LEDGER_FIELDS),
                whole("in_flight"),
                whole("parked"),
                whole("queued"),
                whole("adrift", "receipts that a lost answer of the store may have moved"),
                flag("balanced"),
                Field("imbalance", "object", "what does not add up, and by how much"),
            ),
            upright=True,
        ),
        View(
            "nodes",
            "every node that shares the store",
            "node",
            ("node",),
            (
                NODE,
                text("state", "up, draining, store crowded, store away, or silent"),
                text("started", "UTC"),
                number("uptime", "seconds"),
                whole("version", "of the network in force, 0: none of the store"),
                text("trouble", "a version that it could not take"),
                text("durability", "what the store keeps an OK through: memory, process, replica"),
                text("journal", "off, ready, waiting (for the store) or blocked"),
                text("program", "its release, commit and kind: compiled or pure Python", wide=True),
                text("admin", "where its admin door is", wide=True),
                whole("clients", "sessions of clients"),
                whole("binds", "binds to providers that stand"),
                whole("hops", "sessions that stand with other nodes, for their binds"),
                whole("in_flight"),
                whole(
                    "queued",
                    "receipts it put into queues less those it delivered: below 0 where it delivers"
                    " what others put there",
                    wide=True,
                ),
            ),
        ),
        View(
            "routes",
            "the routes by their order, then as in the file",
            "route",
            ("route",),
            (
                whole("place"),
                text("route"),
                text("match", "what a message must be like"),
                text("targets"),
                text("options"),
            ),
            "here",
        ),
        View(
            "budgets",
            "binds and messages a second that accounts and providers may have",
            "budget",
            ("of",),
            (
                NODE,
                text("of", "account:shop or provider:acme"),
                whole("binds", "held by this node"),
                whole("max_binds", "0: no limit"),
                number("tps", "messages a second over all nodes, 0: no limit"),
                number(
                    "share",
                    "messages a second that this node may spend now; nothing: as many as it likes",
                    nullable=True,
                ),
            ),
            sums=True,
        ),
        View(
            "quality",
            "how well providers deliver, by the prefixes of routes with select = \"quality\"",
            "measure",
            ("provider", "prefix"),
            (
                NODE,
                text("provider"),
                text("prefix"),
                whole("messages", "that came to their end within fifteen minutes"),
                whole("delivered", "of them"),
                text("ratio", "of messages delivered that counts now; empty: too few to say"),
                text("latency", "seconds to the receipt that count now"),
            ),
        ),
        View(
            "logs",
            "how much is logged, room by room",
            "room",
            ("room",),
            (
                NODE,
                text("room", "a part of the program; all: what has no level of its own"),
                text("level", "the least that is logged"),
                flag("own", "it has a level of its own"),
            ),
        ),
        View(
            "config",
            "every option of the node and the network; secrets are not shown",
            "option",
            ("section",),
            (
                text("section"),
                text("option"),
                text("value"),
                flag("changed", "it is not the default"),
            ),
            "here",
        ),
    )
}
