"""How each provider with ``ids`` in mode auto spells its ids: learned here, told when certain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from twisted.logger import Logger

from smppproxy.receipts.learning import IdLearner
from smppproxy.receipts.message_ids import IdProfile, keys_of_receipt
from smppproxy.receipts.profile import Receipt
from smppproxy.relay.submission import Offsets
from smppproxy.routing.providers import Provider
from smppproxy.smpp.constants import GENERIC_NACK
from smppproxy.smpp.fields import read_message_id
from smppproxy.smpp.pdu import Pdu


class Answered(Protocol):
    """What was answered: a submit_sm of a client, or of another node."""

    @property
    def pdu(self) -> Pdu:
        """As it came."""

    @property
    def offsets(self) -> Offsets:
        """Of its fields, as ``walk_message`` gives them."""


class Spellings:
    """One learner per provider that wants one (XC-02); the others cost one comparison."""

    _log = Logger()

    def __init__(self) -> None:
        self._learners: dict[str, tuple[IdProfile, IdLearner]] = {}

    def _learner(self, provider: Provider) -> IdLearner:
        known = self._learners.get(provider.name)
        if known is not None and known[0] == provider.ids:
            return known[1]
        learner = IdLearner(provider.ids)
        self._learners[provider.name] = (provider.ids, learner)
        return learner

    def responses(self, provider: Provider, answers: Sequence[tuple[Answered, Pdu]]) -> None:
        """The answers of one read, of a provider in mode auto."""
        learner = self._learner(provider)
        for submit, pdu in answers:
            if pdu.command_status or pdu.command_id == GENERIC_NACK:
                continue
            dest_at, esm_at = submit.offsets[1:3]
            learner.response(read_message_id(pdu), submit.pdu.raw[dest_at + 2 : esm_at - 1])

    def keys(self, provider: Provider, receipt: Receipt) -> tuple[bytes, ...]:
        """The keys to look a receipt up by; what it shows is learned."""
        profile: IdProfile = provider.ids
        if not profile.auto:
            return keys_of_receipt(profile, receipt)
        learner = self._learner(provider)
        if learner.receipt(receipt):
            self._log.info(
                "ids of {provider}: {spelling}",
                event="ids_learned",
                provider=provider.name,
                certain=learner.certain,
                spelling=learner.describe(),
            )
        return learner.keys(receipt)

    def learned(self) -> dict[str, str]:
        """What is known of each provider in mode auto, in words, for people."""
        return {name: learner.describe() for name, (_, learner) in self._learners.items()}
