"""Words that operators read and type, for whoever needs no more of the program than its words.

The command line is made of them, and would otherwise bring in the rooms where they are at home: a
shell asks it at each press of the tab key. Constants, without an import.
"""

ROLES = ("read", "operate", "admin")
"""What may be done at the operator's door; each role may do what those before it may."""

LOG_LEVELS = ("debug", "info", "warn", "error", "critical")
"""Of what is logged, the gravest last."""

LOG_ROOMS = ("admin", "relay", "service", "store", "wire")
"""Parts of the program whose level of logging may be another one."""

EVERYTHING = "all"
"""Stands for every room that has no level of its own."""

CONFIGURED = "configured"
"""Stands for the level that the node file says."""

STRAYS = ("orphans", "quarantine", "parked")
"""What receipts without a message are listed and replayed as."""

UNROUTED = "unrouted"
"""The same of MO messages that nobody takes."""

LEDGER_FIELDS = (
    "submitted",
    "accepted",
    "refused",
    "in_doubt",
    "resent",
    "lost_responses",
    "no_provider_id",
    "late_responses",
    "receipts_in",
    "matched",
    "merged",
    "made",
    "parked_before",
    "replayed",
    "parked_in",
    "parked_out",
    "orphaned",
    "duplicated",
    "quarantined",
    "unreadable",
    "withheld",
    "unwanted",
    "delivered",
    "redelivered",
    "refused_by_client",
    "expired",
    "dropped",
    "queued_before",
    "mo_in",
    "mo_unrouted",
    "mo_delivered",
)
"""What the ledger counts, in the order in which it is shown; :mod:`smppproxy.relay.ledger` says
what each of them is."""
