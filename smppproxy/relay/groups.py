"""One client message that goes upstream as several submit_sm: one answer, one id, one receipt.

Each part is a :class:`Part`: a submit_sm of its own to windows, backlogs and the rules for what is
in doubt. All of them stay on one host and bind (XC-06). What becomes of a part becomes of the
message (mission 3.6): it is accepted when all parts are, and then their ids are mapped in one step;
it is refused with the first part that is, and parts that are not out yet are not sent.

A refusal of the route's ``failover`` waits for the answers to all parts that are out: only when
each of them was refused does the message go to the next target, as a whole.
"""

from __future__ import annotations

from zlib import crc32

from smppproxy.relay.submission import Submit, mapping_of
from smppproxy.routing.providers import Provider
from smppproxy.smpp.pdu import Pdu
from smppproxy.smpp.refusals import NO_REFUSAL, RefusalStatus
from smppproxy.store.interface import Mapping


class PartPdu(Pdu):
    """The octets of a part: they tell their group when they are written.

    So nobody who writes needs to know of groups, and messages without one pay nothing.
    """

    __slots__ = ("group", "part")

    def __init__(self, pdu: Pdu, group: Group, part: Part) -> None:
        super().__init__(pdu.command_id, 0, pdu.sequence_number, pdu.raw)
        self.group = group
        self.part = part

    def resequenced(self, sequence_number: int) -> bytes:
        """See :meth:`Pdu.resequenced`."""
        self.group.sent = True
        self.group.flying.add(self.part)
        return super().resequenced(sequence_number)


class Part(Submit):
    """One submit_sm of a message that takes several.

    Its ``pdu`` and ``number`` are the message's: the way back is the same for each of them.
    """

    __slots__ = ("_settled", "part_number")

    def __init__(self, group: Group, out: Pdu, part: int, affinity: int) -> None:
        message = group.message
        super().__init__(
            message.client,
            message.account,
            message.pdu,
            message.offsets,
            message.pick,
            message.number,
            message.arrived,
            affinity,
        )
        self.targets = (group.provider.name,)
        self.attempts = message.attempts
        self.out = PartPdu(out, group, self)
        self.group = group
        self.message_class = message.message_class
        self.part_number = part

    @property
    def settled(self) -> bool:
        """A part is settled with its message too, whatever copy of that was answered."""
        return self._settled or (self.group is not None and self.group.message.settled)

    @settled.setter
    def settled(self, settled: bool) -> None:
        self._settled = settled

    @property
    def part(self) -> int:
        """See :attr:`Submit.part`."""
        return self.part_number


class Group:
    """The parts of a message, and what came of them so far.

    :ivar message: what the client sent; it is settled when it is answered.
    :ivar out: how many parts were accepted.
    :ivar sent: a part was written.
    :ivar flying: parts that are written and not answered.
    :ivar verdict: what a part was refused with that may go to the next target, see above.
    """

    def __init__(self, message: Submit, provider: Provider, pdus: list[Pdu]) -> None:
        self.message = message
        self.provider = provider
        affinity = message.affinity
        if affinity < 0:
            affinity = crc32(message.account.key, message.number & 0xFFFFFFFF)
        self.parts = [Part(self, pdu, at, affinity) for at, pdu in enumerate(pdus, 1)]
        self.out = 0
        self.sent = False
        self.flying: set[Submit] = set()
        self.verdict = NO_REFUSAL
        self._began = 0.0
        self._keys: list[tuple[Part, bytes]] = []

    def accept(self, part: Submit, key: bytes, began: float) -> list[Mapping] | None:
        """Note an accepted part, ``key`` b"" without an id; the maps of all with the last one.

        A provider may give an id for one part only (XC-08): its receipt is the message's.
        """
        part.settled = True
        self.flying.discard(part)
        self.out += 1
        self._began = began
        if key:
            # A Part is what the journey hands out for this group, and only that comes back.
            self._keys.append((self.parts[part.part - 1], key))
        if self.out < len(self.parts):
            return None
        self.message.settled = True
        count = len(self._keys)
        if count < len(self.parts):
            for number, (each, _) in enumerate(self._keys, 1):
                each.part_number = number
        to = self.provider
        maps = [mapping_of(each, key, began, to, None, count) for each, key in self._keys]
        self._taken(maps)
        return maps

    def _taken(self, maps: list[Mapping]) -> None:
        """What its parts were given is what the message was given."""
        taken = [part.taken for part in self.parts if part.taken is not None]
        if taken:
            ids = b"\0".join([provider_message_id for _, provider_message_id, _ in taken])
            self.message.taken = (taken[-1][0], ids, maps[0].origin if maps else b"")

    def refuse(self, part: Submit, verdict: RefusalStatus) -> None:
        """A part is refused: what is not out yet is not sent; the answers to the others decide."""
        self.verdict = self.verdict or verdict
        self.flying.discard(part)
        for each in self.parts:
            if each not in self.flying:
                each.settled = True

    @property
    def free(self) -> bool:
        """Whether no part was taken, nor can have been."""
        before = self.message.attempts
        return not (
            self.out or self.flying or any(each.attempts > before for each in self.parts)
        )

    def end(self) -> bool:
        """The message is answered without all its parts: no part is sent any more.

        False when it was answered before.
        """
        if self.message.settled:
            return False
        self.message.settled = True
        for part in self.parts:
            part.settled = True
        return True

    def dissolve(self) -> Submit:
        """The message again, for another provider: no part of it was sent."""
        for part in self.parts:
            part.settled = True
        return self.message

    def unasked(self) -> list[Mapping]:
        """Maps of the parts that were accepted in vain: their receipts are known, not passed on."""
        keys, self._keys = self._keys, []
        return [mapping_of(part, key, self._began, self.provider, 0) for part, key in keys]


def whole(submit: Submit) -> Submit:
    """The message that this is the only submit_sm of, or an unsent part of; else the part itself.

    A message of which no part was sent may go elsewhere as a whole; its parts are gone then.
    """
    group = submit.group
    return submit if group is None or group.sent else group.dissolve()
