"""The counters of accounts and of providers' hosts as Prometheus metrics (MG-30).

Labels are ``account``, or ``provider`` and ``host``, with ``command_status`` by the standard's name
and ``state`` by the word that receipts have for a message_state. Nothing of a message is in them.
Labels and names are made here, at each scrape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from smppproxy.admin.families import Family, times, values
from smppproxy.admin.metric_table import Labels
from smppproxy.receipts.dialects import NORMALISED
from smppproxy.relay.counts import OTHER, AccountCounts, Counts, HostCounts
from smppproxy.smpp.constants import STATE_UNKNOWN, status_name


def traffic(counts: Counts) -> Iterator[Family]:
    """Every counter of every account and host."""
    accounts: dict[Labels, AccountCounts] = {
        (name,): each for name, each in sorted(counts.accounts.items())
    }
    hosts: dict[Labels, HostCounts] = dict(sorted(counts.hosts.items()))
    yield from _accounts(accounts)
    yield from _hosts(hosts)


def _accounts(accounts: Mapping[Labels, AccountCounts]) -> Iterator[Family]:
    for name, total in _ACCOUNT_TOTALS.items():
        yield values(name, {place: total(each) for place, each in accounts.items()})
    yield _by(
        "account_refused", {place: _by_status(each.refused) for place, each in accounts.items()}
    )
    yield _by(
        "account_receipts_delivered",
        {place: _by_state(each.delivered) for place, each in accounts.items()},
    )
    yield times(
        "account_answer_seconds", {place: each.answers for place, each in accounts.items()}
    )
    yield times(
        "account_final_receipt_seconds", {place: each.finals for place, each in accounts.items()}
    )


def _hosts(hosts: Mapping[Labels, HostCounts]) -> Iterator[Family]:
    for name, total in _HOST_TOTALS.items():
        yield values(name, {place: total(each) for place, each in hosts.items()})
    yield _by("host_refused", {place: _by_status(each.refused) for place, each in hosts.items()})
    yield _by("host_receipts", {place: _by_state(each.receipts) for place, each in hosts.items()})


_ACCOUNT_TOTALS: dict[str, Callable[[AccountCounts], int]] = {
    "account_submitted": lambda each: each.submitted,
    "account_accepted": lambda each: each.accepted,
    "account_in_doubt": lambda each: each.in_doubt,
    "account_abandoned": lambda each: each.abandoned,
    "account_receipts_queued": lambda each: each.queued,
    "account_receipts_refused": lambda each: each.refused_by_client,
    "account_mo_delivered": lambda each: each.mo_delivered,
}

_HOST_TOTALS: dict[str, Callable[[HostCounts], int]] = {
    "host_submitted": lambda each: each.submitted,
    "host_accepted": lambda each: each.accepted,
    "host_in_doubt": lambda each: each.in_doubt,
    "host_unreadable_receipts": lambda each: each.unreadable,
    "host_mo": lambda each: each.mo,
}


def _by(name: str, found: Mapping[Labels, Mapping[str, int]]) -> Family:
    """A counter with one label more."""
    return values(
        name,
        {
            (*place, label): number
            for place, by_label in found.items()
            for label, number in sorted(by_label.items())
        },
    )


def _by_status(refused: Mapping[int, int]) -> dict[str, int]:
    return {"other" if status == OTHER else status_name(status): n for status, n in refused.items()}


def _by_state(receipts: Mapping[int, int]) -> dict[str, int]:
    """By the word for a state; states that have none are as unknown as UNKNOWN is."""
    words: dict[str, int] = {}
    for state, number in receipts.items():
        word = NORMALISED.get(state, NORMALISED[STATE_UNKNOWN])
        words[word] = words.get(word, 0) + number
    return words
