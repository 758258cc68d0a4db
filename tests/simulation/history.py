"""What happened in a schedule, as both ends saw it, and what must be true of it afterwards."""

from __future__ import annotations

from collections import Counter

import attrs

from smppproxy.smpp import constants as c
from tests.support.memory_peers import FakeClient, FakeUpstream

PASSING = b"ENROUTE"
FINALS = (b"DELIVRD", b"DELIVRD", b"DELIVRD", b"UNDELIV", b"REJECTD")


class PromiseBroken(AssertionError):
    """A promise does not hold."""


def require(holds: object, promise: str, *facts: object) -> None:
    """Fail with the promise's number and the facts unless it holds."""
    if not holds:
        raise PromiseBroken(f"{promise}: {', '.join(map(repr, facts))}")


@attrs.define(eq=False)
class Message:
    """A submit_sm of a client.

    :ivar silent: a copy of it was not answered in time, or its bind was lost.
    :ivar accepted: what providers accepted of it: whose, and which octets.
    :ivar out: submit_sm of it that a host holds and has not answered.
    :ivar ended: the turn in which its client took the first of them.
    :ivar finals: the words of final receipts its client took, and how often.
    """

    number: int
    account: str
    node: str
    session: FakeClient
    sequence_number: int
    destination: bytes
    part: int
    wants: int
    may_resend: bool
    status: int | None = None
    client_message_id: bytes = b""
    silent: bool = False
    seen: bool = False
    accepted: list[tuple[str, bytes]] = attrs.field(factory=list)
    ids: list[tuple[str, bytes]] = attrs.field(factory=list)
    said: set[bytes] = attrs.field(factory=set)
    finals: list[bytes] = attrs.field(factory=list)
    ended: int = 0
    given_up: bool = False

    def __repr__(self) -> str:
        return f"<message {self.number} of {self.account}>"

    @property
    def copies(self) -> int:
        """How many whole copies providers have at most."""
        if not self.accepted:
            return 0
        providers = {name for name, _ in self.accepted}
        return max(Counter(self.accepted).values()) + len(providers) - 1


@attrs.define(eq=False)
class Owed:
    """A receipt that a provider has to bring.

    :ivar on: the bind that it went out on and was not answered on.
    :ivar taken: it was answered with OK.
    """

    message: Message
    provider: str
    message_id: bytes
    stat: bytes
    reference: bytes
    on: FakeUpstream | None = None
    taken: bool = False


@attrs.define(eq=False)
class Written:
    """A message that a person wrote.

    :ivar got: by account, how many copies clients took.
    :ivar given_up: accounts whose client refused it for good.
    """

    text: bytes
    provider: str
    number: bytes
    owners: tuple[str, ...]
    on: FakeUpstream | None = None
    taken: bool = False
    got: Counter[str] = attrs.field(factory=Counter)
    given_up: set[str] = attrs.field(factory=set)


@attrs.define(eq=False)
class Smsc:
    """What one provider knows."""

    name: str
    serial: int = 0
    owed: list[Owed] = attrs.field(factory=list)
    written: list[Written] = attrs.field(factory=list)
    out: dict[tuple[FakeUpstream, int], Owed | Written] = attrs.field(factory=dict)
    given_up: set[tuple[FakeUpstream, int]] = attrs.field(factory=set)

    def lose(self, upstream: FakeUpstream) -> None:
        """What was not answered there goes out again elsewhere."""
        for key in [key for key in self.out if key[0] is upstream]:
            self.out.pop(key).on = None

    def give_up(self) -> None:
        """Nothing was answered for too long: all goes out again, on any bind."""
        for key, item in self.out.items():
            item.on = None
            self.given_up.add(key)
        self.out.clear()

    def answered(self, upstream: FakeUpstream, sequence_number: int, status: int) -> None:
        """A deliver_sm_resp came."""
        item = self.out.pop((upstream, sequence_number), None)
        if item is None:
            late = (upstream, sequence_number) in self.given_up
            require(late, "an answer to nothing", upstream.name, sequence_number)
            self.given_up.discard((upstream, sequence_number))
            return
        item.on = None
        if status == 0:
            item.taken = True
        elif isinstance(item, Written) and status == c.ESME_RINVDSTADR:
            require(not item.owners, "M2", item)
            item.taken = True


class History:
    """Everything so far.

    :ivar turn: how often everybody has read all there was.
    """

    def __init__(self) -> None:
        self.messages: dict[tuple[bytes, int], Message] = {}
        self.by_destination: dict[bytes, list[Message]] = {}
        self.written: dict[bytes, Written] = {}
        self.turn = 1
        self.early: list[tuple[Message, FakeClient]] = []
        self.ids: dict[tuple[str, bytes], Message] = {}

    def add(self, message: Message) -> None:
        """A client sent a submit_sm."""
        self.messages[message.destination, message.part] = message
        self.by_destination.setdefault(message.destination, []).append(message)

    def answered(self, message: Message, status: int, message_id: bytes) -> None:
        """The client reads its submit_sm_resp."""
        require(message.status is None, "P1: answered once", message)
        message.status, message.client_message_id = status, message_id
        if status == 0:
            require(message.accepted, "P1: OK without a provider's", message)
            require(message_id, "P1: OK with an id", message)
            known = self.ids.setdefault((message.account, message_id), message)
            require(known is message, "D8: one id, one message", message, known)

    def receipt_of(
        self, account: str, destination: bytes, message_id: bytes, stat: bytes
    ) -> Message:
        """The message a receipt is about that a client of this account reads."""
        messages = self.by_destination.get(destination, [])
        require(messages, "D7: a receipt for nothing", destination)
        require(
            {each.account for each in messages} == {account}, "D7: whose receipt", messages, account
        )
        message = self.ids.get((account, message_id))
        if message is None or message not in messages:
            unknown = [each for each in messages if not each.client_message_id]
            require(unknown, "D8: an id that was never given", messages, message_id)
            message = next((each for each in unknown if stat in each.said), unknown[0])
        elif stat not in message.said:
            require(message.part or message.copies > 1, "a receipt nobody sent", message, stat)
        if stat != PASSING:
            wanted = message.wants & 3
            require(wanted, "XC-10: nobody asked", message)
            require(wanted == 1 or stat != b"DELIVRD", "XC-10: success not asked", message)
        else:
            require(message.wants & 0x10, "XC-10: no intermediate asked", message)
            done = 0 < message.ended < self.turn and message.copies < 2 and not message.part
            require(not done, "D9: intermediate after final", message)
        return message
