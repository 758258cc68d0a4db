"""The ledgers of several nodes as one.

A receipt may come to one node and be delivered by another: then the two nodes' books do not balance
each by itself, but together they do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from smppproxy.relay.ledger import Ledger
from smppproxy.words import LEDGER_FIELDS

ALONE = frozenset({"submitted", "receipts_in"})
"""The equations that hold for each node by itself."""

ALL = "all"
"""Stands for the node in the row of the sums."""

Row = dict[str, Any]


SOME_SILENT = "whether all of them balance is not known: a node does not answer"


def together(rows: list[Row], silent: Sequence[str] = ()) -> list[Row]:
    """The rows of several nodes, each with what it must answer for alone, and their sum.

    :param silent: nodes whose rows are missing: of what all of them have together nothing is known.
    """
    books = Ledger()
    for row in rows:
        for field in LEDGER_FIELDS:
            setattr(books, field, getattr(books, field) + row[field])
        books.adrift(row["adrift"])
        off = row["imbalance"]
        row["imbalance"] = {name: off[name] for name in sorted(ALONE & off.keys())}
        row["balanced"] = not row["imbalance"]
    whole = {"node": ALL, **told(books)}
    if silent:
        off = whole["imbalance"]
        whole["imbalance"] = {name: off[name] for name in sorted(ALONE & off.keys())}
        whole["balanced"] = not whole["imbalance"]
    return [*rows, whole]


def told(books: Ledger) -> Row:
    """A ledger as a row."""
    imbalance = books.imbalance()
    return {
        **books.as_dict(),
        "adrift": books.events["adrift"],
        "balanced": not imbalance,
        "imbalance": imbalance,
    }
