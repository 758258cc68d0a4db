"""Compares what clients, providers and the node remember of one run.

Every function returns sentences that name what is wrong; an empty list is the promise kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from smppproxy.simulator.esme import Esme
from smppproxy.simulator.records import Accepted, Sent
from smppproxy.simulator.smsc import Smsc

#: Examples that a sentence shows of many wrong messages.
SHOWN = 3


def check_client(esme: Esme, exactly_once: bool = True, allowed_duplicates: int = 0) -> list[str]:
    """Every OK has its receipt, no receipt is a stranger's, none came before its response.

    :param exactly_once: a receipt that came twice is wrong as well, beyond
        ``allowed_duplicates`` of them (those unacknowledged when something was killed).
    """
    history = esme.history
    asked = bool(esme.options.registered_delivery & 1)
    accepted = [sent for sent in history if sent.status == 0]
    without = [sent for sent in accepted if asked and not sent.receipts]
    late = [sent for sent in accepted if sent.late]
    uninvited = [sent for sent in history if sent.status != 0 and sent.receipts]
    return [
        *_about("accepted without a receipt", without),
        *_about("with a receipt before the response", late),
        *_about("not accepted, yet with a receipt", uninvited),
        *_repeated_ids(accepted),
        *_count("receipt(s) of an unknown message_id", [h.message_id for h in esme.unknown]),
        *_count("receipt(s) of a message to someone else", [h.message_id for h in esme.foreign]),
        *_duplicates(history, allowed_duplicates if exactly_once else None),
    ]


def _duplicates(history: Sequence[Sent], allowed: int | None) -> list[str]:
    if allowed is None:
        return []
    repeated = [sent for sent in history if sent.receipts > 1]
    extra = sum(sent.receipts - 1 for sent in repeated)
    return _about(f"with {extra} repeated receipts", repeated) if extra > allowed else []


def _repeated_ids(accepted: Iterable[Sent]) -> list[str]:
    counts = Counter(sent.message_id for sent in accepted)
    return _count("message_id(s) given twice", [known for known, n in counts.items() if n > 1])


def check_providers(
    clients: Sequence[Esme], providers: Sequence[Smsc], copies: int = 1, others: bool = False
) -> list[str]:
    """Every OK was accepted by a provider, and no message by providers more than ``copies`` times.

    :param copies: 2 where a host may have been lost before it answered (in doubt, resent once).
    :param others: clients that are not among these may have submitted too.
    """
    taken = Counter(
        accepted.destination[2] for provider in providers for accepted in provider.history
    )
    told = [sent for esme in clients for sent in esme.history]
    missing = [sent for sent in told if sent.status == 0 and not taken[sent.destination]]
    often = [sent for sent in told if taken[sent.destination] > copies]
    known = {sent.destination for sent in told}
    strange = [] if others else [to for to in taken if to not in known]
    return [
        *_about("accepted, yet at no provider", missing),
        *_about(f"at providers more than {copies} time(s)", often),
        *_count("message(s) at a provider that no client sent", strange),
    ]


def check_acknowledged(provider: Smsc) -> list[str]:
    """Every receipt that a provider sent was acknowledged in the end."""
    open_ones: list[Accepted] = [
        accepted for accepted in provider.history if accepted.stat and not accepted.receipts_acked
    ]
    return _count("receipt(s) never acknowledged", [known.message_id for known in open_ones])


def check_ledger(ledger: Mapping[str, int]) -> list[str]:
    """The ledger's own equations (:mod:`smppproxy.relay.ledger`), with nothing lost."""
    get = ledger.get
    answered = get("accepted", 0) + get("refused", 0) + get("in_doubt", 0)
    outcomes = sum(
        get(name, 0)
        for name in ("delivered", "queued", "refused_by_client", "expired", "dropped", "unwanted")
    )
    fates = sum(
        get(name, 0)
        for name in (
            "matched", "merged", "parked", "orphaned", "duplicated", "quarantined",
            "unreadable", "withheld",
        )
    )
    sums = [
        ("submitted", get("submitted", 0), answered + get("in_flight", 0)),
        ("receipts_in", get("receipts_in", 0) + get("parked_before", 0), fates),
        (
            "matched",
            get("matched", 0) + get("made", 0) + get("queued_before", 0),
            outcomes,
        ),
        ("lost", get("lost", 0), 0),
    ]
    wrong = [f"{name} is {has}, its parts are {parts}" for name, has, parts in sums if has != parts]
    return wrong + [f"{name} is {n}" for name, n in ledger.items() if n < 0]


def _about(what: str, messages: Sequence[Sent]) -> list[str]:
    return _count(f"message(s) {what}", [sent.destination for sent in messages])


def _count(what: str, examples: Sequence[bytes]) -> list[str]:
    if not examples:
        return []
    shown = ", ".join(repr(example.decode("latin-1")) for example in examples[:SHOWN])
    return [f"{len(examples)} {what}: {shown}{' ...' if len(examples) > SHOWN else ''}"]


def percentile(values: Iterable[float], share: float) -> float:
    """The value that ``share`` (0..1) of the values do not exceed; 0.0 of nothing."""
    ordered = sorted(values)
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
