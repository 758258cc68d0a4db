"""The counters of accounts and of providers' hosts as Prometheus metrics (MG-30).

Labels are ``account``, or ``provider`` and ``host``, with ``command_status`` by the standard's name
and ``state`` by the word that receipts have for a message_state. Nothing of a message is in them.
Labels and names are made here, at each scrape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

from smppproxy.receipts.dialects import NORMALISED
from smppproxy.relay.counts import OTHER, AccountCounts, Counts, HostCounts, Times
from smppproxy.smpp.constants import STATE_UNKNOWN, status_name

Labels = tuple[str, ...]

ACCOUNT = ["account"]
HOST = ["provider", "host"]


def traffic(counts: Counts) -> Iterator[Metric]:
    """Every counter of every account and host."""
    accounts: dict[Labels, AccountCounts] = {
        (name,): each for name, each in sorted(counts.accounts.items())
    }
    hosts: dict[Labels, HostCounts] = dict(sorted(counts.hosts.items()))
    yield from _accounts(accounts)
    yield from _hosts(hosts)


def _accounts(accounts: Mapping[Labels, AccountCounts]) -> Iterator[Metric]:
    name = "smppproxy_account_"
    for field, text, value in _ACCOUNT_TOTALS:
        values = {place: value(each) for place, each in accounts.items()}
        yield _totals(name + field, text, ACCOUNT, values)
    yield _by(
        name + "refused", "submit_sm answered with an error", [*ACCOUNT, "command_status"],
        {place: _by_status(each.refused) for place, each in accounts.items()},
    )  # fmt: skip
    yield _by(
        name + "receipts_delivered", "receipts acknowledged by the client", [*ACCOUNT, "state"],
        {place: _by_state(each.delivered) for place, each in accounts.items()},
    )  # fmt: skip
    yield _times(
        name + "answer_seconds", "from a submit_sm to its ESME_ROK",
        {place: each.answers for place, each in accounts.items()},
    )  # fmt: skip
    yield _times(
        name + "final_receipt_seconds",
        "from a submit_sm to the client's acknowledgement of its final receipt",
        {place: each.finals for place, each in accounts.items()},
    )  # fmt: skip


def _hosts(hosts: Mapping[Labels, HostCounts]) -> Iterator[Metric]:
    name = "smppproxy_host_"
    for field, text, value in _HOST_TOTALS:
        values = {place: value(each) for place, each in hosts.items()}
        yield _totals(name + field, text, HOST, values)
    yield _by(
        name + "refused", "submit_sm answered with an error, by the provider's own code",
        [*HOST, "command_status"],
        {place: _by_status(each.refused) for place, each in hosts.items()},
    )  # fmt: skip
    yield _by(
        name + "receipts", "receipts read", [*HOST, "state"],
        {place: _by_state(each.receipts) for place, each in hosts.items()},
    )  # fmt: skip


_ACCOUNT_TOTALS: tuple[tuple[str, str, Callable[[AccountCounts], int]], ...] = (
    ("submitted", "submit_sm taken", lambda each: each.submitted),
    ("accepted", "submit_sm answered ESME_ROK", lambda each: each.accepted),
    ("in_doubt", "submit_sm whose fate is unknown", lambda each: each.in_doubt),
    ("abandoned", "submit_sm never sent, since the client went", lambda each: each.abandoned),
    ("receipts_queued", "receipts put into the account's queue", lambda each: each.queued),
    (
        "receipts_refused",
        "receipts that the client refused for good",
        lambda each: each.refused_by_client,
    ),
    ("mo_delivered", "MO messages acknowledged by the client", lambda each: each.mo_delivered),
)

_HOST_TOTALS: tuple[tuple[str, str, Callable[[HostCounts], int]], ...] = (
    ("submitted", "submit_sm written, second copies included", lambda each: each.submitted),
    ("accepted", "submit_sm answered ESME_ROK, late answers included", lambda each: each.accepted),
    ("in_doubt", "submit_sm not answered in time", lambda each: each.in_doubt),
    ("unreadable_receipts", "receipts without any message id", lambda each: each.unreadable),
    ("mo", "MO messages read", lambda each: each.mo),
)


def _totals(name: str, text: str, labels: list[str], values: Mapping[Labels, int]) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for place, value in values.items():
        family.add_metric(place, value)
    return family


def _by(
    name: str, text: str, labels: list[str], values: Mapping[Labels, Mapping[str, int]]
) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for place, by_label in values.items():
        for label, value in sorted(by_label.items()):
            family.add_metric([*place, label], value)
    return family


def _times(name: str, text: str, times: Mapping[Labels, Times]) -> Metric:
    family = HistogramMetricFamily(name, text, labels=ACCOUNT)
    for place, each in times.items():
        so_far = 0
        buckets: list[tuple[str, float]] = []
        for bound, number in zip((*each.bounds, None), each.buckets, strict=True):
            so_far += number
            buckets.append(("+Inf" if bound is None else str(bound), so_far))
        family.add_metric(place, buckets, each.total)
    return family


def _by_status(refused: Mapping[int, int]) -> dict[str, int]:
    return {"other" if status == OTHER else status_name(status): n for status, n in refused.items()}


def _by_state(receipts: Mapping[int, int]) -> dict[str, int]:
    """By the word for a state; states that have none are as unknown as UNKNOWN is."""
    words: dict[str, int] = {}
    for state, number in receipts.items():
        word = NORMALISED.get(state, NORMALISED[STATE_UNKNOWN])
        words[word] = words.get(word, 0) + number
    return words
