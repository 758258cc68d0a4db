"""Answers to providers: a deliver_sm is answered once the store has what it said, or not at all."""

from __future__ import annotations

from collections.abc import Sequence

from smppproxy.relay.peers import Upstream
from smppproxy.smpp.build import data_sm_resp, deliver_sm_resp
from smppproxy.smpp.constants import DATA_SM, DELIVER_SM
from smppproxy.smpp.pdu import Pdu

UNANSWERED = 500
"""deliver_sm of one bind that may wait for the store before its socket is no longer read (F78)."""

TEMP_ANSWER_AFTER = 5.0
"""Seconds without the store after which a provider with a ``temp_answer`` gets it (reading 4)."""


class Answers:
    """How many deliver_sm of each bind wait for their answer."""

    def __init__(self) -> None:
        self._waiting: dict[Upstream, int] = {}

    def expect(self, upstream: Upstream, number: int) -> None:
        """So many more wait; a bind with too many is not read."""
        waiting = self._waiting.get(upstream, 0) + number
        self._waiting[upstream] = waiting
        if waiting > UNANSWERED:
            upstream.hold()

    def give(self, upstream: Upstream, pdus: Sequence[Pdu], status: int | None) -> bool:
        """Answer them, with nothing where ``status`` is None; False when the bind is gone."""
        waiting = self._waiting.get(upstream)
        if waiting is None:
            return False
        waiting -= len(pdus)
        self._waiting[upstream] = waiting
        if pdus and status is not None:
            # A call less for each receipt than by answer_to.
            answers = [
                deliver_sm_resp(pdu.sequence_number, status)
                if pdu.command_id == DELIVER_SM
                else answer_to(pdu, status)
                for pdu in pdus
            ]
            upstream.write(b"".join(answers))
        if waiting <= UNANSWERED:
            upstream.release()
        return True

    def lost(self, upstream: Upstream) -> None:
        """The bind is gone; its answers go nowhere, the provider sends again what it misses."""
        self._waiting.pop(upstream, None)

    def is_open(self, upstream: Upstream) -> bool:
        """Whether the bind still waits for answers."""
        return upstream in self._waiting


def patience_with(upstream: Upstream) -> float | None:
    """For how long its provider's deliver_sm wait for the store, in seconds; None: for ever."""
    return TEMP_ANSWER_AFTER if upstream.provider.temp_answer else None


def answer_to(pdu: Pdu, status: int = 0) -> bytes:
    """deliver_sm_resp or data_sm_resp with an empty message_id (OZ-18, V28)."""
    answer = data_sm_resp if pdu.command_id == DATA_SM else deliver_sm_resp
    return answer(pdu.sequence_number, status)
