"""What receipts in quarantine have in common: a setting that would let them out.

A provider that repeats the message's own addresses in its receipts, instead of turning them round,
has all of them in quarantine: their source is not the number that got the message. When enough of
them would fit turned round the operator is told which option says so; nothing is changed by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from smppproxy.receipts.correlation import destination_tail
from smppproxy.receipts.profile import ReceiptProfile
from smppproxy.receipts.receipt import read_receipt
from smppproxy.relay.ledger import Ledger
from smppproxy.routing.providers import Provider
from smppproxy.smpp.pdu import Pdu
from smppproxy.store.interface import QUEUED, Arrival, Store

ENOUGH = 10
"""Receipts that fit the other way round before somebody is told."""

MOST = 1_000
"""Receipts of a provider that are tried; then its trouble is another one."""


@attrs.define
class _Tried:
    """What is known of one provider with this profile."""

    profile: ReceiptProfile
    turned: ReceiptProfile
    tried: int = 0
    fitting: int = 0


class Advice:
    """Tries receipts in quarantine the other way round."""

    _log = Logger()

    def __init__(self, store: Store, ledger: Ledger) -> None:
        self._store = store
        self._ledger = ledger
        self._known: dict[str, _Tried] = {}

    def quarantined(self, provider: Provider, arrivals: Iterable[Arrival]) -> None:
        """These receipts did not fit the messages that their ids name."""
        profile: ReceiptProfile = provider.receipt
        if profile.addresses != "swapped":
            return
        known = self._known.get(provider.name)
        if known is None or known.profile != profile:
            turned = attrs.evolve(profile, addresses="as_submitted")
            known = self._known[provider.name] = _Tried(profile, turned)
        if known.fitting >= ENOUGH or known.tried >= MOST:
            return
        tried = [turn(each, known.turned) for each in arrivals if each.raw]
        candidates = [each for each in tried if each is not None]
        if not candidates:
            return
        known.tried += len(candidates)
        found: Deferred[list[int]] = self._store.fitting(provider.key, candidates)
        found.addCallbacks(self._looked, _not_now, callbackArgs=(provider, known))

    def _looked(self, outcomes: list[int], provider: Provider, known: _Tried) -> None:
        fitting = outcomes.count(QUEUED)
        if not fitting:
            return
        self._ledger.count("receipts_unswapped", fitting)
        before, known.fitting = known.fitting, known.fitting + fitting
        if before < ENOUGH <= known.fitting:
            self._log.warn(
                "receipts of {provider} are in quarantine that fit their messages if their"
                " addresses stand as submitted: set [provider.{provider}.receipt] addresses ="
                ' "as_submitted", then run smppproxy replay quarantine --provider {provider}',
                event="receipts_unswapped",
                provider=provider.name,
                count=known.fitting,
            )


def turn(arrival: Arrival, profile: ReceiptProfile) -> Arrival | None:
    """A receipt with the address that this profile takes; None when that says nothing new."""
    raw = arrival.raw
    receipt = read_receipt(Pdu(int.from_bytes(raw[4:8], "big"), 0, 0, raw), profile)
    if receipt is None or destination_tail(receipt.destination) in (b"", arrival.destination):
        return None
    return attrs.evolve(arrival, destination=destination_tail(receipt.destination))


def _not_now(failure: Any) -> None:
    """It is only advice: the next ones are tried too."""
