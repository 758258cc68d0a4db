"""Messages in doubt that can be found by our own reference, which the provider brings back (XC-05).

Towards a provider with ``reference_echo`` each message carries a reference of ours. When its host
goes away before it answered, the message gets a map under that reference: a receipt that comes
later finds its client, and proves that the message was taken. A client that still waits for the
answer gets it then.

Each part of a message that was cut has a reference of its own: it is found, and proved, alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import attrs
from twisted.internet.defer import Deferred

from smppproxy.receipts.correlation import destination_tail, fits
from smppproxy.receipts.references import key_of_reference, own_reference
from smppproxy.relay.submission import Submit, mapping_of
from smppproxy.routing.providers import Provider
from smppproxy.store.interface import Mapping


@attrs.define
class Referred:
    """A message in doubt, or a part of one, and the map by which a receipt finds it.

    :ivar began: unix seconds at which the monotonic clock stood at 0.
    """

    submit: Submit
    mapping: Mapping
    provider: Provider
    began: float


class Echoes:
    """Who is to be found by a reference."""

    def __init__(
        self,
        wall_clock: Callable[[], float],
        record: Callable[[Provider, list[Mapping], list[Submit]], Deferred[bool]],
        accept: Callable[[Referred], None],
        hold: Callable[[Iterable[bytes]], None],
    ) -> None:
        """
        :param wall_clock: unix seconds.
        :param record: writes maps; whether they are durable.
        :param accept: told of what is proved to be taken.
        :param hold: told the client_message_id of messages of several parts: a receipt finds one
            part while the others are still to be answered, and must not be there before the answer.
        """
        self._wall_clock = wall_clock
        self._record = record
        self._accept = accept
        self._hold = hold
        # By key.
        self._waiting: dict[bytes, Referred] = {}

    def refer(self, provider: Provider, submits: Iterable[Submit], now: float) -> None:
        """Let receipts find these, which are in doubt."""
        began = self._wall_clock() - now
        mappings: list[Mapping] = []
        found: dict[bytes, Referred] = {}
        for submit in submits:
            if submit.settled or submit.retry is None:
                continue
            part = submit.part if submit.group is not None else 0
            reference = own_reference(submit.receipt_message_id, provider.reference_max, part)
            first = submit.retry.referenced = submit.retry.referenced or began
            mapping = self.joined(submit, key_of_reference(reference), first, provider)
            mappings.append(mapping)
            found[mapping.key] = Referred(submit, mapping, provider, began)
        if mappings:
            parts = [each.submit for each in found.values() if each.submit.group]
            self._hold([each.receipt_message_id for each in parts])
            self._record(provider, mappings, []).addCallback(self._recorded, found)

    def _recorded(self, durable: bool, found: dict[bytes, Referred]) -> None:
        if durable:
            self._waiting.update(found)

    @staticmethod
    def joined(submit: Submit, key: bytes, began: float, provider: Provider) -> Mapping:
        """A map of a message that was in doubt, joined with its other one if it has one.

        The client gets one receipt, whichever copy's comes.
        """
        parts = 1 if submit.group is None else len(submit.group.parts)
        mapping = mapping_of(submit, key, began, provider, None, parts)
        if submit.retry is not None and submit.retry.referenced:
            mapping.group = mapping.group or b"%d" % submit.number
        return mapping

    def proved(self, keys: Iterable[bytes], destination: bytes) -> None:
        """A receipt with our reference came: that message was taken, its client may still wait."""
        for key in keys if self._waiting else ():
            found = self._waiting.get(key)
            if found is None or found.submit.settled or not found.submit.client.connected:
                continue
            if fits(found.mapping.destination, destination_tail(destination)):
                self._accept(found)

    def tick(self) -> None:
        """Once a second: forget who has an answer."""
        if self._waiting:
            self._waiting = {
                key: found for key, found in self._waiting.items() if not found.submit.settled
            }
