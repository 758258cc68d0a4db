"""Reads the histories of both ends and says which promises were not kept.

Sentences name what is wrong; none means that every promise was kept.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from smppproxy.smpp.constants import ESME_RMSGQFUL, ESME_RSYSERR, ESME_RTHROTTLED
from tests.chaos.events import Line, lines_of

NOT_SENT = frozenset({ESME_RSYSERR, ESME_RMSGQFUL, ESME_RTHROTTLED})
"""What the node refuses with before it sends anything (P2); the providers use other codes."""
DIGITS = 8
"""At the end of a destination: the message's number."""
SHOWN = 5


@attrs.define(eq=False)
class Taken:
    """What providers did with the message to a destination."""

    ids: list[str] = attrs.field(factory=list)
    providers: set[str] = attrs.field(factory=set)


@attrs.define(eq=False)
class ClientStory:
    """What one client did and heard.

    :ivar accepted: number -> message_id; :ivar refused: number -> command_status.
    :ivar given_up: numbers that had no answer.
    :ivar receipts: (destination, message_id) -> final receipts that came.
    :ivar early: numbers whose receipt came before the answer, in the same session.
    """

    name: str
    prefix: str
    submitted: int = 0
    accepted: dict[int, str] = attrs.field(factory=dict)
    refused: dict[int, int] = attrs.field(factory=dict)
    given_up: set[int] = attrs.field(factory=set)
    receipts: Counter[tuple[str, str]] = attrs.field(factory=Counter)
    early: list[int] = attrs.field(factory=list)
    _first: dict[str, str] = attrs.field(factory=dict)

    def read(self, lines: Iterable[Line]) -> ClientStory:
        """Take in a history."""
        for line in lines:
            take = getattr(self, "_take_" + line[0], None)
            if take is not None:
                take(*line[1:])
        return self

    def _take_S(self, first: str, count: str, session: str, at: str) -> None:
        self.submitted = int(first) + int(count)

    def _take_A(self, number: str, status: str, told: str, session: str, at: str) -> None:
        which = int(number)
        self.given_up.discard(which)
        if status != "0":
            self.refused[which] = int(status)
            return
        self.accepted[which] = told
        if self._first.get(told) == session:
            self.early.append(which)

    def _take_L(self, number: str, at: str) -> None:
        self.given_up.add(int(number))

    def _take_R(self, to: str, told: str, stat: str, session: str, at: str) -> None:
        self.receipts[to, told] += 1
        self._first.setdefault(told, session)

    def number_of(self, to: str) -> int:
        """Which message of ours went there, -1 if none."""
        if not to.startswith(self.prefix) or len(to) != len(self.prefix) + DIGITS:
            return -1
        return int(to[-DIGITS:])

    def address_of(self, number: int) -> str:
        """Where a message went."""
        return f"{self.prefix}{number:0{DIGITS}}"


@attrs.define
class Verdict:
    """:ivar complaints: promises that were not kept; :ivar figures: what was counted."""

    complaints: list[str] = attrs.field(factory=list)
    figures: dict[str, Any] = attrs.field(factory=dict)

    def blame(self, what: str, examples: Iterable[str]) -> None:
        """So many of these are wrong; nothing to say of none."""
        found = list(examples)
        self.figures[what] = len(found)
        if found:
            more = " ..." if len(found) > SHOWN else ""
            self.complaints.append(f"{len(found)} {what}: {', '.join(found[:SHOWN])}{more}")


def taken_by(histories: Mapping[str, Path]) -> dict[str, Taken]:
    """Destination -> what providers did with it."""
    found: defaultdict[str, Taken] = defaultdict(Taken)
    for provider, path in histories.items():
        for line in lines_of(path):
            if line[0] == "P":
                taken = found[line[1]]
                taken.ids.append(line[2])
                taken.providers.add(provider)
    return found


def check(clients: Iterable[ClientStory], taken: Mapping[str, Taken]) -> Verdict:
    """Compare both ends."""
    verdict = Verdict()
    stories = list(clients)
    if not any(one.accepted for one in stories):
        verdict.complaints.append("no message was accepted: nothing was tried")
    owners = {told: one for one in stories for told in one.accepted.values()}
    verdict.figures |= {
        "submitted": sum(one.submitted for one in stories),
        "accepted": sum(len(one.accepted) for one in stories),
        "refused": sum(len(one.refused) for one in stories),
        "unanswered": sum(len(one.given_up) for one in stories),
        "receipts": sum(sum(one.receipts.values()) for one in stories),
        "repeated receipts": sum(n - 1 for one in stories for n in one.receipts.values()),
        "second copies": sum(len(each.ids) - 1 for each in taken.values()),
        "of them at another provider": sum(len(each.providers) > 1 for each in taken.values()),
    }
    verdict.blame("accepted without a receipt", _each(stories, _without))
    verdict.blame("accepted, yet at no provider", (
        to for one in stories for to in map(one.address_of, one.accepted) if to not in taken
    ))
    verdict.blame("receipts of somebody else's message", (
        f"{to} {told} to {one.name}" for one in stories for to, told in one.receipts
        if one.number_of(to) < 0 or owners.get(told, one) is not one
    ))
    verdict.blame("receipts under an id that was not given", _each(stories, _strange))
    verdict.blame("answered after their receipt in one session", (
        one.address_of(number) for one in stories for number in one.early
    ))
    verdict.blame("ids given twice", (
        told for one in stories for told, n in Counter(one.accepted.values()).items() if n > 1
    ))
    verdict.blame("at providers more than twice", (
        to for to, each in taken.items() if len(each.ids) > 2
    ))
    verdict.blame("refused by the node, yet at a provider", (
        f"{one.address_of(number)} {status:#x}" for one in stories
        for number, status in one.refused.items()
        if status in NOT_SENT and one.address_of(number) in taken
    ))
    return verdict


def _each(stories: Iterable[ClientStory], wrong: Any) -> Iterable[str]:
    for one in stories:
        yield from wrong(one)


def _without(one: ClientStory) -> Iterable[str]:
    for number, told in one.accepted.items():
        if not one.receipts[one.address_of(number), told]:
            yield f"{one.address_of(number)} {told}"


def _strange(one: ClientStory) -> Iterable[str]:
    """A receipt of a message whose answer was lost names an id that was never heard of (P6)."""
    for to, told in one.receipts:
        number = one.number_of(to)
        if number >= 0 and one.accepted.get(number) != told and number not in one.given_up:
            yield f"{to} {told} to {one.name}"
